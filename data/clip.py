"""The canonical clip: the form of every video, rendered or real, that a tokenizer reads.

A canonical clip is 17 square frames of 64 x 64 pixels, RGB in [0, 1], at equal steps of *clip time* tau from
0 (first frame) to 1 (last frame). Image coordinates (u, v) run from -1 to 1 over the width and the height of the
frame, u to the right and v upwards; the centre of pixel (row i, column j) is at u = (j + 0.5) / 32 - 1,
v = 1 - (i + 0.5) / 32.

The frames of a video are not at those 17 times: `Clip.times` says when each frame was taken, and `Clip.repeated` which
of them repeat the one before because the video has none.

`Placement` is the exact map from these coordinates back to the pixels and seconds of the source video.
"""

from dataclasses import asdict, dataclass, field
from typing import overload

import numpy as np
import torch

FRAMES = 17
SIZE = 64


@dataclass(frozen=True)
class Picture:
    """Size of a rendered clip: number of frames, and width and height in pixels; by default the canonical clip's."""

    frames: int = FRAMES
    size: int = SIZE

    @property
    def times(self) -> np.ndarray:
        """(frames,) clip time of each frame, 0 to 1."""
        return np.linspace(0.0, 1.0, self.frames)


CANONICAL = Picture()


@dataclass(frozen=True)
class Placement:
    """Position of a canonical clip in its source video.

    Pixels are those of the upright picture (after the file's rotation flag), x to the right and y downwards,
    with (0, 0) at the top left corner of the top left pixel.
    """

    centre_x_px: float
    centre_y_px: float
    half_width_px: float
    """Half the width of the square crop; one image unit (u or v) is this many pixels."""
    t0_s: float
    """Time of the first canonical frame, in seconds from the start of the video."""
    duration_s: float
    """Seconds from the first canonical frame to the last."""
    video_width_px: int
    video_height_px: int

    def __post_init__(self) -> None:
        if self.half_width_px <= 0 or self.duration_s <= 0:
            raise ValueError(f"a clip needs a positive width and duration, not {self}")

    def to_pixels(self, uv: np.ndarray) -> np.ndarray:
        """Image coordinates (..., 2) of the canonical clip to pixels (..., 2) of the source video."""
        return np.stack(
            [self.centre_x_px + self.half_width_px * uv[..., 0], self.centre_y_px - self.half_width_px * uv[..., 1]],
            axis=-1,
        )

    @overload
    def to_seconds(self, tau: np.ndarray) -> np.ndarray: ...

    @overload
    def to_seconds(self, tau: float) -> float: ...

    def to_seconds(self, tau: np.ndarray | float) -> np.ndarray | float:
        """Clip time, 0 to 1 inside the clip, to seconds from the start of the source video."""
        return self.t0_s + self.duration_s * tau

    def to_dict(self) -> dict:
        """The fields as plain numbers, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Clip:
    """A canonical clip and its source."""

    frames: torch.Tensor
    """(3, 17, 64, 64), float32 in [0, 1]."""
    placement: Placement
    source: str
    """Path of the video, as the user gave it."""
    notes: tuple[str, ...] = ()
    """Sentences on how the window and the crop were chosen, for the person who reads the result."""
    times: np.ndarray = field(default_factory=lambda: CANONICAL.times)
    """(17,) clip time at which each frame was taken; a repeated frame has the time of the one it repeats."""
    repeated: np.ndarray = field(default_factory=lambda: np.zeros(FRAMES, dtype=bool))
    """(17,) whether a frame repeats the one before, as the video has none nearest to its even time."""
    unseen: np.ndarray = field(default_factory=lambda: np.zeros(FRAMES, dtype=bool))
    """(17,) whether a frame lies before the object is first found in the window, or after it is last found."""

    @property
    def fit_times(self) -> np.ndarray:
        """(17,) clip time of each frame for a fit; NaN where a frame is left out, as it is `repeated` or `unseen`."""
        return np.where(self.repeated | self.unseen, np.nan, self.times)

    def frame_times(self) -> dict:
        """Times of the frames in seconds of the video, and the indices of repeated and unseen ones, for JSON."""
        return {
            "times_s": [round(float(time), 4) for time in self.placement.to_seconds(self.times)],
            "repeated": np.flatnonzero(self.repeated).tolist(),
            "unseen": np.flatnonzero(self.unseen).tolist(),
        }

    @classmethod
    def from_frames(cls, frames: torch.Tensor, source: str = "") -> "Clip":
        """A rendered clip (3, 17, 64, 64), which is canonical as it is and takes one second."""
        return cls(frames, Placement(SIZE / 2, SIZE / 2, SIZE / 2, 0.0, 1.0, SIZE, SIZE), source)

    def __post_init__(self) -> None:
        if self.frames.shape != (3, FRAMES, SIZE, SIZE):
            raise ValueError(f"a canonical clip is (3, {FRAMES}, {SIZE}, {SIZE}), not {tuple(self.frames.shape)}")
        if not self.times.shape == self.repeated.shape == self.unseen.shape == (FRAMES,):
            raise ValueError(f"a canonical clip has a time and two marks for each of its {FRAMES} frames")
