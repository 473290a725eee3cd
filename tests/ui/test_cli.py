"""What the command line promises: exit statuses, one object a line, one bad video does not stop the others."""

import csv
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from tests.ui import fake
from trajvlm.data.motions.equation import Equation

COMMANDS = ("describe", "demo")


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return fake.write_video(tmp_path_factory.mktemp("video") / "throw.mp4")


def test_one_json_object_a_line_and_nothing_else(run, video, tmp_path):
    second = fake.write_video(tmp_path / "second.mp4")
    result = run("describe", video, second, "--json")
    assert result.exit_code == 0
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["video"] for answer in answers] == [str(video), str(second)]
    assert answers[0]["family"] == "helical" and Equation.from_text(answers[0]["refined"])


def test_a_bad_video_does_not_stop_the_others(run, video, tmp_path):
    bad = tmp_path / "notes.mp4"
    bad.write_text("no video")
    result = run("describe", bad, video, tmp_path / "nowhere.mp4", "--json")
    assert result.exit_code == 1
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert ["error" in answer for answer in answers] == [True, False, True]
    sentences = [line for line in result.stderr.splitlines() if line.strip()]
    assert sum("notes.mp4" in line for line in sentences) == 1 and "Traceback" not in result.output


def test_a_missing_model_is_one_sentence_and_status_1(run, video):
    result = run("describe", video, "--base-model", "missing")
    assert result.exit_code == 1
    assert result.stderr.strip().splitlines() == ["there are no weights in missing; give the folder of a model"]


@pytest.mark.parametrize("wrong", [[], ["--start", "2", "--end", "1"], ["--fps", "0"], ["--field-of-view", "400"]])
def test_wrong_usage_is_status_2(run, video, wrong):
    arguments = [video, *wrong] if wrong else []
    assert run("describe", *arguments).exit_code == 2


@pytest.mark.parametrize("out", [None, "table.csv"])
def test_a_window_is_seconds_of_the_file_whatever_the_frame_rate(run, video, tmp_path, out):
    window = ["--start", "0.4", "--end", "1.4", "--fps", str(2 * fake.RATE)]
    if out is None:
        place = json.loads(run("describe", video, "--json", *window).stdout)["frame"]
    else:
        assert run("describe", video, "--out", tmp_path / out, *window).exit_code == 0
        (place,) = csv.DictReader((tmp_path / out).open())
    # At twice the file's rate all happens in half the time.
    assert float(place["t0_s"]) == pytest.approx(0.2) and float(place["duration_s"]) == pytest.approx(0.5)


def test_refinement_can_be_left_out(run, video):
    assert json.loads(run("describe", video, "--json", "--no-refine").stdout)["refined"] is None


def test_a_person_reads_family_equations_and_what_is_not_known(run, video):
    shown = run("describe", video).stdout
    for words in ("helical", "93%", "x(t) =", "z(t) =", "refined", "raw", "one camera can't tell"):
        assert words in shown


def test_videos_of_one_name_do_not_overwrite_each_other(run, video, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    second = fake.write_video(other / "throw.mp4")
    out = tmp_path / "results"
    assert run("describe", video, second, "--out", out).exit_code == 0
    assert {f.name for f in out.iterdir()} == {"throw.png", "throw.json", "throw-2.png", "throw-2.json"}
    # The same videos again, in the other order: each keeps its own files.
    assert run("describe", second, video, "--out", out).exit_code == 0
    assert json.loads((out / "throw-2.json").read_text())["video"] == str(second)
    assert len(list(out.iterdir())) == 4


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(run, command):
    assert f"Example: trajvlm {command}" in run(command, "--help").stdout


def test_help_does_not_wait_for_the_networks():
    code = (
        "import sys; from typer.testing import CliRunner; from trajvlm.ui.cli import app;"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0;"
        "print(sorted({'torch', 'transformers', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        ["--right", "b.mp4"],
        ["--rig", "rig.json"],
        ["--right", "b.mp4", "--rig", "rig.json", "--scale", "6.7 cm"],
        ["--right", "b.mp4", "--rig", "rig.json", "--field-of-view", "90"],
        ["--right", "b.mp4", "--rig", "rig.json", "--no-refine"],
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(run, video, wrong):
    assert run("describe", video, *wrong).exit_code == 2


def test_two_views_are_asked_as_one_is(run, tmp_path, monkeypatch):
    monkeypatch.setattr("trajvlm.vlm.stereo.describe_pair", fake.describe_pair)
    left, right, rig = fake.write_pair(tmp_path)
    views = ("describe", left, "--right", right, "--rig", rig)
    shown = run(*views, "--ask", "what was g?", "--out", tmp_path / "results")
    assert shown.exit_code == 0, shown.output
    assert re.search(r"answer +g is 9\.81 m/s².*by the cameras' file", shown.stdout)
    saved = json.loads((tmp_path / "results" / "left.json").read_text())
    assert "9.81 m/s²" in saved["answer"] and saved["quantities"]["g"][0]["unit"] == "m/s²"
    told = json.loads(run(*views, "--json", "--ask", "the ball is 6.7 cm wide, what was g?").stdout)
    assert "have the scale of the cameras' file" in told["answer"] and told["calls"][0]["failed"]
    assert told["video"] == str(left) and told["right"]["family"] == "helical"
    picture = run(*views, "--ask", "draw the curve over the video", "--out", tmp_path / "results")
    assert picture.exit_code == 0 and len(list((tmp_path / "results").glob("curve-over-*.mp4"))) == 2


def test_what_speaks_against_a_quantity_is_told_of_two_views_too(run, tmp_path, monkeypatch):
    monkeypatch.setattr("trajvlm.vlm.stereo.describe_pair", fake.describe_pair)
    left, right, rig = fake.write_pair(tmp_path, "cm")
    (g,) = json.loads(run("describe", left, "--right", right, "--rig", rig, "--json").stdout)["quantities"]["g"]
    assert g["value"] == 9.81 and g["unit"] == "cm/s²" and "0.0981 is far from it" in g["warning"]


def test_two_views_that_can_not_be_described_are_one_sentence(run, tmp_path):
    left, right, rig = fake.write_pair(tmp_path)
    refused = run("describe", left, "--right", left, "--rig", rig)
    assert refused.exit_code == 1 and "are the same video" in refused.stderr
    assert "Traceback" not in refused.output
    told = run("describe", left, "--right", tmp_path / "none.mp4", "--rig", rig, "--json")
    assert told.exit_code == 1 and "none.mp4" in json.loads(told.stdout)["error"]


def test_a_broken_calibration_is_one_sentence_before_the_networks_load(run, video, tmp_path):
    rig = tmp_path / "rig.json"
    rig.write_text("{}")
    result = run("describe", video, "--right", video, "--rig", rig, "--base-model", "missing")
    assert result.exit_code == 1
    assert "does not describe two cameras" in result.stderr and len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("scale", "metres"), [("24 cm", 1.0), ("the ball is 240 mm wide", 1.0), ("121.5 px/m", 1.0), ("2 m away", 0.5)]
)
def test_a_scale_gives_the_equation_in_metres(run, video, scale, metres):
    answer = json.loads(run("describe", video, "--json", "--scale", scale).stdout)
    assert answer["metres_per_unit"] == pytest.approx(metres, rel=0.05)
    t = np.linspace(0, 1, 5)
    units, found = (Equation.from_text(answer[key]).positions(t) for key in ("refined", "equation_m"))
    assert np.allclose(found, units * answer["metres_per_unit"], rtol=1e-2, atol=1e-3)
    assert "unit        metre" in run("describe", video, "--scale", scale).stdout


def test_a_file_is_described_once_however_often_it_is_named(run, video, tmp_path):
    link = tmp_path / "again.mp4"
    link.symlink_to(video)
    named = [video, video, video.parent / "." / video.name, video.parent, link]
    assert len(run("describe", *named, "--json").stdout.splitlines()) == 1


def test_with_a_scale_quantities_are_numbers_in_metres_and_the_frame_says_that_the_scale_is_known(run, video):
    units, metres = (
        json.loads(run("describe", video, "--json", *scale).stdout) for scale in ([], ["--scale", "121.5 px/m"])
    )
    assert metres["frame"]["scale_known"] is True and metres["frame"]["t0_s"] == 0
    (radius,), (in_units,) = metres["quantities"]["radius"], units["quantities"]["radius"]
    assert radius["value"] == pytest.approx(0.45, rel=0.1) and radius["unit"] == "m"
    assert in_units["unit"] == "u" and metres["quantities"]["period"][0]["unit"] == "s"
    assert "g" not in metres["quantities"]


def test_what_an_answer_rests_on_stands_beside_it_as_numbers(run, video):
    asked = run("describe", video, "--json", "--scale", "121.5 px/m", "--ask", "what is the radius?")
    assert any(call["values"] for call in json.loads(asked.stdout)["calls"])


def test_other_weights_can_be_named(run, video, tmp_path):
    for option in ("--adapter", "--tokenizer"):
        assert run("describe", video, option, tmp_path).exit_code == 0
        for command in (["describe", video], ["ask", video, "what is it?"]):
            missing = run(*command, option, tmp_path / "nothing")
            assert missing.exit_code == 1 and "there are no weights in" in missing.stderr


def test_a_picture_is_written_whole_or_not_at_all(run, video, tmp_path, monkeypatch):
    def full(description, path, fps=None):
        path.write_bytes(b"half a picture")
        raise OSError(28, "No space left on device")

    assert run("describe", video, "--out", tmp_path).exit_code == 0
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    monkeypatch.setattr("trajvlm.ui.figures.draw", full)
    failed = run("describe", video, "--out", tmp_path)
    assert failed.exit_code == 1 and "No space left on device" in failed.stderr
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_scale_that_is_none_is_one_sentence(run, video):
    result = run("describe", video, "--scale", "rather large")
    assert result.exit_code == 1 and "is no scale" in result.stderr


def test_a_question_is_answered_beside_the_description_and_in_its_file(run, video, tmp_path):
    asked = ["--scale", "24 cm", "--ask", "what is the radius?", "--out", tmp_path]
    answer = json.loads(run("describe", video, "--json", *asked).stdout)
    assert "radius" in answer["answer"] and " m" in answer["answer"] and "router" in answer["answered_by"]
    assert json.loads((tmp_path / video.with_suffix(".json").name).read_text()) == answer
