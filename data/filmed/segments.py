"""The stretches of a track in which the object is seen whole and moves freely; past what hides it for a while."""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from trajvlm.data.filmed.detection import Blob
from trajvlm.data.filmed.frames import MotionSettings

_LEAST = 4
"""Blobs of a stretch that is taken for one that goes on."""
_ENDS = 6
"""Blobs at its ends by which two stretches are compared."""
_FULLY = 0.7
"""Share of its area at which an object counts as seen whole."""
_LOOKS = ("area", "colour")
_LIKE_SIZE, _LIKE_COLOUR = 1.6, 30.0
"""Factor between two areas, and mean difference of 255 between two colours, that still mean the same object."""
_AT_EDGE = "the object touches the edge of the picture"
_TOUCHES = "the object touches something else that moves"
_HIDDEN = "the object is held or partly hidden"


@dataclass
class BlobTrack:
    """Blobs of what is taken for one object, in the order of their frames, at most one in each."""

    blobs: list[Blob] = field(default_factory=list)

    def array(self, *names: str) -> np.ndarray:
        """(number of blobs, number of names)."""
        return np.array([[getattr(b, name) for name in names] for b in self.blobs], dtype=float)


class Stretch(NamedTuple):
    """Blobs in which the object is whole, alone and of steady size."""

    blobs: list[Blob]
    before: str
    """Why it starts; empty where the track does."""
    after: str
    """Why it ends; empty where the track does."""

    @property
    def worth(self) -> float:
        return travel(BlobTrack(self.blobs)) * math.sqrt(len(self.blobs)) if len(self.blobs) > 1 else 0.0


def travel(track: BlobTrack) -> float:
    """Largest extent of the path, or of the growth of the diameter, in small pixels, without single outliers."""
    path = track.array("x", "y", "radius")
    if len(path) >= 5:
        path = ndimage.median_filter(path, size=(3, 1), mode="nearest")
    extent = np.ptp(path, axis=0) * [1, 1, 2]
    # The radius of a blurred blob wavers, so growth counts only where it is large.
    grows = extent[2] > 0.6 * np.median(path[:, 2])
    return float(max(extent[0], extent[1], extent[2] if grows else 0.0))


def free_stretch(track: BlobTrack, tracks: list[BlobTrack], times: np.ndarray, settings: MotionSettings) -> Stretch:
    """The longest stretch of a track, and what was seen of the same object before and after something hid it for a
    while.

    Behind a post the object shrinks to nothing and comes out as another track. That is taken for the same object where
    it looks as it did, is where it can have got to in the time, and was away for at most a third of the whole.

    Args:
        tracks: all tracks of the film.
        times: (N,), seconds of the film's frames.
    """
    whole = max(_stretches(track, settings), key=lambda stretch: stretch.worth)
    if len(whole.blobs) < _LEAST:
        return whole
    others = [
        stretch
        for other in tracks
        if len(other.blobs) >= _LEAST
        for stretch in _stretches(other, settings)
        if len(stretch.blobs) >= _LEAST
    ]
    joined = True
    while joined:
        joined = False
        for other in others:
            first, second = sorted((whole, other), key=lambda stretch: stretch.blobs[0].frame)
            before, after = _fully_seen(first.blobs[::-1])[::-1], _fully_seen(second.blobs)
            open_ends = first.after in ("", _HIDDEN) and second.before != _TOUCHES
            if open_ends and _goes_on(before, after, times):
                whole, joined = Stretch(before + after, first.before, second.after), True
                break
    return whole


def _fully_seen(blobs: list[Blob]) -> list[Blob]:
    """Blobs without the first ones, in which the object is still coming out of what hid it."""
    whole = _FULLY * np.percentile([b.area for b in blobs[:_ENDS]], 75)
    return blobs[next(k for k, b in enumerate(blobs) if b.area >= whole) :]


def _goes_on(before: list[Blob], after: list[Blob], times: np.ndarray) -> bool:
    """Whether these are two views of the same object, which was hidden in between."""
    last, next_ = before[-1], after[0]
    hidden = next_.frame - last.frame - 1
    if min(len(before), len(after)) < _LEAST or not 0 <= hidden <= (len(before) + len(after)) / 2:
        return False
    if not _alike(before, after):
        return False
    speed = max(_speed(end, times) for end in (before[-_ENDS:], after[:_ENDS]))
    wait = times[next_.frame] - times[last.frame]
    # As in linking, it may bounce meanwhile, or fall faster.
    return math.hypot(next_.x - last.x, next_.y - last.y) < 2.2 * speed * wait + 2 * last.radius


def _alike(before: list[Blob], after: list[Blob]) -> bool:
    """Whether the last of some blobs and the first of others have about the same size and colour."""
    ends = before[-_ENDS:], after[:_ENDS]
    areas, colours = ([np.median([getattr(b, name) for b in end], axis=0) for end in ends] for name in _LOOKS)
    return bool(
        abs(math.log(areas[1] / areas[0])) <= math.log(_LIKE_SIZE) and np.ptp(colours, axis=0).mean() <= _LIKE_COLOUR
    )


def parted(track: BlobTrack) -> list[BlobTrack]:
    """A track cut where it was missed for some frames and looks different afterwards: two things linked as one."""
    parts, blobs = [], track.blobs[:1]
    for k, blob in enumerate(track.blobs[1:], 1):
        if blob.frame > blobs[-1].frame + 1 and not _alike(blobs, track.blobs[k:]):
            parts.append(BlobTrack(blobs))
            blobs = []
        blobs.append(blob)
    return [*parts, BlobTrack(blobs)]


def _speed(blobs: list[Blob], times: np.ndarray) -> float:
    """Of a few blobs in a row, along their path; small pixels a second."""
    steps = np.hypot(np.diff([b.x for b in blobs]), np.diff([b.y for b in blobs]))
    return float(steps.sum() / (times[blobs[-1].frame] - times[blobs[0].frame]))


def _stretches(track: BlobTrack, settings: MotionSettings) -> list[Stretch]:
    area = track.array("area")[:, 0]
    typical = np.median(area)
    found, blobs, before = [], [], ""

    def end(why: str) -> None:
        nonlocal blobs, before
        found.append(Stretch(blobs, before, why))
        blobs, before = [], why

    for k, blob in enumerate(track.blobs):
        # Smaller than usual it is partly outside; larger, it is in a hand that comes from outside.
        if blob.at_edge and not 0.85 < blob.area / typical < 1.4:
            end(_AT_EDGE)
        elif blob.attached:
            end(_TOUCHES)
        else:
            jump = abs(math.log(blob.area / blobs[-1].area)) if blobs else 0.0
            if jump > math.log(settings.max_jump) and _jump(area, k, settings):
                end(_HIDDEN)
            blobs.append(blob)
    end("")
    return found


def _jump(area: np.ndarray, k: int, settings: MotionSettings) -> bool:
    """Whether the area stays changed after observation k, and it was not a single bad blob."""
    before, after = np.median(area[max(0, k - 3) : k]), np.median(area[k : k + 3])
    return abs(math.log(after / before)) > math.log(settings.max_jump)


def without_rest(track: BlobTrack) -> tuple[BlobTrack, str, str]:
    """Cut off the rest before and after the motion; a stop of 3 frames is left, as a turning point is one too."""
    path = track.array("x", "y", "radius")
    still = max(1.0, 0.015 * travel(track))

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
    return BlobTrack(kept), rests if head else "", rests if tail else ""
