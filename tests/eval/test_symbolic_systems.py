"""SINDy and PySR: what their findings are read as."""

import importlib

import numpy as np
import pytest
import sympy

from trajvlm.data.cameras.camera import magnification, project
from trajvlm.data.clip import CANONICAL
from trajvlm.data.errors import UserError
from trajvlm.data.fit import Observations
from trajvlm.data.motions.families import BASIC, FAMILIES
from trajvlm.eval.systems import pysr, sindy
from trajvlm.eval.systems.pysr import S, family_of
from trajvlm.eval.systems.sindy import discover, named

PATHS = {
    "linear": [0, 0, 0, 0.7, 0.3, 0],
    "parabolic": [0, 0.3, 0, 0.6, 0, 0, 0, -0.8, 0],
    "circular": [0, 0, 0, 0.6, 0.1, 0, 0, 0.5, 0.3, 1.3],
    "helical": [0, 0, 0, 0.5, 0, 0, 0, 0.4, 0, 0, 0, 0.4, 1.5],
    "oscillating": [0, 0, 0, 0.3, 0.2, 0, 0.5, 0.33, 0, 1.2],
}


def seen_along(name, keep=slice(None)):
    positions = FAMILIES[name].positions(np.array(PATHS[name], dtype=float), CANONICAL.times)
    return Observations(CANONICAL.times[keep], project(positions)[keep], 0.1 * magnification(positions)[keep])


@pytest.mark.parametrize("name", BASIC)
def test_sindy_finds_every_family_and_its_path_from_a_clean_track(name):
    pytest.importorskip("pysindy")
    answer, truth = discover(seen_along(name)), FAMILIES[name].positions(np.array(PATHS[name]), CANONICAL.times)
    assert answer.family == name and answer.probabilities[name] == 1
    error = ((answer.positions(CANONICAL.times) - truth) ** 2).sum(axis=1).mean() / truth.var(axis=0).sum()
    assert error < 0.02


def test_sindy_does_without_frames_in_which_the_object_was_not_seen():
    pytest.importorskip("pysindy")
    assert discover(seen_along("parabolic", np.arange(17) % 5 > 0)).family == "parabolic"
    assert discover(seen_along("parabolic", np.arange(17) < 6)) is None


def test_an_ode_without_terms_is_a_straight_line_and_a_weak_pull_no_swing():
    q = np.column_stack([np.linspace(-1, 1, 17), np.zeros(17)])
    assert named(np.zeros((2, 4)), q) == ("linear", 0)
    weak = np.array([[1.0, -1.0, 0, 0], [0, 0, 0, 0]])
    assert named(weak, q) == ("parabolic", 0)
    strong = np.array([[0, -((2 * np.pi) ** 2), 0, 0], [0, 0, 0, 0]])
    assert named(strong, q) == ("oscillating", pytest.approx(2, rel=1e-6))


def test_an_expression_is_read_by_its_form():
    wave, other = sympy.sin(5 * S + 0.3), sympy.cos(5 * S + 0.3)
    assert family_of([0.3 * S + 1, sympy.Float(0.2)]) == "linear"
    assert family_of([0.3 * S, 0.2 - S * (S - 0.1)]) == "parabolic"
    assert family_of([0.4 * wave, 0.2 * other]) == "circular"
    assert family_of([0.4 * wave, 0.2 * wave + 0.1]) == "oscillating"
    assert family_of([0.4 * wave + 0.3 * S, 0.2 * other]) == "helical"


def test_what_is_not_installed_is_the_users_to_mend(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(UserError, match="Julia"):
        pysr.load()
    monkeypatch.setitem(importlib.sys.modules, "pysindy", None)
    with pytest.raises(UserError, match="pip install pysindy"):
        sindy.load()
