"""A run keeps what it has measured, measures what is new, and says what it could not measure."""

import json
from dataclasses import replace

import pytest

from tests.eval.fake import Fake, Refusing, refuse, register
from trajvlm.data.errors import UserError
from trajvlm.data.rendered.render import render
from trajvlm.eval import run as module
from trajvlm.eval.registry import ENTRIES, find_entries
from trajvlm.eval.results_file import Results
from trajvlm.eval.run import measure, plan, run
from trajvlm.eval.suites import SUITES, find_suites

CLEAN = [SUITES["clean"]]


def cells(path):
    return json.loads(path.read_text())["suites"]["clean"]


def test_what_is_kept_is_not_measured_again(tmp_path, monkeypatch):
    fake, out = Fake(), tmp_path / "r.json"
    floor = register(monkeypatch, {"floor": lambda: fake})
    planned = plan(CLEAN, floor)
    run(planned, out, clips=2)
    run(planned, out, clips=2)
    assert fake.clips == 2
    run(planned, out, clips=2, again=True)
    assert fake.clips == 4
    run(planned, out, clips=3)
    assert fake.clips == 7 and cells(out)["floor"]["clips"] == 3
    fake.identity = {"weights": 2}
    run(planned, out, clips=3)
    assert fake.clips == 10
    assert list(json.loads(out.read_text())["identities"].values()) == [{"weights": 2}]
    monkeypatch.setattr(module, "VERSION", 99)
    run(planned, out, clips=3)
    assert fake.clips == 13


def test_other_clips_under_the_same_name_are_measured(tmp_path, monkeypatch):
    fake, out = Fake(), tmp_path / "r.json"
    floor = register(monkeypatch, {"floor": lambda: fake})
    run(plan(CLEAN, floor), out, clips=2)
    run(plan([replace(SUITES["half"], name="clean")], floor), out, clips=2)
    assert fake.clips == 4


def test_a_stopped_run_keeps_the_cells_before(tmp_path, monkeypatch):
    class Stopped(Fake):
        def answer(self, video):
            raise KeyboardInterrupt

    first, out = Fake(), tmp_path / "r.json"
    systems = {"floor": lambda: first, "track-and-fit": lambda: Stopped("track-and-fit")}
    planned = plan(CLEAN, register(monkeypatch, systems))
    with pytest.raises(KeyboardInterrupt):
        run(planned, out, clips=2)
    assert list(cells(out)) == ["floor"]
    systems["track-and-fit"] = lambda: Fake("track-and-fit")
    run(planned, out, clips=2)
    assert first.clips == 2 and list(cells(out)) == ["floor", "track-and-fit"]
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


def test_a_refusal_is_a_sentence_and_the_others_go_on(tmp_path, monkeypatch):
    said, out = [], tmp_path / "r.json"
    systems = {"cnn3d": refuse, "sindy": lambda: Refusing("sindy"), "floor": Fake}
    run(plan(CLEAN, register(monkeypatch, systems)), out, clips=2, say=said.append)
    assert cells(out)["cnn3d"] == {"refused": "package not supplied"}
    assert cells(out)["sindy"] == {"refused": "weights not supplied"} and "rows" in cells(out)["floor"]
    assert said == ["clean, cnn3d: package not supplied", "clean, sindy: weights not supplied"]


def test_what_was_measured_elsewhere_outlives_a_refusal(tmp_path, monkeypatch):
    systems, out = {"cnn3d": lambda: Fake("cnn3d")}, tmp_path / "r.json"
    planned = plan(CLEAN, register(monkeypatch, systems))
    run(planned, out, clips=2)
    before, systems["cnn3d"] = cells(out)["cnn3d"], refuse
    run(planned, out, clips=2, say=lambda sentence: None)
    assert cells(out)["cnn3d"] == before
    run(planned, out, clips=3, say=lambda sentence: None)
    assert cells(out)["cnn3d"] == {"refused": "package not supplied"}


def test_a_cell_holds_all_that_tables_and_plots_need(tmp_path, monkeypatch):
    out = tmp_path / "r.json"
    floor = register(monkeypatch, {"floor": lambda: Fake(rows=("a", "b"))})
    run(plan([SUITES["clean"], SUITES["noise-0.5"]], floor), out, clips=3)
    cell = cells(out)["floor"]
    assert cell["said"] == {"a": "lll", "b": "lll"} and len(cell["truth"]) == 3
    assert all(isinstance(d, int) for d in cell["curve_db"]["a"]) and cell["seconds_per_clip"] >= 0
    assert cell["rows"]["a"]["parsed"] == 1 and len(cell["scenes_sha256"]) == 64
    machine = json.loads(out.read_text())["machines"][cell["machine"]]
    assert {"python", "torch", "threads", "processor"} <= set(machine)
    assert "said" not in json.loads(out.read_text())["suites"]["noise-0.5"]["floor"]


def test_a_classifier_has_no_curve():
    scenes = [next(SUITES["clean"].scenes())]
    cell = measure(Fake(equations=False), render(scenes), scenes)
    assert "curve_db" not in cell and "curve_nmse_median" not in cell["rows"]["a line"]


def test_all_systems_are_measured_on_the_main_suites_and_two_on_the_others():
    found = {suite.name: [entry.name for entry in entries] for suite, entries in plan(find_suites([]), [])}
    assert found["half"] == list(ENTRIES) and found["noise-1"] == ["ours", "track-and-fit"]
    assert [e.name for _, entries in plan(CLEAN, find_entries(["sindy"])) for e in entries] == ["sindy"]


def test_a_file_that_holds_something_else_is_refused(tmp_path):
    (tmp_path / "r.json").write_text("[]")
    with pytest.raises(UserError, match="does not hold results"):
        Results(tmp_path / "r.json")
