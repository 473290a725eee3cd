"""Tracking of a video's one moving object: detections linked to tracks, the best track, its window of free motion."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import ndimage
from scipy.optimize import linear_sum_assignment
from scipy.signal import find_peaks

from trajvlm.data.clip import FRAMES
from trajvlm.data.errors import UserError
from trajvlm.data.filmed.decode import VideoInfo, open_video
from trajvlm.data.filmed.detection import Detection, detect
from trajvlm.data.filmed.frames import (
    FrameBuffer,
    MotionSettings,
    check_window,
    longest_shot,
    median_background,
    read_frames,
    time_range,
)
from trajvlm.data.filmed.segments import DetectionTrack, Segment, free_segment, split_at_mismatches, travel, trim_rest

_COMPARED = 5
"""Impacts between which the flights of a bouncing ball are compared."""


@dataclass(frozen=True)
class Motion:
    """The track of one object in a video, N observations, and the window of it that is used."""

    times_s: np.ndarray
    """(N,), seconds from the start of the video, rising."""
    centres_px: np.ndarray
    """(N, 2), x and y in pixels of the upright picture, as in Placement."""
    radii_px: np.ndarray
    """(N,), apparent radius in pixels; across the direction of motion where motion blurs it."""
    window_s: tuple[float, float]
    """First and last time that is used; both are times of frames."""
    video: VideoInfo
    notes: tuple[str, ...] = ()

    def in_window(self) -> np.ndarray:
        """(N,) bool, the observations inside the window."""
        return (self.times_s >= self.window_s[0] - 1e-6) & (self.times_s <= self.window_s[1] + 1e-6)


def find_motion(
    path: str | Path,
    start: float | None = None,
    end: float | None = None,
    fps: float | None = None,
    settings: MotionSettings | None = None,
) -> Motion:
    """Find the one moving object of a video, its track, and the window of its free motion.

    Arguments and errors are those of `canonical_clip`.
    """
    settings = settings or MotionSettings()
    info = open_video(path, fps)
    check_window(info, start, end)
    resume = None
    for _ in range(settings.max_parts):
        buffer = longest_shot(read_frames(info, start, end, fps, settings, resume), settings)
        detections = detect(buffer, median_background(buffer, settings), settings)
        tracks = _link(detections, buffer, settings)
        ranked = _ranked_tracks(tracks, buffer, start, end, settings)
        resume = float(buffer.times[-1])
        if ranked or not buffer.more or resume > (info.duration_s or 0.0) - 1.0:
            break
    if not ranked:
        where = time_range(start, end) or (
            f" up to {resume:.0f} s, which is all that was looked at" if buffer.more else ""
        )
        raise UserError(
            f"nothing moves in {path}{where}; give a video, or a start and an end, "
            f"in which one object moves before a still camera"
        )
    track, notes = ranked[0], buffer.notes
    if len(ranked) > 1 and _overlap(track, ranked[1]):
        notes += ("more than one object moves, and the clearer one was taken",)
    usable = [
        DetectionTrack([b for b in t.detections if _within(buffer.times[b.frame], start, end)])
        for t in (track, *tracks)
    ]
    free = free_segment(usable[0], usable[1:], buffer.times, settings)
    motion = _as_motion(_with_segment(track, free), buffer, info)
    window, window_notes = _window(free, buffer, start, end, settings)
    return replace(motion, window_s=window, notes=notes + window_notes)


def _link(detections: list[list[Detection]], buffer: FrameBuffer, settings: MotionSettings) -> list[DetectionTrack]:
    """Link detections from frame to frame: constant-velocity prediction, optimal assignment."""
    diagonal = math.hypot(*buffer.pictures.shape[1:3])
    done: list[DetectionTrack] = []
    live: list[DetectionTrack] = []
    for index, here in enumerate(detections):
        done += [t for t in live if index - t.detections[-1].frame > settings.max_gap + 1]
        live = [t for t in live if index - t.detections[-1].frame <= settings.max_gap + 1]
        costs = np.array([[_cost(t, b, buffer.times, diagonal) for b in here] for t in live]).reshape(
            len(live), len(here)
        )
        taken = set()
        for row, column in zip(*linear_sum_assignment(np.where(np.isfinite(costs), costs, 1e6)), strict=True):
            if np.isfinite(costs[row, column]):
                live[row].detections.append(here[column])
                taken.add(column)
        live += [DetectionTrack([b]) for k, b in enumerate(here) if k not in taken]
    return [part for track in done + live for part in split_at_mismatches(track)]


def _cost(track: DetectionTrack, detection: Detection, times: np.ndarray, diagonal: float) -> float:
    """Cost of linking a detection to a track: distance, growth, colour; infinite outside the gate.

    The gate is wide enough for a bounce.
    """
    last = track.detections[-1]
    wait = times[detection.frame] - times[last.frame]
    if len(track.detections) == 1:
        vx = vy = 0.0
        gate = 0.12 * diagonal + 2 * last.radius
    else:
        before = track.detections[-2]
        span = times[last.frame] - times[before.frame]
        vx, vy = (last.x - before.x) / span, (last.y - before.y) / span
        gate = 2.2 * math.hypot(vx, vy) * wait + 2 * last.radius + 0.02 * diagonal
    distance = math.hypot(detection.x - last.x - vx * wait, detection.y - last.y - vy * wait)
    growth = abs(math.log(detection.area / last.area))
    if distance > gate or growth > math.log(5):
        return math.inf
    return distance / gate + 0.4 * growth + float(np.abs(detection.colour - last.colour).mean()) / 40


def _ranked_tracks(
    tracks: list[DetectionTrack], buffer: FrameBuffer, start, end, settings: MotionSettings
) -> list[DetectionTrack]:
    """Tracks that move enough, the best first: long in space and time, of high contrast, away from the edge."""
    longest = max(buffer.pictures.shape[1:3])
    scored = []
    for track in tracks:
        seen = [b for b in track.detections if _within(buffer.times[b.frame], start, end)]
        if len(seen) < settings.min_points - settings.max_gap:
            continue
        at_edge = np.mean([b.at_edge for b in seen])
        extent = travel(DetectionTrack(seen))
        if at_edge > 0.5 or extent < settings.min_travel * longest:
            continue
        contrast = float(np.mean([b.contrast for b in seen]))
        scored.append((extent * contrast * math.sqrt(len(seen)) * (1 - at_edge) ** 2, track))
    scored.sort(key=lambda pair: -pair[0])
    return [track for score, track in scored if score > 0.4 * scored[0][0]]


def _within(time: float, start: float | None, end: float | None) -> bool:
    return (start is None or time >= start - 1e-6) and (end is None or time <= end + 1e-6)


def _overlap(one: DetectionTrack, other: DetectionTrack) -> bool:
    frames_of_one = {b.frame for b in one.detections}
    return sum(b.frame in frames_of_one for b in other.detections) > 0.5 * min(
        len(one.detections), len(other.detections)
    )


def _as_motion(track: DetectionTrack, buffer: FrameBuffer, info: VideoInfo) -> Motion:
    height, width = buffer.pictures.shape[1:3]
    x_scale, y_scale = info.width / width, info.height / height
    path = track.array("x", "y", "radius") * [x_scale, y_scale, (x_scale + y_scale) / 2]
    radii = ndimage.median_filter(path[:, 2], 5, mode="nearest")
    times = buffer.times[[b.frame for b in track.detections]]
    return Motion(times, path[:, :2], radii, (float(times[0]), float(times[-1])), info)


def _with_segment(track: DetectionTrack, free: Segment) -> DetectionTrack:
    """The track with the detections of its free segment in place of its own while that lasts."""
    if not free.detections:
        return track
    earlier = [b for b in track.detections if b.frame < free.detections[0].frame]
    return DetectionTrack(
        earlier + free.detections + [b for b in track.detections if b.frame > free.detections[-1].frame]
    )


def _window(
    found: Segment, buffer: FrameBuffer, start, end, settings: MotionSettings
) -> tuple[tuple[float, float], tuple[str, ...]]:
    """First and last time of free motion in seconds, both of frames, and sentences on why."""
    times = buffer.times
    if start is not None and end is not None:
        inside = times[(times >= start - 1e-6) & (times <= end + 1e-6)]
        return (float(inside[0]), float(inside[-1])), ()
    free, before, after = DetectionTrack(found.detections), found.before, found.after
    if len(free.detections) < settings.min_points - settings.max_gap:
        raise UserError(
            f"the object in {buffer.info.path} is never seen whole and alone for long enough; "
            f"give start and end of a part in which it moves freely"
        )
    free, rest_before, rest_after = trim_rest(free)
    before, after = rest_before or before, rest_after or after
    first, last = free.detections[0].frame, free.detections[-1].frame
    if start is not None:
        first, before = int(np.searchsorted(times, start - 1e-6)), ""
    if end is not None:
        last, after = int(np.searchsorted(times, end + 1e-6)) - 1, ""
    period, most = _period(free, times, settings)
    notes: tuple[str, ...] = ()
    if period and start is None and end is None and times[last] - times[first] > most * period * 1.1:
        last = int(np.searchsorted(times, times[first] + most * period, side="right")) - 1
        after = f"the motion repeats every {period:.2f} s and {FRAMES} frames carry {most:g} periods"
    unused = len(times) - 1 - last
    if end is None:
        last = _align_to_frames(first, last, settings)
    if last - first + 1 < settings.min_points:
        raise UserError(
            f"one object moves freely in {buffer.info.path} for only {last - first + 1} frames and "
            f"{settings.min_points} are needed; film at a higher frame rate, or give start and end"
        )
    window = float(times[first]), float(times[last])
    step = float(np.median(np.diff(times)))
    reasons = []
    if first > 0 and start is None:
        reasons.append(f"before that {before or 'the object is not seen to move'}")
    if unused > 0.1 * (last - first) + 1 and end is None:
        reasons.append(f"after that {after or 'the object is not seen to move'}")
    if reasons:
        # A damaged file claims to last longer than it does.
        total = (buffer.more and buffer.info.duration_s) or times[-1] + step
        notes = (f"used {window[0]:.2f}-{window[1]:.2f} s of {total:.2f} s: {' and '.join(reasons)}",)
    return window, notes


def _period(track: DetectionTrack, times: np.ndarray, settings: MotionSettings) -> tuple[float | None, float]:
    """Period in seconds, from the turning points along the first principal axis, and how many periods a clip may hold;
    None with fewer than 3 turning points.

    The second axis is used only if there are none along the first, as for a ball that bounces along: across its main
    axis a pendulum swings at twice its rate.
    """
    path = track.array("x", "y")
    centred = path - path.mean(0)
    axes = np.linalg.svd(centred, full_matrices=False)[2]
    extent = travel(track)
    for axis in axes:
        along = centred @ axis
        prominence = max(0.1 * extent, 2.0)
        ends = [find_peaks(s * along, prominence=prominence)[0] for s in (1, -1)]
        turns = np.sort(np.concatenate(ends))
        if len(turns) >= 3:
            seen = times[[b.frame for b in track.detections]]
            stamps, bounces = seen[turns], _bounces(along, seen, ends)
            return 2 * float(np.median(np.diff(stamps[:5]))), settings.max_bounces if bounces else settings.max_periods
        if len(turns) > 0:
            break
    return None, settings.max_periods


def _bounces(along: np.ndarray, times: np.ndarray, ends: list[np.ndarray]) -> bool:
    """Whether the object bounces: it turns at full speed at one end of its path and slowly at the other, and where its
    flights become lower, they become shorter too, as the square root of their height. A swing that hits a wall keeps
    its period.

    Args:
        along: (N,) coordinate along the axis.
        times: (N,) seconds.
        ends: indices of the turning points at either end.
    """
    speed = np.abs(np.diff(along)) / np.diff(times)
    here = [np.median([max(speed[k - 1], speed[k]) for k in turns]) if len(turns) else 0.0 for turns in ends]
    if not max(here) > 3 * min(here) > 0:
        return False
    impacts = ends[int(np.argmax(here))][:_COMPARED]
    heights = [np.ptp(along[a : b + 1]) for a, b in zip(impacts, impacts[1:])]
    if len(heights) < 2:
        return True
    lower, shorter = (np.log(values[-1] / values[0]) for values in (heights, np.diff(times[impacts])))
    return bool(lower > -0.1 or shorter < 0.25 * lower)


def _align_to_frames(first: int, last: int, settings: MotionSettings) -> int:
    """Last frame of the window, moved forward by up to 15 % where its 17 even times then lie nearer to frames."""
    steps = last - first

    def quality(candidate: int) -> float:
        ideal = np.linspace(0, candidate, FRAMES)
        return candidate / steps - 10 * float(np.sqrt(np.mean((ideal - np.round(ideal)) ** 2))) / candidate

    lowest = max(settings.min_points - 1, math.ceil(0.85 * steps))
    return first + max(range(lowest, steps + 1), key=quality, default=steps)
