"""The stage shows each frame of the video, and what a person does on it becomes a sentence that the chat knows."""

import io
from dataclasses import replace

import av
import numpy as np
import pytest
from PIL import Image

from tests.ui import fake
from trajvlm.agents.intents import plan
from trajvlm.agents.session import Session
from trajvlm.data.errors import UserError
from trajvlm.ui.stage import in_words, scene
from trajvlm.ui.stage_video import stage_video


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stage")
    video = fake.write_video(folder / "throw.mp4", path_of_ball=fake.THROW)
    session = Session(fake.FakeDescriber(family="parabolic", measures=True), folder, [video])
    session.description()
    return session


def test_every_frame_is_shown_once_at_its_own_time(session):
    film = stage_video(session.video)
    with av.open(io.BytesIO(film.mp4)) as container:
        count = sum(1 for _ in container.decode(video=0))
    assert count == len(film.times) == round(fake.SECONDS * fake.RATE) + 1
    assert film.times == pytest.approx(np.arange(count) / fake.RATE, abs=1e-4)
    assert film.strip[:2] == b"\xff\xd8" and film.beyond == (1, 1)


def test_a_picture_of_odd_sides_is_not_stretched(tmp_path):
    film = stage_video(fake.write_video(tmp_path / "odd.mp4", width=66, height=50))
    assert film.beyond == (1, 1)
    odd = [Image.fromarray(np.full((33, 45, 3), 40 * k, np.uint8)) for k in range(5)]
    odd[0].save(tmp_path / "odd.gif", save_all=True, append_images=odd[1:], duration=100)
    film = stage_video(tmp_path / "odd.gif")
    assert film.beyond == pytest.approx((46 / 45, 34 / 33))


def test_a_video_that_is_gone_is_one_sentence(tmp_path):
    (tmp_path / "gone.mp4").write_bytes(b"\x00\x00\x00\x18ftypmp42" + bytes(500))
    with pytest.raises(UserError):
        stage_video(tmp_path / "gone.mp4")


def test_the_scene_holds_track_curve_phases_and_numbers_with_errors(session):
    shown = scene(session, np.arange(49) / 30)
    track = session.description().filmed_track
    assert [row[0] for row in shown["track"]] == np.arange(49)[: len(track)].tolist()
    assert shown["track"][3][1:3] == pytest.approx(track.centres_px[3], abs=0.01)
    on_curve = [row[4] for row in shown["track"] if row[4] is not None]
    assert max(on_curve) < 5 and len(shown["curve"]) > 100
    assert [phase["name"] for phase in shown["phases"]] == ["parabolic", "at rest"]
    assert shown["head"] == "parabolic" and "±" in shown["numbers"][0]


def test_the_film_is_sent_once_and_nothing_where_nothing_changed(session):
    from trajvlm.ui.conversation import Conversation
    from trajvlm.ui.stage import Stage
    from trajvlm.vlm.scale import Scale

    conversation, stage = Conversation(fake.FakeDescriber()), Stage()
    assert stage.shown(None)["visible"] is False
    conversation.session = session
    assert {"film", "strip", "track"} <= set(stage.shown(conversation)["value"])
    assert "value" not in stage.shown(conversation)
    session.scale = Scale(pixels_per_metre=300)
    again = stage.shown(conversation)["value"]
    session.scale = None
    assert "film" not in again and "m/s" in again["numbers"][0]


def test_over_frames_of_a_camera_that_moves_no_curve_is_drawn_beside_the_object(session):
    still = session.description()
    session.remember(replace(still, camera_moves=True))
    shown = scene(session, np.arange(49) / 30)
    session.remember(still)
    assert shown["track"] == shown["curve"] == [] and "camera moves" in shown["careful"]


@pytest.mark.parametrize(
    ("gesture", "tool"),
    [
        ({"kind": "point", "place": [320.4, 180.2, 0.5]}, "point_at"),
        ({"kind": "window", "span": [0.2, 1.25]}, "choose_window"),
        ({"kind": "point", "place": [3.0, 0.2, 0.0]}, "point_at"),
        ({"kind": "stick", "ends": [120, 400, 519, 402], "length": "1 m"}, "measure_length"),
        ({"kind": "stick", "ends": [5.0, 400, 7.5, 12], "length": " 30cm "}, "measure_length"),
        ({"kind": "stick", "ends": [0, 3, 512, 7], "length": "1,5 m"}, "measure_length"),
    ],
)
def test_a_gesture_is_a_sentence_that_the_chat_understands(gesture, tool):
    assert plan(in_words(gesture, None))[0].tool == tool


@pytest.mark.parametrize(
    "gesture",
    [
        {},
        {"kind": "point", "place": ["<b>", 1, 2]},
        {"kind": "window", "span": [float("inf"), 1]},
        {"kind": "stick", "ends": [1, 2, 3, 4], "length": ""},
        {"kind": "stick", "ends": [1, 2, 3, 4], "length": "1 m " * 400},
    ],
)
def test_what_is_no_gesture_is_refused(gesture):
    with pytest.raises(UserError):
        in_words(gesture, None)
