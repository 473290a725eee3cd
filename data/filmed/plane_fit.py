"""Families of motion fitted to a track in the plane of the picture alone, without depth.

A family's path is linear in its vectors, so only the few constants inside its functions of time are searched: variable
projection (Golub and Pereyra, 1973), over a grid and then by Gauss and Newton, with weights for soft L1.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dposv

from trajvlm.data.motions.families import FAMILIES, Family
from trajvlm.data.motions.families.bouncing import speeds_at_impacts, with_impacts
from trajvlm.data.motions.terms import MOST_IMPACTS

_LEAST_FADING = -0.2
"""Logarithm of the ratio of the amplitudes at the ends of a damped wave below which it is none, for it grows."""
_FADES_AWAY = 2.0
"""The same of any wave, in all and for each turn, beyond which it is none."""
DEEP = ("linear", "parabolic", "circular", "spiral", "helical")
"""Families whose path can be fitted in perspective."""
LEAST_TURNS = 0.45
_STEPS = 8
_NEIGHBOUR = 0.12
"""Turns from one start of a search for the number of turns to the next."""
_FAR = 8.0
"""Median distance, in standard errors, from which on a start is not searched further."""
_FAR_SHARE = 0.08
"""The same as a part of the path's extent, if that is more."""
_MOST_FADING = 12.0
_FADING = (-3.0, -1.5, -0.6, 0.6, 1.5, 3.0, 6.0)
_LEAST_RESTITUTION, _MOST_RESTITUTION = 0.2, 1.1
_LEAST_LIFT = 0.2
"""Least change of the speed by an impact, as a part of how much it changes in all."""
_NONE = np.empty(0)
_STARTS = 2
"""Starts that are searched further."""


def runs_away(family: Family, inside: np.ndarray) -> bool:
    """Whether a wave that fades, with these constants inside its functions, does so as nothing left alone does: a
    damped one grows, or any fades, or grows, beyond measure before it has turned."""
    if "fading" not in family.shape:
        return False
    turns, fading = (float(inside[family.shape.index(name)]) for name in ("turns", "fading"))
    grows = family.name == "damped" and fading < _LEAST_FADING
    return grows or abs(fading) > _FADES_AWAY * max(1.0, abs(turns)) or abs(fading) > 2 * _FADES_AWAY * abs(turns)


@dataclass(frozen=True)
class PlaneFit:
    """A family's path in the picture, or rest, fitted to N observations."""

    family: Family | None
    """None for rest."""
    inside: np.ndarray
    """The constants inside the family's functions of time, for time counted from 0 at `start` to 1 at `stop`."""
    vectors: np.ndarray
    """(basis, 3): what each function of time is multiplied by: across the picture, down it, and towards the camera in
    parts of the distance, which is 0 in a fit without perspective."""
    start: float
    stop: float
    distances: np.ndarray
    """(N,) from the track, in standard errors."""

    @property
    def name(self) -> str:
        return self.family.name if self.family else "rest"

    def at(self, times: np.ndarray) -> np.ndarray:
        """Places (..., 2) at times (...)."""
        tau = (np.asarray(times, dtype=float) - self.start) / (self.stop - self.start)
        return _seen(self._path(tau.reshape(-1))).reshape(*tau.shape, 2)

    def magnification(self, times: np.ndarray) -> np.ndarray:
        """Apparent size (N,) at times (N,), as the perspective tells it; all 1 without."""
        return 1 / (1 - self._path((times - self.start) / (self.stop - self.start))[:, 2])

    def _path(self, tau: np.ndarray) -> np.ndarray:
        design = np.ones((len(tau), 1)) if self.family is None else self.family.design(self.inside, tau)
        return design @ self.vectors

    @property
    def free(self) -> int:
        """Number of free constants."""
        deep = bool(self.vectors[:, 2].any())
        return free_in_plane(self.family) + deep * (len(self.vectors) - 1)

    @property
    def runs_away(self) -> bool:
        """As the function `runs_away`."""
        return self.family is not None and runs_away(self.family, self.inside)

    @property
    def impacts_s(self) -> np.ndarray:
        """Times of the impacts of a bounce; empty for all else."""
        if self.family is None or self.family.name != "bouncing":
            return np.empty(0)
        return self.start + (self.stop - self.start) * self.inside

    @property
    def losses(self) -> np.ndarray:
        """(N,) soft L1 of the distances: half their square where they are small."""
        return soft_l1(self.distances)


def _seen(path: np.ndarray) -> np.ndarray:
    """Places (N, 2) in the picture of a path (N, 3); what is near the camera or behind it is taken to be near it."""
    return path[:, :2] / np.maximum(1 - path[:, 2:], 0.1)


def soft_l1(distances: np.ndarray) -> np.ndarray:
    """Half the square of small distances, growing like the distance where it is large."""
    return np.sqrt(1 + distances**2) - 1


def _least_turns(family: Family, perspective: bool) -> float:
    """Turns below which only the noise tells a wave from a parabola, or a wave of many constants from a simpler one."""
    return LEAST_TURNS if len(family.basis) == 3 or perspective else 2 * LEAST_TURNS


def free_in_plane(family: Family | None) -> int:
    """Free constants of a family's path in a plane; of rest where None."""
    if family is None:
        return 2
    # Waves along one line share their direction.
    return 2 * len(family.basis) + len(family.shape) - (1 if family.bound else 0)


def fit_in_plane(
    family: Family | None,
    times: np.ndarray,
    places: np.ndarray,
    errors: np.ndarray,
    impacts: np.ndarray = _NONE,
    most_turns: float = 3.0,
    perspective: bool = False,
) -> PlaneFit | None:
    """Fit a family to places (N, 2) at times (N,) with standard errors (N,); rest where the family is None.

    Args:
        impacts: times at which the object may have hit something. A bounce is fitted as one flight with a jump of the
            velocity at each: no two impacts need have the same restitution.
        most_turns: up to how many turns are searched.
        perspective: whether the path may come nearer or go away; not for bounces and waves along a line.

    Returns:
        None where a wave has less than half a turn, or a bounce no impact against its acceleration.
    """
    start, stop = float(times[0]), float(times[-1])
    tau = (times - start) / (stop - start)
    if family is not None and family.name == "bouncing":
        found = _flight(tau, places, errors, (impacts - start) / (stop - start))
        if found is None:
            return None
        problem, inside = found
    else:
        problem, inside = _Problem(family, tau, places, errors, perspective), np.empty(0)
        if family is not None and family.shape:
            ends = [problem.searched(one) for one in _starts(problem, most_turns)]
            if not ends:
                return None
            inside = min(ends, key=lambda one: one[1])[0]
            if abs(inside[0]) < _least_turns(family, perspective):
                return None
    vectors, distances = problem.solved(inside)
    return PlaneFit(problem.family, inside, vectors, start, stop, distances)


class _Problem:
    """One family, one track: the linear part of the fit."""

    def __init__(
        self,
        family: Family | None,
        tau: np.ndarray,
        places: np.ndarray,
        errors: np.ndarray,
        perspective: bool = False,
    ):
        self.family, self.tau, self.places, self.errors = family, tau, places, errors
        self.on_a_line = family is not None and family.bound > 0
        self.perspective = perspective

    def design(self, inside: np.ndarray) -> np.ndarray:
        if self.family is None:
            return np.ones((len(self.tau), 1))
        return self.family.design(inside, self.tau)

    def solved(self, inside: np.ndarray, rounds: int = 3) -> tuple[np.ndarray, np.ndarray]:
        """Vectors (basis, 3), and distances (N,) in standard errors."""
        vectors, away = self._solved(self.design(inside), rounds)
        return vectors, self._distances(away)

    def searched(self, inside: np.ndarray) -> tuple[np.ndarray, float]:
        """The best constants inside near some, and the loss there: damped Gauss-Newton on the projected residuals."""
        inside = np.array(inside, dtype=float)
        (best, away), damping = self._loss(inside), 1e-3
        for _ in range(_STEPS):
            weights = (1 + self._distances(away) ** 2) ** -0.25 / self.errors
            steps = np.diag(1e-4 * np.maximum(np.abs(inside), 0.05))
            # The paths of all steps at once: what takes time here is the number of calls.
            residual, *stepped = (
                (self._solved(design, 1, weights**2)[1] * weights[:, None]).ravel()
                for design in self.design(inside + np.vstack([np.zeros(len(inside)), steps]))
            )
            slopes = (np.array(stepped) - residual).T / steps.diagonal()
            normal, right = slopes.T @ slopes, -slopes.T @ residual
            for _ in range(3):
                step = _solution(normal + damping * np.diag(np.diag(normal) + 1e-12), right)
                tried, there = self._loss(inside + step)
                if tried < best:
                    break
                damping *= 10
            else:
                break
            gained, inside, best, away, damping = best - tried, inside + step, tried, there, damping / 10
            if gained < 1e-3:
                break
        return inside, best

    def _loss(self, inside: np.ndarray) -> tuple[float, np.ndarray]:
        """Soft L1 of the best path, and differences (N, 2) of the places from it."""
        if self.family is not None and "fading" in self.family.shape and abs(inside[1]) > _MOST_FADING:
            return np.inf, np.full_like(self.places, np.inf)
        away = self._solved(self.design(inside), 2)[1]
        return float(soft_l1(self._distances(away)).sum()), away

    def _distances(self, away: np.ndarray) -> np.ndarray:
        """(N,) of differences (N, 2), in standard errors."""
        return np.sqrt(away[:, 0] ** 2 + away[:, 1] ** 2) / self.errors

    def _solved(
        self, design: np.ndarray, rounds: int, weights: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Vectors (basis, 3), and differences (N, 2) of the places from the path's."""
        fixed, weights = weights is not None, 1 / self.errors**2 if weights is None else weights
        # Functions of one size, so that one ridge suits all.
        size = np.sqrt(np.einsum("nk,nk->k", design, design) / len(design)) + 1e-12
        design = design / size
        for k in range(rounds):
            if self.perspective:
                vectors = _in_perspective(design, self.places, weights)
                away = self.places - _seen(design @ vectors)
            else:
                vectors = _least_squares(design, self.places, weights, size if self.on_a_line else None)
                away = self.places - design @ vectors
            if k < rounds - 1 and not fixed:
                weights = 1 / (self.errors**2 * np.sqrt(1 + self._distances(away) ** 2))
        out = np.zeros((len(size), 3))
        out[:, : vectors.shape[1]] = vectors / size[:, None]
        return out, away


def _in_perspective(design: np.ndarray, places: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Vectors (basis, 3) whose picture lies near places (N, 2): linear in u (1 - depth) = path, the constant function's
    depth being 0; twice, the second time with that equation's own weights."""
    count, middle = design.shape[1], places.mean(0)
    spread = np.abs(places - middle).max() + 1e-12
    told = (places - middle) / spread
    depth = np.zeros(len(design))
    for _ in range(2):
        roots = np.sqrt(weights) / np.maximum(1 - depth, 0.1)
        matrix = np.zeros((2, len(design), 3 * count - 1))
        weighted = design * roots[:, None]
        for axis in range(2):
            matrix[axis, :, axis * count : (axis + 1) * count] = weighted
            matrix[axis, :, 2 * count :] = told[:, axis : axis + 1] * weighted[:, 1:]
        matrix = matrix.reshape(-1, 3 * count - 1)
        normal = matrix.T @ matrix
        normal.flat[:: len(normal) + 1] += 1e-9 * normal.trace() / len(normal)
        found = _solution(normal, matrix.T @ (told * roots[:, None]).T.ravel())
        deep = np.append(0.0, found[2 * count :])
        depth = design @ deep
    vectors = np.column_stack([found[:count], found[count : 2 * count], deep])
    # u = path / (1 - depth), moved by the middle: u + c = (path + c (1 - depth)) / (1 - depth).
    vectors[:, :2] = vectors[:, :2] * spread - vectors[:, 2:] * middle
    vectors[0, :2] += middle / design[0, 0]
    return vectors


def _flight(
    tau: np.ndarray, places: np.ndarray, errors: np.ndarray, times: np.ndarray
) -> tuple[_Problem, np.ndarray] | None:
    """A flight with impacts near some times, and their times; None where it doesn't bounce at any."""
    times = times[(times > 0.02) & (times < 0.98)]
    while 0 < len(times) and len(tau) >= 3 + 2 * len(times):
        if len(times) > MOST_IMPACTS:
            return None
        family = with_impacts(len(times))
        problem = _Problem(family, tau, places, errors)
        times = np.sort(problem.searched(times)[0])
        vectors = problem.solved(times)[0]
        before, after = speeds_at_impacts(family, np.append(vectors.ravel(), times))
        lift, up = before + after, -vectors[2, :2] / (np.linalg.norm(vectors[2, :2]) + 1e-12)
        # A push along the acceleration or aside, a small one, or one that does not turn it round is no floor's.
        rising = (np.diff(family.design(times, tau) @ vectors[:, :2], axis=0) / np.diff(tau)[:, None]) @ up
        least = max(0.15 * lift.max(), _LEAST_LIFT * np.ptp(rising) / 2)
        wrong = (lift < least) | (lift < 0.7 * np.linalg.norm(vectors[3:], axis=1))
        wrong |= (
            (after <= 0) | (before <= 0) | (after > _MOST_RESTITUTION * before) | (after < _LEAST_RESTITUTION * before)
        )
        wrong |= (times < 0) | (times > 1)
        if not wrong.any():
            return problem, times
        times = np.delete(times, np.argmax(wrong * (1 + lift.max() - lift)))
    return None


def _least_squares(
    design: np.ndarray, places: np.ndarray, weights: np.ndarray, wave_on_a_line: np.ndarray | None
) -> np.ndarray:
    """Vectors (basis, 2) of the path near places (N, 2).

    Args:
        wave_on_a_line: what the functions (basis,) were divided by, where the wave's vectors shall lie along one line.
    """
    weighted = design.T * weights
    normal, right = weighted @ design, weighted @ places
    normal.flat[:: len(normal) + 1] += 1e-10 * normal.trace()
    vectors = _solution(normal, right)
    return vectors if wave_on_a_line is None else _along_a_line(normal, right, vectors, wave_on_a_line)


def _along_a_line(normal: np.ndarray, right: np.ndarray, vectors: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Vectors of which those of the wave, the second and the third, lie along one line; on an arc there are more."""
    (a, b), (c, d) = (vectors[1:3] / size[1:3, None]).tolist()
    angle = 0.5 * math.atan2(2 * (a * b + c * d), a * a + c * c - b * b - d * d)
    line, across = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    out = (vectors @ line)[:, None] * line
    rest = [0, *range(3, len(size))]
    out[rest] += _solution(normal[rest][:, rest], right[rest] @ across)[:, None] * across
    return out


def _solution(normal: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solution (K, ...) of normal equations (K, K); for a few unknowns numpy's `solve` takes ten times as long."""
    _, found, failed = dposv(normal, right)
    return np.linalg.lstsq(normal, right)[0] if failed else found


def _starts(problem: _Problem, most_turns: float) -> np.ndarray:
    """The likeliest constants inside (S, shape) to search from."""
    family = problem.family
    assert family is not None
    turns = np.arange(_least_turns(family, problem.perspective), most_turns + _NEIGHBOUR, _NEIGHBOUR)
    grid = turns[:, None]
    if "fading" in family.shape:
        # The number of turns first, and then how it fades.
        wave = _Problem(FAMILIES["circular"], problem.tau, problem.places, problem.errors)
        turns = turns[_lowest(_losses(wave, grid), _STARTS)]
        grid = np.array([(n, f) for n in turns for f in _FADING])
    starts = grid[_lowest(_losses(problem, grid), _STARTS)]
    far = max(_FAR, _FAR_SHARE * np.ptp(problem.places, axis=0).max() / np.median(problem.errors))
    return np.array([one for one in starts if np.median(problem.solved(one, 1)[1]) < far])


def _losses(problem: _Problem, grid: np.ndarray) -> np.ndarray:
    """(G,) sums of squares that are left for constants inside (G, shape), without weights or lines."""
    family, thin = problem.family, slice(None, None, max(1, len(problem.tau) // 300))
    assert family is not None
    places = problem.places[thin] - problem.places.mean(0)
    design = family.design(grid, problem.tau[thin])
    size = np.sqrt((design**2).mean(1, keepdims=True)) + 1e-12
    design = design / size
    normal = np.swapaxes(design, 1, 2) @ design + 1e-8 * design.shape[1] * np.eye(design.shape[2])
    right = np.swapaxes(design, 1, 2) @ places
    vectors = np.linalg.solve(normal, right)
    return (places**2).sum() - (right * vectors).sum((1, 2))


def _lowest(losses: np.ndarray, count: int) -> np.ndarray:
    """Indices of the lowest values of which none is the neighbour of a lower one."""
    chosen: list[int] = []
    for k in np.argsort(losses).tolist():
        if all(abs(k - other) > 2 for other in chosen):
            chosen.append(k)
        if len(chosen) == count:
            break
    return np.array(chosen, dtype=int)
