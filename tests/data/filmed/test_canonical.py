"""The canonical clip: its window and crop map back to the known pixels and seconds of the source video."""

import cv2
import numpy as np
import pytest
import torch

from tests.data.filmed.test_decode import refusal, write
from trajvlm.data.clip import CANONICAL, FRAMES, SIZE, Clip
from trajvlm.data.errors import UserError
from trajvlm.data.filmed.candidates import candidates
from trajvlm.data.filmed.canonical import canonical_clip, crop_square
from trajvlm.data.filmed.find import FindSettings, find_tracks
from trajvlm.data.filmed.track import Track

RATE = 30


def texture(width=240, height=180, seed=0):
    noise = np.random.default_rng(seed).uniform(60, 140, (height // 6, width // 6, 3)).astype(np.float32)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)


def film(path, centres, radius=7.0, size=(240, 180), colour=(250, 230, 40), background=None, extra=None, **keywords):
    """Write a video of a disc at `centres` (N, 2) in pixels; a centre of NaN shows no disc."""
    ground = texture(*size) if background is None else background
    radii = np.broadcast_to(radius, len(centres))
    pictures = []
    for index, ((x, y), r) in enumerate(zip(centres, radii, strict=True)):
        picture = ground.copy()
        if np.isfinite(x):
            # 4 fractional bits; OpenCV counts from the centre of the first pixel.
            centre = (round((x - 0.5) * 16), round((y - 0.5) * 16))
            cv2.circle(picture, centre, round(r * 16), colour, -1, cv2.LINE_AA, shift=4)
        if extra is not None:
            extra(picture, index)
        pictures.append(picture)
    return write(path, pictures, **{"rate": RATE, "options": {"crf": "18"}, **keywords})


def fall(count=30, x=(40, 200), y=(30, 150)):
    s = np.linspace(0, 1, count)
    return np.stack([x[0] + (x[1] - x[0]) * s, y[0] + (y[1] - y[0]) * s**2], axis=1)


def seen_centres(clip):
    """(u, v) of the disc in each canonical frame, from its yellow colour."""
    frames = clip.frames.numpy()
    weight = (np.minimum(frames[0], frames[1]) - frames[2] - 0.35).clip(0)
    grid = (np.arange(SIZE) + 0.5) / (SIZE / 2) - 1
    total = weight.sum((1, 2))
    return np.stack([(weight.sum(1) * grid).sum(1) / total, -(weight.sum(2) * grid).sum(1) / total], axis=1)


def assert_maps_back(clip, path_at, pixels=2.0):
    """The disc seen in the clip, mapped to source pixels and seconds, lies on the known path."""
    seconds = clip.placement.to_seconds(np.linspace(0, 1, FRAMES))
    found = clip.placement.to_pixels(seen_centres(clip))
    expected = path_at(seconds)
    assert np.abs(found - expected).max() < pixels, np.abs(found - expected).round(1)


def assert_own_times(clip, path_at, pixels=1.0):
    """The disc in each frame lies where the path was when that frame was taken."""
    found, taken = clip.placement.to_pixels(seen_centres(clip)), clip.placement.to_seconds(clip.times)
    assert np.abs(found - path_at(taken)).max() < pixels, np.abs(found - path_at(taken)).round(1)


def along(centres, rate=RATE):
    times = np.arange(len(centres)) / rate
    return lambda t: np.stack([np.interp(t, times, centres[:, k]) for k in (0, 1)], axis=1)


def test_crop_and_window_map_back_to_the_known_path(tmp_path):
    centres = fall(33)
    clip = canonical_clip(film(tmp_path / "fall.mp4", centres))
    assert clip.frames.shape == (3, FRAMES, SIZE, SIZE) and 0 <= clip.frames.min() and clip.frames.max() <= 1
    assert (clip.placement.video_width_px, clip.placement.video_height_px) == (240, 180)
    assert_maps_back(clip, along(centres))
    uv = seen_centres(clip)
    span = np.ptp(uv, axis=0).max() / 2 + 7 / clip.placement.half_width_px
    assert 0.7 < span < 0.9
    assert np.abs((uv.max(0) + uv.min(0)) / 2).max() < 0.08


def test_track_is_the_known_path_and_radius(tmp_path):
    centres = fall(33)
    (track, *_) = find_tracks(film(tmp_path / "fall.mp4", centres)).tracks
    assert len(track) >= 30
    assert np.abs(track.centres_px - along(centres)(track.times_s)).max() < 1.0
    assert np.abs(track.radii_px - 7).max() < 1.5


def test_a_wrong_clock_does_not_scramble_the_motion_and_is_told(tmp_path):
    centres = fall(33)
    clip = canonical_clip(film(tmp_path / "b.avi", centres, options={"bf": "3", "b_strategy": "0"}))
    assert_maps_back(clip, along(centres))
    assert "out of order" in clip.notes[0]


def test_full_resolution_is_used_for_the_crop(tmp_path):
    centres = fall(20, x=(100, 160), y=(80, 130)) * 4
    clip = canonical_clip(film(tmp_path / "large.mp4", centres, radius=9, size=(960, 720)))
    assert_maps_back(clip, along(centres), pixels=8)
    assert clip.placement.video_width_px == 960


def test_rotation_flag(tmp_path):
    centres = fall(33)
    clip = canonical_clip(film(tmp_path / "r.mp4", centres, rotation=-90))
    assert (clip.placement.video_width_px, clip.placement.video_height_px) == (180, 240)
    # A quarter turn clockwise takes (x, y) of a picture 180 high to (180 - y, x).
    assert_maps_back(clip, along(np.stack([180 - centres[:, 1], centres[:, 0]], axis=1)))


def test_variable_frame_rate_uses_true_times(tmp_path):
    times = np.cumsum(np.tile([0.02, 0.06], 20))
    times -= times[0]
    steady = fall(400)
    path = along(steady, rate=400 / (times[-1] + 1e-9))
    clip = canonical_clip(film(tmp_path / "v.mkv", path(times), times=times.tolist()))
    # Each canonical frame is the nearest source frame, up to 0.03 s away.
    assert_maps_back(clip, path, pixels=8)
    assert np.min(np.abs(times - clip.placement.t0_s)) < 2e-3


@pytest.mark.parametrize("count", [10, 14, 24, 27, 40])
def test_each_frame_has_the_time_at_which_it_was_taken(tmp_path, count):
    centres = fall(count)
    clip = canonical_clip(film(tmp_path / "f.mp4", centres), 0, (count - 1) / RATE)
    assert clip.times.shape == (FRAMES,) and (np.diff(clip.times) >= 0).all()
    assert_own_times(clip, along(centres))
    own = ~clip.repeated
    assert np.abs(clip.times - CANONICAL.times)[own].max() <= 0.5 / (FRAMES - 1) + 1e-6
    assert own.sum() == min(count, FRAMES)


def test_a_time_without_a_frame_shows_the_one_before_again_and_never_a_later_one(tmp_path):
    kept = np.r_[0:10, 16:30]
    centres = fall(30)
    path = film(tmp_path / "gap.mkv", centres[kept], times=(kept / RATE).tolist())
    clip = canonical_clip(path, 0, 29 / RATE)
    assert_own_times(clip, along(centres))
    # From 9 to 16 of 29 steps there is no picture: times 6, 7 and 8 of 16.
    assert np.flatnonzero(clip.repeated).tolist() == [6, 7, 8]
    again = np.flatnonzero(clip.repeated)
    assert (clip.times[again] == clip.times[5]).all() and (clip.frames[:, again] == clip.frames[:, [5]]).all()
    assert np.isnan(clip.fit_times[again]).all() and np.isfinite(np.delete(clip.fit_times, again)).all()


def test_a_rendered_clip_has_even_times():
    clip = Clip.from_frames(torch.zeros(3, FRAMES, SIZE, SIZE))
    assert (clip.fit_times == CANONICAL.times).all() and not clip.repeated.any() and not clip.unseen.any()


def test_gif_with_its_own_and_with_a_given_frame_rate(tmp_path):
    centres = fall(49)
    path = film(tmp_path / "a.gif", centres, codec="gif", pix_fmt="rgb8", rate=10, options={})
    assert canonical_clip(path).placement.duration_s > 1.5
    fast = canonical_clip(path, fps=240)
    assert fast.placement.duration_s < 49 / 240
    assert_maps_back(fast, along(centres, 240), pixels=5)


def test_rest_before_and_after_is_cut_off_and_said(tmp_path):
    centres = fall(24)
    still = np.concatenate([np.repeat(centres[:1], 30, 0), centres, np.repeat(centres[-1:], 60, 0)])
    clip = canonical_clip(film(tmp_path / "rest.mp4", still))
    assert 0.85 < clip.placement.t0_s < 1.25
    assert 1.5 < clip.placement.t0_s + clip.placement.duration_s < 1.9
    assert any("the networks see" in note for note in clip.notes), clip.notes


def test_leaving_the_picture_ends_the_window(tmp_path):
    centres = fall(40, x=(30, 300), y=(40, 120))
    clip = canonical_clip(film(tmp_path / "out.mp4", centres))
    end = along(centres)(np.array([clip.placement.t0_s + clip.placement.duration_s]))
    assert end[0, 0] < 240 - 3


def test_repetition_is_limited(tmp_path):
    time = np.arange(180) / RATE
    swing = np.stack([120 + 80 * np.cos(2 * np.pi * time), np.full(180, 90.0)], axis=1)
    clip = canonical_clip(film(tmp_path / "swing.mp4", swing))
    assert 1.0 <= clip.placement.duration_s <= 1.7


def test_small_motion_is_not_magnified_beyond_the_radius_limit():
    centres = fall(30, x=(100, 110), y=(90, 90))
    index = np.arange(30)
    _, _, side = crop_square(Track(index, index / RATE, centres, np.full(30, 20.0), np.ones(30, bool)))
    assert 20 / side < 0.2 * 1.02


def test_start_and_end_override_the_window(tmp_path):
    centres = fall(60)
    path = film(tmp_path / "o.mp4", centres)
    clip = canonical_clip(path, start=0.5, end=1.2)
    assert clip.placement.t0_s == pytest.approx(0.5, abs=1e-3)
    assert clip.placement.duration_s == pytest.approx(0.7, abs=1e-3)
    assert_maps_back(clip, along(centres), pixels=4)
    for start, end, word in [(5, None, "outside"), (0.1, 9, "outside"), (1.0, 0.5, "after"), (-1, None, "start")]:
        assert word in refusal(lambda start=start, end=end: canonical_clip(path, start, end))


def test_an_arm_from_the_edge_is_not_the_object(tmp_path):
    def arm(picture, index):
        tip = round(160 * np.sin(min(index, 14) / 14 * np.pi)) - 20  # reaches in and withdraws
        cv2.line(picture, (0, 170), (tip, 150), (255, 255, 255), 22)

    centres = fall(40, x=(195, 215), y=(50, 90))
    clip = canonical_clip(film(tmp_path / "arm.mp4", centres, extra=arm))
    assert_maps_back(clip, along(centres), pixels=3)


def test_a_second_moving_object_has_a_track_of_its_own(tmp_path):
    def other(picture, index):
        cv2.circle(picture, (40 + 4 * index, 160), 7, (250, 230, 40), -1)

    centres = fall(33, y=(20, 80))
    path = film(tmp_path / "two.mp4", centres, extra=other)
    assert len(find_tracks(path).tracks) == 2
    for x, y in ((40, 160), centres[0]):
        (pointed, *_) = find_tracks(path, at=(x, y, 0.0)).tracks
        assert np.abs(pointed.centres_px[0] - [x, y]).max() < 8
    # A place where nothing is points at nothing, and what there is is told.
    said = refusal(lambda: find_tracks(path, at=(220, 100, 0.0)))
    told = [[float(part) for part in place.split(",")] for place in said.rpartition(", as ")[2].split(" or ")]
    assert np.allclose(sorted(told), [[40, 20, 0], [40, 160, 0]], atol=2)


def test_few_frames(tmp_path):
    clip = canonical_clip(film(tmp_path / "few.mp4", fall(11)))
    assert any("different frames" in note for note in clip.notes)
    assert "needed" in refusal(lambda: canonical_clip(film(tmp_path / "less.mp4", fall(6))))


def test_no_motion_moving_camera_and_cut(tmp_path):
    still = film(tmp_path / "still.mp4", np.full((30, 2), np.nan))
    assert "nothing moves" in refusal(lambda: canonical_clip(still))
    wide = texture(500, 180)
    pan = write(tmp_path / "pan.mp4", [np.ascontiguousarray(wide[:, 5 * k : 5 * k + 240]) for k in range(40)])
    assert "still camera" in refusal(lambda: canonical_clip(pan))
    other = texture(seed=5)[::-1] // 3

    def scene(picture, index):
        if index >= 36:
            picture[:] = other

    centres = fall(36)
    cut = film(tmp_path / "cut.mp4", np.concatenate([centres, np.full((20, 2), np.nan)]), extra=scene)
    clip = canonical_clip(cut)
    assert any("cut" in note for note in clip.notes)
    assert_maps_back(clip, along(centres), pixels=3)


def test_a_long_video_is_looked_at_in_part_only(tmp_path):
    centres = np.concatenate([fall(60, y=(30, 60)), np.full((450, 2), np.nan), fall(60, y=(30, 60))])
    path = film(tmp_path / "long.mp4", centres, size=(240, 96), options={"crf": "30", "preset": "ultrafast"})
    settings = FindSettings(part_frames=60, most_frames=120)
    found = find_tracks(path, settings=settings)
    assert found.tracks[0].times_s[-1] < 2.1 and any("looked at" in note for note in found.notes)
    later = find_tracks(path, start=17.0, settings=settings).tracks[0]
    assert 16.9 < later.times_s[0] < later.times_s[-1] < 19.1


def test_unusable_files_are_user_errors(tmp_path):
    with pytest.raises(UserError):
        canonical_clip(tmp_path / "missing.mp4")


def post(columns):
    """Something grey that stands before the path, from one column to another."""

    def draw(picture, index):
        picture[:, columns[0] : columns[1]] = (90, 90, 90)

    return draw


def test_what_hides_the_object_for_a_while_does_not_end_its_window(tmp_path):
    centres = fall(40, x=(20, 220))
    clip = canonical_clip(film(tmp_path / "post.mp4", centres, extra=post((100, 130))))
    assert clip.placement.t0_s < 0.1 and clip.placement.duration_s > 1.1
    # The crop holds what comes after the post too.
    uv = (clip.placement.to_pixels(np.array([[-1.0, 1.0], [1.0, -1.0]])) - centres[[0, -1]]) * [[-1, -1], [1, 1]]
    assert (uv > 0).all()


def test_a_thin_post_does_not_end_a_track(tmp_path):
    # Slow enough that parts are seen on both sides of it at once.
    centres = fall(60, x=(70, 170), y=(60, 120))
    film(tmp_path / "thin.mp4", centres, radius=12.0, extra=post((116, 123)))
    (ball, *others) = find_tracks(tmp_path / "thin.mp4").tracks
    assert ball.times_s[0] < 0.2 and ball.times_s[-1] > 1.8 and not others


def test_another_thing_that_appears_later_is_not_taken_for_the_hidden_object(tmp_path):
    centres = fall(40, x=(20, 220))
    centres[22:] = np.nan

    def another(picture, index):
        post((100, 130))(picture, index)
        if index >= 24:
            cv2.circle(picture, (140 + 2 * (index - 24), 60 + 3 * (index - 24)), 7, (30, 60, 250), -1, cv2.LINE_AA)

    (ball, *_) = find_tracks(film(tmp_path / "other.mp4", centres, extra=another)).tracks
    assert ball.times_s[0] >= 24 / RATE or ball.times_s[-1] < 24 / RATE


def test_the_crop_of_a_given_window_holds_the_object_before_something_else_was_taken_for_it(tmp_path):
    """While the ball is away, two glints lie where they can be linked with its second half."""
    centres = fall(30, x=(20, 220), y=(150, 40))
    shown = centres.copy()
    shown[13:18] = np.nan

    def glints(picture, index):
        if index in (13, 16):
            cv2.circle(picture, (93 + 3 * index, 5 * index + 5), 9, (40, 60, 250), -1, cv2.LINE_AA)

    clip = canonical_clip(film(tmp_path / "glints.mp4", shown, extra=glints), 0, 29 / RATE)
    corners = clip.placement.to_pixels(np.array([[-1.0, 1.0], [1.0, -1.0]]))
    assert (centres > corners[0]).all() and (centres < corners[1]).all()
    assert not clip.unseen.any()


@pytest.mark.parametrize(("shown", "word"), [((9, 40), "before 0.30 s"), ((0, 31), "after 1.00 s")])
def test_where_a_given_window_does_not_show_the_object_is_said_and_counts_for_nothing(tmp_path, shown, word):
    centres = fall(40)
    hidden = centres.copy()
    hidden[: shown[0]], hidden[shown[1] :] = np.nan, np.nan
    clip = canonical_clip(film(tmp_path / "late.mp4", hidden), 0, 39 / RATE)
    assert any(word in note and "left out" in note for note in clip.notes), clip.notes
    index = np.round(clip.placement.to_seconds(clip.times) * RATE)
    assert (clip.unseen == ((index < shown[0]) | (index >= shown[1]))).all()
    assert (np.isnan(clip.fit_times) == clip.unseen).all()


def test_a_given_window_that_hardly_shows_the_object_is_refused(tmp_path):
    centres = fall(60)
    centres[:38], centres[46:] = np.nan, np.nan
    path = film(tmp_path / "hardly.mp4", centres)
    assert "shows the object in only" in refusal(lambda: canonical_clip(path, 0, 59 / RATE))


def test_a_ball_that_bounces_keeps_more_of_its_turns_than_a_swing(tmp_path):
    t = np.arange(75) / RATE
    flights = 1 - (2 * (t / 0.5 % 1) - 1) ** 2
    bounces = np.stack([40 + 60 * t, 150 - 100 * flights], axis=1)
    swing = np.stack([120 + 70 * np.cos(2 * np.pi * t / 0.5), 90 + 0 * t], axis=1)
    # It dies away at a steady pace, and a wall turns it round.
    knocking = np.stack([200 - 150 * 0.6 ** (t / 0.5) * np.abs(np.sin(np.pi * t / 0.5)), 90 + 0 * t], axis=1)
    periods = [
        np.ptp(candidates(find_tracks(film(tmp_path / f"{k}.mp4", path)))[0].window_s) / 0.5
        for k, path in enumerate((bounces, swing, knocking))
    ]
    assert 1.9 < periods[0] < 2.2 and 1.3 < periods[1] < 1.7 and periods[2] < 1.7


def test_a_picture_of_a_few_columns_is_searched_as_any_other(tmp_path):
    path = write(tmp_path / "slit.mp4", [np.full((1600, 16, 3), 90, np.uint8)] * 12)
    assert "nothing moves" in refusal(lambda: find_tracks(path))


def test_a_bob_on_a_string_is_found_at_the_bob(tmp_path):
    t = np.arange(60) / RATE
    angle = 0.9 * np.cos(2 * np.pi * t / 1.4)
    bob = np.stack([120 + 130 * np.sin(angle), 10 + 130 * np.cos(angle)], axis=1)

    def string(picture, index):
        x, y = bob[index]
        cv2.line(picture, (120, 10), (round(x), round(y)), (20, 20, 20), 2, cv2.LINE_AA)

    (track, *_) = find_tracks(film(tmp_path / "bob.mp4", bob, radius=9, extra=string)).tracks
    assert np.abs(track.centres_px - along(bob)(track.times_s)).max() < 1.5
