"""How many metres one unit of an equation is, from one known length.

The unit of an equation is half the width of the crop at the path's mean depth. It changes with the crop, so a `Scale`
keeps the length that the person gave, and computes the metres in a unit for each description.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trajvlm.data.cameras.camera import magnification
from trajvlm.data.clip import SIZE
from trajvlm.data.errors import UserError
from trajvlm.data.rendered.scene import SceneSettings
from trajvlm.vlm.described import Described, one_view

if TYPE_CHECKING:
    from trajvlm.vlm.describe import Description

_UNSURE = 1.2
"""An apparent radius below this many times the smallest in the training is unreliable."""
_LEAST_WIDTH_PX = 10.0
"""Width of the object in pixels of the video below which a blurred edge counts."""
_CALIBRATED = "two views have the scale of the cameras' file, and no other can be set; leave the length out"
_METRES = (1e-6, 1e6)
_PIXELS_PER_METRE = (1e-4, 1e8)


@dataclass(frozen=True)
class Scale:
    """One known length; exactly one of the four is given. Raises UserError for none, several, or an impossible one."""

    diameter_m: float | None = None
    """Of the object, in metres."""
    pixels_per_metre: float | None = None
    """Pixels of the video that one metre takes at the object's mean depth."""
    distance_m: float | None = None
    """Of the object from the camera, on average, in metres."""
    picture_width_m: float | None = None
    """What the whole picture is wide at the object's mean depth, in metres."""

    def __post_init__(self):
        lengths = (self.diameter_m, self.pixels_per_metre, self.distance_m, self.picture_width_m)
        given = [value for value in lengths if value is not None]
        if len(given) != 1:
            raise UserError(
                "a scale is one length: give the object's diameter, the pixels in a metre, the distance from the "
                "camera or the width of the picture, and only one of them"
            )
        least, most = _PIXELS_PER_METRE if self.pixels_per_metre is not None else _METRES
        if not (math.isfinite(given[0]) and given[0] > 0):
            raise UserError(f"a scale has to be a positive number, not {given[0]:g}")
        if not least <= given[0] <= most:
            raise UserError(
                f"a scale of {given[0]:g} can't be right for anything that is filmed; it lies between {least:g} and "
                f"{most:g}"
            )

    def __str__(self) -> str:
        if self.diameter_m is not None:
            return f"the object is {self.diameter_m:g} m wide"
        if self.distance_m is not None:
            return f"the object is {self.distance_m:g} m from the camera on average"
        if self.picture_width_m is not None:
            return f"the picture is {self.picture_width_m:g} m wide at the object's mean depth"
        return f"one metre is {self.pixels_per_metre:g} pixels at the object's mean depth"

    def metres_per_unit(self, found: Described) -> float:
        """Metres in one unit of the description's equations.

        Raises UserError for two views, which have a scale, and where the object's size is not seen.
        """
        description = one_view(found, _CALIBRATED)
        if self.pixels_per_metre is not None:
            return description.clip.placement.half_width_px / self.pixels_per_metre
        if self.distance_m is not None:
            # The camera stands one focal length, in units, before the path's mean depth.
            return self.distance_m / description.focal
        if self.picture_width_m is not None:
            place = description.clip.placement
            return self.picture_width_m * place.half_width_px / place.video_width_px
        assert self.diameter_m is not None  # one of the four is given
        return self.diameter_m / (2 * radius_in_units(description))


def size_warning(found: Described) -> str:
    """A sentence where the object looks too small for its width to be measured well; empty elsewhere. Raises UserError
    as `Scale.metres_per_unit` does."""
    description = one_view(found, _CALIBRATED)
    radius = radius_in_units(description)
    if _measured_sizes(description) is not None:
        wide = 2 * radius * description.clip.placement.half_width_px
        if wide >= _LEAST_WIDTH_PX:
            return ""
        return (
            f"Careful: the object is only {wide:.0f} pixels of the video wide, and its edge is blurred by about one of "
            f"them, so lengths may be wrong by a tenth and more. Pixels per metre do not have that error."
        )
    if radius > _UNSURE * SceneSettings().radius[0]:
        return ""
    return (
        f"Careful: the object looks {radius * SIZE:.1f} pixels wide of the clip's {SIZE}, which is the least that the "
        f"tokens can show; it may be smaller, and lengths then come out too short. Pixels per metre do not have that "
        f"error."
    )


def radius_in_units(description: "Description") -> float:
    """The object's radius in units of the equation: from its apparent size on the video's own pixels where it was
    measured, else from that in the scene that the tokens decode to.

    Raises UserError where the object is seen in fewer than half of the frames that count in a fit.
    """
    t, radii = _measured_sizes(description) or _decoded_sizes(description)
    nearer = magnification(description.best.positions(t), description.focal)
    return float(np.median(radii / nearer))


def _measured_sizes(description: "Description") -> tuple[np.ndarray, np.ndarray] | None:
    """Seconds of the clip (N,) and apparent radii (N,) in half widths, in the measured phase where the object is seen
    whole; None where nothing was measured."""
    track, measurement = description.filmed_track, description.measurement
    if track is None or measurement is None:
        return None
    part = track.between(measurement.best.start_s, measurement.best.stop_s)
    part = part.part(part.whole) if part.whole.any() else part
    place = description.clip.placement
    return part.times_s - place.t0_s, part.radii_px / place.half_width_px


def _decoded_sizes(description: "Description") -> tuple[np.ndarray, np.ndarray]:
    readout, times = description.track, description.clip.fit_times
    counts = np.isfinite(times)
    seen = readout.seen[0].numpy() & counts
    if seen.sum() * 2 < counts.sum():
        raise UserError(
            "the decoded tokens do not show the object well enough to measure its size; give the scale as pixels per "
            "metre instead"
        )
    return times[seen] * description.clip.placement.duration_s, readout.track.radius[0].numpy()[seen]
