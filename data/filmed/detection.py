"""Detections: connected regions of a frame that differ from the background, candidates for the moving object."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from scipy import ndimage

from trajvlm.data.errors import UserError
from trajvlm.data.filmed.frames import FrameBuffer, MotionSettings


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


def detect(buffer: FrameBuffer, background: np.ndarray, settings: MotionSettings) -> list[list[Detection]]:
    """Detections of every frame of the buffer, a list a frame; raises UserError if the camera moves.

    Args:
        background: (h, w, 3) float32, 0 to 255.
    """
    smooth = cv2.GaussianBlur(background, (0, 0), 0.8)
    result, moving_shares = [], []
    for index, picture in enumerate(buffer.pictures):
        shown = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 0.8)
        signed = shown - smooth
        # Automatic exposure shifts the whole picture.
        signed -= np.median(signed[::4, ::4].reshape(-1, 3), axis=0)
        difference = np.maximum.reduce(cv2.split(cv2.absdiff(signed, np.zeros_like(signed))))
        noise = 1.4826 * float(np.median(difference[::2, ::2]))
        threshold = max(settings.min_contrast, settings.noise_factor * 0.6 * noise)
        mask = difference > threshold
        tiles = cv2.resize(mask.astype(np.float32), (12, 12), interpolation=cv2.INTER_AREA) > 0.1
        moving_shares.append(tiles.mean())
        result.append(_detect_in_frame(index, mask, difference, shown, threshold, settings))
    if np.median(moving_shares) > 0.45:
        raise UserError(
            f"most of the picture moves in {buffer.info.path}, not one object; film with a still camera, "
            f"or give start and end of a steady part"
        )
    return result


def _detect_in_frame(index, mask, difference, shown, threshold: float, settings: MotionSettings) -> list[Detection]:
    mask = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    order: Iterable[int] = np.argsort(-stats[1:, cv2.CC_STAT_AREA])[:30] + 1 if count > 1 else []
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
    """Boolean masks of a region's parts after a morphological opening: without thin parts (a string, a rod), and
    separated where it is narrow (a ball on a hand)."""
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


def _measure(index, core, attached, difference, shown, corner, shape) -> Detection:
    rows, columns = np.nonzero(core)
    weight = difference[rows, columns].astype(float)
    x, y = np.average(columns, weights=weight), np.average(rows, weights=weight)
    # The edge of the object is where the difference falls to half; the threshold of the mask is lower.
    full = weight > 0.5 * np.median(weight)
    spread = np.cov(np.stack([columns[full], rows[full]])) if full.sum() > 1 else np.zeros((2, 2))
    left, top = corner
    return Detection(
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
