"""Half of a file's frames: what is left out, and when two answers agree."""

import numpy as np
import pytest

from tests.eval.video_files.made_up import answer, refusal
from trajvlm.data.errors import UserError
from trajvlm.data.filmed.decode import frames
from trajvlm.data.rendered.export import write_video
from trajvlm.eval.video_files.half_rate import agreement, figures, halved


def test_every_other_frame_stays_as_it_was_and_when_it_was(tmp_path):
    rng = np.random.default_rng(0)
    pictures = np.kron(rng.integers(0, 255, (9, 8, 12, 3)), np.ones((1, 8, 8, 1))).astype(np.uint8)
    write_video(tmp_path / "a.mp4", pictures, 30, crf=20)
    before = list(frames(tmp_path / "a.mp4"))
    with halved(tmp_path / "a.mp4") as path:
        after = list(frames(path))
    assert not path.exists()
    assert [time for time, _ in after] == pytest.approx([time for time, _ in before][::2])
    assert all(np.array_equal(one, other) for (_, one), (_, other) in zip(before[::2], after, strict=True))


def test_a_file_that_is_no_video_is_a_sentence(tmp_path):
    (tmp_path / "a.mp4").write_text("no video")
    with pytest.raises(UserError, match="can't be written at half its rate"), halved(tmp_path / "a.mp4"):
        pass


def given(period, sd, **more):
    return answer(constants={"period": {"value": period, "sd": sd}} | more)


def test_constants_agree_within_two_standard_deviations_of_their_difference():
    near, far = (agreement(given(1.0, 0.03), given(value, 0.04)) for value in (1.09, 1.11))
    assert near["apart"]["period"]["in_sd"] == pytest.approx(1.8)
    told = figures([near, far])
    assert told["agree"]["share"] == 0.5 and told["same_family"]["share"] == 1.0


def test_without_a_standard_deviation_nothing_is_compared():
    assert agreement(given(1.0, None), given(1.0, 0.1))["apart"] == {}
    assert figures([agreement(answer(), answer())])["agree"] is None


def test_another_family_or_a_refusal_does_not_agree():
    for other in (answer(family="spiral"), refusal("too_short"), answer(known=False)):
        assert agreement(given(1.0, 0.1), other) == {"same_family": False, "apart": {}}


def test_an_amplitude_that_fades_is_compared_at_one_time():
    early, late = (
        answer(
            start,
            3.0,
            family="damped",
            constants={"amplitude": {"value": size, "sd": 0.1}, "decay": {"value": 0.5, "sd": 0.1}},
        )
        for start, size in ((1.0, 50.0), (1.2, 50.0 * np.exp(-0.1)))
    )
    assert agreement(early, late)["apart"]["amplitude"]["in_sd"] == pytest.approx(0, abs=1e-6)
