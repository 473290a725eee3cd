"""The afternoon script at full resolution: a control without any network that reads the file itself.

OpenCV's background model (MOG2; Zivkovic, 2004) learns the whole file and then says what is not background. The largest
blob of each frame makes a track, of which the longest run without a gap is kept, without rest at its ends. Every family
is fitted to it in the picture plane, and Schwarz's criterion (1978) chooses. The answer reads like the program's own.
"""

from dataclasses import replace
from itertools import product
from pathlib import Path

import cv2
import numpy as np
from scipy.optimize import least_squares

from trajvlm.data.errors import UserError
from trajvlm.data.filmed.decode import frames, open_video
from trajvlm.data.fit import LEAST_FRAMES, Criterion, Fit, probabilities
from trajvlm.data.motions.families import FAMILIES, Family
from trajvlm.data.motions.terms import flights
from trajvlm.eval.video_files.constants import OF_FAMILY, Law

VERSION = 1
"""Raised when the script says something else: kept answers of another version are refused."""
_FOREGROUND = 255
"""Of MOG2's mask; shadows have less."""
_LEARNED = 100
"""Frames, from beginning to end, that are enough to learn what is background."""
_LEAST_AREA_PX = 12
_LONGEST_GAP_S = 0.15
_STILL_PX = 2.0
_NOISE_PX = 0.5
_FAR_PX = 1e9
"""Focal length: everything lies in the picture plane."""
_MOST_TURNS, _TURN = 80.0, 0.15
_GRID = {
    "fading": np.array([-2.5, -1.0, 0.5, 1.5, 3.0]),
    "flight": np.linspace(0.1, 1.2, 16),
    "impact": np.linspace(0.05, 0.95, 19),
    "restitution": np.array([0.5, 0.65, 0.8, 0.95]),
}
_CHUNK = 64


def answer(video: Path) -> dict:
    """What the script says of a file, as `trajvlm describe --json` would write it.

    Raises:
        UserError: the file can't be read, or nothing moves for long enough.
    """
    times, track = without_rest(*longest_run(*blobs(video)))
    if len(times) < LEAST_FRAMES:
        raise UserError(f"in {video} something moves in {len(times)} frames on end only; {LEAST_FRAMES} are needed")
    info = open_video(video)
    return _told(times, track * [1, -1] + [-info.width / 2, info.height / 2], info.width, info.height)


def blobs(video: Path) -> tuple[np.ndarray, np.ndarray]:
    """Times (N,) in seconds, and the middle (N, 2) in pixels of the largest blob, of the frames that have one."""
    model = cv2.createBackgroundSubtractorMOG2(detectShadows=True)
    # Only what is seen there most of the time: with OpenCV's 0.9, where a swing turns round is background as well.
    model.setBackgroundRatio(0.5)
    for _, picture in frames(video, stride=max(1, (open_video(video).frame_count or 0) // _LEARNED)):
        model.apply(picture)
    times, places = [], []
    for time, picture in frames(video):
        mask = (model.apply(picture, learningRate=0) == _FOREGROUND).astype(np.uint8)
        mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        _, _, stats, centroids = cv2.connectedComponentsWithStats(mask)
        areas = stats[1:, cv2.CC_STAT_AREA]
        if len(areas) and areas.max() >= _LEAST_AREA_PX:
            times.append(time)
            places.append(centroids[1 + areas.argmax()] + 0.5)
    return np.array(times), np.array(places).reshape(-1, 2)


def longest_run(times: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The most frames on end without a gap, of times (N,) and places (N, 2)."""
    breaks = np.flatnonzero(np.diff(times) > _LONGEST_GAP_S) + 1
    return max(zip(np.split(times, breaks), np.split(places, breaks)), key=lambda run: len(run[0]))


def without_rest(times: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times (N,) and places (N, 2) without those at which it still lies where it began, or already where it ends."""
    begun, going = (np.linalg.norm(places - end, axis=1) > _STILL_PX for end in (places[:1], places[-1:]))
    if not begun.any():
        return times[:0], places[:0]
    moving = slice(max(0, int(begun.argmax()) - 1), len(times) - max(0, int(going[::-1].argmax()) - 1))
    return times[moving], places[moving]


def fit(family: Family, tau: np.ndarray, places: np.ndarray) -> tuple[Fit, np.ndarray]:
    """A family fitted to a track in the plane, by robust least squares from the best start of a grid.

    Args:
        tau: (N,) clip times, 0 to 1.
        places: (N, 2) pixels.

    Returns:
        The fit, with its sum of squares in `_NOISE_PX` as misfit, and the covariance of its constants (size, size).
    """
    size, inside = 3 * len(family.basis), _best_start(family, tau, places)
    plane = np.setdiff1d(np.arange(size), np.arange(2, size, 3))
    own = np.append(plane, np.arange(size, family.size))
    start = np.zeros(family.size)
    start[size:] = inside
    start[plane] = np.linalg.lstsq(family.design(inside, tau), places, rcond=None)[0].ravel()

    def constants(parameters: np.ndarray) -> np.ndarray:
        full = np.zeros(family.size)
        full[own] = parameters
        return family.nearest(full)

    def error(parameters: np.ndarray) -> np.ndarray:
        return ((family.positions(constants(parameters), tau)[:, :2] - places) / _NOISE_PX).ravel()

    found = least_squares(error, family.nearest(start)[own], loss="soft_l1", x_scale="jac", max_nfev=200)
    # Along one line, two vectors of a plane have three degrees of freedom between them.
    free = len(own) - (1 if family.bound else 0)
    variance = 2 * found.cost / max(error(found.x).size - free, 1)
    covariance = np.zeros((family.size, family.size))
    covariance[np.ix_(own, own)] = variance * np.linalg.pinv(found.jac.T @ found.jac)
    return Fit(constants(found.x), 2 * found.cost, free), covariance


def _best_start(family: Family, tau: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The constants inside the functions with which linear least squares comes nearest."""
    turns = np.arange(0.3, min(_MOST_TURNS, max(1.0, len(tau) / 4)), _TURN)
    grids = (turns if name == "turns" else _GRID[name] for name in family.shape)
    grid = np.array(list(product(*grids)), dtype=float)
    errors = []
    for part in np.split(grid, range(_CHUNK, len(grid), _CHUNK)):
        designs = family.design(part, tau)
        errors.append(((designs @ (np.linalg.pinv(designs) @ places) - places) ** 2).sum(axis=(-2, -1)))
    return grid[np.argmin(np.concatenate(errors))]


def _told(times: np.ndarray, places: np.ndarray, width: int, height: int) -> dict:
    start, lasts = float(times[0]), float(times[-1] - times[0])
    tau = (times - start) / lasts
    found = {name: fit(family, tau, places) for name, family in FAMILIES.items()}
    # The error of a place is that of the best fit, and `_NOISE_PX` at least: a blob's middle is off by such parts of a
    # pixel again and again, which more constants would explain.
    count = 2 * len(tau)
    variance = max(1.0, min(one.misfit for one, _ in found.values()) / count)
    fits = {name: replace(one, misfit=one.misfit / variance) for name, (one, _) in found.items()}
    chances = probabilities(fits, Criterion(penalty=float(np.log(count)), sharpness=1.0))
    name = max(chances, key=chances.__getitem__)
    values, covariance = fits[name].constants, found[name][1]
    impacts = []
    if name == "bouncing":
        impacts = [start + lasts * float(t) for t in flights(*values[-3:])[1] if 0 <= t <= 1]
    return {
        "family": name,
        "known": True,
        "confidence": chances[name],
        "measured": FAMILIES[name].equation(values).with_time(0.0, lasts).to_text(),
        "constants": constants_with_sd(name, values, covariance, start, lasts),
        "phases": [
            {"start_s": start, "stop_s": start + lasts, "kind": "motion", "main": True, "impacts_s": impacts},
        ],
        "frame": {
            "focal_length": _FAR_PX,
            "clip_to_pixels": {
                "centre_x_px": width / 2,
                "centre_y_px": height / 2,
                "half_width_px": 1.0,
                "t0_s": start,
                "duration_s": lasts,
                "video_width_px": width,
                "video_height_px": height,
            },
        },
    }


def constants_with_sd(name: str, values: np.ndarray, covariance: np.ndarray, start: float, lasts: float) -> dict:
    """The constants that are asked for of a family, in pixels and seconds, with standard deviations to first order."""

    def derived(values: np.ndarray) -> np.ndarray:
        family = FAMILIES[name]
        inner = dict(zip(family.shape, family.inside(values).tolist()))
        law = Law(name, start, lasts, inner, dict(zip(family.basis, family.vectors(values))), _FAR_PX)
        return np.array([one.value for one in law.constants((start, start + lasts), start).values()])

    slopes = []
    for k, value in enumerate(values):
        step = 1e-5 * max(1.0, abs(value))
        ends = [values + sign * step * (np.arange(len(values)) == k) for sign in (1, -1)]
        slopes.append((derived(ends[0]) - derived(ends[1])) / (2 * step))
    jacobian = np.array(slopes).T
    spread = np.sqrt(np.diag(jacobian @ covariance @ jacobian.T))
    told = zip(OF_FAMILY[name], derived(values).tolist(), spread.tolist())
    return {constant: {"value": value, "sd": sd} for constant, value, sd in told}
