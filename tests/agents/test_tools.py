"""What each tool promises, called from Python with no agent: numbers, units, files, and sentences where it can't."""

import contextlib
import csv
import json
from dataclasses import replace

import av
import cv2
import numpy as np
import pytest
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from tests.ui import fake
from trajvlm.agents import tools
from trajvlm.agents.session import Result, Session
from trajvlm.data.errors import UserError
from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.families import FAMILIES
from trajvlm.vlm.quantities import NAMES


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return fake.write_video(tmp_path_factory.mktemp("video") / "throw.mp4")


@pytest.fixture()
def chat(video, tmp_path):
    def begin(family="helical"):
        return Session(fake.FakeDescriber(family=family), tmp_path / "chat", [video])

    return begin


def number(result):
    (value,) = result.values.values()
    return value


def test_describing_names_the_family_the_rivals_and_the_limit(chat):
    result = tools.describe_video(chat())
    assert "helical" in result.text and "93%" in result.text and "circular 6%" in result.text
    assert "can't tell" in result.caveats and result.values["refined"] == fake.TRUE.to_text()


def test_equations_raw_refined_and_both(chat):
    session = chat()
    assert tools.equation(session).values == {"refined": fake.TRUE.to_text()}
    assert tools.equation(session, "raw").values == {"raw": fake.RAW.to_text()}
    assert set(tools.equation(session, "both").values) == {"raw", "refined"}


def test_equations_are_in_the_lengths_that_they_name(chat):
    session = chat()
    tools.set_scale(session, pixels_per_metre=100.0)
    result = tools.equation(session, "both")
    assert "in metres" in result.text
    t = np.linspace(0, fake.SECONDS, 9)
    for name, one in (("raw", fake.RAW), ("refined", fake.TRUE)):
        np.testing.assert_allclose(
            Equation.from_text(result.values[name]).positions(t), one.positions(t) * session.metres_per_unit, atol=1e-3
        )


def test_refinement_shows_both_equations_and_how_far_apart_their_curves_are(chat):
    session = chat()
    result = tools.refine(session)
    assert result.values["raw"] == fake.RAW.to_text() and result.values["refined"] == fake.TRUE.to_text()
    t = np.linspace(0, fake.SECONDS, 2000)
    space = np.linalg.norm(fake.TRUE.positions(t) - fake.RAW.positions(t), axis=-1)
    found = session.description()
    picture = np.linalg.norm(found.pixels(fake.TRUE, t) - found.pixels(fake.RAW, t), axis=-1)
    for name, truth in (
        ("mean_distance_u", space.mean()),
        ("greatest_distance_u", space.max()),
        ("greatest_at_s", t[space.argmax()]),
        ("mean_distance_px", picture.mean()),
        ("greatest_distance_px", picture.max()),
    ):
        assert result.values[name] == pytest.approx(truth, rel=0.01), name
    assert f"{space.mean():.2g} u apart" in result.text and f"{picture.mean():.1f} pixels" in result.text
    tools.set_scale(session, pixels_per_metre=100.0)
    metres = tools.refine(session).values["mean_distance_m"]
    assert metres == pytest.approx(space.mean() * session.metres_per_unit, rel=0.01)


def test_refinement_that_changed_the_family_says_so_and_none_is_a_sentence(chat):
    session = chat()
    doubt = "the language model alone says circular (60%), the fit to its tokens alone helical (90%)"
    session._description = replace(session.description(), model_family="circular", doubt=doubt)
    text = tools.refine(session).text
    assert "from circular to helical" in text and "The language model alone says circular (60%)" in text
    session._description = replace(session.description(), refined=None)
    with pytest.raises(UserError, match="nothing was refined"):
        tools.refine(session)


def test_the_script_without_networks_stands_beside_the_answer(chat):
    session = chat()
    result = tools.compare_with_track_and_fit(session)
    assert result.values["script_family"] == "helical" and "as the answer says" in result.text
    t = np.linspace(0, fake.SECONDS, 50)
    script = Equation.from_text(result.values["script_equation"])
    # Depth is what one view hardly shows, so the curves are compared in the picture.
    found = session.description()
    away = np.linalg.norm(found.pixels(script, t) - found.pixels(fake.TRUE, t), axis=-1)
    assert np.median(away) < 5 and result.values["mean_distance_px"] == pytest.approx(away.mean(), rel=0.1)
    session._description = replace(found, family="circular")
    assert "and not circular, as the answer says" in tools.compare_with_track_and_fit(session).text


def test_a_clip_in_which_the_script_finds_nothing_is_a_sentence_that_says_why(chat, monkeypatch):
    session = chat()
    found = session.description()
    session._description = replace(found, clip=replace(found.clip, frames=found.clip.frames * 0))
    with pytest.raises(UserError, match="finds the object in too few frames .* nothing stands out"):
        tools.compare_with_track_and_fit(session)
    monkeypatch.setattr(fake, "RADIUS", 0.05)
    with pytest.raises(UserError, match="a ball of one or two pixels"):
        tools.compare_with_track_and_fit(session)


def test_an_object_as_small_as_the_tokens_can_show_makes_a_scale_unsure(chat, monkeypatch):
    session = chat()
    assert "Careful" not in tools.set_scale(session, object_diameter_m=0.1).text
    monkeypatch.setattr(fake, "RADIUS", 0.05)
    text = tools.set_scale(session, object_diameter_m=0.1).text
    assert "Careful" in text and "may be smaller" in text
    assert "may be smaller" in tools.choose_window(session, 0.4, 1.4).text
    assert "Careful" not in tools.set_scale(session, pixels_per_metre=100.0).text


def test_position_on_both_clocks_and_its_pixel(chat):
    session = chat()
    tools.choose_window(session, 0.4, 1.4)
    clip, film = tools.position_at(session, 0.3), tools.position_at(session, 0.7, "video")
    assert clip.values["position_u"] == pytest.approx(film.values["position_u"])
    np.testing.assert_allclose(clip.values["position_u"], fake.TRUE.positions(np.array(0.7)), atol=1e-6)
    pixel = session.description().pixels(session.description().best, np.array([0.3]))[0]
    assert clip.values["pixel"] == pytest.approx(list(pixel))
    assert "outside the clip" not in clip.text


def test_a_forecast_continues_the_equation_and_says_so(chat):
    result = tools.forecast(chat(), 0.5)
    np.testing.assert_allclose(result.values["position_u"], fake.TRUE.positions(np.array(fake.SECONDS + 0.5)))
    assert "nothing was seen there" in result.text
    with pytest.raises(UserError, match="0 to 60"):
        tools.forecast(chat(), -1)


def test_a_forecast_behind_the_camera_has_no_pixel(chat):
    assert "behind the camera" in tools.forecast(chat(), 30).text


def test_quantities_of_a_helix(chat):
    session = chat()
    # x = 0.05 cos, y = 0.45 cos, z = 0.45 sin, all with 7.85 rad/s: very nearly a circle.
    assert number(tools.quantity(session, "period")) == pytest.approx(2 * np.pi / 7.85)
    assert number(tools.quantity(session, "frequency")) == pytest.approx(7.85 / 2 / np.pi)
    assert number(tools.quantity(session, "radius")) == pytest.approx(0.45, rel=0.02)
    assert number(tools.quantity(session, "pitch")) == pytest.approx(np.hypot(0.62, 0.38) * 2 * np.pi / 7.85)
    t = np.array([0.7, 0.7 + 1e-6])
    speed = np.linalg.norm(np.diff(fake.TRUE.positions(t), axis=0)) / 1e-6
    assert number(tools.quantity(session, "speed", 0.7)) == pytest.approx(speed, rel=1e-4)


def test_quantities_of_a_throw_and_a_swing(chat):
    throw, swing = chat("parabolic"), chat("oscillating")
    assert number(tools.quantity(throw, "acceleration")) == pytest.approx(3.0)
    heights = tools.quantity(throw, "height")
    assert list(heights.values.values())[0] == pytest.approx(0.96, abs=1e-4) and "t = 0.80 s" in heights.text
    assert number(tools.quantity(swing, "amplitude")) == pytest.approx(np.hypot(0.6, 0.2))
    with pytest.raises(UserError, match="amplitude"):
        tools.quantity(swing, "radius")
    with pytest.raises(UserError, match="does not repeat itself"):
        tools.quantity(throw, "period")


def test_quantities_of_motions_that_fade_or_grow(chat):
    fading, growing = chat("damped"), chat("spiral")
    assert number(tools.quantity(fading, "period")) == pytest.approx(2 * np.pi / 5)
    amplitude = tools.quantity(fading, "amplitude")
    assert number(amplitude) == pytest.approx(np.hypot(0.6, 0.2)) and "halves every 0.99 s" in amplitude.text
    assert number(tools.quantity(fading, "decay")) == pytest.approx(np.log(2) / 0.7)
    assert "doubles every 0.99 s" in tools.quantity(growing, "radius").text
    assert "doubling time" in tools.quantity(growing, "decay").text
    with pytest.raises(UserError, match="nothing of it fades"):
        tools.quantity(chat("oscillating"), "decay")


def test_quantities_of_a_bouncing_ball(chat):
    session = chat("bouncing")
    found = tools.quantity(session, "restitution")
    # The flights last 1.0 and 0.8 s; the second impact, at 1.5 s, lies within the clip of 1.6 s.
    assert found.values == {"restitution": pytest.approx(0.8)} and "impacts at 0.70, 1.50 s" in found.text
    tools.set_scale(session, object_diameter_m=0.24)
    assert tools.quantity(session, "g").values["g [m/s²]"] == pytest.approx(5.0, rel=0.05)
    with pytest.raises(UserError, match="only a bouncing ball"):
        tools.quantity(chat("parabolic"), "restitution")


def test_g_needs_a_scale_and_a_free_flight(chat):
    session = chat("parabolic")
    with pytest.raises(UserError, match="how wide the object is"):
        tools.quantity(session, "g")
    tools.set_scale(session, object_diameter_m=0.24)
    result = tools.quantity(session, "g")
    # One unit is a metre: the ball's radius is 0.12 in both. The size is read from the decoded picture.
    assert result.values["g [m/s²]"] == pytest.approx(3.0, rel=0.05) and "m/s²" in result.text
    with pytest.raises(UserError, match="free flight"):
        tools.quantity(chat(), "g")


def test_both_kinds_of_scale_turn_units_into_metres(chat):
    session = chat()
    assert "u/s" in tools.quantity(session, "speed", 0.5).text and "No scale is set" in tools.equation(session).text
    tools.set_scale(session, pixels_per_metre=100.0)
    assert session.metres_per_unit == pytest.approx(0.45 * 270 / 100)
    assert "m/s" in tools.quantity(session, "speed", 0.5).text
    tools.set_scale(session, object_diameter_m=0.067)
    assert session.metres_per_unit == pytest.approx(0.067 / 0.24, rel=0.05)


@pytest.mark.parametrize("wrong", [{}, {"object_diameter_m": 1, "pixels_per_metre": 1}, {"object_diameter_m": -1}])
def test_a_scale_is_one_positive_length(chat, wrong):
    session = chat()
    with pytest.raises(UserError):
        tools.set_scale(session, **wrong)
    assert session.scale is None


def test_a_window_is_described_anew_and_a_bad_one_changes_nothing(chat):
    session = chat()
    result = tools.choose_window(session, 0.5, 1.2)
    assert "0.50 to 1.20 s" in result.text
    for wrong in ((1.2, 0.5), (-1, None), (1.55, None)):
        with pytest.raises(UserError):
            tools.choose_window(session, *wrong)
        assert (session.start, session.end) == (0.5, 1.2) and session.described
    assert "0.00 to 1.60 s" in tools.choose_window(session).text


def test_the_scale_survives_a_new_window_as_the_length_that_was_given(chat):
    session = chat()
    tools.set_scale(session, object_diameter_m=0.24)
    tools.choose_window(session, 0.4, 1.4)
    assert session.metres_per_unit == pytest.approx(1.0, rel=0.05)


@pytest.mark.parametrize("what", ["position", "velocity", "acceleration", "all"])
def test_plots_are_pictures_in_the_sessions_folder(chat, what):
    session = chat()
    (path,) = tools.plot(session, what).files
    assert path.parent == session.folder and cv2.imread(str(path)).std() > 5


def test_the_curve_lies_on_the_ball_in_an_h264_video(chat, video):
    session = chat()
    (path,) = tools.draw_curve(session).files
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        drawn = [f.to_ndarray(format="rgb24").astype(int) for f in container.decode(video=0)]
    with av.open(str(video)) as container:
        plain = [f.to_ndarray(format="rgb24").astype(int) for f in container.decode(video=0)]
    assert len(drawn) == len(plain)
    for k in (5, 20, 40):
        x, y = session.description().pixels(fake.TRUE, np.array([k / fake.RATE]))[0]
        here = drawn[k][round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3].mean(axis=(0, 1))
        assert here[2] > here[0] + 60, "the dot is blue, the ball is yellow"


def test_tokens_are_shown_beside_what_they_decode_to(chat):
    result = tools.show_tokens(chat())
    assert "36 codes" in result.text and np.shape(result.values["codes"]) == (9, 2, 2) and result.files[0].exists()


def test_tables_carry_units_in_their_columns(chat):
    session = chat()
    (path,) = tools.save_table(session).files
    rows = list(csv.DictReader(path.open()))
    assert len(rows) == 61 and float(rows[30]["x_u"]) == pytest.approx(fake.TRUE.positions(np.array(0.8))[0], abs=1e-5)
    tools.set_scale(session, pixels_per_metre=100.0)
    (path,) = tools.save_table(session, "json").files
    saved = json.loads(path.read_text())
    assert "vx_m_per_s" in saved["table"][0] and saved["family"] == "helical"


def test_arithmetic_is_parsed_and_never_run(chat):
    assert tools.evaluate(chat(), "9.81*t**2/2", 0.5).values["value"] == pytest.approx(1.22625)
    for text in ("__import__('os')", "1/0", "sqrt(0-1)", "x + 1", "t" * 300, "", "True", "1j", "'a' * 3", "[1] * 3"):
        with pytest.raises(UserError):
            tools.evaluate(chat(), text)


def test_only_plain_python_values_leave_a_tool(chat):
    assert set(fake.PATHS) == set(FAMILIES)
    asked = 0
    for family in FAMILIES:
        for scaled in (False, True):
            session = chat(family)
            if scaled:
                tools.set_scale(session, pixels_per_metre=100.0)
            for name in NAMES:
                for arguments in ({}, {"t_s": 0.3}, {"pendulum_length_m": 0.4}):
                    with contextlib.suppress(UserError):
                        values = tools.quantity(session, name, **arguments).values
                        assert {type(value) for value in values.values()} <= {float, str}, (family, name)
                        JsonPlusSerializer().dumps_typed(values)
                        asked += 1
    assert asked > 100
    mixed = Result(
        "", {"a": np.float64(1), "b": [np.arange(2), {"c": np.bool_(True)}], "d": (np.str_("e"), None)}
    ).values
    assert mixed == {"a": 1.0, "b": [[0, 1], {"c": True}], "d": ["e", None]}
    assert type(mixed["a"]) is float and type(mixed["b"][0][0]) is int and type(mixed["d"][0]) is str
    with pytest.raises(TypeError):
        Result("", {"a": object()})


def test_g_of_a_pendulum_follows_from_its_length_and_period(chat):
    swing, fading = chat("oscillating"), chat("damped")
    # Both swing at 5 rad/s; the second fades at 0.7 a second, which makes it swing a little slower.
    result = tools.quantity(swing, "g", pendulum_length_m=9.81 / 25)
    assert result.values == {"g [m/s²]": pytest.approx(9.81)} and "4 pi² L / T²" in result.text
    assert tools.quantity(fading, "g", pendulum_length_m=9.81 / 25.49).values["g [m/s²]"] == pytest.approx(9.81)
    with pytest.raises(UserError, match="how long the string is"):
        tools.quantity(swing, "g")
    for wrong in (0.0, -1.0, float("nan"), 1e6):
        with pytest.raises(UserError, match="a pendulum is"):
            tools.quantity(swing, "g", pendulum_length_m=wrong)
    with pytest.raises(UserError, match="of a pendulum only"):
        tools.quantity(chat("parabolic"), "g", pendulum_length_m=1.0)
    with pytest.raises(UserError, match="leave it out"):
        tools.quantity(swing, "period", pendulum_length_m=1.0)


def test_the_launch_angle_is_that_of_the_first_velocity(chat):
    result = tools.quantity(chat("parabolic"), "launch_angle")
    assert result.values == {"launch angle [degrees]": pytest.approx(np.degrees(np.arctan2(2.4, 0.9)))}
    assert "above the horizontal" in result.text and "to the right" in result.text
    with pytest.raises(UserError, match="launch angle"):
        tools.quantity(chat("damped"), "launch_angle")


def test_a_g_that_can_not_be_the_earths_brings_a_word_on_frame_rate_and_scale(chat):
    session = chat("parabolic")
    tools.set_scale(session, pixels_per_metre=121.5 / 3.27)
    right = tools.quantity(session, "g")
    assert right.values == {"g [m/s²]": pytest.approx(9.81)} and "Careful" not in right.text
    # A video that plays at half the speed shows a quarter of g.
    tools.set_scale(session, pixels_per_metre=121.5 / 3.27 * 4)
    wrong = tools.quantity(session, "g")
    assert "Careful" in wrong.text and "2 times slower" in wrong.text and "scale" in wrong.text
    assert wrong.values["warning"] in wrong.text
    doubt = "the language model alone says parabolic (60%), the fit to its tokens alone linear (90%)"
    session._description = replace(session.description(), doubt=doubt)
    assert "linear (90%)" in tools.quantity(session, "g").text


def test_slow_motion_is_the_files_rate_times_a_number(chat):
    session = chat()
    text = tools.describe_video(session, slow_motion=8).text
    assert session.fps == pytest.approx(8 * fake.RATE) and "240 frames a second" in text
    tools.describe_video(session, slow_motion=1)
    assert session.fps is None
    for wrong in ({"slow_motion": 0.5}, {"slow_motion": float("nan")}, {"frames_per_second": 1e300}):
        with pytest.raises(UserError):
            tools.describe_video(session, **wrong)
    with pytest.raises(UserError, match="not both"):
        tools.describe_video(session, frames_per_second=240, slow_motion=8)
    assert session.fps is None


def test_a_scale_is_forgotten(chat):
    session = chat()
    tools.set_scale(session, pixels_per_metre=100.0)
    assert "in u" in tools.set_scale(session, forget=True).text and session.scale is None
    with pytest.raises(UserError, match="either set or forgotten"):
        tools.set_scale(session, pixels_per_metre=100.0, forget=True)


def test_a_new_window_says_what_a_unit_is_in_it(chat, monkeypatch):
    session = chat()
    tools.set_scale(session, pixels_per_metre=100.0)
    whole = session.metres_per_unit
    half = fake.placement(240, 135)
    monkeypatch.setattr(fake, "placement", lambda *arguments: half)
    result = tools.choose_window(session, 0.4, 1.4)
    assert session.metres_per_unit == pytest.approx(whole / 2)
    assert f"1 u is now {whole / 2:.3g} m" in result.text
    assert result.values["metres_per_unit"] == pytest.approx(whole / 2)
    shown, best = Equation.from_text(result.values["equation_m"]), session.description().best
    t = np.linspace(0, 1, 5)
    np.testing.assert_allclose(shown.positions(t), best.positions(t) * whole / 2, atol=1e-3)


def test_why_it_is_what_it_is_and_what_is_known_of_an_error(chat):
    session = chat("parabolic")
    reason = tools.explain(session, "family").text
    assert "is a parabola" in reason and "90%" in reason
    text = tools.explain(session, "error").text
    assert "No error is computed" in text and "No scale is set" in text
    tools.set_scale(session, object_diameter_m=0.24)
    assert "ten percent" in tools.explain(session, "error").text
    session._description = replace(session.description(), known=False)
    assert "none of the known families" in tools.explain(session, "family").text


def test_times_far_from_the_clip_are_refused(chat):
    for t in (1e9, -1e300, float("nan"), float("inf")):
        with pytest.raises(UserError, match="within 60 seconds"):
            tools.quantity(chat("spiral"), "speed", t)


def test_no_video_and_no_other_files(tmp_path, video):
    session = Session(fake.FakeDescriber(), tmp_path)
    with pytest.raises(UserError, match="no video in this chat"):
        tools.describe_video(session)
    session.add_video(video)
    other = fake.write_video(tmp_path / "other.mp4")
    for name in (str(other), "/etc/passwd", "../other.mp4", "2"):
        with pytest.raises(UserError, match="there is no video .* here; there is: throw.mp4"):
            tools.describe_video(session, video=name)
    assert "helical" in tools.describe_video(session, video="throw").text


def test_an_error_names_the_video_and_not_where_it_lies(tmp_path):
    (tmp_path / "bad.mp4").write_text("no video")
    session = Session(fake.FakeDescriber(), tmp_path, [tmp_path / "bad.mp4"])
    with pytest.raises(UserError) as caught:
        tools.describe_video(session)
    sentence = session.sentence(caught.value)
    assert sentence.startswith("bad.mp4 is") and sentence.endswith(".") and str(tmp_path) not in sentence


def test_a_new_video_forgets_the_scale_and_the_window(chat, tmp_path):
    session = chat()
    tools.set_scale(session, pixels_per_metre=100)
    tools.choose_window(session, 0.2, 1.0)
    session.add_video(fake.write_video(tmp_path / "second.mp4"))
    assert session.scale is None and session.start is None and not session.described
    tools.describe_video(session, video="1")
    assert session.video.name == "throw.mp4"


class Recording(fake.FakeDescriber):
    """Keeps the times that it was asked for."""

    count = 0

    def describe(self, video, start=None, end=None, fps=None, **options):
        self.asked, self.count = (start, end, fps), self.count + 1
        return super().describe(video, start, end, fps, **options)


def test_a_video_is_described_once_with_the_field_of_view_and_not_at_all_to_forget_a_scale(chat):
    session = chat()
    session.describer = describer = Recording()
    tools.set_scale(session, forget=True)
    assert describer.count == 0
    tools.describe_video(session, field_of_view_deg=90)
    assert describer.count == 1


def test_a_window_is_seconds_of_the_file_as_it_plays_whatever_the_frame_rate(chat):
    session = chat()
    session.describer = describer = Recording()
    tools.choose_window(session, 0.4, 1.4)
    text = tools.describe_video(session, slow_motion=2).text
    assert describer.asked == (pytest.approx(0.2), pytest.approx(0.7), pytest.approx(2 * fake.RATE))
    assert "0.40 to 1.40 s of the video" in text
    place = tools.position_at(session, 0.5, "video")
    assert place.values["t_s"] == pytest.approx(0.05) and place.values["video_s"] == pytest.approx(0.5)
    tools.describe_video(session, slow_motion=1)
    assert describer.asked == (0.4, 1.4, None)
    session.begin_with(0.4, 1.4, 120.0, None)
    session.change()
    assert describer.asked[:2] == (pytest.approx(0.1), pytest.approx(0.35))
