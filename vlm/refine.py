"""Numeric refinement: a least-squares fit that starts from the language model's constants, and a second opinion.

Both see what the model saw and nothing else: the ball's centre and apparent size read from the picture that the visual
tokens decode to. Refinement keeps the family that the model named. The second opinion fits every family without
asking the model, so that the two can be set side by side.
"""

import numpy as np
from scipy.optimize import least_squares

from data.clip import CANONICAL
from data.families import FAMILIES
from data.fit import Seen, at_mean_depth, fit_all, probabilities, residuals
from tokenizer.readout import Readout
from vlm.answer import Answer

# How far the model's own constants may be off before the fit resists.
_CONSTANT_ERROR = 1.0
_LEAST_FRAMES = 9


def seen_in(readout: Readout, clip: int = 0) -> Seen:
    """What the decoded tokens show of one clip of a batch."""
    seen = readout.seen[clip].numpy()
    track = readout.track
    return Seen(CANONICAL.times[seen], track.centre[clip].numpy()[seen], track.radius[clip].numpy()[seen])


def refine(answer: Answer, readout: Readout) -> np.ndarray | None:
    """Constants fitted to the track of one clip, or None where the ball is seen in fewer than nine frames.

    Args:
        readout: of a batch of one clip.
    """
    family, seen = FAMILIES[answer.family], seen_in(readout)
    if len(seen.t) < _LEAST_FRAMES:
        return None

    def error(parameters: np.ndarray) -> np.ndarray:
        constants, size = parameters[:-1], parameters[-1]
        return np.append(residuals(family, constants, size, seen), (constants - answer.constants) / _CONSTANT_ERROR)

    start = np.append(answer.constants, np.median(np.log(seen.radius)))
    fit = least_squares(error, start, loss="soft_l1", x_scale="jac", max_nfev=200)
    return at_mean_depth(family, family.nearest(fit.x[:-1]))


def second_opinion(readout: Readout) -> Answer | None:
    """The family and constants that fit the decoded track best; no language model."""
    return best_fit(seen_in(readout))


def best_fit(seen: Seen) -> Answer | None:
    """The family and constants that fit a track best, by the Bayesian information criterion; None where the object is
    seen in too few frames. The probabilities are those that the criteria stand for."""
    fits = fit_all(seen)
    if fits is None:
        return None
    chances = probabilities(fits)
    best = max(chances, key=chances.get)
    return Answer(best, fits[best].constants, chances)
