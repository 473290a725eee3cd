"""Fits of families to exact and to noisy tracks."""

import numpy as np
import pytest

from trajvlm.data.cameras.camera import magnification, project
from trajvlm.data.clip import CANONICAL
from trajvlm.data.fit import Criterion, Fit, Observations, fit_all, fit_family, probabilities
from trajvlm.data.motions.families import FAMILIES, MOTIONS
from trajvlm.data.rendered.scene import SceneSettings, draw_scene


def seen_of(scene, error=0.0):
    rng = np.random.default_rng(0)
    positions = MOTIONS[scene.family].positions(scene.constants, CANONICAL.times)
    radius = scene.radius * magnification(positions) * np.exp(rng.normal(0, error, 17))
    return Observations(CANONICAL.times, project(positions) + rng.normal(0, error, (17, 2)), radius)


@pytest.mark.parametrize("name", sorted(MOTIONS))
def test_an_exact_track_gives_the_family_and_the_path(name):
    scene = draw_scene(SceneSettings(families=(name,)), 12, 2)
    fits = fit_all(seen_of(scene), tuple(MOTIONS))
    chances = probabilities(fits, Criterion(8.0))
    assert max(chances, key=chances.get) == name and sum(chances.values()) == pytest.approx(1)
    truth = MOTIONS[name].positions(scene.constants, CANONICAL.times)
    assert np.abs(MOTIONS[name].positions(fits[name].constants, CANONICAL.times) - truth).max() < 0.01


def test_a_simpler_family_is_preferred_where_both_fit():
    scene = draw_scene(SceneSettings(families=("linear",)), 12, 3)
    fits = fit_all(seen_of(scene, 0.01), ("linear", "parabolic"))
    assert fits["linear"].misfit >= fits["parabolic"].misfit - 1
    chances = probabilities(fits, Criterion(8.0))
    assert chances["linear"] > 0.9


def test_a_larger_penalty_asks_more_of_a_further_constant_and_sharpness_makes_sure():
    fits = {"simple": Fit(np.zeros(6), 0.0, 6), "rich": Fit(np.zeros(9), -30.0, 9)}
    assert probabilities(fits, Criterion(8.0))["rich"] > 0.5 > probabilities(fits, Criterion(12.0))["rich"]
    assert probabilities(fits, Criterion(8.0, 1.0))["rich"] > probabilities(fits, Criterion(8.0, 0.5))["rich"]


def test_a_swing_stays_on_its_line():
    scene = draw_scene(SceneSettings(families=("oscillating",)), 12, 4)
    _, a, b = FAMILIES["oscillating"].vectors(fit_family(FAMILIES["oscillating"], seen_of(scene, 0.02)).constants)
    assert np.allclose(np.cross(a, b), 0, atol=1e-9)


def test_too_few_frames_give_no_fit():
    scene = draw_scene(SceneSettings(), 12, 0)
    whole = seen_of(scene)
    assert fit_all(Observations(whole.t[:6], whole.centre[:6], whole.radius[:6])) is None
