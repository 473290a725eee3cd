"""Whether an equation has the true form, however it is written.

Each axis is brought to one canonical form about the middle of the clip: a polynomial in s = 2 t - 1, and for each
number of turns one complex amplitude A, with Re(A exp(i 2 pi n (t - 1/2))). In that form cos and sin, a shifted phase,
a turned sign and a negative frequency are one and the same. Two questions are asked of it, each per axis and of all
axes together: whether the terms are the same (the skeleton, as in NeSymReS, Biggio et al. 2021), and whether their
coefficients are as well (the symbolic solution of SRBench, La Cava et al. 2021, but without its pardon for a constant
offset or factor).
"""

from dataclasses import dataclass
from functools import reduce

import numpy as np
import sympy
from numpy.polynomial.polynomial import polyadd, polymul, polytrim

from data.clip import CANONICAL
from data.equation import Equation, T

_CLEARLY_THERE = 0.1
_HARDLY_THERE = 0.02
_NEAR = 0.1
_NEAR_TURNS = 0.1
_HIGHEST = 4
_Sum = tuple[np.ndarray, list[tuple[float, complex]]]


@dataclass(frozen=True)
class Form:
    """The canonical form of one axis."""

    powers: tuple[float, ...]
    """Coefficients of 1, s, s^2, ..."""
    waves: tuple[tuple[float, complex], ...]
    """(turns in the clip, amplitude), one for each number of turns."""

    def sizes(self) -> dict[str, float]:
        """How large each kind of term is, in half widths."""
        sizes = {f"s{k}": abs(c) for k, c in enumerate(self.powers)}
        return sizes | {"wave": float(np.sqrt(sum(abs(a) ** 2 for _, a in self.waves)))}


@dataclass(frozen=True)
class Match:
    """How two equations agree, axis by axis (x, y, z)."""

    skeleton: tuple[bool, bool, bool]
    symbolic: tuple[bool, bool, bool]


NO_MATCH = Match((False, False, False), (False, False, False))


def match(said: Equation, true: Equation) -> Match:
    """Compare an equation with the true one, both in clip time.

    All is measured against the true path's half extent over the clip along its longest axis. The skeletons differ where
    a term over a tenth of that in one equation is under a fiftieth of it in the other. The coefficients agree within
    a tenth of it, turns within a tenth of a turn.
    """
    scale = float(np.ptp(true.positions(CANONICAL.times), axis=0).max() / 2)
    pairs = [(canonical_form(a), canonical_form(b)) for a, b in zip(said.axes, true.axes)]
    return Match(
        tuple(a is not None and b is not None and _same_terms(a, b, scale) for a, b in pairs),
        tuple(a is not None and b is not None and _near(a, b, scale) for a, b in pairs),
    )


def canonical_form(expression: sympy.Expr) -> Form | None:
    """The canonical form; None for what is not a sum of powers of t and of plain waves, or is not finite."""
    try:
        powers, waves = _read(expression)
    except (TypeError, ValueError):
        return None
    waves = _gathered(waves)
    finite = np.isfinite(powers).all() and all(np.isfinite(n) and np.isfinite(a) for n, a in waves)
    return Form(tuple(powers.tolist()), waves) if finite else None


def _read(expression: sympy.Expr) -> _Sum:
    """Powers of s and waves; raises ValueError for what is none, TypeError for a number that is none."""
    if expression == T:
        return np.array([0.5, 0.5]), []
    if expression.is_number:
        return np.array([float(expression)]), []
    parts = [_read(argument) for argument in expression.args]
    if expression.is_Add:
        return reduce(polyadd, [powers for powers, _ in parts]), [wave for _, waves in parts for wave in waves]
    if expression.is_Mul:
        return reduce(_product, parts)
    if expression.is_Pow and expression.exp.is_Integer and 0 < expression.exp <= _HIGHEST:
        return reduce(_product, [parts[0]] * int(expression.exp))
    if expression.func in (sympy.cos, sympy.sin) and not parts[0][1] and len(polytrim(parts[0][0])) == 2:
        phase, speed = polytrim(parts[0][0])
        amplitude = np.exp(1j * phase) * (1 if expression.func is sympy.cos else -1j)
        # s runs from -1 to 1, so a turn in the clip is an angle of pi s.
        wave = (speed / np.pi, amplitude) if speed > 0 else (-speed / np.pi, amplitude.conjugate())
        return np.array([0.0]), [wave]
    raise ValueError(f"no canonical form: {expression}")


def _product(a: _Sum, b: _Sum) -> _Sum:
    """The product of two sums, at most one of them with waves, and the other then a number."""
    for (_, waves), (powers, others) in ((a, b), (b, a)):
        if waves and (others or len(polytrim(powers)) > 1):
            raise ValueError("a wave is multiplied by something that changes in time")
    waves = [(n, c * b[0][0]) for n, c in a[1]] + [(n, c * a[0][0]) for n, c in b[1]]
    return polymul(a[0], b[0]), waves


def _gathered(waves: list[tuple[float, complex]]) -> tuple[tuple[float, complex], ...]:
    """Waves of one frequency added up."""
    out: list[tuple[float, complex]] = []
    for turns, amplitude in sorted(waves, key=lambda wave: wave[0]):
        if out and abs(out[-1][0] - turns) < 1e-6:
            out[-1] = (out[-1][0], out[-1][1] + amplitude)
        else:
            out.append((turns, amplitude))
    return tuple(out)


def _same_terms(a: Form, b: Form, scale: float) -> bool:
    first, second = a.sizes(), b.sizes()
    pairs = [(first.get(kind, 0.0) / scale, second.get(kind, 0.0) / scale) for kind in first | second]
    return all(max(pair) <= _CLEARLY_THERE or min(pair) >= _HARDLY_THERE for pair in pairs)


def _near(a: Form, b: Form, scale: float) -> bool:
    length = max(len(a.powers), len(b.powers))
    difference = np.pad(a.powers, (0, length - len(a.powers))) - np.pad(b.powers, (0, length - len(b.powers)))
    if (np.abs(difference) > _NEAR * scale).any():
        return False
    return all(
        abs(amplitude) <= _NEAR * scale
        or any(abs(n - turns) <= _NEAR_TURNS and abs(c - amplitude) <= _NEAR * scale for n, c in others)
        for waves, others in ((a.waves, b.waves), (b.waves, a.waves))
        for turns, amplitude in waves
    )
