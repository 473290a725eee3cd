"""Decoding: true times, upright pictures, bounded work, and one sentence for every file that cannot be used."""

import fractions
import gc
import tracemalloc

import av
import numpy as np
import pytest

from trajvlm.data.errors import UserError
from trajvlm.data.filmed.decode import frames, open_video, pictures


def write(path, pictures, times=None, rate=30, codec="libx264", pix_fmt="yuv420p", rotation=0, options=None):
    """A video of (H, W, 3) uint8 pictures, at `times` in seconds or at a steady rate."""
    base = fractions.Fraction(1, 1000)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        if rotation:
            stream.set_display_rotation(rotation)
        for index, picture in enumerate(pictures):
            if index == 0:
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = pix_fmt
                if times is not None:
                    stream.codec_context.time_base = base
            layout = "rgba" if picture.shape[2] == 4 else "rgb24"
            frame = av.VideoFrame.from_ndarray(picture, format=layout)
            frame.pts = index if times is None else round(times[index] * 1000)
            frame.time_base = fractions.Fraction(1, rate) if times is None else base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def quadrants(width=64, height=48, count=5):
    """Pictures whose top left is red, top right green, bottom left blue, bottom right white."""
    picture = np.full((height, width, 3), 255, np.uint8)
    picture[: height // 2, : width // 2] = (255, 0, 0)
    picture[: height // 2, width // 2 :] = (0, 255, 0)
    picture[height // 2 :, : width // 2] = (0, 0, 255)
    return [picture] * count


def refusal(call) -> str:
    with pytest.raises(UserError) as caught:
        call()
    text = str(caught.value)
    assert text and "\n" not in text and ". " not in text.replace("...", ""), text
    return text


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("a.mov", "png", "rgb24"),
        ("a.avi", "mpeg4", "yuv420p"),
        ("a.webm", "libvpx-vp9", "yuv420p"),
        ("a.mkv", "ffv1", "gray"),
    ],
)
def test_containers_and_codecs(tmp_path, name, codec, pix_fmt):
    path = write(tmp_path / name, quadrants(count=12), codec=codec, pix_fmt=pix_fmt)
    info = open_video(path)
    seen = list(frames(path))
    assert (info.width, info.height) == (64, 48)
    assert len(seen) == 12 and seen[0][0] == 0.0
    np.testing.assert_allclose([t for t, _ in seen], np.arange(12) / 30, atol=2e-3)
    assert seen[3][1].shape == (48, 64, 3) and seen[3][1].dtype == np.uint8
    if pix_fmt == "gray":
        assert np.ptp(seen[0][1].astype(int), axis=2).max() == 0


@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_rotation_flag_gives_upright_pictures(tmp_path, rotation):
    path = write(tmp_path / "r.mp4", quadrants(), rotation=rotation)
    info, (_, picture) = open_video(path), next(iter(frames(path)))
    # The flag turns counter-clockwise, as np.rot90 does.
    expected = np.rot90(quadrants()[0], rotation // 90)
    assert (info.height, info.width) == picture.shape[:2] == expected.shape[:2]
    assert np.abs(picture.astype(int) - expected).mean() < 10


def test_variable_frame_rate_keeps_true_times(tmp_path):
    times = [0.0, 0.04, 0.05, 0.3, 0.31, 1.0]
    path = write(tmp_path / "v.mkv", quadrants(count=6), times=times)
    np.testing.assert_allclose([t for t, _ in frames(path)], times, atol=2e-3)


def test_fps_overrides_timestamps(tmp_path):
    path = write(tmp_path / "f.mp4", quadrants(count=6))
    assert [t for t, _ in frames(path, fps=240)] == [k / 240 for k in range(6)]
    assert open_video(path, fps=240).duration_s == pytest.approx(6 / 240)
    assert "frame rate" in refusal(lambda: open_video(path, fps=0))


def test_odd_sizes_gif_and_alpha(tmp_path):
    odd = write(tmp_path / "odd.gif", quadrants(51, 37), rate=10, codec="gif", pix_fmt="rgb8")
    seen = list(frames(odd))
    assert len(seen) == 5 and seen[0][1].shape == (37, 51, 3)
    assert seen[1][0] == pytest.approx(0.1)
    clear = np.zeros((32, 32, 4), np.uint8)
    clear[:, :16] = (0, 0, 200, 255)
    path = write(tmp_path / "alpha.mov", [clear] * 3, codec="png", pix_fmt="rgba")
    _, picture = next(iter(frames(path)))
    assert picture[5, 5].tolist() == [0, 0, 200] and picture[5, 25].tolist() == [255, 255, 255]


def test_start_end_and_stride_pick_the_same_frames_as_reading_all(tmp_path):
    path = write(tmp_path / "s.mp4", quadrants(count=150))
    times = [t for t, _ in frames(path)]
    picked = [t for t, _ in frames(path, start=3.0, end=4.0, stride=3)]
    assert picked == [t for t in times if 3.0 <= t <= 4.0][::3]


def test_8k_is_made_small_while_decoding(tmp_path):
    row = np.zeros((4320, 7680, 3), np.uint8)
    row[:, 3840:] = 200
    path = write(tmp_path / "8k.mkv", [row] * 2, codec="mjpeg", pix_fmt="yuvj420p")
    tracemalloc.start()
    pictures = [p for _, p in frames(path, longest_side=320)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [p.shape for p in pictures] == [(180, 320, 3)] * 2 and peak < 20e6
    assert abs(int(pictures[0][90, 300, 0]) - 200) < 8


def test_a_torn_file_gives_what_is_there(tmp_path, capfd):
    noise = np.random.default_rng(0).integers(0, 255, (40, 64, 64, 3), dtype=np.uint8)
    whole = write(tmp_path / "whole.mkv", noise).read_bytes()
    torn = tmp_path / "torn.mkv"
    torn.write_bytes(whole[: len(whole) // 2])
    assert 10 < len(list(frames(torn))) < 30
    headless = tmp_path / "torn.mp4"
    data = write(tmp_path / "whole.mp4", noise).read_bytes()
    headless.write_bytes(data[: len(data) // 2])
    assert str(headless) in refusal(lambda: open_video(headless))
    assert capfd.readouterr().err == ""


def test_bad_files_are_refused_in_one_sentence(tmp_path):
    empty, text, folder = tmp_path / "empty.mp4", tmp_path / "text.mp4", tmp_path / "folder.mp4"
    empty.touch()
    text.write_text("this is not a video\n" * 50)
    (tmp_path / "t.txt").write_text("this is not a video\n" * 50)
    folder.mkdir()
    one = write(tmp_path / "one.mp4", quadrants(count=1))
    tiny = write(tmp_path / "tiny.mkv", [np.zeros((1, 1, 3), np.uint8)] * 3, codec="ffv1", pix_fmt="bgr0")
    sound = tmp_path / "sound.wav"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    for path, word in [
        (tmp_path / "missing.mp4", "no file"),
        (folder, "folder"),
        (empty, "empty"),
        (text, "not a video"),
        (tmp_path / "t.txt", "not a video"),
        (sound, "no pictures"),
        (one, "only one picture"),
        (tiny, "1 x 1"),
    ]:
        message = refusal(lambda path=path: open_video(path))
        assert word in message and str(path) in message, message


def test_decoded_pictures_are_let_go_of_without_a_collection_of_garbage(tmp_path):
    path = write(tmp_path / "long.mp4", quadrants(count=40), rotation=90)
    gc.collect()
    gc.disable()
    try:
        alive = [sum(type(one) is av.VideoFrame for one in gc.get_objects()) for _ in pictures(path)]
    finally:
        gc.enable()
    # The decoder hands over some at its end together.
    assert len(alive) == 40 and max(alive) < 10
