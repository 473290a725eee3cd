import contextlib

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from trajvlm.data.motions.equation import Equation, T, evaluate, parse

TIMES = np.linspace(-1, 2, 13)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "t.__class__",
        "().__class__",
        "open('x')",
        "[t]",
        "t**t",
        "2**99999",
        "lambda: t",
        "t if t else 1",
        "x + 1",
        "1e999",
        "True",
        "'t'",
        "",
        "(" * 500 + "t" + ")" * 500,
        "1+" * 1500 + "1",
        "max()",
        "max(" + "t, " * 8 + "t)",
    ],
)
def test_text_that_is_no_equation_is_refused(text):
    with pytest.raises(ValueError):
        parse(text)


def test_text_means_what_it_means_in_sympy():
    text = "0.5 - 1.5*t**2 + 3*sin(2*pi*t - 0.25)/4 - (-t)*cos(t) + exp(-t)"
    expected = sympy.lambdify("t", text, "numpy")(TIMES)
    assert np.allclose(evaluate(parse(text), TIMES), expected, atol=1e-12)


number = st.floats(-5, 5).map(lambda v: round(v, 3))


@given(number, number, number, number, st.floats(0.1, 10), st.floats(-3, 3))
def test_clip_time_becomes_seconds_exactly(a, b, c, d, duration, start):
    text = f"{a} + {b}*t + {c}*t**2 + {d}*cos(2*pi*1.3*(t - 1/2))"
    equation = Equation.from_text({"x": text, "y": f"{a}", "z": "t"})
    moved = equation.with_time(start, duration)
    assert np.allclose(moved.positions(start + duration * TIMES), equation.positions(TIMES), atol=1e-8)


def test_text_is_read_back():
    equation = Equation.from_text({"x": "0.25*cos(3.5*t - 1)", "y": "-0.5", "z": "t**2"})
    again = Equation.from_text(equation.to_text())
    assert np.allclose(again.positions(TIMES), equation.positions(TIMES), atol=1e-9)


def test_the_greatest_of_several_is_read_moved_in_time_written_and_differentiated():
    equation = Equation.from_text({"x": "1 - 2*max(0, t - t**2, 2*t - 2)", "y": "max(t, -t)", "z": "0"})
    height = np.maximum(0, np.maximum(TIMES - TIMES**2, 2 * TIMES - 2))
    assert np.allclose(equation.positions(TIMES)[:, 0], 1 - 2 * height)
    moved = equation.with_time(0.3, 2.0)
    assert np.allclose(moved.positions(0.3 + 2 * TIMES), equation.positions(TIMES), atol=1e-9)
    assert "max(0, " in moved.to_text()["x"]
    assert np.allclose(Equation.from_text(moved.to_text(12)).positions(TIMES), moved.positions(TIMES), atol=1e-9)
    x, y, _ = equation.axes
    at = np.array([-0.5, 0.25, 1.5])
    assert np.allclose(evaluate(sympy.diff(x), at), [0, -1, -4]) and np.allclose(
        evaluate(sympy.diff(y), at), [-1, 1, 1]
    )
    assert np.allclose(evaluate(sympy.diff(x, T, 2), at), [0, 4, 0])


def test_a_tower_of_powers_is_not_worked_out_exactly():
    text = "9"
    for _ in range(200):
        text = f"({text})**4"
    # Infinite or refused, but in a moment and without gigabytes.
    with contextlib.suppress(ValueError):
        assert not parse(text).is_Integer
