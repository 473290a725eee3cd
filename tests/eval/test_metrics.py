"""Each measure on cases whose answer is known."""

import numpy as np
import pytest

from trajvlm.data.clip import CANONICAL
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered.scene import SceneSettings, draw_scene
from trajvlm.eval.metrics import calibration_error, measures, relative_errors, share_over, sound
from trajvlm.eval.system import FamilyOnly
from trajvlm.vlm.answer import Answer
from trajvlm.vlm.metrics import curve_nmse, validation_metrics


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
    shares = ("parsed", "family_accuracy", "constants_within_0.01", "mean_relative_accuracy", "curve_r2_over_0.999")
    assert all(found[name] == 1 for name in (*shares, "skeleton_joint", "symbolic_joint", "extrapolation_r2_over_0.9"))
    assert found["curve_nmse_median"] == found["image_nmse_median"] == found["extrapolation_nmse_median"] == 0
    assert found["curve_nmse_axes_median"] == [0, 0, 0] and found["curve_nmse_median_interval"] == [0, 0]
    assert found["calibration_error"] == found["constant_error_median"] == 0
    assert validation_metrics([exact(s) for s in scenes], scenes)["family_accuracy"] == 1


def test_an_offset_is_not_forgiven(scenes):
    found = measures([moved(s, 0.5) for s in scenes], scenes)
    assert found["family_accuracy"] == 1 and found["curve_nmse_median"] > 0.1 and found["curve_r2_over_0.99"] == 0
    assert found["symbolic_joint"] == found["constants_within_0.01"] == 0
    assert all(curve_nmse(moved(s, 0.5), s) > 0.1 for s in scenes)


@pytest.mark.parametrize(
    "failure",
    [
        None,
        Answer("linear", np.full(6, np.nan), {"linear": 1.0}),
        Answer("linear", np.full(6, np.inf), {"linear": 1.0}),
        Answer("zigzag", np.zeros(6), {"zigzag": 1.0}),
        FamilyOnly("zigzag", {}),
    ],
)
def test_no_answer_and_nonsense_are_failures(scenes, failure):
    assert sound(failure) is None
    found = measures([failure] * len(scenes), scenes)
    lost = [name for name, value in found.items() if "nmse" in name and np.isfinite(value).any()]
    assert not lost
    shares = [name for name in found if "_over_" in name or "within" in name or "joint" in name or "accuracy" in name]
    assert all(found[name] == 0 for name in (*shares, "parsed") if not name.endswith("interval"))


def test_failures_are_not_left_out_of_a_median(scenes):
    half = [exact(s) if k % 3 == 0 else None for k, s in enumerate(scenes)]
    found = measures(half, scenes)
    assert found["curve_nmse_median"] == float("inf") and found["curve_r2_over_0.9"] == pytest.approx(1 / 3)


def test_a_classifier_is_measured_on_the_family_alone(scenes):
    said = [FamilyOnly(s.family, {s.family: 1.0}) for s in scenes]
    found = measures(said, scenes, equations=False)
    assert found["family_accuracy"] == 1 and not [name for name in found if "curve" in name]
    assert measures(said, scenes)["curve_r2_over_0.9"] == 0


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
    assert all((relative_errors(moved(s, 0.01), s) < 0.1).all() for s in scenes)
    assert all((relative_errors(moved(s, 1.0), s) > 0.1).any() for s in scenes)
    found = measures([moved(s, 0.02) for s in scenes], scenes)
    assert found["constants_within_0.01"] == 0 and found["constants_within_0.05"] == found["constants_within_0.1"] == 1


def test_a_wrong_family_is_wrong(scenes):
    names = ["linear" if s.family != "linear" else "parabolic" for s in scenes]
    wrong = [Answer(name, np.zeros(FAMILIES[name].size), {}) for name in names]
    found = measures(wrong, scenes)
    assert found["family_accuracy"] == found["constants_within_0.1"] == found["mean_relative_accuracy"] == 0


def test_shares_of_r2_count_an_endless_error_as_below():
    assert share_over(np.array([0.05, 0.005, 0.0005, np.inf]), 0.9) == 0.75
    assert share_over(np.array([0.05, 0.005, 0.0005, np.inf]), 0.999) == 0.25


def test_calibration_of_certainty(scenes):
    assert calibration_error([exact(s) for s in scenes], scenes) == 0
    sure_and_wrong = [Answer("linear", np.zeros(6), {"linear": 1.0}) for s in scenes if s.family != "linear"]
    others = [s for s in scenes if s.family != "linear"]
    assert calibration_error(sure_and_wrong, others) == pytest.approx(1)
    assert np.isnan(calibration_error([Answer("linear", np.zeros(6), {})], scenes[:1]))
    assert calibration_error([None, None], scenes[:2]) == 0
