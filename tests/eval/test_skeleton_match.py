"""One equation written in other ways is one equation; another equation is not."""

import numpy as np
import pytest
import sympy

from trajvlm.data.motions.equation import Equation, parse
from trajvlm.data.motions.families import MOTIONS
from trajvlm.data.rendered.scene import SceneSettings, draw_scene
from trajvlm.eval.skeleton_match import canonical_form, match

TRUE = {"x": "0.3*cos(2*pi*t) + 0.1", "y": "0.5*t - 0.25", "z": "0.2*sin(2*pi*t) - 0.4*t**2"}
SAME = (
    {"x": "0.3*sin(2*pi*t + pi/2) + 0.1"},
    {"x": "0.1 - 0.3*cos(2*pi*t + pi)"},
    {"x": "0.3*cos(-2*pi*t) + 0.1"},
    {"x": "0.1 + 0.15*cos(2*pi*t) + 0.15*sin(pi/2 - 2*pi*t)"},
    {"y": "0.5*(t - 0.5)"},
    {"z": "0.2*cos(2*pi*t - pi/2) - 0.4*(t - 0.5)**2 - 0.4*t + 0.1"},
)


def compare(**axes):
    return match(Equation.from_text(TRUE | axes), Equation.from_text(TRUE))


@pytest.mark.parametrize("written", SAME)
def test_cos_written_as_sin_a_shifted_phase_and_a_turned_sign_match(written):
    found = compare(**written)
    assert all(found.skeleton) and all(found.symbolic)


@pytest.mark.parametrize(
    "wrong",
    [
        "0.3*cos(2*pi*t) + 0.3",  # another offset
        "0.3*cos(2*pi*t + 1) + 0.1",  # another phase
        "-0.3*cos(2*pi*t) + 0.1",  # another sign
        "0.3*cos(2.5*pi*t) + 0.1",  # another number of turns
        "0.6*cos(2*pi*t) + 0.1",  # another factor
    ],
)
def test_a_wrong_offset_phase_sign_rate_or_factor_does_not_match(wrong):
    """SRBench would forgive the first and the last."""
    found = compare(x=wrong)
    assert found.symbolic == (False, True, True) and found.skeleton[1:] == (True, True)


def test_the_skeleton_asks_for_the_terms_and_not_for_their_values():
    assert all(compare(x="0.2*sin(5*t) + 0.4").skeleton)
    assert compare(x="0.3*cos(2*pi*t)").skeleton == (False, True, True)
    assert compare(y="0.5*t - 0.25 + 0.3*cos(t)").skeleton == (True, False, True)
    assert compare(z="0.2*sin(2*pi*t)").skeleton == (True, True, False)


def test_small_terms_are_neither_missed_nor_minded():
    found = compare(y="0.5*t - 0.25 + 0.01*t**2", x="0.3*cos(2*pi*t) + 0.105")
    assert all(found.skeleton) and all(found.symbolic)


@pytest.mark.parametrize(
    "strange", ["exp(t**2)", "t*cos(t)", "cos(t**2)", "sin(t)**2", "cos(t)*cos(2*t)", "sqrt(t)", "t*max(0, t)"]
)
def test_what_has_no_canonical_form_matches_nothing(strange):
    assert canonical_form(parse(strange)) is None
    assert compare(x=strange).skeleton == compare(x=strange).symbolic == (False, True, True)


def test_what_is_not_finite_matches_nothing():
    assert canonical_form(sympy.nan * sympy.Symbol("t", real=True)) is None
    assert canonical_form(sympy.oo) is None


BOUNCES = "max(0, 4*t*(0.5 - t), 4*(t - 0.5)*(0.9 - t)) - 0.1"
FADING = {"x": "0.3*exp(-t)*cos(2*pi*t) + 0.1", "y": "0.5*t", "z": BOUNCES}


def fading(**axes):
    return match(Equation.from_text(FADING | axes), Equation.from_text(FADING))


def test_fading_waves_and_bounces_match_however_they_are_written():
    found = fading(
        x="0.1 + 0.3*exp(-0.25)*exp(0.25 - t)*sin(2*pi*t + pi/2)",
        z="-0.1 + 2*max(0.05*0, 2*t*(0.5 - t), 2*(t - 0.5)*(0.9 - t))",
    )
    assert all(found.skeleton) and all(found.symbolic)


@pytest.mark.parametrize(
    "axis, wrong, same_terms",
    [
        ("x", "0.3*exp(-1.5*t)*cos(2*pi*t) + 0.1", True),  # another fading
        ("x", "0.3*exp(-t)*cos(2*pi*t + 1) + 0.1", True),  # another phase
        ("x", "0.3*cos(2*pi*t) + 0.1", False),  # none
        ("z", "max(0, 4*t*(0.7 - t), 4*(t - 0.7)*(1.1 - t)) - 0.1", True),  # another impact
        ("z", "4*t*(0.5 - t) - 0.1", False),  # none
    ],
)
def test_another_fading_or_another_impact_does_not_match(axis, wrong, same_terms):
    found, index = fading(**{axis: wrong}), "xyz".index(axis)
    assert not found.symbolic[index] and found.skeleton[index] == same_terms


@pytest.mark.parametrize("name", MOTIONS)
def test_every_family_matches_itself_after_text_and_not_its_mirror_image(name):
    scene = draw_scene(SceneSettings(families=(name,)), 4, 0)
    true = MOTIONS[name].equation(scene.constants)
    found = match(Equation.from_text(true.with_time(0.0, 1.0).to_text()), true)
    assert all(found.skeleton) and all(found.symbolic)
    mirrored = MOTIONS[name].equation(MOTIONS[name].moved(scene.constants, np.array([-1.0, 1.0, 1.0])))
    assert not all(match(mirrored, true).symbolic)
