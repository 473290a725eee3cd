"""Search: regions of each frame that differ from the background, and the tracks that they form."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment

from trajvlm.data.filmed.detection import Detection, DetectionTrack, detection_of, split_at_mismatches
from trajvlm.data.filmed.difference import filled, framed, largest_colour
from trajvlm.data.filmed.median import median
from trajvlm.data.filmed.parts import Canvas, Part, background, repeated, sample_frames, smoothed, steadied

_GRID = 8
"""Every so many pixels the frame is compared with the background to find how it is exposed."""

_LEAST_LENGTH = 3
"""Detections of a track; fewer are noise."""
_COMPARED = 8
"""Detections at the facing ends of two tracks by which they are compared."""
_TOGETHER = 1.15
"""Largest area of both parts of a divided thing, as a part of its own."""
_AREA_RATIO, _COLOUR, _LONGEST_GAP_S = 1.6, 30.0, 1.5
"""Ratio of two areas, mean difference of two colours (0 to 255), and gap up to which two tracks may be one object's."""
_COMPACT = 0.45
"""Share of a region's area that its largest circle has where it is one thing."""
_LONG = 4.0
"""Longest side of its box, in radii of that circle, from which on it has something thin and long: a string."""
_FINER = 3
"""Times finer than the small pictures is the grid on which a region of few pixels is divided."""
_OPENING = 0.7
"""Of the largest circle that fits into a region: what is thinner is cut off."""


@dataclass(frozen=True)
class SearchSettings:
    """How moving objects are searched; lengths in pixels are those of the small pictures."""

    longest_side: int = 640
    """Of the small pictures, in pixels."""
    lead_s: float = 2.0
    """Seconds read before and after a window that a person gave, to learn the background."""
    min_contrast: float = 10.0
    """Least difference from the background, 0 to 255, of a detection; raised where the video is noisy."""
    noise_factor: float = 5.0
    """Threshold in standard deviations of a frame's noise, where that is above `min_contrast`."""
    min_area: int = 4
    """Least area of a detection, in pixels."""
    max_gap: int = 3
    """Consecutive frames without a detection that a track may bridge."""
    min_travel: float = 0.02
    """Least motion, as a part of the picture's longest side."""
    min_points: int = 9
    """Distinct frames that a video has to have."""


@dataclass(frozen=True)
class Detected:
    """What differs from the background in a part."""

    detections: list[list[Detection]]
    """Of each frame; places are pixels of the steadied small pictures."""
    moving: np.ndarray
    """(N,) share of the picture that differs."""


def detect(part: Part, first: int, settings: SearchSettings) -> Detected:
    """Detections in a part whose first frame has the number `first`."""
    canvas = Canvas.of(part)
    ground, spread = background(part, canvas, sample_frames(part))
    # Five standard deviations of what flickers, moves in the wind or is sharpened anew at each key frame.
    restless = cv2.dilate(spread, np.ones((3, 3), np.uint8)).astype(np.float32) * 1.48 * settings.noise_factor
    restless = restless.clip(0, 255).astype(np.uint8)
    found: list[list[Detection]] = []
    moving: list[float] = []
    repeats = repeated(part)
    for index in range(len(part.times)):
        if repeats[index]:
            found.append([])
            moving.append(moving[-1])
            continue
        shown, there = steadied(part, index, canvas)
        shown = smoothed(shown)
        difference = _difference(shown, ground, there)
        noise = 1.4826 * float(median(difference[::4, ::4].ravel()))
        least = max(settings.min_contrast, settings.noise_factor * 0.6 * noise)
        threshold = cv2.max(restless, min(int(least), 255))
        mask = cv2.compare(difference, threshold, cv2.CMP_GT)
        moving.append(_share_of_tiles(mask))
        found.append(_regions(first + index, mask, difference, shown, threshold, (canvas.left, canvas.top), settings))
    return Detected(found, np.array(moving))


def _share_of_tiles(mask: np.ndarray) -> float:
    """Share of 12 x 12 tiles of a mask (h, w), 0 or 255, of which more than a tenth is covered."""
    # Less than a tile is left out at the far edges, unless it is all that there is.
    height, width = (side - side % 12 or side for side in mask.shape)
    tiles = cv2.resize(mask[:height, :width], (12, 12), interpolation=cv2.INTER_AREA)
    return float((tiles > 25).mean())


def _difference(shown: np.ndarray, ground: np.ndarray, there: np.ndarray | None) -> np.ndarray:
    """Largest difference of the three colours from the background as this frame's exposure shows it."""
    here, behind = (p[_GRID // 2 :: _GRID, _GRID // 2 :: _GRID].reshape(-1, 3).T for p in (shown, ground))
    if there is not None:
        inside = there[_GRID // 2 :: _GRID, _GRID // 2 :: _GRID].ravel() > 0
        here, behind = here[:, inside], behind[:, inside]
    gain, offset = _exposure(*(np.ascontiguousarray(p, np.float32) for p in (here, behind)))
    table = np.clip(np.arange(256)[:, None] * gain + offset + 0.5, 0, 255).astype(np.uint8)[None]
    difference = cv2.absdiff(shown, cv2.LUT(ground, table))
    largest = largest_colour(difference)
    return largest if there is None else cv2.bitwise_and(largest, there)


def _exposure(here: np.ndarray, behind: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gain and offset (3,) that take the background's colours (3, N) to this frame's, by iterated least squares without
    what moves."""
    gain, offset = np.ones(3), np.zeros(3)
    if here.shape[1] < 50:
        return gain, offset
    for _ in range(3):
        away = np.abs(here - gain[:, None].astype(np.float32) * behind - offset[:, None].astype(np.float32))
        near = away < 3 * np.maximum(1.0, 1.48 * median(away)[:, None])
        count = near.sum(axis=1)
        x, y = ((values * near).sum(axis=1, dtype=float) / count for values in (behind, here))
        dx = (behind - x[:, None].astype(np.float32)) * near
        dy = here - y[:, None].astype(np.float32)
        spread, common = (dx * dx).sum(axis=1, dtype=float) / count, (dx * dy).sum(axis=1, dtype=float) / count
        # A plain background says nothing about the gain.
        gain = (common + 25.0) / (spread + 25.0)
        offset = y - gain * x
    usable = (0.5 < gain) & (gain < 2.0)
    return np.where(usable, gain, 1.0), np.where(usable, offset, 0.0)


def _regions(frame, mask, difference, shown, threshold, corner, settings: SearchSettings) -> list[Detection]:
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    left, top, width, height = cv2.boundingRect(mask)
    around = np.s_[top : top + height, left : left + width]
    if not width:
        return []
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask[around], connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    large = np.flatnonzero(areas >= settings.min_area)
    order: Iterable[int] = large[np.argsort(-areas[large])][:30] + 1
    found = []
    for label in order:
        x, y, w, h, area = stats[label].tolist()
        own = labels[y : y + h, x : x + w] == label
        x, y = left + x, top + y
        box = np.s_[y : y + h, x : x + w]
        if (difference[box][own] < 1.6 * threshold[box][own]).all():
            continue
        region = filled(own)
        cores = _cores(region, difference[box], _touches(region, (x, y), mask.shape))
        largest = max(core.sum() for core in cores)
        for core in cores:
            if core.sum() >= max(settings.min_area, 0.1 * largest):
                others = [c for c in cores if c is not core and c.sum() >= 0.5 * core.sum()]
                attached = any(_touches(other, (x, y), mask.shape) for other in others)
                one = detection_of(frame, core, attached, difference[box], shown[box], (x, y), mask.shape)
                found.append(replace(one, x=one.x + corner[0], y=one.y + corner[1]))
    return found


def _cores(region: np.ndarray, difference: np.ndarray, at_edge: bool) -> list[np.ndarray]:
    """Boolean masks of a region's parts after a morphological opening: without thin parts (a string, a rod), and
    separated where it is narrow (a ball on a hand).

    What is one solid thing is left as it is, unless it reaches the picture's edge, as a bob does by its string.
    """
    inside = cv2.distanceTransform(framed(region), cv2.DIST_L2, 5)
    compact = math.pi * inside.max() ** 2 > _COMPACT * region.sum() and max(region.shape) < _LONG * inside.max()
    if compact and not at_edge:
        return [region]
    # Finer than the small picture, and where the difference falls to half; the threshold of the mask is lower.
    fine = _FINER if inside.max() < 8 else 1
    height, width = region.shape
    values = cv2.resize(np.where(region, difference, 0), (width * fine, height * fine), interpolation=cv2.INTER_LINEAR)
    solid = values > 0.5 * float(np.percentile(difference[region], 75))
    solid = cv2.morphologyEx(solid.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) if fine == 1 else solid
    padded = framed(filled(solid > 0))
    inside = cv2.distanceTransform(padded, cv2.DIST_L2, 5)
    reach = _OPENING * inside.max()
    opened = (inside >= max(reach, 1.0)).astype(np.uint8)
    if not opened.any():
        return [region]
    away = cv2.distanceTransform(1 - opened, cv2.DIST_L2, 5)
    core = (away < reach + fine)[1:-1, 1:-1].astype(np.uint8)
    core = (cv2.resize(core, (width, height), interpolation=cv2.INTER_AREA) > 0) & region
    count, labels = cv2.connectedComponents(core.astype(np.uint8), connectivity=8)
    return [labels == k for k in range(1, count)] or [region]


def _touches(core, corner, shape) -> bool:
    rows, columns = np.flatnonzero(core.any(1)), np.flatnonzero(core.any(0))
    low = columns[0] + corner[0] == 0 or rows[0] + corner[1] == 0
    return bool(low or columns[-1] + corner[0] == shape[1] - 1 or rows[-1] + corner[1] == shape[0] - 1)


def link(
    detections: list[list[Detection]], times: np.ndarray, diagonal: float, settings: SearchSettings
) -> list[DetectionTrack]:
    """Link detections from frame to frame (constant-velocity prediction, optimal assignment), and join the tracks of
    what was hidden for a while."""
    done: list[DetectionTrack] = []
    live: list[DetectionTrack] = []
    for index, here in enumerate(detections):
        kept: list[DetectionTrack] = []
        for track in live:
            (kept if index - track.detections[-1].frame <= settings.max_gap + 1 else done).append(track)
        live = kept
        taken = set()
        if live and here:
            costs = _costs(live, here, times, diagonal)
            for row, column in zip(*linear_sum_assignment(np.where(np.isfinite(costs), costs, 1e6)), strict=True):
                if np.isfinite(costs[row, column]):
                    live[row].detections.append(here[column])
                    taken.add(column)
        live += [DetectionTrack([b]) for k, b in enumerate(here) if k not in taken]
    tracks = [part for track in done + live for part in split_at_mismatches(track)]
    return _joined([t for t in tracks if len(t.detections) >= _LEAST_LENGTH], times, diagonal)


def _costs(live: list[DetectionTrack], here: list[Detection], times: np.ndarray, diagonal: float) -> np.ndarray:
    """Cost of linking each detection to each track: distance, growth, colour; infinite outside the gate.

    The gate is wide enough for a bounce.
    """
    last = [t.detections[-1] for t in live]
    before = [t.detections[-2] if len(t.detections) > 1 else None for t in live]
    place, place_before = (
        np.array([(b.x, b.y) for b in those]) for those in (last, [p or q for p, q in zip(before, last)])
    )
    frame = np.array([b.frame for b in last])
    frame_before = np.array([p.frame if p else q.frame - 1 for p, q in zip(before, last)])
    wait = times[here[0].frame] - times[frame]
    span = np.maximum(times[frame] - times[np.maximum(frame_before, 0)], 1e-6)
    velocity = (place - place_before) / span[:, None]
    radius = np.array([b.radius for b in last])
    fresh = np.array([p is None for p in before])
    speed = np.hypot(*velocity.T)
    gate = np.where(fresh, 0.12 * diagonal + 2 * radius, 2.2 * speed * wait + 2 * radius + 0.02 * diagonal)
    expected = place + velocity * wait[:, None]
    there = np.array([(b.x, b.y) for b in here])
    distance = np.hypot(*(there[None] - expected[:, None]).transpose(2, 0, 1))
    growth = np.abs(np.log(np.array([b.area for b in here])[None] / np.array([b.area for b in last])[:, None]))
    colour = np.abs(np.array([b.colour for b in here])[None] - np.array([b.colour for b in last])[:, None]).mean(-1)
    cost = distance / gate[:, None] + 0.4 * growth + colour / 40
    return np.where((distance > gate[:, None]) | (growth > math.log(5)), np.inf, cost)


@dataclass(frozen=True)
class _End:
    """Where a track begins or ends: where it is there, and how it moves and looks."""

    frame: int
    place: np.ndarray
    velocity: np.ndarray
    """Pixels a second."""
    area: float
    colour: np.ndarray
    radius: float


def _end(track: DetectionTrack, times: np.ndarray, last: bool) -> _End:
    # From the end inwards, the nearest half of the track.
    inwards = track.detections[:: -1 if last else 1][: max(_COMPARED, len(track.detections) // 2)]
    areas = np.array([b.area for b in inwards])
    # The nearest to the end at which it is not yet hidden in part.
    full = np.flatnonzero(areas >= 0.7 * np.percentile([b.area for b in track.detections], 60))
    first = int(full[0]) if len(full) >= 2 else 0
    those = inwards[first : first + _COMPARED]
    at, those = those[0], sorted(those, key=lambda b: b.frame)
    place = np.array([(b.x, b.y) for b in those])
    seen = times[[b.frame for b in those]]
    velocity = _velocity(seen - times[at.frame], place)
    return _End(
        at.frame,
        np.array([at.x, at.y]),
        velocity,
        float(np.median([b.area for b in those])),
        np.median([b.colour for b in those], axis=0),
        float(np.median([b.radius for b in those])),
    )


def _velocity(times: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Velocity (2,) at time 0, in pixels a second; with an acceleration where a straight way does not fit."""
    if len(times) < 2:
        return np.zeros(2)
    straight, left, *_ = np.polyfit(times, places, 1, full=True)
    if len(times) < 6 or left.sum() < len(times):
        return straight[0]
    return np.polyfit(times, places, 2)[1]


def _joined(tracks: list[DetectionTrack], times: np.ndarray, diagonal: float) -> list[DetectionTrack]:
    """Tracks joined where one goes on as another after it was hidden for a while, the shortest gaps first."""
    tracks = list(tracks)
    ends = {id(t): (_end(t, times, False), _end(t, times, True)) for t in tracks}
    pairs = []
    for one in tracks:
        for other in tracks:
            gap = _misfit(one, other, ends, times, diagonal)
            if gap is not None:
                pairs.append((gap, id(one), id(other)))
    after: dict[int, int] = {}
    before: dict[int, int] = {}
    for _, first, second in sorted(pairs):
        if first not in after and second not in before:
            after[first], before[second] = second, first
    by_id = {id(t): t for t in tracks}
    joined = []
    for track in tracks:
        if id(track) in before:
            continue
        detections: list[Detection] = []
        here: int | None = id(track)
        while here is not None:
            detections = _continued(detections, by_id[here].detections)
            here = after.get(here)
        joined.append(DetectionTrack(detections))
    return joined


def _continued(before: list[Detection], after: list[Detection]) -> list[Detection]:
    """Detections that go on as others, without the frames in which both are parts of what something thin divides."""
    if not before:
        return after
    first, last = after[0].frame, before[-1].frame
    return [b for b in before if b.frame < first] + [b for b in after if b.frame > last]


def _divided(one: DetectionTrack, other: DetectionTrack, area: float) -> bool:
    """Whether what two tracks show at the same time, if anything, may be the parts of one thing of this area that are
    seen on both sides of a thin post: near each other, and together no larger than it."""
    now = {b.frame: b for b in one.detections}
    both = [(now[b.frame], b) for b in other.detections if b.frame in now]
    if not both:
        return other.detections[0].frame > one.detections[-1].frame
    if len(both) > len(now) / 2 or other.detections[-1].frame <= one.detections[-1].frame:
        return False
    radius = math.sqrt(area / math.pi)
    near = all(math.hypot(a.x - b.x, a.y - b.y) < 2.5 * radius for a, b in both)
    return near and all(a.area + b.area < _TOGETHER * area for a, b in both)


def _misfit(one: DetectionTrack, other: DetectionTrack, ends: dict, times: np.ndarray, diagonal: float) -> float | None:
    """How long the gap is in which `one` may have gone over into `other`, in seconds, with a penalty for what does not
    fit; None where they can't be the same."""
    last, first = ends[id(one)][1], ends[id(other)][0]
    hidden = first.frame - last.frame
    if hidden <= 0 or not _divided(one, other, max(last.area, first.area)):
        return None
    wait = float(times[first.frame] - times[last.frame])
    if hidden > (len(one.detections) + len(other.detections)) / 2 or wait > _LONGEST_GAP_S:
        return None
    if (
        abs(math.log(first.area / last.area)) > math.log(_AREA_RATIO)
        or np.abs(first.colour - last.colour).mean() > _COLOUR
    ):
        return None
    # As far as a steady acceleration between the two velocities takes it.
    expected = last.place + 0.5 * (last.velocity + first.velocity) * wait
    away = float(np.linalg.norm(first.place - expected))
    speed = max(np.linalg.norm(last.velocity), np.linalg.norm(first.velocity))
    allowed = 0.4 * speed * wait + 1.5 * max(last.radius, first.radius) + 0.01 * diagonal
    return None if away > allowed else wait * (1 + away / allowed)
