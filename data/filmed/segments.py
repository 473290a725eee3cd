"""Segments of a track in which the object is fully visible and moves freely, joined across short occlusions."""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from trajvlm.data.filmed.detection import Detection
from trajvlm.data.filmed.frames import MotionSettings

_MIN_LENGTH = 4
"""Detections that a segment needs to be joined to another."""
_COMPARED = 6
"""Detections at the facing ends of two segments by which they are compared."""
_WHOLE_AREA = 0.7
"""Share of its usual area from which on an object counts as fully visible."""
_APPEARANCE = ("area", "colour")
_MAX_AREA_RATIO, _MAX_COLOUR_DIFFERENCE = 1.6, 30.0
"""Ratio of two areas, and mean difference of two colours (0 to 255), up to which they may be one object's."""
_AT_EDGE = "the object touches the edge of the picture"
_TOUCHES = "the object touches something else that moves"
_HIDDEN = "the object is held or partly hidden"


@dataclass
class DetectionTrack:
    """Detections linked as one object, in the order of their frames, at most one a frame."""

    detections: list[Detection] = field(default_factory=list)

    def array(self, *names: str) -> np.ndarray:
        """Attributes of the detections, (number of detections, number of names)."""
        return np.array([[getattr(b, name) for name in names] for b in self.detections], dtype=float)


class Segment(NamedTuple):
    """Consecutive detections in which the object is fully visible, alone and of steady size."""

    detections: list[Detection]
    before: str
    """Why it starts; empty where the track does."""
    after: str
    """Why it ends; empty where the track does."""

    @property
    def score(self) -> float:
        """`travel` times the square root of the number of detections: the higher, the better."""
        return (
            travel(DetectionTrack(self.detections)) * math.sqrt(len(self.detections))
            if len(self.detections) > 1
            else 0.0
        )


def travel(track: DetectionTrack) -> float:
    """Largest extent of the path, or of the growth of the diameter, in small pixels; robust against single outliers."""
    path = track.array("x", "y", "radius")
    if len(path) >= 5:
        path = ndimage.median_filter(path, size=(3, 1), mode="nearest")
    extent = np.ptp(path, axis=0) * [1, 1, 2]
    # The radius of a blurred detection wavers, so growth counts only where it is large.
    grows = extent[2] > 0.6 * np.median(path[:, 2])
    return float(max(extent[0], extent[1], extent[2] if grows else 0.0))


def free_segment(
    track: DetectionTrack, tracks: list[DetectionTrack], times: np.ndarray, settings: MotionSettings
) -> Segment:
    """The best segment of a track, joined with those of the same object before and after an occlusion.

    An object that passes behind a post shrinks to nothing and reappears as another track. Two segments are joined where
    size and colour agree, the distance can be covered in the time, and the occlusion lasts at most a third of the
    whole.

    Args:
        tracks: all tracks of the frame buffer.
        times: (N,) seconds of the buffer's frames.
    """
    whole = max(_segments(track, settings), key=lambda segment: segment.score)
    if len(whole.detections) < _MIN_LENGTH:
        return whole
    others = [
        segment
        for other in tracks
        if len(other.detections) >= _MIN_LENGTH
        for segment in _segments(other, settings)
        if len(segment.detections) >= _MIN_LENGTH
    ]
    joined = True
    while joined:
        joined = False
        for other in others:
            first, second = sorted((whole, other), key=lambda segment: segment.detections[0].frame)
            before, after = _fully_seen(first.detections[::-1])[::-1], _fully_seen(second.detections)
            open_ends = first.after in ("", _HIDDEN) and second.before != _TOUCHES
            if open_ends and _is_continuation(before, after, times):
                whole, joined = Segment(before + after, first.before, second.after), True
                break
    return whole


def _fully_seen(detections: list[Detection]) -> list[Detection]:
    """Detections without the first ones, in which the object is still partly hidden."""
    whole = _WHOLE_AREA * np.percentile([b.area for b in detections[:_COMPARED]], 75)
    return detections[next(k for k, b in enumerate(detections) if b.area >= whole) :]


def _is_continuation(before: list[Detection], after: list[Detection], times: np.ndarray) -> bool:
    """Whether two runs of detections are the same object before and after an occlusion."""
    last, next_ = before[-1], after[0]
    hidden = next_.frame - last.frame - 1
    if min(len(before), len(after)) < _MIN_LENGTH or not 0 <= hidden <= (len(before) + len(after)) / 2:
        return False
    if not _look_alike(before, after):
        return False
    speed = max(_speed(end, times) for end in (before[-_COMPARED:], after[:_COMPARED]))
    wait = times[next_.frame] - times[last.frame]
    # As in linking, with room for a bounce or an acceleration.
    return math.hypot(next_.x - last.x, next_.y - last.y) < 2.2 * speed * wait + 2 * last.radius


def _look_alike(before: list[Detection], after: list[Detection]) -> bool:
    """Whether the last of `before` and the first of `after` have about the same area and colour."""
    ends = before[-_COMPARED:], after[:_COMPARED]
    areas, colours = ([np.median([getattr(b, name) for b in end], axis=0) for end in ends] for name in _APPEARANCE)
    return bool(
        abs(math.log(areas[1] / areas[0])) <= math.log(_MAX_AREA_RATIO)
        and np.ptp(colours, axis=0).mean() <= _MAX_COLOUR_DIFFERENCE
    )


def split_at_mismatches(track: DetectionTrack) -> list[DetectionTrack]:
    """Split a track at missing frames after which size or colour differ: two objects that were linked as one."""
    parts, detections = [], track.detections[:1]
    for k, detection in enumerate(track.detections[1:], 1):
        if detection.frame > detections[-1].frame + 1 and not _look_alike(detections, track.detections[k:]):
            parts.append(DetectionTrack(detections))
            detections = []
        detections.append(detection)
    return [*parts, DetectionTrack(detections)]


def _speed(detections: list[Detection], times: np.ndarray) -> float:
    """Mean speed along the path of consecutive detections, in small pixels a second."""
    steps = np.hypot(np.diff([b.x for b in detections]), np.diff([b.y for b in detections]))
    return float(steps.sum() / (times[detections[-1].frame] - times[detections[0].frame]))


def _segments(track: DetectionTrack, settings: MotionSettings) -> list[Segment]:
    area = track.array("area")[:, 0]
    typical = np.median(area)
    found: list[Segment] = []
    detections: list[Detection] = []
    before = ""

    def end(why: str) -> None:
        nonlocal detections, before
        found.append(Segment(detections, before, why))
        detections, before = [], why

    for k, detection in enumerate(track.detections):
        # Smaller than usual: partly outside. Larger: held by a hand that reaches in.
        if detection.at_edge and not 0.85 < detection.area / typical < 1.4:
            end(_AT_EDGE)
        elif detection.attached:
            end(_TOUCHES)
        else:
            jump = abs(math.log(detection.area / detections[-1].area)) if detections else 0.0
            if jump > math.log(settings.max_jump) and _jump(area, k, settings):
                end(_HIDDEN)
            detections.append(detection)
    end("")
    return found


def _jump(area: np.ndarray, k: int, settings: MotionSettings) -> bool:
    """Whether the area stays changed from detection k on, so that it was not a single wrong one."""
    before, after = np.median(area[max(0, k - 3) : k]), np.median(area[k : k + 3])
    return abs(math.log(after / before)) > math.log(settings.max_jump)


def trim_rest(track: DetectionTrack) -> tuple[DetectionTrack, str, str]:
    """Remove the detections before and after the motion in which the object rests; the reasons for both cuts, or "".

    Up to 3 still frames stay, as a turning point has them too.
    """
    path = track.array("x", "y", "radius")
    still = max(1.0, 0.015 * travel(track))

    def resting(points: np.ndarray) -> int:
        home = np.median(points[:3], axis=0)
        moved = np.abs(points - home).max(1) > still
        # Two consecutive ones, as one may be wrong.
        away = np.flatnonzero(moved[:-1] & moved[1:])
        count = int(away[0]) if len(away) else 0
        return count - 1 if count > 3 else 0

    head, tail = resting(path), resting(path[::-1])
    kept = track.detections[head : len(path) - tail]
    rests = "the object rests"
    return DetectionTrack(kept), rests if head else "", rests if tail else ""
