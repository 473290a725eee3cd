"""Photographs as backdrops: patterns that no training saw, for all of those are drawn by
`trajvlm.data.rendered.backdrop`."""

from functools import cache

import cv2
import numpy as np
import torch
from skimage import data
from torch import Tensor

from trajvlm.data.rendered.scene import Scene

_NAMES = ("astronaut", "brick", "camera", "chelsea", "coffee", "coins", "grass", "gravel", "moon", "page", "rocket")
"""Pictures that come with scikit-image itself: a face, a wall, a landscape, a cat, a table, ..."""
_LEAST_PART = 0.4


def photograph(scene: Scene, size: int) -> Tensor:
    """A square part (3, size, size) in [0, 1] of a photograph, both chosen by the scene's seed."""
    rng = np.random.default_rng([scene.backdrop_seed, 5])
    picture = _picture(_NAMES[rng.integers(len(_NAMES))])
    shorter = min(picture.shape[:2])
    side = int(shorter * rng.uniform(_LEAST_PART, 1))
    top, left = (int(rng.integers(length - side + 1)) for length in picture.shape[:2])
    part = cv2.resize(picture[top : top + side, left : left + side], (size, size), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(part).permute(2, 0, 1)


@cache
def _picture(name: str) -> np.ndarray:
    """(H, W, 3) float32 in [0, 1]."""
    picture = getattr(data, name)()
    grey = picture.ndim == 2
    return np.ascontiguousarray(np.repeat(picture[..., None], 3, axis=2) if grey else picture, dtype=np.float32) / 255
