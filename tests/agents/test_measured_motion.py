"""What the tools say of what was measured, of phases, and of several objects."""

from dataclasses import replace

import numpy as np
import pytest

from tests.ui import fake
from trajvlm.agents import plots, tools
from trajvlm.agents.agent import Agent
from trajvlm.agents.explanations import why
from trajvlm.agents.intents import Call, plan
from trajvlm.agents.session import Session
from trajvlm.data.errors import UserError
from trajvlm.data.motions.equation import Equation
from trajvlm.vlm.quantities import with_error


class Several(fake.FakeDescriber):
    """A video with two movers, refused until one is pointed at; keeps what it was asked."""

    def __init__(self, **options):
        super().__init__(measures=True, **options)
        self.asked = []

    def describe(self, video, *arguments, at=None, **options):
        self.asked.append(at)
        found = super().describe(video, *arguments, **options)
        if at is not None:
            return found
        doubt = "several objects move at the same time; say which one is meant with --at X,Y: 100,200 or 320,180"
        objects = ((100.0, 200.0, 0.0), (320.0, 180.0, 0.1))
        return replace(found, known=False, refused=("several_move", doubt), doubt=doubt, objects=objects)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return fake.write_video(tmp_path_factory.mktemp("video") / "ball.mp4")


@pytest.fixture()
def chat(video, tmp_path):
    def begin(family="oscillating", describer=None):
        return Session(describer or fake.FakeDescriber(family=family, measures=True), tmp_path / "chat", [video])

    return begin


def test_the_measured_equation_is_given_unless_another_is_asked_for(chat):
    session = chat()
    measured = session.description().measured.to_text()
    assert tools.equation(session).values == {"measured": measured}
    assert set(tools.equation(session, "both").values) == {"measured", "refined", "raw"}
    assert tools.equation(session, "refined").values == {"refined": fake.SWING.to_text()}
    session._description = replace(session.description(), measurement=None)
    assert tools.equation(session, "measured").values == {"refined": fake.SWING.to_text()}


def test_measuring_is_said_to_change_what_it_changed(chat):
    session = chat()
    off = Equation.from_text({"x": "0.3 + 0.6*cos(5*t)", "y": "0.2*cos(5*t)", "z": "0"})
    session._description = replace(session.description(), refined=off)
    result = tools.refine(session)
    assert result.values["measured"] == session.description().measured.to_text()
    assert result.values["measuring_mean_distance_u"] == pytest.approx(0.2, rel=0.01)
    assert "on the video's own pixels" in result.text and "root mean square" in result.text


def test_a_quantity_is_told_with_its_standard_error(chat):
    session = chat()
    result = tools.quantity(session, "period")
    period, error, _ = session.description().constants["period"]
    assert f"The period is {with_error(period, error)} s." in result.text
    assert result.values == {"period [s]": pytest.approx(period), "error of period [s]": pytest.approx(error)}
    tools.set_scale(session, pixels_per_metre=100.0)
    told = tools.quantity(session, "amplitude", unit="cm")
    amplitude, error, _ = session.description().constants["amplitude"]
    assert f"{with_error(amplitude, error)} cm" in told.text and "the scale's own is not in it" in told.text


def test_g_with_a_scale_has_an_error_and_a_warning(chat):
    session = chat("parabolic")
    tools.set_scale(session, pixels_per_metre=100.0)
    result = tools.quantity(session, "g")
    acceleration, error, _ = session.description().constants["acceleration"]
    assert f"g is {with_error(acceleration / 100, error / 100)} m/s²" in result.text
    assert "on Earth g is 9.81" in result.values["warning"]


def test_errors_are_explained_with_their_numbers_and_what_is_not_in_them(chat):
    session = chat()
    text = tools.explain(session, "error").text
    period, error, _ = session.description().constants["period"]
    assert f"period {with_error(period, error)} s" in text and "standard error" in text
    assert "the scale" in text and "No error is computed for any" not in text
    session._description = replace(session.description(), measurement=None)
    assert "No error is computed for any number here" in tools.explain(session, "error").text


def test_describing_says_what_was_measured_and_how_many_phases_there_are(chat):
    result = tools.describe_video(chat())
    assert "Measured from 0.00 to 1.40 s of the video: period 1.25" in result.text and "2 phases" in result.text
    assert "z is not seen" in result.caveats and "assumed field of view" not in result.caveats
    assert result.values["measured"]["x"]


def test_phases_are_listed_in_words_and_as_values(chat):
    session = chat("bouncing")
    result = tools.phases(session)
    lines = result.text.splitlines()
    assert "2 phases" in lines[0] and lines[1].startswith("1. 0.00 to 1.40 s: bouncing, which the answer is about; ")
    assert "restitution 0.80" in lines[1] and lines[2] == "2. 1.40 to 1.60 s: at rest"
    assert [one["kind"] for one in result.values["phases"]] == ["motion", "rest"]
    session._description = replace(session.description(), phases=())
    with pytest.raises(UserError, match="nothing was measured"):
        tools.phases(session)


@pytest.mark.parametrize("text", ["list the phases", "what happens after it lands?", "what happens next?"])
def test_phases_can_be_asked_for(text):
    assert plan(text) == [Call("phases")]


def test_several_objects_are_pointed_out_and_one_can_be_meant(chat):
    describer = Several(family="oscillating")
    session = chat(describer=describer)
    text = tools.describe_video(session).text
    assert "'the one at 100,200' or 'the one at 320,180'" in text and "--at" not in text
    assert "several objects move" in why(session.description()).lower()
    answer = Agent(session).ask("the one at 320,180")
    assert describer.asked == [None, (320.0, 180.0)]
    assert "The motion is oscillating" in answer.text and "several" not in answer.text.lower()


def test_a_place_stays_for_the_video_and_goes_with_it(chat, tmp_path):
    describer = Several(family="oscillating")
    session = chat(describer=describer)
    tools.point_at(session, 320, 180, 0.5)
    tools.choose_window(session, 0.0, 1.5)
    assert describer.asked == [(320, 180, 0.5)] * 2
    session.add_video(fake.write_video(tmp_path / "other.mp4"))
    session.description()
    assert describer.asked[-1] is None


def test_a_place_that_is_none_is_a_sentence(chat):
    with pytest.raises(UserError, match="upper left corner"):
        tools.point_at(chat(), -3, 180)


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("I mean the one at 320,180", [Call("point_at", {"x_px": 320.0, "y_px": 180.0})]),
        ("the ball near (99, 64) at 1.5 s", [Call("point_at", {"x_px": 99.0, "y_px": 64.0, "t_s": 1.5})]),
        (
            "what's the period of the one at 320,180?",
            [Call("point_at", {"x_px": 320.0, "y_px": 180.0}), Call("quantity", {"name": "period"})],
        ),
        ("where is the ball at 10,50 s", [Call("position_at", {"t_s": 10.5, "clock": "clip"})]),
    ],
)
def test_a_place_is_read_as_pixels_and_a_time_as_a_time(text, calls):
    assert plan(text) == calls


@pytest.mark.parametrize("reason", ["held", "irregular", "too_short"])
def test_why_says_that_and_why_an_answer_is_refused(chat, reason):
    session = chat()
    found = replace(session.description(), known=False, refused=(reason, "a sentence"), doubt="a sentence")
    text = why(found)
    assert "refused" in text and "a sentence" in text and "follows a sine" not in text


def test_a_refusal_says_in_the_chats_words_what_would_help(chat):
    session = chat()
    sentence = "it explains only 20% of the path; give --start and --end of a part in which it moves freely"
    session._description = replace(session.description(), known=False, refused=("held", sentence), doubt=sentence)
    text = tools.describe_video(session).text
    assert text.startswith("The answer is refused. It explains only 20%") and "--" not in text
    assert "say a part such as 'look at 1 to 2 s' in which it moves freely." in text
    assert text.index("The nearest curve is oscillating") < text.index(
        "It measures from 0.00 to 1.40 s of the video: period"
    )
    assert plan("look at 1 to 2 s") == [Call("choose_window", {"start_s": 1.0, "end_s": 2.0})]


def test_a_plot_of_positions_has_the_places_that_were_seen(chat, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(plots.Figure, "savefig", lambda self, *_, **__: drawn.extend(self.axes))
    session = chat()
    plots.plot_over_time(session.description(), ("position", "velocity"), tmp_path / "plot.png", "m", 2.0)
    position, velocity = drawn
    seen = [line for line in position.lines if line.get_label() == "seen"]
    assert len(seen) == 2 and not any(line.get_label() == "seen" for line in velocity.lines)
    t, x = seen[0].get_data()
    assert np.abs(x - 2 * fake.SWING.positions(t)[:, 0]).max() < 0.05
    labels = [text.get_text() for text in position.get_legend().get_texts()]
    assert labels.count("seen") == 1 and len(labels) == 4
