"""The measured stage: a family's constants fitted to all frames of a phase of the object's track, with standard errors.

Tokens are not asked here. Each family is fitted twice to the places and apparent sizes that were measured on the
video's own pixels, once flat and once with depth. Which family it is, is decided by the fits (an information criterion)
together with the language model's probabilities.

Lengths are in half widths of the clip's crop, and time runs from 0 to 1 in the phase.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage
from scipy.optimize import least_squares

from trajvlm.data.cameras.camera import CANONICAL_FOCAL, magnification, project
from trajvlm.data.clip import Placement
from trajvlm.data.filmed.phases import place_noise
from trajvlm.data.filmed.plane_fit import DEEP, LEAST_TURNS, fit_in_plane, free_in_plane, runs_away
from trajvlm.data.filmed.track import Track
from trajvlm.data.fit import at_mean_depth
from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.families import WAVES_AND_LINES, Family
from trajvlm.data.motions.families.bouncing import speeds_at_impacts, with_impacts
from trajvlm.data.motions.terms import MOST_IMPACTS

_NEAREST = 3.5  # the camera stands at 4
_LEAST, _THIN = 7, 240
"""Observations that are needed, and that are used where families are compared."""
_DENSE = np.linspace(0.0, 1.0, 65)
_SLOPE = 0.1
"""Usual slope of a floor in the picture, where the ball comes from the side and a little towards the camera."""
_VIEW = np.radians(60.0)
"""Usual field of view of a camera's width."""
_WAVERING = 4.0
"""Frames for which a size that wavers does so on end."""


@dataclass(frozen=True)
class MeasureSettings:
    """How families are weighed against each other."""

    size_error: float = 0.02
    """Error of a place that is always assumed, as a part of the object's radius."""
    centre_wanders: float = 0.01
    """Error of the path's vectors that is always assumed, as a part of the object's radius: with the light and what
    turns, the centre that is found lies elsewhere in the object as it moves on."""
    slant: float = 0.1
    """Usual angle, in radians, to either side between the plane of a motion and the picture's, where depth is not
    seen. It makes what is nearer larger and faster, and constants err by that."""
    path_error: float = 0.004
    """The same as a part of the path's extent, when families are compared."""
    log_radius_error: float = 0.05
    """Error of the radius's logarithm that is always assumed: it wavers with the light."""
    depth_gain: float = 12.0
    """Gain in log likelihood, from the sizes, from which depth is seen."""
    path_gain: float = 9.0
    """Ratio of the mean squared distances from the path without depth and with it from which a path is taken to be seen
    in perspective, whatever the sizes say: those of what is small or blurred say little. Where neither suffices, both
    count as the shares that they have of these."""
    helix_turns: float = 1.5
    """Turns below which a helix is believed only if the sizes tell of its depth."""
    helix_gain: float = 3.0
    """Gain in log likelihood, from the sizes, from which they do. Of 60 circles that drift across the picture and waver
    in size by up to a tenth, 11 pass for helices from 0 on, none from 3 on; of 60 helices 55 and 47 are named."""
    helix_correlation: float = 0.7
    """Of the sizes seen with those of the path, from which they do."""
    whole_turn: float = 0.8
    """Turns below which a wave looks like part of a parabola,"""
    part_of_turn: float = 4.0
    """and what it then loses of its log likelihood: an arc that is thrown is far more common."""
    doubt: float = 0.02
    """Probability of each family that the language model's answer leaves at least: its doubt about itself."""


@dataclass(frozen=True)
class Measured:
    """One family fitted to a phase."""

    family: Family
    constants: np.ndarray
    """(family.size,) in half widths and phase time, for the canonical camera; depth 0 where none is seen."""
    depth_seen: bool
    """Whether the apparent sizes change as the depth says; if not, depth rests on the path's perspective alone, or is
    0."""
    covariance: np.ndarray
    """(size, size) of the constants."""
    start_s: float
    stop_s: float
    """Of the phase, from the first observation to the last in which nothing hides the object."""
    placement: Placement
    residuals_px: np.ndarray
    """(N, 2) of the places in the phase, in pixels of the video."""

    @property
    def residual_px(self) -> float:
        """Root mean square distance from the track, in pixels of the video, without single wrong places: those five
        times as far away as is usual."""
        away = np.linalg.norm(self.residuals_px, axis=1)
        return float(np.sqrt((away[away <= 5 * np.median(away)] ** 2).mean()))

    @property
    def duration_s(self) -> float:
        return self.stop_s - self.start_s

    def equation(self, focal: float) -> Equation:
        """In half widths and seconds from the clip's first frame, for a camera of focal length `focal`."""
        deep = self.family.moved(self.constants, np.array([1.0, 1.0, focal / CANONICAL_FOCAL]))
        return self.family.equation(deep).with_time(self.start_s - self.placement.t0_s, self.duration_s)

    def pixels(self, times_s: np.ndarray) -> np.ndarray:
        """Places (N, 2) in pixels of the video at seconds (N,) of it."""
        tau = (times_s - self.start_s) / self.duration_s
        return self.placement.to_pixels(project(self.family.positions(self.constants, tau)))

    @cached_property
    def values(self) -> dict[str, tuple[float, float, str]]:
        """Constants by name: value, standard error and unit, in pixels of the video at the mean depth, and seconds."""
        out = {}
        for name, (reads, unit) in _CONSTANTS[self.family.name].items():
            told = _told(reads, self)
            value = told(self.constants)
            slopes = np.empty(len(self.constants))
            for k in range(len(slopes)):
                step = np.zeros(len(slopes))
                step[k] = 1e-5 * max(1.0, abs(self.constants[k]))
                slopes[k] = (told(self.constants + step) - told(self.constants - step)) / (2 * step[k])
            error = float(np.sqrt(max(slopes @ self.covariance @ slopes, 0.0)))
            if name == "restitution":
                error = float(np.hypot(error, _error_by_slope(self.family, self.constants)))
            out[name] = (value, error, unit)
        return out

    @property
    def impacts_s(self) -> list[float]:
        """Times of the impacts within the phase, of a bounce; else none."""
        if self.family.name != "bouncing":
            return []
        return [float(self.start_s + self.duration_s * t) for t in self.family.inside(self.constants)]


Reads = Callable[[Family, np.ndarray, float, float], float]


def _told(reads: Reads, measured: Measured) -> Callable[[np.ndarray], float]:
    return lambda constants: reads(measured.family, constants, measured.placement.half_width_px, measured.duration_s)


def _seen(family: Family, constants: np.ndarray) -> np.ndarray:
    """(terms, 2) vectors as they are seen near the path's mean place: what lies along the line of sight through that
    place is not."""
    vectors = family.vectors(constants)
    x, y, z = family.positions(constants, _DENSE).mean(axis=0)
    return vectors[:, :2] + vectors[:, 2:] * np.array([x, y]) / (CANONICAL_FOCAL - z)


def _length(family: Family, constants: np.ndarray, basis: str) -> float:
    return float(np.linalg.norm(_seen(family, constants)[family.basis.index(basis)]))


def _speed(family: Family, constants: np.ndarray, pixels: float, lasts: float) -> float:
    """Mean speed across the picture."""
    return 2 * _length(family, constants, "s") * pixels / lasts


def _acceleration(family: Family, constants: np.ndarray, pixels: float, lasts: float) -> float:
    return 8 * _length(family, constants, "s2") * pixels / lasts**2


def _period(family: Family, constants: np.ndarray, pixels: float, lasts: float) -> float:
    return lasts / abs(family.inside(constants)[0])


def _decay(family: Family, constants: np.ndarray, pixels: float, lasts: float) -> float:
    return float(family.inside(constants)[1]) / lasts


def _longest_axis(family: Family, constants: np.ndarray) -> float:
    """The longer half of the ellipse's axes in the picture, at the start of the phase: of a circle its radius, however
    it is tilted."""
    first = next(k for k, name in enumerate(family.basis) if name.endswith("cos"))
    fading = family.inside(constants)[1] if "fading" in family.shape else 0.0
    axes = np.linalg.svd(_seen(family, constants)[first : first + 2], compute_uv=False)
    return float(axes[0] * np.exp(fading / 2))


def _amplitude(family: Family, constants: np.ndarray, pixels: float, lasts: float) -> float:
    return _longest_axis(family, constants) * pixels


def _restitution(family: Family, constants: np.ndarray, pixels: float, lasts: float) -> float:
    """Speed after an impact relative to that before it, on the geometric mean of all."""
    before, after = speeds_at_impacts(family, constants)
    return float(np.exp(np.log(np.maximum(after, 1e-9) / np.maximum(before, 1e-9)).mean()))


def _error_by_slope(family: Family, constants: np.ndarray) -> float:
    """Standard error of the restitution of a single impact by the floor's slope in the picture, which nothing shows."""
    before, after = speeds_at_impacts(family, constants)
    if len(before) > 1:
        return 0.0
    seen = _seen(family, constants)
    up = seen[2] / (np.linalg.norm(seen[2]) + 1e-12)
    climbs = _SLOPE * abs(float(seen[1] @ [-up[1], up[0]]))
    return climbs * float(before[0] + after[0]) / max(float(before[0]) ** 2, 1e-9)


_CONSTANTS: dict[str, dict[str, tuple[Reads, str]]] = {
    "linear": {"speed": (_speed, "px/s")},
    "parabolic": {"acceleration": (_acceleration, "px/s^2"), "speed": (_speed, "px/s")},
    "circular": {"period": (_period, "s"), "radius": (_amplitude, "px")},
    "helical": {"period": (_period, "s"), "radius": (_amplitude, "px"), "climb": (_speed, "px/s")},
    "oscillating": {"period": (_period, "s"), "amplitude": (_amplitude, "px")},
    "damped": {"period": (_period, "s"), "amplitude": (_amplitude, "px"), "decay": (_decay, "1/s")},
    "spiral": {"period": (_period, "s"), "radius": (_amplitude, "px"), "decay": (_decay, "1/s")},
    "bouncing": {"acceleration": (_acceleration, "px/s^2"), "restitution": (_restitution, "")},
}


@dataclass(frozen=True)
class Measurement:
    """What a phase was measured to be."""

    best: Measured
    probabilities: dict[str, float]
    """Of each family, the language model's and the fits' together."""
    noise_px: float
    """Standard error of a place along one axis, from its scatter."""
    radius_px: float
    extent_px: float

    @property
    def miss(self) -> float:
        """Root mean square distance of the curve from the track, in errors that are to be expected."""
        return self.best.residual_px / (np.sqrt(2) * np.hypot(self.noise_px, 0.03 * self.radius_px))

    @property
    def scatter(self) -> float:
        """The same distance in errors of a place as its scatter alone shows them."""
        return self.best.residual_px / (np.sqrt(2) * max(self.noise_px, 1e-3))

    @property
    def relative_miss(self) -> float:
        """The same as a part of the path's extent."""
        return self.best.residual_px / self.extent_px


def measure(
    track: Track,
    placement: Placement,
    told: dict[str, float],
    impacts_s: np.ndarray,
    most_turns: float,
    settings: MeasureSettings | None = None,
    noise_px: float | None = None,
) -> Measurement | None:
    """Fit every family to a phase.

    Args:
        track: the observations of the phase alone.
        placement: of the clip whose units are used.
        told: the language model's probability of each family.
        impacts_s: times at which the object may have hit something.
        most_turns: up to how many turns are searched.
        noise_px: standard error of a place along one axis, in pixels; from the track's scatter where left out.

    Returns:
        None where there are too few observations.
    """
    settings = settings or MeasureSettings()
    if len(track) < _LEAST:
        return None
    problem = _Phase(track, placement, settings, noise_px)
    laws = [law for law in (*WAVES_AND_LINES, problem.bounce(impacts_s)) if law is not None and law.name in told]
    flat = [problem.flat(law, impacts_s, most_turns) for law in laws]
    deep = [problem.deep(law, fit, impacts_s, most_turns) for law, fit in zip(laws, flat)]
    tried = [fit for fit in flat if fit is not None and not problem.needs_depth(fit)]
    if not tried:
        return None
    quiet = min(problem.usual_px(fit) for fit in (*flat, *deep) if fit is not None)
    if noise_px is None and quiet < 0.5 * problem.noise_px:
        # Single wrong places, which spoil their neighbours' scatter too, made it look worse than it is.
        return measure(track, placement, told, impacts_s, most_turns, settings, max(quiet, 0.02))
    tried += problem.believed(flat, deep)
    tried = [fit for fit in tried if not runs_away(fit.family, fit.family.inside(fit.constants[:-1]))] or tried
    likelihoods, independent = problem.likelihoods([fit.residual for fit in tried])
    scores: dict[str, tuple[float, _Fitted]] = {}
    for fit, likelihood in zip(tried, likelihoods.tolist()):
        belief = (told[fit.family.name] + settings.doubt) / (1 + settings.doubt * len(told))
        score = likelihood - fit.free / 2 * np.log(2 * independent) + float(np.log(belief))
        if "turns" in fit.family.shape and abs(fit.turns) < settings.whole_turn:
            score -= settings.part_of_turn
        if fit.family.name not in scores or score > scores[fit.family.name][0]:
            scores[fit.family.name] = score, fit
    top = max(score for score, _ in scores.values())
    weights = {name: float(np.exp(scores[name][0] - top)) if name in scores else 0.0 for name in told}
    chances = {name: weight / sum(weights.values()) for name, weight in weights.items()}
    best = scores[max(chances, key=chances.__getitem__)][1]
    # Names bear lenses' errors, and a little depth hides among those; the constants of a name do not.
    best = next((fit for fit in tried if fit.deep and fit.family is best.family), best)
    return Measurement(problem.exactly(best), chances, problem.noise_px, problem.radius_px, problem.extent_px)


@dataclass(frozen=True)
class _Fitted:
    """One family fitted to some of a phase's observations, flat or with depth."""

    family: Family
    constants: np.ndarray
    """(size + 1,), the last the logarithm of the radius at depth 0."""
    residual: np.ndarray
    """(3 N,) in assumed errors: places, then the logarithms of radii."""
    deep: bool = False

    @property
    def turns(self) -> float:
        """Of a wave."""
        return float(self.family.inside(self.constants[:-1])[0])

    @property
    def free(self) -> int:
        """Number of free constants."""
        return self.family.free if self.deep else free_in_plane(self.family)


class _Phase:
    """The observations of a phase in canonical units, and fits to them."""

    def __init__(self, track: Track, placement: Placement, settings: MeasureSettings, noise_px: float | None = None):
        # What hangs on something all the time is seen as well as it can be where nothing hides it.
        masks = (track.whole, track.hidden_px == 0, np.ones(len(track), dtype=bool))
        usable = next(mask for mask in masks if mask.sum() >= max(_LEAST, 0.3 * len(track)) or mask is masks[-1])
        seen = slice(int(usable.argmax()), len(track) - int(usable[::-1].argmax()))
        track, self.usable = track.part(seen), usable[seen]
        self.settings, self.placement, self.track = settings, placement, track
        self.start, self.stop = float(track.times_s[0]), float(track.times_s[-1])
        self.pixels = placement.half_width_px
        self.noise_px = place_noise(track.times_s, track.centres_px) if noise_px is None else noise_px
        self.radius_px = float(np.median(track.radii_px))
        self.extent_px = float(np.ptp(track.centres_px, axis=0).max())
        self.t = (track.times_s - self.start) / (self.stop - self.start)
        middle = np.array([placement.centre_x_px, placement.centre_y_px])
        self.centre = (track.centres_px - middle) / self.pixels * [1.0, -1.0]
        self.log_radius = np.log(track.radii_px / self.pixels)
        self.error = np.hypot(self.noise_px, settings.size_error * self.radius_px) / self.pixels
        wavers = place_noise(track.times_s, np.stack([self.log_radius] * 2, axis=1))
        self.log_radius_error = np.hypot(wavers, settings.log_radius_error)

    def bounce(self, impacts_s: np.ndarray) -> Family | None:
        """The bounce with so many impacts as a flight through the track has; None where it has none or too many."""
        inside = impacts_s[(impacts_s > self.start) & (impacts_s < self.stop)]
        if not 0 < len(inside) <= MOST_IMPACTS:
            return None
        return with_impacts(len(inside))

    def flat(self, family: Family, impacts_s: np.ndarray, most_turns: float) -> _Fitted | None:
        """The family in the picture's plane; None where it has no start."""
        start = self._start(family, impacts_s, most_turns, False)
        if start is None:
            return None
        return _Fitted(family, *self._solved(family, start, False, self._thin())[:2])

    def deep(self, family: Family, flat: _Fitted | None, impacts_s: np.ndarray, most_turns: float) -> _Fitted | None:
        """The family with depth, from the depth that the sizes tell or that the path's perspective does."""
        starts: list[np.ndarray | None] = [] if flat is None else [self._start_by_sizes(family, flat.constants)]
        if family.name in DEEP:
            starts.append(self._start(family, impacts_s, most_turns, True))
        thin = self._thin()
        found = []
        for start in starts:
            if start is not None:
                constants, residual = self._solved(family, start, True, thin)[:2]
                found.append(_Fitted(family, constants, residual, deep=True))
        turn = [fit for fit in found if "turns" not in family.shape or abs(fit.turns) >= LEAST_TURNS]
        return min(turn, key=lambda fit: float(np.square(fit.residual).clip(max=9).sum()), default=None)

    def believed(self, flat: list[_Fitted | None], deep: list[_Fitted | None]) -> list[_Fitted]:
        """The fits with depth where the sizes tell of it, or the path runs so as perspective alone explains."""
        least = min(self._away(fit) for fit in flat if fit is not None)
        out = []
        for without, fit in zip(flat, deep):
            if fit is None:
                continue
            told = self._sizes_gain(fit.residual)
            follow = told > self.settings.helix_gain and self._sizes_follow(fit) > self.settings.helix_correlation
            if self.needs_depth(fit) and not follow:
                continue
            away = least if without is None else self._away(without)
            by_path = float(np.log((away + 1e-9) / (self._away(fit) + 1e-9)) / np.log(self.settings.path_gain))
            if max(told, 0.0) / self.settings.depth_gain + max(by_path, 0.0) > 1:
                out.append(fit)
        return out

    def usual_px(self, fit: _Fitted) -> float:
        """Standard error of a place along one axis as most of a fit's residuals show it, in pixels."""
        return 1.4826 * float(np.median(np.abs(self._places(fit.residual)))) * self.error * self.pixels

    def needs_depth(self, fit: _Fitted) -> bool:
        """Whether only depth makes a path what it is called: of a helix one sees a wavy line, until it has turned often
        enough that nothing else looks like it."""
        return fit.family.name == "helical" and abs(fit.turns) < self.settings.helix_turns

    def _away(self, fit: _Fitted) -> float:
        """Mean squared distance from the path in assumed errors, robust, of the nearest four fifths."""
        losses = np.sort(2 * (np.sqrt(1 + (self._places(fit.residual) ** 2).sum(1)) - 1))
        return float(losses[: max(1, round(0.8 * len(losses)))].mean())

    def exactly(self, rough: _Fitted) -> Measured:
        """The same family again from all observations, each weighed by the errors that the first fit left, with
        standard errors."""
        family, use = rough.family, self.usable
        problem = self._weighed(self._solved(family, rough.constants, rough.deep, use)[1])
        raw, _, covariance = problem._solved(family, rough.constants, rough.deep, use, True)

        def shown(constants: np.ndarray) -> np.ndarray:
            constants = family.nearest(constants)
            return at_mean_depth(family, constants) if rough.deep else constants

        constants, slopes = shown(raw[:-1]), _slopes(shown, raw[:-1])
        away = (self.centre - project(family.positions(constants, self.t))) * self.pixels
        seen = rough.deep and self._sizes_gain(rough.residual) > 0
        covariance = slopes @ covariance @ slopes.T
        lengths = 3 * len(family.basis)
        covariance[range(lengths), range(lengths)] += (self.settings.centre_wanders * self.radius_px / self.pixels) ** 2
        return Measured(family, constants, seen, covariance, self.start, self.stop, self.placement, away[use])

    def _weighed(self, residual: np.ndarray) -> "_Phase":
        """The same observations with the errors that a fit's residuals (3 N,) show, as large as if neighbours' errors
        were independent: so that those of a solution follow from its Jacobian alone."""
        places, sizes = self._places(residual), residual[2 * len(residual) // 3 :, None]
        out = copy(self)
        out.error = self.error * max(_lasting(places), 1e-3)
        out.log_radius_error = self.log_radius_error * max(_lasting(sizes), 1.0)
        return out

    def _thin(self) -> np.ndarray:
        chosen = np.zeros(len(self.t), dtype=bool)
        chosen[np.flatnonzero(self.usable)[:: max(1, int(self.usable.sum()) // _THIN)]] = True
        return chosen

    def _start(self, family: Family, impacts_s: np.ndarray, most_turns: float, perspective: bool) -> np.ndarray | None:
        lens = self.settings.path_error * self.extent_px / self.pixels
        errors = np.full(len(self.t), np.hypot(self.error, lens))
        use = self.usable
        impacts = (impacts_s - self.start) / (self.stop - self.start)
        plane = fit_in_plane(family, self.t[use], self.centre[use], errors[use], impacts, most_turns, perspective)
        if plane is None or plane.family is None or plane.family.basis != family.basis:
            return None
        inside, vectors = plane.inside, plane.vectors
        if not use.all():
            # The plane fit's clock is that of the first and last observation that it was given.
            lasts = plane.stop - plane.start
            inside = plane.impacts_s if family.name == "bouncing" else plane.inside / lasts
            times = np.linspace(plane.start, plane.stop, 4 * len(family.basis))
            told = family.design(plane.inside, (times - plane.start) / lasts) @ plane.vectors
            vectors = np.linalg.lstsq(family.design(inside, times), told)[0]
        vectors = vectors * [1.0, 1.0, CANONICAL_FOCAL]
        return np.concatenate([vectors.ravel(), inside, [np.median(self.log_radius)]])

    def _start_by_sizes(self, family: Family, flat: np.ndarray) -> np.ndarray:
        """The flat path with the depth that the sizes tell."""
        use = self.usable
        depth = np.clip(CANONICAL_FOCAL * (1 - np.exp(np.median(self.log_radius) - self.log_radius)), -2, 2)
        constants = np.array(flat[:-1])
        design = family.design(family.inside(constants), self.t)
        places = self.centre * (1 - depth / CANONICAL_FOCAL)[:, None]
        points = np.column_stack([places, depth])
        family.vectors(constants)[...] = np.linalg.lstsq(design[use], points[use])[0]
        return np.append(family.nearest(constants), flat[-1])

    def _solved(self, family: Family, start: np.ndarray, deep: bool, chosen: np.ndarray, errors: bool = False):
        """Constants with the size's logarithm, residuals in assumed errors (3 N,), and the constants' covariance."""
        free = np.ones(len(start), dtype=bool)
        if not deep:
            free[2 : 3 * len(family.basis) : 3] = False
            start = np.where(free, start, 0.0)

        def residual(values: np.ndarray) -> np.ndarray:
            constants = start.copy()
            constants[free] = values
            return self._residuals(family, constants, chosen)

        found = least_squares(
            residual, start[free], loss="soft_l1", x_scale="jac", max_nfev=40 if not errors else 100, method="trf"
        )
        constants = start.copy()
        constants[free] = found.x
        if not errors:
            return constants, found.fun
        # Where the family's conditions hold, what they forbid changes nothing at all.
        constants[:-1] = family.nearest(constants[:-1])
        away = residual(constants[free])
        jacobian = _slopes(residual, constants[free]) * ((1 + away**2) ** -0.25)[:, None]
        solves = _pseudoinverse(jacobian)
        if not deep:
            solves = np.hstack([solves, solves @ self._aslant(family, constants, chosen).T])
        covariance = np.zeros((family.size, family.size))
        kept = np.flatnonzero(free[:-1])
        covariance[np.ix_(kept, kept)] = (solves @ solves.T)[:-1, :-1]
        return constants, away, covariance

    def _aslant(self, family: Family, constants: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        """(2, 3 N) change of a flat path's residuals where the plane of motion is seen aslant, about each axis."""
        focal = self.placement.video_width_px / 2 / np.tan(_VIEW / 2) / self.pixels
        straight = self._residuals(family, constants, chosen)
        changes = []
        for axis in (0, 1):
            tilted = constants.copy()
            vectors = family.vectors(tilted)
            vectors[:, 2] = self.settings.slant * CANONICAL_FOCAL / focal * vectors[:, axis]
            changes.append(self._residuals(family, tilted, chosen) - straight)
        return np.stack(changes)

    def _residuals(self, family: Family, constants: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        positions = family.positions(family.nearest(constants[:-1]), self.t[chosen])
        positions[:, 2] = np.minimum(positions[:, 2], _NEAREST)
        return np.concatenate(
            [
                ((project(positions) - self.centre[chosen]) / self.error).ravel(),
                (constants[-1] + np.log(magnification(positions)) - self.log_radius[chosen]) / self.log_radius_error,
            ]
        )

    def likelihoods(self, residuals: list[np.ndarray]) -> tuple[np.ndarray, float]:
        """Log likelihoods for each fit's residuals, of the places with errors of their own size: -n ln(mean square);
        and n, as many observations as are independent of each other in the best fit."""
        places = [self._places(residual) for residual in residuals]
        floor = (self.settings.path_error * self.extent_px / self.pixels / self.error) ** 2
        lost = np.array([2 * (np.sqrt(1 + (one**2).sum(1)) - 1).mean() for one in places])
        count, alike = len(places[0]), _alike(places[int(lost.argmin())])
        independent = max(count * (1 - alike) / (1 + alike), min(count, 12))
        sizes = np.array([(np.sqrt(1 + one[2 * count :] ** 2) - 1).sum() for one in residuals])
        return -independent * np.log(lost + floor + 1e-9) - sizes / _WAVERING, float(independent)

    def _places(self, residual: np.ndarray) -> np.ndarray:
        return residual[: 2 * len(residual) // 3].reshape(-1, 2)

    def _sizes_follow(self, fit: _Fitted) -> float:
        """Correlation of the sizes that are seen with those of a path, of the four fifths that lie nearest."""
        chosen = self._thin()
        told = np.log(magnification(fit.family.positions(fit.family.nearest(fit.constants[:-1]), self.t[chosen])))
        seen = ndimage.median_filter(self.log_radius[chosen], 5, mode="nearest")
        away = np.abs(seen - told - np.median(seen - told))
        near = away <= np.quantile(away, 0.8)
        if np.ptp(told[near]) < 1e-6 or np.ptp(seen[near]) < 1e-6:
            return 0.0
        return float(np.corrcoef(told[near], seen[near])[0, 1])

    def _sizes_gain(self, deep: np.ndarray) -> float:
        """Gain in log likelihood of the sizes by depth, against a size that stays."""
        seen = self.log_radius[self._thin()]
        still = (seen - np.median(seen)) / self.log_radius_error
        lost = [(np.sqrt(1 + one**2) - 1).sum() for one in (still, deep[2 * len(deep) // 3 :])]
        return float(lost[0] - lost[1]) / _WAVERING


def _pseudoinverse(jacobian: np.ndarray) -> np.ndarray:
    """(N, M) of a Jacobian (M, N) of parameters in units of any size. Directions that change nothing but by rounding,
    as families with conditions on their vectors have, are left out."""
    sizes = np.linalg.norm(jacobian, axis=0) + 1e-300
    return np.linalg.pinv(jacobian / sizes, rcond=1e-5) / sizes[:, None]


def _slopes(of: Callable[[np.ndarray], np.ndarray], at: np.ndarray) -> np.ndarray:
    """(M, N) derivatives of a function of N numbers that gives M."""
    steps = 1e-5 * np.maximum(1.0, np.abs(at))
    return np.stack([(of(at + step) - of(at - step)) / (2 * step.sum()) for step in np.diag(steps)], axis=1)


def _lasting(residuals: np.ndarray) -> float:
    """Standard error of residuals (N, axes) without single wrong ones, as large as if their neighbours' were
    independent: sqrt(1 + 2 x the sum of correlations), up to the lag at which they have faded (as in Geyer 1992)."""
    usual = max(1.4826**2 * float(np.median(residuals**2)), 1e-12)
    near = np.clip(residuals, -3 * usual**0.5, 3 * usual**0.5)
    square = max(float(np.mean(near**2)), 1e-12)
    total = 1.0
    for lag in range(1, len(near) // 3):
        alike = float((near[lag:] * near[:-lag]).sum()) / (square * near.size)
        if alike < 0.05:
            break
        total += 2 * alike
    return float(np.sqrt(square * total))


def _alike(places: np.ndarray) -> float:
    """Correlation of the residuals (N, 2) of neighbouring observations, 0 to 0.95."""
    return float(np.clip((places[1:] * places[:-1]).sum() / max((places**2).sum(), 1e-12), 0.0, 0.95))
