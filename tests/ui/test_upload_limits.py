"""Which videos the page refuses for their length, and that a file's own claim about it is not believed."""

import os
from pathlib import Path

import av
import pytest

from tests.ui import fake, hostile
from trajvlm.agents.session import Session
from trajvlm.agents.tools import describe_video
from trajvlm.data.errors import UserError
from trajvlm.data.filmed.decode import open_video
from trajvlm.ui import upload_limits as extent
from trajvlm.ui.conversation import Conversation
from trajvlm.ui.upload_limits import duration_s, refuse_long


@pytest.fixture()
def long_video(tmp_path) -> Path:
    """Fifteen minutes, a picture every half minute."""
    path = tmp_path / "long.mkv"
    pictures = list(hostile.pictures(31))
    path.write_bytes(
        hostile.encoded("matroska", "libx264", "yuv420p", pictures, [30_000 * k for k in range(len(pictures))])
    )
    return path


def test_a_long_video_is_refused_on_the_page_by_a_sentence_that_helps(long_video, tmp_path):
    conversation = Conversation(fake.FakeDescriber())
    list(conversation.ask("", [fake.write_video(tmp_path / "throw.mp4")]))
    list(conversation.ask("what motion is it?", [long_video]))
    for words in ("The video long.mkv has more than 10 minutes", "trim it", "--start", "--end"):
        assert words in conversation.answer
    assert str(tmp_path) not in conversation.answer and conversation.session.video.name == "throw.mp4"
    conversation.close()


def test_only_the_page_refuses_a_long_video(long_video, tmp_path):
    assert "helical" in describe_video(Session(fake.FakeDescriber(), tmp_path, [long_video])).text


def test_a_video_of_many_pictures_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(extent, "MOST_FRAMES", 20)
    path = tmp_path / "many.mp4"
    path.write_bytes(hostile.encoded(*hostile.KINDS["plain.mp4"]))
    with pytest.raises(UserError, match="more than 20 frames"):
        refuse_long(path)


def test_one_damaged_time_does_not_make_a_video_long(tmp_path):
    path = tmp_path / "jump.mkv"
    times = [40 * k for k in range(hostile.FRAMES - 1)] + [10**9]
    path.write_bytes(hostile.encoded("matroska", "libx264", "yuv420p", times=times))
    refuse_long(path)


@pytest.mark.parametrize("content", [b"", b"no video", b"\x00\x00\x00\x18ftypmp42" + bytes(500)])
def test_what_is_no_video_is_left_to_the_describer(tmp_path, content):
    path = tmp_path / "bad.mp4"
    path.write_bytes(content)
    refuse_long(path)
    assert duration_s(path) == 0.0


def test_a_file_that_does_not_say_how_long_it_is_is_counted(tmp_path):
    path = tmp_path / "webcam.webm"
    with av.open(str(path), "w", format="webm", options={"live": "1"}) as out:
        stream = out.add_stream("libvpx", rate=hostile.RATE)
        stream.width, stream.height, stream.pix_fmt = hostile.WIDTH, hostile.HEIGHT, "yuv420p"
        for picture in hostile.pictures():
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode())
    assert open_video(path).duration_s is None
    assert duration_s(path) == pytest.approx(hostile.FRAMES / hostile.RATE, abs=0.01)
    assert duration_s(path, fps=10) == pytest.approx(hostile.FRAMES / 10)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    refuse_long(tmp_path / "pipe.mp4")
    assert duration_s(tmp_path / "pipe.mp4") == 0
