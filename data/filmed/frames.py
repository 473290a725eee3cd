"""The frame buffer: small pictures of a video, in which the moving object is searched, and the search's settings."""

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy import ndimage

from trajvlm.data.errors import UserError
from trajvlm.data.filmed.decode import VideoInfo, frames


@dataclass(frozen=True)
class MotionSettings:
    """How the moving object is searched; lengths in pixels are those of the small pictures of the first pass."""

    longest_side: int = 320
    """Of the small pictures, in pixels."""
    max_frames: int = 600
    """Frames kept in memory by the first pass (about 100 MB)."""
    max_parts: int = 3
    """Parts of that many frames that are searched, one after another, until something moves."""
    min_rate: float = 25.0
    """Long videos are subsampled, but not below this many frames a second."""
    lead_s: float = 2.0
    """Seconds read before and after a window that the user gave, to estimate the background."""
    background_frames: int = 61
    """Frames whose median is the background."""
    min_contrast: float = 10.0
    """Least difference from the background, 0 to 255, of a detection; raised where the video is noisy."""
    noise_factor: float = 5.0
    """Threshold in standard deviations of a frame's noise, where that is above `min_contrast`."""
    min_area: int = 5
    """Least area of a detection, in pixels."""
    max_gap: int = 3
    """Consecutive frames without a detection that a track may bridge."""
    max_jump: float = 2.0
    """Ratio of the areas of consecutive detections from which on the object was released or hidden."""
    min_travel: float = 0.02
    """Least motion, as a part of the picture's longest side."""
    min_points: int = 9
    """Distinct source frames that a canonical clip needs."""
    max_periods: float = 1.5
    """Periods of a periodic motion that the window holds at most."""
    max_bounces: float = 2.0
    """The same of a bouncing ball, in flights."""
    fill: float = 0.8
    """Part of the frame that path and radius span in the larger direction."""
    max_radius: float = 0.2
    """Largest apparent radius, as a part of the frame's width."""

    def __post_init__(self):
        if not (0 < self.fill < 1 and 0 < self.max_radius < 0.5 and self.min_points >= 2):
            raise ValueError(f"settings out of range: {self}")


@dataclass(frozen=True)
class FrameBuffer:
    """The small pictures of the first pass."""

    times: np.ndarray
    """(N,) seconds from the start of the video, rising."""
    pictures: np.ndarray
    """(N, h, w, 3) uint8, RGB."""
    info: VideoInfo
    notes: tuple[str, ...] = ()
    more: bool = False
    """The video goes on after the last of these pictures."""

    def part(self, first: int, stop: int) -> "FrameBuffer":
        """Frames `first` to `stop` - 1."""
        return replace(self, times=self.times[first:stop], pictures=self.pictures[first:stop])


def check_window(info: VideoInfo, start: float | None, end: float | None) -> None:
    """Raise UserError for a window, in seconds, that is not inside the video."""
    for name, value in (("start", start), ("end", end)):
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise UserError(f"{name} has to be a time in seconds from the start of {info.path}, not {value}")
    if start is not None and end is not None and end <= start:
        raise UserError(f"the end, {end:g} s, has to come after the start, {start:g} s")
    if info.duration_s is None:
        return
    for name, value in (("start", start), ("end", end)):
        if value is not None and value > info.duration_s + 1.5 / info.rate:
            raise UserError(
                f"the {name}, {value:g} s, is outside {info.path}, which lasts {info.duration_s:.2f} s; "
                f"give a time inside it"
            )


def read_frames(
    info: VideoInfo,
    start: float | None,
    end: float | None,
    fps: float | None,
    settings: MotionSettings,
    resume: float | None = None,
) -> FrameBuffer:
    """Decode small pictures: all of a short video; of a long one those around the window, or from `resume` (s) on.

    Raises UserError if too few frames can be decoded.
    """
    low = high = None
    count = info.frame_count or math.inf
    begin = max(0.0, end - settings.lead_s) if start is None and end is not None else start
    if count > settings.max_frames and begin is not None:
        low = max(0.0, begin - settings.lead_s)
        high = None if end is None else end + settings.lead_s
        stop = min(high if high is not None else math.inf, info.duration_s or math.inf)
        count = (stop - low) * info.rate
    low = low if resume is None else resume
    stride = 1
    if count > settings.max_frames:
        thin = math.inf if end is not None else info.rate / settings.min_rate
        wanted = math.ceil(count / settings.max_frames) if math.isfinite(count) else 1
        stride = int(max(1, min(thin, wanted)))
    times: list[float] = []
    pictures: list[np.ndarray] = []
    cut_short = False
    for time, picture in frames(info.path, fps, settings.longest_side, low, high, stride):
        if len(times) == settings.max_frames:
            cut_short = True
            break
        times.append(time)
        pictures.append(picture)
    _check_read(info, times, start, end, settings)
    notes: tuple[str, ...] = ()
    if cut_short:
        notes = (f"only {times[0]:.1f} to {times[-1]:.1f} s were looked at; give start and end for another part",)
    return FrameBuffer(np.array(times), np.stack(pictures), info, notes, cut_short)


def _check_read(info: VideoInfo, times: list[float], start, end, settings: MotionSettings) -> None:
    last = times[-1] if times else 0.0
    if start is not None and start >= last:
        raise UserError(f"the start, {start:g} s, is not before the last frame of {info.path}; give an earlier start")
    if end is not None and len(times) < settings.max_frames and end > last + 1.5 / info.rate:
        raise UserError(f"the end, {end:g} s, is outside {info.path}, which can be decoded up to {last:.2f} s")
    inside = sum((start or 0.0) <= t <= (math.inf if end is None else end) for t in times)
    if inside < settings.min_points:
        raise UserError(
            f"only {inside} frames of {info.path}{time_range(start, end)} can be decoded and {settings.min_points} are "
            f"needed; give a longer or undamaged video, or a wider start and end"
        )


def time_range(start: float | None, end: float | None) -> str:
    """The window in words, with a space before it: " from 1 to 2 s"; empty without one."""
    if start is None and end is None:
        return ""
    if end is None:
        return f" after {start:g} s"
    return f" before {end:g} s" if start is None else f" from {start:g} to {end:g} s"


def longest_shot(buffer: FrameBuffer, settings: MotionSettings) -> FrameBuffer:
    """The longest part between two cuts; at a cut most of the picture changes at once, and not before or after.

    Raises UserError if all parts are too short.
    """
    thumbs = np.stack([cv2.resize(p, (32, 32), interpolation=cv2.INTER_AREA) for p in buffer.pictures]).astype(np.int16)
    changed = (np.abs(np.diff(thumbs, axis=0)).max(-1) > 25).mean((1, 2))
    around = ndimage.median_filter(changed, 5, mode="nearest")
    cuts = np.flatnonzero((changed > 0.5) & (around < 0.2)) + 1
    if len(cuts) == 0:
        return buffer
    edges = [0, *cuts.tolist(), len(buffer.times)]
    first, stop = max(zip(edges, edges[1:], strict=False), key=lambda e: e[1] - e[0])
    if stop - first < settings.min_points:
        raise UserError(f"{buffer.info.path} is cut into short scenes; give start and end inside one of them")
    span = f"{buffer.times[first]:.2f} to {buffer.times[stop - 1]:.2f} s"
    note = f"the video has a cut, and only the scene from {span} was looked at"
    return replace(buffer.part(first, stop), notes=buffer.notes + (note,))


def median_background(buffer: FrameBuffer, settings: MotionSettings) -> np.ndarray:
    """The median picture (h, w, 3), float32 from 0 to 255, over frames spread evenly over the *motion*.

    Spread over time, an object that rests for half of the video would become background.
    """
    small = buffer.pictures[:, ::2, ::2].astype(np.int16)
    energy = np.array(
        [(np.abs(b - a).max(-1) > 2 * settings.min_contrast).mean() for a, b in zip(small, small[1:], strict=False)]
    )
    energy = np.concatenate([[0.0], energy])
    if energy.any():
        # Limited, as an arm changes more pixels than the object and would take most of the samples.
        energy = np.minimum(energy, np.median(energy[energy > 0]))
    progress = np.cumsum(energy + 0.02 * energy.max() + 1e-9)
    marks = np.linspace(progress[0], progress[-1], settings.background_frames)
    chosen = np.unique(np.searchsorted(progress, marks).clip(0, len(energy) - 1))
    # With a pixel's values contiguous this is many times as fast as np.median along the first axis.
    values = np.ascontiguousarray(np.moveaxis(buffer.pictures[chosen], 0, -1))
    return np.partition(values, len(chosen) // 2, axis=-1)[..., len(chosen) // 2].astype(np.float32)
