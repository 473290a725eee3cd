"""What a number in a message promises: it is read whole, sign, fraction and exponent, or refused with a sentence."""

import pytest

from trajvlm.agents.intents import Call
from trajvlm.agents.local_model import requested
from trajvlm.data.errors import UserError


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("1/2 s", 0.5),
        ("½ s", 0.5),
        ("1 1/2 s", 1.5),
        ("3e-1 s", 0.3),
        ("3 x 10^-1 s", 0.3),
        ("1e9 s", 1e9),
        ("t = 1/3 s", 1 / 3),
        ("-0.2 s", -0.2),
        ("minus 0.2 s", -0.2),
        ("t=-0.2", -0.2),
        ("two and a third seconds", 7 / 3),
    ],
)
def test_a_time_is_read_whole(text, seconds):
    (call,) = requested(f"where is it at {text}?")
    assert call == Call("position_at", {"t_s": pytest.approx(seconds, rel=1e-5), "clock": "clip"})


@pytest.mark.parametrize("text", ["1/0 s", "0.5/2 s", "1e400 s", "1.2.3 s", "0.5 ± 0.1 s", "2^-1 s", "twenty two s"])
def test_a_time_that_is_not_read_whole_is_refused(text):
    with pytest.raises(UserError, match="can't be read as one number"):
        requested(f"where is it at {text}?")


@pytest.mark.parametrize(
    "text, ends",
    [
        ("look from 1/4 to 3/4 s", (0.25, 0.75)),
        ("look at -1 to 2 s", (-1, 2)),
        ("look from 0.3-0.8 s", (0.3, 0.8)),
        ("use 0.3 - 0.8 s", (0.3, 0.8)),
    ],
)
def test_both_ends_of_a_window_are_read_whole_and_a_dash_is_no_sign(text, ends):
    assert requested(text) == [Call("choose_window", {"start_s": ends[0], "end_s": ends[1]})]


@pytest.mark.parametrize(
    "text, arguments",
    [
        ("it was filmed at 2.4e2 fps", {"frames_per_second": 240}),
        ("it was filmed at 30000/1001 fps", {"frames_per_second": pytest.approx(29.97003)}),
        ("it was filmed at -30 fps", {"frames_per_second": -30}),
        ("the video is slowed down by a factor of 1e1", {"slow_motion": 10}),
        ("the field of view is 1.2e2 degrees", {"field_of_view_deg": 120}),
    ],
)
def test_rates_factors_and_angles_are_read_whole(text, arguments):
    assert requested(text) == [Call("describe_video", arguments)]


def test_a_sum_is_worked_out_as_it_is_written():
    assert requested("what is 1/2 * 3e-1") == [Call("evaluate", {"expression": "1/2 * 3e-1"})]


def test_the_speed_of_an_impossible_time_is_asked_for_as_it_was_meant():
    assert requested("how fast at -0.3 s") == [Call("quantity", {"name": "speed", "t_s": -0.3})]
