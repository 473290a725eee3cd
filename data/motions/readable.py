"""Equations for people: lines of text, LaTeX, and a bounce in words.

`Equation.to_text` is for programs. Here a bounce, a maximum over parabolas, is called h(t) and written separately, one
flight after the other. Times are in seconds.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import sympy

from trajvlm.data.motions.equation import Equation, Greatest, T, rounded

_H = sympy.Function("h")(T)
# Tolerance for a flight to begin where the one before ended, in parts of its duration: numbers in a text are rounded.
_TOUCHES = 0.05


@dataclass(frozen=True)
class Flight:
    """One parabola of a bounce: h(t) = top - ((t - middle) / half)^2 from `start` to `end`, in seconds."""

    start: float
    end: float
    top: float

    @property
    def middle(self) -> float:
        return (self.start + self.end) / 2

    @property
    def half(self) -> float:
        return (self.end - self.start) / 2 / self.top**0.5


@dataclass(frozen=True)
class Bounce:
    """A bouncing ball: p(t) = c + drift t + rise h(t), in the equation's unit of length and seconds."""

    flights: tuple[Flight, ...]
    rise: np.ndarray
    """(3,) from the floor to where h is 1."""
    drift: np.ndarray
    """(3,) velocity along the floor."""

    @property
    def height(self) -> float:
        """Height of the flight before the first impact."""
        return float(np.linalg.norm(self.rise)) * self.flights[0].top

    @property
    def restitution(self) -> float | None:
        """Speed after an impact relative to that before it; None where no second flight begins."""
        lasts = [flight.end - flight.start for flight in self.flights]
        return float(np.median(np.divide(lasts[1:], lasts[:-1]))) if len(lasts) > 1 else None

    def impacts(self, until: float) -> list[float]:
        """Times of the impacts from 0 to `until`."""
        return [flight.end for flight in self.flights if 0 <= flight.end <= until]

    def in_words(self, until: float, unit: str) -> str:
        """One sentence without its full stop; impacts from 0 to `until` seconds, lengths in `unit`."""
        times = [f"{time:.2f}" for time in self.impacts(until)]
        parts = [f"the flight before the first impact is {self.height:.3g} {unit} high"]
        if times:
            parts.append(f"impact at {' and '.join(filter(None, (', '.join(times[:-1]), times[-1])))} s")
        if self.restitution is not None:
            parts.append(f"restitution {self.restitution:.2f} (the share of its speed that an impact leaves)")
        return "; ".join([*parts, f"drift along the floor {np.linalg.norm(self.drift):.3g} {unit}/s"])

    def to_dict(self, until: float) -> dict:
        """Height, impacts from 0 to `until` seconds, restitution and drift as plain values for JSON."""
        return {
            "height": round(self.height, 4),
            "impacts_s": [round(time, 4) for time in self.impacts(until)],
            "restitution": None if self.restitution is None else round(self.restitution, 4),
            "drift_per_s": [round(float(speed), 4) for speed in self.drift],
        }


def bounce(equation: Equation) -> Bounce | None:
    """The bounce in an equation, or None."""
    axes, flights = _named(equation)
    rest = [axis - axis.coeff(_H) * _H for axis in axes]
    if not flights or any(part.has(_H) or sympy.degree(part, T) > 1 for part in rest):
        return None
    rise, drift = [axis.coeff(_H) for axis in axes], [part.coeff(T) for part in rest]
    return Bounce(flights, np.array(rise, dtype=float), np.array(drift, dtype=float))


def lines(equation: Equation, digits: int = 4) -> list[str]:
    """`x(t) = ...`, `y(t) = ...`, `z(t) = ...` and, for a bounce, `h(t) = ...`."""
    axes, flights = _named(equation)
    written = [sympy.sstr(rounded(axis, digits), full_prec=False) for axis in axes]
    found = [f"{name}(t) = {text}" for name, text in zip("xyz", written)]
    if flights:
        parts = [f"0 to {flights[0].start:.3g} s"] if flights[0].start > 0 else []
        parts += [f"{f.top:.3g} - ((t {_signed(-f.middle)})/{f.half:.3g})**2 to {f.end:.3g} s" for f in flights]
        found.append(f"h(t) = {', then '.join([*parts, '0'])}")
    return found


def latex(equation: Equation, unit: str) -> str:
    """`lines` as aligned LaTeX with three digits, lengths in `unit`, a bounce by cases."""
    axes, flights = _named(equation)
    found = []
    for name, axis in zip("xyz", axes):
        text = sympy.latex(rounded(axis, 3), fold_func_brackets=False, inv_trig_style="full")
        found.append(rf"{name}(t) &= \left({text}\right)\,\mathrm{{{unit}}}")
    if flights:
        cases = [rf"0 & t < {flights[0].start:.3g}"] if flights[0].start > 0 else []
        cases += [
            rf"{f.top:.3g} - \left(\frac{{t {_signed(-f.middle)}}}{{{f.half:.3g}}}\right)^2 & t < {f.end:.3g}"
            for f in flights
        ]
        cases.append(r"0 & \text{later}")
        found.append(r"h(t) &= \begin{cases}" + r" \\ ".join(cases) + r"\end{cases}")
    return r"\begin{aligned}" + r" \\ ".join(found) + r"\end{aligned}"


def capitalised(text: str) -> str:
    """The text with its first letter upper case, but a single-letter symbol unchanged: G is another constant than g."""
    return text if re.match(r"[b-z]\b", text) else text[:1].upper() + text[1:]


def _signed(number: float) -> str:
    return f"{'-' if number < 0 else '+'} {abs(number):.3g}"


def _named(equation: Equation) -> tuple[tuple[sympy.Expr, ...], tuple[Flight, ...]]:
    """The three expressions with h(t) in place of a bounce's maximum, and its flights; unchanged and () without one."""
    found = set().union(*(axis.atoms(Greatest) for axis in equation.axes))
    flights = _flights(next(iter(found))) if len(found) == 1 else ()
    if not flights:
        return equation.axes, ()
    return tuple(axis.subs(next(iter(found)), _H).expand() for axis in equation.axes), flights


def _flights(greatest: Greatest) -> tuple[Flight, ...]:
    """The flights of max(0, parabola, parabola, ...), each beginning where the last ends; () for anything else."""
    ground: list[sympy.Expr] = []
    parabolas: list[sympy.Expr] = []
    for part in greatest.args:
        (parabolas if part.has(T) else ground).append(part)
    if ground != [0]:
        return ()
    flights = []
    for parabola in (sympy.Poly(part, T) for part in parabolas):
        if parabola.degree() != 2:
            return ()
        a, b, c = map(float, parabola.all_coeffs())
        top, middle = c - b * b / (4 * a), -b / (2 * a)
        if a >= 0 or top <= 0:
            return ()
        half = (top / -a) ** 0.5
        flights.append(Flight(middle - half, middle + half, top))
    flights.sort(key=lambda flight: flight.start)
    apart = [abs(two.start - one.end) / (one.end - one.start) for one, two in pairwise(flights)]
    return tuple(flights) if max(apart, default=0.0) < _TOUCHES else ()
