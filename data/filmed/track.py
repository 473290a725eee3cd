"""The track of one object through a video, measured on the video's own pixels."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import ndimage

from trajvlm.data.filmed.decode import VideoInfo

_MOMENT, _SMALLER, _FAR_SMALLER = 15, 0.85, 0.55
"""Observations, more than twice as many as a moment's, and radii as parts of the usual one from which on an object is
hidden in part for a moment, or for longer."""
_LARGER = 1.35


@dataclass(frozen=True)
class Track:
    """One object's place and size in N frames of a video, in the order of time.

    Pixels are those of the upright picture, x to the right and y downwards, (0, 0) the upper left corner of the upper
    left pixel; where the camera moves (`FoundTracks.poses`), of the picture that it would have taken standing still.
    """

    frames: np.ndarray
    """(N,) int, which of the frames that were looked at (`FoundTracks.times_s`), in the order of display."""
    times_s: np.ndarray
    """(N,) seconds from the start of the video, rising."""
    centres_px: np.ndarray
    """(N, 2), x and y."""
    radii_px: np.ndarray
    """(N,), apparent radius; across the direction of motion where motion blurs the object."""
    whole: np.ndarray
    """(N,) bool: the object is seen completely and alone. False where the picture's edge cuts it off, where it touches
    something else that moves, and where it is partly hidden."""

    def __len__(self) -> int:
        return len(self.times_s)

    def part(self, chosen: np.ndarray | slice) -> "Track":
        """The observations that a mask (N,), indices or a slice choose."""
        columns = ("frames", "times_s", "centres_px", "radii_px", "whole")
        return replace(self, **{name: getattr(self, name)[chosen] for name in columns})

    def between(self, start_s: float, stop_s: float) -> "Track":
        """The observations from `start_s` to `stop_s`, both included."""
        return self.part((self.times_s >= start_s - 1e-6) & (self.times_s <= stop_s + 1e-6))

    @cached_property
    def hidden_px(self) -> np.ndarray:
        """(N,) by how much the radius is smaller where the object is hidden in part than it should be, else 0. So far
        the centre of what is seen may lie from the object's.

        An object is smaller for a moment, or for a stretch in which it becomes far smaller than as it comes nearer or
        goes away, which shows as a steady growth.
        """
        if not len(self):
            return np.zeros(0)
        logs = np.log(np.maximum(self.radii_px, 0.1))
        usual = ndimage.median_filter(logs, min(_MOMENT, len(logs)), mode="nearest")
        usual[logs > usual + np.log(_SMALLER)] = -np.inf
        steady = _upper_line(logs)
        small = np.concatenate([[False], logs < steady + np.log(_SMALLER), [False]])
        edges = np.flatnonzero(np.diff(small.astype(int)))
        for first, stop in zip(edges[::2], edges[1::2], strict=True):
            if (logs - steady)[first:stop].min() < np.log(_FAR_SMALLER):
                usual[first:stop] = steady[first:stop]
        return np.maximum(np.exp(usual) - self.radii_px, 0.0)

    @property
    def length_px(self) -> float:
        """Length of the path in pixels."""
        return float(np.linalg.norm(np.diff(self.centres_px, axis=0), axis=1).sum())


def _upper_line(values: np.ndarray) -> np.ndarray:
    """(N,) of a line with a quarter of some values (N,) above it, by weighted least squares, without those far above
    the median: there the object hung together with something."""
    t = np.linspace(-1.0, 1.0, len(values))
    used = values < np.median(values) + np.log(_LARGER)
    design, weights, line = np.stack([np.ones_like(t), t], axis=1), used.astype(float), values
    for _ in range(20):
        line = design @ np.linalg.lstsq(design * weights[:, None], values * weights, rcond=None)[0]
        weights = used * np.sqrt(np.where(values > line, 0.75, 0.25) / np.maximum(np.abs(values - line), 0.01))
    return line


@dataclass(frozen=True)
class FoundTracks:
    """What moves in a video."""

    tracks: tuple[Track, ...]
    """The clearest first; empty where nothing moves."""
    times_s: np.ndarray
    """(F,) of all frames that were looked at, rising."""
    video: VideoInfo
    notes: tuple[str, ...] = ()
    """Sentences for the person who reads the answer."""
    poses: np.ndarray | None = None
    """(F, 2, 3) where the camera moves: pixels of each frame to those of the still camera in which tracks are given,
    `pose[:, :2] @ pixel + pose[:, 2]`; None where it stands still."""
