"""The one moving object of a video: blobs linked to tracks, the best track, and the window of its free motion."""

import math
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from scipy import ndimage
from scipy.optimize import linear_sum_assignment
from scipy.signal import find_peaks

from data.blobs import Blob, all_blobs
from data.clip import FRAMES
from data.errors import UserError
from data.film import Film, MotionSettings, between, check_window, film_background, longest_shot, read_film
from data.video import VideoInfo, open_video


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


@dataclass
class _Track:
    blobs: list[Blob] = field(default_factory=list)

    def array(self, *names: str) -> np.ndarray:
        """(number of blobs, number of names)."""
        return np.array([[getattr(b, name) for name in names] for b in self.blobs], dtype=float)


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
        ranked = _ranked_tracks(_link(blobs, film, settings), film, start, end, settings)
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
    motion = _as_motion(track, film, info)
    window, window_notes = _window(track, film, start, end, settings)
    return replace(motion, window_s=window, notes=notes + window_notes)


def _link(blobs: list[list[Blob]], film: Film, settings: MotionSettings) -> list[_Track]:
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
        live += [_Track([b]) for k, b in enumerate(here) if k not in taken]
    return done + live


def _cost(track: _Track, blob: Blob, times: np.ndarray, diagonal: float) -> float:
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


def _ranked_tracks(tracks: list[_Track], film: Film, start, end, settings: MotionSettings) -> list[_Track]:
    """Tracks that move enough, the clearest first: long in space and time, in contrast, and clear of the edge."""
    longest = max(film.pictures.shape[1:3])
    scored = []
    for track in tracks:
        seen = [b for b in track.blobs if _within(film.times[b.frame], start, end)]
        if len(seen) < settings.min_points - settings.max_gap:
            continue
        at_edge = np.mean([b.at_edge for b in seen])
        travel = _travel(_Track(seen))
        if at_edge > 0.5 or travel < settings.min_travel * longest:
            continue
        contrast = float(np.mean([b.contrast for b in seen]))
        scored.append((travel * contrast * math.sqrt(len(seen)) * (1 - at_edge) ** 2, track))
    scored.sort(key=lambda pair: -pair[0])
    return [track for score, track in scored if score > 0.4 * scored[0][0]]


def _within(time: float, start: float | None, end: float | None) -> bool:
    return (start is None or time >= start - 1e-6) and (end is None or time <= end + 1e-6)


def _travel(track: _Track) -> float:
    """Largest extent of the path, or of the growth of the diameter, in small pixels, without single outliers."""
    path = track.array("x", "y", "radius")
    if len(path) >= 5:
        path = ndimage.median_filter(path, size=(3, 1), mode="nearest")
    extent = np.ptp(path, axis=0) * [1, 1, 2]
    # The radius of a blurred blob wavers, so growth counts only where it is large.
    grows = extent[2] > 0.6 * np.median(path[:, 2])
    return float(max(extent[0], extent[1], extent[2] if grows else 0.0))


def _overlap(one: _Track, other: _Track) -> bool:
    frames_of_one = {b.frame for b in one.blobs}
    return sum(b.frame in frames_of_one for b in other.blobs) > 0.5 * min(len(one.blobs), len(other.blobs))


def _as_motion(track: _Track, film: Film, info: VideoInfo) -> Motion:
    height, width = film.pictures.shape[1:3]
    x_scale, y_scale = info.width / width, info.height / height
    path = track.array("x", "y", "radius") * [x_scale, y_scale, (x_scale + y_scale) / 2]
    radii = ndimage.median_filter(path[:, 2], 5, mode="nearest")
    times = film.times[[b.frame for b in track.blobs]]
    return Motion(times, path[:, :2], radii, (float(times[0]), float(times[-1])), info)


def _window(
    track: _Track, film: Film, start, end, settings: MotionSettings
) -> tuple[tuple[float, float], tuple[str, ...]]:
    """First and last time of free motion, both of frames, and sentences on why."""
    times = film.times
    if start is not None and end is not None:
        inside = times[(times >= start - 1e-6) & (times <= end + 1e-6)]
        return (float(inside[0]), float(inside[-1])), ()
    usable = _Track([b for b in track.blobs if _within(times[b.frame], start, end)])
    free, before, after = _free_part(usable, settings)
    if len(free.blobs) < settings.min_points - settings.max_gap:
        raise UserError(
            f"the object in {film.info.path} is never seen whole and alone for long enough; "
            f"give start and end of a part in which it moves freely"
        )
    free, rest_before, rest_after = _without_rest(free)
    before, after = rest_before or before, rest_after or after
    first, last = free.blobs[0].frame, free.blobs[-1].frame
    if start is not None:
        first, before = int(np.searchsorted(times, start - 1e-6)), ""
    if end is not None:
        last, after = int(np.searchsorted(times, end + 1e-6)) - 1, ""
    period = _period(free, times)
    notes = ()
    if period and start is None and end is None and times[last] - times[first] > settings.max_periods * period * 1.1:
        last = int(np.searchsorted(times, times[first] + settings.max_periods * period, side="right")) - 1
        after = f"the motion repeats every {period:.2f} s and {FRAMES} frames carry {settings.max_periods} periods"
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


def _free_part(track: _Track, settings: MotionSettings) -> tuple[_Track, str, str]:
    """The longest stretch in which the object is whole, alone and of steady size; why it starts, why it ends."""
    area = track.array("area")[:, 0]
    typical = np.median(area)
    pieces, piece, reason = [], [], ""
    for k, blob in enumerate(track.blobs):
        why = ""
        # Smaller than usual it is partly outside; larger, it is in a hand that comes from outside.
        if blob.at_edge and not 0.85 < blob.area / typical < 1.4:
            why = "the object touches the edge of the picture"
        elif blob.attached:
            why = "the object touches something else that moves"
        if why:
            pieces.append((piece, reason, why))
            piece, reason = [], why
            continue
        if piece and abs(math.log(blob.area / piece[-1].area)) > math.log(settings.max_jump):
            steady = _jump(area, k, settings)
            if steady:
                why = "the object is held or partly hidden"
                pieces.append((piece, reason, why))
                piece, reason = [], why
        piece = [*piece, blob]
    pieces.append((piece, reason, ""))
    best = max(pieces, key=lambda p: _travel(_Track(p[0])) * math.sqrt(len(p[0])) if len(p[0]) > 1 else 0.0)
    return _Track(best[0]), best[1], best[2]


def _jump(area: np.ndarray, k: int, settings: MotionSettings) -> bool:
    """Whether the area stays changed after observation k, and it was not a single bad blob."""
    before, after = np.median(area[max(0, k - 3) : k]), np.median(area[k : k + 3])
    return abs(math.log(after / before)) > math.log(settings.max_jump)


def _without_rest(track: _Track) -> tuple[_Track, str, str]:
    """Cut off the rest before and after the motion; a stop of 3 frames is left, as a turning point is one too."""
    path = track.array("x", "y", "radius")
    still = max(1.0, 0.015 * _travel(track))

    def resting(points: np.ndarray) -> int:
        home = np.median(points[:3], axis=0)
        moved = np.abs(points - home).max(1) > still
        # Two in a row, as one blob may be wrong.
        away = np.flatnonzero(moved[:-1] & moved[1:])
        count = int(away[0]) if len(away) else 0
        return count - 1 if count > 3 else 0

    head, tail = resting(path), resting(path[::-1])
    kept = track.blobs[head : len(path) - tail]
    rests = "the object rests"
    return _Track(kept), rests if head else "", rests if tail else ""


def _period(track: _Track, times: np.ndarray) -> float | None:
    """Seconds of one period, from the turning points along the main axis; None if it turns fewer than 3 times.

    The second axis counts only for an object that never turns along the first, such as a ball that bounces along:
    across its main axis a pendulum swings at twice its rate.
    """
    path = track.array("x", "y")
    centred = path - path.mean(0)
    axes = np.linalg.svd(centred, full_matrices=False)[2]
    extent = _travel(track)
    for axis in axes:
        along = centred @ axis
        prominence = max(0.1 * extent, 2.0)
        turns = np.sort(np.concatenate([find_peaks(s * along, prominence=prominence)[0] for s in (1, -1)]))
        if len(turns) >= 3:
            stamps = times[[track.blobs[k].frame for k in turns]]
            return 2 * float(np.median(np.diff(stamps[:5])))
        if len(turns) > 0:
            return None
    return None


def _even(first: int, last: int, settings: MotionSettings) -> int:
    """Shorten a window a little where its 17 times then fall nearer to frames."""
    steps = last - first

    def quality(candidate: int) -> float:
        ideal = np.linspace(0, candidate, FRAMES)
        return candidate / steps - 10 * float(np.sqrt(np.mean((ideal - np.round(ideal)) ** 2))) / candidate

    lowest = max(settings.min_points - 1, math.ceil(0.85 * steps))
    return first + max(range(lowest, steps + 1), key=quality, default=steps)
