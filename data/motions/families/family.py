"""A family of motions: a few functions of time, each multiplied by a vector in space.

Every family here has the form p(t) = sum over k of basis_k(t) * vector_k, with t the clip time from 0 to 1, and a few
constants inside the functions (`trajvlm.data.motions.terms`). So rotation, scale, translation and least-squares fit
of a path are linear algebra on its vectors, and its symbolic equation is exact.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import sympy

from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.terms import FUNCTIONS

# Starts of a fit.
_GRID = {
    "turns": np.linspace(0.3, 2.2, 39),
    "fading": np.array([-1.6, -0.8, 0.8, 1.6]),
    # A bounce at the wrong time is a local minimum that a fit does not leave.
    "flight": np.linspace(0.3, 1.2, 13),
    "impact": np.linspace(0.1, 0.9, 17),
    "restitution": np.array([0.5, 0.65, 0.8, 0.95]),
}


@dataclass(frozen=True)
class Family:
    """One kind of motion.

    Its constants are a flat vector: the three components of each basis function's vector in the order of `basis`,
    then the constants inside the functions in the order of `shape`.
    """

    name: str
    meaning: str
    """What moves like this, in words."""
    basis: tuple[str, ...]
    draw: Callable[[np.random.Generator], np.ndarray]
    """A random path before framing, (constants,), in arbitrary units and orientation."""
    visible: Callable[[np.ndarray], bool] = lambda constants: True
    """Whether a framed path (constants,), seen from the camera, can be told from the simpler families."""
    nearest: Callable[[np.ndarray], np.ndarray] = lambda constants: constants
    """Projection of any constants (size,) onto those of the family, where not all are allowed."""
    bound: int = 0
    """How many constants that projection determines from the others."""

    @cached_property
    def shape(self) -> tuple[str, ...]:
        """The names of the constants inside the functions of time."""
        return tuple(dict.fromkeys(name for function in self.basis for name in FUNCTIONS[function].shape))

    @property
    def periodic(self) -> bool:
        """Whether it is periodic: it turns at a constant rate and does not decay."""
        return self.shape == ("turns",)

    @property
    def size(self) -> int:
        """Number of constants."""
        return 3 * len(self.basis) + len(self.shape)

    @property
    def free(self) -> int:
        """Number of free constants."""
        return self.size - self.bound

    @property
    def constant_names(self) -> tuple[str, ...]:
        """Names of the constants in order, as "x_s" for the x component of the vector of s."""
        return (*(f"{axis}_{function}" for function in self.basis for axis in "xyz"), *self.shape)

    def vectors(self, constants: np.ndarray) -> np.ndarray:
        """(..., basis, 3) view of the constants (..., size)."""
        return constants[..., : 3 * len(self.basis)].reshape(*constants.shape[:-1], len(self.basis), 3)

    def inside(self, constants: np.ndarray) -> np.ndarray:
        """(..., shape) view of the constants (..., size): those inside the functions of time."""
        return constants[..., 3 * len(self.basis) :]

    def shape_grid(self) -> np.ndarray:
        """(N, shape) grid of values of the constants inside the functions, over their ranges: starts of a fit."""
        return np.array(list(product(*(_GRID[name] for name in self.shape))), dtype=float)

    def design(self, inside: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Design matrix (..., T, basis): the basis functions at clip times t (T,) for constants inside (..., shape)."""
        t, inside = np.asarray(t, dtype=float), np.asarray(inside, dtype=float)
        named = {name: inside[..., k, None] for k, name in enumerate(self.shape)}
        out = np.empty((*inside.shape[:-1], len(t), len(self.basis)))
        for k, function in enumerate(FUNCTIONS[name] for name in self.basis):
            out[..., k] = function.values(t, *(named[name] for name in function.shape))
        return out

    def positions(self, constants: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Exact positions (..., T, 3) of the paths `constants` (..., size) at clip times t (T,)."""
        constants = np.asarray(constants, dtype=float)
        return self.design(self.inside(constants), t) @ self.vectors(constants)

    def _inside_of(self, constants: np.ndarray) -> list[list[float]]:
        """The constants inside each basis function."""
        named = dict(zip(self.shape, self.inside(constants).tolist()))
        return [[named[name] for name in FUNCTIONS[function].shape] for function in self.basis]

    def equation(self, constants: np.ndarray) -> Equation:
        """The path as symbolic expressions in clip time."""
        constants = np.asarray(constants, dtype=float)
        terms = [FUNCTIONS[name].symbolic(*own) for name, own in zip(self.basis, self._inside_of(constants))]
        columns = self.vectors(constants).T
        return Equation(*(sum(sympy.Float(float(v)) * term for v, term in zip(column, terms)) for column in columns))

    def written(self, constants: np.ndarray) -> dict[str, str]:
        """`equation` as text with two decimals, not simplified: `{"x": "-0.10 +0.42*(2*t - 1)", ...}`."""
        constants = np.asarray(constants, dtype=float)
        terms = [FUNCTIONS[name].written(*own) for name, own in zip(self.basis, self._inside_of(constants))]
        # Adding 0.0 makes -0.0 into 0.0.
        return {
            axis: " ".join(f"{round(v, 2) + 0.0:+.2f}{term}" for v, term in zip(column.tolist(), terms))
            for axis, column in zip("xyz", self.vectors(constants).T)
        }

    def moved(
        self, constants: np.ndarray, matrix: np.ndarray | float = 1.0, shift: np.ndarray | float = 0.0
    ) -> np.ndarray:
        """Constants (..., size) of the path matrix @ p(t) + shift; `matrix` is (3, 3), (3,) factors, or one factor."""
        out = np.array(constants, dtype=float)
        vectors = self.vectors(out)
        matrix = np.asarray(matrix, dtype=float)
        vectors[...] = vectors @ matrix.T if matrix.ndim == 2 else vectors * matrix
        vectors[..., 0, :] += shift
        return out


def random_rotation(rng: np.random.Generator) -> np.ndarray:
    """(3, 3) rotation, uniform over all orientations: a random unit quaternion (Shoemake, 1992)."""
    w, x, y, z = (q := rng.normal(size=4)) / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def flat(*vectors: np.ndarray, **shape: float) -> np.ndarray:
    """Constants (size,) from the basis vectors (3,), and the constants inside the functions in the order of `shape`."""
    return np.concatenate([*vectors, list(shape.values())])
