"""Filmed clips: what counts as right, and what a folder of them has to say."""

import pytest

from tests.eval.video_files.made_up import answer, refusal
from trajvlm.data.errors import UserError
from trajvlm.eval.video_files.answer import Answer
from trajvlm.eval.video_files.filmed import FilmedClip, figures, judge, read_clips, table


def clip(tmp_path, accept=("circular",), constants=None):
    return FilmedClip(tmp_path / "a.mp4", accept, constants or {}, None)


def test_a_name_that_is_accepted_is_right_and_a_constant_within_its_error_counts(tmp_path):
    said = answer(constants={"period": {"value": 1.02, "sd": 0.01, "unit": "s"}})
    row = judge(clip(tmp_path, (said.family,), {"period": (1.0, 0.03)}), said)
    assert row["right"] and row["constants"]["period"]["within"]
    assert not judge(clip(tmp_path, (said.family,), {"period": (1.0, 0.01)}), said)["constants"]["period"]["within"]
    other = judge(clip(tmp_path, ("bouncing",), {"period": (1.0, 0.03)}), said)
    # A constant of what is called by a wrong name is not right by luck.
    assert not other["right"] and not other["constants"]["period"]["within"]


def test_a_refusal_needs_a_reason_and_has_no_confidence(tmp_path):
    refused = judge(clip(tmp_path, ("refuse",)), refusal("several_move"))
    assert refused["right"] and refused["confidence"] is None
    assert not judge(clip(tmp_path, ("refuse",)), Answer({}, "the program crashed"))["right"]


def test_sure_and_wrong_is_counted(tmp_path):
    sure = answer(confidence=0.97)
    rows = [judge(clip(tmp_path, (name,)), sure) for name in (sure.family, "bouncing")]
    rows.append(judge(clip(tmp_path, ("refuse",)), refusal("held")))
    told = figures(rows)
    assert told["named"] == [1, 2] and told["refused"] == [1, 1] and told["sure_and_wrong"] == [1, 2]
    assert "**" in table({"ours": {"figures": told, "clips": rows}})


@pytest.mark.parametrize(
    "text", ["- accept: [linear]", "{", "3", "- {file: a.mp4, accept: [linear], constants: {x: [1, 2]}}"]
)
def test_a_truth_that_says_something_else_is_one_sentence(tmp_path, text):
    (tmp_path / "truth.yaml").write_text(text)
    with pytest.raises(UserError, match="has to be a list of clips"):
        read_clips(tmp_path)


def test_a_clip_that_is_missing_is_named(tmp_path):
    (tmp_path / "truth.yaml").write_text("- {file: a.mp4, accept: [linear], constants: null, given: null}")
    with pytest.raises(UserError, match="a.mp4"):
        read_clips(tmp_path)
