"""What is promised of units: an answer comes in the one that was asked for, or a sentence says that it does not."""

import pytest

from tests.ui import fake
from trajvlm.agents import tools
from trajvlm.agents.intents import Call, plan
from trajvlm.agents.local_model import requested
from trajvlm.agents.session import Session
from trajvlm.data.errors import UserError


@pytest.mark.parametrize(
    "text, name, unit",
    [
        ("what is g in feet per second squared?", "g", "ft"),
        ("what is g in ft/s²?", "g", "ft"),
        ("how fast in km/h?", "speed", "km/h"),
        ("what is the speed in miles per hour?", "speed", "mph"),
        ("how high does it get in inches?", "height", "in"),
        ("what is the acceleration in cm/s^2", "acceleration", "cm"),
    ],
)
def test_a_unit_is_heard(text, name, unit):
    assert requested(text) == [Call("quantity", {"name": name, "unit": unit})]


def test_a_follow_up_may_ask_for_another_unit():
    assert plan("and in feet?", Call("quantity", {"name": "g"})) == [Call("quantity", {"name": "g", "unit": "ft"})]


@pytest.mark.parametrize(
    "text",
    ["how fast in metres per minute?", "how high in furlongs?", "the equation in feet", "where at 0.3 s, in cm?"],
)
def test_a_unit_that_is_not_offered_is_a_sentence(text):
    with pytest.raises(UserError, match="offered"):
        requested(text)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chat")
    found = Session(fake.FakeDescriber(family="parabolic"), folder, [fake.write_video(folder / "throw.mp4")])
    return found


def test_numbers_are_converted(session):
    session.scale = None
    with pytest.raises(UserError, match="needs a scale"):
        tools.quantity(session, "height", unit="ft")
    tools.set_scale(session, pixels_per_metre=121.5)
    for name, unit, factor, shown in (
        ("speed", "km/h", 3.6, "km/h"),
        ("speed", "ft", 1 / 0.3048, "ft/s"),
        ("g", "ft", 1 / 0.3048, "ft/s²"),
        ("height", "cm", 100, "cm"),
    ):
        plain, other = tools.quantity(session, name, 0.3), tools.quantity(session, name, 0.3, unit=unit)
        key, value = next(iter(plain.values.items()))
        other_key, other_value = next(iter(other.values.items()))
        assert other_value == pytest.approx(factor * value) and other_key == f"{key.split(' [')[0]} [{shown}]"
        assert f" {shown}" in other.text
    with pytest.raises(UserError, match="unit of speed"):
        tools.quantity(session, "g", unit="mph")
