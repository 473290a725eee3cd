"""What a scale in a person's words promises: it is read whole, or refused with a sentence; never in part."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vlm import made_up
from trajvlm.agents.intents import Call
from trajvlm.agents.local_model import requested
from trajvlm.agents.scale_parsing import scale
from trajvlm.data.errors import UserError
from trajvlm.vlm.scale import Scale

READ = {
    "6.7 cm": 0.067,
    "6,7 cm": 0.067,
    "0,125 m": 0.125,
    "6.7e-2 m": 0.067,
    "6.7 x 10^-2 m": 0.067,
    "6.7×10^-2 m": 0.067,
    "1/2 m": 0.5,
    "½ m": 0.5,
    "half a metre": 0.5,
    "6 7/8 in": 0.174625,
    "6½ inches": 0.1651,
    '6"': 0.1524,
    "5 ft 3 in": 1.6002,
    "1 m 20 cm": 1.2,
    "+6.7 cm": 0.067,
    "~7 cm": 0.07,
    "'6.7 cm'": 0.067,
    "the ball is 67 millimetres wide": 0.067,
    "a 6.7-cm ball": 0.067,
    "radius 3.35 cm": 0.067,
    "3.35 cm in radius": 0.067,
}
REFUSED = (
    "6.7", "cm", "six point seven cm", "twenty two cm", "2 thirds of a metre", "minus 6.7 cm", "-6.7 cm", "- 6.7 cm",
    "0 cm", "1/0 m", "1e400 m", "1e300 m", "1e-300 m", "nan m", "inf cm", "6.7.5 cm", "6 7 cm", "6-7 cm", "6 to 7 cm",
    "6.7 ± 0.1 cm", "6.7 cm or 7 cm", "6.7 cm 3", "5' 3\"", "6.7 cm/s", "6.7 cm^2", "6.7 parsec", "1,000 px per m",
    "1 m is 412 px and 50 cm is 300 px", "the ball is 6.7 cm wide, 1 m is 412 px", "the ball is not 6.7 cm wide",
    "9" * 40 + " m", "1 m " * 30,
)  # fmt: skip


@pytest.mark.parametrize("text, metres", READ.items(), ids=READ)
def test_a_length_is_read_whole(text, metres):
    assert scale(text).diameter_m == pytest.approx(metres)


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_one_whole_length_is_refused(text):
    with pytest.raises(UserError):
        scale(text)


@pytest.mark.parametrize(
    "text, density",
    [("412 px/m", 412), ("1 m is 412 pixels", 412), ("80 px = 1/2 m", 160), ("1/2 m = 80 px", 160)]
    + [("120 px per 1e-1 m", 1200), ("1e3 px/m", 1000), ("a 2 m pole is 500 pixels long", 250)],
)
def test_pixels_per_metre_are_read_whole(text, density):
    assert scale(text).pixels_per_metre == pytest.approx(density)


def test_a_distance_is_told_from_a_size():
    assert scale("3 m away") == scale("3 metres from the camera") == Scale(distance_m=3.0)


def test_the_width_of_the_picture_is_told_from_a_size():
    assert scale("the picture is 2 m wide") == Scale(picture_width_m=2.0)
    found = made_up.description("parabolic")
    place = found.clip.placement
    per_metre = Scale(pixels_per_metre=place.video_width_px / 2)
    assert Scale(picture_width_m=2.0).metres_per_unit(found) == pytest.approx(per_metre.metres_per_unit(found))


@pytest.mark.parametrize(
    "text, given",
    [
        ("the picture is 2 m wide", {"picture_width_m": 2.0}),
        ("it is 3 metres from the camera", {"distance_m": 3.0}),
        ("it is 3 m away", {"distance_m": 3.0}),
        ("the ball is 3.35 cm in radius", {"object_diameter_m": pytest.approx(0.067)}),
        ("the ball has a radius of 3.35 cm", {"object_diameter_m": pytest.approx(0.067)}),
        ("the ball in the video is 6.7 cm wide", {"object_diameter_m": pytest.approx(0.067)}),
    ],
)
def test_the_chat_hears_what_a_known_length_is_of_and_asks_nothing_else(text, given):
    assert requested(text) == [Call("set_scale", given)]


@given(st.floats(1e-5, 1e5), st.sampled_from(["m", "cm", "mm", "in", "ft"]), st.sampled_from(["g", "e", "f"]))
def test_a_number_is_read_as_it_is_written_or_refused(value, unit, form):
    text = f"{value:.6{form}}"
    metres = float(text) * {"m": 1, "cm": 0.01, "mm": 0.001, "in": 0.0254, "ft": 0.3048}[unit]
    try:
        assert scale(f"{text} {unit}").diameter_m == pytest.approx(metres)
    except UserError:
        assert not 1e-6 <= metres <= 1e6


@given(st.text(alphabet="0123456789.,/-+e xm'\"½", max_size=20))
def test_any_text_is_a_scale_or_a_sentence(text):
    try:
        assert scale(text + " cm") is not None
    except UserError as error:
        assert str(error)


@pytest.mark.parametrize("wrong", [{"diameter_m": 1e-9}, {"distance_m": 1e9}, {"pixels_per_metre": 1e12}])
def test_an_absurd_scale_is_refused(wrong):
    with pytest.raises(UserError, match="can't be right"):
        Scale(**wrong)


@pytest.mark.parametrize(
    "text",
    [
        "the ball is -6.7 cm wide, what was g?",
        "the ball is 6.7 cm wide. it has a diameter of 7.2 cm",
        "one metre is 412 pixels, no, one metre is 300 pixels",
        "the ball is 6.7 cm wide and one metre is 412 px",
        "the ball is 6-7 cm wide",
        "filmed with 1,000 pixels per metre",
        "one metre is 412 px, no, 500 px",
        "the ball is 5 ft 3 wide",
        "the picture is 1 m high",
    ],
)
def test_the_chat_refuses_what_contradicts_itself_or_is_not_read_whole(text):
    with pytest.raises(UserError):
        requested(text)


def test_two_words_for_one_length_do_not_contradict_each_other():
    (call,) = requested("the ball has a radius of 3.35 cm, so a diameter of 6.7 cm (2.64 inches wide)")
    assert call.arguments == {"object_diameter_m": pytest.approx(0.067)}
