"""Who gets onto the page with a login file, and what is said of a file that is none."""

import asyncio
import urllib.error
import urllib.request

import pytest
from gradio_client import Client, handle_file
from typer.testing import CliRunner

from tests.ui import fake
from trajvlm.data.errors import UserError
from trajvlm.ui.chat import serve
from trajvlm.ui.cli import app
from trajvlm.ui.login import People, line_of


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Ada with her password, in a file as a person would keep it."""
    path = tmp_path_factory.mktemp("login") / "people.txt"
    path.write_text(f"# who may come\n\n{line_of('ada', 'korrekt: pferd')}\n{line_of('bob', 'batterie')}\n")
    return path


@pytest.fixture(scope="module")
def url(people):
    page = serve(describer=fake.FakeDescriber(), wait=False, login=people)
    yield page.local_url
    page.close()


@pytest.mark.parametrize(
    "name, password, admitted",
    [
        ("ada", "korrekt: pferd", True),
        ("bob", "batterie", True),
        ("ada", "batterie", False),
        ("ada", "", False),
        ("ADA", "korrekt: pferd", False),
        ("eve", "korrekt: pferd", False),
        ("eve", "", False),
        ("", "", False),
    ],
)
def test_a_name_is_admitted_with_its_own_password_only(people, name, password, admitted):
    assert asyncio.run(People(people).admit(name, password)) is admitted


class Sleep:
    """Records how long it should sleep, and returns at once."""

    def __init__(self):
        self.waits = []

    async def __call__(self, seconds):
        self.waits.append(seconds)


@pytest.mark.parametrize("name", ["ada", "eve"])
def test_each_failure_makes_the_next_try_wait_longer(people, name):
    sleep = Sleep()
    door = People(people, sleep)

    async def guess():
        return [await door.admit(name, f"guess {k}") for k in range(7)]

    assert asyncio.run(guess()) == [False] * 7
    assert sleep.waits == [0.5, 1, 2, 4, 8, 8]


def test_the_right_password_ends_the_waiting(people):
    sleep = Sleep()
    door = People(people, sleep)

    async def enter():
        return [await door.admit("ada", word) for word in ("wrong", "korrekt: pferd", "korrekt: pferd")]

    assert asyncio.run(enter()) == [False, True, True] and sleep.waits == [0.5]


def test_guesses_at_the_same_time_wait_for_each_other_and_too_many_are_refused(people):
    sleep = Sleep()
    door = People(people, sleep)

    async def guess():
        return await asyncio.gather(*(door.admit("ada", f"guess {k}") for k in range(14)))

    assert asyncio.run(guess()) == [False] * 14
    assert sleep.waits == [0.5, 1, 2, 4] + [8] * 5


def test_the_file_holds_no_password_and_equal_passwords_look_different(people):
    assert "pferd" not in people.read_text()
    assert line_of("ada", "same").split(":")[1] != line_of("bob", "same").split(":")[1]


def test_a_program_with_a_password_asks_and_without_one_it_does_not(url, tmp_path):
    video = fake.write_video(tmp_path / "throw.mp4")
    client = Client(url, auth=("ada", "korrekt: pferd"), verbose=False)
    message = {"text": "what motion is it?", "files": [handle_file(str(video))]}
    assert "helical" in client.predict(message=message, api_name="/chat")["text"]
    for auth in (None, ("ada", "wrong")):
        with pytest.raises(Exception, match="(?i)login|auth|credentials"):
            Client(url, auth=auth, verbose=False)


@pytest.mark.parametrize(
    "path", ["config", *(f"gradio_api/{one}" for one in ("info", "upload", "queue/join", "run/predict"))]
)
def test_nothing_is_answered_to_a_stranger(url, path):
    posted = b"{}" if path.endswith(("upload", "join", "predict")) else None
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(url + path, posted, {"Content-Type": "application/json"}))
    assert refused.value.code == 401


@pytest.mark.parametrize(
    "text, sentence",
    [
        (None, "can't be read"),
        ("", "holds no name"),
        ("# nobody\n", "holds no name"),
        ("ada:secret\n", "line 1 .* is not a name, a colon and a hash"),
        ("ada\n", "line 1"),
        (line_of("ada", "x") + "\n" + line_of("ada", "y"), "line 2 .* names ada twice"),
        (line_of("ada", "x")[:-1], "line 1"),
        ("\n" + line_of("ada", "x").replace("8-5", "9-5"), "line 2"),
    ],
)
def test_a_file_that_is_none_stops_with_one_sentence(tmp_path, text, sentence):
    path = tmp_path / "people.txt"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match=sentence) as caught:
        People(path)
    assert "trajvlm password NAME" in str(caught.value) and "secret" not in str(caught.value)
    shown = CliRunner().invoke(app, ["ui", "--login", str(path)])
    assert shown.exit_code == 1 and str(caught.value) in shown.stderr.replace("\n", " ")


def test_bytes_that_are_no_text_are_a_sentence_too(tmp_path):
    (tmp_path / "people.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="is not text"):
        People(tmp_path / "people.txt")


def test_the_password_command_prints_a_line_that_lets_in(tmp_path):
    shown = CliRunner().invoke(app, ["password", "ada"], input="geheim\ngeheim\n")
    assert shown.exit_code == 0, shown.output
    (tmp_path / "people.txt").write_text(shown.stdout.strip().splitlines()[-1])
    assert asyncio.run(People(tmp_path / "people.txt").admit("ada", "geheim"))
    refused = CliRunner().invoke(app, ["password", "a:b"], input="geheim\ngeheim\n")
    assert refused.exit_code == 1 and "can't be a name" in refused.stderr
