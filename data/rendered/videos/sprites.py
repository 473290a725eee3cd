"""Cut-outs at full resolution: a thing, an arm with its hand, a soft shadow, and how they are laid on a picture.

A cut-out is drawn once. In each frame it is moved, turned and scaled to where it is, at any fraction of a pixel, and
the mean is taken over the time that the shutter is open. Pixels are those of `trajvlm.data.clip.Placement`: (0, 0) is
the upper left corner of the upper left pixel.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from trajvlm.data.rendered.shapes import GRID, REACH, Shape

_PAD = 3
_FINEST = 1.25
"""Pixels between two steps of the shutter, at most; or a fifth of the radius, where that is more."""
_MOST_STEPS = 32


@dataclass(frozen=True, eq=False)
class Surface:
    """How a thing looks."""

    colour: np.ndarray
    """(3,) in [0, 1]."""
    pattern: str = "even"
    """"even", "halves", "stripes", "seam" or "spots"."""
    contrast: float = 0.3
    """How much darker, or where it is negative lighter, the pattern is."""
    light: np.ndarray | None = None
    """(3,) unit vector towards the light where it is round; None where it is flat."""
    ambient: float = 0.6
    gloss: float = 0.0
    """Strength of the light's reflection, 0 to 1."""
    seed: int = 0


PATTERNS = ("even", "halves", "stripes", "seam", "spots")


@dataclass(frozen=True, eq=False)
class Sprite:
    """A cut-out: colour times coverage, and coverage."""

    picture: np.ndarray
    """(H, W, 4) float32 in [0, 1]: red, green, blue, each times coverage, and coverage."""
    shade: np.ndarray | None
    """(H, W) float32: how brightly each part is lit, which does not turn with the thing; None for evenly."""
    origin: tuple[float, float]
    """(x, y) in its own pixels of the point by which it is placed."""


def thing(shape: Shape, surface: Surface, radius: float, soft: float) -> Sprite:
    """A thing of so many pixels of radius, its outline blurred by so many (standard deviation)."""
    half = int(np.ceil(radius * 1.06 + 3 * soft)) + _PAD
    axis = (np.arange(2 * half + 1) - half).astype(np.float32) / np.float32(radius)
    x, y = np.meshgrid(axis, -axis)
    cells = [((n / REACH + 1) * (GRID / 2) - 0.5).astype(np.float32) for n in (x, -y)]
    distance = cv2.remap(shape.distance, *cells, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    # Beyond the grid's edge the distance goes on rising.
    distance = distance + (np.maximum(np.abs(x), np.abs(y)) - REACH).clip(0)
    cover = (0.5 - distance * radius).clip(0, 1).astype(np.float32)
    albedo = _pattern(surface, x, y)
    picture = np.dstack([cover[..., None] * (surface.colour.astype(np.float32) * albedo[..., None]).clip(0, 1), cover])
    if soft > 0:
        picture = cv2.GaussianBlur(picture, (0, 0), soft)
    return Sprite(picture, None if surface.light is None else _shade(surface, x, y), (half + 0.5, half + 0.5))


def _pattern(surface: Surface, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Brightness of the surface relative to an even one, at places in units of the radius."""
    rng = np.random.default_rng([surface.seed, 40])
    if surface.pattern == "halves":
        dark = (y > rng.uniform(-0.3, 0.3)).astype(np.float32)
    elif surface.pattern == "stripes":
        dark = (np.sin(y * rng.uniform(4, 9)) > 0).astype(np.float32)
    elif surface.pattern == "seam":
        dark = np.exp(-(((x - rng.uniform(-0.3, 0.3) - 0.5 * y**2) / rng.uniform(0.08, 0.18)) ** 2))
    elif surface.pattern == "spots":
        dark = cv2.resize(rng.uniform(0, 1, (7, 7)).astype(np.float32), x.shape[::-1], interpolation=cv2.INTER_LINEAR)
        dark = (dark > 0.6).astype(np.float32)
    else:
        dark = np.zeros_like(x)
    return (1 - surface.contrast * dark).astype(np.float32)


def _shade(surface: Surface, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    assert surface.light is not None, "only what is round is shaded"
    lx, ly, lz = surface.light.tolist()
    up = np.sqrt((1 - x * x - y * y).clip(0.04))
    facing = (lx * x + ly * y + lz * up).clip(0, 1)
    lit = surface.ambient + (1 - surface.ambient) * facing + surface.gloss * facing**30
    return lit.astype(np.float32)


def arm(angle: float, length: float, palm: float, skin: np.ndarray, sleeve: np.ndarray | None, seed: int) -> Sprite:
    """A forearm with a hand, placed by what the hand holds, from where the arm lies in the direction `angle`.

    Args:
        angle: in radians, anticlockwise as it is seen.
        length: of the arm, in pixels.
        palm: half the width of the palm, in pixels.
        sleeve: its colour (3,), or None for a bare arm.
    """
    rng = np.random.default_rng([seed, 50])
    along, reach = np.array([np.cos(angle), -np.sin(angle)]), np.array([np.sin(angle), np.cos(angle)])
    tip = 1.9 * palm
    low = np.minimum(np.minimum(0, along * length), 0) - 2.6 * palm - _PAD
    high = np.maximum(np.maximum(0, along * length), 0) + 2.6 * palm + _PAD
    low, high = np.floor(low), np.ceil(high)
    wide, tall = (high - low).astype(int)
    x, y = np.meshgrid(*(np.arange(n, dtype=np.float32) + np.float32(0.5 + at) for n, at in zip((wide, tall), low)))
    out, side = x * along[0] + y * along[1], x * reach[0] + y * reach[1]
    half = palm * np.interp(out, [0, 2 * palm, 4 * palm, 12 * palm], [0.7, 0.62, 0.66, 1.0]).astype(np.float32)
    forearm = np.maximum(np.abs(side) - half, tip * 0.8 - out)
    away = forearm
    hand = tuple(slice(max(int(-at - 3 * palm), 0), int(-at + 3 * palm)) for at in low[::-1])
    away[hand] = np.minimum(away[hand], _hand(out[hand], side[hand], palm, tip, rng))
    cover = (0.5 - away).clip(0, 1)
    round_ = np.sqrt((1 - (side / (1.25 * np.maximum(half, 0.8 * palm))) ** 2).clip(0.05))
    colour = skin.astype(np.float32) * (0.45 + 0.55 * round_)[..., None]
    if sleeve is not None:
        cuff = (out > rng.uniform(4.5, 9) * palm)[..., None]
        cover = np.maximum(cover, (0.5 - np.maximum(np.abs(side) - 1.25 * half, tip - out)).clip(0, 1) * cuff[..., 0])
        colour = np.where(cuff, sleeve.astype(np.float32) * (0.5 + 0.5 * round_)[..., None], colour)
    picture = np.dstack([colour.clip(0, 1) * cover[..., None], cover]).astype(np.float32)
    return Sprite(cv2.GaussianBlur(picture, (0, 0), max(0.5, 0.02 * palm)), None, (-low[0], -low[1]))


def _hand(out: np.ndarray, side: np.ndarray, palm: float, tip: float, rng: np.random.Generator) -> np.ndarray:
    """Distance from a palm, fingers that reach round what is held, and a thumb; along the arm and across it."""
    away = np.hypot((out - tip * 0.8) / 1.25, side) - palm
    for k, spread in enumerate(np.linspace(-0.75, 0.75, 4)):
        root = np.array([0.6 * tip, spread * palm])
        end = np.array([rng.uniform(-0.35, 0.15) * palm, spread * palm * rng.uniform(0.9, 1.25)])
        away = np.minimum(away, _from_stroke(out, side, root, end) - 0.24 * palm)
        if k == 0:
            thumb = np.array([rng.uniform(-0.1, 0.3) * palm, -1.15 * palm])
            away = np.minimum(away, _from_stroke(out, side, root + [0.5 * palm, 0], thumb) - 0.28 * palm)
    return away


def _from_stroke(x: np.ndarray, y: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    edge = end - start
    share = (((x - start[0]) * edge[0] + (y - start[1]) * edge[1]) / (edge @ edge)).clip(0, 1)
    return np.hypot(x - start[0] - share * edge[0], y - start[1] - share * edge[1])


def shadow(radius: float, flat: float) -> Sprite:
    """A soft dark ellipse, so many times lower than wide; its coverage is how dark it is."""
    half = np.ceil([2.6 * radius, 2.6 * radius * flat]).astype(int) + _PAD
    x, y = (np.arange(2 * n + 1) - n for n in half)
    away = np.hypot(x[None, :] / radius, y[:, None] / (radius * flat))
    dark = (1 / (1 + np.exp((away - 1) * 4))).astype(np.float32)
    return Sprite(np.dstack([np.zeros((*dark.shape, 3), np.float32), dark]), None, (half[0] + 0.5, half[1] + 0.5))


def lay(frame: np.ndarray, sprite: Sprite, where: np.ndarray, opacity: float = 1.0) -> None:
    """Lay a cut-out on a frame (H, W, 3) uint8, in place.

    Args:
        where: (S, 4) x, y, scale, and angle by which it is turned anticlockwise, at steps of the shutter's time.
    """
    steps = _few(where)
    corners = _corners(sprite, steps)
    low = np.floor(corners.min(axis=(0, 1))).astype(int).clip(0)
    high = np.ceil(corners.max(axis=(0, 1))).astype(int).clip(None, frame.shape[1::-1])
    if (high <= low).any():
        return
    size = tuple((high - low).tolist())
    mean = np.zeros((size[1], size[0], 4), np.float32)
    for x, y, scale, angle in steps:
        laid = cv2.warpAffine(sprite.picture, _onto(sprite, x - low[0], y - low[1], scale, angle), size)
        if sprite.shade is not None:
            upright = _onto(sprite, x - low[0], y - low[1], scale, 0.0)
            laid[..., :3] *= cv2.warpAffine(sprite.shade, upright, size, borderMode=cv2.BORDER_REPLICATE)[..., None]
        mean += laid
    mean *= opacity / len(steps)
    there = frame[low[1] : high[1], low[0] : high[0]]
    blended = there * (1 - mean[..., 3:])
    blended += 255 * mean[..., :3]
    # Rounded, and kept between 0 and 255.
    there[:] = cv2.convertScaleAbs(blended)


def _few(where: np.ndarray) -> np.ndarray:
    """As many of the steps (S, 4), evenly, as are needed for an even smear, their middle kept."""
    way = np.abs(np.diff(where[:, :2], axis=0)).sum() if len(where) > 1 else 0.0
    count = int(np.clip(np.ceil(way / _FINEST), 1, min(_MOST_STEPS, len(where))))
    at = (np.arange(count) + 0.5) / count * len(where) - 0.5
    return np.stack([np.interp(at, np.arange(len(where)), column) for column in where.T], axis=-1)


def _onto(sprite: Sprite, x: float, y: float, scale: float, angle: float) -> np.ndarray:
    """The matrix (2, 3) that takes its pixels to those of a frame; OpenCV counts from the middles of pixels."""
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    matrix = np.array([[cos, sin], [-sin, cos]])
    shift = np.array([x, y]) - 0.5 - matrix @ (np.array(sprite.origin) - 0.5)
    return np.concatenate([matrix, shift[:, None]], axis=1)


def _corners(sprite: Sprite, steps: np.ndarray) -> np.ndarray:
    """(S, 4, 2) where its corners come to lie."""
    high, wide = sprite.picture.shape[:2]
    corners = np.array([[0, 0], [wide, 0], [wide, high], [0, high]]) - sprite.origin
    cos, sin = np.cos(steps[:, 3]) * steps[:, 2], np.sin(steps[:, 3]) * steps[:, 2]
    turned = np.stack([[cos, sin], [-sin, cos]]).transpose(2, 0, 1)
    return corners @ turned.transpose(0, 2, 1) + steps[:, None, :2]
