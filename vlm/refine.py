"""Numeric refinement: a least-squares fit that starts from the language model's constants, and a second opinion.

All see what the model saw and nothing else: the ball's centre and apparent size read from the picture that the visual
tokens decode to. Refinement keeps the family that the model named. The second opinion fits every family without asking
the model. The verdict weighs both.
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

# How far the model's own constants may be off before the fit resists.
_CONSTANT_ERROR = 1.0
_LEAST_FRAMES = 9
DECODED = Criterion(penalty=20.0, sharpness=0.2)
"""For tracks that are read from decoded tokens."""
KNOWN_MISS_PX = 1.2
"""Median distance of the answer's curve from the decoded track, in pixels of 64, up to which it is the motion.

Beyond, it is none of the families. Of validation clips the true family's fit lies beyond in 1 of 64 with all nuisances
at half strength and in none of 96 others."""


@dataclass(frozen=True)
class Verdict:
    """What the language model and the fits to its tokens say together."""

    answer: Answer
    """The family that both together find likeliest, its probabilities, and fitted constants."""
    model: Answer
    """The family that the model named, with its constants refined."""
    second_opinion: Answer
    """What the fits say without the language model."""
    miss_px: float
    """Median distance of the answer's curve from the decoded track, in pixels of 64."""


def seen_in(readout: Readout, times: np.ndarray = CANONICAL.times) -> Observations:
    """What the decoded tokens show of one clip.

    Args:
        readout: of a batch of one clip.
        times: (17,) as `Clip.fit_times`.
    """
    seen = readout.seen[0].numpy() & np.isfinite(times)
    track, spreads = readout.track, (readout.centre_spread, readout.log_radius_spread)
    of_clip = (part.expand_as(readout.seen)[0].numpy()[seen] for part in spreads)
    return Observations(times[seen], track.centre[0].numpy()[seen], track.radius[0].numpy()[seen], *of_clip)


def refine(answer: Answer, readout: Readout, times: np.ndarray = CANONICAL.times) -> np.ndarray | None:
    """Constants fitted to the track of one clip, or None where the ball is seen in fewer than nine frames; arguments as
    for `seen_in`."""
    family, seen = FAMILIES[answer.family], seen_in(readout, times)
    if len(seen.t) < _LEAST_FRAMES:
        return None

    def error(parameters: np.ndarray) -> np.ndarray:
        constants, size = parameters[:-1], parameters[-1]
        return np.append(residuals(family, constants, size, seen), (constants - answer.constants) / _CONSTANT_ERROR)

    start = np.append(answer.constants, np.median(np.log(seen.radius)))
    fit = least_squares(error, start, loss="soft_l1", x_scale="jac", max_nfev=200)
    return at_mean_depth(family, family.nearest(fit.x[:-1]))


def judge(answer: Answer, readout: Readout, times: np.ndarray = CANONICAL.times) -> Verdict | None:
    """Weigh the model's answer against fits of every family that it can name to the decoded track of one clip: the
    product of their probabilities. None where the ball is seen in too few frames. Arguments as for `seen_in`.
    """
    seen = seen_in(readout, times)
    fits = fit_all(seen, tuple(answer.probabilities))
    if fits is None:
        return None
    alone = _best(fits, DECODED)
    joint = weighed(answer.probabilities, alone.probabilities)
    family = max(joint, key=joint.get)
    refined = refine(answer, readout, times)
    model = answer if refined is None else replace(answer, constants=refined)
    constants = fits[family].constants if refined is None or family != answer.family else refined
    together = Answer(family, constants, joint)
    away = np.linalg.norm(project(together.positions(seen.t)) - seen.centre, axis=1)
    return Verdict(together, model, alone, float(np.median(away)) * SIZE / 2)


def weighed(*opinions: dict[str, float]) -> dict[str, float]:
    """The families' probabilities by several independent opinions together: their product, normalised."""
    products = {name: prod(opinion[name] for opinion in opinions) for name in opinions[0]}
    total = max(sum(products.values()), 1e-300)
    return {name: product / total for name, product in products.items()}


def best_fit(seen: Observations, criterion: Criterion) -> Answer | None:
    """The family and constants that fit a track best; None where the object is seen in too few frames."""
    fits = fit_all(seen)
    return None if fits is None else _best(fits, criterion)


def _best(fits: dict[str, Fit], criterion: Criterion) -> Answer:
    chances = probabilities(fits, criterion)
    best = max(chances, key=chances.get)
    return Answer(best, fits[best].constants, chances)
