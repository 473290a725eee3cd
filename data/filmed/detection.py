"""Detections: connected regions of a frame that differ from the background, and tracks of them."""

import math
from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

_COMPARED = 6
"""Detections at the facing ends of two parts of a track by which they are compared."""
_APPEARANCE = ("area", "colour")
_MAX_AREA_RATIO, _MAX_COLOUR_DIFFERENCE = 1.6, 30.0
"""Ratio of two areas, and mean difference of two colours (0 to 255), up to which they may be one object's."""


@dataclass(frozen=True)
class Detection:
    """One connected region that differs from the background, in one frame; lengths in pixels of the small pictures."""

    frame: int
    """Index into the frame buffer."""
    x: float
    y: float
    """Centroid weighted by the difference from the background; x to the right, y downwards."""
    radius: float
    """Of the ellipse with the same second moments, its minor semi-axis."""
    area: float
    """In pixels."""
    colour: np.ndarray
    """(3,) mean RGB, 0 to 255."""
    contrast: float
    """Mean difference from the background, 0 to 255."""
    at_edge: bool
    """Whether it touches the picture's edge."""
    attached: bool
    """Joined to another region, at least half its size, that reaches the picture's edge: an arm that holds it."""


@dataclass
class DetectionTrack:
    """Detections linked as one object, in the order of their frames, at most one a frame."""

    detections: list[Detection] = field(default_factory=list)

    def array(self, *names: str) -> np.ndarray:
        """Attributes of the detections, (number of detections, number of names)."""
        return np.array([[getattr(b, name) for name in names] for b in self.detections], dtype=float)


def travel(track: DetectionTrack) -> float:
    """Largest extent of the path, or of the growth of the diameter, in small pixels; robust against single outliers."""
    path = track.array("x", "y", "radius")
    if len(path) >= 5:
        path = ndimage.median_filter(path, size=(3, 1), mode="nearest")
    extent = np.ptp(path, axis=0) * [1, 1, 2]
    # The radius of a blurred detection wavers, so growth counts only where it is large.
    grows = extent[2] > 0.6 * np.median(path[:, 2])
    return float(max(extent[0], extent[1], extent[2] if grows else 0.0))


def split_at_mismatches(track: DetectionTrack) -> list[DetectionTrack]:
    """Split a track at missing frames after which size or colour differ: two objects that were linked as one."""
    parts, detections = [], track.detections[:1]
    for k, detection in enumerate(track.detections[1:], 1):
        if detection.frame > detections[-1].frame + 1 and not _look_alike(detections, track.detections[k:]):
            parts.append(DetectionTrack(detections))
            detections = []
        detections.append(detection)
    return [*parts, DetectionTrack(detections)]


def _look_alike(before: list[Detection], after: list[Detection]) -> bool:
    """Whether the last of `before` and the first of `after` have about the same area and colour."""
    ends = before[-_COMPARED:], after[:_COMPARED]
    areas, colours = ([np.median([getattr(b, name) for b in end], axis=0) for end in ends] for name in _APPEARANCE)
    return bool(
        abs(math.log(areas[1] / areas[0])) <= math.log(_MAX_AREA_RATIO)
        and np.ptp(colours, axis=0).mean() <= _MAX_COLOUR_DIFFERENCE
    )


def detection_of(
    index: int,
    core: np.ndarray,
    attached: bool,
    difference: np.ndarray,
    shown: np.ndarray,
    corner: tuple[int, int],
    shape: tuple[int, int],
) -> Detection:
    """The detection of a region in frame `index`.

    Args:
        core: (h, w) bool, the region within its box.
        attached: as in `Detection`.
        difference, shown: (h, w) and (h, w, 3) of the box: difference from the background, and picture.
        corner: x and y of the box's first pixel.
        shape: height and width of the picture.
    """
    rows, columns = np.nonzero(core)
    weight = difference[rows, columns].astype(float)
    total = float(weight.sum())
    x, y = (float((weight * places).sum()) / total for places in (columns, rows))
    # The edge of the object is where the difference falls to half; the threshold of the mask is lower.
    full = weight > 0.5 * np.median(weight)
    left, top = corner
    return Detection(
        frame=index,
        x=left + x + 0.5,
        y=top + y + 0.5,
        # A filled ellipse has the variance (semi-axis)^2 / 4; the minor one is not stretched by motion blur.
        radius=2 * math.sqrt(_least_variance(columns[full], rows[full]) + 1 / 12),
        area=float(len(rows)),
        colour=(weight[:, None] * shown[rows, columns]).sum(axis=0) / total,
        contrast=float(weight.mean()),
        at_edge=bool(
            columns.min() + left == 0
            or rows.min() + top == 0
            or columns.max() + left == shape[1] - 1
            or rows.max() + top == shape[0] - 1
        ),
        attached=attached,
    )


def _least_variance(x: np.ndarray, y: np.ndarray) -> float:
    """Of places (N,) along the direction in which they vary least."""
    if len(x) < 2:
        return 0.0
    dx, dy = x - x.mean(), y - y.mean()
    xx, yy, xy = (float((a * b).sum()) / (len(x) - 1) for a, b in ((dx, dx), (dy, dy), (dx, dy)))
    return max(0.0, (xx + yy) / 2 - math.hypot((xx - yy) / 2, xy))
