"""Pictures of worlds, and their truth: the moving layer.

The layer is what a viewer would cut out: coverage and brightness of every opaque thing that moves (movers, arms, rods,
what sways in the background), at the time of each frame even where the camera drops it. Shadows, light, noise, the
camera's shaking and all that stands still are not in it. Where something that stands still hides a mover, the layer
shows it all the same if it is gone for three frames at most.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from trajvlm.data.clip import CANONICAL, Picture
from trajvlm.data.rendered.backdrop import draw_backdrop, pale
from trajvlm.data.rendered.room import draw_room, room_colour, shaded
from trajvlm.data.rendered.sensor import exposure, record
from trajvlm.data.rendered.shapes import REACH
from trajvlm.data.rendered.world import Arm, Mover, Rod, World

_BLUR_STEPS = 4
_LONGEST_SHUTTER = 0.8
_FILLED = 3
"""Frames in a row of a mover that something hides which the layer shows all the same."""
_HIDDEN = 0.5
"""Share of its area from which on a mover counts as hidden."""
_RETREAT = 75.0
"""How fast an arm draws back: so many half widths times the square of the clip time since it has let go."""


@dataclass(frozen=True)
class Drawn:
    """One thing, drawn by itself."""

    cover: Tensor
    """(T, H, W) share of each pixel that it covers."""
    colour: np.ndarray
    """(3,)."""
    light: Tensor | None = None
    """(T, H, W) how bright it is there, or None for evenly 1."""
    moves: bool = True


def draw(world: World, picture: Picture = CANONICAL) -> tuple[Tensor, Tensor]:
    """A world as the camera records it, (3, T, H, W) in [0, 1], and its moving layer, (2, T, H, W) in [0, 1].

    The layer's second channel, brightness (the mean of red, green and blue, exposed as most frames are), is 0 where the
    first, coverage, is 0.
    """
    backdrop = (draw_room if world.filmed else draw_backdrop)(
        world.backdrop_seed, world.nuisances.texture, world.nuisances.distractors, picture.size
    )
    things, post = _things(world, picture)
    canvas, free = _seen(([post] if post else []) + things, picture)
    for dark in _shadows(world, picture):
        free = free * (1 - dark)
    video = record(canvas.addcmul_(backdrop[:, None], free), world.nuisances, world.nuisance_seed, world.filmed)
    return video, _layer(world, things, post, picture)


def _things(world: World, picture: Picture) -> tuple[list[Drawn], Drawn | None]:
    """Everything before the backdrop, from the front to the back, and the post that stands before all of it."""
    canvas = _Canvas(world, picture)
    movers = [canvas.mover(mover, k) for k, mover in enumerate(world.movers)]
    arms = [(arm.in_front, canvas.arm(arm)) for arm in world.arms]
    things = [drawn for in_front, drawn in arms if in_front] + movers
    things += [canvas.rod(rod) for rod in world.rods] + [drawn for in_front, drawn in arms if not in_front]
    things += [canvas.mover(mover, 10 + k) for k, mover in enumerate(world.swaying)]
    post = canvas.post() if world.nuisances.occlusion and world.movers else None
    return things, post


def _seen(things: list[Drawn], picture: Picture) -> tuple[Tensor, Tensor]:
    """Things over each other: their light (3, T, H, W), and the share of each pixel that they leave free (T, H, W)."""
    shape = picture.frames, picture.size, picture.size
    canvas, free = torch.zeros(3, *shape), torch.ones(shape)
    for thing in things:
        share = free * thing.cover
        free = free - share
        lit = share if thing.light is None else share * thing.light
        canvas.addcmul_(_column(thing.colour), lit)
    return canvas, free


def _layer(world: World, things: list[Drawn], post: Drawn | None, picture: Picture) -> Tensor:
    moving = [thing for thing in things if thing.moves]
    if post is not None:
        moving = [Drawn(_without_long_gaps(t.cover, post.cover), t.colour, t.light) for t in moving]
    canvas, free = _seen(moving, picture)
    coverage = 1 - free
    brightness = canvas.mean(dim=0) / coverage.clamp_min(1e-6)
    if world.nuisances.exposure:
        gain, gamma = exposure(world.nuisances.exposure, world.nuisance_seed, picture.frames)
        brightness = (brightness * float(np.median(gain))).clamp(1e-12, 1) ** gamma
    return torch.stack([coverage, brightness.clamp(0, 1) * (coverage > 0)]).clamp_(0, 1)


def _without_long_gaps(cover: Tensor, post: Tensor) -> Tensor:
    """Coverage (T, H, W) of a thing, without what a post hides of it where it is hidden for long."""
    area, left = cover.sum(dim=(1, 2)), (cover * (1 - post)).sum(dim=(1, 2))
    hidden = ((left < (1 - _HIDDEN) * area) & (area > 0)).tolist()
    long = torch.zeros(len(hidden), dtype=torch.bool)
    start = 0
    for k in range(len(hidden) + 1):
        if k < len(hidden) and hidden[k]:
            continue
        # At the clip's ends nobody can say how long it had been hidden, or will be.
        if k - start > _FILLED or (k > start and (start == 0 or k == len(hidden))):
            long[start:k] = True
        start = k + 1
    if not long.any():
        return cover
    return torch.where(long[:, None, None], cover * (1 - post), cover)


def _shadows(world: World, picture: Picture) -> list[Tensor]:
    """Soft ellipses on a floor below each mover: how dark they are, (T, H, W)."""
    if not world.nuisances.shadow:
        return []
    canvas = _Canvas(world, picture)
    return [canvas.shadow(mover, k) for k, mover in enumerate(world.movers)]


class _Canvas:
    """Draws the things of one world, each from a generator of its own: one does not move another."""

    def __init__(self, world: World, picture: Picture):
        self.world, self.frames, self.size, self.times = world, picture.frames, picture.size, picture.times
        self.soft = 2.0 if world.filmed else 1.0
        axis = (torch.arange(picture.size) + 0.5) * (2 / picture.size) - 1
        self.u, self.v = axis[None, None, :], -axis[None, :, None]

    def _rng(self, number: int) -> np.random.Generator:
        return np.random.default_rng([self.world.nuisance_seed, number])

    def _where(self, mover: Mover, number: int, times: np.ndarray) -> np.ndarray:
        """(..., T, 4) u, v, radius, turn, with each frame's own error of the place."""
        found = mover.at(times)
        spread = math.hypot(mover.jitter, 0.02 * self.world.nuisances.jitter)
        if spread:
            found[..., :2] += spread * self._rng(100 + number).normal(size=(self.frames, 2))
        return found

    def mover(self, mover: Mover, number: int) -> Drawn:
        """A shape with its surface and light, the mean over the shutter's time."""
        steps, share = (_BLUR_STEPS, self.world.nuisances.blur) if self.world.nuisances.blur else (1, 0.0)
        offsets = ((np.arange(steps) + 0.5) / steps - 0.5) / (self.frames - 1) * _LONGEST_SHUTTER * share
        at = self._where(mover, number, np.clip(self.times + offsets[:, None], 0, 1)).astype(np.float32)
        u, v, radius, turn = at.transpose(2, 0, 1)
        half = math.ceil(radius.max() * self.size / 2 * 1.05) + 2
        rows, columns = (
            _window((1 - v) * (self.size / 2), half, self.size),
            _window((u + 1) * (self.size / 2), half, self.size),
        )
        axis = (np.arange(self.size, dtype=np.float32) + 0.5) * (2 / self.size) - 1
        # (S, T, h, w), in units of the radius, not turned.
        x = torch.from_numpy((axis[columns] - u[..., None]) / radius[..., None])[..., None, :]
        y = torch.from_numpy((-axis[rows] - v[..., None]) / radius[..., None])[..., :, None]
        cos, sin = (torch.from_numpy(f(turn))[..., None, None] for f in (np.cos, np.sin))
        places = torch.stack([cos * x + sin * y, sin * x - cos * y], dim=-1) / REACH
        grids = torch.from_numpy(np.stack([mover.shape.distance, mover.albedo]))[None]
        read = F.grid_sample(grids, places.flatten(0, 2)[None], padding_mode="border", align_corners=False)[0]
        distance, albedo = read.view(2, *places.shape[:-1])
        # Beyond the grid's edge the distance goes on rising.
        distance = distance + (places.abs().amax(dim=-1) - 1).clamp_min(0) * REACH
        pixels = torch.from_numpy(radius * self.size / 2)[..., None, None]
        cover = (0.5 - distance * pixels).clamp(0, 1)
        lit = cover * albedo
        if mover.light is not None:
            lx, ly, lz = mover.light.tolist()
            up = (1 - x.square() - y.square()).clamp_min(0.04).sqrt()
            lit = lit * (mover.ambient + (1 - mover.ambient) * (lx * x + ly * y + lz * up).clamp(0, 1))
        cover, lit = (self._laid(part.mean(dim=0), rows, columns) for part in (cover, lit))
        return Drawn(cover, mover.colour, lit / cover.clamp_min(1e-6))

    def _laid(self, part: Tensor, rows: np.ndarray, columns: np.ndarray) -> Tensor:
        """Windows (T, h, w) on an empty picture (T, H, W)."""
        whole = np.zeros(self.frames * self.size * self.size, dtype=np.float32)
        pixels = (np.arange(self.frames)[:, None, None] * self.size + rows[:, :, None]) * self.size + columns[
            :, None, :
        ]
        whole[pixels] = part.numpy()
        return torch.from_numpy(whole).view(self.frames, self.size, self.size)

    def rod(self, rod: Rod) -> Drawn:
        mover = self.world.movers[rod.mover]
        ends = self._where(mover, rod.mover, self.times)[:, :2]
        away = self._from_segments(ends, np.broadcast_to(np.array(rod.pivot), ends.shape))
        cover = self._covered(away, max(rod.half_width, 0.3 / self.size)) * min(1.0, 0.3 + rod.half_width * self.size)
        return Drawn(cover, np.array(rod.colour))

    def arm(self, arm: Arm) -> Drawn:
        """A forearm with a hand at its end; it draws back when it has let go, and comes when it is to catch."""
        start, stop = arm.holds
        there = self._where(self.world.movers[arm.mover], arm.mover, np.clip(self.times, start, stop).clip(0, 1))
        direction = np.array([np.cos(arm.angle), np.sin(arm.angle)])
        since = np.maximum(start - self.times, self.times - stop).clip(0)
        back = there[:, 2] * 0.7 + _RETREAT * since**2
        tip = there[:, :2] + back[:, None] * direction
        away = self._from_segments(tip, tip + 4 * direction)
        palm = ((self.u - _frames(tip[:, 0])).square() + (self.v - _frames(tip[:, 1])).square()).sqrt()
        cover = torch.maximum(
            self._covered(away, 0.7 * arm.width, self.soft), self._covered(palm, arm.width, self.soft)
        )
        return Drawn(cover, np.array(arm.colour), shaded(away, 1.2 * arm.width))

    def post(self) -> Drawn:
        """A straight post that stands before the first mover's path somewhere."""
        rng, filmed = self._rng(2), self.world.filmed
        path = self.world.movers[0].at(self.times)
        behind = rng.integers(1, len(self.times))
        at, step = path[behind, :2], path[behind, :2] - path[behind - 1, :2]
        angle = np.arctan2(step[1], step[0]) + rng.normal(0, 0.4)
        if filmed:
            angle = np.rint(angle / (np.pi / 2)) * (np.pi / 2) + rng.normal(0, 0.05)
        half = 3 * min(path[behind, 2], 0.15) * self.world.nuisances.occlusion * rng.uniform(0.5, 1.0)
        across = (self.u - at[0]) * np.cos(angle) + (self.v - at[1]) * np.sin(angle)
        colour = room_colour(rng) if filmed else pale(rng.uniform(0.02, 0.98, size=3), rng)
        light = shaded(across - half * rng.uniform(-0.6, 0.6), 1.6 * half) if filmed and half * self.size > 3 else None
        cover = self._covered(across.abs(), half, self.soft).expand(self.frames, -1, -1)
        return Drawn(cover, colour, light, moves=False)

    def shadow(self, mover: Mover, number: int) -> Tensor:
        rng = self._rng(200 + number)
        path = self._where(mover, number, self.times)
        radius, flat = 1.2 * path[:, 2], rng.uniform(0.25, 0.5)
        floor = (path[:, 1] - path[:, 2] * rng.uniform(1.0, 2.5)).min()
        along = (2 * (self.u - _frames(path[:, 0])) / _frames(radius)).square()
        across = (2 * (self.v - floor) / _frames(radius * flat)).square()
        return (4 - along - across).clamp_min(-40).sigmoid() * (0.7 * self.world.nuisances.shadow)

    def _from_segments(self, starts: np.ndarray, ends: np.ndarray) -> Tensor:
        """(T, H, W) distance of each pixel from segments (T, 2)."""
        du, dv = self.u - _frames(starts[:, 0]), self.v - _frames(starts[:, 1])
        lu, lv = (_frames(ends[:, k] - starts[:, k]) for k in range(2))
        along = ((du * lu + dv * lv) / (lu * lu + lv * lv).clamp_min(1e-9)).clamp(0, 1)
        return ((du - along * lu).square() + (dv - along * lv).square()).sqrt()

    def _covered(self, away: Tensor, half: float, soft: float = 1.0) -> Tensor:
        """Share of each pixel within `half` of a middle it is `away` from; the outline is `soft` pixels wide."""
        return ((half - away) * (self.size / 2 / soft) + 0.5).clamp(0, 1)


def _window(middle: np.ndarray, half: int, size: int) -> np.ndarray:
    """Pixels (T, w), in order and all in the picture, from `half` before to `half` behind all of `middle` (S, T)."""
    first, last = (np.floor(end).astype(int) for end in (middle.min(axis=0) - half, middle.max(axis=0) + half))
    width = min((last - first).max() + 1, size)
    return first.clip(0, size - width)[:, None] + np.arange(width)


def _column(colour: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(colour, dtype=np.float32))[:, None, None, None]


def _frames(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float32))[:, None, None]
