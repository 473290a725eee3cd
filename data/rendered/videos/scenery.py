"""What a filmed scene is played in front of, at full resolution: walls, floors, boards, bricks, gardens, furniture.

Everything follows from a seed and is told in shares of the picture's shorter side, so a small picture of the same
scenery shows its colours. Props of the motion (a floor, a table, a ramp, a wall, what a string hangs on) stand where
the motion has them.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike

from trajvlm.data.rendered.room import room_colour

_KINDS = ("plain", "cupboard", "bricks", "grid", "board", "picture", "garden", "cloth")
_SHARES = (0.32, 0.1, 0.09, 0.1, 0.13, 0.1, 0.1, 0.06)
_SUBPIXEL = 4
"""Bits after the point in the coordinates that OpenCV is given."""


@dataclass(frozen=True, eq=False)
class Scenery:
    """One place, as it will be drawn."""

    seed: int
    width: int
    """Of the picture, in pixels."""
    height: int
    texture: float = 0.0
    """Strength, 0 to 1, with which what it is made of stands out; at 0 there is a plain wall."""
    distractors: float = 0.0
    """Strength, 0 to 1, with which things stand about in it."""
    props: tuple[tuple[str, np.ndarray], ...] = ()
    """"floor", "table", "ramp", "wall" or "pivot", and pixels (N, 2) of the picture on which it lies or begins."""
    margin: int = 0
    """Pixels that are drawn beyond each edge of the picture."""

    def draw(self, scale: float = 1.0) -> np.ndarray:
        """The picture with its margin, (H, W, 3) uint8, so many times larger."""
        return (_Painter(self, scale).paint() * 255 + 0.5).astype(np.uint8)


class _Painter:
    def __init__(self, scenery: Scenery, scale: float):
        self.scenery, self.scale = scenery, scale
        self.margin = round(scenery.margin * scale)
        self.height, self.width = (round(n * scale) + 2 * self.margin for n in (scenery.height, scenery.width))
        self.unit = min(scenery.width, scenery.height) * scale
        self.picture = np.empty((self.height, self.width, 3), np.float32)
        self.strength = 0.25 + 0.75 * scenery.texture if scenery.texture else 0.0

    def paint(self) -> np.ndarray:
        rng = np.random.default_rng([self.scenery.seed, 1])
        self.picture[:] = wall_colour(self.scenery.seed)
        kind = rng.choice(_KINDS, p=_SHARES)
        if self.strength and kind != "plain":
            getattr(self, f"_{kind}")(np.random.default_rng([self.scenery.seed, 2]))
        self._floor(np.random.default_rng([self.scenery.seed, 3]), kind)
        if self.scenery.distractors:
            self._things(np.random.default_rng([self.scenery.seed, 4]))
        self._props(np.random.default_rng([self.scenery.seed, 5]))
        self._light(np.random.default_rng([self.scenery.seed, 6]))
        return self.picture.clip(0, 1)

    def _points(self, points: np.ndarray) -> np.ndarray:
        """Pixels (N, 2) of the unscaled picture as pixels of this one."""
        return np.asarray(points, dtype=float) * self.scale + self.margin

    def _shape(self, corners: np.ndarray, colour: np.ndarray, opacity: float = 1.0) -> None:
        """A polygon (N, 2) in pixels, filled with a colour (3,) or with the part of a picture (H, W, 3) there."""
        low = np.floor(corners.min(axis=0) - 2).astype(int).clip(0)
        high = np.ceil(corners.max(axis=0) + 2).astype(int).clip(None, [self.width, self.height])
        if (high <= low).any():
            return
        mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        fixed = np.rint((corners - low - 0.5) * 2**_SUBPIXEL).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, _SUBPIXEL)
        there = self.picture[low[1] : high[1], low[0] : high[0]]
        filling = colour[low[1] : high[1], low[0] : high[0]] if np.ndim(colour) == 3 else np.asarray(colour, np.float32)
        there += (mask[..., None] * np.float32(opacity / 255)) * (filling - there)

    def _box(self, x: float, y: float, w: float, h: float, colour: np.ndarray, opacity: float = 1.0) -> None:
        """A box with its upper left corner at (x, y), in pixels."""
        self._shape(np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]]), colour, opacity)

    def _line(self, start: ArrayLike, end: ArrayLike, wide: float, colour: np.ndarray, opacity: float = 1.0) -> None:
        start, end = np.asarray(start, float), np.asarray(end, float)
        along = (end - start) / max(np.linalg.norm(end - start), 1e-9)
        aside = np.array([-along[1], along[0]]) * wide / 2
        self._shape(np.array([start + aside, end + aside, end - aside, start - aside]), colour, opacity)

    def _mottled(self, rng: np.random.Generator, cell: float, channels: int = 1) -> np.ndarray:
        """Smooth noise (H, W, channels) of unit size, with so large a grain in shares of the shorter side."""
        step = max(cell * self.unit, 2.0)
        # As many cells at every scale, so that a small picture shows the same.
        cells = [max(2, round(n / (cell * self.unit)) + 1) for n in (self.height, self.width)]
        grid = rng.normal(size=(*cells, channels)).astype(np.float32)
        if step > cell * self.unit * 1.5:
            return np.zeros((self.height, self.width, channels), np.float32)
        large = cv2.resize(grid, (self.width, self.height), interpolation=cv2.INTER_CUBIC)
        return large.reshape(self.height, self.width, channels)

    def _cupboard(self, rng: np.random.Generator) -> None:
        """Doors side by side with gaps between them, and handles."""
        wide, gap = rng.uniform(0.3, 0.8) * self.unit, max(1.0, 0.006 * self.unit)
        dark = self.picture[0, 0] * rng.uniform(0.45, 0.8)
        x = rng.uniform(-1, 0) * wide
        while x < self.width:
            self._box(x, 0, gap, self.height, dark, self.strength)
            self._box(x + gap, 0, gap, self.height, np.ones(3), 0.15 * self.strength)
            handle = 0.015 * self.unit
            y = (0.5 + rng.uniform(-0.02, 0.02)) * self.height
            self._box(x + wide - 3 * handle, y, handle, 5 * handle, room_colour(rng) * 0.6, self.strength)
            x += wide

    def _bricks(self, rng: np.random.Generator) -> None:
        high = rng.uniform(0.03, 0.07) * self.unit
        long, joint = high * rng.uniform(2.2, 3.2), max(1.0, 0.12 * high)
        base = np.array([0.48, 0.27, 0.21]) * rng.uniform(0.7, 1.3) if rng.random() < 0.7 else room_colour(rng)
        self._box(0, 0, self.width, self.height, base * 0.55 + 0.2, self.strength)
        for row in range(int(self.height / high) + 1):
            for column in range(-1, int(self.width / long) + 1):
                colour = base * rng.uniform(0.75, 1.2) + rng.normal(0, 0.012, 3)
                x = (column + 0.5 * (row % 2)) * long
                self._box(x, row * high, long - joint, high - joint, colour, self.strength)

    def _grid(self, rng: np.random.Generator) -> None:
        """A sheet with a grid of lines, or tiles."""
        step, wide = rng.uniform(0.05, 0.16) * self.unit, max(1.0, rng.uniform(0.002, 0.008) * self.unit)
        paper, ink = rng.uniform(0.65, 0.95), rng.uniform(0.05, 0.5)
        left, top = rng.uniform(-0.1, 0.2, 2) * self.unit
        right, low = self.width - rng.uniform(-0.1, 0.2) * self.unit, self.height - rng.uniform(-0.1, 0.3) * self.unit
        self._box(left, top, right - left, low - top, paper * np.array([1.0, 0.99, 0.96]), self.strength)
        lean = rng.normal(0, 0.01)
        for x in np.arange(left, right, step):
            self._line((x, top), (x + lean * (low - top), low), wide, np.full(3, ink), self.strength)
        for y in np.arange(top, low, step):
            self._line((left, y), (right, y - lean * (right - left)), wide, np.full(3, ink), self.strength)

    def _board(self, rng: np.random.Generator) -> None:
        """A board on the wall, green, black or white, wiped badly, with a frame and a shelf."""
        colour = np.array([[0.16, 0.27, 0.22], [0.12, 0.12, 0.13], [0.88, 0.89, 0.9]])[rng.integers(3)]
        left, top = rng.uniform(-0.1, 0.15, 2) * self.unit
        wide, high = self.width - left - rng.uniform(-0.2, 0.2) * self.unit, self.height * rng.uniform(0.6, 0.8)
        rim = 0.012 * self.unit
        self._box(left - rim, top - rim, wide + 2 * rim, high + 2 * rim, room_colour(rng), self.strength)
        wiped = colour + 0.05 * (self._mottled(rng, 0.3) + 0.5 * self._mottled(rng, 0.07))
        self._box(left, top, wide, high, wiped.astype(np.float32), self.strength)
        self._box(left, top + high + rim, wide, 1.5 * rim, room_colour(rng), self.strength)

    def _picture(self, rng: np.random.Generator) -> None:
        """A frame with a busy picture in it."""
        wide, high = rng.uniform(0.35, 0.7) * self.unit, rng.uniform(0.3, 0.5) * self.unit
        x = rng.uniform(0.02, 0.9) * max(self.width - wide, 1)
        y = rng.uniform(0.03, 0.5) * max(self.height - high, 1)
        rim = 0.02 * self.unit
        self._box(x + rim / 2, y + rim, wide + rim, high + rim, np.zeros(3), 0.3 * self.strength)
        self._box(x - rim, y - rim, wide + 2 * rim, high + 2 * rim, np.full(3, rng.uniform(0.05, 0.8)), self.strength)
        shown = (
            0.45 + 0.05 * self._mottled(rng, 0.12, 3) + 0.18 * self._mottled(rng, 0.03) + 0.15 * self._mottled(rng, 0.2)
        )
        self._box(x, y, wide, high, shown.clip(0.02, 0.98).astype(np.float32), self.strength)
        for _ in range(8):
            (u, v), (w, h) = rng.uniform(0, 0.85, 2), rng.uniform(0.03, 0.25, 2)
            left, top = x + u * wide, y + v * high
            w, h = min(w * wide, x + wide - left), min(h * high, y + high - top)
            self._box(left, top, w, h, rng.uniform(0, 1, 3) * rng.uniform(0.2, 1), 0.8 * self.strength)

    def _garden(self, rng: np.random.Generator) -> None:
        """A bright sky, what grows below it, and the ground."""
        self.picture[:] = np.array([0.75, 0.8, 0.86]) * rng.uniform(0.8, 1.1)
        horizon = rng.uniform(0.45, 0.85) * self.height
        columns = np.linspace(0, self.width, 60)
        edge = horizon - self.unit * (rng.uniform(0.1, 0.4) + 0.06 * rng.normal(size=60).cumsum() / 4)
        leaves = np.array([0.22, 0.28, 0.15]) * (
            1 + 0.3 * self._mottled(rng, 0.05) + 0.25 * self._mottled(rng, 0.012) + 0.2 * self._mottled(rng, 0.2)
        )
        outline = np.concatenate([np.stack([columns, edge], axis=-1), [[self.width, self.height], [0.0, self.height]]])
        self._shape(outline, leaves.astype(np.float32), self.strength)
        ground = (
            room_colour(rng)
            * np.array([0.9, 1.0, 0.75])
            * (1 + 0.12 * self._mottled(rng, 0.03) + 0.1 * self._mottled(rng, 0.01))
        )
        self._box(0, horizon, self.width, self.height - horizon, ground.astype(np.float32), self.strength)

    def _cloth(self, rng: np.random.Generator) -> None:
        """A dark cloth with folds."""
        folds = 0.09 + 0.04 * np.sin(np.linspace(0, rng.uniform(10, 40), self.width) + rng.uniform(0, 6))
        dark = np.broadcast_to(folds.astype(np.float32)[None, :, None], self.picture.shape) * rng.uniform(0.4, 1.2)
        self.picture += self.strength * (dark - self.picture)

    def _floor(self, rng: np.random.Generator, kind: str) -> None:
        """Where the motion has a floor, and now and then where it has none."""
        floors = [points for name, points in self.scenery.props if name == "floor"]
        bare = not floors and (not self.strength or kind == "garden" or rng.random() < 0.6)
        if bare:
            return
        if floors:
            contact = self._points(floors[0])[0, 1]
            # Seen from a little above, things rest in front of the line where the wall begins.
            top = contact - rng.uniform(0.0, 0.07) * self.unit
        else:
            top = self.margin + rng.uniform(0.78, 0.97) * (self.height - 2 * self.margin)
        lean = rng.normal(0, 0.006) * self.width
        corners = np.array([[0, top - lean], [self.width, top + lean], [self.width, self.height], [0, self.height]])
        colour, seed = room_colour(rng), rng.integers(2**31)
        rough = rng.uniform(0.01, 0.09) * self.strength
        ground = colour * (
            1 + rough * self._mottled(np.random.default_rng(seed), 0.012) + 0.04 * self._mottled(rng, 0.25)
        )
        if rng.random() < 0.45:
            high = rng.uniform(0.03, 0.09) * self.unit
            skirting = corners.copy()
            skirting[:2, 1] -= high
            skirting[2:, 1] = top
            self._shape(skirting, room_colour(rng), 0.85)
            self._line(skirting[0], skirting[1], max(1.0, 0.004 * self.unit), colour * 0.4, 0.5)
        self._shape(corners, ground.astype(np.float32), 1.0)
        self._line(corners[0], corners[1], max(1.0, 0.006 * self.unit), colour * 0.35, 0.6)

    def _things(self, rng: np.random.Generator) -> None:
        """Furniture, a scale, sockets, cables: what stands and hangs about."""
        amount = self.scenery.distractors
        for _ in range(rng.integers(1, 3 + round(4 * amount))):
            (x, y), size = rng.uniform(-0.1, 1.0, 2) * [self.width, self.height], (0.05 + 0.35 * amount) * self.unit
            wide, high = rng.uniform(0.2, 1.0, 2) * size
            # In the middle of the picture people clear things away.
            if abs(x + wide / 2 - self.width / 2) < 0.25 * self.width:
                y = rng.choice([-0.5 * high, self.height - 0.6 * high])
            colour = room_colour(rng)
            self._box(x + 0.02 * size, y + 0.03 * size, wide, high, np.zeros(3), 0.25)
            self._box(x, y, wide, high, colour)
            self._box(x, y, wide, max(1.0, 0.03 * high), np.ones(3), 0.15)
            for share in rng.uniform(0.1, 0.9, rng.integers(0, 4)):
                self._box(x, y + share * high, wide, max(1.0, 0.004 * self.unit), colour * 0.4, 0.8)
        if rng.random() < 0.2:
            self._scale(rng)

    def _scale(self, rng: np.random.Generator) -> None:
        """A stick with a mark at every step."""
        upright, wide = rng.random() < 0.6, rng.uniform(0.012, 0.03) * self.unit
        at = (self.width if upright else self.height) * (
            rng.uniform(0.05, 0.3) if rng.random() < 0.5 else rng.uniform(0.7, 0.95)
        )
        length = self.height if upright else self.width
        light = np.array([[0.85, 0.8, 0.6], [0.9, 0.9, 0.88], [0.75, 0.78, 0.8]])[rng.integers(3)] * rng.uniform(
            0.7, 1.1
        )
        dark = np.full(3, 0.1)
        step = rng.uniform(0.03, 0.08) * self.unit
        for k, place in enumerate(np.arange(0.05 * length, 0.9 * length, step)):
            colour = light if k % 2 or rng.random() < 0.05 else (light + dark) / 2
            x, y, w, h = (at, place, wide, step) if upright else (place, at, step, wide)
            self._box(x, y, w, h, colour)
            x, y, w, h = (at, place, wide, 1.5) if upright else (place, at, 1.5, wide)
            self._box(x, y, w, h, dark, 0.8)

    def _props(self, rng: np.random.Generator) -> None:
        for name, given in self.scenery.props:
            points = self._points(given)
            if name == "table":
                self._table(points, rng)
            elif name == "ramp":
                self._ramp(points, rng)
            elif name == "wall":
                self._block(points[0], rng)
            elif name == "pivot":
                self._pivot(points[0], rng)

    def _table(self, points: np.ndarray, rng: np.random.Generator) -> None:
        left, right = sorted(points.tolist())
        thick, colour = rng.uniform(0.02, 0.05) * self.unit, room_colour(rng)
        top = np.array([left, right])
        slab = np.concatenate([top, top[::-1] + [0, thick]])
        self._shape(slab, colour)
        self._line(top[0], top[1], max(1.0, 0.004 * self.unit), np.ones(3), 0.25)
        for x, y in top + np.array([[0.4, 0], [-0.12, 0]]) * self.unit:
            self._box(x, y + thick, 0.03 * self.unit, self.height, colour * 0.7)

    def _ramp(self, points: np.ndarray, rng: np.random.Generator) -> None:
        thick, colour = rng.uniform(0.008, 0.025) * self.unit, room_colour(rng)
        (top, foot), below = points, np.array([points[0, 0], points[1, 1]])
        if rng.random() < 0.4:
            self._shape(np.array([top, foot, below]), colour * 0.8)
        self._shape(np.array([top, foot, foot + [0, thick], top + [0, thick]]), colour)
        self._box(top[0] - 0.01 * self.unit, top[1] + thick, 0.02 * self.unit, max(below[1] - top[1], 1), colour * 0.5)

    def _block(self, place: np.ndarray, rng: np.random.Generator) -> None:
        """What a ball that comes from the middle of the picture rebounds from."""
        wide, high = rng.uniform(0.05, 0.3) * self.unit, rng.uniform(0.15, 0.5) * self.unit
        x = place[0] if place[0] > self.width / 2 else place[0] - wide
        colour = room_colour(rng)
        self._box(x, place[1] - high, wide, high + 0.01 * self.unit, colour)
        self._box(x, place[1] - high, wide, max(1.0, 0.01 * self.unit), np.ones(3), 0.2)

    def _pivot(self, place: np.ndarray, rng: np.random.Generator) -> None:
        """A hook, or an arm of a stand; it may lie outside the picture."""
        size = rng.uniform(0.008, 0.02) * self.unit
        colour = np.full(3, rng.uniform(0.1, 0.5))
        if rng.random() < 0.5:
            reach = rng.uniform(0.3, 1.0) * self.unit * rng.choice([-1, 1])
            self._line(place, place + [reach, 0.0], size, colour)
            self._line(place + [reach, 0.0], (place[0] + reach, self.height), 1.3 * size, colour)
        self._box(place[0] - size, place[1] - size, 2 * size, 2 * size, colour)

    def _light(self, rng: np.random.Generator) -> None:
        """From a lamp or a window, less of it in the corners; plaster; and a lens that is not quite sharp."""
        x = (np.arange(self.width, dtype=np.float32) - self.width / 2) * 2 / self.unit
        y = (np.arange(self.height, dtype=np.float32) - self.height / 2) * 2 / self.unit
        (cx, cy), reach = rng.uniform(-1.5, 1.5, 2), rng.uniform(1.0, 2.5)
        gx, gy = (np.exp(-(((n - c) / reach) ** 2)) for n, c in ((x, cx), (y, cy)))
        pool = rng.uniform(0, 0.45) * (gy[:, None] * gx[None, :] - 0.5)
        corners = rng.uniform(0, 0.05) * (x[None, :] ** 2 + y[:, None] ** 2)
        field = ((1 + pool) * (1 - corners).clip(0.4)).astype(np.float32)
        rough = 0.3 + 0.7 * self.scenery.texture
        field *= 1 + rough * (0.02 * self._mottled(rng, 0.3) + 0.012 * self._mottled(rng, 0.02))[..., 0]
        dim = rng.uniform(0.12, 0.4) if self.scenery.texture > 0.2 and rng.random() < 0.05 else 1.0
        self.picture *= (field * dim)[..., None]
        sharpness = rng.uniform(0.0005, 0.0018) * self.unit
        cv2.GaussianBlur(self.picture, (0, 0), max(sharpness, 0.3), dst=self.picture)


def wall_colour(seed: int) -> np.ndarray:
    """(3,) the colour of the wall of a scenery."""
    return room_colour(np.random.default_rng([seed, 0]))
