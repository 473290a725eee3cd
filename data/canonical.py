"""A video file to a canonical clip: find the one moving object, the time it moves freely, and the square around it.

Two passes. The first (`find_motion`) works on small pictures: the median over time is the background, what differs
from it is cut into blobs, blobs are linked to tracks, and the best part of the best track is the motion. The second
(`canonical_clip`) decodes only the window of that motion at full size and samples it to 17 frames of 64 x 64.
"""

import math
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from scipy import ndimage
from scipy.optimize import linear_sum_assignment
from scipy.signal import find_peaks

from data.clip import FRAMES, SIZE, Clip, Placement
from data.errors import UserError
from data.video import VideoInfo, frames, open_video


@dataclass(frozen=True)
class MotionSettings:
    """How the moving object is looked for; lengths in pixels are those of the small pictures of the first pass."""

    longest_side: int = 320
    max_frames: int = 600
    """Frames kept in memory by the first pass (about 100 MB)."""
    max_looks: int = 3
    """Stretches of that many frames that are looked at, one after another, until something moves."""
    min_rate: float = 25.0
    """Long videos are thinned out, but not below this many frames a second."""
    lead_s: float = 2.0
    """Seconds looked at before and after a window that the user gave, to know the background."""
    background_frames: int = 61
    min_contrast: float = 10.0
    """Least difference from the background, of 255, that counts; higher where the video is noisy."""
    noise_factor: float = 5.0
    min_area: int = 5
    max_gap: int = 3
    """Frames in a row in which the object may be missed."""
    max_jump: float = 2.0
    """Factor between one frame and the next of the blob's area that means it was let go of, or got hidden."""
    min_travel: float = 0.02
    """Least motion, as a part of the picture's longest side."""
    min_points: int = 9
    """Distinct source frames that a canonical clip needs."""
    max_periods: float = 1.5
    fill: float = 0.8
    """Part of the frame that path and radius span in the larger direction."""
    max_radius: float = 0.2
    """Largest apparent radius, as a part of the frame's width."""

    def __post_init__(self):
        if not (0 < self.fill < 1 and 0 < self.max_radius < 0.5 and self.min_points >= 2):
            raise ValueError(f"settings out of range: {self}")


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


@dataclass(frozen=True)
class _Film:
    """The small pictures of the first pass: (N, h, w, 3) uint8 at N times in seconds."""

    times: np.ndarray
    pictures: np.ndarray
    info: VideoInfo
    notes: tuple[str, ...] = ()
    more: bool = False
    """The video goes on after the last of these pictures."""

    def part(self, first: int, stop: int) -> "_Film":
        return replace(self, times=self.times[first:stop], pictures=self.pictures[first:stop])


@dataclass(frozen=True)
class _Blob:
    """One connected region that differs from the background, in one frame."""

    frame: int
    x: float
    y: float
    radius: float
    area: float
    colour: np.ndarray
    contrast: float
    at_edge: bool
    attached: bool
    """Joined to another region, at least half its size, that reaches the picture's edge: an arm that holds it."""


@dataclass
class _Track:
    blobs: list[_Blob] = field(default_factory=list)

    def array(self, *names: str) -> np.ndarray:
        """(number of blobs, number of names)."""
        return np.array([[getattr(b, name) for name in names] for b in self.blobs], dtype=float)


def canonical_clip(
    path: str | Path, start: float | None = None, end: float | None = None, fps: float | None = None
) -> Clip:
    """Make the canonical clip of the one moving object of a video.

    `start` and `end`, in seconds from the start of the video, override the window of time that is found; `fps`
    overrides the file's timestamps (frame k is at k / fps). Raises UserError with one sentence if `path` is no
    usable video, if nothing moves, if the camera moves, or if the window is not inside the video.
    """
    settings = MotionSettings()
    motion = find_motion(path, start, end, fps, settings)
    left, top, side = crop_square(motion, settings)
    t0, t1 = motion.window_s
    wanted = np.linspace(t0, t1, FRAMES)
    picked, times = _nearest_crops(path, fps, wanted, left, top, side)
    distinct = len(set(times))
    if distinct < settings.min_points:
        raise UserError(
            f"the motion in {path} from {t0:.2f} to {t1:.2f} s has only {distinct} frames and {settings.min_points} "
            f"are needed; give a longer stretch of motion, or film at a higher frame rate"
        )
    notes = motion.notes
    if distinct < FRAMES:
        notes += (f"only {distinct} different frames lie in the window, so some of the {FRAMES} are repeated",)
    pixels = torch.from_numpy(np.stack(picked)).permute(3, 0, 1, 2).float() / 255
    placement = Placement(
        left + side / 2, top + side / 2, side / 2, t0, t1 - t0, motion.video.width, motion.video.height
    )
    return Clip(pixels, placement, str(path), notes)


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
    _check_window(info, start, end)
    resume = None
    for _ in range(settings.max_looks):
        film = _longest_shot(_read(info, start, end, fps, settings, resume), settings)
        blobs = _all_blobs(film, _background(film, settings), settings)
        ranked = _ranked_tracks(_link(blobs, film, settings), film, start, end, settings)
        resume = float(film.times[-1])
        if ranked or not film.more or resume > (info.duration_s or 0.0) - 1.0:
            break
    if not ranked:
        where = _between(start, end) or (f" up to {resume:.0f} s, which is all that was looked at" if film.more else "")
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


def crop_square(motion: Motion, settings: MotionSettings | None = None) -> tuple[int, int, int]:
    """Left, top and side in whole pixels of the square around the motion; it may stick out of the picture."""
    settings = settings or MotionSettings()
    inside = motion.in_window()
    centres, radii = motion.centres_px[inside], motion.radii_px[inside]
    low, high = (centres - radii[:, None]).min(0), (centres + radii[:, None]).max(0)
    side = max((high - low).max() / settings.fill, np.median(radii) / settings.max_radius)
    side = max(2, round(side))
    left, top = np.round((low + high - side) / 2).astype(int)
    return int(left), int(top), side


# ---- first pass: reading ----------------------------------------------------------------------------------------


def _check_window(info: VideoInfo, start: float | None, end: float | None) -> None:
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


def _read(info: VideoInfo, start, end, fps, settings: MotionSettings, resume: float | None = None) -> _Film:
    """Decode small pictures: all of a short video; of a long one the stretch around the window, or from `resume`."""
    low = high = None
    count = info.frame_count or math.inf
    if count > settings.max_frames and (start is not None or end is not None):
        low = max(0.0, (start if start is not None else max(0.0, end - settings.lead_s)) - settings.lead_s)
        high = None if end is None else end + settings.lead_s
        stop = min(high if high is not None else math.inf, info.duration_s or math.inf)
        count = (stop - low) * info.rate
    low = low if resume is None else resume
    stride = 1
    if count > settings.max_frames:
        thin = math.inf if end is not None else info.rate / settings.min_rate
        wanted = math.ceil(count / settings.max_frames) if math.isfinite(count) else 1
        stride = int(max(1, min(thin, wanted)))
    times, pictures, cut_short = [], [], False
    for time, picture in frames(info.path, fps, settings.longest_side, low, high, stride):
        if len(times) == settings.max_frames:
            cut_short = True
            break
        times.append(time)
        pictures.append(picture)
    _check_read(info, times, start, end, settings)
    notes = ()
    if cut_short:
        notes = (f"only {times[0]:.1f} to {times[-1]:.1f} s were looked at; give start and end for another part",)
    return _Film(np.array(times), np.stack(pictures), info, notes, cut_short)


def _check_read(info: VideoInfo, times: list[float], start, end, settings: MotionSettings) -> None:
    last = times[-1] if times else 0.0
    if start is not None and start >= last:
        raise UserError(f"the start, {start:g} s, is not before the last frame of {info.path}; give an earlier start")
    if end is not None and len(times) < settings.max_frames and end > last + 1.5 / info.rate:
        raise UserError(f"the end, {end:g} s, is outside {info.path}, which can be decoded up to {last:.2f} s")
    inside = sum((start or 0.0) <= t <= (math.inf if end is None else end) for t in times)
    if inside < settings.min_points:
        raise UserError(
            f"only {inside} frames of {info.path}{_between(start, end)} can be decoded and {settings.min_points} are "
            f"needed; give a longer or undamaged video, or a wider start and end"
        )


def _between(start: float | None, end: float | None) -> str:
    if start is None and end is None:
        return ""
    if end is None:
        return f" after {start:g} s"
    return f" before {end:g} s" if start is None else f" from {start:g} to {end:g} s"


def _longest_shot(film: _Film, settings: MotionSettings) -> _Film:
    """The film between cuts: at a cut most of the picture changes at once, and not before or after."""
    thumbs = np.stack([cv2.resize(p, (32, 32), interpolation=cv2.INTER_AREA) for p in film.pictures]).astype(np.int16)
    changed = (np.abs(np.diff(thumbs, axis=0)).max(-1) > 25).mean((1, 2))
    around = ndimage.median_filter(changed, 5, mode="nearest")
    cuts = np.flatnonzero((changed > 0.5) & (around < 0.2)) + 1
    if len(cuts) == 0:
        return film
    edges = [0, *cuts.tolist(), len(film.times)]
    first, stop = max(zip(edges, edges[1:], strict=False), key=lambda e: e[1] - e[0])
    if stop - first < settings.min_points:
        raise UserError(f"{film.info.path} is cut into short scenes; give start and end inside one of them")
    span = f"{film.times[first]:.2f} to {film.times[stop - 1]:.2f} s"
    note = f"the video has a cut, and only the scene from {span} was looked at"
    return replace(film.part(first, stop), notes=film.notes + (note,))


# ---- first pass: blobs ------------------------------------------------------------------------------------------


def _background(film: _Film, settings: MotionSettings) -> np.ndarray:
    """The median picture (h, w, 3) over frames spread evenly over the *motion*.

    Spread over time, an object that rests for half of the film would become background.
    """
    small = film.pictures[:, ::2, ::2].astype(np.int16)
    energy = np.array(
        [(np.abs(b - a).max(-1) > 2 * settings.min_contrast).mean() for a, b in zip(small, small[1:], strict=False)]
    )
    energy = np.concatenate([[0.0], energy])
    if energy.any():
        # An arm moves more of the picture than the object does, and must not take most of the samples.
        energy = np.minimum(energy, np.median(energy[energy > 0]))
    progress = np.cumsum(energy + 0.02 * energy.max() + 1e-9)
    marks = np.linspace(progress[0], progress[-1], settings.background_frames)
    chosen = np.unique(np.searchsorted(progress, marks).clip(0, len(energy) - 1))
    # One contiguous run of bytes per pixel: many times as fast as np.median along the first axis.
    values = np.ascontiguousarray(np.moveaxis(film.pictures[chosen], 0, -1))
    return np.partition(values, len(chosen) // 2, axis=-1)[..., len(chosen) // 2].astype(np.float32)


def _all_blobs(film: _Film, background: np.ndarray, settings: MotionSettings) -> list[list[_Blob]]:
    """Blobs of every frame. Raises UserError if the camera moves."""
    smooth = cv2.GaussianBlur(background, (0, 0), 0.8)
    result, restless = [], []
    for index, picture in enumerate(film.pictures):
        shown = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 0.8)
        signed = shown - smooth
        # Automatic exposure shifts the whole picture.
        signed -= np.median(signed[::4, ::4].reshape(-1, 3), axis=0)
        difference = np.maximum.reduce(cv2.split(cv2.absdiff(signed, np.zeros_like(signed))))
        noise = 1.4826 * float(np.median(difference[::2, ::2]))
        threshold = max(settings.min_contrast, settings.noise_factor * 0.6 * noise)
        mask = difference > threshold
        tiles = cv2.resize(mask.astype(np.float32), (12, 12), interpolation=cv2.INTER_AREA) > 0.1
        restless.append(tiles.mean())
        result.append(_blobs(index, mask, difference, shown, threshold, settings))
    if np.median(restless) > 0.45:
        raise UserError(
            f"most of the picture moves in {film.info.path}, not one object; film with a still camera, "
            f"or give start and end of a steady part"
        )
    return result


def _blobs(index, mask, difference, shown, threshold: float, settings: MotionSettings) -> list[_Blob]:
    mask = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    order = np.argsort(-stats[1:, cv2.CC_STAT_AREA])[:30] + 1 if count > 1 else []
    found = []
    for label in order:
        x, y, w, h, area = stats[label]
        if area < settings.min_area:
            continue
        box = np.s_[y : y + h, x : x + w]
        region = ndimage.binary_fill_holes(labels[box] == label)
        if difference[box][region].max() < 1.6 * threshold:
            continue
        cores = _cores(region, settings)
        largest = max(core.sum() for core in cores)
        for core in cores:
            if core.sum() >= max(settings.min_area, 0.1 * largest):
                others = [c for c in cores if c is not core and c.sum() >= 0.5 * core.sum()]
                attached = any(_at_edge(other, (x, y), mask.shape) for other in others)
                found.append(_measure(index, core, attached, difference[box], shown[box], (x, y), mask.shape))
    return found


def _cores(region: np.ndarray, settings: MotionSettings) -> list[np.ndarray]:
    """A region without its thin parts (a string, a rod), cut at its waists (a ball on a hand): boolean masks."""
    padded = np.pad(region, 1).astype(np.uint8)
    inside = cv2.distanceTransform(padded, cv2.DIST_L2, 5)
    reach = 0.5 * inside.max()
    if reach < 1.0:
        return [region]
    opened = (inside >= reach).astype(np.uint8)
    away = cv2.distanceTransform(1 - opened, cv2.DIST_L2, 5)
    core = ((away < reach) & (padded > 0))[1:-1, 1:-1]
    count, labels = cv2.connectedComponents(core.astype(np.uint8), connectivity=8)
    return [labels == k for k in range(1, count)]


def _measure(index, core, attached, difference, shown, corner, shape) -> _Blob:
    rows, columns = np.nonzero(core)
    weight = difference[rows, columns].astype(float)
    x, y = np.average(columns, weights=weight), np.average(rows, weights=weight)
    # The edge of the object is where the difference falls to half; the threshold of the mask is lower.
    full = weight > 0.5 * np.median(weight)
    spread = np.cov(np.stack([columns[full], rows[full]])) if full.sum() > 1 else np.zeros((2, 2))
    left, top = corner
    return _Blob(
        frame=index,
        x=left + x + 0.5,
        y=top + y + 0.5,
        # A filled ellipse has the variance (semi-axis)^2 / 4; the minor one is not stretched by motion blur.
        radius=2 * math.sqrt(np.linalg.eigvalsh(spread)[0] + 1 / 12),
        area=float(len(rows)),
        colour=np.average(shown[rows, columns], axis=0, weights=weight),
        contrast=float(weight.mean()),
        at_edge=_at_edge(core, corner, shape),
        attached=attached,
    )


def _at_edge(core: np.ndarray, corner: tuple[int, int], shape: tuple[int, int]) -> bool:
    rows, columns = np.nonzero(core)
    low = columns.min() + corner[0] == 0 or rows.min() + corner[1] == 0
    return bool(low or columns.max() + corner[0] == shape[1] - 1 or rows.max() + corner[1] == shape[0] - 1)


# ---- first pass: tracks -----------------------------------------------------------------------------------------


def _link(blobs: list[list[_Blob]], film: _Film, settings: MotionSettings) -> list[_Track]:
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


def _cost(track: _Track, blob: _Blob, times: np.ndarray, diagonal: float) -> float:
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


def _ranked_tracks(tracks: list[_Track], film: _Film, start, end, settings: MotionSettings) -> list[_Track]:
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


def _as_motion(track: _Track, film: _Film, info: VideoInfo) -> Motion:
    height, width = film.pictures.shape[1:3]
    x_scale, y_scale = info.width / width, info.height / height
    path = track.array("x", "y", "radius") * [x_scale, y_scale, (x_scale + y_scale) / 2]
    radii = ndimage.median_filter(path[:, 2], 5, mode="nearest")
    times = film.times[[b.frame for b in track.blobs]]
    return Motion(times, path[:, :2], radii, (float(times[0]), float(times[-1])), info)


# ---- first pass: the window -------------------------------------------------------------------------------------


def _window(
    track: _Track, film: _Film, start, end, settings: MotionSettings
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


# ---- second pass ------------------------------------------------------------------------------------------------


def _nearest_crops(
    path, fps, wanted: np.ndarray, left: int, top: int, side: int
) -> tuple[list[np.ndarray], list[float]]:
    """For each wanted time the nearest frame's crop (64, 64, 3) uint8, and that frame's time."""
    best: list[tuple[float, np.ndarray]] = [(math.inf, np.empty(0))] * len(wanted)
    slack = 1e-6
    for time, picture in frames(path, fps, start=wanted[0] - slack, end=wanted[-1] + slack):
        nearer = [k for k, t in enumerate(wanted) if abs(time - t) < abs(best[k][0] - t) - slack]
        if nearer:
            crop = _crop(picture, left, top, side)
            for k in nearer:
                best[k] = (time, crop)
    return [crop for _, crop in best], [time for time, _ in best]


def _crop(picture: np.ndarray, left: int, top: int, side: int) -> np.ndarray:
    """The square resampled to (64, 64, 3), with the picture's edge repeated where the square sticks out."""
    height, width = picture.shape[:2]
    # The padding has to reach a square that lies outside the picture altogether on one side.
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    square = picture[rows][:, columns]
    return cv2.resize(square, (SIZE, SIZE), interpolation=cv2.INTER_AREA if side >= SIZE else cv2.INTER_LINEAR)
