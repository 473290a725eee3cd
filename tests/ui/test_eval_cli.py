"""`trajvlm eval` from the command line, with systems that answer at once."""

import json

import pytest
from typer.testing import CliRunner

from eval import report, results
from eval.registry import ENTRIES
from tests.eval.fake import Fake, refuse, register
from ui.cli import app


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
    cells = json.loads((tmp_path / "out" / "eval" / "results.json").read_text())["suites"]
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
