"""Find what moves in a video: the tracks of its objects, measured at full resolution, the clearest first."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trajvlm.data.errors import UserError
from trajvlm.data.filmed.decode import open_video
from trajvlm.data.filmed.detection import detect
from trajvlm.data.filmed.frames import (
    FrameBuffer,
    MotionSettings,
    check_window,
    longest_shot,
    median_background,
    read_frames,
    time_range,
)
from trajvlm.data.filmed.measure import measured
from trajvlm.data.filmed.segments import DetectionTrack
from trajvlm.data.filmed.track import FoundTracks, Track
from trajvlm.data.filmed.tracking import _link, _ranked_tracks, _within


@dataclass(frozen=True)
class FindSettings:
    """How moving objects are searched and measured."""

    longest_side: int = 640
    """Of the small pictures in which they are searched, in pixels."""
    most_tracks: int = 6
    """Tracks that are measured."""
    samples: int = 25
    """Frames at full resolution whose median is the background when objects are measured."""


def find_tracks(
    path: str | Path,
    start: float | None = None,
    end: float | None = None,
    fps: float | None = None,
    at: tuple[float, ...] | None = None,
    settings: FindSettings | None = None,
) -> FoundTracks:
    """The tracks of what moves in a video, the clearest first.

    Args:
        start, end: seconds from the start of the video between which it is looked at.
        fps: frames a second, instead of the file's timestamps: frame k is at k / fps.
        at: (x, y) or (x, y, t) in pixels of the upright picture and seconds: the track that comes nearest is the first.

    Raises:
        UserError: `path` is no usable video, nothing moves, the camera moves, or the window is not inside the video.
    """
    settings = settings or FindSettings()
    info = open_video(path, fps)
    search = MotionSettings(longest_side=settings.longest_side, max_frames=1500, min_area=5)
    check_window(info, start, end)
    resume = None
    for _ in range(search.max_parts):
        buffer = longest_shot(read_frames(info, start, end, fps, search, resume), search)
        detections = detect(buffer, median_background(buffer, search), search)
        ranked = _ranked_tracks(_link(detections, buffer, search), buffer, start, end, search)
        resume = float(buffer.times[-1])
        if ranked or not buffer.more or resume > (info.duration_s or 0.0) - 1.0:
            break
    if not ranked:
        where = time_range(start, end) or (
            f" up to {resume:.0f} s, which is all that was looked at" if buffer.more else ""
        )
        raise UserError(
            f"nothing moves in {path}{where}; give a video, or a start and an end, "
            f"in which one object moves before a still camera",
            reason="nothing_moves",
        )
    inside = [[b for b in t.detections if _within(buffer.times[b.frame], start, end)] for t in ranked]
    tracks = [_as_track(DetectionTrack(t), buffer) for t in inside[: settings.most_tracks]]
    tracks = measured(path, fps, tracks, settings.samples)
    if at is not None:
        tracks = sorted(tracks, key=lambda track: _distance(track, at))
    return FoundTracks(tuple(tracks), buffer.times, info, buffer.notes)


def _as_track(track: DetectionTrack, buffer: FrameBuffer) -> Track:
    height, width = buffer.pictures.shape[1:3]
    x_scale, y_scale = buffer.info.width / width, buffer.info.height / height
    path = track.array("x", "y", "radius") * [x_scale, y_scale, (x_scale + y_scale) / 2]
    index = np.array([b.frame for b in track.detections])
    whole = np.array([not (b.at_edge or b.attached) for b in track.detections])
    return Track(index, buffer.times[index], path[:, :2], path[:, 2], whole)


def _distance(track: Track, at: tuple[float, ...]) -> float:
    """From a track to a place, in pixels; at a time, where one is given: its observation nearest to it."""
    away = np.linalg.norm(track.centres_px - np.asarray(at[:2]), axis=1)
    if len(at) == 2:
        return float(away.min())
    wait = np.abs(track.times_s - at[2])
    return float(away[wait.argmin()]) if wait.min() < 0.5 else math.inf
