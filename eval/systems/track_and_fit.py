"""What an engineer would write in an afternoon: subtract the background, follow the largest blob, fit every family.

No network. OpenCV finds the blob in each frame; scipy fits each family to its centre and its apparent size; the
Bayesian information criterion (Schwarz, 1978) chooses among them.
"""

import cv2
import numpy as np
from scipy.optimize import least_squares

from data.camera import CANONICAL_FOCAL, magnification, project
from data.clip import CANONICAL, SIZE
from data.families import FAMILIES, Family
from vlm.answer import Answer

_LEAST_FRAMES = 7
_LEAST_AREA_PX = 3
_CENTRE_ERROR = 0.5 / 32
_LOG_RADIUS_ERROR = 0.1
# How many constants are free; along a line a and b have four degrees of freedom, not six.
_FREE = {name: family.size - 2 * (name == "oscillating") for name, family in FAMILIES.items()}
_TURNS = np.linspace(0.3, 2.2, 39)


def track_blobs(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centre (N, 2) in image coordinates and radius (N,) in half widths of the largest moving blob, and the clip times
    (N,) at which there is one; frames (17, 64, 64, 3), uint8."""
    background = np.median(frames, axis=0)
    difference = np.abs(frames - background).max(axis=-1)
    blurred = np.stack([cv2.GaussianBlur(d.astype(np.float32), (3, 3), 0) for d in difference])
    level, _ = cv2.threshold(blurred.clip(0, 255).astype(np.uint8).reshape(-1, SIZE), 0, 255, cv2.THRESH_OTSU)
    centres, radii, times = [], [], []
    for t, picture in zip(CANONICAL.times, blurred):
        _, _, stats, centroids = cv2.connectedComponentsWithStats((picture > max(level, 8)).astype(np.uint8))
        if len(stats) < 2 or (area := stats[1:, cv2.CC_STAT_AREA]).max() < _LEAST_AREA_PX:
            continue
        x, y = centroids[1 + area.argmax()]
        centres.append(((x + 0.5) * 2 / SIZE - 1, 1 - (y + 0.5) * 2 / SIZE))
        radii.append(np.sqrt(area.max() / np.pi) * 2 / SIZE)
        times.append(t)
    return np.array(centres).reshape(-1, 2), np.array(radii), np.array(times)


def fit_family(family: Family, centre: np.ndarray, radius: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, float]:
    """Constants of one family fitted to a track, and the sum of squared residuals in assumed errors."""
    log_radius = np.log(radius)
    # A first guess by linear least squares: depth from the apparent size, at each of many numbers of turns.
    size = np.median(radius)
    depth = np.clip(CANONICAL_FOCAL * (1 - size / radius), -2, 2)
    points = np.column_stack([centre * (1 - depth / CANONICAL_FOCAL)[:, None], depth])
    starts = []
    for turns in _TURNS if family.periodic else [0.0]:
        design = family.design(np.array(turns), t)
        vectors = np.linalg.lstsq(design, points, rcond=None)[0]
        error = ((design @ vectors - points) ** 2)[:, :2].sum()
        starts.append((error, np.concatenate([vectors.ravel(), [turns] * family.periodic])))
    start = np.append(family.nearest(min(starts, key=lambda s: s[0])[1]), np.log(size))

    def residuals(parameters: np.ndarray) -> np.ndarray:
        positions = family.positions(family.nearest(parameters[:-1]), t)
        positions[:, 2] = np.minimum(positions[:, 2], 3.5)
        return np.concatenate(
            [
                ((project(positions) - centre) / _CENTRE_ERROR).ravel(),
                (parameters[-1] + np.log(magnification(positions)) - log_radius) / _LOG_RADIUS_ERROR,
            ]
        )

    fit = least_squares(residuals, start, loss="soft_l1", max_nfev=60)
    return family.nearest(fit.x[:-1]), 2 * fit.cost


def track_and_fit(frames: np.ndarray, families: tuple[str, ...] = tuple(FAMILIES)) -> Answer | None:
    """The family and constants of a clip (17, 64, 64, 3), uint8, or None where the object is not found in seven frames.

    The probabilities are those that the criterion's differences stand for, exp(-BIC / 2), normalised.
    """
    centre, radius, t = track_blobs(frames)
    if len(t) < _LEAST_FRAMES:
        return None
    count = 3 * len(t)
    fits = {name: fit_family(FAMILIES[name], centre, radius, t) for name in families}
    criterion = {n: count * np.log(max(cost, 1e-9) / count) + _FREE[n] * np.log(count) for n, (_, cost) in fits.items()}
    best = min(criterion, key=criterion.get)
    weights = {name: np.exp(-(value - criterion[best]) / 2) for name, value in criterion.items()}
    total = sum(weights.values())
    return Answer(best, fits[best][0], {name: float(w / total) for name, w in weights.items()})
