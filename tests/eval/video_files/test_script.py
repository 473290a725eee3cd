"""The script at full resolution: it follows a ball in a file, and its answer reads like the program's own."""

import cv2
import numpy as np
import pytest

from tests.eval.video_files.made_up import BOUNCE
from trajvlm.data.errors import UserError
from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered.export import write_video
from trajvlm.eval.video_files import script
from trajvlm.eval.video_files.answer import Answer

RATE, WIDTH, HEIGHT = 30, 320, 240


def write(path, places):
    """A light ball of ten pixels at places (T, 2) before a wall."""
    wall = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    wall[:, ::16] = 110
    frames = []
    for x, y in places:
        picture = wall.copy()
        at = round(16 * (float(x) - 0.5)), round(16 * (float(y) - 0.5))
        cv2.circle(picture, at, 160, (235, 225, 200), -1, cv2.LINE_AA, 4)
        frames.append(picture)
    write_video(path, np.stack(frames), RATE)
    return path


@pytest.fixture(scope="module")
def swing(tmp_path_factory):
    """A swing along a line that slants: 90 pixels, a period of 0.8 s."""
    t = np.arange(2 * RATE) / RATE
    along = 90 * np.cos(2 * np.pi * t / 0.8 + 0.4)
    places = np.stack([160 + 0.8 * along, 120 - 0.6 * along], axis=-1)
    return write(tmp_path_factory.mktemp("swing") / "swing.mp4", places), t, places


def test_a_ball_is_found_to_a_part_of_a_pixel(swing):
    video, t, places = swing
    times, found = script.blobs(video)
    true = places[np.isin(np.round(t, 3), np.round(times, 3))]
    assert len(times) > 0.9 * len(t) and np.quantile(np.linalg.norm(found - true, axis=1), 0.9) < 0.5


def test_its_answer_is_judged_as_the_programs_own(swing):
    video, t, places = swing
    found = Answer.of({"answer": script.answer(video)})
    assert found.family == "oscillating" and found.refused is None and found.confidence > 0.5
    period, amplitude = found.constants["period"], found.constants["amplitude"]
    assert period.value == pytest.approx(0.8, rel=0.01) and 0 < period.sd < 0.01
    assert amplitude.value == pytest.approx(90, rel=0.02) and 0 < amplitude.sd < 3
    inside = (t >= found.window[0]) & (t <= found.window[1])
    assert np.sqrt(((found.path_px("measured", t[inside]) - places[inside]) ** 2).sum(axis=1).mean()) < 1.0
    assert [phase.main for phase in found.phases] == [True]


def test_nothing_that_moves_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match="0 frames on end"):
        script.answer(write(tmp_path / "still.mp4", np.full((20, 2), 100.0)))


def test_of_several_runs_the_longest_is_kept():
    times = np.array([0.0, 0.04, 0.5, 0.54, 0.58, 1.0])
    run, places = script.longest_run(times, np.stack([times, times], axis=-1))
    assert run.tolist() == [0.5, 0.54, 0.58] and places[:, 0].tolist() == run.tolist()


def test_rest_before_and_after_a_motion_is_left_out():
    along = np.array([0, 0.5, 0.3, 0, 3, 9, 15, 20, 20.4, 20])
    times, places = script.without_rest(np.arange(10.0), np.stack([along, along], axis=-1))
    assert times.tolist() == [3, 4, 5, 6, 7] and places[:, 0].tolist() == [0, 3, 9, 15, 20]
    assert len(script.without_rest(np.arange(10.0), np.zeros((10, 2)))[0]) == 0


def test_standard_deviations_are_those_of_repeated_measurements():
    tau, rng = np.linspace(0, 1, 60), np.random.default_rng(0)
    place = np.stack([50 * np.cos(9 * tau), 50 * np.sin(9 * tau)], axis=-1)
    found = []
    for _ in range(40):
        fit, covariance = script.fit(FAMILIES["circular"], tau, place + rng.normal(0, 0.4, place.shape))
        found.append(script.constants_with_sd("circular", fit.constants, covariance, 0.0, 2.0))
    for name, true in (("period", 2 * 2 * np.pi / 9), ("radius", 50)):
        values, sd = (np.array([one[name][key] for one in found]) for key in ("value", "sd"))
        assert values.mean() == pytest.approx(true, rel=0.01)
        assert np.median(sd) == pytest.approx(values.std(), rel=0.4)


def test_a_bounce_is_fitted_with_its_impacts():
    tau = np.linspace(0.25, 1.0, 90)
    places = Equation.from_text(BOUNCE["equation"]).positions(2 * tau)[:, :2]
    told = script._told(2 * tau, places, 400, 300)
    found = Answer.of({"answer": told})
    assert found.family == "bouncing"
    assert found.constants["acceleration"].value == pytest.approx(800, rel=0.01)
    assert found.constants["restitution"].value == pytest.approx(0.5, rel=0.02)
    assert found.impacts_s[:2] == pytest.approx([1.0, 1.5], abs=0.01)
