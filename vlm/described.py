"""What is known of a motion, whether one video was described or two views of it: the surface that everyone else uses.

`trajvlm.vlm.describe.Description` and `trajvlm.vlm.stereo.StereoDescription` keep it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from trajvlm.data.errors import UserError

# `trajvlm describe --help` reads this module and is not to wait for torch.
if TYPE_CHECKING:
    from trajvlm.data.clip import Clip
    from trajvlm.data.motions.equation import Equation
    from trajvlm.vlm.describe import Description

ASSUMED_FIELD_OF_VIEW = 60.0
"""Horizontal, in degrees: of a camera that nobody calibrated, where none is given."""
NEAREST = 0.9
"""A point is projected only if its z is less than this part of the focal length; the pinhole is at 1."""


@dataclass(frozen=True)
class Projection:
    """The curve of an answer as one of the cameras sees it."""

    clip: "Clip"
    """Of this camera's video."""
    starts_s: float
    """Seconds of this video at which the equation's t is 0."""
    duration_s: float
    """How long what the answer is about lasts from then on."""
    pixels: Callable[[np.ndarray], np.ndarray]
    """From t (N,), in the equation's seconds, to pixels (N, 2) of this video; NaN where the object would be behind the
    camera."""
    side: str = ""
    """"left" or "right"; empty where there is one camera."""

    @property
    def video(self) -> str:
        """Which video it is, in words."""
        return f"the {self.side} video" if self.side else "the video"

    @property
    def camera(self) -> str:
        """Which camera it is, in words."""
        return f"the {self.side} camera" if self.side else "the camera"


class Described(Protocol):
    """A family with its equation, and what both rest on."""

    @property
    def family(self) -> str: ...

    @property
    def probabilities(self) -> dict[str, float]:
        """Of each family; they sum to 1."""
        ...

    @property
    def confidence(self) -> float:
        """Probability of `family`, 0 to 1."""
        ...

    @property
    def known(self) -> bool:
        """Whether the motion is of one of the families; if not, `family` is the nearest one."""
        ...

    @property
    def finding(self) -> str:
        """The family, or that it is none of them."""
        ...

    @property
    def meaning(self) -> str:
        """What moves like this, in a person's words."""
        ...

    @property
    def doubt(self) -> str | None:
        """A sentence on what speaks against the answer; None where nothing does."""
        ...

    @property
    def best(self) -> "Equation":
        """In seconds from the clip's first frame, with lengths in `unit`."""
        ...

    @property
    def constants(self) -> "dict[str, tuple[float, float, str]]":
        """Measured constants by name: value, standard error and unit, in pixels of the video and seconds; none where
        nothing was measured."""
        ...

    @property
    def lasts_s(self) -> float:
        """Seconds from t = 0 to the end of what the best equation was fitted to: of a measured phase, else of the
        clip."""
        ...

    @property
    def unit(self) -> str:
        """The equation's unit of length."""
        ...

    @property
    def metres_per_unit(self) -> float | None:
        """Metres in a unit, as calibrated cameras tell it; None where nobody knows."""
        ...

    @property
    def clip(self) -> "Clip":
        """Whose clock the equation has."""
        ...

    @property
    def clip_notes(self) -> tuple[str, ...]:
        """What to know about what was filmed."""
        ...

    @property
    def miss(self) -> str | None:
        """How far the curve runs from the track, in words; None where there was no fit."""
        ...

    @property
    def calibrated(self) -> bool:
        """Whether depth was measured by calibrated cameras; if not, its scale rests on an assumed field of view."""
        ...

    @property
    def views(self) -> tuple["Description", ...]:
        """What was found in each video by itself: one description, or the left one's and the right one's."""
        ...

    @property
    def projections(self) -> tuple[Projection, ...]:
        """The curve in each video, in the order of `views`."""
        ...

    def to_dict(self) -> dict:
        """The description as plain values, for JSON."""
        ...


def one_view(found: Described, otherwise: str) -> "Description":
    """The description of the only video; raises UserError with the sentence `otherwise` where there are two."""
    view, *others = found.views
    if others:
        raise UserError(otherwise)
    return view
