"""The picture of one clip's tokens: the clip, its moving part, its codes, and the scene that they decode to."""

from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from trajvlm.data.clip import Clip
from trajvlm.data.filmed.background_subtraction import subtract_background
from trajvlm.ui.figures import GREY, INK, frame_strip

_GROUND = 0.1


def draw_tokens(clip: Clip, codes: Tensor, code_vectors: Tensor, reconstruction: Tensor, path: Path) -> None:
    """Write a PNG with four strips of frames and the codes as a mosaic.

    Args:
        codes: (times, rows, columns).
        code_vectors: (codebook, dims) within [-1, 1].
        reconstruction: (3, 17, 64, 64) in [0, 1].

    Raises:
        OSError: the file can't be written.
    """
    moving = subtract_background(clip.frames[None])[0, 3]
    seen = (moving / moving.flatten().quantile(0.999).clamp_min(1e-6)).clamp(0, 1)
    drawn = ((reconstruction[0] - _GROUND) / (1 - _GROUND)).clamp(0, 1)
    strips = (
        ("clip", clip.frames),
        ("moving part", seen.expand(3, -1, -1, -1)),
        ("decoded", drawn.expand(3, -1, -1, -1)),
        # Green where both are, red what the codes leave out, blue what they add.
        ("difference", torch.stack([seen - drawn, torch.minimum(seen, drawn), drawn - seen]).clamp_min(0)),
    )
    figure = Figure(figsize=(14, 5.4), dpi=110, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots(5, 1, gridspec_kw={"left": 0.07, "right": 0.99, "top": 0.97, "bottom": 0.06, "hspace": 0.1})
    for ax, (label, video) in zip(axes, strips):
        ax.imshow(frame_strip(video.numpy())[0], interpolation="nearest")
        _label(ax, label)
    picture = mosaic(codes, code_vectors)
    axes[4].imshow(picture, interpolation="nearest", extent=(0, picture.shape[1] / 2, picture.shape[0] / 2, 0))
    _label(axes[4], "codes")
    columns = codes.shape[2]
    for k, step in enumerate(codes.tolist()):
        for i, row in enumerate(step):
            for j, code in enumerate(row):
                place = k * (columns + 0.5) + j + 0.5
                axes[4].text(place, i + 0.5, str(code), ha="center", va="center", fontsize=5.5, color=INK)
    figure.text(0.07, 0.015, "difference: green in both, red left out by the codes, blue added", fontsize=8, color=GREY)
    figure.savefig(path)


def mosaic(codes: Tensor, code_vectors: Tensor) -> np.ndarray:
    """Codes (times, rows, columns) as a picture (2 rows, W, 3) in which like codes have like colours.

    A code is two pixels wide, so that half a code's width can stand between time steps.
    """
    times, rows, columns = codes.shape
    colours = 0.6 + 0.35 * torch.nn.functional.pad(code_vectors, (0, 3))[:, :3]
    picture = np.ones((2 * rows, times * (2 * columns + 1) - 1, 3))
    for k in range(times):
        tile = colours[codes[k]].numpy().repeat(2, 0).repeat(2, 1)
        start = k * (2 * columns + 1)
        picture[:, start : start + 2 * columns] = tile
    return picture


def _label(ax: Axes, text: str) -> None:
    ax.set(xticks=[], yticks=[])
    ax.set_ylabel(text, fontsize=9, color=INK, rotation=0, ha="right", va="center")
    ax.spines[:].set_visible(False)
