"""The distance between two curves that were found for one clip, in space and in the picture."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trajvlm.data.motions.equation import Equation
from trajvlm.vlm.described import NEAREST

if TYPE_CHECKING:
    from trajvlm.vlm.describe import Description

_DENSE = 400


@dataclass(frozen=True)
class Gap:
    """Distances between two curves at equal times, over the clip."""

    mean: float
    """In units of the equation, in space."""
    greatest: float
    greatest_at_s: float
    """Seconds from the clip's first frame."""
    mean_px: float | None
    """In pixels of the video, in the picture; None where a curve runs behind the camera."""
    greatest_px: float | None


def gap(description: "Description", one: Equation, other: Equation) -> Gap:
    """Compare two equations in seconds from the first frame of the description's clip."""
    t = np.linspace(0, description.clip.placement.duration_s, _DENSE)
    before, after = one.positions(t), other.positions(t)
    apart = np.linalg.norm(after - before, axis=-1)
    pixels = None
    if max(before[:, 2].max(), after[:, 2].max()) < NEAREST * description.focal:
        pixels = np.linalg.norm(description.pixels(other, t) - description.pixels(one, t), axis=-1)
    return Gap(
        float(apart.mean()),
        float(apart.max()),
        float(t[apart.argmax()]),
        None if pixels is None else float(pixels.mean()),
        None if pixels is None else float(pixels.max()),
    )
