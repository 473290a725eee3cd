"""Clips of one's own: what is true of them is read with care, and answers are held against it."""

import pytest

from tests.ui import fake
from trajvlm.data.errors import UserError
from trajvlm.eval.real_clips import judge, read_truth, table

PERIOD = 6.283185 / 7.85


@pytest.fixture()
def folder(tmp_path):
    fake.write_video(tmp_path / "helix.mp4")
    return tmp_path


def write(folder, text):
    (folder / "clips.yaml").write_text(text)
    return folder


def test_families_and_quantities_are_held_against_the_truth(folder):
    truth = (
        f"helix.mp4:\n  family: helical\n  known: {{period: {PERIOD}, radius: 0.5}}\n  scale: {{diameter_m: 0.24}}\n"
    )
    [row] = judge(fake.FakeDescriber(), read_truth(write(folder, truth)))
    together, alone = row["answers"]["together"], row["answers"]["model alone"]
    assert together["right"] and together["period"]["off"] < 0.02
    # One unit is one metre at this scale, and the helix is 0.45 units wide.
    assert together["radius"]["said"] == pytest.approx(0.45, rel=0.1)
    assert together["radius"]["off"] == pytest.approx(0.1, abs=0.1)
    assert together["period"]["off"] < alone["period"]["off"] < 0.2
    assert row["answers"]["track and fit"]["right"]
    text = table([row])
    assert "| helix.mp4 | helical |" in text and "| families right | | 1 of 1 | 1 of 1 | 1 of 1 |" in text


def test_a_wrong_family_is_wrong_and_has_not_every_quantity(folder):
    [row] = judge(
        fake.FakeDescriber(), read_truth(write(folder, "helix.mp4:\n  family: parabolic\n  known: {g: 9.81}\n"))
    )
    together = row["answers"]["together"]
    assert not together["right"] and together["g"]["said"] is None and "free flight" in together["g"]["why"]
    assert "helical (wrong); g none (9.81)" in table([row])


def test_a_length_without_a_scale_is_not_guessed(folder):
    [row] = judge(
        fake.FakeDescriber(), read_truth(write(folder, "helix.mp4:\n  family: helical\n  known: {radius: 1}\n"))
    )
    assert row["answers"]["together"]["radius"]["why"] == "radius in metres needs a scale"


def test_a_video_that_can_not_be_described_counts_as_wrong(folder):
    (folder / "broken.mp4").write_text("no video")
    rows = list(
        judge(
            fake.FakeDescriber(),
            read_truth(write(folder, "broken.mp4: {family: linear}\nhelix.mp4: {family: helical}\n")),
        )
    )
    assert "is not a video" in rows[0]["error"] and "1 of 2" in table(rows)


@pytest.mark.parametrize(
    ("name", "family", "sentence"),
    [("gone.mp4", "helical", "names gone.mp4, which is not beside it"), ("helix.mp4", "Helicall", "write helical if")],
)
def test_a_slip_of_the_pen_is_a_sentence_and_no_wrong_answer(folder, name, family, sentence):
    with pytest.raises(UserError, match=sentence):
        read_truth(write(folder, f"{name}: {{family: {family}}}\n"))


@pytest.mark.parametrize(("truth", "right"), [("figure-eight", True), ("helical", False)])
def test_refusing_is_right_for_other_motions_and_only_what_a_user_gets_can_refuse(folder, truth, right):
    describer = fake.FakeDescriber()
    describer.known = False
    [row] = judge(describer, read_truth(write(folder, f"helix.mp4: {{family: {truth}}}\n")))
    assert row["answers"]["together"] == {"family": "none", "right": right}
    assert row["answers"]["model alone"]["family"] == row["answers"]["track and fit"]["family"] == "helical"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "there is no clips.yaml"),
        ("a: [", "can't be read as YAML"),
        ("- a\n- b", "holds no videos"),
        ("a.mp4: 3", "does not say of which family"),
        ("a.mp4: {family: linear, colour: red}", "says 'colour' of a.mp4"),
        ("a.mp4: {family: linear, known: {weight: 3}}", "by these names"),
        ("a.mp4: {family: linear, known: {g: heavy}}", "has to be numbers"),
        ("a.mp4: {family: linear, scale: {diameter_m: big}}", "and a number"),
        ("a.mp4: {family: linear, scale: {diameter_m: 1, distance_m: 2}}", "a scale is one length"),
        ("a.mp4: {family: linear, start: soon}", "have to be numbers"),
    ],
)
def test_what_is_not_understood_is_one_sentence(tmp_path, text, sentence):
    if text is not None:
        write(tmp_path, text)
    with pytest.raises(UserError, match=sentence):
        read_truth(tmp_path)
