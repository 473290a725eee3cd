"""How good answers are, clip by clip. No answer is a failure in every share and an infinite error, never left out.

Errors of a curve are squared distances relative to the true path's variance, all axes together, so that standing still
at the mean scores 1 (E2E, Kamienny et al. 2022, and ODEFormer, d'Ascoli et al. 2024, normalise each axis; together, an
axis that hardly moves can't blow the error up). Neither an offset nor a scale is forgiven.
"""

from functools import cache

import numpy as np

from data.camera import project
from data.clip import CANONICAL
from data.equation import Equation
from data.errors import UserError
from data.families import FAMILIES
from data.scene import Scene, SceneSettings, draw_scene
from vlm.answer import Answer
from vlm.measures import curve_nmse

BEYOND = np.linspace(1.0, 1.5, 9)
"""Clip times of the extrapolation: half a clip's length after its end."""
_NEAR = 0.1
_BINS = 10


def measures(answers: list[Answer | None], scenes: list[Scene]) -> dict[str, float]:
    """All measures of one system on one suite."""
    pairs = list(zip(answers, scenes))
    right = np.array([a is not None and a.family == s.family for a, s in pairs])
    inside = np.array([_nmse(a, s) for a, s in pairs])
    image = np.array([_nmse(a, s, CANONICAL.times, project) for a, s in pairs])
    beyond = np.array([_nmse(a, s, BEYOND) for a, s in pairs])
    errors = [np.abs(a.constants - s.constants) for (a, s), ok in zip(pairs, right) if ok]
    return {
        "parsed": float(np.mean([a is not None and parses(a) for a in answers])),
        "family_accuracy": float(right.mean()),
        "family_accuracy_interval": wilson(int(right.sum()), len(right)),
        "constants_all_near": float(np.mean([ok and constants_near(a, s) for (a, s), ok in zip(pairs, right)])),
        "constant_error_median": float(np.median(np.concatenate(errors))) if errors else float("nan"),
        "curve_nmse_median": float(np.median(inside)),
        "curve_r2_over_0.99": float(np.mean(inside < 0.01)),
        "image_nmse_median": float(np.median(image)),
        "image_r2_over_0.99": float(np.mean(image < 0.01)),
        "extrapolation_nmse_median": float(np.median(beyond)),
    }


def parses(answer: Answer) -> bool:
    """Whether the equation, written out and read again, puts the object at finite places."""
    try:
        again = Equation.from_text(answer.equation.to_text())
    except (UserError, ValueError):
        return False
    return bool(np.isfinite(again.positions(CANONICAL.times)).all())


def constants_near(answer: Answer, scene: Scene) -> bool:
    """Whether every constant is within a tenth of its family's range; the families are the same."""
    return bool((np.abs(answer.constants - scene.constants) <= _NEAR * constant_ranges(scene.family)).all())


@cache
def constant_ranges(family: str) -> np.ndarray:
    """Distance between the 2.5th and the 97.5th percentile of each constant over 400 scenes of a family; at least 0.5,
    for some hardly vary: the framing puts the path's mean depth at zero."""
    settings = SceneSettings(families=(family,))
    constants = np.stack([draw_scene(settings, 0, k).constants for k in range(400)])
    return np.maximum(np.subtract(*np.percentile(constants, [97.5, 2.5], axis=0)), 0.5)


def calibration_error(answers: list[Answer], scenes: list[Scene]) -> float:
    """Expected calibration error of the family's probability, ten even bins (Guo et al., 2017)."""
    sure = np.array([a.probabilities[a.family] for a in answers])
    right = np.array([a.family == s.family for a, s in zip(answers, scenes)])
    bins = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    gaps = [abs(sure[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in set(bins.tolist())]
    return float(sum(gaps))


def confusion(answers: list[Answer | None], scenes: list[Scene]) -> dict[str, dict[str, int]]:
    """True family -> said family -> how often; "none" where there was no answer."""
    said = [a.family if a else "none" for a in answers]
    names = [*FAMILIES, "none"]
    return {
        true: {n: sum(s.family == true and w == n for s, w in zip(scenes, said)) for n in names} for true in FAMILIES
    }


def wilson(successes: int, count: int) -> list[float]:
    """Wilson's 95 % interval of a share (Wilson, 1927)."""
    p, z = successes / count, 1.96
    middle, spread = p + z * z / (2 * count), z * np.sqrt(p * (1 - p) / count + z * z / (4 * count * count))
    return [round(float(v / (1 + z * z / count)), 4) for v in (middle - spread, middle + spread)]


def _nmse(answer: Answer | None, scene: Scene, *how) -> float:
    """`curve_nmse`, infinite where there is no answer or no number."""
    error = float("inf") if answer is None else curve_nmse(answer, scene, *how)
    return error if np.isfinite(error) else float("inf")
