"""Each measure on cases whose answer is known."""

import numpy as np
import pytest

from data.clip import CANONICAL
from data.families import FAMILIES
from data.scene import SceneSettings, draw_scene
from eval.measures import calibration_error, confusion, constants_near, measures, parses, wilson
from vlm.answer import Answer
from vlm.measures import answer_measures, curve_nmse


@pytest.fixture(scope="module")
def scenes():
    return [draw_scene(SceneSettings(), 61, k) for k in range(12)]


def exact(scene):
    return Answer(scene.family, scene.constants, {name: float(name == scene.family) for name in FAMILIES})


def moved(scene, shift):
    constants = scene.constants.copy()
    constants[:3] += shift
    return Answer(scene.family, constants, {})


def test_the_truth_has_no_error(scenes):
    found = measures([exact(s) for s in scenes], scenes)
    assert found["family_accuracy"] == found["parsed"] == found["constants_all_near"] == 1
    assert found["curve_nmse_median"] == found["image_nmse_median"] == found["extrapolation_nmse_median"] == 0
    assert found["curve_r2_over_0.99"] == 1 and found["constant_error_median"] == 0
    assert answer_measures([exact(s) for s in scenes], scenes)["family_accuracy"] == 1


def test_an_offset_is_not_forgiven(scenes):
    found = measures([moved(s, 0.5) for s in scenes], scenes)
    assert found["family_accuracy"] == 1 and found["curve_nmse_median"] > 0.1 and found["curve_r2_over_0.99"] == 0
    assert all(curve_nmse(moved(s, 0.5), s) > 0.1 for s in scenes)


def test_no_answer_and_nonsense_are_failures(scenes):
    none = measures([None] * len(scenes), scenes)
    assert none["parsed"] == none["family_accuracy"] == none["curve_r2_over_0.99"] == 0
    assert none["curve_nmse_median"] == float("inf")
    nan = Answer("linear", np.full(6, np.nan), {})
    assert not parses(nan) and measures([nan] * len(scenes), scenes)["curve_nmse_median"] == float("inf")


def test_the_same_curve_written_otherwise_has_no_curve_error(scenes):
    """Half a turn more of phase with both amplitudes turned round is the same circle."""
    scene = next(s for s in scenes if s.family == "linear")
    as_parabola = Answer("parabolic", np.concatenate([scene.constants, np.zeros(3)]), {})
    found = measures([as_parabola], [scene])
    assert found["family_accuracy"] == 0 and found["curve_nmse_median"] == pytest.approx(0)


def test_standing_still_at_the_mean_scores_one(scenes):
    scene = scenes[0]
    mean = FAMILIES[scene.family].positions(scene.constants, CANONICAL.times).mean(axis=0)
    still = Answer("linear", np.concatenate([mean, np.zeros(3)]), {})
    assert measures([still], [scene])["curve_nmse_median"] == pytest.approx(1)


def test_constants_are_near_within_a_tenth_of_their_range(scenes):
    assert all(constants_near(moved(s, 0.01), s) for s in scenes)
    assert not any(constants_near(moved(s, 1.0), s) for s in scenes)


def test_a_wrong_family_is_wrong_and_shows_in_the_confusion(scenes):
    wrong = [Answer("linear" if s.family != "linear" else "parabolic", np.zeros(9), {}) for s in scenes]
    wrong = [Answer(a.family, np.zeros(FAMILIES[a.family].size), {}) for a in wrong]
    assert measures(wrong, scenes)["family_accuracy"] == 0
    table = confusion([*wrong, None], [*scenes, scenes[0]])
    assert sum(sum(row.values()) for row in table.values()) == 13 and sum(row["none"] for row in table.values()) == 1
    assert all(table[name][name] == 0 for name in FAMILIES)


def test_calibration_of_certainty(scenes):
    assert calibration_error([exact(s) for s in scenes], scenes) == 0
    sure_and_wrong = [Answer("linear", np.zeros(6), {"linear": 1.0}) for s in scenes if s.family != "linear"]
    others = [s for s in scenes if s.family != "linear"]
    assert calibration_error(sure_and_wrong, others) == pytest.approx(1)


def test_wilson_interval():
    assert wilson(0, 10)[0] == 0 and wilson(10, 10)[1] == 1
    assert wilson(50, 100) == pytest.approx([0.4038, 0.5962], abs=1e-3)
