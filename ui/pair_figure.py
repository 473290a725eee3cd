"""The picture of an answer from two views: the curve drawn over the middle frame of both videos, and the path in space.

The curve is one and the same in space; each camera sees it from where it stands.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from trajvlm.ui.figures import GREY, HALO, INK, MOMENTS, PATH, draw_frame, draw_path, draw_ring, nearest_frames

if TYPE_CHECKING:
    from trajvlm.vlm.stereo import StereoDescription

_DENSE = 240


def draw_pair(found: "StereoDescription", path: Path, fps: float | None = None) -> None:
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
    duration = found.left.clip.placement.duration_s
    t = np.linspace(0.0, duration, _DENSE)
    for ax, (side, view) in zip(axes, (("left", found.left), ("right", found.right)), strict=True):
        late = found.pair.offset_s if side == "right" else 0.0
        middle = found.left.clip.placement.to_seconds(0.5) + late
        [(time, picture)] = nearest_frames(view.clip.source, [middle], fps)
        draw_frame(ax, picture, view.clip.placement)
        ax.plot(*found.pixels(t, right=side == "right").T, color=PATH, lw=1.5, path_effects=HALO)
        then = time - late - found.left.clip.placement.t0_s
        draw_ring(ax, found.pixels(np.array([then]), right=side == "right")[0], MOMENTS[1][1])
        ax.set_title(f"{side}, {time:.2f} s of the video", fontsize=10, color=INK, pad=5)
    draw_path(space, found.equation, duration, found.pair.unit)
    figure.savefig(path)
