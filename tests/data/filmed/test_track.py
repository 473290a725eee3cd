"""A track tells where its object is hidden in part, and does not take for that what comes nearer or goes away."""

import numpy as np
import pytest

from trajvlm.data.filmed.track import Track


def track(radii: np.ndarray) -> Track:
    count = len(radii)
    return Track(np.arange(count), np.arange(count) / 30, np.zeros((count, 2)), radii, np.ones(count, dtype=bool))


def test_what_goes_slowly_behind_a_post_is_hidden_in_part_by_what_its_radius_lacks():
    radii = np.full(60, 14.0)
    radii[40:] = np.linspace(14, 4, 20)
    hidden = track(radii).hidden_px
    assert (hidden[:42] == 0).all() and (hidden[46:] > 0).all()
    assert hidden[-1] == pytest.approx(10, abs=1)


def test_a_few_small_radii_are_hidden_for_a_moment():
    radii = np.full(40, 28.0)
    radii[[3, 4, 25]] = 17.0
    assert np.flatnonzero(track(radii).hidden_px).tolist() == [3, 4, 25]


def test_what_a_hand_lets_go_is_not_hidden_afterwards():
    assert (track(np.array([60.0, 41, 47, 18, 18.3, 18, 18, 18.2, 18.5, 18.8, 18.7])).hidden_px[3:] == 0).all()


@pytest.mark.parametrize(
    "radii",
    [
        np.linspace(20, 60, 50),
        np.geomspace(60, 15, 50),
        20 * (1 + 0.25 * np.sin(np.linspace(0, 18, 120))),
        20 * np.exp(np.random.default_rng(0).normal(0, 0.04, 80)),
    ],
    ids=["nearer", "away", "to and fro", "wavering"],
)
def test_what_changes_its_distance_is_not_hidden(radii):
    assert (track(radii).hidden_px == 0).mean() > 0.97
