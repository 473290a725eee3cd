"""What a family of motions is: a few functions of time, each multiplied by a vector in space.

Every family here has the form p(t) = sum over k of basis_k(t) * vector_k, with t the clip time from 0 to 1, and, for
the periodic ones, the number of turns in the clip inside the basis. So rotation, scale and translation of a path are
exact algebra on its vectors, and so are its symbolic equation and its least-squares fit.

Time enters as s = 2 t - 1 (polynomials) and as the angle 2 pi n (t - 1/2) (turns): centred on the middle of the clip,
where the constants stay within a few units and an error in one disturbs the others least.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy

from data.equation import Equation, T

S = 2 * T - 1
TURNS = sympy.Symbol("n", positive=True)
ANGLE = 2 * sympy.pi * TURNS * (T - sympy.Rational(1, 2))
_FADING = 1.6
"""A fading turn's amplitude falls to exp(-1.6), a fifth, within the clip."""

_BASIS: dict[str, tuple[sympy.Expr, Callable[[np.ndarray, np.ndarray], np.ndarray]]] = {
    "1": (sympy.Integer(1), lambda t, n: np.ones(np.broadcast_shapes(t.shape, n.shape))),
    "s": (S, lambda t, n: np.broadcast_to(2 * t - 1, np.broadcast_shapes(t.shape, n.shape))),
    "s2": (S**2, lambda t, n: np.broadcast_to((2 * t - 1) ** 2, np.broadcast_shapes(t.shape, n.shape))),
    "cos": (sympy.cos(ANGLE), lambda t, n: np.cos(2 * np.pi * n * (t - 0.5))),
    "sin": (sympy.sin(ANGLE), lambda t, n: np.sin(2 * np.pi * n * (t - 0.5))),
    # Those of motions that are drawn and never answered.
    "sin2": (sympy.sin(2 * ANGLE), lambda t, n: np.sin(4 * np.pi * n * (t - 0.5))),
    "fading cos": (
        sympy.exp(-_FADING * T) * sympy.cos(ANGLE),
        lambda t, n: np.exp(-_FADING * t) * np.cos(2 * np.pi * n * (t - 0.5)),
    ),
    "fading sin": (
        sympy.exp(-_FADING * T) * sympy.sin(ANGLE),
        lambda t, n: np.exp(-_FADING * t) * np.sin(2 * np.pi * n * (t - 0.5)),
    ),
    # One parabola after the other, 0 where it touches the ground and 1 at the top.
    "hop": (
        4 * sympy.frac(TURNS * T) * (1 - sympy.frac(TURNS * T)),
        lambda t, n: 4 * ((n * t) % 1) * (1 - (n * t) % 1),
    ),
}
_TURNING = {"cos", "sin", "sin2", "fading cos", "fading sin", "hop"}


@dataclass(frozen=True)
class Family:
    """One kind of motion.

    Its constants are a flat vector: the three components of each basis function's vector in the order of `basis`,
    then, for a periodic family, the number of turns in the clip.
    """

    name: str
    meaning: str
    """What moves like this, in a person's words."""
    basis: tuple[str, ...]
    draw: Callable[[np.random.Generator], np.ndarray]
    """A random path before framing, (constants,), in arbitrary units and orientation."""
    visible: Callable[[np.ndarray], bool] = lambda constants: True
    """Whether a framed path, seen from the camera, can be told from the simpler families."""
    nearest: Callable[[np.ndarray], np.ndarray] = lambda constants: constants
    """The nearest member of the family to any constants (size,), where not all constants make one."""
    bound: int = 0
    """How many constants follow from the others by that."""

    @property
    def periodic(self) -> bool:
        return not _TURNING.isdisjoint(self.basis)

    @property
    def size(self) -> int:
        """How many constants there are."""
        return 3 * len(self.basis) + self.periodic

    @property
    def free(self) -> int:
        """How many constants are free."""
        return self.size - self.bound

    @property
    def constant_names(self) -> tuple[str, ...]:
        names = [f"{axis}_{function}" for function in self.basis for axis in "xyz"]
        return tuple(names + ["turns"] * self.periodic)

    def vectors(self, constants: np.ndarray) -> np.ndarray:
        """(..., basis, 3) view of the constants (..., size)."""
        return constants[..., : 3 * len(self.basis)].reshape(*constants.shape[:-1], len(self.basis), 3)

    def turns(self, constants: np.ndarray) -> np.ndarray:
        """Turns in the clip (...,); zero for a family that does not turn."""
        return constants[..., -1] if self.periodic else np.zeros(constants.shape[:-1])

    def design(self, turns: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Values of the basis functions (..., T, basis) for turns (...) at clip times t (T,)."""
        n = np.asarray(turns, dtype=float)[..., None]
        return np.stack([_BASIS[name][1](np.asarray(t, dtype=float), n) for name in self.basis], axis=-1)

    def positions(self, constants: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Exact positions (..., T, 3) of the paths `constants` (..., size) at clip times t (T,)."""
        constants = np.asarray(constants, dtype=float)
        return self.design(self.turns(constants), t) @ self.vectors(constants)

    def equation(self, constants: np.ndarray) -> Equation:
        """The path as symbolic expressions in clip time."""
        vectors = self.vectors(np.asarray(constants, dtype=float))
        turns = sympy.Float(float(self.turns(np.asarray(constants, dtype=float))))
        terms = [_BASIS[name][0].subs(TURNS, turns) for name in self.basis]
        return Equation(*(sum(sympy.Float(float(v)) * term for v, term in zip(column, terms)) for column in vectors.T))

    def moved(self, constants: np.ndarray, matrix: np.ndarray | float = 1.0, shift: np.ndarray | float = 0.0):
        """Constants of the path matrix @ p(t) + shift; `matrix` is (3, 3), a factor per axis (3,), or one factor."""
        out = np.array(constants, dtype=float)
        vectors = self.vectors(out)
        matrix = np.asarray(matrix, dtype=float)
        vectors[...] = vectors @ matrix.T if matrix.ndim == 2 else vectors * matrix
        vectors[..., 0, :] += shift
        return out


def random_rotation(rng: np.random.Generator) -> np.ndarray:
    """A rotation matrix drawn evenly from all orientations: a random unit quaternion (Shoemake, 1992)."""
    w, x, y, z = (q := rng.normal(size=4)) / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def flat(*vectors: np.ndarray, turns: float | None = None) -> np.ndarray:
    """Basis vectors (and turns) as one vector of constants."""
    return np.concatenate([*vectors, [] if turns is None else [turns]])
