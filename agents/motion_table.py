"""The motion as a table: one row a time, columns named with their units, as trackers of video write it."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trajvlm.vlm.quantities import velocity

if TYPE_CHECKING:
    from trajvlm.vlm.describe import Description

_TIMES = 61


def rows(
    description: "Description", metres_per_unit: float | None = None, slower: float = 1.0
) -> list[dict[str, float]]:
    """Sixty-one even times of the clip with position, velocity and pixel; lengths in u, or in m where a scale is.

    `slower`: how many times slower than the motion the file plays, in whose seconds `video_s` is.
    """
    place = description.clip.placement
    unit, factor = ("u", 1.0) if metres_per_unit is None else ("m", metres_per_unit)
    t = np.linspace(0, place.duration_s, _TIMES)
    columns = {"t_s": t, "video_s": (place.t0_s + t) * slower}
    for name, equation, per in (("", description.best, ""), ("v", velocity(description.best), "_per_s")):
        for k, axis in enumerate("xyz"):
            columns[f"{name}{axis}_{unit}{per}"] = equation.positions(t)[:, k] * factor
    columns["pixel_x"], columns["pixel_y"] = description.pixels(description.best, t).T
    return [dict(zip(columns, (round(float(v), 6) for v in values))) for values in zip(*columns.values())]


def write_csv(table: list[dict[str, float]], path: Path) -> None:
    """Write rows under a line of column names."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, table[0])
        writer.writeheader()
        writer.writerows(table)
