"""The answer is the phase that explains most, and what is not explained is refused with a reason."""

import numpy as np
import pytest

from trajvlm.data.clip import Placement
from trajvlm.data.errors import REASONS
from trajvlm.data.filmed.candidates import candidates
from trajvlm.data.filmed.decode import VideoInfo
from trajvlm.data.filmed.track import FoundTracks, Track
from trajvlm.data.motions.families import FAMILIES
from trajvlm.vlm.answer import Answer
from trajvlm.vlm.check import CheckSettings, best, measured, refusal

RATE = 30.0
INFO = VideoInfo("clip.mp4", 640, 480, RATE, 4.0, 120)
PLACEMENT = Placement(320, 240, 200, 0.0, 4.0, 640, 480)
EVEN = Answer("", np.empty(0), dict.fromkeys(FAMILIES, 1 / 8))


def track(places: np.ndarray, noise: float = 0.2, seed: int = 0, whole: bool = True) -> Track:
    rng = np.random.default_rng(seed)
    count = len(places)
    radii = 12 * np.exp(rng.normal(0, 0.02, count))
    places = places + rng.normal(0, noise, (count, 2))
    return Track(np.arange(count), np.arange(count) / RATE, places, radii, np.full(count, whole))


def throw(start: float = 100.0) -> np.ndarray:
    t = np.arange(40) / RATE
    return np.stack([start + 200 * t, 300 - 500 * t + 400 * t**2], axis=-1)


def pendulum() -> np.ndarray:
    t = np.arange(120) / RATE
    return np.stack([400 + 90 * np.cos(5 * t), 100 + 0 * t], axis=-1)


def by_hand(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    turns = np.repeat(rng.uniform(80, 400, (14, 2)), 9, axis=0)
    kernel = np.hanning(9) / np.hanning(9).sum()
    return np.stack([np.convolve(axis, kernel, "same")[5:-5] for axis in turns.T], axis=-1)


def told(*tracks: Track) -> tuple[str, str] | None:
    """The refusal of what is seen in some tracks."""
    tried = candidates(FoundTracks(tracks, np.arange(120) / RATE, INFO))
    measurements = [measured(one, PLACEMENT, EVEN) for one in tried]
    chosen = best(list(zip(tried, measurements)))
    return refusal(tried[chosen], measurements[chosen], tried)


def test_one_throw_is_believed():
    assert told(track(throw())) is None


def test_two_things_that_move_at_once_are_refused_and_told_where():
    reason, sentence = told(track(throw()), track(throw(400), seed=1))
    assert reason == "several_move" and "--at" in sentence and "100,300" in sentence and "400,300" in sentence


def test_a_hand_that_moves_beside_a_throw_does_not_count_as_a_second_thing():
    assert told(track(throw()), track(by_hand()[:40], 1.0, 1)) is None


def test_what_a_hand_carries_about_is_refused():
    for seed in range(2):
        reason, _ = told(track(by_hand(seed), 0.5, seed))
        assert reason in ("irregular", "held", "too_short")


def test_what_is_held_is_said_to_be_held():
    held = track(by_hand(1), 0.5, 1, whole=False)
    assert told(held)[0] == "held"


def test_the_phase_that_explains_most_comes_first():
    t = np.arange(12) / RATE
    still = np.repeat(throw()[-1:], 20, axis=0)
    roll = np.stack([throw()[-1, 0] + 40 * t, np.full(12, throw()[-1, 1])], axis=-1)
    (first, *_) = candidates(FoundTracks((track(np.concatenate([throw(), still, roll])),), np.arange(72) / RATE, INFO))
    assert first.phase.fit.name == "parabolic"


def test_a_long_swing_is_shown_for_a_period_and_a_half():
    (swing,) = candidates(FoundTracks((track(pendulum()),), np.arange(120) / RATE, INFO))
    start, stop = swing.window_s
    assert stop - start == pytest.approx(1.5 * 2 * np.pi / 5, abs=0.2)


def test_reasons_are_of_the_fixed_list():
    assert {"several_move", "irregular", "held", "too_short"} <= set(REASONS)


def test_an_acceleration_that_is_hardly_known_is_too_short_a_while():
    (candidate, *_) = candidates(FoundTracks((track(throw()),), np.arange(120) / RATE, INFO))
    measurement = measured(candidate, PLACEMENT, EVEN)
    assert refusal(candidate, measurement, [candidate]) is None
    reason, sentence = refusal(candidate, measurement, [candidate], CheckSettings(relative_error=1e-6))
    assert reason == "too_short" and "acceleration" in sentence and "film it for longer" in sentence


def test_a_path_that_goes_on_in_another_track_is_one_objects():
    places = np.concatenate([throw(), throw()[-1] + np.cumsum(by_hand()[:80] - by_hand()[0], axis=0) * 0.2])
    whole = track(places)
    first, second = whole.part(slice(0, 40)), whole.part(slice(41, None))
    (candidate, *_) = candidates(FoundTracks((first,), np.arange(120) / RATE, INFO))
    assert candidate.explained() > 0.9
    assert candidate.explained((first, second)) < 0.6
    far = track(throw(600)).part(slice(0, 20))
    assert candidate.explained((first, far)) == candidate.explained()
