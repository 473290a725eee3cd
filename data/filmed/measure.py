"""Measurement: the centre and the radius of tracked objects in the video's own pixels."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from scipy import ndimage

from trajvlm.data.filmed.decode import frames
from trajvlm.data.filmed.track import Track

_REACH = 3.0
"""Half a patch's side, in radii of the object."""


def measured(path: str | Path, fps: float | None, tracks: list[Track], samples: int) -> list[Track]:
    """Tracks with centres and radii measured at full resolution; what can't be measured stays as it is."""
    if not tracks:
        return tracks
    first = min(track.times_s[0] for track in tracks) - 1e-6
    last = max(track.times_s[-1] for track in tracks) + 1e-6
    where = [{round(t * 1e5): k for k, t in enumerate(track.times_s)} for track in tracks]
    times = np.unique(np.concatenate([track.times_s for track in tracks]))
    kept = times[np.unique(np.linspace(0, len(times) - 1, samples).astype(int))]
    kept = {round(t * 1e5) for t in kept}
    patches: list[dict] = [{} for _ in tracks]
    pictures = []
    for time, picture in frames(path, fps, start=first, end=last):
        key = round(time * 1e5)
        for n, track in enumerate(tracks):
            k = where[n].get(key)
            if k is not None:
                box = _box(track, k, picture.shape)
                patches[n][k] = box, picture[box].copy()
        if key in kept:
            pictures.append(picture)
    background = _median(pictures)
    return [_measured(track, patches[n], background) for n, track in enumerate(tracks)]


def _median(pictures: list[np.ndarray]) -> np.ndarray:
    rows = 64
    found = np.empty_like(pictures[0])
    for top in range(0, len(found), rows):
        values = np.ascontiguousarray(np.moveaxis(np.stack([p[top : top + rows] for p in pictures]), 0, -1))
        found[top : top + rows] = np.partition(values, len(pictures) // 2, axis=-1)[..., len(pictures) // 2]
    return found


def _box(track: Track, k: int, shape: tuple[int, ...]) -> tuple[slice, slice]:
    x, y = track.centres_px[k]
    near = track.centres_px[max(0, k - 1) : k + 2]
    reach = _REACH * track.radii_px[k] + 4 + 0.5 * np.abs(np.diff(near, axis=0)).max(axis=0, initial=0)
    rows = slice(max(0, int(y - reach[1])), min(shape[0], int(y + reach[1]) + 2))
    columns = slice(max(0, int(x - reach[0])), min(shape[1], int(x + reach[0]) + 2))
    return rows, columns


def _measured(track: Track, patches: dict, background: np.ndarray) -> Track:
    centres, radii = track.centres_px.copy(), track.radii_px.copy()
    for k, (box, patch) in patches.items():
        found = _measure(patch, background[box], track.centres_px[k] - [box[1].start, box[0].start], track.radii_px[k])
        if found is not None:
            x, y, radius = found
            centres[k] = x + box[1].start, y + box[0].start
            radii[k] = radius
    return replace(track, centres_px=centres, radii_px=radii)


def _measure(patch: np.ndarray, ground: np.ndarray, at: np.ndarray, radius: float) -> tuple[float, float, float] | None:
    """Centre and radius in a patch's own pixels, None where nothing is seen there."""
    signed = patch.astype(np.float32) - ground
    signed = cv2.GaussianBlur(signed, (0, 0), 0.5)
    difference = np.abs(signed).max(axis=-1)
    near = difference > 0.5 * np.percentile(difference, 98)
    noise = 1.48 * float(np.median(difference))
    inner = difference[near]
    if len(inner) == 0 or np.median(inner) < max(6.0, 4 * noise):
        return None
    mask = difference > 0.5 * np.median(inner)
    labels, count = ndimage.label(mask)
    if count == 0:
        return None
    sizes = ndimage.sum_labels(mask, labels, range(1, count + 1))
    rows, columns = np.indices(mask.shape)
    away = np.array(ndimage.minimum(np.hypot(columns + 0.5 - at[0], rows + 0.5 - at[1]), labels, range(1, count + 1)))
    chosen = int(np.argmax(np.where(away < max(2.0, radius), sizes, 0))) + 1
    if away[chosen - 1] >= max(2.0, radius):
        return None
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
