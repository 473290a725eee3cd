"""Many chats at once on one page: none is lost, none gets another's answer, and memory stays bounded."""

import sys

import psutil
import pytest

from tests.ui import fake
from trajvlm.ui.load_test import load, put_up

CHATS = 8
PROGRAM = """
from tests.ui import fake
from trajvlm.ui.chat import serve
serve(describer=fake.FakeDescriber(family="parabolic"))
"""


@pytest.mark.slow
def test_chats_at_once_are_neither_lost_nor_crossed(tmp_path):
    videos = [fake.write_video(tmp_path / f"chat-{k + 1}.mp4") for k in range(CHATS)]
    server, url = put_up([sys.executable, "-c", PROGRAM])
    try:
        figures = load(url, psutil.Process(server.pid), videos, turns=3)
    finally:
        server.kill()
        server.wait()
    assert [chat.wrong for chat in figures.chats] == [[]] * CHATS
    assert [len(chat.seconds) for chat in figures.chats] == [5] * CHATS, str(figures)
    assert figures.most - figures.before < 500 * 2**20, str(figures)
