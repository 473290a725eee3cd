import json

import numpy as np
import pytest

from data.scene import SceneSettings, draw_scene
from eval.report import table, write_readme, written_table
from eval.run import RESULTS
from vlm.answer import Answer
from vlm.measures import answer_measures, curve_nmse


def test_the_readme_says_what_the_results_hold():
    assert written_table() == table(json.loads(RESULTS.read_text()))


def test_the_results_belong_to_the_shipped_weights():
    from tokenizer.model import weights_sha256
    from vlm.model import adapter_sha256

    results = json.loads(RESULTS.read_text())
    assert results["tokenizer"]["sha256"] == weights_sha256()
    assert results["model"]["adapter_sha256"] == adapter_sha256()


def test_writing_the_table_leaves_the_rest_of_the_readme(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- results -->\nold\n<!-- /results -->\nafter\n")
    results = json.loads(RESULTS.read_text())
    write_readme(results, readme)
    write_readme(results, readme)
    text = readme.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text
    assert written_table(readme) == table(results)


@pytest.fixture(scope="module")
def scenes():
    return [draw_scene(SceneSettings(), 61, k) for k in range(8)]


def test_the_truth_has_no_error_and_an_offset_is_not_forgiven(scenes):
    exact = [Answer(s.family, s.constants, {}) for s in scenes]
    measures = answer_measures(exact, scenes)
    assert measures["family_accuracy"] == 1 and measures["constant_error_median"] == 0
    assert measures["curve_nmse_median"] == 0
    for answer, scene in zip(exact, scenes):
        shifted = answer.constants.copy()
        shifted[:3] += 0.5
        assert curve_nmse(Answer(answer.family, shifted, {}), scene) > 0.1


def test_standing_still_at_the_mean_scores_one(scenes):
    scene = scenes[0]
    from data.families import FAMILIES
    from data.render import CANONICAL

    mean = FAMILIES[scene.family].positions(scene.constants, CANONICAL.times).mean(axis=0)
    still = Answer("linear", np.concatenate([mean, np.zeros(3)]), {})
    assert curve_nmse(still, scene) == pytest.approx(1)


def test_a_wrong_family_counts_as_wrong_and_its_curve_is_judged_all_the_same(scenes):
    wrong = [
        Answer("linear" if s.family != "linear" else "circular", np.zeros(6 if s.family != "linear" else 10), {})
        for s in scenes
    ]
    measures = answer_measures(wrong, scenes)
    assert measures["family_accuracy"] == 0 and measures["curve_nmse_median"] > 0.5
    assert np.isnan(measures["constant_error_median"])
