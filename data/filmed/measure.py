"""Measurement: the centre and the radius of tracked objects in the video's own pixels.

A second pass decodes the frames in which something was tracked and cuts out a patch around each place; the background
of the patches is the median of some of the frames, without those places.
"""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from scipy import ndimage

from trajvlm.data.filmed.decode import frames
from trajvlm.data.filmed.track import Track

_REACH = 3.0
"""Half a patch's side, in radii of the object."""
_LARGEST_RADIUS = 24.0
"""In pixels; patches of larger objects are made smaller, to this radius."""
_BATCH = 600
"""Frames whose patches are in memory at a time (some 100 MB)."""
_SAMPLE_BYTES = 160_000_000
"""Of the frames at full resolution that are kept for the background."""
_TILE = 64


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
    shape = None
    found = [dict() for _ in tracks]
    where = [{int(f): k for k, f in enumerate(track.frames)} for track in tracks]
    decoded = frames(path, fps, start=times[needed[0]] - 1e-6, end=times[needed[-1]] + 1e-6)
    for first in range(0, len(needed), _BATCH):
        wanted = needed[first : first + _BATCH]
        kept = set(_spread(tracks, wanted, samples).tolist())
        ground = Ground(tracks, poses)
        patches = []
        for time, picture in decoded:
            index = int(np.abs(times - time).argmin())
            for n, track in enumerate(tracks):
                k = where[n].get(index)
                if k is not None:
                    patches.append((n, k, *_cut(picture, None if poses is None else poses[index], _box(track, k))))
            if index in kept and ground.room(picture, samples):
                ground.add(picture, index)
            if index >= wanted[-1]:
                break
        for n, k, patch, box, scale in patches:
            found[n][k] = _observed(patch, ground, box, scale, tracks[n], k)
    return [_updated(track, seen) for track, seen in zip(tracks, found)]


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


def _cut(picture: np.ndarray, pose: np.ndarray | None, box: tuple[int, int, int, int]):
    """The part of a steadied picture in a box, made smaller where it is large: the patch (h, w, 3), its box (cut off
    by the picture's edge where the camera stands still), and its scale."""
    left, top, right, bottom = box
    if pose is None:
        left, top = max(0, left), max(0, top)
        right, bottom = max(left + 1, min(picture.shape[1], right)), max(top + 1, min(picture.shape[0], bottom))
        patch = picture[top:bottom, left:right]
    else:
        patch = _warped(picture, pose, (left, top, right, bottom))
    return patch.copy(), (left, top, right, bottom), 1.0


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

    def room(self, picture: np.ndarray, samples: int) -> bool:
        """Whether one more picture fits into the memory that is set aside."""
        return len(self.pictures) < max(7, min(samples, _SAMPLE_BYTES // picture.nbytes))

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
        rows, columns = np.indices((_TILE, _TILE))
        for n, (picture, index) in enumerate(zip(self.pictures, self.indices)):
            if self.poses is None:
                inside = picture[top : top + _TILE, left : left + _TILE]
                h, w = inside.shape[:2]
                values[n] = cv2.copyMakeBorder(inside, 0, _TILE - h, 0, _TILE - w, cv2.BORDER_REPLICATE)
            else:
                values[n] = _warped(picture, self.poses[index], box)
                pose = self.poses[index]
                back = np.linalg.inv(pose[:, :2])
                u = back[0, 0] * (columns + left + 0.5 - pose[0, 2]) + back[0, 1] * (rows + top + 0.5 - pose[1, 2])
                v = back[1, 0] * (columns + left + 0.5 - pose[0, 2]) + back[1, 1] * (rows + top + 0.5 - pose[1, 2])
                taken[n] |= (u < 0) | (v < 0) | (u > picture.shape[1]) | (v > picture.shape[0])
            for track in self.tracks:
                k = int(np.abs(track.frames - index).argmin())
                if abs(int(track.frames[k]) - index) <= 2:
                    x, y = track.centres_px[k] - [left, top]
                    step = track.centres_px[min(k + 1, len(track) - 1)] - track.centres_px[max(k - 1, 0)]
                    reach = 1.5 * track.radii_px[k] + 3 + 0.25 * np.linalg.norm(step)
                    if -reach < x < _TILE + reach and -reach < y < _TILE + reach:
                        taken[n] |= np.hypot(columns + 0.5 - x, rows + 0.5 - y) < reach
        # Where something always is, it is part of the background.
        taken &= (~taken).sum(axis=0) >= 3
        light = np.cumsum(taken, axis=0) % 2 == 0
        for value, gap, white in zip(values, taken, light):
            value[gap] = np.where(white[gap], 255, 0)[:, None]
        values = np.ascontiguousarray(np.moveaxis(values, 0, -1))
        return np.partition(values, len(self.pictures) // 2, axis=-1)[..., len(self.pictures) // 2]


def _observed(patch, ground: Ground, box, scale: float, track: Track, k: int):
    """Centre and radius in pixels of the video, None where nothing is seen."""
    left, top = box[:2]
    seen = _measure(patch, ground.part(box), track.centres_px[k] - [left, top], track.radii_px[k])
    return seen if seen is None else (seen[0] + left, seen[1] + top, seen[2])


def _updated(track: Track, seen: dict) -> Track:
    centres, radii = track.centres_px.copy(), track.radii_px.copy()
    for k, found in seen.items():
        if found is not None:
            centres[k], radii[k] = found[:2], found[2]
    return replace(track, centres_px=centres, radii_px=radii)


def _measure(patch: np.ndarray, ground: np.ndarray, at: np.ndarray, radius: float) -> tuple[float, float, float] | None:
    """Centre and radius in a patch's own pixels, None where nothing is seen there."""
    signed = patch.astype(np.float32) - ground
    rows, columns = np.indices(signed.shape[:2])
    away = np.hypot(columns + 0.5 - at[0], rows + 0.5 - at[1])
    outside = away > 2.0 * radius + 3
    if outside.sum() > 20:
        signed -= np.median(signed[outside], axis=0)
    difference = np.abs(cv2.GaussianBlur(signed, (0, 0), 0.5)).max(axis=-1)
    noise = 1.48 * float(np.median(difference))
    level = np.percentile(difference[away < max(1.5, 0.8 * radius)], 70) if (away < max(1.5, 0.8 * radius)).any() else 0
    if level < max(6.0, 3 * noise):
        return None
    mask = difference > 0.5 * level
    labels, count = ndimage.label(mask)
    if count == 0:
        return None
    numbers = range(1, count + 1)
    sizes = ndimage.sum_labels(mask, labels, numbers)
    nearest = np.array(ndimage.minimum(away, labels, numbers))
    near = nearest < max(2.0, radius)
    if not near.any():
        return None
    chosen = int(np.argmax(np.where(near, sizes, 0))) + 1
    core = ndimage.binary_fill_holes(labels == chosen)
    support = ndimage.binary_dilation(core, iterations=2) & ~(mask & ~core)
    inside = ndimage.binary_erosion(core, iterations=1)
    if not inside.any():
        inside = core
    spread = max(1.0, 0.5 * radius)
    weight = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), spread)
    plateau = cv2.GaussianBlur(inside * difference, (0, 0), spread) / np.maximum(weight, 1e-6)
    alpha = np.clip(difference / np.maximum(plateau, 1.0), 0, 1) * support
    alpha[inside] = 1.0
    alpha[alpha < 0.15] = 0.0
    total = alpha.sum()
    x, y = (alpha * (columns + 0.5)).sum() / total, (alpha * (rows + 0.5)).sum() / total
    return float(x), float(y), float(np.sqrt(total / np.pi))
