"""What makes a rendered scene look filmed: the colours of rooms, uneven light, surfaces, grain.

Half of the training scenes are drawn with it (`SceneSettings.filmed`). The fixed test splits are older and are not.
"""

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

# Colours of real balls: tennis, orange, red rubber, white, dark, steel, brown, blue, green, pink, wood.
_BALLS = np.array(
    [
        [0.74, 0.78, 0.30], [0.80, 0.42, 0.18], [0.66, 0.16, 0.14], [0.88, 0.87, 0.83], [0.10, 0.10, 0.11],
        [0.48, 0.49, 0.50], [0.40, 0.26, 0.17], [0.18, 0.28, 0.52], [0.20, 0.42, 0.27], [0.76, 0.42, 0.48],
        [0.72, 0.56, 0.38],
    ]
)  # fmt: skip
_ROOMS = ("wall", "corner", "furniture", "pictures", "outdoors")
_SHARES = (0.3, 0.2, 0.25, 0.1, 0.15)
_GRAIN = 0.6
"""Standard deviation of grain, relative to independent noise of each pixel."""
_SEAM = 0.22
"""Width of the seam on a ball, relative to its radius."""


def ball_colour(rng: np.random.Generator) -> np.ndarray:
    """(3,) the colour of a real ball, varied, in [0, 1]."""
    colour = _BALLS[rng.integers(len(_BALLS))] * rng.uniform(0.65, 1.1) + rng.normal(0, 0.04, 3)
    return colour.clip(0.02, 1)


def room_colour(rng: np.random.Generator) -> np.ndarray:
    """(3,) the colour of a wall, a floor or a piece of furniture: mostly grey or warm, seldom strong."""
    grey, warmth, green = rng.uniform(0.12, 0.88), rng.normal(0.04, 0.06), rng.normal(0, 0.012)
    return (grey + grey * np.array([warmth, green, -warmth]) * 1.5).clip(0.03, 0.97)


def room_mean(seed: int) -> np.ndarray:
    """(3,) mean colour of the room of a seed, in [0, 1]."""
    return room_colour(np.random.default_rng(seed))


def draw_room(seed: int, texture: float, distractors: float, size: int) -> Tensor:
    """A room or a garden as a backdrop (3, size, size), float32 in [0, 1]; the same at every size.

    Args:
        texture: contrast of its parts, 0 to 1.
        distractors: size of additional objects in it, 0 (none) to 1.
    """
    rng = np.random.default_rng([seed, 1])
    base = room_mean(seed)
    axis = (np.arange(size) + 0.5) * (2 / size) - 1
    u, v = axis[None, :], -axis[:, None]
    # Cameras are seldom level.
    tilt = rng.normal(0, 0.03)
    u, v = u + tilt * v, v - tilt * u
    picture = np.broadcast_to(base[:, None, None], (3, size, size)).copy()
    strength = 0.25 + 0.75 * texture
    kind = rng.choice(_ROOMS, p=_SHARES)
    if kind == "corner":
        _corner(picture, rng, u, v, strength)
    elif kind == "outdoors":
        _outdoors(picture, rng, v, size, strength)
    elif kind in ("furniture", "pictures"):
        for _ in range(rng.integers(2, 6)):
            _piece(picture, rng, u, v, size, strength, inner=kind == "pictures")
    for _ in range(int(rng.integers(1, 4)) if distractors else 0):
        _piece(picture, rng, u, v, size, 1.0, largest=0.08 + 0.3 * distractors)
    picture *= 1 + 0.05 * strength * _mottled(rng, size)
    picture *= _light(rng, u, v)
    picture = cv2.GaussianBlur(picture.transpose(1, 2, 0), (0, 0), rng.uniform(0.3, 1.3) * size / 64)
    return torch.from_numpy(picture.transpose(2, 0, 1).clip(0, 1).astype(np.float32))


def shaded(away: Tensor, half: float) -> Tensor:
    """Brightness of a round object, 1 on its centre line and 1/2 at the distance `half`, from the distances `away`."""
    return (1 - (away / half).clamp(-1, 1).square()).sqrt_().mul_(0.5).add_(0.5)


def seam_axes(seed: int, times: np.ndarray) -> tuple[np.ndarray, float]:
    """Axes (T, 3), unit vectors, of the seam round a spinning ball at clip times (T,), and its darkness, 0 to 0.5."""
    rng = np.random.default_rng([seed, 30])
    first, spin = rng.normal(size=(2, 3))
    spin /= np.linalg.norm(spin)
    first = np.cross(spin, first / np.linalg.norm(first)) + 0.3 * spin
    angle = 2 * np.pi * rng.uniform(0, 1.5) * times[:, None]
    # Rodrigues' rotation.
    along = spin * (first @ spin)
    turned = along + (first - along) * np.cos(angle) + np.cross(spin, first) * np.sin(angle)
    return turned / np.linalg.norm(turned, axis=1, keepdims=True), rng.uniform(0, 0.5)


def surface(off_axis: Tensor, across: Tensor, dark: float) -> Tensor:
    """Brightness of a ball's surface relative to a uniform one: darker at the rim and on the seam.

    Args:
        off_axis: squared distance of a ray from the ball's centre, relative to the squared radius.
        across: cosine between the surface's normal and the seam's axis.
        dark: darkness of the seam, 0 to 1.
    """
    line = (across * (1 / _SEAM)).square_().neg_().exp_().mul_(dark)
    return (1 - 0.35 * off_axis.clamp(0, 1)) * (1 - line)


def grain(shape: tuple[int, ...], seed: int) -> Tensor:
    """Noise (3, T, H, W) whose neighbouring pixels are correlated, as in resized and compressed pictures."""
    height, width = shape[2] // 2, shape[3] // 2
    noise = torch.randn((shape[0], shape[1], height, width), generator=torch.Generator().manual_seed(seed))
    return F.interpolate(noise, shape[2:], mode="bilinear", align_corners=False).mul_(_GRAIN)


def _light(rng, u, v):
    """Brightness (size, size): a bright pool of a lamp or a window, and vignetting."""
    (x, y), reach = rng.uniform(-1.3, 1.3, 2), rng.uniform(0.8, 2.0)
    pool = np.exp(-((u - x) ** 2 + (v - y) ** 2) / reach**2)
    return (1 + rng.uniform(0, 0.5) * (pool - 0.5)) * (1 - rng.uniform(0, 0.22) * (u * u + v * v))


def _mottled(rng, size):
    return _enlarged(rng.normal(size=(1, 7, 7)), size) + rng.uniform(0, 0.8) * _enlarged(
        rng.normal(size=(1, 26, 26)), size
    )


def _corner(picture, rng, u, v, strength):
    """Two walls, or a wall and a door frame, and perhaps the floor."""
    size = u.shape[1]
    right = np.clip((u - rng.uniform(-0.8, 0.8)) * size / 2 + 0.5, 0, 1)
    picture *= 1 + strength * rng.uniform(-0.5, 0.4) * right
    if rng.random() < 0.5:
        below = np.clip((rng.uniform(-0.9, -0.2) - v) * size / 2 + 0.5, 0, 1)
        picture += strength * below * (room_colour(rng)[:, None, None] - picture)


def _outdoors(picture, rng, v, size, strength):
    """A bright sky, plants at the horizon, and the ground."""
    horizon = rng.uniform(-0.7, 0.2)
    edge = horizon + rng.uniform(0.05, 0.35) * (1 + 0.5 * _enlarged(rng.normal(size=(1, 1, 12)), size)[0])
    leaves = np.array([0.24, 0.30, 0.17])[:, None, None] * (1 + 0.35 * _enlarged(rng.normal(size=(1, 20, 20)), size))
    ground = room_colour(rng)[:, None, None] * (1 + 0.15 * _enlarged(rng.normal(size=(1, 30, 30)), size))
    for top, colour in ((edge, leaves), (horizon, ground)):
        picture += strength * np.clip((top - v) * size / 2 + 0.5, 0, 1) * (colour - picture)


def _piece(picture, rng, u, v, size, strength, inner=False, largest=0.7):
    """A box with a shadow beside it and a gradient of light; with `inner`, a frame with a picture in it."""
    (x, y), (w, h) = rng.uniform(-1.1, 1.1, 2), rng.uniform(0.2, 1.0, 2) * largest
    colour = room_colour(rng)[:, None, None] * (1 + rng.uniform(-0.3, 0.3) * (v - y) + rng.uniform(-0.3, 0.3) * (u - x))
    rim = 3 / size
    picture *= 1 - 0.3 * strength * _inside(u, v, x + rim, y - rim, w + rim / 2, h + rim / 2, size)
    picture += strength * _inside(u, v, x, y, w, h, size) * (colour - picture)
    if inner:
        shown = _enlarged(rng.normal(size=(3, 8, 8)) * 0.06 + rng.normal(size=(1, 8, 8)) * 0.2, size) + 0.45
        picture += strength * _inside(u, v, x, y, 0.85 * w, 0.85 * h, size) * (shown - picture)


def _inside(u, v, x, y, w, h, size):
    return np.clip(np.minimum(w - np.abs(u - x), h - np.abs(v - y)) * size / 2 + 0.5, 0, 1)


def _enlarged(grid, size):
    return F.interpolate(torch.from_numpy(grid)[None], (size, size), mode="bicubic")[0].numpy()
