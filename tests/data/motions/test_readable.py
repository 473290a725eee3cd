"""What a person reads of an equation says what the equation says."""

import re

import numpy as np
import pytest

from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.motions.families.bouncing import speeds_at_impacts, with_impacts
from trajvlm.data.motions.readable import NO_BREAK, bounce, capitalised, latex, lines, unbroken_terms

DURATION = 1.43
TIMES = np.linspace(0, 1.5 * DURATION, 200)
OTHERS = [name for name in FAMILIES if name != "bouncing"]


def drawn(name: str, seed: int = 3) -> tuple[np.ndarray, Equation]:
    constants = FAMILIES[name].draw(np.random.default_rng(seed))
    return constants, FAMILIES[name].equation(constants).with_time(0.0, DURATION)


def read_h(line: str, t: np.ndarray) -> np.ndarray:
    """The values of a line `h(t) = ... to 1.21 s, then ... to 2.45 s, then 0`."""
    values, begin = np.zeros_like(t), -np.inf
    for top, middle, half, end in re.findall(r"([\d.]+) - \(\(t ([-+] [\d.]+)\)/([\d.]+)\)\*\*2 to ([\d.]+) s", line):
        inside = (t >= begin) & (t < float(end))
        flown = float(top) - ((t + float(middle.replace(" ", ""))) / float(half)) ** 2
        values, begin = np.where(inside, flown, values), float(end)
    return values


@pytest.mark.parametrize("seed", range(8))
def test_a_bounce_is_written_flight_by_flight_and_is_the_same_curve(seed):
    constants, equation = drawn("bouncing", seed)
    *axes, h = lines(equation)
    assert len(axes) == 3 and not any("max" in line for line in (*axes, h)) and h.endswith("then 0")
    found = bounce(equation)
    start = equation.positions(np.zeros(1)) - found.rise * read_h(h, np.zeros(1))[:, None]
    curve = start + found.drift * TIMES[:, None] + found.rise * read_h(h, TIMES)[:, None]
    # Three digits are written, and a flight may begin at a rounded time.
    assert np.abs(curve - equation.positions(TIMES)).max() < 0.05 * np.linalg.norm(found.rise)


@pytest.mark.parametrize("seed", range(8))
def test_a_bounce_in_words_has_its_height_impacts_restitution_and_drift(seed):
    constants, equation = drawn("bouncing", seed)
    flight, impact, restitution = constants[-3:] * (DURATION, DURATION, 1)
    found = bounce(equation)
    assert found.height == pytest.approx(np.linalg.norm(constants[6:9]))
    assert found.restitution == pytest.approx(restitution)
    assert found.flights[0].end - found.flights[0].start == pytest.approx(flight)
    assert found.impacts(DURATION)[0] == pytest.approx(impact)
    assert np.allclose(found.drift, 2 * constants[3:6] / DURATION)
    words = found.in_words(DURATION, "m")
    for said in (f"{found.height:.3g} m high", f"{impact:.2f}", f"{restitution:.2f}", "m/s", "floor"):
        assert said in words
    assert not {"max", "**"} & set(words.split())


def test_a_bounce_is_written_by_cases_in_latex():
    text = latex(drawn("bouncing")[1], "m")
    assert r"\begin{cases}" in text and "max" not in text and text.count(r"\mathrm{m}") == 3


def test_a_bounce_whose_numbers_were_rounded_is_still_one():
    equation = drawn("bouncing")[1]
    again = Equation.from_text(equation.to_text())
    assert bounce(again).restitution == pytest.approx(bounce(equation).restitution, abs=0.03)


def measured_drop(shares: tuple[float, ...], tilt: float = 0.0) -> tuple[Equation, list[float]]:
    """A ball dropped from 1 above the floor that leaves each impact with a share of its speed, and those times."""
    half_g, t, speed = 4.9, (1 / 4.9) ** 0.5, 2 * 4.9**0.5
    y, times = f"1 - {half_g}*t**2", []
    for share in shares:
        times.append(t)
        y += f" + {speed * (1 + share)}*max(0, t - {t})"
        speed *= share
        t += speed / half_g
    return Equation.from_text({"x": f"0.2 + {tilt}*t - 0.1*max(0, t - {times[0]})", "y": y, "z": "0"}), times


def read_flights(line: str, t: np.ndarray) -> np.ndarray:
    """The values of a line `y(t) = ... to 0.45 s, then ...`."""
    values, begin = np.zeros_like(t), -np.inf
    for part in line.split(" = ")[1].split(", then "):
        text, _, end = part.partition(" to ")
        stop = float(end.removesuffix(" s")) if end else np.inf
        inside = (t >= begin) & (t < stop)
        values = np.where(inside, Equation.from_text({"x": text, "y": "t", "z": "t"}).positions(t)[:, 0], values)
        begin = stop
    return values


@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_a_measured_bounce_is_written_flight_by_flight_and_is_the_same_curve(scale):
    equation = measured_drop((0.8, 0.7, 0.75), 0.5)[0].with_time(-0.3, 1.0).scaled(scale)
    written = lines(equation)
    assert len(written) == 3 and not any("max" in line for line in written)
    assert written[1].count(", then ") == 3 and written[2] == "z(t) = 0"
    t = np.linspace(0.0, 2.0, 400)
    for line, along in zip(written, equation.positions(t).T):
        assert np.abs(read_flights(line, t) - along).max() < 2e-3 * scale
    assert r"\begin{cases}" in latex(equation, "m") and "max" not in latex(equation, "m")


def test_a_measured_bounce_has_each_impact_and_its_restitution():
    shares = (0.8, 0.7, 0.75)
    equation, times = measured_drop(shares, 0.5)
    for one in (equation, Equation.from_text(equation.to_text())):
        found = bounce(one)
        assert found.restitutions == pytest.approx(shares, abs=1e-4) and found.impacts(9) == pytest.approx(
            times, abs=1e-4
        )
        assert found.restitution == pytest.approx(np.prod(shares) ** (1 / 3), abs=1e-4)
        assert found.height == pytest.approx(1, abs=1e-4) and found.drift == pytest.approx([0.4, 0, 0], abs=1e-3)
        assert [flight.start for flight in found.flights[1:]] == pytest.approx(times, abs=1e-4)
        assert found.flights[1].top == pytest.approx(shares[0] ** 2, abs=1e-3)
    assert "restitution 0.75 " in found.in_words(9, "m") and "one by one 0.80, 0.70, 0.75" in found.in_words(9, "m")
    assert found.to_dict(times[1])["impacts_s"] == pytest.approx(times[:2], abs=1e-4)


def test_restitution_of_a_measured_bounce_seen_aslant_is_that_relative_to_the_floor():
    family = with_impacts(3)
    constants = np.zeros(family.size)
    vectors = family.vectors(constants)
    vectors[:6] = [0, 0.5, 0], [0.6, 2.3, 0], [0, -3, 0], [0, 5.4, 0], [0, 3.9, 0], [0, 2.7, 0]
    family.inside(constants)[:] = 0.3, 0.6, 0.8
    before, after = speeds_at_impacts(family, constants)
    found = bounce(family.equation(constants).with_time(0.0, 1.7))
    assert found.restitutions == pytest.approx(np.maximum(after, 0) / before)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", OTHERS)
def test_other_motions_are_written_as_they_are_and_a_wave_as_one_cosine(name, seed):
    equation = drawn(name, seed)[1]
    written = [line.removeprefix(f"{axis}(t) = ") for axis, line in zip("xyz", lines(equation))]
    curve = Equation.from_text(dict(zip("xyz", written))).positions(TIMES)
    assert np.abs(curve - equation.positions(TIMES)).max() < 2e-3 * np.abs(curve).max()
    assert not any("sin(" in text or text.count("cos(") > 1 for text in written)
    assert bounce(equation) is None and "cases" not in latex(equation, "u") and r"\sin" not in latex(equation, "u")


def test_the_phase_of_a_wave_is_that_at_the_clips_first_frame():
    text = "0.1 - 0.3*sin(6.13059*t - 78.5) + 0.4*cos(-6.13059*t + 78.5)"
    [shown, *_] = lines(Equation.from_text({"x": text, "y": "0.5*sin(12*t)*t", "z": "0"}))
    phase = (-78.5 + np.arctan2(0.3, 0.4) + np.pi) % (2 * np.pi) - np.pi
    assert shown == f"x(t) = 0.1 + 0.5*cos(6.1306*t {'-' if phase < 0 else '+'} {abs(phase):.3f})"


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("x(t) = 0.1 - 2*cos(3*t - 1) + 4*t", ["x(t) = 0.1", "- 2*cos(3*t - 1)", "+ 4*t"]),
        ("y(t) = 1 - 5*t**2 to 0.4 s, then 2 - (t - 1)**2", ["y(t) = 1 - 5*t**2 to 0.4 s,", "then 2 - (t - 1)**2"]),
    ],
)
def test_a_line_may_be_wrapped_between_terms_or_flights_only(line, parts):
    assert [part.replace(NO_BREAK, " ") for part in unbroken_terms(line).split(" ")] == parts


def test_a_wave_in_parts_of_pi_is_written_in_numbers():
    equation = Equation.from_text({"x": "2*sin(2.5*pi*t)", "y": "0.3*cos(2*pi*t - pi)", "z": "0"})
    assert lines(equation)[:2] == ["x(t) = 2.0*cos(7.854*t - 1.571)", "y(t) = 0.3*cos(6.2832*t + 3.142)"]


@pytest.mark.parametrize("text", ["max(t, 1 - t)", "max(0, t)", "max(0, 1 - t**2, 9 - (t - 9)**2)", "max(0, t**2 - 1)"])
def test_a_maximum_that_is_no_bounce_stays_a_maximum(text):
    equation = Equation.from_text({"x": text, "y": "t", "z": "0"})
    assert bounce(equation) is None and "max(" in lines(equation)[0] and len(lines(equation)) == 3


def test_a_sentence_does_not_begin_with_another_constant():
    assert capitalised("g can be read from a free flight only") == "g can be read from a free flight only"
    assert capitalised("a swing has no radius") == "A swing has no radius"
    assert capitalised("there is no video") == "There is no video"
