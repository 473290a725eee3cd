"""A stick between two places in the picture is a scale, in the words that people use, and no stretch of time is one."""

import pytest

from trajvlm.agents.intents import plan
from trajvlm.agents.scale_parsing import scale
from trajvlm.agents.session import Session
from trajvlm.agents.stick import length_px
from trajvlm.agents.tools import measure_length
from trajvlm.data.errors import UserError


@pytest.mark.parametrize(
    ("text", "pixels_per_metre"),
    [
        ("1.00 m between 120,400 and 519,402", 399.005),
        ("the stick from 120,400 to 519,402 is 1 m long", 399.005),
        ("20 cm between (10,10) and (10,110)", 500),
        ("It is 1 m between 164.4,287.5 and 474.7,287.5", 310.3),
    ],
)
def test_two_places_and_a_length_are_a_scale(text, pixels_per_metre):
    assert scale(text).pixels_per_metre == pytest.approx(pixels_per_metre, rel=1e-5)


def test_a_stick_is_a_scale_in_the_chat_too_and_what_is_asked_on_is_answered():
    first, second = plan("It is 1 m between 120,400 and 519,402. What was g?")
    assert first.tool == "measure_length" and first.arguments["length_m"] == 1
    assert (second.tool, second.arguments) == ("quantity", {"name": "g"})


def test_two_places_alone_are_measured():
    (call,) = plan("how long is it between 110,20 and 30,22 in m?")
    assert call.tool == "measure_length"
    assert call.arguments == {"x1_px": 110, "y1_px": 20, "x2_px": 30, "y2_px": 22}
    first, second = plan("the ball is 6.7 cm wide. how long is it from 100,200 to 300,400?")
    assert (first.tool, second.tool) == ("set_scale", "measure_length") and "length_m" not in second.arguments


@pytest.mark.parametrize(
    "text",
    [
        "look from 0,5 to 1,2 s",
        "look from 10,5 to 11,2 s",
        "look between 1 and 2 s",
        "look from 0,50 to 1,25 s",
        "from 1/10 to 3/10 s",
        "window from 10,5 to 12,5",
        "describe the stretch from 0,25 to 1,75",
    ],
)
def test_a_stretch_of_time_is_no_stick(text):
    (call,) = plan(text)
    assert call.tool == "choose_window"


@pytest.mark.parametrize("length", ["30", "5'3\"", "3 rods"])
def test_a_length_that_cant_be_read_is_refused_and_not_dropped(length):
    with pytest.raises(UserError):
        plan(f"It is {length} between 120.5,400.0 and 519.2,402.1. What was g?")


@pytest.mark.parametrize("ends", [(3, 4, 3, 4), (-1, 4, 300, 4), (float("nan"), 4, 300, 4)])
def test_what_is_no_stick_is_one_sentence(ends):
    with pytest.raises(UserError):
        length_px(ends)


def test_a_length_without_a_scale_is_in_pixels_and_sets_none(tmp_path):
    from tests.ui import fake

    session = Session(fake.FakeDescriber(), tmp_path, [fake.write_video(tmp_path / "helix.mp4")])
    assert "200" in measure_length(session, 10, 20, 210, 20).text and session.scale is None
    assert measure_length(session, 10, 20, 210, 20, length_m=0.5).values["metres_per_unit"] > 0
    assert measure_length(session, 10, 20, 110, 20).values["length_m"] == pytest.approx(0.25)
    with pytest.raises(UserError):
        measure_length(session, 10, 20, 210, 20, length_m=-1)
