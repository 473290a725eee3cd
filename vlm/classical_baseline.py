"""A baseline without networks: subtract the background, track the largest blob, fit every family.

OpenCV finds the blob in each frame; `trajvlm.data.fit` fits and chooses the family.
"""

import cv2
import numpy as np

from trajvlm.data.clip import CANONICAL, SIZE
from trajvlm.data.fit import Criterion, Observations
from trajvlm.vlm.answer import Answer
from trajvlm.vlm.refine import best_fit

_LEAST_AREA_PX = 3
BLOB_CRITERION = Criterion(penalty=12.0)
"""For tracks of blobs; it belongs to no weights. Set on 240 validation clips of eight families with light nuisances:
94 % right, where Schwarz's 3.9 names 85 %."""


def track_blobs(frames: np.ndarray, times: np.ndarray = CANONICAL.times) -> Observations:
    """The largest moving blob in each of the frames (17, 64, 64, 3), uint8, that have one.

    Args:
        times: (17,) as `trajvlm.data.clip.Clip.fit_times`.
    """
    difference = np.abs(frames - np.median(frames, axis=0)).max(axis=-1)
    blurred = np.stack([cv2.GaussianBlur(d.astype(np.float32), (3, 3), 0) for d in difference])
    level, _ = cv2.threshold(blurred.clip(0, 255).astype(np.uint8).reshape(-1, SIZE), 0, 255, cv2.THRESH_OTSU)
    centres, radii, found = [], [], []
    for t, picture in zip(times, blurred):
        if np.isnan(t):
            continue
        _, _, stats, centroids = cv2.connectedComponentsWithStats((picture > max(level, 8)).astype(np.uint8))
        if len(stats) < 2 or (area := stats[1:, cv2.CC_STAT_AREA]).max() < _LEAST_AREA_PX:
            continue
        x, y = centroids[1 + area.argmax()]
        centres.append(((x + 0.5) * 2 / SIZE - 1, 1 - (y + 0.5) * 2 / SIZE))
        radii.append(np.sqrt(area.max() / np.pi) * 2 / SIZE)
        found.append(t)
    return Observations(np.array(found), np.array(centres).reshape(-1, 2), np.array(radii))


def track_and_fit(frames: np.ndarray, times: np.ndarray = CANONICAL.times) -> Answer | None:
    """The family and constants of a clip; None where the object is found in too few frames. Arguments as for
    `track_blobs`."""
    return best_fit(track_blobs(frames, times), BLOB_CRITERION)
