"""The motion as a table, like that of a video tracker: a row for each time, columns named with their units."""

import csv
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trajvlm.vlm.quantities import velocity

if TYPE_CHECKING:
    from trajvlm.vlm.described import Described

_TIMES = 61


def rows(
    description: "Described", length: str = "u", factor: float = 1.0, slower: float = 1.0
) -> list[dict[str, float | None]]:
    """Even times with position, velocity and pixel; None behind a camera. There are sixty-one, or as many as frames in
    which the motion was measured.

    Args:
        length, factor: the unit of lengths, and how many of it are one unit of the equation.
        slower: how many times slower than the motion the file plays; `video_s` is in seconds of the file.
    """
    first = description.projections[0]
    t = np.linspace(0, first.duration_s, _times(description))
    columns = {"t_s": t, "video_s": (first.starts_s + t) * slower}
    for name, equation, per in (("", description.best, ""), ("v", velocity(description.best), "_per_s")):
        for k, axis in enumerate("xyz"):
            columns[f"{name}{axis}_{length}{per}"] = equation.positions(t)[:, k] * factor
    for view in description.projections:
        side = f"_{view.side}" if view.side else ""
        columns[f"pixel{side}_x"], columns[f"pixel{side}_y"] = view.pixels(t).T
    return [dict(zip(columns, map(_rounded, values))) for values in zip(*columns.values())]


def _times(description: "Described") -> int:
    measurement = None if description.calibrated else description.views[0].measurement
    return _TIMES if measurement is None else max(_TIMES, len(measurement.best.residuals_px))


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 6)


def write_csv(table: list[dict[str, float | None]], path: Path) -> None:
    """Write rows under a line of column names."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, table[0])
        writer.writeheader()
        writer.writerows(table)
