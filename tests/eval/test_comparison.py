"""The first paragraph says who wins, also where it is not this project."""

import pytest

from tests.eval.made_up import cell, results
from trajvlm.eval.comparison import verdict


def said(data):
    return " ".join(verdict(data))


def test_a_defeat_is_said_first():
    text = said(results(ours=0.7, script=0.95, learned=0.9))
    assert text.startswith("On clean clips this project names the family in 70.0% (60.4% to 78.1%) of the clips.")
    assert "The best learned baseline, small 3D CNN, names it in 90.0% (82.6% to 94.5%): it is ahead." in text
    assert "The best other system, track and fit, names it in 95.0% (88.8% to 97.8%): it is ahead." in text
    assert "The median error of this project's curve is higher: 0.02 against 0.001 of track and fit." in text


def test_a_victory_and_what_can_t_be_told_apart():
    text = said(results(ours=0.9, script=0.5, learned=0.88))
    assert "small 3D CNN, names it in 88.0% (80.2% to 93.0%): this project is ahead, but the intervals overlap." in text
    assert "track and fit, names it in 50.0% (40.4% to 59.6%): this project is ahead." in text
    tied = said(results(ours=0.9, script=0.9))
    assert tied.count("a tie") == tied.count("No learned baseline was measured.") == 3


@pytest.mark.parametrize(("control", "words"), [(0.2, "No control"), (0.5, "above the floor's")])
def test_controls_are_judged(control, words):
    text = said(results(ours=0.9, script=0.9, control=control))
    assert words in text and ("No control" in text) == (control == 0.2)


def test_every_nuisance_has_its_winner():
    assert "fewer under: none; the intervals overlap under: none." in said(results(ours=0.9, script=0.5))
    text = said(results(ours=0.5, script=0.9))
    assert "Of all 1400 such clips together, this project names 700 and the script 1260." in text
    assert "than the script under: none; fewer under: texture, contrast" in text
    # The made-up curves of the script are the nearer ones.
    assert "curve is lower under: none; the script's under: texture, contrast" in text


def test_parts_of_this_project_are_no_other_system():
    data = results(ours=0.5, script=0.6)
    for suite in ("clean", "light", "half"):
        data["suites"][suite]["decoded-fit"] = cell(True, decoded_tokens_fitted=(0.9, 0.0001))
    assert "decoded tokens fitted" not in said(data) and "The best other system, track and fit," in said(data)


def test_what_was_not_measured_is_named():
    text = said(results(ours=0.9, script=0.5, learned=0.8))
    assert text.endswith(
        "Not measured: decoded tokens, fitted; trees on the decoded track; features of the track, scikit-learn; R3D-18 "
        "on pixels; ResNet18 on each frame, mean over time; classifier on tokens; track and PySINDy; track and PySR; "
        "an external vision-language model; Open-MAGVIT2, VideoMAE, CLIP, frozen."
    )
    assert "Not measured: this project" in said({"identities": {}, "machines": {}, "suites": {}})
