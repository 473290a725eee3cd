"""A whole measurement with a program that answers at once: kept, gone on with, summed up, shown."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.eval.video_files.made_up import circle_file, said
from trajvlm.data.errors import UserError
from trajvlm.data.rendered.export import write_video
from trajvlm.eval.video_files import run
from trajvlm.eval.video_files.kept import Kept
from trajvlm.ui.cli import app


class Program:
    """Says the truth of each file but those that it is told to refuse or to crash at; writes down what it was asked."""

    def __init__(self, refuses=(), crashes=()):
        self.refuses, self.crashes, self.asked = refuses, crashes, []

    def __call__(self, folders):
        return self.describe

    def describe(self, video):
        self.asked.append(video.name)
        if video.name in self.crashes:
            raise ZeroDivisionError("by nothing")
        if video.name in self.refuses:
            raise UserError("several things move; give one of which one does", reason="several_move")
        return said(constants={"period": {"value": 1.01, "sd": 0.02}, "radius": {"value": 40.0, "sd": 0.5}})


@pytest.fixture()
def folder(tmp_path):
    """Two clean files and one of several things; the pictures are grey."""
    for suite, shows, count in (("clean", "one", 2), ("movers", "several", 1)):
        (tmp_path / "videos" / suite).mkdir(parents=True)
        lines = [circle_file(suite=suite, shows=shows).line | {"file": f"{suite}-{k}.mp4"} for k in range(count)]
        (tmp_path / "videos" / suite / "truth.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
        for one in lines:
            write_video(tmp_path / "videos" / suite / one["file"], np.full((8, 32, 32, 3), 99, np.uint8), 30)
    return tmp_path / "videos"


@pytest.fixture()
def program(monkeypatch):
    def use(**how):
        made = Program(**how)
        monkeypatch.setattr(run, "load", made)
        return made

    return use


def call(folder, *arguments):
    out = folder.parent / "out"
    return CliRunner().invoke(
        app, ["eval", "files", "--folder", str(folder), "--out", str(out), "--no-script", *map(str, arguments)]
    )


def results(folder):
    return json.loads((folder.parent / "out" / "files.json").read_text())


def test_answers_become_figures_tables_and_rows(folder, program):
    program(refuses=["movers-0.mp4"])
    done = call(folder, "--worst", 1)
    assert done.exit_code == 0, done.output
    told = results(folder)
    assert told["suites"]["clean"]["ours"]["family_right"]["share"] == 1.0
    assert told["suites"]["clean"]["ours"]["constants"]["period"]["all"]["error"]["median"] == 0.01
    assert told["suites"]["movers"]["ours"]["reasons"] == {"several_move": 1}
    rows = [json.loads(line) for line in (folder.parent / "out" / "rows.jsonl").read_text().splitlines()]
    assert [row["file"] for row in rows] == ["clean-0.mp4", "clean-1.mp4", "movers-0.mp4"]
    assert "period 1.01 for 1 (1.0% off)" in done.stdout and "100% (21% to 100%): 1 several_move" in done.stdout
    assert (folder.parent / "out" / "files.md").read_text() in done.stdout


def test_a_run_that_was_stopped_asks_only_for_what_is_missing(folder, program):
    program()
    assert call(folder, "--suite", "clean", "--n", 1).exit_code == 0
    kept = folder.parent / "out" / "answers.jsonl"
    # Killed in the middle of a line.
    kept.write_text(kept.read_text() + '{"suite": "clean", "file": "clean-1.mp4", "answ')
    again = program()
    assert call(folder).exit_code == 0
    assert again.asked == ["clean-1.mp4", "movers-0.mp4"]
    third = program()
    assert call(folder).exit_code == 0 and third.asked == []
    assert call(folder, "--again").exit_code == 0 and len(third.asked) == 3


def test_one_file_that_crashes_the_program_ends_nothing_and_is_asked_about_again(folder, program):
    program(crashes=["clean-0.mp4"])
    assert call(folder).exit_code == 0
    assert results(folder)["suites"]["clean"]["ours"]["reasons"] == {"crashed": 1}
    again = program()
    assert call(folder).exit_code == 0
    assert again.asked == ["clean-0.mp4"] and results(folder)["suites"]["clean"]["ours"]["reasons"] == {}


def test_a_file_that_has_changed_is_asked_about_again(folder, program):
    program()
    assert call(folder).exit_code == 0
    truth = folder / "clean" / "truth.jsonl"
    truth.write_text(truth.read_text().replace('"sha256": "0"', '"sha256": "1"'))
    again = program()
    assert call(folder).exit_code == 0 and again.asked == ["clean-0.mp4", "clean-1.mp4"]


def test_pairs_are_described_at_half_the_rate_as_well(folder, program):
    asked = program()
    done = call(folder, "--suite", "clean", "--pairs", 1)
    assert done.exit_code == 0, done.output
    assert asked.asked == ["clean-0.mp4", "clean-1.mp4", "clean-0.mp4"]
    assert results(folder)["half_rate"]["agree"]["count"] == 2 and "half the frame rate" in done.stdout


def test_answers_of_other_weights_are_not_mixed(folder, program, tmp_path):
    program()
    kept = tmp_path / "answers.jsonl"
    Kept(kept, {"weights": 1})
    with pytest.raises(UserError, match="answers of another program or other weights; give --again"):
        Kept(kept, {"weights": 2})
    Kept(kept, {"weights": 2}, again=True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--suite", "rain"], "truth.jsonl can't be read"),
        (["--adapter", "nowhere"], "there are no trained weights in nowhere"),
    ],
)
def test_what_is_not_there_is_a_sentence_and_status_1(folder, program, arguments, sentence):
    program()
    done = call(folder, *arguments)
    assert done.exit_code == 1 and sentence in done.stderr and "Traceback" not in done.output
    assert call(Path(folder / "none")).exit_code == 1


def test_the_script_is_asked_and_kept_beside_the_program(folder, program, monkeypatch):
    program()
    seen = []
    monkeypatch.setattr(run.script, "answer", lambda video: seen.append(video.name) or said(family="helical"))
    for _ in range(2):
        done = CliRunner().invoke(
            app, ["eval", "files", "--folder", str(folder), "--out", str(folder.parent / "out"), "--suite", "clean"]
        )
        assert done.exit_code == 0, done.output
    assert seen == ["clean-0.mp4", "clean-1.mp4"]
    told = results(folder)["suites"]["clean"]
    assert told["ours"]["family_right"]["share"] == 1.0 and told["script"]["family_right"]["share"] == 0.0
