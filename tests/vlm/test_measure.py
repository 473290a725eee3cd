"""Constants are measured on a track with errors that are true, and depth is claimed where sizes or path show it."""

import numpy as np
import pytest

from trajvlm.data.cameras.camera import magnification, project
from trajvlm.data.clip import Placement
from trajvlm.data.filmed.track import Track
from trajvlm.data.motions.families import FAMILIES
from trajvlm.vlm.measure import MeasureSettings, measure

RATE = 30.0
PLACEMENT = Placement(320, 240, 200, 0.0, 1.0, 640, 480)
EVEN = dict.fromkeys(FAMILIES, 1 / 8)


def seen(positions: np.ndarray, noise: float = 0.2, seed: int = 0, radius: float = 12.0) -> Track:
    """Positions (N, 3) in half widths as a camera sees them, at 30 frames a second."""
    rng = np.random.default_rng(seed)
    count = len(positions)
    places = PLACEMENT.to_pixels(project(positions)) + rng.normal(0, noise, (count, 2))
    radii = radius * magnification(positions) * np.exp(rng.normal(0, 0.02, count))
    return Track(np.arange(count), np.arange(count) / RATE, places, radii, np.ones(count, dtype=bool))


def swing(t: np.ndarray) -> np.ndarray:
    wave = 0.6 * np.exp(-0.1 * t) * np.cos(2 * np.pi * t / 0.8)
    return np.stack([wave, 0.2 * wave, 0 * t], axis=-1)


def throw(t: np.ndarray) -> np.ndarray:
    return np.stack([1.2 * t - 0.6, 0.4 - 3.0 * (t - 0.4) ** 2, 0 * t], axis=-1)


def bounce(t: np.ndarray) -> np.ndarray:
    flights = ((-0.2, 0.3), (0.3, 0.7), (0.7, 1.02))
    height = np.max([np.maximum(0, 3 * (t - a) * (b - t)) for a, b in flights], axis=0)
    return np.stack([0.7 * t - 0.3, height - 0.4, 0 * t], axis=-1)


@pytest.mark.parametrize(
    ("path", "frames", "family", "name", "true"),
    [
        (swing, 90, "damped", "period", 0.8),
        (swing, 90, "damped", "decay", 0.1),
        (throw, 28, "parabolic", "acceleration", 6.0 * 200),
        (bounce, 30, "bouncing", "acceleration", 6.0 * 200),
        (bounce, 30, "bouncing", "restitution", 0.8),
    ],
)
def test_the_truth_lies_within_the_errors(path, frames, family, name, true):
    t = np.arange(frames) / RATE
    within, values = 0, []
    for seed in range(12):
        impacts = np.array([0.3, 0.7]) if path is bounce else np.empty(0)
        found = measure(seen(path(t), seed=seed), PLACEMENT, EVEN, impacts, 6.0)
        assert found.best.family.name == family
        value, error, _ = found.best.values[name]
        within += abs(value - true) <= 2 * error
        values.append(value)
    assert within >= 9
    assert np.median(values) == pytest.approx(true, rel=0.05)


def test_errors_cover_the_truth_where_the_place_wanders_slowly():
    t = np.arange(90) / RATE
    within = 0
    for seed in range(12):
        track = seen(swing(t), noise=0.05, seed=seed)
        steps = np.random.default_rng(100 + seed).normal(size=(120, 2))
        slow = np.stack([np.convolve(axis, np.exp(-np.arange(31) / 8), "valid") for axis in steps.T], axis=1)
        wandering = Track(track.frames, track.times_s, track.centres_px + 0.4 * slow, track.radii_px, track.whole)
        value, error, _ = measure(wandering, PLACEMENT, EVEN, np.empty(0), 6.0).best.values["period"]
        within += abs(value - 0.8) <= 2 * error
    assert within >= 10


def test_a_speed_in_depth_is_that_seen_at_the_mean_depth_wherever_the_picture_is_cut():
    t = np.arange(45) / RATE
    # In pixels of a camera that looks at the middle of the picture, far from which the object passes.
    points = np.stack([150 * t + 100, 60 * t + 50, 500 * t - 375], axis=-1)
    nearer = 900 / (900 - points[:, 2])
    places = np.array([320.0, 240.0]) + points[:, :2] * nearer[:, None] * [1, -1]
    track = Track(np.arange(45), t, places, 12 * nearer, np.ones(45, dtype=bool))
    low, high = places.min(0), places.max(0)
    crop = Placement(*((low + high) / 2), float((high - low).max() / 1.6), 0.0, 1.0, 640, 480)
    found = measure(track, crop, EVEN, np.empty(0), 3.0).best
    at_middle = np.linalg.norm(places[23] - places[21]) * RATE / 2
    assert found.family.name == "linear"
    assert found.values["speed"][0] == pytest.approx(at_middle, rel=1e-3)


def test_a_throw_seen_aslant_lies_within_errors_where_no_depth_is_seen():
    t = np.arange(20) / RATE
    # 6 degrees out of the picture's plane, which neither the sizes nor the path show clearly.
    path = throw(t) * 0.6
    slanting = np.stack([path[:, 0], path[:, 1], 0.1 * 4 / 2.77 * path[:, 1]], axis=-1)
    found = measure(seen(slanting, noise=0.5), PLACEMENT, EVEN, np.empty(0), 3.0).best
    value, error, _ = found.values["acceleration"]
    assert found.family.name == "parabolic" and not found.depth_seen
    assert 0.004 * value < error < 0.1 * value
    assert abs(value - 0.6 * 6 * 200) < 2 * error


def test_of_a_single_impact_the_floors_slope_is_not_known():
    t = np.arange(24) / RATE
    height = np.where(t < 0.4, 3 * (t + 0.1) * (0.4 - t), 3 * (t - 0.4) * (0.8 - t))
    level = np.stack([0.7 * t - 0.3, height - 0.4, 0 * t], axis=-1)
    sloping = level + np.array([0, 0.1, 0]) * (0.7 * t)[:, None]
    values = []
    for path in (level, sloping):
        found = measure(seen(path, noise=0.05), PLACEMENT, EVEN, np.array([0.4]), 3.0).best
        values.append(found.values["restitution"])
    assert abs(values[0][0] - values[1][0]) > 0.02
    assert values[0][1] == pytest.approx(abs(values[0][0] - values[1][0]), rel=0.5)


def test_impacts_are_found_between_frames():
    t = np.arange(30) / RATE
    found = measure(seen(bounce(t)), PLACEMENT, EVEN, np.array([0.33, 0.67]), 3.0)
    assert found.best.impacts_s == pytest.approx([0.3, 0.7], abs=0.004)


def test_depth_is_claimed_where_sizes_and_path_show_it_and_not_elsewhere():
    t = np.arange(45) / RATE
    flat = np.stack([0.8 * t - 0.6, 0.3 * t, 0 * t], axis=-1)
    deep = flat + np.array([0, 0, 1.0]) * (1.6 * t - 1.2)[:, None]
    assert not measure(seen(flat), PLACEMENT, EVEN, np.empty(0), 3.0).best.depth_seen
    found = measure(seen(deep), PLACEMENT, EVEN, np.empty(0), 3.0).best
    assert found.depth_seen and found.family.name == "linear"


def test_a_radius_that_wavers_makes_no_helix_of_a_throw():
    t = np.arange(20) / RATE
    track = seen(throw(t))
    wavering = Track(track.frames, track.times_s, track.centres_px, 12 * np.exp(0.15 * np.sin(17 * t)), track.whole)
    found = measure(wavering, PLACEMENT, EVEN, np.empty(0), 3.0)
    assert found.best.family.name == "parabolic" and not found.best.depth_seen


@pytest.mark.parametrize("phase", [0.0, 3.14])
def test_less_than_a_turn_is_no_helix_where_the_sizes_hardly_tell(phase):
    t = np.arange(30) / RATE
    angle = 2 * np.pi * 0.7 * t / t[-1]
    across = np.stack([0.8 * t - 0.4 + 0.25 * np.cos(angle), 0.15 * np.sin(angle), 0 * t], axis=-1)
    track = seen(across, noise=0.4)
    radii = track.radii_px * np.exp(0.03 * np.cos(angle + phase))
    wavering = Track(track.frames, track.times_s, track.centres_px, radii, track.whole)
    assert measure(wavering, PLACEMENT, EVEN, np.empty(0), 3.0).best.family.name != "helical"


def test_single_wrong_places_do_not_move_the_constants():
    t = np.arange(28) / RATE
    track = seen(throw(t))
    places = track.centres_px.copy()
    places[[5, 16]] += 30
    found = measure(
        Track(track.frames, track.times_s, places, track.radii_px, track.whole), PLACEMENT, EVEN, np.empty(0), 3.0
    )
    assert found.best.values["acceleration"][0] == pytest.approx(1200, rel=0.02) and found.best.residual_px < 1


def test_the_language_model_decides_where_the_track_does_not():
    t = np.arange(12) / RATE
    short = np.stack([0.3 * t, 0.02 * t**2, 0 * t], axis=-1)
    told = {name: 0.93 if name == "parabolic" else 0.01 for name in FAMILIES}
    even = measure(seen(short, 0.5), PLACEMENT, EVEN, np.empty(0), 3.0)
    with_model = measure(seen(short, 0.5), PLACEMENT, told, np.empty(0), 3.0)
    assert with_model.probabilities["parabolic"] > even.probabilities["parabolic"]


def test_the_equation_runs_through_the_track_on_the_clips_clock():
    t = np.arange(28) / RATE
    track = seen(throw(t))
    later = Track(track.frames, track.times_s + 2.0, track.centres_px, track.radii_px, track.whole)
    found = measure(later, PLACEMENT, EVEN, np.empty(0), 3.0).best
    # The clip's placement begins at 0 s, and so does the equation's time.
    drawn = PLACEMENT.to_pixels(found.equation(4.0).positions(later.times_s)[:, :2])
    assert np.abs(drawn - later.centres_px).max() < 1.5


def test_a_swing_that_grows_is_not_called_damped():
    t = np.arange(60) / RATE
    wave = 0.1 * np.exp(0.8 * t) * np.cos(2 * np.pi * t / 0.8)
    found = measure(seen(np.stack([wave, 0.2 * wave, 0 * t], axis=-1)), PLACEMENT, EVEN, np.empty(0), 6.0)
    assert found is None or found.best.family.name != "damped"


def test_part_of_a_turn_needs_more_evidence_than_a_throw():
    angle = 2 * np.pi * 0.55 * np.arange(20) / 20
    arc = seen(np.stack([0.5 * np.cos(angle), 0.5 * np.sin(angle), 0 * angle], axis=-1), noise=6.0)
    even, doubted = (
        measure(arc, PLACEMENT, EVEN, np.empty(0), 3.0, MeasureSettings(part_of_turn=nats)).probabilities
        for nats in (0.0, 3.0)
    )
    odds = [told["circular"] / told["parabolic"] for told in (even, doubted)]
    assert odds[1] == pytest.approx(odds[0] * np.exp(-3), rel=1e-3)
