"""Rows of files to figures."""

import numpy as np
import pytest

from tests.eval.video_files.made_up import answer, circle_file, refusal
from trajvlm.eval.video_files.measures import judge
from trajvlm.eval.video_files.summary import auroc, confidence_figures, median, share, suite_figures


def rows():
    """Right, right with wrong constants, wrong, refused."""
    good = {"period": {"value": 1.0, "sd": 0.01}, "radius": {"value": 41.0, "sd": 0.1}}
    answers = [
        answer(constants=good),
        answer(constants={"period": {"value": 1.5, "sd": 0.1}}, confidence=0.95),
        answer(family="spiral", confidence=0.97, constants={"period": {"value": 1.0, "sd": 0.1}}),
        refusal("too_short"),
    ]
    return [judge(circle_file(), one) | {"seconds": 2.0} for one in answers]


def test_shares_and_reasons_of_a_suite():
    told = suite_figures(rows())
    assert told["family_right"]["share"] == 0.5 and told["family_right"]["count"] == 4
    assert told["refused"]["share"] == 0.25 and told["reasons"] == {"too_short": 1}
    assert told["seconds"]["median"] == 2.0


def test_constants_over_all_count_the_missing_as_wrong():
    together = suite_figures(rows())["constants"]["together"]
    assert together["all"]["given"] == 4
    assert together["all"]["within_0.02"]["share"] == 2 / 8 and together["all"]["within_0.05"]["share"] == 3 / 8
    # Two files with the right family: period and radius, a wrong period and no radius.
    assert together["right_family"]["within_0.02"] == share([True, False, False, False])
    assert together["right_family"]["within_0.05"]["share"] == 0.5
    # Off by 0, 10, 5 and 0 standard deviations.
    assert together["covered"]["share"] == 0.5 and together["covered"]["count"] == 4


def test_what_no_answer_gives_is_null():
    told = suite_figures([judge(circle_file(), refusal())])
    assert told["constants"] is None and told["phase_overlap"] is None and told["impacts"] is None
    assert told["paths"] == {"measured": None, "refined": None}


def test_a_median_over_all_takes_the_missing_as_infinite():
    assert median([1.0, 2.0, None, None, None])["median"] == np.inf
    assert median([1.0, 2.0, None])["median"] == 2.0 and median([1.0, 2.0, None])["median_of_given"] == 1.5
    assert median([None]) is None


def test_confidence_is_held_against_being_right():
    told = confidence_figures(rows())
    assert told["answers"] == 3 and told["sure_and_wrong"]["share"] == 0.25
    # Two bins: one right at 0.8; one right and one wrong at 0.96 on average.
    assert told["calibration_error"]["value"] == pytest.approx(0.2 / 3 + 0.46 * 2 / 3)
    assert told["auroc"]["value"] == 0.0


def test_an_answer_about_what_is_to_be_refused_is_sure_and_wrong():
    told = confidence_figures([judge(circle_file(suite="movers", shows="several"), answer(confidence=0.99))])
    assert told["sure_and_wrong"]["share"] == 1.0 and told["right_of_answers"]["share"] == 0.0


def test_nothing_but_refusals_has_no_confidence():
    told = confidence_figures([judge(circle_file(), refusal())])
    assert told["answers"] == 0 and told["calibration_error"] is None and told["auroc"] is None


def test_auroc_is_the_chance_that_the_right_one_is_surer():
    sure, right = np.array([0.9, 0.8, 0.5, 0.5]), np.array([True, False, True, False])
    assert auroc(sure, right) == pytest.approx((1 + 1 + 0 + 0.5) / 4)
    assert auroc(sure, np.ones(4, dtype=bool)) is None
