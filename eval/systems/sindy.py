"""Track, then sparse identification of the dynamics (SINDy, Brunton et al., 2016): an ODE, and from it the equation.

PySINDy looks for the acceleration of the tracked centre in the image as a sparse sum of a constant, the position and
the time; perspective is neglected. What it finds is what the families' own ODEs differ in, with q the position and s
running from -1 to 1 over the clip:

    linear       q'' = 0
    parabolic    q'' = a constant
    oscillating  q'' = -w^2 (q - centre), seen along a line
    circular     the same, seen along an ellipse
    helical      q'' = -w^2 (q - centre - drift s)

The equation is that ODE's solution with the initial conditions that are nearest to the track: linear least squares,
with depth from the apparent size. The bounds below come from the ranges that the families are drawn from.
"""

import warnings
from importlib.metadata import version

import numpy as np
from scipy.signal import savgol_filter
from torch import Tensor

from trajvlm.data.cameras.camera import CANONICAL_FOCAL
from trajvlm.data.clip import CANONICAL
from trajvlm.data.errors import UserError
from trajvlm.data.fit import LEAST_FRAMES, Observations, at_mean_depth
from trajvlm.data.motions.families import BASIC, FAMILIES
from trajvlm.data.rendered.export import to_frames
from trajvlm.vlm.answer import Answer
from trajvlm.vlm.classical_baseline import track_blobs

_S = 2 * CANONICAL.times - 1
# Terms of the acceleration below this are left out, where positions have a deviation of 1.
_THRESHOLD = 1.0
_WINDOW, _DEGREE = 7, 4
# At the clip's ends the second derivative is guesswork.
_INSIDE = slice(2, -2)
_LEAST_TURNS = 0.5
_LEAST_DRIFT = 0.4
_LEAST_WIDTH = 0.08
_NEAREST = 2.0


def discover(seen: Observations) -> Answer | None:
    """The answer for a track; None where the object is seen in fewer than seven frames."""
    if len(seen.t) < LEAST_FRAMES:
        return None
    centre = np.column_stack([np.interp(CANONICAL.times, seen.t, column) for column in seen.centre.T])
    q = (centre - centre.mean(axis=0)) / (np.sqrt(centre.var(axis=0).sum()) + 1e-9)
    name, turns = named(acceleration_terms(q), q)
    family = FAMILIES[name]
    depth = _depth(seen)
    points = np.column_stack([centre * (1 - depth / CANONICAL_FOCAL)[:, None], depth])
    inside = [turns] * family.periodic
    vectors = np.linalg.lstsq(family.design(np.array(inside), CANONICAL.times), points, rcond=None)[0]
    constants = np.concatenate([vectors.ravel(), inside])
    chances = {other: float(other == name) for other in BASIC}
    return Answer(name, at_mean_depth(family, family.nearest(constants)), chances)


def acceleration_terms(q: np.ndarray) -> np.ndarray:
    """Coefficients (2, 4) of 1, q_1, q_2 and s in the acceleration of scaled positions q (17, 2), most of them 0."""
    import pysindy

    acceleration = savgol_filter(q, _WINDOW, _DEGREE, deriv=2, delta=_S[1] - _S[0], axis=0)
    model = pysindy.SINDy(
        optimizer=pysindy.STLSQ(threshold=_THRESHOLD), feature_library=pysindy.PolynomialLibrary(degree=1)
    )
    with warnings.catch_warnings():
        # That no term is left is a finding here: a straight line.
        warnings.simplefilter("ignore")
        model.fit(q[_INSIDE], t=_S[_INSIDE], x_dot=acceleration[_INSIDE], u=_S[_INSIDE, None])
    return model.coefficients()


def named(terms: np.ndarray, q: np.ndarray) -> tuple[str, float]:
    """The family of an ODE (2, 4) along scaled positions q (17, 2), and its number of turns in the clip."""
    # How strongly the position terms pull back, along the directions in which the object moves at all.
    pull = -(q * (q @ terms[:, 1:3].T)).sum() / ((q**2).sum() + 1e-9)
    turns = np.sqrt(max(pull, 0.0)) / np.pi
    if turns < _LEAST_TURNS:
        return ("parabolic" if terms[:, 0].any() else "linear"), 0.0
    if np.linalg.norm(terms[:, 3]) / pull > _LEAST_DRIFT:
        return "helical", turns
    length, width = np.linalg.svd(q, compute_uv=False)
    return ("circular" if width > _LEAST_WIDTH * length else "oscillating"), turns


def _depth(seen: Observations) -> np.ndarray:
    """Depth (17,) from the apparent size, smoothed, zero at its median."""
    size = savgol_filter(np.interp(CANONICAL.times, seen.t, np.log(seen.radius)), 9, 2)
    return np.clip(CANONICAL_FOCAL * (1 - np.exp(np.median(size) - size)), -_NEAREST, _NEAREST)


class Sindy:
    """See `trajvlm.eval.system.System`."""

    name = "sindy"
    rows = ("track and PySINDy",)
    gives_equations = True

    def __init__(self):
        self.identity = {"pysindy": version("pysindy"), "threshold": _THRESHOLD, "window": _WINDOW, "degree": _DEGREE}

    def answer(self, video: Tensor) -> dict[str, list[Answer | None]]:
        """See `trajvlm.eval.system.System`."""
        return {self.rows[0]: [discover(track_blobs(to_frames(clip))) for clip in video]}


def load() -> Sindy:
    """Raises UserError where PySINDy is not installed."""
    try:
        import pysindy  # noqa: F401
    except ImportError as error:
        raise UserError("PySINDy is not installed; `pip install pysindy`") from error
    return Sindy()
