"""Outlines of the things that move, as signed distances on a grid.

A shape is drawn from its signed distance: the share of a pixel that it covers is `1/2 - distance in pixels`, cut off at
0 and 1. That is smooth at every size and turn, and the same code draws a disc, a hand and a letter.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

GRID = 64
"""Cells along a side of the grid."""
REACH = 1.25
"""The grid spans -REACH to REACH, in units of the shape's own radius."""


@dataclass(frozen=True, eq=False)
class Shape:
    """An outline that just fits into the unit circle."""

    name: str
    distance: np.ndarray
    """(GRID, GRID) float32: signed distance from the outline, negative inside; row 0 is the top, v = REACH."""


@lru_cache(maxsize=1)
def cells() -> np.ndarray:
    """(GRID, GRID, 2): u to the right and v upwards of each cell's middle."""
    axis = ((np.arange(GRID) + 0.5) * 2 / GRID - 1) * REACH
    return np.stack(np.meshgrid(axis, -axis), axis=-1)


def ellipse_distance(half: tuple[float, float]) -> np.ndarray:
    """(GRID, GRID): exact for a circle, otherwise right at the outline to first order."""
    scaled = cells() / half
    length = np.linalg.norm(scaled, axis=-1)
    slope = np.linalg.norm(scaled / half, axis=-1) / np.maximum(length, 1e-6)
    return (length - 1) / np.maximum(slope, 1e-6)


def polygon_distance(corners: np.ndarray) -> np.ndarray:
    """(GRID, GRID), exact, for a simple polygon with corners (N, 2) in order."""
    points, starts, ends = cells()[:, :, None], np.asarray(corners, float), np.roll(corners, -1, axis=0)
    edge, away = ends - starts, points - starts
    along = ((away * edge).sum(-1) / np.maximum((edge * edge).sum(-1), 1e-12)).clip(0, 1)
    distance = np.linalg.norm(away - along[..., None] * edge, axis=-1).min(axis=-1)
    # A ray to the right crosses the outline an odd number of times from within.
    v = points[..., 1]
    between = (starts[:, 1] > v) != (ends[:, 1] > v)
    rise = np.where(edge[:, 1] == 0, 1e-12, edge[:, 1])
    crossing = starts[:, 0] + (v - starts[:, 1]) / rise * edge[:, 0]
    inside = (between & (points[..., 0] < crossing)).sum(axis=-1) % 2 == 1
    return np.where(inside, -distance, distance)


def strokes_distance(segments: np.ndarray, half_width: float | np.ndarray) -> np.ndarray:
    """(GRID, GRID), exact outside, for round-ended strokes along segments (N, 2 ends, 2)."""
    points, starts, ends = cells()[:, :, None], segments[:, 0], segments[:, 1]
    edge, away = ends - starts, points - starts
    along = ((away * edge).sum(-1) / np.maximum((edge * edge).sum(-1), 1e-12)).clip(0, 1)
    return (np.linalg.norm(away - along[..., None] * edge, axis=-1) - half_width).min(axis=-1)


def regular(corners: int, inner: float = 1.0, turn: float = 0.0) -> np.ndarray:
    """Corners of a regular polygon in the unit circle; with `inner` below 1 a star whose inner corners lie there."""
    count = corners if inner == 1.0 else 2 * corners
    angle = turn + 2 * np.pi * np.arange(count) / count
    radius = np.where(np.arange(count) % 2 == 0, 1.0, inner) if inner != 1.0 else np.ones(count)
    return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def rectangle(aspect: float) -> np.ndarray:
    """Corners of a rectangle in the unit circle, `aspect` times as high as wide."""
    half = np.array([1.0, aspect]) / np.hypot(1.0, aspect)
    return half * np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])


def _ball(rng: np.random.Generator) -> np.ndarray:
    return ellipse_distance((1.0, 1.0))


def _egg(rng: np.random.Generator) -> np.ndarray:
    return ellipse_distance((1.0, rng.uniform(0.45, 0.85)))


def _box(rng: np.random.Generator) -> np.ndarray:
    return polygon_distance(rectangle(rng.uniform(0.55, 1.0)))


def _bar(rng: np.random.Generator) -> np.ndarray:
    return polygon_distance(rectangle(rng.uniform(0.15, 0.4)))


def _triangle(rng: np.random.Generator) -> np.ndarray:
    return polygon_distance(regular(3) * [1.0, rng.uniform(0.6, 1.0)])


def _polygon(rng: np.random.Generator) -> np.ndarray:
    return polygon_distance(regular(int(rng.integers(5, 8))))


def _ring(rng: np.random.Generator) -> np.ndarray:
    half_width = rng.uniform(0.12, 0.3)
    return np.abs(np.linalg.norm(cells(), axis=-1) - (1 - half_width)) - half_width


def _star(rng: np.random.Generator) -> np.ndarray:
    return polygon_distance(regular(int(rng.integers(4, 8)), inner=rng.uniform(0.4, 0.65)))


def _blob(rng: np.random.Generator) -> np.ndarray:
    angle = 2 * np.pi * np.arange(40) / 40
    waves = np.arange(2, 6)
    swing = rng.normal(0, 0.35, len(waves)) / waves
    radius = 1 + (swing * np.cos(waves * (angle[:, None] + rng.uniform(0, 2 * np.pi, len(waves))))).sum(-1)
    outline = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return polygon_distance(outline / np.linalg.norm(outline, axis=-1).max())


def _silhouette(rng: np.random.Generator) -> np.ndarray:
    """Something cut out of card: one half drawn at random, and its mirror image."""
    height = np.linspace(1, -1, int(rng.integers(5, 10)))
    half = rng.uniform(0.1, 0.7, len(height))
    half[[0, -1]] *= rng.uniform(0, 1, 2)
    right = np.stack([half, height], axis=-1)
    outline = np.concatenate([right, (right * [-1, 1])[::-1]])
    return polygon_distance(outline / np.linalg.norm(outline, axis=-1).max())


def _hand(rng: np.random.Generator) -> np.ndarray:
    """A palm, a thumb and fingers, more or less spread; the wrist is below."""
    fingers = np.pi / 2 + rng.uniform(0.15, 0.35) * np.arange(-1.5, 2.5) + rng.normal(0, 0.05, 4)
    angles = np.append(fingers, rng.choice([0.35, np.pi - 0.35]))
    length = np.append(rng.uniform(0.5, 0.9, 4), rng.uniform(0.4, 0.7))
    root = np.tile([0.0, -0.25], (5, 1))
    tips = root + (0.25 + length[:, None] * 0.75) * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    wrist = np.array([[[0.0, -0.3], [0.0, -0.65]]])
    strokes = np.concatenate([np.stack([root, tips], axis=1), wrist])
    return strokes_distance(strokes, np.array([0.11] * 5 + [0.3]))


DRAWN: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "ball": _ball,
    "egg": _egg,
    "box": _box,
    "bar": _bar,
    "triangle": _triangle,
    "polygon": _polygon,
    "ring": _ring,
    "star": _star,
    "blob": _blob,
    "silhouette": _silhouette,
    "hand": _hand,
}
"""Shapes that trainings draw."""


def _letter(*segments: tuple[float, float, float, float]) -> Callable[[np.random.Generator], np.ndarray]:
    ends = np.array(segments, float).reshape(-1, 2, 2)
    ends *= 0.84 / np.linalg.norm(ends, axis=-1).max()
    return lambda rng: strokes_distance(ends, rng.uniform(0.1, 0.16))


def _arrow(rng: np.random.Generator) -> np.ndarray:
    shaft, barb = rng.uniform(0.12, 0.2), rng.uniform(0.45, 0.6)
    upper: list[list[float]] = [[1, 0], [0.35, barb], [0.35, shaft], [-0.95, shaft]]
    return polygon_distance(np.array(upper + [[x, -y] for x, y in upper[:0:-1]]))


def _bicycle(rng: np.random.Generator) -> np.ndarray:
    wheels = np.array([[-0.55, -0.25], [0.55, -0.25]])
    rims = [np.abs(np.linalg.norm(cells() - hub, axis=-1) - 0.36) - 0.06 for hub in wheels]
    pedals, seat, bar = [0.0, -0.25], [-0.2, 0.3], [0.4, 0.4]
    frame = np.array(
        [[wheels[0], pedals], [pedals, seat], [wheels[0], seat], [pedals, bar], [seat, bar], [bar, wheels[1]]]
    )
    return np.minimum(np.minimum(*rims), strokes_distance(frame, 0.06))


def _crescent(rng: np.random.Generator) -> np.ndarray:
    bite = np.linalg.norm(cells() - [rng.uniform(0.35, 0.6), 0.0], axis=-1) - 0.8
    return np.maximum(np.linalg.norm(cells(), axis=-1) - 1, -bite)


def _heart(rng: np.random.Generator) -> np.ndarray:
    angle = 2 * np.pi * np.arange(48) / 48
    outline = np.stack(
        [
            16 * np.sin(angle) ** 3,
            13 * np.cos(angle) - 5 * np.cos(2 * angle) - 2 * np.cos(3 * angle) - np.cos(4 * angle),
        ],
        axis=-1,
    )
    return polygon_distance(outline / 17.5)


ONLY_TESTED: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "letter T": _letter((-0.8, 0.8, 0.8, 0.8), (0, 0.8, 0, -1)),
    "letter H": _letter((-0.6, 0.8, -0.6, -0.8), (0.6, 0.8, 0.6, -0.8), (-0.6, 0, 0.6, 0)),
    "letter K": _letter((-0.5, 0.85, -0.5, -0.85), (-0.5, 0, 0.5, 0.85), (-0.1, 0.3, 0.5, -0.85)),
    "letter Z": _letter((-0.6, 0.8, 0.6, 0.8), (0.6, 0.8, -0.6, -0.8), (-0.6, -0.8, 0.6, -0.8)),
    "arrow": _arrow,
    "bicycle": _bicycle,
    "crescent": _crescent,
    "heart": _heart,
}
"""Shapes that no training draws."""


def draw_shape(name: str, rng: np.random.Generator) -> Shape:
    """One shape of a kind, from `DRAWN` or `ONLY_TESTED`."""
    make = DRAWN.get(name) or ONLY_TESTED[name]
    return Shape(name, make(rng).astype(np.float32))
