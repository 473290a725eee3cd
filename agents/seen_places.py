"""The places at which the object was seen in what was measured, as pixels and in the equation's unit."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from trajvlm.vlm.describe import Description


def seen_places(description: "Description") -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Times (N,) in seconds from the clip's first frame, pixels (N, 2) of the video, and x and y (N, 2) in the
    equation's unit at the curve's depth; None where nothing was measured."""
    if description.measurement is None or description.filmed_track is None:
        return None
    best, place = description.measurement.best, description.clip.placement
    part = description.filmed_track.between(best.start_s, best.stop_s)
    t, pixels = part.times_s - place.t0_s, part.centres_px
    across = (pixels - [place.centre_x_px, place.centre_y_px]) / place.half_width_px * [1.0, -1.0]
    depth = description.best.positions(t)[:, 2]
    return t, pixels, across * (1 - depth / description.focal)[:, None]
