"""Motions as sums of functions of time, each multiplied by a vector: the families, and what else such sums can be.

    p(t) = sum over k of function_k(t) * vector_k

A sum is written in one way only: its terms stand in the order of `TERMS`, none has a vector of length zero, waves are
pairs of a cosine and a sine about the middle of the clip (a phase is in their vectors), and frequencies are positive.

Four kinds are never drawn in training, whatever the combination (`held_back`): cycloids, figures of eight, two free
frequencies, a fading circle that drifts. An evaluation asks for these.
"""

from dataclasses import dataclass

import numpy as np
import sympy

from trajvlm.data.motions.equation import Equation, T
from trajvlm.data.motions.families import MOTIONS
from trajvlm.data.motions.families.family import random_rotation
from trajvlm.data.motions.terms import FUNCTIONS, TimeFunction

_HALF = sympy.Rational(1, 2)


def _multiple(sine: bool) -> TimeFunction:
    """A wave whose frequency is a multiple of the first one's."""
    name = "sin" if sine else "cos"
    return TimeFunction(
        ("turns", "multiple"),
        lambda t, turns, multiple: getattr(np, name)(2 * np.pi * turns * multiple * (t - 0.5)),
        lambda turns, multiple: getattr(sympy, name)(2 * sympy.pi * sympy.Float(turns * multiple) * (T - _HALF)),
        lambda turns, multiple: f"*{name}(2*pi*{turns * multiple:.2f}*(t - 0.5))",
    )


def _changing(sine: bool) -> TimeFunction:
    """A wave whose frequency changes evenly: from (1 - change) to (1 + change) times the middle one."""
    name = "sin" if sine else "cos"

    def symbolic(turns: float, change: float) -> sympy.Expr:
        middle = T - _HALF
        return getattr(sympy, name)(2 * sympy.pi * sympy.Float(turns) * (middle + sympy.Float(change) * middle**2))

    return TimeFunction(
        ("turns", "change"),
        lambda t, turns, change: getattr(np, name)(2 * np.pi * turns * ((t - 0.5) + change * (t - 0.5) ** 2)),
        symbolic,
        lambda turns, change: f"*{name}(2*pi*{turns:.2f}*((t - 0.5) + {change:.2f}*(t - 0.5)**2))",
    )


TERMS: dict[str, TimeFunction] = {
    **{name: FUNCTIONS[name] for name in ("1", "s", "s2")},
    "exp": TimeFunction(
        ("rate",),
        lambda t, rate: np.exp(-rate * (t - 0.5)),
        lambda rate: sympy.exp(-sympy.Float(rate) * (T - _HALF)),
        lambda rate: f"*exp(-({rate:.2f})*(t - 0.5))",
    ),
    **{name: FUNCTIONS[name] for name in ("cos", "sin")},
    "second cos": _multiple(sine=False),
    "second sin": _multiple(sine=True),
    "changing cos": _changing(sine=False),
    "changing sin": _changing(sine=True),
    **{name: FUNCTIONS[name] for name in ("fading cos", "fading sin", "hop")},
}
"""The functions that a sum may hold, in order; s = 2 t - 1, and s2 is its square."""
_DRIFTS = ("s", "s2", "exp")
_WAVES = ("", "changing ", "fading ")
_PARALLEL = 1e-6
"""Of two vectors: their cross product relative to the product of their lengths."""


@dataclass(frozen=True, eq=False)
class Sum:
    """One sum of terms, in clip time from 0 to 1."""

    terms: tuple[str, ...]
    """Names in `TERMS`, in that order; "1" is always the first."""
    vectors: np.ndarray
    """(terms, 3)."""
    inner: dict[str, float]
    """The constants inside the functions, by name."""

    def __post_init__(self):
        if list(self.terms) != [name for name in TERMS if name in self.terms] or self.terms[0] != "1":
            raise ValueError(f"terms begin with 1 and stand in the order of TERMS, not as {self.terms}")
        if self.vectors.shape != (len(self.terms), 3):
            raise ValueError(f"{len(self.terms)} terms have as many vectors, not {self.vectors.shape}")

    @classmethod
    def of_family(cls, name: str, constants: np.ndarray) -> "Sum":
        """A member of a family, from its constants (family.size,)."""
        family = MOTIONS[name]
        inner = dict(zip(family.shape, family.inside(constants).tolist()))
        terms = tuple("second sin" if term == "sin2" else term for term in family.basis)
        if "second sin" in terms:
            inner["multiple"] = 2.0
        order = sorted(range(len(terms)), key=lambda k: list(TERMS).index(terms[k]))
        return cls(tuple(terms[k] for k in order), family.vectors(constants)[order], inner)

    @classmethod
    def polynomial(cls, place: np.ndarray, velocity: np.ndarray, acceleration: np.ndarray) -> "Sum":
        """Constant acceleration: place and velocity (3,) are those at clip time 0."""
        middle = place + velocity / 2 + acceleration / 8
        vectors = [middle, (velocity + acceleration / 2) / 2, acceleration / 8]
        count = 3 if np.any(acceleration) else 2 if np.any(velocity) else 1
        return cls(("1", "s", "s2")[:count], np.array(vectors[:count]), {})

    def positions(self, t: np.ndarray) -> np.ndarray:
        """Positions (T, 3) at clip times t (T,)."""
        t = np.asarray(t, dtype=float)
        return np.stack([self._values(name, t) for name in self.terms], axis=-1) @ self.vectors

    def equation(self) -> Equation:
        """The sum as symbolic expressions in clip time."""
        parts = [TERMS[name].symbolic(*self._own(name)) for name in self.terms]
        return Equation(
            *(
                sum((sympy.Float(float(v)) * part for v, part in zip(column, parts) if v), sympy.Integer(0))
                for column in self.vectors.T
            )
        )

    def moved(self, matrix: np.ndarray | float = 1.0, shift: np.ndarray | float = 0.0) -> "Sum":
        """The path matrix @ p(t) + shift; `matrix` is (3, 3), a factor for each axis (3,), or one factor."""
        matrix = np.asarray(matrix, dtype=float)
        vectors = self.vectors @ matrix.T if matrix.ndim == 2 else self.vectors * matrix
        vectors[0] += shift
        return Sum(self.terms, vectors, self.inner)

    @property
    def family(self) -> str | None:
        """The family that the sum belongs to; None where it is none of them."""
        own = dict(zip(self.terms, self.vectors))
        match self.terms:
            case ("1", "s"):
                return "linear"
            case ("1", "s", "s2"):
                return "parabolic"
            case ("1", "s", "hop"):
                return "bouncing"
            case ("1", "cos", "sin"):
                return "oscillating" if _along(own["cos"], own["sin"]) else "circular" if self._round("") else None
            case ("1", "fading cos", "fading sin"):
                line = _along(own["fading cos"], own["fading sin"])
                return "damped" if line else "spiral" if self._round("fading ") else None
            case ("1", "s", "cos", "sin"):
                axis = np.cross(own["cos"], own["sin"])
                return "helical" if self._round("") and _along(axis, own["s"]) else None
        return None

    def _round(self, wave: str) -> bool:
        """Whether a wave's cosine and sine are as long as each other and at right angles."""
        own = dict(zip(self.terms, self.vectors))
        a, b = own[f"{wave}cos"], own[f"{wave}sin"]
        return bool(np.isclose(a @ a, b @ b, rtol=1e-6) and abs(a @ b) < 1e-6 * (a @ a))

    def _own(self, term: str) -> list[float]:
        return [self.inner[name] for name in TERMS[term].shape]

    def _values(self, term: str, t: np.ndarray) -> np.ndarray:
        return np.asarray(TERMS[term].values(t, *(np.full(1, value) for value in self._own(term))))


def held_back(found: Sum) -> str | None:
    """Which of the kinds that no training draws a sum belongs to; None for any other."""
    own = dict(zip(found.terms, found.vectors))
    waves = [v for name, v in own.items() if name.endswith(("cos", "sin"))]
    if "second cos" in own or "second sin" in own:
        if abs(found.inner["multiple"] - round(found.inner["multiple"])) > 1e-6:
            return "two frequencies"
        if not all(_along(waves[0], other) for other in waves):
            return "figure-eight"
    drifts = [own[name] for name in _DRIFTS if name in own]
    for wave in _WAVES:
        a, b = own.get(f"{wave}cos"), own.get(f"{wave}sin")
        if a is None or b is None or _along(a, b) or not drifts:
            continue
        if wave == "fading ":
            return "fading drifting circle"
        if not all(_along(np.cross(a, b), drift) for drift in drifts):
            return "cycloid"
    return None


def draw_sum(rng: np.random.Generator) -> Sum:
    """Any sum that trainings may draw, in any orientation: half of them in the plane of the picture."""
    wave = rng.choice(["none", "swing", "ellipse", "overtone"], p=[0.3, 0.3, 0.22, 0.18])
    own, inner = (_hopping(rng) if rng.random() < 0.2 else _drifting(rng)) if wave == "none" else _waving(wave, rng)
    own["1"] = np.zeros(3)
    terms = tuple(name for name in TERMS if name in own)
    drawn = Sum(terms, np.array([own[name] for name in terms]), inner)
    flat = wave != "ellipse" or not any(name in own for name in _DRIFTS)
    if flat and rng.random() < 0.5:
        angle = rng.uniform(0, 2 * np.pi)
        turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 0]])
        return _without_nothing(drawn.moved(turn))
    return drawn.moved(random_rotation(rng))


def _drifting(rng: np.random.Generator) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Drag, alone or with a pull: a velocity that fades."""
    own, inner = {}, {"rate": rng.uniform(1.0, 5.0) * rng.choice([-1, 1], p=[0.25, 0.75])}
    own["exp"] = np.array([1.0, 0, 0]) / abs(2 * np.sinh(inner["rate"] / 2))
    for name, share in (("s", 0.75), ("s2", 0.3)):
        if rng.random() < share:
            own[name] = _in_plane(rng) * rng.uniform(0.2, 1.0)
    return own, inner


def _hopping(rng: np.random.Generator) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """A ball that bounces along, and perhaps slows down meanwhile."""
    flight, restitution = rng.uniform(0.25, 0.9), rng.uniform(0.5, 0.95)
    inner = {"flight": flight, "impact": rng.uniform(0.1, min(flight, 0.9)), "restitution": restitution}
    own = {"s": np.array([rng.uniform(0.1, 1.2), 0, 0]), "hop": np.array([0, 1.0, 0])}
    if rng.random() < 0.5:
        inner["rate"] = rng.uniform(1.0, 4.0)
        own["exp"] = np.array([rng.uniform(-1, 1), 0, 0]) / (2 * np.sinh(inner["rate"] / 2))
    return own, inner


def _waving(wave: str, rng: np.random.Generator) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """A swing, an ellipse or a swing with an overtone; even, changing or fading; at rest or drifting."""
    inner = {"turns": rng.uniform(0.6, 2.2)}
    kind = "" if wave == "overtone" else rng.choice(["", "changing ", "fading "], p=[0.4, 0.3, 0.3])
    if kind == "changing ":
        inner["change"] = rng.uniform(0.25, 0.9) * rng.choice([-1, 1])
    if kind == "fading ":
        inner["fading"] = rng.uniform(0.7, 2.0) * rng.choice([-1, 1], p=[0.25, 0.75])
    phase, axes = rng.uniform(0, 2 * np.pi), np.eye(3)
    if wave == "ellipse":
        inner["turns"] = min(inner["turns"], 2.0)
        long, short = axes[0], axes[1] * rng.choice([-1, 1]) * rng.uniform(0.15, 1.0)
        own = {
            f"{kind}cos": np.cos(phase) * long + np.sin(phase) * short,
            f"{kind}sin": np.cos(phase) * short - np.sin(phase) * long,
        }
        drifting = kind != "fading " and rng.random() < 0.4
        drift: list[np.ndarray] | np.ndarray = axes[2:3] if drifting else []
    else:
        own = {f"{kind}cos": np.cos(phase) * axes[0], f"{kind}sin": np.sin(phase) * axes[0]}
        drift = [_in_plane(rng) for _ in range(2)] if rng.random() < 0.6 else []
    if wave == "overtone":
        inner["turns"], inner["multiple"] = rng.uniform(0.6, 1.4), float(rng.integers(2, 4))
        size, second = rng.uniform(0.2, 0.8), rng.uniform(0, 2 * np.pi)
        own |= {"second cos": size * np.cos(second) * axes[0], "second sin": size * np.sin(second) * axes[0]}
    for direction, name in zip(drift, rng.permutation(_DRIFTS)[: rng.integers(1, 3)]):
        own[str(name)] = direction * rng.uniform(0.3, 1.5)
        if name == "exp":
            inner["rate"] = rng.uniform(1.0, 4.0)
            own["exp"] /= 2 * np.sinh(inner["rate"] / 2)
    return own, inner


def _in_plane(rng: np.random.Generator) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi)
    return np.array([np.cos(angle), np.sin(angle), 0.0])


def _without_nothing(found: Sum) -> Sum:
    """The same without terms, but for the first, whose vector has no length."""
    kept = [k for k, v in enumerate(found.vectors) if k == 0 or np.linalg.norm(v) > 1e-12]
    return Sum(tuple(found.terms[k] for k in kept), found.vectors[kept], found.inner)


def _along(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two vectors lie along one line, or one of them has no length."""
    lengths = np.linalg.norm(first) * np.linalg.norm(second)
    return bool(np.linalg.norm(np.cross(first, second)) <= _PARALLEL * lengths)
