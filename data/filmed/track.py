"""The track of one object through a video, measured on the video's own pixels."""

from dataclasses import dataclass, replace

import numpy as np

from trajvlm.data.filmed.decode import VideoInfo


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

    @property
    def length_px(self) -> float:
        """Length of the path in pixels."""
        return float(np.linalg.norm(np.diff(self.centres_px, axis=0), axis=1).sum())


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
