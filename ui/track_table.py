"""The object's track on the video's own pixels as a table: `NAME.track.csv` beside a picture and a JSON file."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from trajvlm.data.filmed.track import Track
    from trajvlm.vlm.describe import Description

COLUMNS = ("frame", "t_s", "x_px", "y_px", "radius_px", "whole", "phase", "fitted_x_px", "fitted_y_px", "residual_px")
"""Frame in the order of display, seconds of the video, middle and apparent radius in pixels of the upright picture,
whether the object is seen completely and alone, the phase's name, the phase's measured curve, and how far it is off."""


def write_track(description: "Description", path: Path) -> None:
    """Write every observation of the object, one a row; raises OSError where that can't be."""
    track = description.filmed_track
    assert track is not None
    names, fitted, away = beside_curves(description, track)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for k in range(len(track)):
            places = [f"{value:.3f}" for value in (*track.centres_px[k], track.radii_px[k])]
            curve = ["" if np.isnan(value) else f"{value:.3f}" for value in (*fitted[k], away[k])]
            table.writerow([track.frames[k], f"{track.times_s[k]:.6f}", *places, int(track.whole[k]), names[k], *curve])


def beside_curves(description: "Description", track: "Track") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each of a track's N observations the name of its phase (N,), the place on the phase's measured curve (N, 2)
    in pixels of the video, and how far that is off (N,); "" and NaN where there is none."""
    names, fitted = np.full(len(track), "", dtype=object), np.full((len(track), 2), np.nan)
    for phase in description.phases:
        inside = (track.times_s >= phase.start_s - 1e-6) & (track.times_s <= phase.stop_s + 1e-6)
        names[inside] = phase.name
        if phase.measurement is not None:
            fitted[inside] = phase.measurement.best.pixels(track.times_s[inside])
    return names, fitted, np.linalg.norm(fitted - track.centres_px, axis=1)
