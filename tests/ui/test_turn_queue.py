"""One answer at a time in a chat: the rest wait in their order, a new chat waits for nobody's folder."""

import asyncio
import threading

import pytest

from tests.ui import fake
from trajvlm.data.errors import UserError
from trajvlm.ui.chat_registry import Chats
from trajvlm.ui.conversation import MOST_WAITING, Conversation
from trajvlm.ui.turn_queue import Line, Turn

PATIENCE_S = 60


class Held(fake.FakeDescriber):
    """A describer that signals when it is asked, and answers when it is allowed to."""

    def __init__(self):
        super().__init__()
        self.asked, self.may_answer = threading.Event(), threading.Event()

    def describe(self, *arguments, **options):
        self.asked.set()
        assert self.may_answer.wait(PATIENCE_S)
        return super().describe(*arguments, **options)


@pytest.fixture()
def video(tmp_path):
    return fake.write_video(tmp_path / "throw.mp4")


@pytest.fixture()
def came(monkeypatch):
    """Counts up whenever somebody has come into a line."""
    came, join = threading.Semaphore(0), Line.join

    def joined(line):
        place = join(line)
        came.release()
        return place

    monkeypatch.setattr(Line, "join", joined)
    return came


@pytest.fixture()
def conversation(tmp_path):
    conversation = Conversation(Held(), parent=tmp_path)
    yield conversation
    conversation.close()


@pytest.fixture()
def answering(conversation, video, came):
    """A thread in which a video is just being described; what it saw is in `seen`."""
    thread = in_thread(conversation.ask("what motion is it?", [video]))
    assert conversation.session.describer.asked.wait(PATIENCE_S) and came.acquire(timeout=PATIENCE_S)
    yield thread
    conversation.session.describer.may_answer.set()
    thread.join()


def in_thread(steps):
    seen = []
    thread = threading.Thread(target=lambda: seen.extend(steps))
    thread.seen = seen
    thread.start()
    return thread


def questions(history):
    return [message.content for message in history if message.role == "user" and isinstance(message.content, str)]


def test_a_second_question_waits_until_the_first_is_answered(conversation, answering, came):
    second = in_thread(conversation.ask("how fast is it?"))
    assert came.acquire(timeout=PATIENCE_S)
    conversation.session.describer.may_answer.set()
    answering.join()
    second.join()
    between = [m.content for m in conversation.history if m.role == "assistant" or isinstance(m.content, str)]
    where = between.index("how fast is it?")
    tables = [part for part in between[:where] if isinstance(part, list) and str(part[0]).find("motion-1.csv") >= 0]
    assert questions(conversation.history) == ["what motion is it?", "how fast is it?"] and len(tables) == 1
    assert [call.name for call in conversation.calls] == ["quantity"]


def test_a_new_chat_during_an_answer_deletes_no_folder_in_use(conversation, answering, came, capsys):
    old = conversation.folder
    again, waiting = in_thread(conversation.restart()), in_thread(conversation.ask("how fast is it?"))
    assert came.acquire(timeout=PATIENCE_S) and came.acquire(timeout=PATIENCE_S)
    assert old.is_dir()
    conversation.session.describer.may_answer.set()
    for thread in (answering, again, waiting):
        thread.join()
    assert "broke inside" not in conversation.answer and "Traceback" not in capsys.readouterr().err
    assert not old.exists() and conversation.folder.is_dir() and again.seen == [conversation.history]
    assert questions(conversation.history) == ["how fast is it?"] and "no video" in conversation.answer


@pytest.mark.parametrize("end", [Conversation.restart, Conversation.close])
def test_an_answer_that_nobody_wants_any_more_ends_at_its_next_step(tmp_path, video, end):
    conversation = Conversation(fake.FakeDescriber(), parent=tmp_path)
    answer = iter(conversation.ask("what motion is it?", [video]))
    next(answer)
    ended = end(conversation)
    assert list(answer) == [] and conversation.session.found is None
    if ended is not None:
        assert list(ended) == [[]]
        conversation.close()


def test_what_waited_for_an_answer_is_dropped_by_a_new_chat(conversation, answering, came):
    waiting = in_thread(conversation.ask("how fast is it?"))
    assert came.acquire(timeout=PATIENCE_S)
    again = in_thread(conversation.restart())
    assert came.acquire(timeout=PATIENCE_S)
    conversation.session.describer.may_answer.set()
    for thread in (answering, waiting, again):
        thread.join()
    assert waiting.seen == [] and conversation.history == []


def test_a_chat_that_is_closed_during_an_answer_keeps_its_folder_until_then(conversation, answering):
    conversation.close()
    assert conversation.folder.is_dir()
    conversation.session.describer.may_answer.set()
    answering.join()
    assert not conversation.folder.exists() and list(conversation.ask("how fast is it?"))


def test_no_more_than_some_wait_in_a_chat(conversation, answering, came):
    for _ in range(MOST_WAITING - 1):
        in_thread(conversation.ask("how fast is it?"))
        assert came.acquire(timeout=PATIENCE_S)
    with pytest.raises(UserError, match="has not answered yet"):
        conversation.ask("how fast is it?")
    again = in_thread(conversation.restart())
    assert came.acquire(timeout=PATIENCE_S)
    conversation.session.describer.may_answer.set()
    again.join()
    assert conversation.history == []


def test_two_first_events_of_a_chat_begin_one_conversation(tmp_path):
    begun, other_comes = [], threading.Event()

    def begin():
        assert other_comes.wait(PATIENCE_S)
        begun.append(Conversation(fake.FakeDescriber(), parent=tmp_path))
        return begun[-1]

    chats, got = Chats(begin), []

    def event():
        got.append(chats.of("ada"))

    first = threading.Thread(target=event)
    first.start()
    second = threading.Thread(target=lambda: (other_comes.set(), event()))
    second.start()
    first.join()
    second.join()
    assert len(begun) == 1 and got == begun * 2 and chats.begun("ada") is begun[0] and chats.begun("bob") is None
    assert len(list(tmp_path.iterdir())) == 1


def test_who_gives_up_waiting_or_listening_lets_the_next_one_go_on():
    line = Line()

    async def people():
        listening = aiter(Turn(line, lambda: (step for step in "abc")))
        assert await anext(listening) == "a"
        waiting = [asyncio.ensure_future(collect("x")), asyncio.ensure_future(collect("yz"))]
        while len(line) < 3:
            await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.gather(waiting[0], return_exceptions=True)
        assert len(line) == 2 and not waiting[1].done()
        await listening.aclose()
        return await waiting[1]

    async def collect(steps):
        return [step async for step in Turn(line, lambda: (step for step in steps))]

    assert asyncio.run(people()) == ["y", "z"] and len(line) == 0


def test_the_next_turn_begins_when_the_step_of_a_cancelled_one_has_ended():
    line, running, may_end, most = Line(), threading.Event(), threading.Event(), []

    def slow():
        running.set()
        assert may_end.wait(PATIENCE_S)
        most.append("first ended")
        yield 1

    def following():
        most.append("second began")
        yield 2

    async def people():
        first = asyncio.ensure_future(collect(slow))
        await asyncio.to_thread(running.wait)
        second = asyncio.ensure_future(collect(following))
        while len(line) < 2:
            await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        may_end.set()
        await asyncio.gather(first, return_exceptions=True)
        return await second

    async def collect(steps):
        return [step async for step in Turn(line, steps)]

    assert asyncio.run(people()) == [2] and most == ["first ended", "second began"]


def test_who_waits_holds_no_thread():
    line, names = Line(), set()

    def steps():
        names.add(threading.current_thread().name)
        yield threading.active_count()

    async def many():
        first = line.join()
        waiting = [asyncio.ensure_future(collect()) for _ in range(60)]
        while len(line) < 61:
            await asyncio.sleep(0)
        before = threading.active_count()
        line.leave(first)
        return before, await asyncio.gather(*waiting)

    async def collect():
        return [step async for step in Turn(line, steps)]

    before, counts = asyncio.run(many())
    assert max(count for (count,) in counts) <= before + 2
