"""Measurement: the centre and the radius of tracked objects in the video's own pixels.

A second pass decodes the frames in which something was tracked and cuts out a patch around each place; the background
of the patches is the median of some of the frames, without those places.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from scipy.ndimage import median_filter

from trajvlm.data.filmed.decode import pictures
from trajvlm.data.filmed.difference import filled, framed, largest_colour
from trajvlm.data.filmed.median import median, median_picture
from trajvlm.data.filmed.picture import Picture
from trajvlm.data.filmed.track import Track

_REACH = 3.0
"""Half a patch's side, in radii of the object."""
_LARGEST_RADIUS = 36.0
"""In pixels; patches of larger objects are made smaller, to this radius."""
_BATCH, _BATCH_BYTES = 600, 400_000_000
"""Frames whose patches are in memory at a time, and what these may take."""
_SAMPLE_BYTES = 160_000_000
"""Of the frames at full resolution that are kept for the background."""
_TILE = 64
_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
_LEAST_LEVEL = 6.0
"""Difference, 0 to 255, of an object that can be measured."""
_SHARES = (0.12, 0.25, 0.5)
"""Thresholds that are tried, as shares of the difference in the middle of the object."""
_TRIED = 16
"""Observations of a track on which they are tried."""
_EDGE_PX = 2.5
"""How far the edge reaches inwards from the outline at a low threshold, in pixels."""
_STEEPER = 1.6
"""By so much the edge is made steeper about its middle, which drops the noise on either side of it."""
_COMPACT = 0.5
"""Share of a region's area that its largest circle has where it is one thing."""
_THICK = 0.5
"""Of the largest circle that fits into an object: something so thick that hangs together with it is not a string."""
_USUAL, _CHANGE = 15, (0.85, 1.2)
"""Observations whose median is an object's usual radius, and the ratios to it within which it is seen whole."""
_OPENING, _WIDE_OPENING = 0.45, 0.7
"""Of the largest circle that fits into an object: what is thinner is cut off; the second where much is attached."""


def measured(
    path: str | Path,
    fps: float | None,
    tracks: list[Track],
    times: np.ndarray,
    poses: np.ndarray | None,
    samples: int,
) -> list[Track]:
    """Tracks with centres and radii measured at full resolution; what can't be measured stays as it is.

    Args:
        times: (F,) seconds, of the frames that `Track.frames` counts.
        poses: (F, 2, 3) as in `FoundTracks`, or None.
        samples: frames of which the background is made.
    """
    if not tracks:
        return tracks
    needed = np.unique(np.concatenate([track.frames for track in tracks]))
    scales = [min(1.0, _LARGEST_RADIUS / float(np.median(track.radii_px))) for track in tracks]
    found: list[dict[int, Seen | None]] = [{} for _ in tracks]
    size = (0, 0)
    where = [{int(f): k for k, f in enumerate(track.frames)} for track in tracks]
    decoded = pictures(path, fps, start=times[needed[0]] - 1e-6, end=times[needed[-1]] + 1e-6)
    for wanted in _batches(needed, tracks, scales):
        kept = set(_spread(tracks, wanted, samples).tolist())
        ground = Ground(tracks, poses)
        patches = []
        for time, picture in decoded:
            size = picture.size
            index = int(np.abs(times - time).argmin())
            for n, track in enumerate(tracks):
                k = where[n].get(index)
                if k is not None:
                    pose = None if poses is None else poses[index]
                    patches.append((n, k, *_cut(picture, pose, _box(track, k), scales[n])))
            if index in kept and ground.room(size, samples):
                ground.add(picture.whole(), index)
            if index >= wanted[-1]:
                break
        for n in range(len(tracks)):
            mine = [
                (k, _prepared(patch, _shrunk(ground.part(box), scales[n]), box, tracks[n], k, scales[n]))
                for m, k, patch, box in patches
                if m == n
            ]
            found[n].update(_measured(mine, tracks[n]))
    return _apart([_updated(track, seen, poses, size) for track, seen in zip(tracks, found, strict=True)])


def _batches(needed: np.ndarray, tracks: list[Track], scales: list[float]) -> list[np.ndarray]:
    """The frames that are needed, in order, in as few parts as the memory that is set aside allows."""
    patches, views = np.zeros(len(needed)), np.zeros(len(needed))
    for track, scale in zip(tracks, scales, strict=True):
        steps = np.abs(np.gradient(track.centres_px, axis=0)) if len(track) > 1 else np.zeros((1, 2))
        pixels = np.prod(2 * scale * (_REACH * track.radii_px[:, None] + 6 + steps), axis=1)
        at = np.searchsorted(needed, track.frames)
        patches[at] += 3 * pixels
        # Views exist of one track at a time: a float32 a pixel.
        views[at] = np.maximum(views[at], 4 * pixels)
    ends, taken = [0], 0.0
    for k, used in enumerate(patches + views):
        if k - ends[-1] == _BATCH or (taken + used > _BATCH_BYTES and k > ends[-1]):
            ends.append(k)
            taken = 0.0
        taken += used
    return [needed[first:stop] for first, stop in zip(ends, [*ends[1:], len(needed)], strict=True)]


def _spread(tracks: list[Track], wanted: np.ndarray, samples: int) -> np.ndarray:
    """Frames between which the tracked objects have moved evenly, as far as they can be chosen."""
    moved = np.zeros(len(wanted))
    for track in tracks[:2]:
        steps = np.linalg.norm(np.diff(track.centres_px, axis=0), axis=1) / track.radii_px[1:]
        moved += np.interp(wanted, track.frames, np.concatenate([[0], np.cumsum(np.minimum(steps, 3.0))]))
    progress = moved + np.linspace(0, max(1.0, 0.3 * moved[-1]), len(wanted))
    marks = np.linspace(progress[0], progress[-1], samples)
    return wanted[np.unique(np.searchsorted(progress, marks).clip(0, len(wanted) - 1))]


def _box(track: Track, k: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the patch around an observation, in whole pixels; it may reach beyond the picture."""
    x, y = track.centres_px[k]
    near = track.centres_px[max(0, k - 1) : k + 2]
    reach = _REACH * track.radii_px[k] + 5 + 0.5 * np.abs(np.diff(near, axis=0)).max(axis=0, initial=0)
    return int(x - reach[0]), int(y - reach[1]), int(x + reach[0]) + 2, int(y + reach[1]) + 2


def _cut(picture: Picture, pose: np.ndarray | None, box: tuple[int, int, int, int], scale: float):
    """The part of a steadied picture in a box, made smaller by `scale`: the patch (h, w, 3), and its box, cut off by
    the picture's edge where the camera stands still."""
    left, top, right, bottom = box
    if pose is None:
        width, height = picture.size
        left, top = max(0, left), max(0, top)
        right, bottom = max(left + 1, min(width, right)), max(top + 1, min(height, bottom))
    return _shrunk(picture.steadied(pose, left, top, right, bottom), scale), (left, top, right, bottom)


def _shrunk(patch: np.ndarray, scale: float) -> np.ndarray:
    """A copy, `scale` times as large."""
    if scale == 1.0:
        return patch.copy()
    size = max(1, round(patch.shape[1] * scale)), max(1, round(patch.shape[0] * scale))
    return cv2.resize(patch, size, interpolation=cv2.INTER_AREA)


def _warped(picture: np.ndarray, pose: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    left, top, right, bottom = box
    matrix = pose.copy()
    # OpenCV counts from the middle of the first pixel.
    matrix[:, 2] += matrix[:, :2] @ [0.5, 0.5] - [left + 0.5, top + 0.5]
    return cv2.warpAffine(picture, matrix, (right - left, bottom - top), borderMode=cv2.BORDER_REPLICATE)


class Ground:
    """The background, put together where it is needed."""

    def __init__(self, tracks: list[Track], poses: np.ndarray | None):
        self.tracks, self.poses = tracks, poses
        self.pictures: list[np.ndarray] = []
        self.indices: list[int] = []
        self.tiles: dict[tuple[int, int], np.ndarray] = {}

    def room(self, size: tuple[int, int], samples: int) -> bool:
        """Whether one more picture of a size fits into the memory that is set aside."""
        return len(self.pictures) < max(7, min(samples, _SAMPLE_BYTES // (3 * size[0] * size[1])))

    def add(self, picture: np.ndarray, index: int) -> None:
        self.pictures.append(picture)
        self.indices.append(index)

    def part(self, box: tuple[int, int, int, int]) -> np.ndarray:
        """The background (h, w, 3) in a box."""
        left, top, right, bottom = box
        result = np.empty((bottom - top, right - left, 3), np.uint8)
        for row in range(top // _TILE, (bottom - 1) // _TILE + 1):
            for column in range(left // _TILE, (right - 1) // _TILE + 1):
                y, x = row * _TILE, column * _TILE
                y0, y1, x0, x1 = max(y, top), min(y + _TILE, bottom), max(x, left), min(x + _TILE, right)
                result[y0 - top : y1 - top, x0 - left : x1 - left] = self._tile(row, column)[
                    y0 - y : y1 - y, x0 - x : x1 - x
                ]
        return result

    def _tile(self, row: int, column: int) -> np.ndarray:
        if (row, column) not in self.tiles:
            self.tiles[row, column] = self._made(row * _TILE, column * _TILE)
        return self.tiles[row, column]

    def _made(self, top: int, left: int) -> np.ndarray:
        box = left, top, left + _TILE, top + _TILE
        values = np.empty((len(self.pictures), _TILE, _TILE, 3), np.uint8)
        taken = np.zeros(values.shape[:3], bool)
        for n, (picture, index) in enumerate(zip(self.pictures, self.indices)):
            if self.poses is None:
                inside = picture[top : top + _TILE, left : left + _TILE]
                h, w = inside.shape[:2]
                values[n] = cv2.copyMakeBorder(inside, 0, _TILE - h, 0, _TILE - w, cv2.BORDER_REPLICATE)
            else:
                values[n] = _warped(picture, self.poses[index], box)
                taken[n] = _outside(self.poses[index], box, picture.shape)
            for track in self.tracks:
                k = int(np.searchsorted(track.frames, index))
                k = min(range(max(k - 1, 0), min(k + 1, len(track))), key=lambda j: abs(int(track.frames[j]) - index))
                if abs(int(track.frames[k]) - index) <= 2:
                    x, y = track.centres_px[k] - [left, top]
                    step = track.centres_px[min(k + 1, len(track) - 1)] - track.centres_px[max(k - 1, 0)]
                    reach = 1.5 * track.radii_px[k] + 3 + 0.25 * np.linalg.norm(step)
                    if -reach < x < _TILE + reach and -reach < y < _TILE + reach:
                        across, down = (np.arange(_TILE) + 0.5 - at for at in (x, y))
                        taken[n] |= across**2 + down[:, None] ** 2 < reach**2
        if taken.any():
            # Where something always is, it is part of the background.
            taken &= (~taken).sum(axis=0) >= 3
            light = np.cumsum(taken, axis=0, dtype=np.uint8) % 2 == 0
            for value, gap, white in zip(values, taken, light):
                value[gap] = np.where(white[gap], 255, 0)[:, None]
        return median_picture(values)


def _outside(pose: np.ndarray, box: tuple[int, int, int, int], shape: tuple[int, ...]) -> np.ndarray:
    """Which pixels (h, w) of a box a steadied picture does not show."""
    left, top, right, bottom = box
    back = np.linalg.inv(pose[:, :2])

    def shown(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        u = back[0, 0] * (x - pose[0, 2]) + back[0, 1] * (y - pose[1, 2])
        v = back[1, 0] * (x - pose[0, 2]) + back[1, 1] * (y - pose[1, 2])
        return (u >= 0) & (v >= 0) & (u <= shape[1]) & (v <= shape[0])

    corners = np.array([left, right, left, right]), np.array([top, top, bottom, bottom])
    if shown(*corners).all():
        return np.zeros((bottom - top, right - left), bool)
    return ~shown(np.arange(left, right) + 0.5, np.arange(top, bottom)[:, None] + 0.5)


@dataclass(frozen=True)
class _View:
    """One observation's patch."""

    difference: np.ndarray
    """(h, w) largest difference of the three colours from the background."""
    at: tuple[float, float]
    """Where in the patch the object was tracked, from the corner of its first pixel."""
    level: float
    """Difference in the middle of the object."""
    noise: float
    corner: tuple[int, int]
    scale: tuple[float, float]
    """Pixels of the patch to one of the video, in x and y."""
    radius: float
    """As it was tracked, in pixels of the patch."""

    @property
    def away(self) -> np.ndarray:
        """(h, w) distance of each pixel from where the object was tracked, in pixels."""
        return _distances(self.difference.shape, self.at)


def _distances(shape: tuple[int, ...], at: tuple[float, float]) -> np.ndarray:
    """(h, w) float32: distance of each pixel's middle from a place."""
    across, down = (np.arange(n, dtype=np.float32) + np.float32(0.5 - c) for n, c in zip(shape[1::-1], at))
    return np.sqrt(across * across + (down * down)[:, None])


@dataclass(frozen=True)
class Seen:
    """What was measured of one observation."""

    centre: tuple[float, float]
    radius: float
    roundness: float
    """1 for an ellipse, less for what is ragged or has something attached."""
    attached: bool
    """Something thick hangs together with it, as a hand does; a string does not count."""
    pieces: bool
    """It is seen in pieces, as behind a post."""


def _prepared(patch: np.ndarray, ground: np.ndarray, box, track: Track, k: int, shrink: float) -> _View:
    signed = cv2.subtract(patch, ground, dtype=cv2.CV_32F)
    height, width = signed.shape[:2]
    scale = width / (box[2] - box[0]), height / (box[3] - box[1])
    at, radius = (track.centres_px[k] - box[:2]) * scale, float(track.radii_px[k]) * shrink
    away = _distances(signed.shape[:2], at)
    outside = np.flatnonzero(away > 2.0 * radius + 3)
    plenty = len(outside) > 20
    noise = 1.0
    if plenty:
        signed -= median(np.take(signed.reshape(-1, 3), outside, axis=0).T)
    difference = largest_colour(np.abs(cv2.GaussianBlur(signed, (0, 0), 0.5)))
    if plenty:
        noise = 1.48 * float(median(np.take(difference, outside)))
    inner = difference[away < max(1.5, 0.8 * radius)]
    level = float(np.percentile(inner, 70)) if len(inner) else 0.0
    return _View(difference, (float(at[0]), float(at[1])), level, noise, box[:2], scale, radius)


def _measured(views: list[tuple[int, _View]], track: Track) -> dict[int, Seen | None]:
    """Every observation of a track, with the threshold at which its outline is roundest: an object that is shaded or
    has a pattern is whole at a low one only, one with a soft shadow is without it at a high one only."""
    clear = [view for _, view in views if view.level > max(_LEAST_LEVEL, 3 * view.noise)]
    if not clear:
        return {}
    some = [clear[j] for j in np.unique(np.linspace(0, len(clear) - 1, _TRIED).astype(int))]
    scores = []
    for share in _SHARES:
        seen = [s for s in (_measure(view, share) for view in some) if s is not None]
        if not seen:
            scores.append(-np.inf)
            continue
        sizes = np.log([s.radius for s in seen])
        ragged = np.median([1 - s.roundness for s in seen])
        scores.append(-ragged - np.median(np.abs(np.diff(sizes))) if len(seen) > 1 else -ragged)
    share = _SHARES[int(np.argmax(scores))]
    return {k: _measure(view, share) for k, view in views}


def _updated(track: Track, seen: dict[int, Seen | None], poses: np.ndarray | None, size: tuple[int, int]) -> Track:
    """The track as it was measured; what could not be measured stays where it was and is not whole."""
    centres, radii = track.centres_px.copy(), track.radii_px.copy()
    whole = np.zeros(len(track), bool)
    for k, one in seen.items():
        if one is not None:
            centres[k], radii[k] = one.centre, one.radius
            whole[k] = not (one.attached or one.pieces)
    if whole.sum() >= 3:
        usual = np.exp(median_filter(np.log(radii[whole]), min(_USUAL, int(whole.sum())), mode="nearest"))
        change = radii / np.interp(np.arange(len(track)), np.flatnonzero(whole), usual)
        whole &= (change > _CHANGE[0]) & (change < _CHANGE[1])
    shown = centres
    if poses is not None:
        pose = poses[track.frames]
        shown = np.linalg.solve(pose[:, :, :2], (centres - pose[:, :, 2])[..., None])[..., 0]
    # A pixel of what is cut off may be blurred away.
    inside = (shown > radii[:, None] - 0.5).all(axis=1) & (shown < np.array(size) - radii[:, None] + 0.5).all(axis=1)
    seen_so = replace(track, centres_px=centres, radii_px=radii)
    return replace(seen_so, whole=whole & inside & (seen_so.hidden_px == 0))


def _apart(tracks: list[Track]) -> list[Track]:
    """Tracks in which an observation that touches another track's is not whole."""
    result = []
    for track in tracks:
        alone = np.ones(len(track), bool)
        for other in tracks:
            if other is not track:
                _, mine, theirs = np.intersect1d(track.frames, other.frames, return_indices=True)
                away = np.linalg.norm(track.centres_px[mine] - other.centres_px[theirs], axis=1)
                alone[mine] &= away > track.radii_px[mine] + other.radii_px[theirs] + 1
        result.append(replace(track, whole=track.whole & alone))
    return result


def _measure(view: _View, share: float) -> Seen | None:
    """Centre and radius in pixels of the video, None where nothing is seen there.

    Args:
        share: of the difference in the middle, from which on a pixel belongs to the object.
    """
    difference, radius = view.difference, view.radius
    if view.level < max(_LEAST_LEVEL, 3 * view.noise):
        return None
    mask = difference > max(share * view.level, 3.5 * view.noise, 4.0)
    away = view.away
    found = _object(mask, away, radius)
    if found is None:
        return None
    core, pieces = found
    box = _around(core, 0)
    solid, attached = np.zeros(mask.shape, bool), False
    solid[box], attached = _opened(filled(core[box]), radius, away[box])
    # All that follows is nothing beyond the object's edge.
    box = _around(solid, 3)
    solid, mask, difference = solid[box], mask[box], difference[box]
    support = cv2.dilate(solid.astype(np.uint8), _CROSS, iterations=2).astype(bool) & ~(mask & ~solid)
    depth = _depth(solid)
    inside = depth >= min(_EDGE_PX, 0.6 * float(depth.max()))
    # The edge of the object is where the difference falls to half of what it is just inside.
    spread = min(max(1.0, 0.2 * radius), 4.0)
    weight, weighted = (
        cv2.GaussianBlur(values, (0, 0), spread, borderType=cv2.BORDER_CONSTANT)
        for values in (inside.astype(np.float32), inside * difference)
    )
    plateau = weighted / np.maximum(weight, 1e-6)
    alpha = np.clip(_STEEPER * (difference / np.maximum(plateau, 1.0) - 0.5) + 0.5, 0, 1) * support
    alpha[inside if not pieces else solid] = 1.0
    across, down = alpha.sum(axis=0, dtype=float), alpha.sum(axis=1, dtype=float)
    total = float(across.sum())
    columns, rows = np.arange(len(across)), np.arange(len(down))
    x, y = float(across @ columns) / total, float(down @ rows) / total
    dx, dy = columns - x, rows - y
    xx, yy, xy = float(across @ dx**2) / total, float(down @ dy**2) / total, float(dy @ alpha @ dx) / total
    roundness = min(1.0, total / (4 * np.pi * np.sqrt(max(xx * yy - xy * xy, 1e-9))))
    (left, top), (wide, high) = view.corner, view.scale
    centre = left + (box[1].start + x + 0.5) / wide, top + (box[0].start + y + 0.5) / high
    return Seen(centre, float(np.sqrt(total / (np.pi * wide * high))), roundness, attached, pieces)


def _object(mask: np.ndarray, away: np.ndarray, radius: float) -> tuple[np.ndarray, bool] | None:
    """The largest connected region that begins within a radius of where the object is expected, and whether it is in
    pieces: then what lies between them too, as a post divides what passes behind it."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    near = np.flatnonzero(np.bincount(labels[away < max(2.0, 0.9 * radius)], minlength=count))
    near = near[near > 0]
    if len(near) == 0:
        return None
    sizes = stats[near, cv2.CC_STAT_AREA]
    inside = np.bincount(labels[away < 1.4 * radius + 1], minlength=count)[near]
    pieces = near[(inside > 0.9 * sizes) & (sizes > max(4, 0.12 * sizes.max()))]
    if len(pieces) < 2:
        return labels == near[np.argmax(sizes)], False
    points = cv2.findNonZero(np.isin(labels, pieces).astype(np.uint8))
    hull = cv2.fillConvexPoly(np.zeros(mask.shape, np.uint8), cv2.convexHull(points), 1)
    return hull > 0, True


def _around(region: np.ndarray, margin: int) -> tuple[slice, slice]:
    """Rows and columns of the box around a region (h, w), bool, with a margin."""
    x, y, w, h = cv2.boundingRect(region.astype(np.uint8))
    return np.s_[max(0, y - margin) : y + h + margin, max(0, x - margin) : x + w + margin]


def _depth(region: np.ndarray) -> np.ndarray:
    """(h, w) distance of each pixel of a region from what does not belong to it, the picture's edge included."""
    return cv2.distanceTransform(framed(region), cv2.DIST_L2, 5)[1:-1, 1:-1]


def _opened(region: np.ndarray, radius: float, away: np.ndarray) -> tuple[np.ndarray, bool]:
    """The region without what is thinner than the object (a string, a hand's fingers), and whether what was cut off is
    thick itself."""
    inside = _depth(region)
    near = np.where(away < 1.2 * radius, inside, 0)
    largest = float(near.max())
    compact = np.pi * largest**2 > _COMPACT * np.count_nonzero(region)
    reach = (_OPENING if compact else _WIDE_OPENING) * largest
    opened = (inside >= max(reach, 1.0)).astype(np.uint8)
    count, labels = cv2.connectedComponents(opened, connectivity=8)
    middle = np.unravel_index(near.argmax(), near.shape)
    if labels[middle] == 0:
        return region, False
    apart = cv2.distanceTransform((labels != labels[middle]).astype(np.uint8), cv2.DIST_L2, 5)
    solid = (apart < reach + 0.5) & region
    return solid, bool(_depth(region & ~solid).max() > _THICK * largest)
