"""Quantities of motions that can be worked out by hand."""

import numpy as np
import pytest

from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered.scene import SceneSettings, draw_scene
from trajvlm.eval.quantity_errors import canonical_quantities, relative_accuracy
from trajvlm.vlm.answer import Answer


def test_speed_acceleration_amplitude_and_turns():
    # p = (3, 4, 0) s is 6 and 8 in clip time: speed 10. p = s^2 y is 4 t^2 y + ...: acceleration 8.
    assert canonical_quantities("linear", [0, 0, 0, 3, 4, 0]) == {"speed": pytest.approx(10)}
    assert canonical_quantities("parabolic", [0, 0, 0, 0, 0, 0, 0, 1, 0])["acceleration"] == pytest.approx(8)
    found = canonical_quantities("oscillating", [0, 0, 0, 3, 0, 0, 4, 0, 0, 1.5])
    assert found == {"amplitude": pytest.approx(5), "turns": 1.5}


def scaled(scene, factor):
    family = FAMILIES[scene.family]
    return Answer(scene.family, family.moved(scene.constants, factor), {})


def test_an_error_passes_the_thresholds_above_it():
    """An error of 12 % is under 50, 45, ... 15 %, eight of the ten, and not under 10 and 5 %."""
    scene = draw_scene(SceneSettings(families=("linear",)), 4, 0)
    assert relative_accuracy(scaled(scene, 1.0), scene) == 1
    assert relative_accuracy(scaled(scene, 1.12), scene) == pytest.approx(0.8)
    assert relative_accuracy(scaled(scene, 0.88), scene) == pytest.approx(0.8)
    assert relative_accuracy(scaled(scene, 1.6), scene) == 0


def test_a_phase_and_a_place_do_not_matter_and_a_wrong_family_has_none():
    scene = draw_scene(SceneSettings(families=("circular",)), 4, 0)
    constants = scene.constants.copy()
    constants[3:6], constants[6:9] = scene.constants[6:9], -scene.constants[3:6]
    constants[:3] += 1
    assert relative_accuracy(Answer("circular", constants, {}), scene) == 1
    assert relative_accuracy(Answer("linear", np.zeros(6), {}), scene) == relative_accuracy(None, scene) == 0
