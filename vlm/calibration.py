"""How sure the model may say it is: one temperature for the families' probabilities (Guo et al., 2017)."""

import numpy as np
from scipy.optimize import minimize_scalar

from trajvlm.data.rendered.scene import Scene
from trajvlm.vlm.answer import Answer

_RANGE = (0.2, 5.0)


def fitting_temperature(answers: list[Answer], scenes: list[Scene]) -> float:
    """The temperature at which the true families of held-out scenes are likeliest, given answers at temperature 1."""
    scores = np.array([[np.log(max(a.probabilities[n], 1e-12)) for n in a.probabilities] for a in answers])
    names = list(answers[0].probabilities)
    truth = np.array([names.index(scene.family) for scene in scenes])

    def surprise(temperature: float) -> float:
        scaled = scores / temperature
        highest = scaled.max(axis=1, keepdims=True)
        total = highest[:, 0] + np.log(np.exp(scaled - highest).sum(axis=1))
        return float((total - scaled[np.arange(len(truth)), truth]).mean())

    return float(minimize_scalar(surprise, bounds=_RANGE, method="bounded").x)
