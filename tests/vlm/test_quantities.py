"""Quantities with the standard errors of what was measured."""

from dataclasses import replace

import numpy as np
import pytest

from tests.ui import fake
from trajvlm.data.motions.equation import Equation
from trajvlm.vlm.quantities import derive, measured_constants, with_error


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    video = fake.write_video(tmp_path_factory.mktemp("video") / "ball.mp4")
    return lambda family: fake.FakeDescriber(family=family, measures=True).describe(video)


@pytest.mark.parametrize(
    ("family", "name", "constant", "power"),
    [
        ("oscillating", "period", "period", 1),
        ("oscillating", "frequency", "period", -1),
        ("oscillating", "amplitude", "amplitude", 1),
        ("circular", "radius", "radius", 1),
        ("damped", "decay", "decay", -1),
        ("spiral", "decay", "decay", -1),
        ("bouncing", "restitution", "restitution", 1),
        ("bouncing", "g", "acceleration", 1),
        ("parabolic", "g", "acceleration", 1),
        ("parabolic", "acceleration", "acceleration", 1),
        ("linear", "speed", "speed", 1),
        ("helical", "pitch", "climb", 1),
    ],
)
def test_a_quantity_has_the_relative_error_of_the_constant_that_it_comes_from(found, family, name, constant, power):
    description = found(family)
    quantity = derive(name, description)[0]
    value, error, _ = description.constants[constant]
    assert quantity.error / quantity.value == pytest.approx(abs(power * error / value), rel=1e-6)
    assert quantity.scaled_error(2.0) / quantity.scaled(2.0) == pytest.approx(quantity.error / quantity.value)


def test_lengths_are_those_of_the_constants_in_pixels(found):
    description = found("circular")
    pixels = description.clip.placement.half_width_px
    [radius] = derive("radius", description)
    value, error, unit = description.constants["radius"]
    assert (
        unit == "px" and radius.value * pixels == pytest.approx(value) and radius.error * pixels == pytest.approx(error)
    )
    assert derive("period", description)[0].error == pytest.approx(description.constants["period"][1])


def test_g_of_a_pendulum_has_twice_the_relative_error_of_its_period_and_says_whose_is_left_out(found):
    description = found("oscillating")
    [g] = derive("g", description, pendulum_m=0.4)
    period, error, _ = description.constants["period"]
    assert g.error / g.value == pytest.approx(2 * error / period)
    assert f"T = {with_error(period, error)} s" in g.remark and "the length's own error is not in it" in g.remark


def test_a_speed_with_depth_is_not_given_the_error_of_the_one_across_the_picture(found, monkeypatch):
    deep = Equation.from_text({"x": "-0.8 + t", "y": "0.5 - 0.6*t", "z": "t"})
    monkeypatch.setitem(fake.PATHS, "linear", deep)
    whole, across = derive("speed", found("linear"))
    assert whole.error is None and "depth" in whole.remark and whole.value == pytest.approx(np.sqrt(2.36))
    # As it is seen through the path's mean place, (-0.1, 0.08, 0.7), from 4 before the origin.
    seen = np.hypot(1 - 0.1 / 3.3, -0.6 + 0.08 / 3.3)
    assert across.name == "speed across the picture" and across.value == pytest.approx(seen, rel=1e-3)
    assert across.error > 0


def test_without_a_measured_stage_there_is_no_error(found):
    description = replace(found("circular"), measurement=None)
    assert derive("radius", description)[0].error is None


def test_the_period_is_that_of_the_swing_and_not_of_its_arcs_second_harmonic(found):
    arc = Equation.from_text(
        {"x": "exp(-0.1*t)*cos(5*t)", "y": "0.1*exp(-0.2*t)*cos(10*t) + 0.1*exp(-0.2*t)*sin(10*t)", "z": "0"}
    )
    description = replace(found("damped"), measurement=None, refined=arc)
    assert derive("period", description)[0].value == pytest.approx(2 * np.pi / 5)
    assert derive("decay", description)[0].value == pytest.approx(np.log(2) / 0.1)


def test_constants_in_metres_call_a_flights_acceleration_g(found):
    description = found("parabolic")
    metres = 2.0
    factor = metres / description.clip.placement.half_width_px
    pixels, scaled = measured_constants(description), measured_constants(description, metres)
    assert pixels == description.constants and "acceleration" not in scaled
    assert scaled["g"][:2] == pytest.approx([factor * number for number in pixels["acceleration"][:2]])
    assert scaled["g"][2] == "m/s^2"


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (1.02487, 0.00024, "1.02487 ± 0.00024"),
        (7732.4, 55.4, "7732 ± 55"),
        (77321.0, 1234.0, "77300 ± 1200"),
        (1.0248917, 0.0000992, "1.02489 ± 0.00010"),
        (0.868644590663, 3.8e-27, "0.868645"),
        (1234567.0, 0.4, "1.23457e+06"),
        (0.0, 0.012, "0.000 ± 0.012"),
        (9.75, 0.0, "9.75"),
        (9.7512, float("inf"), "9.75"),
        (9.7512, None, "9.75"),
    ],
)
def test_a_value_is_written_to_its_errors_second_digit_and_to_six_at_most(value, error, shown):
    assert with_error(value, error) == shown
