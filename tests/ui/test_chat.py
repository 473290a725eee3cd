"""What the page promises to people and to programs, with the fake describer behind it."""

import socket
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio_client import Client, handle_file

from tests.ui import fake
from trajvlm.agents.intents import Call, plan
from trajvlm.agents.local_model import NAME
from trajvlm.data.errors import UserError
from trajvlm.ui.answer_card import bars, latex
from trajvlm.ui.chat import _stay, build, serve
from trajvlm.ui.conversation import Conversation
from trajvlm.ui.network_loading import BackgroundDescriber
from trajvlm.ui.scratch_folder import own_folder
from trajvlm.ui.window_and_scale import (
    KINDS_OF_LENGTH,
    WindowAndScale,
    frame_rate_in_words,
    scale_in_words,
    window_in_words,
)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return fake.write_video(tmp_path_factory.mktemp("video") / "throw.mp4")


@pytest.fixture(scope="module")
def url():
    page = serve(describer=fake.FakeDescriber(family="parabolic"), wait=False)
    yield page.local_url
    page.close()


@pytest.fixture()
def client(url):
    return Client(url, verbose=False)


def ask(client, text, *videos):
    return client.predict(message={"text": text, "files": [handle_file(str(v)) for v in videos]}, api_name="/chat")


def test_a_program_asks_by_api_and_the_chat_goes_on(client, video):
    first = ask(client, "what motion is it?", video)
    assert first["calls"][0]["values"]["family"] == "parabolic" and first["model"] == NAME
    assert ask(client, "the ball is 24 cm wide")["metres_per_unit"] == pytest.approx(1.0, rel=0.05)
    answer = ask(client, "what was g?")
    assert answer["calls"][0]["values"]["g [m/s²]"] == pytest.approx(3.0, rel=0.05) and "m/s²" in answer["text"]


def test_two_people_do_not_see_each_other(url, video, tmp_path):
    ada, bob = Client(url, verbose=False), Client(url, verbose=False)
    ask(ada, "the ball is 24 cm wide", video)
    assert "no video in this chat" in ask(bob, "how fast is it?")["text"]
    ask(bob, "", fake.write_video(tmp_path / "other.mp4"))
    answers = {}

    def many(name, client):
        answers[name] = [ask(client, "how fast is it at 0.5 s?") for _ in range(3)]

    threads = [threading.Thread(target=many, args=person) for person in (("ada", ada), ("bob", bob))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {a["video"] for a in answers["ada"]} == {"throw.mp4"} and {a["video"] for a in answers["bob"]} == {
        "other.mp4"
    }
    assert all("m/s." in a["text"] for a in answers["ada"]) and all("u/s." in a["text"] for a in answers["bob"])


@pytest.mark.parametrize("content", [b"", b"this is no video", b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 500])
def test_a_broken_upload_is_answered_by_a_sentence(client, tmp_path, content):
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(content)
    text = ask(client, "what is it?", bad)["text"]
    assert "bad.mp4" in text.lower() and "/" not in text and text.endswith(".") and "Traceback" not in text
    assert "None of my tools" in ask(client, "hello")["text"]


@pytest.mark.parametrize("message", ["hello", {"text": "hello"}, {"text": "hello", "files": []}])
def test_a_program_may_send_words_alone(client, message):
    assert "None of my tools" in client.predict(message, api_name="/chat")["text"]


def test_a_program_may_send_a_video_alone(client, video):
    answer = client.predict({"files": [handle_file(str(video))]}, api_name="/chat")
    assert answer["calls"][0]["values"]["family"] == "parabolic"


@pytest.mark.parametrize("message", [7, ["hello"], {"words": "hello"}, {"text": 7}, {"files": "throw.mp4"}])
def test_a_message_of_another_shape_is_a_sentence(client, message):
    with pytest.raises(Exception, match="a message is .*text.*files"):
        client.predict(message, api_name="/chat")


def test_a_web_address_in_place_of_a_file_is_not_fetched(client):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        file = handle_file(f"http://localhost.localdomain:{server.getsockname()[1]}/throw.mp4")
        with pytest.raises(Exception, match="fetches nothing from the web"):
            client.predict({"text": "", "files": [file]}, api_name="/chat")
        with pytest.raises(BlockingIOError):
            server.accept()


def test_two_first_messages_at_once_are_one_chat(client, video):
    before = set(own_folder().glob("trajvlm-chat-*"))
    jobs = [client.submit({"text": text, "files": [handle_file(str(video))]}, api_name="/chat") for text in "ab"]
    assert {job.result()["video"] for job in jobs} == {"throw.mp4"}
    assert len(set(own_folder().glob("trajvlm-chat-*")) - before) == 1


def test_an_empty_message_is_answered_by_a_sentence(client):
    assert "ask a question" in ask(client, "").get("text").lower()


def test_only_the_chat_is_offered_to_programs(client):
    assert set(client.view_api(return_format="dict")["named_endpoints"]) == {"/chat"}


def test_the_page_fetches_nothing_from_the_network_and_listens_here_only(url):
    import urllib.request

    page = urllib.request.urlopen(url).read().decode()
    assert url.startswith("http://127.0.0.1:")
    assert "fonts.googleapis" not in page and "cdnjs" not in page and '"analytics_enabled":true' not in page


def test_the_port_of_the_environment_is_used(monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("GRADIO_SERVER_PORT", str(port))
    page = serve(describer=fake.FakeDescriber(), wait=False)
    try:
        assert page.local_url == f"http://127.0.0.1:{port}/"
        with pytest.raises(UserError, match="--port"):
            serve(describer=fake.FakeDescriber(), port=port, wait=False)
    finally:
        page.close()


def test_the_page_says_where_it_is_in_our_own_words_only(capfd):
    describer = fake.FakeDescriber()
    capfd.readouterr()
    page = serve(describer=describer, wait=False)
    staying = threading.Thread(target=_stay, args=(page,))
    staying.start()
    Client(page.local_url, verbose=False).predict("hello", api_name="/chat")
    page.close(verbose=False)
    staying.join()
    printed = capfd.readouterr()
    assert printed.err == f"The page is at {page.local_url} (Ctrl-C stops it).\n" and printed.out == ""


def test_an_answer_grows_and_holds_everything(video):
    conversation = Conversation(fake.FakeDescriber())
    lengths, pending = [], 0
    for history in conversation.ask("what motion is it?", [video]):
        lengths.append(len(history))
        pending += any(message.metadata.get("status") == "pending" for message in history)
    assert lengths == sorted(lengths) and len(set(lengths)) > 5 and pending
    steps = [message for message in conversation.history if message.metadata.get("duration") is not None]
    assert [message.metadata["title"] for message in steps] == ["describe_video()"]
    parts = [part for message in conversation.history if isinstance(message.content, list) for part in message.content]
    files = [Path(part["path"]) for part in parts if isinstance(part, dict)]
    assert sorted(file.suffix for file in files) == [".csv", ".json", ".mp4", ".png", ".png", ".png"]
    assert all(file.exists() and file.parent == conversation.folder for file in files)
    kinds = {type(part).__name__ for part in parts}
    assert {"HTML", "Plot"} <= kinds and any(isinstance(part, str) and "$$" in part for part in parts)
    folded = [m.content for m in conversation.history if m.metadata.get("title") == "Notes and limits"]
    assert len(folded) == 1 and folded[0].count("can't tell how large") == 1 and "More than one object" in folded[0]
    assert "can't tell how large" not in conversation.answer and "one object moves" not in conversation.answer
    assert conversation.answer.startswith("The motion is helical")
    assert "What are the radius, the period and the pitch?" in [o["value"] for o in conversation.history[-1].options]
    conversation.close()
    assert not conversation.folder.exists()


def test_files_of_tools_are_shown_and_old_buttons_go(video):
    conversation = Conversation(fake.FakeDescriber())
    list(conversation.ask("", [video]))
    list(conversation.ask("plot the velocity"))
    assert conversation.history[-1].content["path"].endswith(".png")
    assert sum(bool(message.options) for message in conversation.history) == 1
    list(conversation.ask("what is the equation?"))
    assert r"\begin{aligned}" in conversation.answer
    conversation.close()


def test_both_equations_are_shown_where_refinement_is_asked_about(video):
    conversation = Conversation(fake.FakeDescriber())
    list(conversation.ask("", [video]))
    list(conversation.ask("what did the refinement change?"))
    assert [call.name for call in conversation.calls] == ["refine"]
    assert conversation.answer.count(r"\begin{aligned}") == 2 and "pixels on average" in conversation.answer
    conversation.close()


def test_sliders_and_fields_follow_the_video_and_stay_where_they_were_put(video):
    conversation = Conversation(fake.FakeDescriber())
    with gr.Blocks():
        controls = WindowAndScale()
    for nothing in (None, conversation):
        note, body, *_ = controls.shown(nothing)
        assert "Give a video first" in note and not body["visible"]
    list(conversation.ask("", [video]))
    note, body, start, end = controls.shown(conversation)
    assert "throw.mp4** lasts 1.63 s; 0.00 to 1.60 s" in note and body["visible"]
    assert (start["value"], end["value"], end["maximum"]) == (0.0, 1.6, pytest.approx(1.63))
    list(conversation.ask("how fast is it?"))
    assert not any("value" in part for part in controls.shown(conversation))
    list(conversation.ask("only from 0.5 to 1.2 s"))
    _, _, start, end = controls.shown(conversation)
    assert (start["value"], end["value"], end["maximum"]) == (0.5, 1.2, pytest.approx(1.63))
    conversation.close()
    assert not controls.shown(None)[1]["visible"]


@pytest.mark.parametrize("start, end", [(0.4, 1.4), (0.0, 0.07), (12.34, 599.99), (1.4, 0.2)])
def test_a_window_from_the_sliders_is_read_as_it_was_set(start, end):
    assert plan(window_in_words(start, end)) == [Call("choose_window", {"start_s": start, "end_s": end})]


@pytest.mark.parametrize("typed, length", [("6.7", 6.7), (" 0,05 ", 0.05), ("24", 24), ("1.2e3", 1200)])
def test_a_scale_from_the_fields_is_read_as_it_was_set(typed, length):
    diameter, density = (plan(scale_in_words(typed, kind)) for kind in KINDS_OF_LENGTH)
    assert [call.tool for call in diameter + density] == ["set_scale", "set_scale"]
    assert diameter[0].arguments == {"object_diameter_m": pytest.approx(length / 100)}
    assert density[0].arguments == {"pixels_per_metre": pytest.approx(length)}


@pytest.mark.parametrize(
    "family, asked, tool", [("parabolic", "What was g?", "quantity"), ("helical", "What is the equation?", "equation")]
)
def test_a_scale_from_the_fields_asks_for_what_it_is_wanted_for(family, asked, tool):
    words = scale_in_words("24", KINDS_OF_LENGTH[0], SimpleNamespace(family=family))
    assert words.endswith(asked) and [call.tool for call in plan(words)] == ["set_scale", tool]


def test_a_scale_shows_the_equation_in_metres_anew(video):
    conversation = Conversation(fake.FakeDescriber(family="parabolic"))
    list(conversation.ask("", [video]))
    list(conversation.ask("the ball is 24 cm wide"))
    assert "Scale set" in conversation.answer and r"\mathrm{m}" in conversation.answer
    list(conversation.ask(scale_in_words("48", KINDS_OF_LENGTH[0], conversation.session.found)))
    assert conversation.calls[1].result.values["g [m/s²]"] == pytest.approx(6.0, rel=0.05)
    conversation.close()


@pytest.mark.parametrize("typed, rate", [("240", 240), (" 59,94 ", 59.94), ("1e3", 1000)])
def test_a_frame_rate_from_the_field_is_read_as_it_was_set(typed, rate):
    assert plan(frame_rate_in_words(typed)) == [Call("describe_video", {"frames_per_second": rate})]


def test_a_frame_rate_from_the_field_asks_anew_for_what_it_is_wanted_for():
    words = frame_rate_in_words("240", SimpleNamespace(family="parabolic"))
    assert [call.tool for call in plan(words)] == ["describe_video", "quantity"] and words.endswith("What was g?")


@pytest.mark.parametrize("typed", ["", "0", "-6.7", "nan", "inf", "a ball"])
def test_a_field_without_a_positive_number_is_a_sentence(typed):
    for words in (lambda: scale_in_words(typed, KINDS_OF_LENGTH[0]), lambda: frame_rate_in_words(typed)):
        with pytest.raises(UserError, match="positive number"):
            words()


def test_a_recorded_clip_is_a_video_of_the_chat_under_a_name_of_its_own(video):
    conversation = Conversation(fake.FakeDescriber())
    first, second = (conversation.keep(video) for _ in range(2))
    assert (first.name, second.name) == ("webcam-1.mp4", "webcam-2.mp4") and second.parent == conversation.folder
    list(conversation.ask("", [second]))
    assert "helical" in conversation.answer and conversation.session.video == second
    conversation.close()


def test_what_breaks_inside_is_a_sentence_too(video, monkeypatch, capsys):
    describer = fake.FakeDescriber()
    monkeypatch.setattr(describer, "describe", lambda *a, **k: 1 / 0)
    conversation = Conversation(describer)
    list(conversation.ask("what is it?", [video]))
    assert "broke inside" in conversation.answer and "ZeroDivisionError" in capsys.readouterr().err
    assert not any(message.metadata.get("status") == "pending" for message in conversation.history)


def test_a_rendered_sample_comes_with_its_lens(monkeypatch):
    def rendered(path, family, seed):
        fake.write_video(path)
        return SimpleNamespace(family=family, field_of_view=47.0)

    monkeypatch.setattr("trajvlm.ui.conversation.write_sample", rendered)
    conversation = Conversation(fake.FakeDescriber())
    video = conversation.sample("parabolic", 1)
    assert video.exists() and conversation.session.video == video and conversation.session.field_of_view == 47.0
    conversation.close()


def test_the_page_is_up_while_the_networks_load(video):
    go = threading.Event()

    def slow():
        go.wait(10)
        return fake.FakeDescriber()

    describer = BackgroundDescriber(slow)
    assert describer.loading and "loading" in describer.status
    build(describer)
    threading.Timer(0.2, go.set).start()
    assert describer.describe(video).family == "helical" and "ready" in describer.status


def test_networks_that_can_not_be_loaded_are_a_sentence(video):
    describer = BackgroundDescriber(lambda: fake.FakeDescriber("missing"))
    for _ in range(2):
        with pytest.raises(UserError, match="no weights in missing"):
            describer.describe(video)
    time.sleep(0.01)
    assert "could not be loaded" in describer.status


def test_a_doubt_is_shown_where_there_is_one(video):
    description = fake.FakeDescriber().describe(video)
    assert "doubt" not in bars(description)
    object.__setattr__(description, "doubt", "the language model alone says a < b")
    assert '<p class="doubt">The language model alone says a &lt; b.</p>' in bars(description)


def test_latex_has_units_and_names_are_escaped(video):
    text = latex(fake.TRUE, "m")
    assert text.count(r"\mathrm{m}") == 3 and r"\cos" in text and "x(t) &=" in text
    description = fake.FakeDescriber().describe(video)
    object.__setattr__(description, "meaning", "<script>alert(1)</script>")
    assert "<script>" not in bars(description) and 'style="width:93.0%"' in bars(description)
