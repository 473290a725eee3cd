"""How good predictions are, clip by clip. No answer, or one that is not finite, is a failure in every share and an
infinite error, never left out.

Errors of a curve are squared distances relative to the true path's variance, all axes together, so that standing still
at the mean scores 1 (E2E, Kamienny et al. 2022, and ODEFormer, d'Ascoli et al. 2024, normalise each axis; together, an
axis that hardly moves can't blow the error up). Neither an offset nor a scale is forgiven.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np

from trajvlm.data.cameras.camera import project
from trajvlm.data.clip import CANONICAL
from trajvlm.data.errors import UserError
from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered.scene import Scene, SceneSettings, draw_scene
from trajvlm.eval.intervals import bootstrap_median, wilson
from trajvlm.eval.quantity_errors import relative_accuracy
from trajvlm.eval.skeleton_match import NO_MATCH, match
from trajvlm.eval.system import Prediction
from trajvlm.vlm.answer import Answer
from trajvlm.vlm.metrics import curve_nmse

VERSION = 2
"""Raised when a measure is added or means something else: kept results of another version are measured again."""
BEYOND = np.linspace(1.0, 1.5, 9)
"""Clip times of the extrapolation: half a clip's length after its end (ODEFormer's generalisation task)."""
_SHARES = (0.01, 0.05, 0.1)
_R2 = (0.9, 0.99, 0.999)
_BINS = 10


def measures(predictions: Sequence[Prediction], scenes: list[Scene], equations: bool = True) -> dict:
    """All measures of one row on one suite.

    Args:
        equations: whether equations are to be measured; where they are, a family without one is no answer.
    """
    predictions = [sound(prediction) for prediction in predictions]
    family = family_measures(predictions, scenes)
    return family | equation_measures(equations_of(predictions), scenes) if equations else family


def equations_of(predictions: Sequence[Prediction]) -> list[Answer | None]:
    """The predictions that are equations; None for the others."""
    return [prediction if isinstance(prediction, Answer) else None for prediction in predictions]


def sound(prediction: Prediction) -> Prediction:
    """The prediction, or None where its equation is none or its family is unknown."""
    if prediction is None or prediction.family not in FAMILIES:
        return None
    return None if isinstance(prediction, Answer) and not parses(prediction) else prediction


def family_measures(predictions: Sequence[Prediction], scenes: list[Scene]) -> dict:
    """Share of clips with a prediction at all (a parse rate; a clip without one is wrong in every other
    measure), share with the right family and its interval, and the error of the stated probabilities."""
    right = [v is not None and v.family == s.family for v, s in zip(predictions, scenes)]
    return {
        "parsed": float(np.mean([v is not None for v in predictions])),
        "family_accuracy": float(np.mean(right)),
        "family_accuracy_interval": wilson(sum(right), len(right)),
        "calibration_error": calibration_error(predictions, scenes),
    }


def equation_measures(answers: Sequence[Answer | None], scenes: list[Scene]) -> dict:
    """All that asks for an equation. Median constants' error is over the clips with the right family, everything else
    over all clips."""
    pairs = list(zip(answers, scenes))
    errors = [relative_errors(a, s) for a, s in pairs]
    absolute = [np.abs(a.constants - s.constants) for a, s in pairs if a is not None and a.family == s.family]
    inside = curve_errors(answers, scenes)
    image = np.array([_nmse(a, s, CANONICAL.times, project) for a, s in pairs])
    beyond = np.array([_nmse(a, s, BEYOND) for a, s in pairs])
    axes = np.array([_axis_errors(a, s) for a, s in pairs])
    matches = [NO_MATCH if a is None else match(a.equation, FAMILIES[s.family].equation(s.constants)) for a, s in pairs]
    return {
        **{f"constants_within_{share:g}": float(np.mean([(e <= share).all() for e in errors])) for share in _SHARES},
        "constant_error_median": float(np.median(np.concatenate(absolute))) if absolute else float("nan"),
        "skeleton_axis": float(np.mean([m.skeleton for m in matches])),
        "skeleton_joint": float(np.mean([all(m.skeleton) for m in matches])),
        "symbolic_axis": float(np.mean([m.symbolic for m in matches])),
        "symbolic_joint": float(np.mean([all(m.symbolic) for m in matches])),
        "mean_relative_accuracy": float(np.mean([relative_accuracy(a, s) for a, s in pairs])),
        "curve_nmse_median": float(np.median(inside)),
        "curve_nmse_median_interval": bootstrap_median(inside),
        "curve_nmse_axes_median": np.median(axes, axis=0).tolist(),
        **{f"curve_r2_over_{r2:g}": share_over(inside, r2) for r2 in _R2},
        "image_nmse_median": float(np.median(image)),
        "image_nmse_median_interval": bootstrap_median(image),
        **{f"image_r2_over_{r2:g}": share_over(image, r2) for r2 in _R2},
        "extrapolation_nmse_median": float(np.median(beyond)),
        "extrapolation_nmse_median_interval": bootstrap_median(beyond),
        "extrapolation_r2_over_0.9": share_over(beyond, 0.9),
    }


def parses(answer: Answer) -> bool:
    """Whether the equation, written out and read again, puts the object at finite places."""
    if not np.isfinite(answer.constants).all():
        return False
    try:
        again = Equation.from_text(answer.equation.to_text())
    except (UserError, ValueError):
        return False
    return bool(np.isfinite(again.positions(CANONICAL.times)).all())


def curve_errors(answers: Sequence[Answer | None], scenes: list[Scene]) -> np.ndarray:
    """Error of each clip's curve in space (N,), infinite where there is no answer."""
    return np.array([_nmse(answer, scene) for answer, scene in zip(answers, scenes)])


def share_over(errors: np.ndarray, r2: float) -> float:
    """Share of clips whose R2 = 1 - NMSE is over a bound (E2E and SRBench count .9, .99 and .999)."""
    return float(np.mean(errors < 1 - r2))


def relative_errors(answer: Answer | None, scene: Scene) -> np.ndarray:
    """Error of each constant in units of its family's range (size,); infinite where the family is wrong."""
    if answer is None or answer.family != scene.family:
        return np.array([np.inf])
    return np.abs(answer.constants - scene.constants) / constant_ranges(scene.family)


@cache
def constant_ranges(family: str) -> np.ndarray:
    """Distance between the 2.5th and the 97.5th percentile of each constant over 400 scenes of a family; at least 0.5,
    for some hardly vary: the framing puts the path's mean depth at zero."""
    settings = SceneSettings(families=(family,))
    constants = np.stack([draw_scene(settings, 0, k).constants for k in range(400)])
    return np.maximum(np.subtract(*np.percentile(constants, [97.5, 2.5], axis=0)), 0.5)


def calibration_error(predictions: Sequence[Prediction], scenes: list[Scene]) -> float:
    """Expected calibration error of the family's probability, ten even bins (Guo et al., 2017).

    A clip without a prediction has confidence 0 and falls into the lowest bin. NaN where a system gives no
    probabilities.
    """
    if any(v is not None and v.family not in v.probabilities for v in predictions):
        return float("nan")
    sure = np.array([0.0 if v is None else v.probabilities[v.family] for v in predictions])
    right = np.array([v is not None and v.family == s.family for v, s in zip(predictions, scenes)])
    return expected_calibration_error(sure, right) if np.isfinite(sure).all() else float("nan")


def expected_calibration_error(sure: np.ndarray, right: np.ndarray) -> float:
    """Mean distance between confidence (N,), 0 to 1, and the share that is right (of (N,)), over ten even bins."""
    bins = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    gaps = [abs(sure[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in set(bins.tolist())]
    return float(sum(gaps))


def _axis_errors(answer: Answer | None, scene: Scene) -> np.ndarray:
    """The parts (3,) of the curve's error that x, y and z bring, relative to the whole path's variance."""
    if answer is None:
        return np.full(3, np.inf)
    true = FAMILIES[scene.family].positions(scene.constants, CANONICAL.times)
    return ((answer.positions(CANONICAL.times) - true) ** 2).mean(axis=0) / true.var(axis=0).sum()


def _nmse(answer: Answer | None, scene: Scene, *how) -> float:
    """`curve_nmse`, infinite where there is no answer or no number."""
    error = float("inf") if answer is None else curve_nmse(answer, scene, *how)
    return error if np.isfinite(error) else float("inf")
