"""What was measured stands first wherever a person or a program reads an answer, each number with its error."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from rich.console import Console

from tests.ui import fake
from trajvlm.data.motions.readable import bounce
from trajvlm.ui.answer_card import bars, equations, phases
from trajvlm.ui.answer_details import Extras
from trajvlm.ui.columns import COLUMNS, values
from trajvlm.ui.figures import draw
from trajvlm.ui.results_folder import Results
from trajvlm.ui.terminal_output import print_answer
from trajvlm.vlm.quantities import with_error
from trajvlm.vlm.scale import Scale

METRE = Scale(pixels_per_metre=100)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return fake.write_video(tmp_path_factory.mktemp("video") / "ball.mp4")


@pytest.fixture(scope="module")
def found(video):
    return lambda family: fake.FakeDescriber(family=family, measures=True).describe(video)


def printed(description, extras=None):
    text = io.StringIO()
    print_answer(Console(file=text, width=200), "ball.mp4", description, extras=extras or Extras())
    return text.getvalue()


def test_the_terminal_says_first_what_was_measured_and_then_the_stages_before(found):
    description = found("oscillating")
    text = printed(description)
    period, error, _ = description.constants["period"]
    words = (f"measured    period {with_error(period, error)} s, amplitude", "root mean square", "equation ", "phases ")
    after = ("limit ", "refined ", "raw ")
    places = [text.index(word) for word in (*words, *after)]
    assert places == sorted(places)
    assert "1.40 to 1.60 s at rest" in text and "(this answer)" in text
    assert "z is not seen" in text and "assumes a field of view" not in text


def test_the_terminal_says_what_the_scale_of_a_seen_depth_rests_on(found):
    assert "the scale of z assumes a field of view of 60 degrees" in printed(found("parabolic"))


@pytest.mark.parametrize("family", ["parabolic", "bouncing"])
def test_with_a_scale_g_is_measured_in_metres_and_one_far_from_the_earths_is_warned_of(found, family):
    description = found(family)
    text = printed(description, Extras.of(description, METRE))
    acceleration, error, _ = description.constants["acceleration"]
    g = with_error(acceleration / 100, error / 100)
    assert f"measured    g {g} m/s²" in text and "on Earth g is 9.81 m/s²" in text and "frame rate" in text
    assert "9.81" not in printed(description)


def test_a_fading_size_is_told_by_the_time_in_which_it_halves(found):
    rate, error, _ = found("damped").constants["decay"]
    assert f"halves every {with_error(np.log(2) / rate, np.log(2) * error / rate**2)} s" in printed(found("damped"))
    assert "doubles every 0.99" in printed(found("spiral"))


def test_a_measured_bounce_is_printed_flight_by_flight(found):
    text = printed(found("bouncing"))
    assert "to 0.7 s, then " in text and "impact at 0.70 s; restitution 0.80" in text
    height = bounce(found("bouncing").best).height * found("bouncing").clip.placement.half_width_px
    assert f"first impact is {height:.3g} px high" in text
    assert " m high" in printed(found("bouncing"), Extras.of(found("bouncing"), METRE))


def refused(description, reason="irregular", **changes):
    return replace(description, known=False, refused=(reason, "a reason"), doubt="a reason", **changes)


def test_a_refusal_is_one_sentence_before_all_numbers(found):
    video, sentence, nearest, *numbers = printed(refused(found("circular"))).splitlines()
    assert sentence == "  refused: a reason" and nearest.startswith("  nearest     circular: ")
    assert numbers[0].startswith("  measured ") and not any("a reason" in line for line in numbers)
    assert not any("confidence" in line for line in numbers)


def test_several_objects_are_listed_with_what_points_at_them(found):
    assert "  nearest     circular" in printed(refused(found("circular")))
    text = printed(refused(found("circular"), "several_move", objects=((100.4, 200.0, 0.0), (320.0, 180.0, 1.25))))
    assert "  clearest    circular" in text
    assert "object      --at 100,200 is seen from 0.00 s on" in text
    assert "object      --at 320,180 is seen from 1.25 s on" in text


def test_the_card_has_numbers_before_probabilities_and_no_family_of_none(found):
    description = replace(found("circular"), probabilities={"circular": 0.9, "spiral": 0.098, "linear": 0.002})
    shown = bars(description)
    period, error, _ = description.constants["period"]
    number = f"<p>period {with_error(period, error)} s</p>"
    assert number in shown.replace("\N{NO-BREAK SPACE}", " ") and shown.index("measured") < shown.index("90%")
    assert (
        "spiral" in shown and "linear" not in shown and "measured" not in bars(replace(description, measurement=None))
    )


def test_the_card_of_a_refused_answer_begins_with_why(found):
    shown = bars(refused(found("circular")))
    assert shown.index("Refused") < shown.index("A reason.") < shown.index("Nearest: <b>circular</b>")
    assert "Refused" not in bars(found("circular"))


def test_the_picture_of_a_refused_answer_says_why_and_where_the_objects_are(found, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path: drawn.append(figure))
    several = ((100.4, 200.0, 0.0), (320.0, 180.0, 1.25))
    long = "several objects move at the same time; " + "say which one is meant " * 8
    description = replace(refused(found("oscillating"), objects=several), refused=("several_move", long))
    draw(description, tmp_path / "picture.png")
    [figure] = drawn
    figure.draw_without_rendering()
    texts = [text for text in figure.findobj(Text) if text.get_text()]
    assert [text.get_text() for text in texts].count("320,180") == 1
    [sentence] = [text for text in texts if text.get_text().startswith("several objects")]
    assert sentence.get_window_extent().x1 <= figure.bbox.x1
    others = [text for text in texts if text.get_text() == "refused" or text.get_text().startswith("clearest: ")]
    box = sentence.get_window_extent()
    assert len(others) == 2 and not any(text.get_window_extent().overlaps(box) for text in others)


@pytest.mark.parametrize("family", ["damped", "bouncing"])
def test_on_a_narrow_terminal_lines_end_between_words_terms_and_flights(found, family):
    text, width = io.StringIO(), 72
    print_answer(Console(file=text, width=width, force_terminal=True, color_system=None), "ball.mp4", found(family))
    lines = text.getvalue().splitlines()
    assert max(map(len, lines)) <= width and "\N{NO-BREAK SPACE}" not in text.getvalue()
    assert all(line.startswith((" " * 14, "    ")) or line[2] != " " for line in lines[1:])
    assert not any(line.endswith((" ±", " +", " -", "(t")) for line in lines)
    joined = " ".join(" ".join(lines).split())
    assert all(" ".join(line.split()) in joined for line in printed(found(family)).splitlines())


def test_json_has_errors_and_with_a_scale_constants_in_metres(found):
    description = found("parabolic")
    told = Extras.of(description, METRE).to_dict(description)
    acceleration, error, _ = description.constants["acceleration"]
    assert told["constants"]["g"]["value"] == pytest.approx(acceleration / 100)
    assert told["constants"]["g"]["sd"] == pytest.approx(error / 100, rel=0.01)
    assert told["constants"]["g"]["unit"] == "m/s^2"
    [g] = told["quantities"]["g"]
    assert g["error"] == pytest.approx(error / 100, rel=0.01) and g["value"] == pytest.approx(acceleration / 100)
    assert Extras().to_dict(description).keys().isdisjoint({"constants"})
    assert told["quantities"]["launch_angle"][0]["error"] is None
    json.dumps(told)


@pytest.mark.parametrize("family", list(fake.PATHS))
def test_a_row_has_the_measured_constants_in_pixels_and_the_phases(found, family):
    description = found(family)
    row = values(description, Extras.of(description, METRE))
    assert row.keys() <= COLUMNS.keys()
    for name, (value, error, _) in description.constants.items():
        assert row[f"measured_{name}"] == pytest.approx(value)
        assert row[f"measured_{name}_sd"] == pytest.approx(error, rel=0.01)
    assert row["residual_px"] == pytest.approx(description.measurement.best.residual_px, abs=1e-3)
    assert row["depth_seen"] is description.measurement.best.depth_seen and row["reason"] is None
    motion, rest = json.loads(row["phases"])
    assert motion["family"] == family and motion["constants"] and rest["kind"] == "rest"
    measured = {name: row[f"{name}_error"] for name in ("period", "radius", "g", "restitution") if row.get(name)}
    assert all(error > 0 for error in measured.values())


def test_every_measured_constant_has_a_column():
    from trajvlm.vlm.measure import _CONSTANTS

    for name in set().union(*_CONSTANTS.values()):
        assert {f"measured_{name}", f"measured_{name}_sd"} <= COLUMNS.keys()


def test_a_row_says_why_it_is_refused(found):
    description = replace(found("circular"), known=False, refused=("several_move", "a sentence"))
    row = values(description, Extras())
    assert row["reason"] == "several_move" and row["known"] is False


def test_the_card_is_labelled_measured_and_has_numbers_first(found):
    description = found("circular")
    text = equations(description)
    period, error, _ = description.constants["period"]
    shown = text.replace("\N{NO-BREAK SPACE}", " ")
    assert text.startswith("**Measured**") and f"- period {with_error(period, error)} s\n" in shown
    assert text.index("- radius") < text.index("**Measured equation:**") < text.index("$$")
    assert equations(replace(description, measurement=None)).startswith("**Refined:**")
    motion, rest = phases(description).replace("\N{NO-BREAK SPACE}", " ").splitlines()[2:]
    assert motion.startswith("- 0.00 to 1.40 s circular: period") and rest == "- 1.40 to 1.60 s at rest"
    assert "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}" in phases(description)


def test_the_card_warns_of_a_g_far_from_the_earths(found):
    [warning] = [line for line in equations(found("parabolic"), 1.2).splitlines() if "on Earth g is 9.81" in line]
    assert "9.81" not in equations(found("parabolic"), 1.2, f"g is so much. {warning} Lengths are in metres.")
    assert "9.81" not in equations(found("parabolic"))


def test_the_picture_has_the_places_the_curve_and_what_is_left_between_them(found, tmp_path, monkeypatch):
    description = found("oscillating")
    lines: dict[str, list[np.ndarray]] = {}
    plot = Axes.plot

    def record(self, *arguments, **options):
        if "label" in options:
            lines.setdefault(options["label"], []).append(np.array(arguments[:2], dtype=float))
        return plot(self, *arguments, **options)

    monkeypatch.setattr(Axes, "plot", record)
    draw(description, tmp_path / "picture.png")
    seen, track = lines["seen"], description.filmed_track
    assert len(seen) == 2 and len(lines["measured"]) == 2 and len(lines["raw answer"]) == 2
    for axis, (t, across) in enumerate(seen):
        curve = description.best.positions(t)[:, axis]
        pixels = np.abs(across - curve) * description.clip.placement.half_width_px
        assert len(t) == len(track) and pixels.max() < 5 * fake.NOISE_PX
    assert lines["measured"][0][0].max() == pytest.approx(fake.MOVES_S)
    right, up = lines["to the right"][0], lines["up"][0]
    expected = track.centres_px - description.measurement.best.pixels(track.times_s)
    assert right[1] == pytest.approx(expected[:, 0], abs=0.02) and up[1] == pytest.approx(-expected[:, 1], abs=0.02)


@pytest.mark.parametrize("window", [(0.0, 1.6), (0.3, 1.25)])
def test_the_answer_is_about_what_was_measured_and_not_only_what_the_networks_saw(video, window):
    whole = fake.FakeDescriber(family="bouncing", measures=True).describe(video, *window)
    best, place = whole.measurement.best, whole.clip.placement
    assert whole.lasts_s == pytest.approx(best.stop_s - place.t0_s)
    later = replace(best, start_s=best.start_s, stop_s=best.stop_s + 1.0)
    longer = replace(whole, measurement=replace(whole.measurement, best=later))
    assert longer.lasts_s == pytest.approx(whole.lasts_s + 1.0)
    assert longer.projections[0].duration_s == longer.lasts_s
    assert replace(whole, measurement=None).lasts_s == place.duration_s


def test_impacts_after_the_end_of_the_clip_are_told_too(found):
    description = found("bouncing")
    short = replace(description.clip, placement=replace(description.clip.placement, duration_s=0.5))
    assert "impact at 0.70 s" in printed(replace(description, clip=short))


def test_a_depth_that_is_seen_keeps_its_panel(found, tmp_path, monkeypatch):
    panels = []
    titled = Axes.set_title
    monkeypatch.setattr(Axes, "set_title", lambda self, text, **k: panels.append(text) or titled(self, text, **k))
    draw(found("parabolic"), tmp_path / "deep.png")
    assert sum(text.startswith("z") for text in panels) == 1
    panels.clear()
    draw(found("oscillating"), tmp_path / "flat.png")
    assert not any(text.startswith("z") for text in panels) and any("seen minus measured" in one for one in panels)


def test_the_track_lies_beside_the_picture(found, video, tmp_path):
    Results(tmp_path).save(video, found("circular"))
    rows = list(csv.DictReader((tmp_path / "ball.track.csv").open()))
    assert len(rows) == round(fake.MOVES_S * fake.RATE) and {row["phase"] for row in rows} == {"circular"}
    assert max(float(row["residual_px"]) for row in rows) < 5 * fake.NOISE_PX
