"""The clock: stamps are used where they can be true, a wrong one is said, and a start far in changes no times."""

from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.frame import PictureType

from tests.data.filmed.test_decode import write
from trajvlm.data.filmed import decode
from trajvlm.data.filmed.clock import Look, clock_of
from trajvlm.data.filmed.decode import frames, open_video

RATE = 30


def brightening(count):
    """Pictures whose grey tells their number."""
    return [np.full((48, 64, 3), 20 + 200 * k // count, np.uint8) for k in range(count)]


def shown(path, **options):
    """Times (N,) and mean greys (N,) that `frames` gives."""
    both = [(time, picture.mean()) for time, picture in frames(path, **options)]
    return np.array(both).reshape(-1, 2).T


def decoding_times(path, count=150, first_reordered=0):
    """An AVI with B-frames, which holds no times of display; the pictures before `first_reordered` are none."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"x264-params": "b-adapt=0:bframes=3", "crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index, picture in enumerate(brightening(count)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            if index < first_reordered:
                frame.pict_type = PictureType.P
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def restamped(source, target, stamps_ms=None, later=0):
    """The same packets with other stamps, or all of them so many ticks later."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for index, packet in enumerate(p for p in old.demux(video=0) if p.size):
            if stamps_ms is not None:
                packet.time_base, packet.pts, packet.dts = Fraction(1, 1000), stamps_ms[index], stamps_ms[index]
            else:
                packet.pts, packet.dts = packet.pts + later, packet.dts + later
            packet.stream = stream
            new.mux(packet)
    return target


@pytest.mark.parametrize("first_reordered", [0, 120])
def test_times_of_decoding_are_not_taken_for_times_of_display(tmp_path, first_reordered):
    path = decoding_times(tmp_path / "b.avi", 200, first_reordered)
    times, greys = shown(path)
    np.testing.assert_allclose(times, np.arange(200) / RATE, atol=1e-9)
    assert (np.diff(greys) > -1).all() and np.ptp(greys) > 150
    info = open_video(path)
    assert (info.rate, info.frame_count, info.duration_s) == (RATE, 200, pytest.approx(200 / RATE))
    assert info.notes == (
        "the file's time stamps are out of order, so frame k is taken to be at k / 30 s; give --fps if that is wrong",
    )


def test_a_rate_that_is_given_overrides_a_wrong_clock_without_a_word(tmp_path):
    path = decoding_times(tmp_path / "b.avi", 60)
    np.testing.assert_allclose(shown(path, fps=240)[0], np.arange(60) / 240)
    assert open_video(path, fps=240).notes == () and open_video(path, fps=240).duration_s == 60 / 240


def test_a_clock_that_stands_still_or_starts_again_gives_way_to_the_order_of_the_frames(tmp_path):
    steady = write(tmp_path / "steady.mp4", brightening(150), options={"bf": "0"})
    stamps = [1000 * k // RATE for k in range(150)]
    stamps[40:70] = [stamps[40]] * 30
    still = restamped(steady, tmp_path / "still.mkv", stamps)
    once = write(tmp_path / "once.ts", brightening(60)).read_bytes()
    (tmp_path / "twice.ts").write_bytes(once + once)
    for path, count, word in [(still, 150, "equal"), (tmp_path / "twice.ts", 120, "out of order")]:
        np.testing.assert_allclose(shown(path)[0], np.arange(count) / RATE, atol=1e-9)
        (note,) = open_video(path).notes
        assert word in note and "k / 30 s" in note


def test_bare_pictures_have_no_times_and_that_is_said(tmp_path):
    path = write(tmp_path / "bare.h264", brightening(40))
    np.testing.assert_allclose(shown(path)[0], np.arange(40) / RATE)
    assert "has no time stamps" in open_video(path).notes[0]


def test_a_wrong_rate_in_the_header_is_said_and_not_used(tmp_path):
    path = write(tmp_path / "r.mkv", brightening(60), times=[k / 25 for k in range(60)], rate=RATE)
    info = open_video(path)
    assert info.rate == pytest.approx(25, rel=1e-3)
    assert info.notes == ("the header claims 30 frames a second, the frames' own times say 25, which was used",)
    np.testing.assert_allclose(shown(path)[0], np.arange(60) / 25, atol=1e-3)


def test_an_edit_list_shows_what_a_player_shows(tmp_path):
    whole = write(tmp_path / "whole.mp4", brightening(150))
    cut = restamped(whole, tmp_path / "cut.mp4", later=-20 * 512)
    times, greys = shown(cut)
    assert len(times) == 130 and open_video(cut).frame_count == 130
    np.testing.assert_allclose(times, np.arange(130) / RATE, atol=1e-3)
    np.testing.assert_allclose(greys, shown(whole)[1][20:], atol=1)
    assert open_video(cut).notes == ("the header counts 150 frames, 130 are shown",)
    np.testing.assert_array_equal(shown(cut, start=3.0), shown(cut)[:, times >= 3.0])


def test_uneven_times_are_true(tmp_path):
    steps = np.random.default_rng(0).choice([0.033, 0.034, 0.067], 80)
    times = np.concatenate([[0.0], np.cumsum(steps)])
    times[50:] += 4  # a pause
    path = write(tmp_path / "phone.mkv", brightening(81), times=times, rate=25)
    info = open_video(path)
    np.testing.assert_allclose(shown(path)[0], times, atol=1e-3)
    assert info.rate == pytest.approx(1 / steps.mean(), rel=0.02) and "out of order" not in "".join(info.notes)


def test_honest_files_carry_no_notes(tmp_path):
    for name, codec, layout in [
        ("a.mp4", "libx264", "yuv420p"),
        ("a.avi", "mpeg4", "yuv420p"),
        ("a.ts", "libx264", "yuv420p"),
        ("a.gif", "gif", "rgb8"),
        ("a.webm", "libvpx-vp9", "yuv420p"),
    ]:
        path = write(tmp_path / name, brightening(40), codec=codec, pix_fmt=layout)
        info = open_video(path)
        assert info.notes == () and info.rate == pytest.approx(RATE, rel=2e-3) and info.frame_count == 40, name


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "plain.avi", "a.mpg", "a.ts"])
def test_a_start_far_into_the_file_gives_the_times_of_reading_it_all(tmp_path, name):
    codec = {"a.mpg": "mpeg2video", "plain.avi": "mpeg4"}.get(name, "libx264")
    path = write(tmp_path / name, brightening(400), codec=codec, options={"g": "12"})
    whole = shown(path)
    for start in (2.5, 7.3, 10.0):
        np.testing.assert_allclose(shown(path, start=start), whole[:, whole[0] >= start], atol=1e-9)


def test_of_a_long_file_only_a_part_is_looked_at(tmp_path, monkeypatch):
    path = decoding_times(tmp_path / "long.avi", 300)
    taken, packets = [], decode._packets
    monkeypatch.setattr(decode, "_LOOK_PACKETS", 50)
    monkeypatch.setattr(decode, "_LOOK_PICTURES", 8)
    monkeypatch.setattr(decode, "_packets", lambda *a: (taken.append(p) or p for p in packets(*a)))
    info = open_video(path)
    assert "out of order" in info.notes[0] and info.frame_count == 300
    assert len(taken) < 130


def look(stored, displayed=None, whole=True):
    return Look(np.array(stored, float), None if displayed is None else np.array(displayed, float), 0.001, whole)


def test_one_damaged_stamp_does_not_cost_the_others_their_times():
    stamps = np.arange(200) / 25
    stamps[90] = stamps[88]
    clock = clock_of(look(stamps), 25, 200)
    assert clock.stamped and clock.notes == () and clock.rate == pytest.approx(25, rel=1e-3)
    assert not clock.exact, "a jump past the damaged one would keep what reading leaves out"


def test_the_part_that_was_not_looked_at_is_not_judged():
    slow = np.cumsum(np.random.default_rng(0).choice([0.04, 0.08], 500))
    clock = clock_of(look(slow, whole=False), 28.5, 9000)
    assert (clock.rate, clock.frame_count, clock.notes) == (28.5, 9000, ())


def test_stamps_that_still_agree_on_a_rate_overrule_a_wrong_header():
    display = np.arange(64) / 25
    display[1::3] += 0.04
    display[2::3] -= 0.04
    clock = clock_of(look(np.arange(200) / 25, display), 31.47, None)
    assert not clock.stamped and clock.rate == pytest.approx(25)
