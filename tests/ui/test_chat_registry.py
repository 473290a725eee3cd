"""What is kept of chats is bounded: their number, their age, their messages, their files and what the agent knows."""

import pytest

from tests.ui import fake
from trajvlm.agents import agent
from trajvlm.ui import conversation as conversations
from trajvlm.ui.chat_registry import DAY_S, Chats
from trajvlm.ui.conversation import Conversation


@pytest.fixture()
def video(tmp_path):
    return fake.write_video(tmp_path / "throw.mp4")


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_the_chat_left_alone_longest_is_closed_where_there_are_too_many(tmp_path):
    chats = Chats(lambda: Conversation(fake.FakeDescriber(), parent=tmp_path), most=2)
    ada, bob = chats.of("ada"), chats.of("bob")
    assert chats.of("ada") is ada
    eve = chats.of("eve")
    assert chats.begun("bob") is None and not bob.folder.exists()
    assert chats.begun("ada") is ada and ada.folder.exists() and eve.folder.exists()


def test_a_chat_that_answers_is_not_closed(tmp_path, video):
    chats = Chats(lambda: Conversation(fake.FakeDescriber(), parent=tmp_path), most=1)
    ada = chats.of("ada")
    answer = iter(ada.ask("what motion is it?", [video]))
    next(answer)
    chats.of("bob")
    assert chats.begun("ada") is ada and ada.folder.exists()
    assert "parabolic" in str(list(answer)) or "helical" in ada.answer
    chats.of("eve")
    assert chats.begun("ada") is None and chats.begun("bob") is None and not ada.folder.exists()


def test_a_chat_is_closed_a_day_after_its_last_use(tmp_path):
    clock = Clock()
    chats = Chats(lambda: Conversation(fake.FakeDescriber(), parent=tmp_path), clock=clock)
    ada, bob = chats.of("ada"), chats.of("bob")
    clock.now = DAY_S / 2
    chats.of("bob")
    clock.now = DAY_S + 1
    chats.of("eve")
    assert chats.begun("ada") is None and not ada.folder.exists() and chats.begun("bob") is bob


def test_a_chat_that_answers_for_longer_than_a_day_is_closed_only_after_that(tmp_path, video):
    clock = Clock()
    chats = Chats(lambda: Conversation(fake.FakeDescriber(), parent=tmp_path), clock=clock)
    ada = chats.of("ada")
    answer = iter(ada.ask("what motion is it?", [video]))
    next(answer)
    clock.now = DAY_S + 1
    chats.of("bob")
    assert chats.begun("ada") is ada and ada.folder.exists()
    list(answer)
    chats.of("bob")
    assert chats.begun("ada") is None and not ada.folder.exists()


def test_the_oldest_messages_go_with_their_files_and_the_video_stays(tmp_path, video, monkeypatch):
    monkeypatch.setattr(conversations, "MOST_MESSAGES", 20)
    chat = Conversation(fake.FakeDescriber(), parent=tmp_path)
    list(chat.ask("", [chat.keep(video)]))
    pictures = set(chat.folder.glob("*.png"))
    assert len(pictures) == 3
    for _ in range(3):
        list(chat.ask("what motion is it?"))
    assert 0 < len(chat.history) <= 20 and chat.history[0].role == "user"
    assert not pictures & set(chat.folder.iterdir()) and chat.session.video.exists()
    shown = {path for path in conversations._files(chat.history) if path.suffix == ".png"}
    assert shown and shown == set(chat.folder.glob("*.png"))
    chat.close()


def test_the_agent_forgets_the_oldest_turns_and_all_states_but_the_latest(tmp_path, video, monkeypatch):
    monkeypatch.setattr(agent, "MOST_TURNS", 3)
    chat = Conversation(fake.FakeDescriber(), parent=tmp_path)
    sizes = []
    list(chat.ask("the ball is 24 cm wide", [video]))
    for _ in range(6):
        list(chat.ask("how fast is it at 0.5 s?"))
        saved = chat.agent._checkpointer
        sizes.append((len(list(saved.list(None))), len(saved.blobs)))
    assert sizes[2:] == [sizes[2]] * 4 and sizes[0][0] <= 2
    assert "m/s" in chat.answer
    chat.close()
