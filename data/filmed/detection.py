"""Regions of a picture that differ from the background: candidates for the moving object."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from scipy import ndimage

from trajvlm.data.errors import UserError
from trajvlm.data.filmed.frames import Film, MotionSettings


@dataclass(frozen=True)
class Blob:
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


def all_blobs(film: Film, background: np.ndarray, settings: MotionSettings) -> list[list[Blob]]:
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


def _blobs(index, mask, difference, shown, threshold: float, settings: MotionSettings) -> list[Blob]:
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


def _measure(index, core, attached, difference, shown, corner, shape) -> Blob:
    rows, columns = np.nonzero(core)
    weight = difference[rows, columns].astype(float)
    x, y = np.average(columns, weights=weight), np.average(rows, weights=weight)
    # The edge of the object is where the difference falls to half; the threshold of the mask is lower.
    full = weight > 0.5 * np.median(weight)
    spread = np.cov(np.stack([columns[full], rows[full]])) if full.sum() > 1 else np.zeros((2, 2))
    left, top = corner
    return Blob(
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
