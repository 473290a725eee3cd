"""Compositing of a scene: layers for the hand, the post, the string, the ball, distractors and the shadow, in front of
the backdrop."""

import math

import numpy as np
import torch
from torch import Tensor

from trajvlm.data.cameras.camera import magnification, project
from trajvlm.data.clip import Picture
from trajvlm.data.motions.families import MOTIONS
from trajvlm.data.rendered.backdrop import draw_backdrop, pale
from trajvlm.data.rendered.room import draw_room, room_colour, shaded
from trajvlm.data.rendered.scene import Scene

_SKIN = np.array([[0.93, 0.76, 0.65], [0.78, 0.57, 0.44], [0.55, 0.38, 0.28], [0.33, 0.22, 0.16]])

_BLURRED_PX = 2.0
"""Width of an outline in filmed scenes: what stands before the path is out of focus."""
_SHADED_PX = 3.0
"""Width of a post in pixels from which on it is shaded as a round one."""

_Window = tuple[slice, slice, slice]
"""Frames, rows and columns outside of which a layer is empty."""
_WHOLE = (slice(None), slice(None), slice(None))
_Layer = tuple[_Window, Tensor, np.ndarray, Tensor | None]
"""Window; coverage (F, h, w) of its pixels, 0 to 1; colour (3,); brightness (F, h, w), 0 to 1, or None for 1."""


def scene_backdrop(scene: Scene, size: int) -> Tensor:
    """The backdrop (3, size, size) in [0, 1] that belongs to a scene."""
    draw = draw_room if scene.filmed else draw_backdrop
    return draw(scene.backdrop_seed, scene.nuisances.texture, scene.nuisances.distractors, size)


def compose(scene: Scene, picture: Picture, coverage: Tensor, lit: Tensor, backdrop: Tensor) -> Tensor:
    """Composite a scene as an ideal camera would see it: (3, T, H, W) in [0, 1].

    Args:
        coverage: (T, H, W) share of each pixel that the ball covers.
        lit: (T, H, W) coverage times brightness.
        backdrop: (3, H, W) in [0, 1].
    """
    strength = scene.nuisances
    layers = _Layers(scene, picture)
    post = layers.post() if strength.occlusion else None
    if post is not None:
        beside = 1 - post[1]
        coverage, lit = coverage * beside, lit * beside
    # Front to back: each layer gets the share of a pixel that those before it leave free, computed once for all colour
    # channels.
    canvas, free = _column(scene.ball) * lit, 1 - coverage
    for there, draw in (
        (strength.hand, layers.arm),
        (strength.occlusion, lambda: post),
        (strength.tether, layers.tether),
        (strength.distractors, layers.moving_distractor),
    ):
        if there and (layer := draw()) is not None:
            where, cover, colour, light = layer
            left = free[where]
            share = left * cover
            left -= share
            canvas[:, *where].addcmul_(_column(colour), share if light is None else share * light)
    if strength.shadow:
        where, dark = layers.shadow()
        left = free[where]
        left *= 1 - dark
    return canvas.addcmul_(backdrop[:, None], free)


class _Layers:
    """The layers of one scene. Each has a random generator of its own, so that one nuisance does not change another."""

    def __init__(self, scene: Scene, picture: Picture):
        self.scene, self.size = scene, picture.size
        self.strength = scene.nuisances
        self.soft = _BLURRED_PX if scene.filmed else 1.0
        self.times = picture.times
        positions = MOTIONS[scene.family].positions(scene.path, self.times)
        self.positions = positions
        self.centre = project(positions, scene.focal)
        self.radius = scene.radius * magnification(positions, scene.focal)
        axis = (torch.arange(picture.size) + 0.5) * (2 / picture.size) - 1
        self.u, self.v = axis[None, None, :], -axis[None, :, None]

    def _rng(self, number: int) -> np.random.Generator:
        return np.random.default_rng([self.scene.nuisance_seed, number])

    def _window_around(self, uv: np.ndarray, reach: np.ndarray | float) -> tuple[_Window, Tensor, Tensor]:
        """Window, in all frames, of the pixels within `reach` (2,) of positions (N, 2) plus half a pixel, and
        its u (1, 1, w) and v (1, h, 1)."""
        (left, bottom), (right, top) = (uv.min(axis=0) - reach).tolist(), (uv.max(axis=0) + reach).tolist()
        columns, rows = self._pixel_range(left, right), self._pixel_range(-top, -bottom)
        return (slice(None), rows, columns), self.u[..., columns], self.v[:, rows]

    def _pixel_range(self, low: float, high: float) -> slice:
        """Indices of the pixels whose centres lie from `low` to `high`, from -1 to 1, plus half a pixel."""
        first = math.floor((low + 1) * self.size / 2 - 0.5)
        last = math.ceil((high + 1) * self.size / 2 + 0.5)
        return slice(max(first, 0), max(last, 0))

    def shadow(self) -> tuple[_Window, Tensor]:
        """A soft ellipse on a level floor below the path: its window, and its darkness there from 0 to 1."""
        rng = self._rng(0)
        floor = self.positions[:, 1].min() - self.scene.radius * rng.uniform(1.0, 2.5)
        on_floor = np.stack([self.positions[:, 0], np.full(len(self.times), floor), self.positions[:, 2]], axis=1)
        spot, flat = project(on_floor, self.scene.focal), rng.uniform(0.25, 0.5)
        # At two radii from the centre the darkness is below 1e-5.
        where, u, v = self._window_around(spot, 2 * 1.2 * self.radius.max() * np.array([1, flat]))
        radius = _frames(self.radius) * 1.2
        along = (2 * (u - _frames(spot[:, 0])) / radius).square()
        across = (2 * (v - _frames(spot[:, 1])) / (radius * flat)).square()
        # Clamped, as a sigmoid that underflows takes much longer.
        return where, (4 - along - across).clamp_min_(-40).sigmoid_().mul_(0.7 * self.strength.shadow)

    def moving_distractor(self) -> _Layer:
        """A distractor that sways a little, as branches, a person or a curtain do."""
        rng = self._rng(1)
        place, sway = rng.uniform(-0.9, 0.9, 2), rng.uniform(-0.15, 0.15, 2)
        w, h = 0.05 + self.strength.distractors * rng.uniform(0.0, 0.2, 2)
        swing = np.sin(2 * np.pi * (rng.uniform(0.2, 1.2) * self.times + rng.uniform()))[:, None] * sway
        middle, thin = place + swing, min(w, h)
        # The outline is one pixel wide along the shorter axis, and wider along the other.
        where, u, v = self._window_around(middle, np.array([w, h]) * (1 + 1 / (thin * self.size)))
        du, dv = (u - _frames(middle[:, 0])) * (thin / w), (v - _frames(middle[:, 1])) * (thin / h)
        cover = self._coverage((du.square() + dv.square()).sqrt_(), thin)
        # Fainter than the ball, or it would be unclear which of the two is meant.
        return where, cover.mul_(0.8 * self.strength.distractors), self._colour(rng), None

    def tether(self) -> _Layer:
        """A string or a rod from the ball to a fixed place above it."""
        rng = self._rng(4)
        fixed = self.centre.mean(axis=0) + (rng.normal(0, 0.3), 0)
        fixed[1] = self.centre[:, 1].max() + rng.uniform(0.2, 1.5)
        half = 0.04 * self.strength.tether * rng.uniform(0.1, 1.0)
        where, u, v = self._window_around(np.concatenate([self.centre, fixed[None]]), half)
        du, dv = u - _frames(self.centre[:, 0]), v - _frames(self.centre[:, 1])
        lu, lv = (_frames(fixed[k] - self.centre[:, k]) for k in range(2))
        square = lu * lu + lv * lv
        along = (du * (lu / square) + dv * (lv / square)).clamp_(0, 1)
        # Thinner than a pixel, it covers only a part of it.
        cover = self._coverage(_distance(du, dv, along, lu, lv), half).mul_(min(1.0, 0.3 + half * self.size))
        return where, cover, self._colour(rng), None

    def post(self) -> _Layer:
        """A straight post that stands in front of the path somewhere."""
        rng = self._rng(2)
        behind = rng.integers(1, len(self.times))
        at, (du, dv) = self.centre[behind], self.centre[behind] - self.centre[behind - 1]
        # Roughly across the path: along it the post would hide all of the motion.
        angle = np.arctan2(dv, du) + rng.normal(0, 0.4)
        if self.scene.filmed:
            # Posts, door frames and table edges are nearly vertical or horizontal.
            angle = np.rint(angle / (np.pi / 2)) * (np.pi / 2) + rng.normal(0, 0.05)
        half = 3 * self.scene.radius * self.strength.occlusion * rng.uniform(0.5, 1.0)
        across = (self.u - at[0]) * np.cos(angle) + (self.v - at[1]) * np.sin(angle)
        colour, light = self._colour(rng), None
        if self.scene.filmed and half * self.size > _SHADED_PX:
            light = shaded(across - half * rng.uniform(-0.6, 0.6), 1.6 * half)
        return _WHOLE, self._coverage(across.abs_(), half, self.soft), colour, light

    def arm(self) -> _Layer:
        """An arm from outside the picture that held the ball at the first frame and draws back."""
        rng = self._rng(3)
        strength = self.strength.hand
        velocity = self.centre[1] - self.centre[0]
        # Roughly from where the ball comes from.
        angle = np.arctan2(-velocity[1], -velocity[0]) + rng.normal(0, 0.7)
        direction = np.array([np.cos(angle), np.sin(angle)])
        width = self.radius[0] * (0.5 + strength * rng.uniform(0, 0.8))
        gone = 0.05 + 0.5 * strength * rng.uniform()
        back = self.radius[0] * 0.8 + 2.5 * np.clip(self.times / gone, 0, None) ** 2 * (self.times > 0)
        # Only frames in which it can be seen: the pixel furthest from the ball's first position is the opposite corner.
        corner = np.sqrt(2) + np.linalg.norm(self.centre[0])
        there = np.count_nonzero(back < corner + width + 1 / self.size)
        tip = self.centre[0] + back[:there, None] * direction
        du, dv = self.u - _frames(tip[:, 0]), self.v - _frames(tip[:, 1])
        along = (du * direction[0] + dv * direction[1]).clamp_min_(0)
        skin = _SKIN[rng.integers(len(_SKIN))] * rng.uniform(0.8, 1.1)
        away = _distance(du, dv, along, *torch.from_numpy(direction).float())
        light = None
        if self.scene.filmed:
            # In 60 % there is a sleeve behind the wrist.
            sleeve = (along > 3 * width).float() * (rng.random() < 0.6)
            light = shaded(away, 1.2 * width) * (1 - sleeve * rng.uniform(0.2, 0.9))
        cover = self._coverage(away, width, self.soft)
        return (slice(there), slice(None), slice(None)), cover, np.clip(skin, 0, 1), light

    def _colour(self, rng: np.random.Generator) -> np.ndarray:
        """(3,) random colour of a distractor, post or string."""
        return room_colour(rng) if self.scene.filmed else pale(rng.uniform(0.02, 0.98, size=3), rng)

    def _coverage(self, away: Tensor, half: float, soft: float = 1.0) -> Tensor:
        """Share of each pixel that lies within `half` of a centre line, from its distance `away`.

        Modifies `away` in place.

        Args:
            soft: width of the outline in pixels.
        """
        return away.mul_(-self.size / 2 / soft).add_(half * self.size / 2 / soft + 0.5).clamp_(0, 1)


def _distance(du: Tensor, dv: Tensor, along: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """(F, H, W) length of (du, dv) - along * (u, v), with du (F, 1, W), dv (F, H, 1) and along (F, H, W)."""
    across_u, across_v = torch.addcmul(du, along, u, value=-1), torch.addcmul(dv, along, v, value=-1)
    return across_u.square_().add_(across_v.square_()).sqrt_()


def _column(colour: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(colour, dtype=np.float32))[:, None, None, None]


def _frames(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float32))[:, None, None]
