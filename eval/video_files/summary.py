"""Rows of files to figures: shares and medians, each with its count and a 95 % interval.

Nothing given counts as wrong in a share over all files, and as infinite in a median over all; `given` says how many
there were. Where no file of a suite has it, the figure is null: not given.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from trajvlm.eval.intervals import bootstrap_median, wilson
from trajvlm.eval.metrics import expected_calibration_error
from trajvlm.eval.video_files.measures import PATHS

SURE = 0.9
WITHIN = (0.02, 0.05)
COVERED_SD = 2.0
_RESAMPLES = 1000

Row = dict[str, Any]


def share(right: list[bool]) -> dict | None:
    """How many of how many, as a share with Wilson's interval; None of nothing."""
    if not right:
        return None
    return {"share": sum(right) / len(right), "interval": wilson(sum(right), len(right)), "count": len(right)}


def median(values: list[float | None], infinite: bool = True) -> dict | None:
    """The median of what is given, and where `infinite` of all with the rest as infinite; None where none is given."""
    given = [value for value in values if value is not None]
    if not given:
        return None
    taken = np.array([np.inf if value is None else value for value in values] if infinite else given)
    return {
        "median": float(np.median(taken)),
        "interval": bootstrap_median(taken),
        "median_of_given": float(np.median(given)),
        "given": len(given),
        "count": len(values),
    }


def suite_figures(rows: list[Row]) -> dict:
    """All figures of one system on one suite."""
    moving = [row for row in rows if "family_right" in row]
    return {
        "files": len(rows),
        "right": share([row["right"] for row in rows]),
        "family_right": share([row["family_right"] for row in moving]),
        "refused": share([row["refused"] is not None for row in rows]),
        "reasons": dict(Counter(row["refused"] for row in rows if row["refused"] is not None).most_common()),
        "window_overlap": median([row["window_overlap"] for row in moving]),
        "phase_overlap": _phase_overlap(moving),
        "constants": constant_figures(moving),
        "impacts": _impact_figures(moving),
        "paths": {name: _path_figures([row["paths"][name] for row in moving]) for name in PATHS},
        "seconds": median([row.get("seconds") for row in rows], infinite=False),
    }


def _phase_overlap(rows: list[Row]) -> dict | None:
    """Over all true phases; a file whose answer gives none has found none of them."""
    if all(row["phase_overlaps"] is None for row in rows):
        return None
    found = [one for row in rows for one in row["phase_overlaps"] or []]
    return (median(found) or {}) | {"over_half": share([one > 0.5 for one in found])}


def constant_figures(rows: list[Row]) -> dict | None:
    """Of all constants together and of each; None where no answer gives any."""
    every = [(name, one, row["family_right"]) for row in rows for name, one in row["constants"].items()]
    if all(one["said"] is None for _, one, _ in every):
        return None
    figures = {"together": _of_constants([(one, right) for _, one, right in every])}
    for wanted in dict.fromkeys(name for name, _, _ in every):
        figures[wanted] = _of_constants([(one, right) for name, one, right in every if name == wanted])
    return figures


def _of_constants(found: list[tuple[dict, bool]]) -> dict:
    right = [one for one, named in found if named]
    in_sd = [one["in_sd"] for one, _ in found if one["in_sd"] is not None]
    return {
        "all": _within([one for one, _ in found]),
        "right_family": _within(right),
        "covered": share([value <= COVERED_SD for value in in_sd]),
        "in_sd": median(in_sd),
    }


def _within(found: list[dict]) -> dict:
    errors = [one["error"] for one in found]
    shares = {f"within_{bound:g}": share([e is not None and e <= bound for e in errors]) for bound in WITHIN}
    return {"given": sum(e is not None for e in errors)} | shares | {"error": median(errors)}


def _impact_figures(rows: list[Row]) -> dict | None:
    found = [one for row in rows for one in row["impacts"]]
    if all(one["said_s"] is None for one in found):
        return None
    return {"all": _within(found), "error_s": median([one["error_s"] for one in found])}


def _path_figures(found: list[dict | None]) -> dict | None:
    if all(one is None for one in found):
        return None
    names = ("rms_px", "median_px", "of_radius", "of_extent")
    return {name: median([None if one is None else one[name] for one in found]) for name in names}


def confidence_figures(rows: list[Row]) -> dict:
    """How far confidence can be trusted, over the rows of all suites together; a refusal has none."""
    claims = [row for row in rows if row["refused"] is None and row["confidence"] is not None]
    sure = np.array([row["confidence"] for row in claims])
    right = np.array([row["right"] for row in claims], dtype=bool)
    wrong = [row["refused"] is None and (row["confidence"] or 0) > SURE and not row["right"] for row in rows]
    return {
        "answers": len(claims),
        "right_of_answers": share(right.tolist()),
        "calibration_error": _figure(expected_calibration_error, sure, right),
        "auroc": _figure(auroc, sure, right),
        "sure_and_wrong": share(wrong),
        "sure_and_right": share([row["right"] for row in claims if row["confidence"] > SURE]),
    }


def auroc(sure: np.ndarray, right: np.ndarray) -> float | None:
    """Chance that a right answer (of (N,)) is surer than a wrong one, ties half; None where there are not both."""
    if right.all() or not right.any():
        return None
    apart = sure[right][:, None] - sure[~right][None, :]
    return float(((apart > 0) + 0.5 * (apart == 0)).mean())


def _figure(measure: Callable[..., float | None], sure: np.ndarray, right: np.ndarray) -> dict | None:
    """A measure of answers with its percentile bootstrap over them (Efron, 1979)."""
    value = measure(sure, right) if len(sure) else None
    if value is None:
        return None
    picks = np.random.default_rng(0).integers(len(sure), size=(_RESAMPLES, len(sure)))
    found = [again for pick in picks if (again := measure(sure[pick], right[pick])) is not None]
    return {"value": value, "interval": np.quantile(found, [0.025, 0.975]).tolist(), "count": len(sure)}
