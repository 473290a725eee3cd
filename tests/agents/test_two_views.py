"""The tools and the agent with two calibrated views: lengths by the cameras' file, errors where one view is needed."""

import csv
import json
import re

import av
import numpy as np
import pytest

from tests.ui import fake
from trajvlm.agents import tools
from trajvlm.agents.agent import Agent
from trajvlm.agents.session import Session
from trajvlm.data.cameras.stereo import StereoPair
from trajvlm.data.errors import UserError
from trajvlm.data.motions.equation import Equation
from trajvlm.ui.answer_details import Extras
from trajvlm.vlm import stereo
from trajvlm.vlm.scale import Scale

AT = 0.8
X, Y, Z = fake.FREE_FLIGHT.positions(np.array([AT]))[0]


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return {unit: fake.write_pair(tmp_path_factory.mktemp(unit), unit) for unit in ("m", "cm", "u")}


@pytest.fixture()
def chat(films, tmp_path, monkeypatch):
    monkeypatch.setattr(stereo, "describe_pair", fake.describe_pair)

    def begin(unit="m"):
        left, right, rig = films[unit]
        describer = stereo.StereoDescriber(fake.FakeDescriber(), right, StereoPair.load(rig))
        return Session(describer, tmp_path / "chat", [left])

    return begin


def test_g_needs_no_scale_and_says_what_it_rests_on(chat):
    result = tools.quantity(chat(), "g")
    assert result.values["g [m/s²]"] == pytest.approx(9.81) and "in metres, by the cameras' file" in result.text
    assert tools.quantity(chat("cm"), "g").values["g [m/s²]"] == pytest.approx(0.0981)
    assert "warning" in tools.quantity(chat("cm"), "g").values


def test_a_unit_that_is_none_of_the_metres_is_told_as_it_is(chat):
    session = chat("u")
    assert tools.quantity(session, "speed", AT).values["speed [u/s]"] > 0
    assert "in u, by the cameras' file" in tools.quantity(session, "speed").text
    for ask in (lambda: tools.quantity(session, "g"), lambda: tools.quantity(session, "speed", unit="ft")):
        with pytest.raises(UserError, match="the cameras' file has its lengths in u; write them in m, cm or mm"):
            ask()


def test_g_and_the_launch_angle_are_those_in_space_however_the_cameras_stand(chat, monkeypatch):
    down, deep = -4.905 * np.cos(np.radians(20)), -4.905 * np.sin(np.radians(20))
    tilted = {"x": "0", "y": f"3*t + {down}*t**2", "z": f"-12 - 3*t + {deep}*t**2"}
    monkeypatch.setattr(fake, "FREE_FLIGHT", Equation.from_text(tilted))
    g, angle = tools.quantity(chat(), "g"), tools.quantity(chat(), "launch_angle")
    assert g.values["g [m/s²]"] == pytest.approx(9.81) and "20 degrees from straight down" in g.text
    assert angle.values["launch angle [degrees]"] == pytest.approx(45)


def test_a_place_is_told_in_space_and_in_both_videos(chat):
    result = tools.position_at(chat(), AT)
    assert result.values["position_m"] == pytest.approx([X, Y, Z])
    assert result.values["pixel_left"] == pytest.approx([240 - 500 * X / Z, 135 + 500 * Y / Z], abs=0.01)
    assert result.values["pixel_right"] == pytest.approx([240 - 500 * (X - 2) / Z, 135 + 500 * Y / Z], abs=0.01)
    assert "of the left video and at pixel" in result.text and "s of the left video)" in result.text
    assert "z to the left camera" in tools.equation(chat()).text


def test_behind_one_camera_is_said_of_that_one(chat, monkeypatch):
    towards = Equation.from_text({"x": "0", "y": "0", "z": "-12 + 10*t"})
    monkeypatch.setattr(fake, "FREE_FLIGHT", towards)
    result = tools.forecast(chat(), 1.0)
    assert "behind the left camera" in result.text and "behind the right camera" in result.text
    assert "pixel_left" not in result.values


def test_describing_says_the_limits_of_a_calibration_and_warns_where_it_does_not_fit(chat):
    session = chat()
    result = tools.describe_video(session)
    assert "parabolic" in result.text and "of the left video" in result.text
    assert "cameras' file" in result.caveats and "can't tell" not in result.whole
    assert "left: more than one object" in result.caveats and "right: more than one object" in result.caveats
    told = Equation.from_text(result.values["equation_m"]).positions(np.array([AT]))[0]
    assert told == pytest.approx([X, Y, Z]) and result.values["frame"]["scale_known"]
    both = session.description()
    session.remember(stereo.StereoDescription(**vars(both) | {"notes": ("the two videos do not go together",)}))
    assert "The two videos do not go together." in tools.describe_video(session).text
    assert "do not go together" in tools.quantity(session, "g").values["warning"]


def test_what_is_of_one_view_is_refused_in_a_sentence(chat):
    session = chat()
    for ask, sentence in (
        (lambda: tools.set_scale(session, object_diameter_m=0.067), "have the scale of the cameras' file"),
        (lambda: tools.set_scale(session, forget=True), "have the scale of the cameras' file"),
        (lambda: Extras.of(session.description(), Scale(diameter_m=0.067)), "have the scale of the cameras' file"),
        (lambda: session.describer.describe(session.video, refine=False), "always fitted"),
        (lambda: tools.describe_video(session, field_of_view_deg=90), "leave the field of view out"),
        (lambda: tools.equation(session, "raw"), "two views have one equation"),
        (lambda: tools.equation(session, "both"), "two views have one equation"),
        (lambda: tools.refine(session), "no equation before the fit to both tracks"),
        (lambda: tools.compare_with_track_and_fit(session), "follows one video"),
    ):
        with pytest.raises(UserError, match=sentence):
            ask()
    assert tools.quantity(session, "g").values["g [m/s²]"] == pytest.approx(9.81)


def test_the_curve_lies_on_the_ball_in_both_videos(chat, films):
    files = tools.draw_curve(chat()).files
    assert [re.sub(r"-\d+", "", file.stem) for file in files] == ["curve-over-left-video", "curve-over-right-video"]
    for file, (beside, late) in zip(files, ((0, 0.0), (2, 0.1))):
        with av.open(str(file)) as container:
            drawn = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
        for k in (12, 24, 36):
            x, y, z = fake.FREE_FLIGHT.positions(np.array([k / fake.RATE - late]))[0]
            column, row = round(240 - 500 * (x - beside) / z), round(135 + 500 * y / z)
            here = drawn[k][row - 2 : row + 3, column - 2 : column + 3].mean(axis=(0, 1))
            assert here[2] > here[0] + 60, "the dot is blue, the ball is yellow"


def test_tables_pictures_and_words_are_of_both_views(chat):
    session = chat("cm")
    (path,) = tools.save_table(session).files
    row = list(csv.DictReader(path.open()))[30]
    assert float(row["x_m"]) == pytest.approx(X / 100, abs=1e-5)
    assert float(row["pixel_left_y"]) == pytest.approx(float(row["pixel_right_y"]), abs=1e-3)
    (path,) = tools.save_table(session, "json").files
    assert json.loads(path.read_text())["frame"]["length_unit"] == "cm"
    shown = tools.show_tokens(session)
    assert len(shown.files) == 2 and np.shape(shown.values["codes"]) == (2, 9, 2, 2)
    assert tools.plot(session, "velocity").files[0].exists()
    assert "1.5 and 2.5 pixels of the left and the right video" in tools.explain(session, "family").text
    error = tools.explain(session, "error").text
    assert "distance between the cameras" in error and "another calibration" in error


def test_another_window_is_looked_at_in_both_views(chat):
    session = chat()
    tools.choose_window(session, 0.4, 1.2)
    assert session.description().views[1].clip.placement.t0_s == pytest.approx(0.4)
    assert tools.position_at(session, AT, "video").values["position_m"] == pytest.approx([X, Y, Z], abs=1e-5)


def test_a_person_asks_in_their_own_words(chat):
    agent = Agent(chat())
    assert "9.81 m/s²" in agent.ask("what was g?").text
    assert "m/s" in agent.ask("how fast is it at 0.5 s?").text
    refused = agent.ask("the ball is 6.7 cm wide, what was g?")
    assert "two views have the scale of the cameras' file" in refused.text.lower() and refused.calls[0].failed
