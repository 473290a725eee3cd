"""The functions of time that families are made of.

Clip time t runs from 0 to 1. It enters as s = 2 t - 1 (polynomials), as the angle 2 pi n (t - 1/2) (turns) and as
t - 1/2 (fading): centred on the middle of the clip, so that the constants stay within a few units and depend least on
each other. Only bounces count from the clip's start.

A function may have constants inside it, its *shape*: the number of turns, say. Everything else is linear.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy

from trajvlm.data.motions.equation import Greatest, T

FLIGHTS = 5
"""Parabolas of a bouncing ball, the one before the first impact included; then it rests."""
LAST_START = 1.5
"""No flight begins later than this clip time; what would come after is left out."""
_LEAST_FLIGHT = 0.05


@dataclass(frozen=True)
class TimeFunction:
    """One function of clip time."""

    shape: tuple[str, ...]
    """The names of the constants inside it."""
    values: Callable[..., np.ndarray]
    """Its values (..., T) at times (T,) for shape constants (..., 1)."""
    symbolic: Callable[..., sympy.Expr]
    """The same as an expression in t, for shape constants that are numbers."""
    written: Callable[..., str]
    """The same as text to append to a coefficient, each constant with two decimals."""


def flights(flight: np.ndarray, impact: np.ndarray, restitution: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Start and end (..., FLIGHTS) of each parabola in clip time; infinite for one that never begins.

    Args:
        flight: (...,) duration of the flight before the first impact, in clip time, at least 0.05.
        impact: (...,) clip time of the first impact.
        restitution: (...,) speed after an impact relative to that before it, from 0 to 1, and so each flight's duration
            relative to the one before. Values outside these ranges are clipped.
    """
    flight, restitution = np.maximum(flight, _LEAST_FLIGHT), np.clip(restitution, 0.0, 1.0)
    lasts = flight[..., None] * restitution[..., None] ** np.arange(FLIGHTS)
    ends = impact[..., None] + np.cumsum(lasts, axis=-1) - lasts[..., :1]
    never = (ends - lasts > LAST_START) | (lasts == 0)
    return np.where(never, np.inf, ends - lasts), np.where(never, np.inf, ends)


def _hop(t: np.ndarray, flight: np.ndarray, impact: np.ndarray, restitution: np.ndarray) -> np.ndarray:
    start, end = flights(flight, impact, restitution)
    with np.errstate(invalid="ignore"):
        height = (t[..., None] - start) * (end - t[..., None])
    return (
        4
        * np.nan_to_num(height, nan=0.0, neginf=0.0).max(axis=-1, initial=0.0)
        / np.maximum(flight, _LEAST_FLIGHT) ** 2
    )


def _hop_symbolic(flight: float, impact: float, restitution: float) -> sympy.Expr:
    bounds = zip(*(b.tolist() for b in flights(*map(np.asarray, (flight, impact, restitution)))))
    top = 4 / max(flight, _LEAST_FLIGHT) ** 2
    parabolas = [sympy.expand(top * (T - a) * (b - T)) for a, b in bounds if np.isfinite(a)]
    return Greatest(sympy.Integer(0), *parabolas) if parabolas else sympy.Integer(0)


def _hop_written(flight: float, impact: float, restitution: float) -> str:
    flight, restitution = max(flight, _LEAST_FLIGHT), min(max(restitution, 0.0), 1.0)
    ends = [f"{impact:.2f}"]
    for k in range(1, FLIGHTS):
        ends.append(f"{ends[-1]} + {flight:.2f}*{restitution:.2f}" + (f"**{k}" if k > 1 else ""))
    starts = [f"{impact:.2f} - {flight:.2f}", *ends]
    begun = np.isfinite(flights(*map(np.asarray, (flight, impact, restitution)))[0]).tolist()
    parabolas = [f"4*(t - ({a}))*({b} - t)/{flight:.2f}**2" for a, b, yes in zip(starts, ends, begun) if yes]
    return f"*max(0, {', '.join(parabolas)})"


def _angle(turns: float) -> sympy.Expr:
    return 2 * sympy.pi * sympy.Float(turns) * (T - sympy.Rational(1, 2))


def _faded(fading: float) -> sympy.Expr:
    return sympy.exp(-sympy.Float(fading) * (T - sympy.Rational(1, 2)))


def _wave(sine: bool) -> TimeFunction:
    name = "sin" if sine else "cos"
    numeric, symbolic = getattr(np, name), getattr(sympy, name)
    return TimeFunction(
        ("turns",),
        lambda t, turns: numeric(2 * np.pi * turns * (t - 0.5)),
        lambda turns: symbolic(_angle(turns)),
        lambda turns: f"*{name}(2*pi*{turns:.2f}*(t - 0.5))",
    )


def _fading(sine: bool, harmonic: int = 1) -> TimeFunction:
    """A wave that fades; the second harmonic fades as the square of the first, as the height of an arc does."""
    wave = _wave(sine)
    return TimeFunction(
        ("turns", "fading"),
        lambda t, turns, fading: np.exp(-harmonic * fading * (t - 0.5)) * wave.values(t, harmonic * turns),
        lambda turns, fading: _faded(harmonic * fading) * wave.symbolic(harmonic * turns),
        lambda turns, fading: f"*exp(-({harmonic * fading:.2f})*(t - 0.5)){wave.written(harmonic * turns)}",
    )


def _twice(sine: bool) -> TimeFunction:
    wave = _wave(sine)
    return TimeFunction(
        ("turns",),
        lambda t, turns: wave.values(t, 2 * turns),
        lambda turns: wave.symbolic(2 * turns),
        lambda turns: wave.written(2 * turns),
    )


def _power(exponent: int, written: str) -> TimeFunction:
    return TimeFunction(
        (), lambda t: (2 * t - 1) ** exponent, lambda: sympy.expand(2 * T - 1) ** exponent, lambda: written
    )


FUNCTIONS: dict[str, TimeFunction] = {
    "1": _power(0, ""),
    "s": _power(1, "*(2*t - 1)"),
    "s2": _power(2, "*(2*t - 1)**2"),
    "cos": _wave(sine=False),
    "sin": _wave(sine=True),
    "cos2": _twice(sine=False),
    "sin2": _twice(sine=True),
    "fading cos": _fading(sine=False),
    "fading sin": _fading(sine=True),
    "fading cos2": _fading(sine=False, harmonic=2),
    "fading sin2": _fading(sine=True, harmonic=2),
    "hop": TimeFunction(("flight", "impact", "restitution"), _hop, _hop_symbolic, _hop_written),
}
"""Fading waves fall by exp(-fading) within the clip. A hop is 0 on the floor and 1 at the top of the flight before the
first impact: one parabola after the other, each lower than the one before."""

MOST_IMPACTS = 8
"""Of a flight whose velocity jumps at each."""


def after(impact: int) -> str:
    """The name of the function that is 0 until the impact of that number, from 1, and rises as s from then on."""
    return f"after {impact}"


FUNCTIONS |= {
    after(k): TimeFunction(
        (f"impact {k}",),
        lambda t, impact: 2 * np.maximum(t - impact, 0.0),
        lambda impact: 2 * Greatest(sympy.Integer(0), T - sympy.Float(impact)),
        lambda impact: f"*2*max(0, t - {impact:.2f})",
    )
    for k in range(1, MOST_IMPACTS + 1)
}
