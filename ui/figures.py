"""The picture of one answer: the video with the path drawn over it, the path in space, the clip and its codes.

The first, the middle and the last moment of the clip have one colour each, the same in every part of the picture. Where
the motion was measured, the object's places on the video's own pixels are points beside the curve, and a panel of its
own shows how far the curve misses them.
"""

from functools import reduce
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from trajvlm.agents.seen_places import seen_places
from trajvlm.data.clip import Placement
from trajvlm.data.errors import UserError
from trajvlm.data.filmed.decode import frames
from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.readable import NO_BREAK, lines, unbroken_terms
from trajvlm.ui.measured_words import constants_in_words, pixels_in_words, refusal_in_words, what_is_refused

if TYPE_CHECKING:
    from trajvlm.vlm.describe import Description

INK, GREY, SHADOW = "#1d2430", "#8b93a1", "#a7b0bf"
PATH = "#e4572e"
MOMENTS = (("first", "#2a9d5c", 0.0), ("middle", "#e0a100", 0.5), ("last", "#2f6fde", 1.0))
"""Name, colour and clip time of the three moments that are shown."""

_DENSE = 240
_DENSE_MEASURED = 1600
"""Of a measured curve, which may have many periods."""
_LONGEST_SIDE = 640
_MARGIN_S = 0.5
_LINE_HEIGHT = 0.24
"""Inches that a line of an equation takes."""
_PANEL_CHARACTERS, _PICTURE_CHARACTERS = 48, 140
"""Characters of an equation that fit over one panel of curves, and over all three."""
HALO = [patheffects.withStroke(linewidth=3.2, foreground="white")]


def draw(description: "Description", path: Path, fps: float | None = None) -> None:
    """Write the picture of an answer as a PNG file.

    `fps` is the frame rate that the video was described with, if one was given in place of the file's own times.
    Raises UserError if the source video can't be decoded any more, and OSError if the file can't be written.
    """
    place = description.clip.placement
    # Each frame is about three inches wide; the path in space beside them needs at least three inches of height.
    video_height = np.clip(0.45 + 3.0 * place.video_height_px / place.video_width_px, 3.0, 4.6)
    heights = (
        0.8 if description.measurement is None and description.refused is None else 1.05,
        video_height,
        2.7 + _LINE_HEIGHT * len(_own_lines(description)),
        1.95,
    )
    figure = Figure(figsize=(14, sum(heights)), dpi=110, facecolor="white")
    FigureCanvasAgg(figure)
    title, top, curves, strips = figure.subfigures(4, 1, height_ratios=heights)
    video, space = top.subfigures(1, 2, width_ratios=(2.35, 1))
    _draw_title(title, description)
    _draw_frames(video, description, fps)
    draw_path(space, description.best, place.duration_s, until_s=description.lasts_s)
    _draw_curves(curves, description)
    _draw_strips(strips, description)
    figure.savefig(path)


def _draw_title(part: SubFigure, description: "Description") -> None:
    headline, about, measured = description.finding, description.meaning, constants_in_words(description)
    if description.known:
        headline += f", confidence {description.confidence:.0%}"
    elif refused := refusal_in_words(description):
        about = f"{what_is_refused(description)}: {description.family}" + f", {measured}" * bool(measured)
        headline, measured = "refused", refused.removeprefix("refused: ")
    elif description.doubt:
        about = description.doubt
    high, low = (0.72, 0.08) if measured else (0.58, 0.14)
    part.text(0.035, high, headline, fontsize=19, fontweight="bold", color=INK, va="center")
    # A refusal is a whole sentence.
    told, size = (measured, 12.5) if len(measured) <= 110 else ("\n".join(wrap(measured, 150)), 10.5)
    part.text(0.035, 0.38, told, fontsize=size, color=INK, va="center", parse_math=False)
    # A file's name may hold a dollar sign, which would begin a formula.
    about = f"{about}   ·   {_drawable(Path(description.clip.source).name)}"
    part.text(0.035, low, about, fontsize=11, color=GREY, va="center", parse_math=False)


def _drawable(text: str) -> str:
    """A text with `?` for each sign that the pictures' font lacks, which matplotlib would draw as a box and warn of."""
    font = get_font(findfont(FontProperties()))
    return "".join(sign if font.get_char_index(ord(sign)) else "?" for sign in text)


def _draw_frames(part: SubFigure, description: "Description", fps: float | None) -> None:
    place = description.clip.placement
    curve = description.pixels(description.best, _times(description))
    places = seen_places(description)
    pictures = nearest_frames(description.clip.source, [place.to_seconds(tau) for *_, tau in MOMENTS], fps)
    axes = part.subplots(1, 3, gridspec_kw={"left": 0.05, "right": 0.985, "top": 0.90, "bottom": 0.03, "wspace": 0.05})
    for ax, (name, colour, _), (time, picture) in zip(axes, MOMENTS, pictures, strict=True):
        draw_frame(ax, picture, place)
        for x, y, _ in description.objects if name == "first" else ():
            at = f"{x:.0f},{y:.0f}"
            ax.annotate(at, (x, y), (0, 12), textcoords="offset points", ha="center", fontsize=8, path_effects=HALO)
        # The square that the tokenizer was given.
        corner = place.to_pixels(np.array([-1.0, 1.0]))
        side = 2 * place.half_width_px
        ax.add_patch(Rectangle(corner, side, side, fill=False, ec="white", lw=1.0, ls=(0, (4, 3))))
        ax.plot(*curve.T, color=PATH, lw=1.5, path_effects=HALO, solid_capstyle="round")
        if places is not None:
            ax.plot(
                *places[1].T,
                "o",
                ms=0.7 * _point(len(places[0])),
                mfc="white",
                mec=INK,
                mew=0.15 * _point(len(places[0])),
            )
        draw_ring(ax, description.pixels(description.best, np.array([time - place.t0_s]))[0], colour)
        for spine in ax.spines.values():
            spine.set(color=colour, linewidth=2)
        ax.set_title(f"{name}, {time:.2f} s of the video", fontsize=10, color=INK, pad=5)


def _times(description: "Description") -> np.ndarray:
    """Times (N,), in seconds from the clip's first frame, at which the curve is drawn: over the clip, or over all that
    was measured."""
    if description.measurement is None:
        return np.linspace(0.0, description.clip.placement.duration_s, _DENSE)
    best, t0 = description.measurement.best, description.clip.placement.t0_s
    return np.linspace(best.start_s - t0, best.stop_s - t0, _DENSE_MEASURED)


def draw_frame(ax: Axes, picture: np.ndarray, place: Placement) -> None:
    """A frame (H, W, 3) of the video, whatever its size, in pixels of the whole picture."""
    ax.imshow(picture, extent=(0, place.video_width_px, place.video_height_px, 0), interpolation="antialiased")
    ax.set(xlim=(0, place.video_width_px), ylim=(place.video_height_px, 0), xticks=[], yticks=[], autoscale_on=False)


def draw_ring(ax: Axes, here: np.ndarray, colour: str) -> None:
    """A ring about a pixel (2,)."""
    ax.plot(*here, "o", ms=15, mfc="none", mec="white", mew=4.2)
    ax.plot(*here, "o", ms=15, mfc="none", mec=colour, mew=2.2)


def nearest_frames(source: str, wanted: list[float], fps: float | None) -> list[tuple[float, np.ndarray]]:
    """The frame that is nearest to each wanted second, as its own second and its picture (H, W, 3); `wanted` ascends.

    Raises UserError if the video can't be decoded there any more.
    """
    nearest: list[tuple[float, np.ndarray] | None] = [None] * len(wanted)
    begin, stop = max(0.0, wanted[0] - _MARGIN_S), wanted[-1] + _MARGIN_S
    for time, picture in frames(source, fps, _LONGEST_SIDE, begin, stop):
        for k, target in enumerate(wanted):
            kept = nearest[k]
            if kept is None or abs(time - target) < abs(kept[0] - target):
                nearest[k] = (time, picture)
    found = [kept for kept in nearest if kept is not None]
    if len(found) < len(wanted):
        raise UserError(f"{source} has no picture at {begin:.2f} to {stop:.2f} s any more")
    return found


def draw_path(
    part: SubFigure,
    equation: Equation,
    duration_s: float,
    unit: str = "",
    camera: str = "camera",
    until_s: float | None = None,
) -> None:
    """The path in space with equal axes, seen from above and a little from the left of the camera: from t = 0 to
    `until_s`, or over the clip, which lasts `duration_s`."""
    ax = part.add_axes((0.0, -0.02, 0.95, 1.0), projection="3d")
    path = equation.positions(np.linspace(0.0, duration_s if until_s is None else until_s, _DENSE_MEASURED))
    centre, half = (path.max(0) + path.min(0)) / 2, max(np.ptp(path, axis=0).max() / 2, 1e-3) * 1.1
    for setter, middle in zip((ax.set_xlim, ax.set_ylim, ax.set_zlim), centre, strict=True):
        setter(middle - half, middle + half)
    ax.set_box_aspect((1, 1, 1), zoom=0.92)
    ax.view_init(elev=22, azim=-30, vertical_axis="y")
    floor = path.copy()
    floor[:, 1] = centre[1] - half
    ax.plot(*floor.T, color=SHADOW, lw=1.2)
    ax.plot(*path.T, color=PATH, lw=2.4)
    for name, colour, tau in MOMENTS:
        here = equation.positions(np.array([tau * duration_s]))[0]
        ax.plot(*here[:, None], "o", ms=8, color=colour, mec="white", mew=1.2, label=name)
    of = f", {unit}" if unit else ""
    ax.set_xlabel(f"x, right{of}", color=INK, labelpad=-4)
    ax.set_ylabel(f"y, up{of}", color=INK, labelpad=-4)
    ax.set_zlabel(f"z, to {camera}{of}", color=INK, labelpad=-4)
    ax.tick_params(labelsize=7, pad=-2, colors=GREY)
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_major_locator(MaxNLocator(4))
        axis.set_pane_color((0.97, 0.975, 0.98, 1.0))
    part.legend(
        loc="upper right",
        bbox_to_anchor=(0.97, 1.0),
        fontsize=8,
        frameon=False,
        ncols=3,
        handletextpad=0.1,
        columnspacing=0.9,
    )


def _draw_curves(part: SubFigure, description: "Description") -> None:
    """x, y and z against seconds on one scale, each under its equation; the model's raw answer dashed."""
    if own_lines := _own_lines(description):
        height = _LINE_HEIGHT * len(own_lines)
        text, part = part.subfigures(2, 1, height_ratios=(height, 2.7))
        for k, line in enumerate(own_lines):
            place = 1 - (k + 0.5) / len(own_lines)
            text.text(0.05, place, line, fontsize=10.5, color=INK, va="center", parse_math=False)
    duration = description.clip.placement.duration_s
    within, t = np.linspace(0.0, duration, _DENSE), _times(description)
    best, raw = description.best.positions(t), description.equation.positions(within)
    titles = list("xyz") if own_lines else _equation_lines(description)
    places = seen_places(description)
    # A depth that is not seen is 0 all the time.
    shown = [k for k in range(3) if k < 2 or places is None or description.best.z.free_symbols]
    grid = {"left": 0.05, "right": 0.985, "top": 0.84, "bottom": 0.21, "wspace": 0.10 if places is None else 0.16}
    axes = part.subplots(1, len(shown) + (places is not None), sharex=True, gridspec_kw=grid)
    kind = "measured" if description.measured is not None else "refined"
    axes[0].set_ylabel("half widths of the dashed square", fontsize=8.5, color=INK)
    for ax, k in zip(axes, shown):
        ax.sharey(axes[0])
        ax.axhline(0, color="#e3e6eb", lw=1, zorder=0)
        if kind == "measured" or description.refined is not None:
            ax.plot(within, raw[:, k], color=GREY, lw=1.3, ls=(0, (4, 3)), label="raw answer")
        else:
            kind = "raw answer"
        if places is not None and k < 2:
            ax.plot(places[0], places[2][:, k], ".", ms=_point(len(places[0])), color=INK, label="seen", zorder=1)
        ax.plot(t, best[:, k], color=PATH, lw=2.2 if places is None else 1.2, label=kind)
        for _, colour, tau in MOMENTS:
            ax.axvline(tau * duration, color=colour, lw=1, alpha=0.55, zorder=0)
            here = description.best.positions(np.array([tau * duration]))[0, k]
            ax.plot(tau * duration, here, "o", ms=6, color=colour, mec="white", mew=1, zorder=3)
        ax.set_title(titles[k], loc="left", fontsize=10.5, color=INK, pad=7, parse_math=False)
        ax.margins(x=0.02, y=0.12)
        if k:
            ax.tick_params(labelleft=False)
    if places is not None:
        _draw_residuals(axes[-1], description, *places[:2])
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.spines[["left", "bottom"]].set_color(GREY)
        ax.tick_params(labelsize=8, colors=GREY)
        ax.set_xlabel("t, seconds from the clip's first frame", fontsize=8.5, color=INK)
    size = 3.5 if places is None else _point(len(places[0]))
    for ax in axes[:1] if places is None else axes[[0, -1]]:
        ax.legend(fontsize=8, edgecolor="none", framealpha=0.85, loc="best", markerscale=3.5 / size)


def _point(count: int) -> float:
    """How large the points for so many places are drawn: the more there are, the smaller."""
    return float(np.clip(3.5 * (60 / count) ** 0.5, 1.2, 3.5))


def _draw_residuals(ax: Axes, description: "Description", t: np.ndarray, pixels: np.ndarray) -> None:
    """How far the object was seen from the measured curve, in pixels of the video."""
    assert description.measurement is not None
    away = pixels - description.pixels(description.best, t)
    limit = max(4.0 * description.measurement.best.residual_px, 0.1)
    ax.axhline(0, color="#e3e6eb", lw=1, zorder=0)
    # Single wrong places lie at the edge.
    size = _point(len(t))
    ax.plot(t, away[:, 0].clip(-limit, limit), ".", ms=size, color=INK, label="to the right")
    ax.plot(t, -away[:, 1].clip(-limit, limit), ".", ms=size, color=MOMENTS[2][1], label="up")
    ax.set_ylim(-1.25 * limit, 1.25 * limit)
    title = f"seen minus measured: {pixels_in_words(description.measurement.best.residual_px)} rms"
    ax.set_title(title, loc="left", fontsize=10.5, color=INK, pad=7)


def _equation_lines(description: "Description") -> list[str]:
    """The equation's lines with ², ³ and minus signs, as a person writes them."""
    signs = (("**2", "²"), ("**3", "³"), ("*", NO_BREAK), ("-", "\N{MINUS SIGN}"))
    written = map(unbroken_terms, lines(description.best, 3))
    return [reduce(lambda text, sign: text.replace(*sign), signs, line) for line in written]


def _own_lines(description: "Description") -> list[str]:
    """The equation's lines where they are too long or too many to stand over the three panels; none where they fit."""
    found = _equation_lines(description)
    if len(found) == len("xyz") and max(map(len, found)) <= _PANEL_CHARACTERS:
        return []
    return [part for line in found for part in wrap(line, _PICTURE_CHARACTERS, subsequent_indent=" " * 8)]


def _draw_strips(part: SubFigure, description: "Description") -> None:
    """The 17 frames that the tokenizer saw, and below them the scene that its codes decode to."""
    rows = (("clip", description.clip.frames), ("tokens", description.reconstruction))
    grid = {"left": 0.05, "right": 0.985, "top": 0.97, "bottom": 0.13, "hspace": 0.06}
    axes = part.subplots(2, 1, gridspec_kw=grid)
    for ax, (label, video) in zip(axes, rows, strict=True):
        strip, centres = frame_strip(video.detach().cpu().numpy())
        ax.imshow(strip, interpolation="nearest", aspect="equal")
        ax.set(xticks=[], yticks=[])
        ax.set_ylabel(label, fontsize=9.5, color=INK)
        ax.spines[:].set_visible(False)
    shown = range(0, len(centres), 4)
    seconds = description.clip.times * description.clip.placement.duration_s
    times = [f"{seconds[k]:.2f} s" for k in shown]
    axes[-1].set_xticks([centres[k] for k in shown], times, fontsize=8, color=GREY)
    axes[-1].tick_params(length=0, pad=4)


def frame_strip(video: np.ndarray, gap: int = 3) -> tuple[np.ndarray, list[float]]:
    """Frames (3, T, H, W) side by side as one picture (H, W', 3), and the middle column of each frame."""
    _, count, height, width = video.shape
    strip = np.ones((height, count * (width + gap) - gap, 3))
    for k in range(count):
        strip[:, k * (width + gap) : k * (width + gap) + width] = video[:, k].transpose(1, 2, 0).clip(0, 1)
    return strip, [k * (width + gap) + (width - 1) / 2 for k in range(count)]
