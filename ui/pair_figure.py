"""The picture of an answer from two views: the curve over the middle frame of both videos, and the path in space."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from trajvlm.ui.figures import GREY, HALO, INK, MOMENTS, PATH, draw_frame, draw_path, draw_ring, nearest_frames

if TYPE_CHECKING:
    from trajvlm.vlm.described import Described

_DENSE = 240


def draw_pair(found: "Described", path: Path, fps: float | None = None) -> None:
    """Write the picture of an answer as a PNG file.

    Raises UserError if a video can't be decoded any more, and OSError if the file can't be written.
    """
    figure = Figure(figsize=(14, 5.6), dpi=110, facecolor="white")
    FigureCanvasAgg(figure)
    title, body = figure.subfigures(2, 1, height_ratios=(0.8, 4.8))
    headline = f"{found.family}, confidence {found.confidence:.0%}, two views"
    title.text(0.035, 0.58, headline, fontsize=19, fontweight="bold", color=INK, va="center")
    title.text(0.035, 0.14, found.meaning, fontsize=11, color=GREY, va="center")
    videos, space = body.subfigures(1, 2, width_ratios=(2.1, 1))
    axes = videos.subplots(1, 2, gridspec_kw={"left": 0.03, "right": 0.985, "top": 0.92, "bottom": 0.04})
    duration = found.clip.placement.duration_s
    t = np.linspace(0.0, duration, _DENSE)
    for ax, view in zip(axes, found.projections, strict=True):
        [(time, picture)] = nearest_frames(view.clip.source, [view.starts_s + 0.5 * duration], fps)
        draw_frame(ax, picture, view.clip.placement)
        ax.plot(*view.pixels(t).T, color=PATH, lw=1.5, path_effects=HALO)
        draw_ring(ax, view.pixels(np.array([time - view.starts_s]))[0], MOMENTS[1][1])
        ax.set_title(f"{view.side}, {time:.2f} s of the video", fontsize=10, color=INK, pad=5)
    draw_path(space, found.best, duration, found.unit, "left camera")
    figure.savefig(path)
