"""The one moving object of a video: blobs linked to tracks, the best track, and the window of its free motion."""

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
from trajvlm.data.filmed.detection import Blob, all_blobs
from trajvlm.data.filmed.frames import (
    Film,
    MotionSettings,
    between,
    check_window,
    film_background,
    longest_shot,
    read_film,
)
from trajvlm.data.filmed.segments import BlobTrack, Stretch, free_stretch, parted, travel, without_rest

_COMPARED = 5
"""Impacts of a ball that bounces of which the flights are compared."""


@dataclass(frozen=True)
class Motion:
    """The motion of one object in a video, N observations of it; the window is the part that is used."""

    times_s: np.ndarray
    """(N,), seconds from the start of the video, rising."""
    centres_px: np.ndarray
    """(N, 2), x and y in pixels of the upright picture, as in Placement."""
    radii_px: np.ndarray
    """(N,), apparent radius; across the direction of motion where the picture is blurred."""
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
    for _ in range(settings.max_looks):
        film = longest_shot(read_film(info, start, end, fps, settings, resume), settings)
        blobs = all_blobs(film, film_background(film, settings), settings)
        tracks = _link(blobs, film, settings)
        ranked = _ranked_tracks(tracks, film, start, end, settings)
        resume = float(film.times[-1])
        if ranked or not film.more or resume > (info.duration_s or 0.0) - 1.0:
            break
    if not ranked:
        where = between(start, end) or (f" up to {resume:.0f} s, which is all that was looked at" if film.more else "")
        raise UserError(
            f"nothing moves in {path}{where}; give a video, or a start and an end, "
            f"in which one object moves before a still camera"
        )
    track, notes = ranked[0], film.notes
    if len(ranked) > 1 and _overlap(track, ranked[1]):
        notes += ("more than one object moves, and the clearer one was taken",)
    usable = [BlobTrack([b for b in t.blobs if _within(film.times[b.frame], start, end)]) for t in (track, *tracks)]
    free = free_stretch(usable[0], usable[1:], film.times, settings)
    motion = _as_motion(_with(track, free), film, info)
    window, window_notes = _window(free, film, start, end, settings)
    return replace(motion, window_s=window, notes=notes + window_notes)


def _link(blobs: list[list[Blob]], film: Film, settings: MotionSettings) -> list[BlobTrack]:
    """Link blobs from frame to frame, each track predicted at constant velocity (optimal assignment)."""
    diagonal = math.hypot(*film.pictures.shape[1:3])
    done, live = [], []
    for index, here in enumerate(blobs):
        done += [t for t in live if index - t.blobs[-1].frame > settings.max_gap + 1]
        live = [t for t in live if index - t.blobs[-1].frame <= settings.max_gap + 1]
        costs = np.array([[_cost(t, b, film.times, diagonal) for b in here] for t in live]).reshape(
            len(live), len(here)
        )
        taken = set()
        for row, column in zip(*linear_sum_assignment(np.where(np.isfinite(costs), costs, 1e6)), strict=True):
            if np.isfinite(costs[row, column]):
                live[row].blobs.append(here[column])
                taken.add(column)
        live += [BlobTrack([b]) for k, b in enumerate(here) if k not in taken]
    return [part for track in done + live for part in parted(track)]


def _cost(track: BlobTrack, blob: Blob, times: np.ndarray, diagonal: float) -> float:
    """How unlike the next blob of the track; infinite if it cannot be. The gate lets a bounce through."""
    last = track.blobs[-1]
    wait = times[blob.frame] - times[last.frame]
    if len(track.blobs) == 1:
        vx = vy = 0.0
        gate = 0.12 * diagonal + 2 * last.radius
    else:
        before = track.blobs[-2]
        span = times[last.frame] - times[before.frame]
        vx, vy = (last.x - before.x) / span, (last.y - before.y) / span
        gate = 2.2 * math.hypot(vx, vy) * wait + 2 * last.radius + 0.02 * diagonal
    distance = math.hypot(blob.x - last.x - vx * wait, blob.y - last.y - vy * wait)
    growth = abs(math.log(blob.area / last.area))
    if distance > gate or growth > math.log(5):
        return math.inf
    return distance / gate + 0.4 * growth + float(np.abs(blob.colour - last.colour).mean()) / 40


def _ranked_tracks(tracks: list[BlobTrack], film: Film, start, end, settings: MotionSettings) -> list[BlobTrack]:
    """Tracks that move enough, the clearest first: long in space and time, in contrast, and clear of the edge."""
    longest = max(film.pictures.shape[1:3])
    scored = []
    for track in tracks:
        seen = [b for b in track.blobs if _within(film.times[b.frame], start, end)]
        if len(seen) < settings.min_points - settings.max_gap:
            continue
        at_edge = np.mean([b.at_edge for b in seen])
        extent = travel(BlobTrack(seen))
        if at_edge > 0.5 or extent < settings.min_travel * longest:
            continue
        contrast = float(np.mean([b.contrast for b in seen]))
        scored.append((extent * contrast * math.sqrt(len(seen)) * (1 - at_edge) ** 2, track))
    scored.sort(key=lambda pair: -pair[0])
    return [track for score, track in scored if score > 0.4 * scored[0][0]]


def _within(time: float, start: float | None, end: float | None) -> bool:
    return (start is None or time >= start - 1e-6) and (end is None or time <= end + 1e-6)


def _overlap(one: BlobTrack, other: BlobTrack) -> bool:
    frames_of_one = {b.frame for b in one.blobs}
    return sum(b.frame in frames_of_one for b in other.blobs) > 0.5 * min(len(one.blobs), len(other.blobs))


def _as_motion(track: BlobTrack, film: Film, info: VideoInfo) -> Motion:
    height, width = film.pictures.shape[1:3]
    x_scale, y_scale = info.width / width, info.height / height
    path = track.array("x", "y", "radius") * [x_scale, y_scale, (x_scale + y_scale) / 2]
    radii = ndimage.median_filter(path[:, 2], 5, mode="nearest")
    times = film.times[[b.frame for b in track.blobs]]
    return Motion(times, path[:, :2], radii, (float(times[0]), float(times[-1])), info)


def _with(track: BlobTrack, free: Stretch) -> BlobTrack:
    """A track whose blobs are those of its free stretch while that lasts, and its own before and after."""
    if not free.blobs:
        return track
    earlier = [b for b in track.blobs if b.frame < free.blobs[0].frame]
    return BlobTrack(earlier + free.blobs + [b for b in track.blobs if b.frame > free.blobs[-1].frame])


def _window(
    found: Stretch, film: Film, start, end, settings: MotionSettings
) -> tuple[tuple[float, float], tuple[str, ...]]:
    """First and last time of free motion, both of frames, and sentences on why."""
    times = film.times
    if start is not None and end is not None:
        inside = times[(times >= start - 1e-6) & (times <= end + 1e-6)]
        return (float(inside[0]), float(inside[-1])), ()
    free, before, after = BlobTrack(found.blobs), found.before, found.after
    if len(free.blobs) < settings.min_points - settings.max_gap:
        raise UserError(
            f"the object in {film.info.path} is never seen whole and alone for long enough; "
            f"give start and end of a part in which it moves freely"
        )
    free, rest_before, rest_after = without_rest(free)
    before, after = rest_before or before, rest_after or after
    first, last = free.blobs[0].frame, free.blobs[-1].frame
    if start is not None:
        first, before = int(np.searchsorted(times, start - 1e-6)), ""
    if end is not None:
        last, after = int(np.searchsorted(times, end + 1e-6)) - 1, ""
    period, most = _period(free, times, settings)
    notes = ()
    if period and start is None and end is None and times[last] - times[first] > most * period * 1.1:
        last = int(np.searchsorted(times, times[first] + most * period, side="right")) - 1
        after = f"the motion repeats every {period:.2f} s and {FRAMES} frames carry {most:g} periods"
    unused = len(times) - 1 - last
    if end is None:
        last = _even(first, last, settings)
    if last - first + 1 < settings.min_points:
        raise UserError(
            f"one object moves freely in {film.info.path} for only {last - first + 1} frames and {settings.min_points} "
            f"are needed; film at a higher frame rate, or give start and end"
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
        total = (film.more and film.info.duration_s) or times[-1] + step
        notes = (f"used {window[0]:.2f}-{window[1]:.2f} s of {total:.2f} s: {' and '.join(reasons)}",)
    return window, notes


def _period(track: BlobTrack, times: np.ndarray, settings: MotionSettings) -> tuple[float | None, float]:
    """Seconds of one period, from the turning points along the main axis, and how many of it a clip may hold; None if
    it turns fewer than 3 times.

    The second axis counts only for an object that never turns along the first, such as a ball that bounces along:
    across its main axis a pendulum swings at twice its rate.
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
            seen = times[[b.frame for b in track.blobs]]
            stamps, bounces = seen[turns], _bounces(along, seen, ends)
            return 2 * float(np.median(np.diff(stamps[:5]))), settings.max_bounces if bounces else settings.max_periods
        if len(turns) > 0:
            break
    return None, settings.max_periods


def _bounces(along: np.ndarray, times: np.ndarray, ends: list[np.ndarray]) -> bool:
    """Whether the object turns at full speed at one end of its way and slowly at the other, and, where its flights
    become lower, they become shorter too, as the square root of their height. A swing that hits a wall keeps its pace.

    Args:
        along: (N,), its way at N times.
        ends: indices at which it turns, at either end.
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


def _even(first: int, last: int, settings: MotionSettings) -> int:
    """Shorten a window a little where its 17 times then fall nearer to frames."""
    steps = last - first

    def quality(candidate: int) -> float:
        ideal = np.linspace(0, candidate, FRAMES)
        return candidate / steps - 10 * float(np.sqrt(np.mean((ideal - np.round(ideal)) ** 2))) / candidate

    lowest = max(settings.min_points - 1, math.ceil(0.85 * steps))
    return first + max(range(lowest, steps + 1), key=quality, default=steps)
