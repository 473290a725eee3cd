"""What `trajvlm ask` and `trajvlm chat` promise."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from tests.ui import fake
from trajvlm.ui.cli import app


@pytest.fixture()
def run(monkeypatch):
    monkeypatch.setitem(sys.modules, "trajvlm.vlm.describe", fake.module())

    def call(*arguments, typed=None):
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=typed)

    return call


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return fake.write_video(tmp_path_factory.mktemp("video") / "throw.mp4")


def test_a_question_is_answered_with_its_steps_and_the_models_name(run, video, tmp_path):
    shown = run("ask", video, "how fast is it at 0.5 s? the ball is 6.7 cm wide", "--out", tmp_path / "out")
    assert shown.exit_code == 0, shown.output
    for words in ("set_scale(object_diameter_m = 0.067)", "quantity(", "m/s", "intent router (no language model)"):
        assert words in shown.stdout
    assert "hello" not in shown.stdout


def test_a_description_comes_with_its_equation(run, video):
    assert "x(t) = " in run("ask", video, "what motion is it?").stdout


@pytest.mark.parametrize("command, typed", [("ask", None), ("chat", "what motion is it?\n\n")])
def test_window_rate_and_scale_are_options_as_of_describe(run, video, command, typed):
    question = ["what motion is it?"] if command == "ask" else []
    options = ["--start", "0.4", "--end", "1.4", "--fps", "60", "--scale", "1/2 m is 50 px"]
    shown = run(command, video, *question, *options, typed=typed)
    assert shown.exit_code == 0, shown.output
    assert "0.40 to 1.40 s" in shown.stdout and "60 frames a second" in shown.stdout
    # Half the crop is 121.5 pixels.
    assert "1 u is now 1.22 m" in shown.stdout
    x = next(line for line in shown.stdout.splitlines() if "x(t) = " in line)
    assert "0.7533*t" in x, "0.62 u/s are 0.7533 m/s"


@pytest.mark.parametrize("wrong", [("--start", "2", "--end", "1"), ("--fps", "0"), ("--start", "nan")])
def test_options_that_are_none_are_wrong_usage(run, video, wrong):
    assert run("ask", video, "what motion is it?", *wrong).exit_code == 2


@pytest.mark.parametrize("wrong", [("--scale", "-6.7 cm"), ("--scale", "6-7 cm"), ("--fps", "1e300")])
def test_a_scale_or_a_rate_that_can_not_be_is_one_sentence(run, video, wrong):
    shown = run("ask", video, "what motion is it?", *wrong)
    assert shown.exit_code == 1 and "Traceback" not in shown.output and shown.stderr.count(".\n") <= 1


def test_a_frozen_answer_is_none(run, video):
    shown = run("ask", video, "what is sin(exp(exp(20)))?")
    assert shown.exit_code == 0 and "no finite value" in shown.stdout


def test_json_is_one_object(run, video, tmp_path):
    answer = json.loads(run("ask", video, "show the tokens", "--json", "--out", tmp_path).stdout)
    assert answer["calls"][0]["tool"] == "show_tokens" and (tmp_path / "tokens-1.png").exists()


def test_a_chat_goes_on_until_an_empty_line(run, video):
    shown = run("chat", video, typed="where is it at 0.3 s?\nand at 0.8 s?\nwhat is g\n\n")
    assert shown.exit_code == 0
    assert "t = 0.3 s" in shown.stdout and "t = 0.8 s" in shown.stdout and "free flight" in shown.stdout.lower()


@pytest.mark.parametrize("command", [["ask", "question"], ["chat"]])
def test_a_video_that_is_none_is_one_sentence(run, tmp_path, command):
    shown = run(command[0], tmp_path / "none.mp4", *command[1:])
    assert shown.exit_code == 1 and "there is no file" in shown.stderr and "Traceback" not in shown.output


def test_a_model_that_is_none_is_one_sentence(run, video):
    shown = run("ask", video, "hello", "--model", "nobody:nothing")
    assert shown.exit_code == 1 and "can't be used" in shown.stderr


@pytest.mark.parametrize("command", ["ui", "ask", "chat"])
def test_help_shows_an_example(run, command):
    assert f"Example: trajvlm {command}" in run(command, "--help").stdout


def test_help_does_not_wait_for_the_page_or_the_agents():
    code = (
        "import sys; from typer.testing import CliRunner; from trajvlm.ui.cli import app;"
        "assert CliRunner().invoke(app, ['ask', '--help']).exit_code == 0;"
        "print(sorted({'torch', 'gradio', 'langchain', 'plotly', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
