"""Backdrops behind a scene: a picture from a seed, the same at every size."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

KINDS = ("plain", "gradient", "texture", "checker", "wall", "floor")
# Rooms have walls more often than checkers.
_SHARES = (0.2, 0.2, 0.15, 0.08, 0.22, 0.15)


def draw_backdrop(seed: int, texture: float, distractors: float, size: int) -> Tensor:
    """One backdrop (3, size, size), float32 in [0, 1].

    Args:
        texture: strength of the pattern, 0 to 1; at 0 the backdrop has one colour.
        distractors: size of the objects in it, 0 (none) to 1.
    """
    rng = np.random.default_rng([seed, 1])
    base = mean_colour(seed)
    kind = rng.choice(KINDS, p=_SHARES)
    axis = (np.arange(size) + 0.5) * (2 / size) - 1
    u, v = axis[None, :], -axis[:, None]
    pattern = _PATTERNS[kind](rng, u, v, size)
    picture = (base[:, None, None] + 0.35 * texture * pattern) * _falloff(rng, u, v, texture)
    for _ in range(int(rng.integers(1, 4)) if distractors else 0):
        cover = _thing(rng, u, v, distractors)
        picture += cover * (mean_colour(int(rng.integers(2**31)))[:, None, None] - picture)
    return torch.from_numpy(np.clip(picture, 0, 1).astype(np.float32))


def mean_colour(seed: int) -> np.ndarray:
    """(3,) mean colour of the backdrop of a seed, in [0, 1]."""
    rng = np.random.default_rng(seed)
    colour = rng.uniform(0.05, 0.95, size=3) * 0.6 + rng.uniform(0.02, 0.38)
    return pale(colour, rng)


def pale(colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(3,) the colour, desaturated by a random amount: most walls, floors, skies and furniture are pale."""
    grey = colour.mean()
    return grey + rng.uniform(0.1, 1.0) ** 3 * (colour - grey)


def _falloff(rng, u, v, strength):
    """Brightness (size, size): a linear gradient, and vignetting."""
    slope = rng.uniform(-0.35, 0.35, 2)
    return 1 + strength * (slope[0] * u + slope[1] * v - rng.uniform(0, 0.3) * (u * u + v * v))


def _tint(rng):
    """(3, 1, 1) amplitude of a pattern in each channel: mostly a change of brightness."""
    return (rng.uniform(-1, 1) + rng.normal(0, 0.15, size=3))[:, None, None]


def _plain(rng, u, v, size):
    return np.zeros((3, size, size))


def _gradient(rng, u, v, size):
    return (u * rng.uniform(-1, 1) + v * rng.uniform(-1, 1)) * np.ones((3, 1, 1))


def _texture(rng, u, v, size):
    coarse = rng.normal(size=(3, 8, 8)) * 0.12 + rng.normal(size=(1, 8, 8)) * 0.5
    fine = rng.normal(size=(1, 24, 24)) * rng.uniform(0, 0.6)
    return _enlarge(coarse, size) + _enlarge(fine, size)


def _checker(rng, u, v, size):
    angle, period = rng.uniform(0, np.pi), rng.uniform(0.12, 0.5)
    along, across = u * np.cos(angle) + v * np.sin(angle), v * np.cos(angle) - u * np.sin(angle)
    # Edges one pixel wide, against aliasing at the clip's size.
    soft = period * size / 4
    tiles = np.clip(np.sin(np.pi * along / period) * np.sin(np.pi * across / period) * soft, -1, 1)
    return tiles * _tint(rng)


def _wall(rng, u, v, size):
    pattern = _gradient(rng, u, v, size) * 0.3
    for _ in range(rng.integers(2, 6)):
        (x, y), (w, h) = rng.uniform(-1, 1, 2), rng.uniform(0.1, 0.4, 2)
        frame, inner = _box(u, v, x, y, w, h, size), _box(u, v, x, y, w * 0.85, h * 0.85, size)
        pattern += frame * (rng.uniform(-1, 1) - pattern)
        pattern += inner * (_enlarge(rng.normal(size=(3, 9, 9)) * 0.3 + rng.normal(size=(1, 9, 9)), size) - pattern)
    return pattern


def _floor(rng, u, v, size):
    horizon = rng.uniform(-0.6, 0.3)
    below = np.clip((horizon - v) * size / 2 + 0.5, 0, 1)
    depth = 1 / np.clip(horizon - v, 2 / size, None)
    # Tiles of a floor in perspective; they fade with distance, where they would be finer than a pixel.
    tiles = np.sign(np.sin(u * depth * 4) * np.sin(depth * 3)) * np.clip(1.5 - depth / 4, 0, 1) * rng.uniform(0, 1)
    floor = _tint(rng) + tiles
    return floor * below + _texture(rng, u, v, size) * rng.uniform(0, 0.7) * (1 - below)


_PATTERNS = dict(zip(KINDS, (_plain, _gradient, _texture, _checker, _wall, _floor)))


def _thing(rng, u, v, strength):
    x, y = rng.uniform(-1, 1, 2)
    w, h = strength * rng.uniform(0.05, 0.35, 2)
    if rng.random() < 0.5:
        return _box(u, v, x, y, w, h, u.shape[1])
    return np.clip((1 - np.hypot((u - x) / w, (v - y) / h)) * min(w, h) * u.shape[1] / 2 + 0.5, 0, 1)


def _box(u, v, x, y, w, h, size):
    inside = np.minimum(w - np.abs(u - x), h - np.abs(v - y))
    return np.clip(inside * size / 2 + 0.5, 0, 1)


def _enlarge(grid, size):
    return F.interpolate(torch.from_numpy(grid)[None], (size, size), mode="bilinear")[0].numpy()
