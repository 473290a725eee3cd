"""Track, then symbolic regression (PySR, Cranmer, 2023) of each image coordinate as a function of clip time.

PySR needs Julia. Its expressions stand for the image of the path and not for the path in space, so they give a family
alone, by their form:

    a sine or cosine, and an axis that is linear in time besides    helical
    a sine or cosine, the picture of the path wider than a line     circular
    a sine or cosine                                                oscillating
    a polynomial of second or higher degree                         parabolic
    anything else                                                   linear
"""

import shutil
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np
import sympy
from torch import Tensor

from trajvlm.data.clip import CANONICAL
from trajvlm.data.errors import UserError
from trajvlm.data.fit import LEAST_FRAMES, Observations
from trajvlm.data.motions.families import BASIC
from trajvlm.data.rendered.export import to_frames
from trajvlm.eval.system import FamilyOnly
from trajvlm.vlm.classical_baseline import track_blobs

S = sympy.Symbol("s", real=True)
"""Clip time from -1 to 1."""
_LEAST_WIDTH = 0.08
_OPTIONS = {
    "binary_operators": ["+", "-", "*"],
    "unary_operators": ["sin", "cos"],
    "maxsize": 15,
    "niterations": 40,
    "random_state": 0,
    "deterministic": True,
    "parallelism": "serial",
    "progress": False,
    "verbosity": 0,
    "temp_equation_file": True,
}


class PySR:
    """See `trajvlm.eval.system.System`."""

    name = "pysr"
    rows = ("track and PySR",)
    gives_equations = False

    def __init__(self):
        self.identity = {"pysr": version("pysr"), **_OPTIONS}

    def answer(self, video: Tensor) -> dict[str, list[FamilyOnly | None]]:
        """See `trajvlm.eval.system.System`; None where the object is seen in fewer than seven frames."""
        return {self.rows[0]: [self._predict(track_blobs(to_frames(clip))) for clip in video]}

    def _predict(self, seen: Observations) -> FamilyOnly | None:
        if len(seen.t) < LEAST_FRAMES:
            return None
        found = family_of([self._expression(seen.t, values) for values in seen.centre.T])
        return FamilyOnly(found, {name: float(name == found) for name in BASIC})

    def _expression(self, t: np.ndarray, values: np.ndarray) -> sympy.Expr:
        from pysr import PySRRegressor

        model = PySRRegressor(**_OPTIONS).fit((2 * t - 1)[:, None], values, variable_names=["s"])
        return sympy.sympify(model.sympy(), locals={"s": S}).subs(sympy.Symbol("s"), S)


def family_of(axes: list[sympy.Expr]) -> str:
    """The family of expressions of u and v in `S`, by their form."""
    axes = [sympy.expand(axis) for axis in axes]
    if not any(axis.has(sympy.sin, sympy.cos) for axis in axes):
        return "parabolic" if any(sympy.degree(axis, S) > 1 for axis in axes) else "linear"
    if any(axis.coeff(S, 1).is_number and axis.coeff(S, 1) != 0 for axis in axes):
        return "helical"
    s = 2 * CANONICAL.times - 1
    seen = np.column_stack([np.broadcast_to(sympy.lambdify(S, axis)(s), s.shape) for axis in axes])
    length, width = np.linalg.svd(seen - seen.mean(axis=0), compute_uv=False)
    return "circular" if width > _LEAST_WIDTH * length else "oscillating"


def load() -> PySR:
    """Raises UserError where Julia or PySR is not installed; Julia is not installed for the sake of it."""
    if shutil.which("julia") is None or find_spec("pysr") is None:
        raise UserError("PySR runs where Julia is; install Julia and `pip install pysr`")
    return PySR()
