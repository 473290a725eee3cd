"""A track is cut where its law changes, and nowhere else."""

import numpy as np
import pytest

from trajvlm.data.filmed.phases import cut, place_noise, quadratic_pieces
from trajvlm.data.filmed.track import Track

RATE = 30.0


def a_track(places: np.ndarray, noise: float = 0.2, radius: float = 12.0, seed: int = 0) -> Track:
    rng = np.random.default_rng(seed)
    count = len(places)
    return Track(
        np.arange(count),
        np.arange(count) / RATE,
        places + rng.normal(0, noise, (count, 2)),
        np.full(count, radius) * np.exp(rng.normal(0, 0.02, count)),
        np.ones(count, dtype=bool),
    )


def thrown(t: np.ndarray) -> np.ndarray:
    return np.stack([100 + 200 * t, 300 - 500 * t + 600 * t**2], axis=-1)


def bounced(t: np.ndarray) -> np.ndarray:
    """Dropped from 200 px, floor at 400, restitution 0.8."""
    height, t0, speed, out = 200.0, 0.0, 0.0, np.empty((len(t), 2))
    flight = np.sqrt(2 * height / 1000)
    for k, time in enumerate(t):
        while time > t0 + flight:
            t0, speed = t0 + flight, 0.8 * (1000 * flight - speed if speed == 0 else speed)
            flight = 2 * speed / 1000
        up = (height - 500 * (time - t0) ** 2) if speed == 0 else speed * (time - t0) - 500 * (time - t0) ** 2
        out[k] = 50 + 60 * time, 400 - up
    return out


def test_rest_flight_and_rest_are_three_phases():
    t = np.arange(30) / RATE
    flight = thrown(t)
    places = np.concatenate([np.repeat(flight[:1], 20, axis=0), flight, np.repeat(flight[-1:], 20, axis=0)])
    phases = cut(a_track(places))
    assert [phase.fit.name for phase in phases] == ["rest", "parabolic", "rest"]
    assert abs(phases[1].first - 20) <= 2 and abs(phases[1].stop - 50) <= 2


def test_a_bouncing_ball_is_one_phase_with_its_impacts():
    t = np.arange(60) / RATE
    (phase,) = cut(a_track(bounced(t)))
    assert phase.fit.name == "bouncing" and len(phase) == 60
    assert np.allclose(phase.fit.impacts_s[:2], [0.632, 1.644], atol=0.005)


@pytest.mark.parametrize("turns", [1.2, 7.3, 25.0])
def test_a_swing_is_one_phase_however_often_it_turns(turns):
    t = np.arange(round(turns * 30)) / RATE
    wave = 80 * np.exp(-0.02 * t) * np.cos(2 * np.pi * t + 0.4)
    (phase,) = cut(a_track(np.stack([200 + wave, 150 + 0.1 * wave], axis=-1)))
    assert phase.fit.name in ("oscillating", "damped") and len(phase) == len(t)
    lasts = phase.fit.stop - phase.fit.start
    assert lasts / phase.fit.inside[0] == pytest.approx(1.0, rel=0.003)


def test_a_swing_whose_errors_last_is_not_cut_to_pieces():
    t = np.arange(600) / RATE
    wave = 60 * np.cos(2 * np.pi * t)
    # A bob before a textured wall is off by the same wherever it passes.
    textured = 2.5 * np.sin(wave / 4) + wave
    (phase,) = cut(a_track(np.stack([200 + textured, 150 + 0 * t], axis=-1)))
    assert len(phase) == 600


def test_a_path_in_perspective_is_one_phase_where_the_sizes_say_so():
    t = np.arange(50) / RATE
    nearer = 1 / (1 - 0.3 * t)
    places = np.stack([50 + 150 * t, 40 + 20 * t], axis=-1) * nearer[:, None]
    track = a_track(places)
    track = Track(track.frames, track.times_s, track.centres_px, 10 * nearer, track.whole)
    (phase,) = cut(track)
    assert len(phase) == 50 and np.all(phase.fit.distances < 3)


def test_what_a_hand_does_is_not_explained_as_one_motion():
    rng = np.random.default_rng(3)
    steps = np.cumsum(np.cumsum(rng.normal(0, 1.5, (120, 2)), axis=0), axis=0) / 8
    phases = [phase for phase in cut(a_track(200 + steps)) if not phase.rests]
    assert not phases or max(len(phase) for phase in phases) < 70


def test_noise_is_seen_through_outliers_and_curves():
    t = np.arange(60) / RATE
    places = thrown(t) + np.random.default_rng(1).normal(0, 0.5, (60, 2))
    places[::20] += 40
    assert place_noise(t, places) == pytest.approx(0.5, rel=0.5)


def test_pieces_end_at_the_impact():
    t = np.arange(40) / RATE
    places = bounced(t)
    ends = quadratic_pieces(t, places, np.full(40, 0.5))
    assert any(abs(t[end] - 0.632) < 1.5 / RATE for end in ends[1:-1])
