"""Whether an equation has the true form, however it is written.

Each axis is brought to one canonical form about the middle of the clip: a polynomial in s = 2 t - 1, and for each
number of turns and fading one complex amplitude A, with Re(A exp((i 2 pi n - f) (t - 1/2))). In that form cos and sin,
a shifted phase, a turned sign and a negative frequency are one and the same. What bounces, a coefficient times the
greatest of several polynomials, is kept as its values at the clip's times. Two questions are asked of it, each per axis
and of all axes together: whether the terms are the same (the skeleton, as in NeSymReS, Biggio et al. 2021), and whether
their coefficients are as well (the symbolic solution of SRBench, La Cava et al. 2021, but without its pardon for a
constant offset or factor).
"""

from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import numpy as np
import sympy
from numpy.polynomial.polynomial import polyadd, polymul, polytrim

from trajvlm.data.clip import CANONICAL
from trajvlm.data.motions.equation import Equation, Greatest, T, evaluate

_CLEARLY_THERE = 0.1
_HARDLY_THERE = 0.02
_NEAR = 0.1
_NEAR_TURNS = 0.1
_NEAR_FADING = 0.1
_HARDLY_FADES = 0.05
_HIGHEST = 4
_STILL = np.zeros(len(CANONICAL.times))


@dataclass(frozen=True)
class Form:
    """The canonical form of one axis."""

    powers: tuple[float, ...]
    """Coefficients of 1, s, s^2, ..."""
    waves: tuple[tuple[float, float, complex], ...]
    """(turns in the clip, fading, amplitude in its middle), one for each kind of wave."""
    hops: np.ndarray
    """(17,) values of the bouncing part."""

    def sizes(self) -> dict[str, float]:
        """How large each kind of term is, in half widths; a wave that fades is another kind than one that does not."""
        sizes = {f"s{k}": abs(c) for k, c in enumerate(self.powers)} | {"hop": float(np.ptp(self.hops))}
        for kind, fades in (("wave", False), ("fading wave", True)):
            sizes[kind] = float(
                np.sqrt(sum(abs(a) ** 2 for _, f, a in self.waves if (abs(f) > _HARDLY_FADES) == fades))
            )
        return sizes


@dataclass(frozen=True)
class Match:
    """How two equations agree, axis by axis (x, y, z)."""

    skeleton: tuple[bool, ...]
    symbolic: tuple[bool, ...]


NO_MATCH = Match((False, False, False), (False, False, False))


def match(said: Equation, true: Equation) -> Match:
    """Compare an equation with the true one, both in clip time.

    All is measured against the true path's half extent over the clip along its longest axis. The skeletons differ where
    a term over a tenth of that in one equation is under a fiftieth of it in the other. The coefficients agree within
    a tenth of it, turns within a tenth of a turn, fading within a tenth of an exponent, and bounces within a tenth of
    the extent at all of the clip's times.
    """
    scale = float(np.ptp(true.positions(CANONICAL.times), axis=0).max() / 2)
    pairs = [(canonical_form(a), canonical_form(b)) for a, b in zip(said.axes, true.axes)]
    return Match(
        tuple(a is not None and b is not None and _same_terms(a, b, scale) for a, b in pairs),
        tuple(a is not None and b is not None and _near(a, b, scale) for a, b in pairs),
    )


def canonical_form(expression: sympy.Expr) -> Form | None:
    """The canonical form; None for what is not a sum of powers of t, of waves and of bounces, or is not finite."""
    try:
        found = _read(expression)
    except (TypeError, ValueError):
        return None
    waves = _gathered(found.waves)
    finite = np.isfinite(found.powers).all() and np.isfinite(found.hops).all() and np.isfinite(waves).all()
    return Form(tuple(found.powers.tolist()), waves, found.hops) if finite else None


class _Sum(NamedTuple):
    """What an expression was read as: a polynomial in s, waves, and bounces."""

    powers: np.ndarray
    waves: list[tuple[float, float, complex]] = []
    hops: np.ndarray = _STILL

    @property
    def polynomial(self) -> bool:
        return not self.waves and not self.hops.any()

    def times(self, factor: float) -> "_Sum":
        return _Sum(self.powers * factor, [(n, f, a * factor) for n, f, a in self.waves], self.hops * factor)


def _read(expression: sympy.Expr) -> _Sum:
    """Powers of s, waves and bounces; raises ValueError for what is none, TypeError for a number that is none."""
    if expression == T:
        return _Sum(np.array([0.5, 0.5]))
    if expression.is_number:
        return _Sum(np.array([float(expression)]))
    parts = [_read(argument) for argument in expression.args]
    if expression.is_Add:
        powers = reduce(polyadd, [part.powers for part in parts])
        return _Sum(powers, [wave for part in parts for wave in part.waves], sum((part.hops for part in parts), _STILL))
    if expression.is_Mul:
        return reduce(_product, parts)
    if expression.is_Pow and expression.exp.is_Integer and 0 < expression.exp <= _HIGHEST:
        return reduce(_product, [parts[0]] * int(expression.exp))
    plain = all(part.polynomial for part in parts)
    if expression.func is Greatest and plain:
        return _Sum(np.array([0.0]), [], evaluate(expression, CANONICAL.times))
    line = polytrim(parts[0].powers)
    if expression.func in (sympy.cos, sympy.sin) and plain and len(line) == 2:
        phase, speed = line
        amplitude = np.exp(1j * phase) * (1 if expression.func is sympy.cos else -1j)
        # s runs from -1 to 1, so a turn in the clip is an angle of pi s.
        wave = (speed / np.pi, 0.0, amplitude) if speed > 0 else (-speed / np.pi, 0.0, amplitude.conjugate())
        return _Sum(np.array([0.0]), [wave])
    if expression.func is sympy.exp and plain and len(line) == 2:
        return _Sum(np.array([0.0]), [(0.0, -2 * line[1], np.exp(line[0]))])
    raise ValueError(f"no canonical form: {expression}")


def _product(a: _Sum, b: _Sum) -> _Sum:
    """The product of two sums: polynomials, a number and anything, or a fading and a wave."""
    for one, other in ((a, b), (b, a)):
        if one.polynomial and len(polytrim(one.powers)) == 1:
            return other.times(float(one.powers[0]))
    if a.hops.any() or b.hops.any() or bool(a.waves) != bool(b.waves):
        raise ValueError("a wave or a bounce is multiplied by something that changes in time")
    if not a.waves:
        return _Sum(polymul(a.powers, b.powers))
    turning = [n for n, _, _ in (*a.waves, *b.waves) if n]
    if len(a.waves) + len(b.waves) > 2 or len(turning) > 1 or a.powers.any() or b.powers.any():
        raise ValueError("a wave is multiplied by a wave")
    (n, f, c), (m, g, d) = a.waves[0], b.waves[0]
    return _Sum(np.array([0.0]), [(n + m, f + g, c * d)])


def _gathered(waves: list[tuple[float, float, complex]]) -> tuple[tuple[float, float, complex], ...]:
    """Waves of one frequency and fading added up."""
    out: list[tuple[float, float, complex]] = []
    for turns, fading, amplitude in sorted(waves, key=lambda wave: wave[:2]):
        if out and abs(out[-1][0] - turns) < 1e-6 and abs(out[-1][1] - fading) < 1e-6:
            out[-1] = (turns, fading, out[-1][2] + amplitude)
        else:
            out.append((turns, fading, amplitude))
    return tuple(out)


def _same_terms(a: Form, b: Form, scale: float) -> bool:
    first, second = a.sizes(), b.sizes()
    pairs = [(first.get(kind, 0.0) / scale, second.get(kind, 0.0) / scale) for kind in first | second]
    return all(max(pair) <= _CLEARLY_THERE or min(pair) >= _HARDLY_THERE for pair in pairs)


def _near(a: Form, b: Form, scale: float) -> bool:
    length = max(len(a.powers), len(b.powers))
    difference = np.pad(a.powers, (0, length - len(a.powers))) - np.pad(b.powers, (0, length - len(b.powers)))
    if (np.abs(difference) > _NEAR * scale).any() or np.abs(a.hops - b.hops).max() > _NEAR * scale:
        return False
    return all(
        abs(amplitude) <= _NEAR * scale
        or any(
            abs(n - turns) <= _NEAR_TURNS and abs(f - fading) <= _NEAR_FADING and abs(c - amplitude) <= _NEAR * scale
            for n, f, c in others
        )
        for waves, others in ((a.waves, b.waves), (b.waves, a.waves))
        for turns, fading, amplitude in waves
    )
