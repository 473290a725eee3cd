"""Equations for people: lines of text, LaTeX, and a bounce in words.

`Equation.to_text` is for programs. A bounce is written one flight after the other: where it is a maximum over
parabolas, that is called h(t) and written separately; where it is measured, a flight whose velocity jumps at each
impact, each coordinate is written by flights. A sine and a cosine of the same time are written as one cosine, whose
phase is that at t = 0. Times are in seconds.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import sympy

from trajvlm.data.motions.equation import Equation, Greatest, T, rounded

NO_BREAK = "\N{NO-BREAK SPACE}"
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
    """A bouncing ball: p(t) = c + drift t + rise h(t), in the equation's unit of length and seconds. Of a measured one
    the drift is that between the first and the last impact, as each impact changes it."""

    flights: tuple[Flight, ...]
    rise: np.ndarray
    """(3,) from the floor to where h is 1."""
    drift: np.ndarray
    """(3,) velocity along the floor."""
    restitutions: tuple[float, ...]
    """Speed after each impact relative to that before it, across the floor; () where no second flight begins."""
    hits: tuple[float, ...]
    """Seconds of the impacts."""

    @property
    def height(self) -> float:
        """Height of the flight before the first impact."""
        return float(np.linalg.norm(self.rise)) * self.flights[0].top

    @property
    def restitution(self) -> float | None:
        """Geometric mean of the impacts' own; None where no second flight begins."""
        if not self.restitutions:
            return None
        return float(np.exp(np.log(np.maximum(self.restitutions, 1e-9)).mean()))

    def impacts(self, until: float) -> list[float]:
        """Times of the impacts from 0 to `until`."""
        return [time for time in self.hits if 0 <= time <= until]

    def in_words(self, until: float, unit: str) -> str:
        """One sentence without its full stop; impacts from 0 to `until` seconds, lengths in `unit`."""
        times = [f"{time:.2f}" for time in self.impacts(until)]
        parts = [f"the flight before the first impact is {self.height:.3g} {unit} high"]
        if times:
            several = "s" * (len(times) > 1)
            parts.append(f"impact{several} at {' and '.join(filter(None, (', '.join(times[:-1]), times[-1])))} s")
        if self.restitution is not None:
            parts.append(
                f"restitution {self.restitution:.2f} (the share of its speed that an impact leaves){self._each}"
            )
        return "; ".join([*parts, f"drift along the floor {np.linalg.norm(self.drift):.3g} {unit}/s"])

    @property
    def _each(self) -> str:
        """Each impact's own restitution, in brackets' place; empty where all are the same."""
        shown = [f"{one:.2f}" for one in self.restitutions]
        return f", one by one {', '.join(shown)}" if len(set(shown)) > 1 else ""

    def to_dict(self, until: float) -> dict:
        """Height, impacts from 0 to `until` seconds, restitution and drift as plain values for JSON."""
        return {
            "height": round(self.height, 4),
            "impacts_s": [round(time, 4) for time in self.impacts(until)],
            "restitution": None if self.restitution is None else round(self.restitution, 4),
            "restitutions": [round(one, 4) for one in self.restitutions],
            "drift_per_s": [round(float(speed), 4) for speed in self.drift],
        }


def bounce(equation: Equation) -> Bounce | None:
    """The bounce in an equation, or None."""
    if (jumping := _Jumping.of(equation)) is not None:
        return jumping.bounce()
    axes, flights = _named(equation)
    rest = [axis - axis.coeff(_H) * _H for axis in axes]
    if not flights or any(part.has(_H) or sympy.degree(part, T) > 1 for part in rest):
        return None
    rise, drift = [axis.coeff(_H) for axis in axes], [part.coeff(T) for part in rest]
    lasts = [flight.end - flight.start for flight in flights]
    # All are one number, so that a rounded last flight is not to count.
    ratio = [float(np.median(np.divide(lasts[1:], lasts[:-1])))] * (len(lasts) - 1) if len(lasts) > 1 else []
    return Bounce(
        flights,
        np.array(rise, dtype=float),
        np.array(drift, dtype=float),
        tuple(ratio),
        tuple(flight.end for flight in flights),
    )


def lines(equation: Equation, digits: int = 4) -> list[str]:
    """`x(t) = ...`, `y(t) = ...`, `z(t) = ...` and, for a bounce, `h(t) = ...`; of a measured bounce each coordinate
    flight by flight."""
    if (jumping := _Jumping.of(equation)) is not None:
        return [f"{name}(t) = {text}" for name, text in zip("xyz", jumping.written(digits))]
    axes, flights = _named(equation)
    found = [f"{name}(t) = {_sum(axis, digits, _as_text)}" for name, axis in zip("xyz", axes)]
    if flights:
        parts = [f"0 to {flights[0].start:.3g} s"] if flights[0].start > 0 else []
        parts += [f"{f.top:.3g} - ((t {_signed(-f.middle)})/{f.half:.3g})**2 to {f.end:.3g} s" for f in flights]
        found.append(f"h(t) = {', then '.join([*parts, '0'])}")
    return found


def unbroken_terms(line: str) -> str:
    """A line of `lines` with no-break spaces, so that it can be wrapped between its terms, or between two flights of a
    bounce, and nowhere else."""
    depth, out, flights = 0, [], ", then " in line
    for k, sign in enumerate(line):
        depth += (sign == "(") - (sign == ")")
        breaks = line.startswith("then ", k + 1) if flights else depth == 0 and line[k + 1 : k + 3] in ("+ ", "- ")
        out.append(NO_BREAK if sign == " " and not breaks else sign)
    return "".join(out)


def latex(equation: Equation, unit: str) -> str:
    """`lines` as aligned LaTeX with three digits, lengths in `unit`, a bounce by cases."""
    if (jumping := _Jumping.of(equation)) is not None:
        found = [rf"{name}(t) &= {text}\,\mathrm{{{unit}}}" for name, text in zip("xyz", jumping.in_latex())]
        return r"\begin{aligned}" + r" \\[1ex] ".join(found) + r"\end{aligned}"
    axes, flights = _named(equation)
    found = []
    for name, axis in zip("xyz", axes):
        found.append(rf"{name}(t) &= {_bracketed(_sum(axis, 3, _as_latex))}\,\mathrm{{{unit}}}")
    if flights:
        cases = [rf"0 & t < {flights[0].start:.3g}"] if flights[0].start > 0 else []
        cases += [
            rf"{f.top:.3g} - \left(\frac{{t {_signed(-f.middle)}}}{{{f.half:.3g}}}\right)^2 & t < {f.end:.3g}"
            for f in flights
        ]
        cases.append(r"0 & \text{later}")
        found.append(r"h(t) &= \begin{cases}" + r" \\ ".join(cases) + r"\end{cases}")
    return r"\begin{aligned}" + r" \\ ".join(found) + r"\end{aligned}"


def _as_text(expression: sympy.Expr) -> str:
    return sympy.sstr(expression, full_prec=False)


def _as_latex(expression: sympy.Expr) -> str:
    return sympy.latex(expression, fold_func_brackets=False, inv_trig_style="full")


def _sum(axis: sympy.Expr, digits: int, write: Callable[[sympy.Expr], str]) -> str:
    """A coordinate as text: what is no wave, then its waves, the largest first."""
    waves: dict[tuple[float, sympy.Expr], complex] = {}
    others = []
    for term in sympy.Add.make_args(axis):
        if (wave := _wave(term)) is None:
            others.append(term)
            continue
        rate, envelope, size = wave
        waves[rate, envelope] = waves.get((rate, envelope), 0) + size
    rest = sympy.Add(*others)
    if not waves:
        return write(rounded(rest, digits))
    told = [] if rest == 0 else [write(rounded(rest, digits))]
    for (rate, envelope), size in sorted(waves.items(), key=lambda item: -abs(item[1])):
        # Over many turns a rate needs a digit more than a size, and a phase is an angle, whatever its size.
        turned = sympy.Float(rate, digits + 1) * T
        if phase := round(float(np.angle(size)), digits - 1):
            turned += sympy.Float(phase, digits)
        told.append(write(sympy.Float(abs(size), digits) * rounded(envelope, digits) * sympy.cos(turned)))
    return " + ".join(told)


def _wave(term: sympy.Expr) -> tuple[float, sympy.Expr, complex] | None:
    """Rate w > 0, envelope e(t) and size c of a term e(t) Re(c exp(i w t)); None where it is another."""
    size, rest = term.as_coeff_Mul()
    factors = sympy.Mul.make_args(rest)
    functions = [factor for factor in factors if factor.func in (sympy.sin, sympy.cos)]
    if len(functions) != 1:
        return None
    angle = functions[0].args[0].expand()
    rate, phase = angle.coeff(T), angle.coeff(T, 0)
    if not rate.is_number or not rate or (angle - rate * T - phase).expand() != 0:
        return None
    turned = complex(size) * np.exp(1j * float(phase)) * (-1j if functions[0].func is sympy.sin else 1)
    envelope = sympy.Mul(*(factor for factor in factors if factor is not functions[0]))
    return abs(float(rate)), envelope, turned if rate > 0 else turned.conjugate()


def capitalised(text: str) -> str:
    """The text with its first letter upper case, but a single-letter symbol unchanged: G is another constant than g."""
    return text if re.match(r"[b-z]\b", text) else text[:1].upper() + text[1:]


def _signed(number: float) -> str:
    return f"{'-' if number < 0 else '+'} {abs(number):.3g}"


@dataclass(frozen=True)
class _Jumping:
    """p(t) = sum of polynomial[k] t^k + sum of jumps[k] max(0, t - times[k]): a flight whose velocity jumps."""

    polynomial: np.ndarray
    """(3, 3): of 1, t and t^2."""
    times: np.ndarray
    """(N,) seconds of the impacts, in order."""
    jumps: np.ndarray
    """(N, 3)."""

    @classmethod
    def of(cls, equation: Equation) -> "_Jumping | None":
        """What an equation is, None where it is something else."""
        found = sorted(set().union(*(axis.atoms(Greatest) for axis in equation.axes)), key=str)
        slopes, times = [], []
        for greatest in found:
            ramp = next((part for part in greatest.args if part.has(T)), None)
            if ramp is None or len(greatest.args) != 2 or sympy.Integer(0) not in greatest.args:
                return None
            slope = ramp.coeff(T)
            if sympy.degree(ramp, T) != 1 or not float(slope) > 0:
                return None
            slopes.append(float(slope))
            times.append(float(-ramp.coeff(T, 0) / slope))
        if not found:
            return None
        symbols = sympy.symbols(f"ramp:{len(found)}")
        named = [axis.subs(dict(zip(found, symbols))).expand() for axis in equation.axes]
        flown = [axis.subs(dict.fromkeys(symbols, 0)) for axis in named]
        if any(not part.is_polynomial(T) or sympy.degree(part, T) > 2 for part in flown):
            return None
        jumps = [[axis.coeff(symbol) * slope for axis in named] for symbol, slope in zip(symbols, slopes)]
        if any(jump.has(T) or jump.free_symbols for several in jumps for jump in several):
            return None
        polynomial = np.array([[part.coeff(T, power) for part in flown] for power in range(3)], dtype=float)
        order = np.argsort(times)
        if not np.linalg.norm(polynomial[2]):
            return None
        return cls(polynomial, np.array(times)[order], np.array(jumps, dtype=float)[order])

    def before(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Place and velocity (3,) at impact `k`, just before it."""
        t = self.times[k]
        place = self.polynomial.T @ [1, t, t * t] + (t - self.times[:k]) @ self.jumps[:k]
        return place, self.polynomial[1] + 2 * t * self.polynomial[2] + self.jumps[:k].sum(0)

    def bounce(self) -> Bounce:
        pull = self.polynomial[2]
        up = -pull / np.linalg.norm(pull)
        half_g = float(np.linalg.norm(pull))
        arrived = [self.before(k) for k in range(len(self.times))]
        rises = np.array([velocity @ up for _, velocity in arrived]) + self.jumps @ up
        drift = arrived[0][1] - arrived[0][1] @ up * up
        if len(arrived) > 1:
            # Seen aslant, the floor rises or falls along the way (`bouncing.speeds_at_impacts`).
            drift = (arrived[-1][0] - arrived[0][0]) / (self.times[-1] - self.times[0])
            rises = rises - np.polyfit(self.times, [place @ up for place, _ in arrived], 1)[0]
        falls = self.jumps @ up - rises
        # A flight is as high as the speed tells with which it ends or begins at a floor.
        first = Flight(self.times[0] - falls[0] / half_g, self.times[0], falls[0] ** 2 / (4 * half_g))
        lasts = np.append(np.diff(self.times), rises[-1] / half_g)
        later = [
            Flight(time, time + max(last, 0.0), max(rise, 0.0) ** 2 / (4 * half_g))
            for time, last, rise in zip(self.times, lasts, rises)
        ]
        shares = np.maximum(rises, 0.0) / np.maximum(falls, 1e-12)
        return Bounce((first, *later), up, drift, tuple(shares.tolist()), tuple(self.times.tolist()))

    def written(self, digits: int) -> list[str]:
        """x, y and z as text, one flight after the other."""
        return [
            ", then ".join(text if end is None else f"{text} to {end:g} s" for text, end in self._pieces(axis, digits))
            for axis in range(3)
        ]

    def in_latex(self) -> list[str]:
        """x, y and z by cases."""
        found = []
        for axis in range(3):
            pieces = [(_squares(text), end) for text, end in self._pieces(axis, 3)]
            rows = [rf"{text} & " + (r"\text{later}" if end is None else f"t < {end:g}") for text, end in pieces]
            cases = r"\begin{cases}" + r" \\ ".join(rows) + r"\end{cases}"
            found.append(_bracketed(pieces[0][0]) if len(pieces) == 1 else cases)
        return found

    def _pieces(self, axis: int, digits: int) -> list[tuple[str, float | None]]:
        """Of one coordinate each flight as text, and the time of its end; None for the last. One flight alone where
        nothing jumps."""
        c, b, a = self.polynomial[:, axis]
        places = [self.polynomial[0], *(self.before(k)[0] for k in range(len(self.times)))]
        small = 0.1**digits * float(np.abs(places).max())
        if np.abs(self.jumps[:, axis]).max() * self.times[-1] < small:
            return [(_parabola(c, b, a, 0.0, self.times[-1], small, digits), None)]
        ends = [*self.times.tolist(), None]
        starts = [0.0, *self.times.tolist()]
        usual = float(np.diff([0.0, *self.times]).max())
        pieces = []
        for k, (start, end) in enumerate(zip(starts, ends)):
            speed = b + self.jumps[:k, axis].sum()
            level = c - self.times[:k] @ self.jumps[:k, axis]
            lasts = usual if end is None else end - start
            ends_at = None if end is None else _to_part(end, lasts, digits)
            pieces.append((_parabola(level, speed, a, start, start + lasts, small, digits), ends_at))
        return pieces


def _to_part(time: float, lasts: float, digits: int) -> float:
    """A time rounded to a part of how long a flight lasts."""
    return round(time, max(0, digits - 1 - math.floor(math.log10(max(lasts, 1e-6)))))


def _bracketed(text: str) -> str:
    """LaTeX that a unit may follow."""
    return rf"\left({text}\right)" if " " in text else text


def _squares(text: str) -> str:
    return text.replace("**2", "^2").replace("*", r"\,")


def _parabola(c: float, b: float, a: float, start: float, end: float, small: float, digits: int) -> str:
    """c + b t + a t^2 from `start` to `end` as text, about its top where that is near, else counted from `start`: far
    from t = 0 the terms would be large and cancel each other. Terms below `small` are left out."""
    lasts = end - start
    top = -b / (2 * a) if abs(a) * lasts**2 > small else np.inf
    near = start - lasts <= top <= end + lasts
    at_top = bool(near and start)
    origin = _to_part(top if at_top else start, lasts, digits)
    level, speed = c + b * origin + a * origin**2, b + 2 * a * origin
    since = f"(t {'-' if origin > 0 else '+'} {abs(origin):g})" if origin else "t"
    terms = [(level, ""), (0.0 if at_top else speed, f"*{since}"), (a, f"*{since}**2")]
    furthest = max(abs(start - origin), abs(end - origin))
    kept = [(value, of) for k, (value, of) in enumerate(terms) if abs(value) * furthest**k >= small]
    first, *others = [f"{'-' if value < 0 else '+'} {abs(value):.{digits}g}{of}" for value, of in kept] or ["+ 0"]
    return " ".join([first[2:] if first[0] == "+" else f"-{first[2:]}", *others])


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
