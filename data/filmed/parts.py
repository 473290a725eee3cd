"""Parts of a video: its small pictures, some hundreds at a time, each part without a cut and with the camera steadied.

So the memory that is needed does not depend on how long the video is.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from scipy import ndimage
from scipy.ndimage import median_filter

from trajvlm.data.filmed.decode import VideoInfo, frames
from trajvlm.data.filmed.difference import largest_colour
from trajvlm.data.filmed.median import median_picture
from trajvlm.data.filmed.steady import Pose, Reference

_STILL_PX = 0.25
"""Pixels of the small pictures up to which a frame does not count as moved by the camera."""
_LOOKED_AT, _MOVED, _MOMENTS_S = 12, 0.25, (0.12, 0.5)
"""Pairs of frames of each part by which it is decided whether the camera moves, the share of them that has to be
shifted, and the times between the two: a camera shakes fast or pans slowly."""
_BACKGROUND_FRAMES = 41
_PART_BYTES = 420_000_000
"""Of the small pictures that are in memory at a time."""
_REPEATED, _MOVES = 0.25, 8.0
"""Largest change from the picture before, as a share of what is usual, below which a picture is that one again, and
the largest change, 0 to 255, from which on anything moves at all."""


@dataclass(frozen=True)
class Part:
    """N small pictures that follow each other in one scene."""

    times: np.ndarray
    """(N,) seconds from the start of the video."""
    pictures: np.ndarray
    """(N, h, w, 3), uint8; as they were filmed."""
    poses: np.ndarray | None
    """(N, 2, 3), pixels of each picture to those of the scene's reference; None where the camera stands still."""
    lost: int
    """Frames that could not be registered."""
    new_scene: bool
    """Whether a cut comes before it; so too the first part of a video."""


def parts(
    info: VideoInfo, fps: float | None, low: float | None, high: float | None, longest_side: int, most: int
) -> Iterator[Part]:
    """The parts of a video from `low` to `high` seconds, in order, each with `most` pictures at most."""
    reference, last = None, None
    opened = True
    for times, pictures in _batches(frames(info.path, fps, longest_side, low, high), most):
        for k, (first, stop) in enumerate(_scenes(pictures)):
            new = opened or k > 0
            if new or reference is None:
                reference, last = Reference(pictures[first]), None
            poses, lost = _poses(pictures[first:stop], times[first:stop], reference, last)
            last = None if poses is None else poses[-1]
            yield Part(times[first:stop], pictures[first:stop], poses, lost, new)
            opened = False


def _batches(decoded: Iterator[tuple[float, np.ndarray]], most: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    times: list[float] = []
    pictures: np.ndarray | None = None
    for time, picture in decoded:
        if pictures is None:
            most = min(most, _PART_BYTES // picture.nbytes)
            pictures = np.empty((most, *picture.shape), np.uint8)
        pictures[len(times)] = picture
        times.append(time)
        if len(times) == most:
            yield np.array(times), pictures
            times = []
    if times and pictures is not None:
        yield np.array(times), pictures[: len(times)]


def _scenes(pictures: np.ndarray) -> list[tuple[int, int]]:
    """First and stop of each stretch between cuts; most of the picture changes there at once, not before or after."""
    thumbs = [_thumb(p) for p in pictures]
    changed = np.array([(largest_colour(cv2.absdiff(a, b)) > 25).mean() for a, b in pairwise(thumbs)])
    if len(changed) == 0:
        return [(0, len(pictures))]
    around = ndimage.median_filter(changed, 5, mode="nearest")
    cuts = np.flatnonzero((changed > 0.5) & (around < 0.2)) + 1
    edges = [0, *cuts.tolist(), len(pictures)]
    return list(zip(edges, edges[1:], strict=False))


def _thumb(picture: np.ndarray) -> np.ndarray:
    """(32, 32, 3); a few rows and columns are left out where that lets each pixel be the mean of whole ones."""
    height, width = (side - side % 32 or side for side in picture.shape[:2])
    return cv2.resize(picture[:height, :width], (32, 32), interpolation=cv2.INTER_AREA)


def _poses(
    pictures: np.ndarray, times: np.ndarray, reference: Reference, last: np.ndarray | None
) -> tuple[np.ndarray | None, int]:
    """The pose of each picture, None where all lie on the reference, and how many could not be found."""
    if last is None and not camera_moves(pictures, times):
        return None, 0
    found, lost = [], 0
    for picture in pictures:
        pose = reference.locate(picture, last)
        if pose.sure:
            last = pose.matrix
        else:
            lost += 1
        found.append(np.eye(2, 3) if last is None else last)
    # Before a plain wall the object itself may have been followed.
    checked = np.unique(np.linspace(0, len(pictures) - 1, _LOOKED_AT + 1).astype(int)[1:])
    agree = [reference.speaks_for(pictures[k], Pose(found[k], 0.0, True)) for k in checked]
    return (np.stack(found), lost) if sum(agree) > _MOVED * len(agree) else (None, 0)


def camera_moves(pictures: np.ndarray, times: np.ndarray) -> bool:
    """Whether frames that lie a moment apart are shifted against each other as a whole, in enough places of a part."""
    first = np.unique(np.linspace(0, len(pictures) - 1, _LOOKED_AT + 1).astype(int)[:-1])
    references: dict[int, Reference] = {}
    enough = math.floor(_MOVED * len(first)) + 1
    for moment in _MOMENTS_S:
        moved = 0
        for tried, k in enumerate(first.tolist()):
            if moved + len(first) - tried < enough:
                break
            if k not in references:
                references[k] = Reference(pictures[k])
            later = pictures[min(max(k + 1, int(np.searchsorted(times, times[k] + moment))), len(pictures) - 1)]
            pose = references[k].locate(later)
            moved += pose.moved_px > _STILL_PX and references[k].speaks_for(later, pose)
            if moved == enough:
                return True
    return False


@dataclass(frozen=True)
class Canvas:
    """The area in which all pictures of a part lie, once they are steadied."""

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def of(cls, part: Part) -> "Canvas":
        """Around all pictures of a part, but no more than half a picture beyond the reference on each side."""
        height, width = part.pictures.shape[1:3]
        if part.poses is None:
            return cls(0, 0, width, height)
        corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], float)
        there = (corners @ part.poses[:, :, :2].swapaxes(1, 2) + part.poses[:, None, :, 2]).reshape(-1, 2)
        low = np.maximum(np.floor(there.min(0)), [-width / 2, -height / 2]).astype(int)
        high = np.minimum(np.ceil(there.max(0)), [1.5 * width, 1.5 * height]).astype(int)
        return cls(int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1]))


def steadied(part: Part, index: int, canvas: Canvas) -> tuple[np.ndarray, np.ndarray | None]:
    """A picture as the reference's camera would have seen it, on the canvas, and where on that there is any of it:
    (height, width, 3) and (height, width) uint8, 0 or 255; None where it is all there."""
    if part.poses is None:
        return part.pictures[index], None
    matrix = part.poses[index].copy()
    # OpenCV counts from the middle of the first pixel.
    matrix[:, 2] += matrix[:, :2] @ [0.5, 0.5] - [canvas.left + 0.5, canvas.top + 0.5]
    size = canvas.width, canvas.height
    picture = cv2.warpAffine(
        part.pictures[index], matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    full = np.full(part.pictures.shape[1:3], 255, np.uint8)
    there = cv2.warpAffine(full, matrix, size, flags=cv2.INTER_LINEAR, borderValue=0)
    return picture, cv2.compare(there, 254, cv2.CMP_GE)


def repeated(part: Part) -> np.ndarray:
    """(N,) bool: the picture is the one before it once more, as cameras and converters fill a gap, while something
    moves: what it shows was so a frame earlier."""
    small = (np.ascontiguousarray(p[::2, ::2]) for p in part.pictures)
    change = np.array([cv2.blur(cv2.absdiff(b, a), (2, 2)).max() for a, b in pairwise(small)], float)
    if len(change) < 5:
        return np.zeros(len(part.times), bool)
    # Where a swing turns, the pictures before and after hardly change either.
    usual = np.minimum(median_filter(change, 5, mode="nearest"), np.median(change))
    return np.concatenate([[False], (change < _REPEATED * usual) & (usual > _MOVES)])


def sample_frames(part: Part, count: int = _BACKGROUND_FRAMES) -> np.ndarray:
    """Indices of pictures spread evenly over the *motion*: spread over time, an object that rests for half of the video
    would become background."""
    small = (np.ascontiguousarray(p[::3, ::3]) for p in part.pictures)
    energy = np.array([0.0] + [float((largest_colour(cv2.absdiff(b, a)) > 20).mean()) for a, b in pairwise(small)])
    if energy.any():
        # Limited, as an arm changes more pixels than the object and would take most of the samples.
        energy = np.minimum(energy, np.median(energy[energy > 0]))
    progress = np.cumsum(energy + 0.02 * energy.max() + 1e-9)
    marks = np.linspace(progress[0], progress[-1], count)
    return np.unique(np.searchsorted(progress, marks).clip(0, len(energy) - 1))


def smoothed(picture: np.ndarray) -> np.ndarray:
    """The picture without the finest grain, that of the sensor or of dithered colours."""
    return cv2.GaussianBlur(picture, (3, 3), 0.8)


def background(part: Part, canvas: Canvas, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The median of the sampled pictures (height, width, 3), uint8, each `smoothed`, and how much a pixel differs from
    it while nothing is there (height, width), uint8: the median of the largest difference of the three colours."""
    shown = [steadied(part, int(k), canvas) for k in samples]
    values = np.stack([smoothed(picture) for picture, _ in shown])
    missing = None
    if part.poses is not None:
        missing = np.stack([there == 0 for _, there in shown])
        # By turns black and white where there is no picture, so that the median is that of the others.
        parity = np.cumsum(missing, axis=0, dtype=np.uint8) % 2 == 0
        for value, gap, light in zip(values, missing, parity):
            value[gap] = np.where(light[gap], 255, 0)[:, None]
    ground = np.empty(values.shape[1:], np.uint8)
    spread = np.empty(values.shape[1:3], np.uint8)
    for top in range(0, len(ground), 32):
        rows = np.s_[top : top + 32]
        ground[rows] = median_picture(values[:, rows])
        away = np.stack([largest_colour(cv2.absdiff(v, ground[rows])) for v in values[:, rows]])
        if missing is not None:
            away[missing[:, rows]] = 0
        spread[rows] = median_picture(away)
    return ground, spread
