"""What refinement changed: how far the curve fitted to the decoded track lies from the language model's own."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from data.errors import UserError

if TYPE_CHECKING:
    from vlm.describe import Description

_DENSE = 400
# As in `agents.wording`: nearer to the lens than this part of the way, a pixel says nothing.
_BEFORE_THE_LENS = 0.9


@dataclass(frozen=True)
class Change:
    """Distances between the raw and the refined curve at equal times, over the clip."""

    mean: float
    """In units of the equation, in space."""
    greatest: float
    greatest_at_s: float
    """Seconds from the clip's first frame."""
    mean_px: float | None
    """In pixels of the video, in the picture; None where a curve runs behind the camera."""
    greatest_px: float | None


def change(description: "Description") -> Change:
    """Compare the two equations of a description; raises UserError where there is no refined one."""
    raw, refined = description.equation, description.refined
    if refined is None:
        raise UserError("nothing was refined, because the track could not be fitted; ask for the raw equation")
    t = np.linspace(0, description.clip.placement.duration_s, _DENSE)
    before, after = raw.positions(t), refined.positions(t)
    apart = np.linalg.norm(after - before, axis=-1)
    pixels = None
    if max(before[:, 2].max(), after[:, 2].max()) < _BEFORE_THE_LENS * description.focal:
        pixels = np.linalg.norm(description.pixels(refined, t) - description.pixels(raw, t), axis=-1)
    return Change(
        float(apart.mean()),
        float(apart.max()),
        float(t[apart.argmax()]),
        None if pixels is None else float(pixels.mean()),
        None if pixels is None else float(pixels.max()),
    )
