"""How good decoded answers are. Errors of the curve count answers of a wrong family too."""

import numpy as np

from trajvlm.data.clip import CANONICAL
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered.scene import Scene
from trajvlm.vlm.answer import Answer


def nmse(path: np.ndarray, truth: np.ndarray, during: np.ndarray) -> float:
    """Mean squared distance of a path (T, D) from the true one (T, D), relative to the variance of the true one over
    the clip, `during` (N, D).

    E2E and ODEFormer normalise so per axis; over the axes together, an axis that hardly moves can't blow it up.
    """
    return float(((path - truth) ** 2).sum(axis=1).mean() / during.var(axis=0).sum())


def curve_nmse(answer: Answer, scene: Scene, t: np.ndarray = CANONICAL.times, see=lambda positions: positions) -> float:
    """`nmse` of the answer's path at clip times t (T,), relative to the true path over the clip. Canonical camera.

    Args:
        see: positions (T, 3) to what is compared: the positions themselves, or their image in a camera.
    """
    family = FAMILIES[scene.family]
    truth, during = (see(family.positions(scene.constants, times)) for times in (t, CANONICAL.times))
    return nmse(see(answer.positions(t)), truth, during)


def validation_metrics(answers: list[Answer], scenes: list[Scene]) -> dict[str, float]:
    """Metrics of decoded answers on validation scenes: the share of right families; the median error of the constants
    and the share of them within 0.05, where the family is right; the median NMSE of the curve, over all."""
    pairs = list(zip(answers, scenes))
    right = [answer.family == scene.family for answer, scene in pairs]
    parts = [np.abs(a.constants - s.constants) for (a, s), ok in zip(pairs, right) if ok]
    errors = np.concatenate(parts) if parts else np.array([np.nan])
    return {
        "family_accuracy": float(np.mean(right)),
        "constant_error_median": float(np.median(errors)),
        "constants_within_0.05": float(np.mean(errors < 0.05)),
        "curve_nmse_median": float(np.median([curve_nmse(answer, scene) for answer, scene in pairs])),
    }
