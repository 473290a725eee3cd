"""Fits to the decoded track: constants refined, every family fitted, and both combined with the language model.

The fits see nothing but the track that the visual tokens decode to: the ball's centre and apparent size. `refine` keeps
the family that the model named and starts from its constants. The second opinion fits every family without the model.
`combine` multiplies the probabilities of both.
"""

from dataclasses import dataclass, replace
from math import prod

import numpy as np
from scipy.optimize import least_squares

from trajvlm.data.cameras.camera import project
from trajvlm.data.clip import CANONICAL, SIZE
from trajvlm.data.fit import Criterion, Fit, Observations, at_mean_depth, fit_all, probabilities, residuals
from trajvlm.data.motions.families import FAMILIES
from trajvlm.tokenizer.readout import Readout
from trajvlm.vlm.answer import Answer
from trajvlm.vlm.calibration import DEFAULTS, Calibration

_LEAST_FRAMES = 9


@dataclass(frozen=True)
class CombinedAnswer:
    """The language model's answer and the fits to its tokens, combined."""

    answer: Answer
    """The likeliest family by the product of both probabilities, those probabilities, and fitted constants."""
    model: Answer
    """The family that the model named, with its constants refined."""
    second_opinion: Answer
    """The best fit and its probabilities, without the language model."""
    miss_px: float
    """Median distance of the answer's curve from the decoded track, in pixels of the clip's 64."""


def seen_in(readout: Readout, times: np.ndarray = CANONICAL.times, calibration: Calibration = DEFAULTS) -> Observations:
    """The decoded track of one clip, without the frames in which the ball is not seen or that do not count.

    Args:
        readout: of a batch of one clip.
        times: (17,) clip times, NaN for frames that do not count, as `Clip.fit_times`.
        calibration: for the assumed errors.
    """
    seen = readout.seen[0].numpy() & np.isfinite(times)
    track, spreads = readout.track, (readout.centre_spread, readout.log_radius_spread)
    centre_spread, log_radius_spread = (part.expand_as(readout.seen)[0].numpy()[seen] for part in spreads)
    return Observations(
        times[seen],
        track.centre[0].numpy()[seen],
        track.radius[0].numpy()[seen],
        centre_spread,
        log_radius_spread,
        least_centre_error=calibration.centre_error,
        least_log_radius_error=calibration.log_radius_error,
    )


def refine(
    answer: Answer, readout: Readout, times: np.ndarray = CANONICAL.times, calibration: Calibration = DEFAULTS
) -> np.ndarray | None:
    """Constants (family.size,) of the answer's family, fitted to the decoded track of one clip.

    Args:
        answer: where the fit starts, and what pulls at it with `calibration.constant_error`.
        readout, times: as for `seen_in`.

    Returns:
        None where the ball is seen in fewer than nine frames.
    """
    family, seen = FAMILIES[answer.family], seen_in(readout, times, calibration)
    if len(seen.t) < _LEAST_FRAMES:
        return None

    def error(parameters: np.ndarray) -> np.ndarray:
        constants, size = parameters[:-1], parameters[-1]
        moved = (constants - answer.constants) / calibration.constant_error
        return np.append(residuals(family, constants, size, seen), moved)

    start = np.append(answer.constants, np.median(np.log(seen.radius)))
    fit = least_squares(error, start, loss="soft_l1", x_scale="jac", max_nfev=200)
    return at_mean_depth(family, family.nearest(fit.x[:-1]))


def combine(
    answer: Answer, readout: Readout, times: np.ndarray = CANONICAL.times, calibration: Calibration = DEFAULTS
) -> CombinedAnswer | None:
    """Combine the model's answer with fits of every family that it can name to the decoded track of one clip.

    Args:
        answer: of the language model, with its probabilities.
        readout, times: as for `seen_in`.

    Returns:
        None where the ball is seen in fewer than seven frames.
    """
    seen = seen_in(readout, times, calibration)
    fits = fit_all(seen, tuple(answer.probabilities))
    if fits is None:
        return None
    alone = _best(fits, calibration.joint_criterion)
    joint = product_of_experts(answer.probabilities, alone.probabilities)
    family = max(joint, key=joint.__getitem__)
    refined = refine(answer, readout, times, calibration)
    model = answer if refined is None else replace(answer, constants=refined)
    constants = fits[family].constants if refined is None or family != answer.family else refined
    together = Answer(family, constants, joint)
    return CombinedAnswer(together, model, alone, miss_px(together.positions(seen.t), seen))


def miss_px(path: np.ndarray, seen: Observations) -> float:
    """Median distance of a path (N, 3), at the times of a track, from that track, in pixels of the clip's 64."""
    away = np.linalg.norm(project(path) - seen.centre, axis=1)
    return float(np.median(away)) * SIZE / 2


def product_of_experts(*opinions: dict[str, float]) -> dict[str, float]:
    """The normalised product of several independent probabilities of the same families (Hinton, 2002)."""
    products = {name: prod(opinion[name] for opinion in opinions) for name in opinions[0]}
    total = max(sum(products.values()), 1e-300)
    return {name: product / total for name, product in products.items()}


def best_fit(seen: Observations, criterion: Criterion) -> Answer | None:
    """The likeliest family by a criterion, its constants, and all families' probabilities; None where the object is
    seen in fewer than seven frames."""
    fits = fit_all(seen)
    return None if fits is None else _best(fits, criterion)


def _best(fits: dict[str, Fit], criterion: Criterion) -> Answer:
    chances = probabilities(fits, criterion)
    best = max(chances, key=chances.__getitem__)
    return Answer(best, fits[best].constants, chances)
