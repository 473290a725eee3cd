"""Numeric refinement: a least-squares fit that starts from the language model's constants.

It sees what the model saw and nothing else: the ball's centre and apparent size read from the picture that the visual
tokens decode to. The family stays as the model named it.
"""

import numpy as np
from scipy.optimize import least_squares

from data.camera import magnification, project
from data.clip import CANONICAL
from data.families import FAMILIES
from tokenizer.readout import Readout
from vlm.answer import Answer

# What the residuals are divided by: an assumed error of a centre (half a pixel of 64) and of a log radius read from a
# reconstruction, and how far the model's own constants may be off before the fit resists.
_CENTRE_ERROR = 0.5 / 32
_LOG_RADIUS_ERROR = 0.1
_CONSTANT_ERROR = 1.0
_LEAST_FRAMES = 9


def refine(answer: Answer, readout: Readout) -> np.ndarray | None:
    """Constants fitted to the track of one clip, or None where the ball is seen in fewer than nine frames.

    Args:
        readout: of a batch of one clip.
    """
    family = FAMILIES[answer.family]
    seen = readout.seen[0].numpy()
    if seen.sum() < _LEAST_FRAMES:
        return None
    times = CANONICAL.times[seen]
    centre = readout.track.centre[0].numpy()[seen]
    log_radius = np.log(readout.track.radius[0].numpy()[seen])
    limit = 3.5  # the camera stands at 4

    def residuals(parameters: np.ndarray) -> np.ndarray:
        constants, size = parameters[:-1], parameters[-1]
        positions = family.positions(family.nearest(constants), times)
        positions[:, 2] = np.minimum(positions[:, 2], limit)
        return np.concatenate(
            [
                ((project(positions) - centre) / _CENTRE_ERROR).ravel(),
                (size + np.log(magnification(positions)) - log_radius) / _LOG_RADIUS_ERROR,
                (constants - answer.constants) / _CONSTANT_ERROR,
            ]
        )

    start = np.append(answer.constants, np.median(log_radius))
    fit = least_squares(residuals, start, loss="soft_l1", x_scale="jac", max_nfev=200)
    return family.nearest(fit.x[:-1])
