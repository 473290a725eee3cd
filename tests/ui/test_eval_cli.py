"""`trajvlm eval` from the command line, with systems that answer at once."""

import json
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.eval.fake import Fake, refuse, register
from trajvlm.eval import report
from trajvlm.eval import results_file as results
from trajvlm.eval.registry import ENTRIES
from trajvlm.ui import eval_cli
from trajvlm.ui.cli import app

ROOT = Path(__file__).parents[2]


def call(*arguments):
    return CliRunner().invoke(app, ["eval", *map(str, arguments)])


@pytest.fixture(autouse=True)
def systems(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    register(monkeypatch, {name: (lambda name=name: Fake(name)) for name in ENTRIES} | {"sindy": refuse})


def test_a_suite_and_a_system_are_chosen(tmp_path):
    out = tmp_path / "r.json"
    done = call("--suite", "clean", "--suite", "noise-1", "--system", "floor", "--clips", 2, "--out", out)
    assert done.exit_code == 0, done.output
    cells = json.loads(out.read_text())["suites"]
    assert {suite: list(found) for suite, found in cells.items()} == {"clean": ["floor"], "noise-1": ["floor"]}
    assert (tmp_path / "report" / "index.html").is_file() and "| a line |" in done.stdout
    again = call("report", "--results", out, "--out", tmp_path / "page.html")
    assert again.exit_code == 0 and (tmp_path / "page.html").is_file()


def test_quick_measures_the_main_suites_beside_the_shipped_results(tmp_path):
    shipped = results.SHIPPED.read_text(), report.README.read_text()
    done = call("--quick", "--clips", 1, "--system", "floor", "--system", "sindy")
    assert done.exit_code == 0, done.output
    cells = json.loads((tmp_path / "out" / "eval" / results.SHIPPED.name).read_text())["suites"]
    assert (tmp_path / "out" / "eval" / "report" / "index.html").is_file()
    assert list(cells) == ["clean", "light", "half"] and cells["clean"]["sindy"] == {"refused": "package not supplied"}
    assert (results.SHIPPED.read_text(), report.README.read_text()) == shipped


def test_model_measures_what_the_readme_shows(tmp_path):
    out = tmp_path / "r.json"
    assert call("model", "--clips", 1, "--out", out).exit_code == 0
    cells = json.loads(out.read_text())["suites"]
    assert {tuple(found) for found in cells.values()} == {("ours", "controls", "floor", "track-and-fit")}


@pytest.mark.parametrize(
    "wrong", [("--suite", "rain"), ("--system", "theirs"), ("report", "--results", "nowhere.json")]
)
def test_what_is_not_there_is_a_sentence_and_status_1(wrong):
    done = call(*wrong)
    assert done.exit_code == 1 and "there " in done.stderr and "Traceback" not in done.output


def test_options_before_a_subcommand_are_wrong_usage():
    assert call("--quick", "model").exit_code == 2
    assert "tokenizer" in call("--help").stdout


TRACKED = [path for folder in ("eval/results", ".") for path in sorted((ROOT / folder).glob("*.json"))]
TRACKED += [ROOT / folder / "README.md" for folder in ("eval", "vlm", "tokenizer", ".")]
TRACKED += [ROOT / "docs" / "results.md"]


@pytest.fixture()
def tracked():
    """What is committed stays, byte for byte."""
    before = {path: path.read_bytes() for path in TRACKED}
    yield
    changed = [str(path) for path in TRACKED if path.read_bytes() != before[path]]
    for path in TRACKED:
        path.write_bytes(before[path])
    assert not changed


@pytest.mark.parametrize("name", ["ood", "views", "decoding", "windows"])
@pytest.mark.parametrize("out", [None, "mine"])
def test_a_partial_evaluation_never_touches_what_is_tracked(name, out, tracked, tmp_path, monkeypatch):
    module = import_module(f"trajvlm.eval.{name}")
    shipped = json.loads(module.RESULTS.read_text())
    monkeypatch.setattr(module, "evaluate", lambda clips: shipped | {"clips": clips})
    done = call(name, "--clips", 7, *(["--out", out] if out else []))
    assert done.exit_code == 0, done.output
    folder = tmp_path / (out or "out/eval")
    assert json.loads((folder / f"{name}.json").read_text())["clips"] == 7
    assert (folder / f"{name}.md").read_text() == module.table(shipped | {"clips": 7})


def test_what_is_committed_is_what_the_commands_measure_when_nothing_is_said():
    held = {path.stem: json.loads(path.read_text()) for path in (ROOT / "eval" / "results").glob("*.json")}
    assert {name: held[name]["clips"] for name in ("views", "decoding", "windows")}.items() <= eval_cli._WHOLE.items()
    assert held["ood"]["levels"]["clean"]["the families"]["clips"] == eval_cli._WHOLE["ood"]
    assert (held["tokenizer"]["clips"], *held["tokenizer"]["probe"].values()) == eval_cli._WHOLE_TOKENIZER
    for name, whole in (("grids", eval_cli._WHOLE_GRIDS), ("ablations", eval_cli._WHOLE_ABLATIONS)):
        assert tuple(held[name]["settings"].values())[:-1] == whole


def test_fewer_clips_of_everything_are_kept_apart_too(tracked, tmp_path):
    assert call("--suite", "clean", "--system", "floor", "--clips", 2).exit_code == 0
    assert call("model", "--clips", 1).exit_code == 0
    assert json.loads((tmp_path / "out" / "eval" / results.SHIPPED.name).read_text())["suites"]["clean"]


def test_a_shorter_training_of_variations_is_kept_apart(tracked, tmp_path, monkeypatch):
    for name, options in (("grids", ("--minutes", 0.5)), ("ablations", ("--held-out", 3))):
        module = import_module(f"trajvlm.eval.{name}")
        asked = []

        def compare_variations(out, settings, names, steps, measure, asked=asked):
            asked.append(out)
            return {"settings": settings, "variations": {}}

        monkeypatch.setattr(module, "compare_variations", compare_variations)
        monkeypatch.setattr("trajvlm.eval.ablations._codes", lambda *given: {"training": None, "held_out": None})
        done = call(name, *options)
        assert done.exit_code == 0, done.output
        assert asked == [Path("out/eval") / f"{name}.json"]


def test_other_weights_are_measured_and_kept_apart(tracked, tmp_path, monkeypatch):
    from trajvlm.eval.systems import ours

    monkeypatch.setattr(ours, "FOLDERS", {})
    done = call("--suite", "clean", "--system", "floor", "--adapter", tmp_path, "--tokenizer", tmp_path)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / "eval" / results.SHIPPED.name).is_file()
    assert ours.FOLDERS == {"adapter_folder": tmp_path, "tokenizer_folder": tmp_path}


def test_where_no_checkout_is_results_go_to_the_users_folder(tracked, tmp_path, monkeypatch):
    monkeypatch.setattr("trajvlm.eval.output_folder.in_checkout", lambda: False)
    assert call("--suite", "clean", "--system", "floor").exit_code == 0
    assert (tmp_path / "trajvlm-results" / results.SHIPPED.name).is_file()
    assert (tmp_path / "trajvlm-results" / "report" / "index.html").is_file()


def test_a_folder_that_can_not_be_made_is_said_before_anything_is_measured(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("trajvlm.eval.windows.evaluate", lambda clips: pytest.fail("it was measured"))
    done = call("windows", "--clips", 2, "--out", tmp_path / "file" / "folder")
    assert done.exit_code == 1 and "can't be made" in done.stderr
