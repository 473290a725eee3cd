"""Pictures that tools write: curves against time, and the visual tokens with the scene that they decode to."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from trajvlm.agents.seen_places import seen_places
from trajvlm.vlm.quantities import velocity

if TYPE_CHECKING:
    from trajvlm.vlm.describe import Description
    from trajvlm.vlm.described import Described

_COLOURS = {"x": "#e4572e", "y": "#2a9d5c", "z": "#2f6fde"}
_INK, _GREY = "#1d2430", "#8b93a1"
_ORDER = {"position": 0, "velocity": 1, "acceleration": 2}


def plot_over_time(
    description: "Described", what: tuple[str, ...], path: Path, length: str = "u", factor: float = 1.0
) -> None:
    """Draw x, y and z of each of `what` (position, velocity, acceleration) against seconds, as a PNG file; beside the
    positions of what was measured are those at which the object was seen.

    `length` is the unit of lengths, and `factor` how many of it are one unit of the equation.
    """
    t = np.linspace(0, description.lasts_s, 1600)
    ways = ("right", "up", f"to {description.projections[0].camera}")
    places = None if description.calibrated else seen_places(description.views[0])
    figure = _figure(7, 0.5 + 2.3 * len(what))
    panels = figure.subplots(len(what), 1, sharex=True, squeeze=False)[:, 0]
    for ax, name in zip(panels, what, strict=True):
        equation = description.best
        for _ in range(_ORDER[name]):
            equation = velocity(equation)
        values = equation.positions(t) * factor
        for along, way, (axis, colour) in zip(values.T, ways, _COLOURS.items(), strict=True):
            ax.plot(t, along, color=colour, lw=2, label=f"{axis}, {way}")
        if name == "position" and places is not None:
            inside = (places[0] >= t[0]) & (places[0] <= t[-1])
            for along in places[2][inside].T:
                ax.plot(places[0][inside], along * factor, ".", ms=4, color=_INK, label="seen", zorder=1)
        unit = {"position": length, "velocity": f"{length}/s", "acceleration": f"{length}/s²"}[name]
        ax.set_ylabel(f"{name}, {unit}", fontsize=9, color=_INK)
        ax.axhline(0, color="#e3e6eb", lw=1, zorder=0)
        ax.spines[["top", "right"]].set_visible(False)
        ax.spines[["left", "bottom"]].set_color(_GREY)
        ax.tick_params(labelsize=8, colors=_GREY)
        ax.margins(x=0.01, y=0.1)
    panels[-1].set_xlabel("t, seconds from the clip's first frame", fontsize=9, color=_INK)
    shown = dict(zip(*reversed(panels[0].get_legend_handles_labels())))
    panels[0].legend(
        shown.values(), shown, fontsize=8.5, frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1)
    )
    figure.savefig(path, dpi=130)


def plot_tokens(description: "Description", path: Path) -> None:
    """Draw the clip, its codes as a mosaic with their numbers, and the scene that they decode to, as a PNG file.

    One column is one time of the tokenizer; the first stands for one frame, each of the others for two.
    """
    codes = description.codes[0].numpy()
    shown = np.linspace(0, description.clip.frames.shape[1] - 1, len(codes)).round().astype(int)
    figure = _figure(9.5, 3.6)
    grid = figure.subplots(3, len(codes), gridspec_kw={"wspace": 0.04, "hspace": 0.04})
    rows = (("clip", description.clip.frames), ("codes", None), ("decoded", description.reconstruction))
    for axes, (label, video) in zip(grid, rows, strict=True):
        for column, (ax, frame) in enumerate(zip(axes, shown, strict=True)):
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
            if video is None:
                _mosaic(ax, codes[column])
            else:
                ax.imshow(video[:, frame].permute(1, 2, 0).clamp(0, 1).cpu().numpy(), interpolation="nearest")
        axes[0].set_ylabel(label, fontsize=10, color=_INK)
    figure.savefig(path, dpi=120)


def _mosaic(ax, codes: np.ndarray) -> None:
    """2 x 2 codes as coloured squares; the colour is the number's and means nothing else."""
    # Steps of the golden ratio give neighbouring numbers unlike colours.
    ax.imshow(colormaps["hsv"](codes * 0.618034 % 1) * (0.8, 0.8, 0.8, 1), aspect="equal")
    for (row, column), code in np.ndenumerate(codes):
        ax.text(column, row, str(code), ha="center", va="center", fontsize=7.5, color="white", fontweight="bold")


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    return figure
