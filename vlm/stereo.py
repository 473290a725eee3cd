"""Two views: the same motion in a left and a right video of calibrated cameras, and its equation in true lengths.

Each view is tokenised, answered and measured by itself. Then every family is fitted to both measured tracks at once, in
the space of the cameras' file. The family's probabilities are the product of both answers' and the fits'.
"""

import filecmp
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from trajvlm.data.cameras.stereo import StereoPair
from trajvlm.data.clip import Clip, Placement
from trajvlm.data.errors import UserError
from trajvlm.data.fit import LEAST_FRAMES, Fit, fit_points, misfit, probabilities
from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.families import FAMILIES, Family
from trajvlm.data.motions.readable import bounce
from trajvlm.vlm.calibration import DEFAULTS, Calibration
from trajvlm.vlm.describe import Describer, Description
from trajvlm.vlm.described import ASSUMED_FIELD_OF_VIEW, Projection
from trajvlm.vlm.refine import product_of_experts, seen_in

_TRIED_LATENESS = 0.12
"""Clip time by which the right view may be late or early: further starts of that fit, besides 0."""
_MOST_OBSERVATIONS = 60
"""Of each view's track, evenly chosen."""
_SIZE_ERROR = 0.03
"""Error of a measured place that is always assumed, as a part of the object's radius."""


@dataclass(frozen=True)
class View:
    """One camera's track of the object."""

    t: np.ndarray
    """(N,) clip times of the left clip; the right one's may lie outside 0 to 1."""
    rays: np.ndarray
    """(N, 2) on the plane one unit before the camera, x right and y down."""
    error: float
    """Assumed error of a ray, on that plane."""


@dataclass(frozen=True)
class StereoDescription:
    """What was found in two synchronised videos."""

    left: Description
    right: Description
    family: str
    probabilities: dict[str, float]
    """Of each family, by both views' language model answers and the fits to both tracks."""
    equation: Equation
    """In seconds from the left clip's first frame, in the pair's unit, from the left camera's pinhole."""
    pair: StereoPair
    reprojection_px: tuple[float, float]
    """Median distance, in each video's pixels, of the curve from the track."""
    notes: tuple[str, ...] = ()
    """Warnings that the cameras' file does not fit the videos."""

    @property
    def best(self) -> Equation:
        """`equation`, under the name that a `Description` has for it."""
        return self.equation

    @property
    def constants(self) -> dict[str, tuple[float, float, str]]:
        """None: those of either view are in its own pixels."""
        return {}

    @property
    def lasts_s(self) -> float:
        """How long the left clip is."""
        return self.clip.placement.duration_s

    @property
    def unit(self) -> str:
        """Of the cameras' file."""
        return self.pair.unit

    @property
    def metres_per_unit(self) -> float | None:
        """None where the unit is not one of the metre's."""
        return self.pair.metres_per_unit

    @property
    def clip(self) -> Clip:
        """The left one, whose clock the equation has."""
        return self.left.clip

    @property
    def clip_notes(self) -> tuple[str, ...]:
        """What to know about what was filmed, with the side on which it is so."""
        sides = (("left", self.left), ("right", self.right))
        return tuple(f"{side}: {note}" for side, view in sides for note in view.clip_notes)

    @property
    def confidence(self) -> float:
        """Probability of `family`, 0 to 1."""
        return self.probabilities[self.family]

    @property
    def known(self) -> bool:
        """True: two tracks that no family comes near are refused."""
        return True

    @property
    def finding(self) -> str:
        """The family."""
        return self.family

    @property
    def meaning(self) -> str:
        """What moves like this, in a person's words."""
        return FAMILIES[self.family].meaning

    @property
    def doubt(self) -> str | None:
        """The warnings, None where there are none."""
        return "; ".join(self.notes) or None

    @property
    def miss(self) -> str:
        """How far the curve runs from both tracks, in words."""
        left, right = self.reprojection_px
        return f"{left:.2g} and {right:.2g} pixels of the left and the right video"

    @property
    def calibrated(self) -> bool:
        """True, by the cameras' file."""
        return True

    @property
    def views(self) -> tuple[Description, Description]:
        """What was found in each video by itself: the left one's and the right one's."""
        return self.left, self.right

    @property
    def projections(self) -> tuple[Projection, Projection]:
        """The curve in the left and in the right video."""
        place, late = self.clip.placement, self.pair.offset_s
        return (
            Projection(self.left.clip, place.t0_s, place.duration_s, partial(self._pixels, right=False), "left"),
            Projection(
                self.right.clip, place.t0_s + late, place.duration_s, partial(self._pixels, right=True), "right"
            ),
        )

    def _pixels(self, t: np.ndarray, right: bool) -> np.ndarray:
        """As `Projection.pixels`."""
        points, camera = self.equation.positions(t), self.pair.right if right else self.pair.left
        before = (self.pair.pose.to_camera(points) if right else points)[:, 2] < 0
        found = np.full((len(t), 2), np.nan)
        if before.any():
            found[before] = camera.pixels(self.pair.rays(points[before], right))
        return found

    def to_dict(self) -> dict:
        """The description as plain values, for JSON."""
        told, duration_s = bounce(self.equation), self.clip.placement.duration_s
        return {
            "family": self.family,
            "known": self.known,
            "doubt": self.doubt,
            "confidence": round(self.confidence, 4),
            "probabilities": {name: round(p, 4) for name, p in self.probabilities.items()},
            "equation": self.equation.to_text(),
            "bounce": told and told.to_dict(duration_s),
            "frame": {
                "origin": "the left camera's pinhole",
                "axes": "x right, y up, z towards the left camera",
                "length_unit": self.pair.unit,
                "scale_known": True,
                "t0_s": self.clip.placement.t0_s,
                "duration_s": duration_s,
            },
            "reprojection_px": [round(value, 3) for value in self.reprojection_px],
            "notes": list(self.notes),
            "left": self.left.to_dict(),
            "right": self.right.to_dict(),
        }


@dataclass(frozen=True)
class StereoDescriber:
    """Describes videos of a left camera together with one of a right camera, as a `Describer` does a video alone."""

    describer: Describer
    right: str | Path
    pair: StereoPair

    def describe(
        self,
        video: str | Path,
        start: float | None = None,
        end: float | None = None,
        fps: float | None = None,
        refine: bool = True,
        field_of_view: float = ASSUMED_FIELD_OF_VIEW,
        at: tuple[float, ...] | None = None,
    ) -> StereoDescription:
        """As `describe_pair`. Raises UserError also where `refine` is off, or a `field_of_view` or a place `at` is
        given, which are for one view."""
        if at is not None:
            raise UserError("a place points into one video; to say which object is meant describe one by itself")
        if not refine:
            raise UserError("two views are always fitted; for the language model alone describe one of the videos")
        if field_of_view != ASSUMED_FIELD_OF_VIEW:
            raise UserError("the cameras' file says what two views see; leave the field of view out")
        return describe_pair(self.describer, video, self.right, self.pair, start, end, fps)


def describe_pair(
    describer: Describer,
    left: str | Path,
    right: str | Path,
    pair: StereoPair,
    start: float | None = None,
    end: float | None = None,
    fps: float | None = None,
) -> StereoDescription:
    """Name the motion in two synchronised videos and write its equation in the pair's unit of length.

    Args:
        start, end: seconds of the left video to look at; found in each video where not given.
        fps: frame rate that overrides both files'.

    Raises:
        UserError: a video can't be described, the two are one and the same or do not show the object at the same time,
            or what they show can't be one motion.
    """
    if _same_file(left, right):
        raise UserError(
            f"{left} and {right} are the same video; give the one of the left camera and that of the right one"
        )
    first = describer.describe(left, start, end, fps)
    start, end = (None if value is None else max(0.0, value + pair.offset_s) for value in (start, end))
    return join(first, describer.describe(right, start, end, fps), pair)


def _same_file(left: str | Path, right: str | Path) -> bool:
    return all(Path(video).is_file() for video in (left, right)) and filecmp.cmp(left, right, shallow=False)


def join(left: Description, right: Description, pair: StereoPair) -> StereoDescription:
    """One answer out of two views' descriptions; raises UserError where they can't be joined."""
    found, names, calibration = pair_tracks(left, right, pair), tuple(left.model_probabilities), left.calibration
    fits = fit_views(found, pair, names)
    notes = check_views(found, pair, fits, left.clip.placement.duration_s, pair_tracks(right, left, pair), calibration)
    chances = product_of_experts(
        probabilities(fits, calibration.joint_criterion), left.model_probabilities, right.model_probabilities
    )
    family = max(chances, key=chances.__getitem__)
    constants = fits[family].constants
    misses = []
    for k, view in enumerate(found):
        away = pair.rays(FAMILIES[family].positions(constants, view.t), right=k == 1) - view.rays
        camera = pair.right if k == 1 else pair.left
        to_px = float(np.mean(camera.focal_px))
        misses.append(float(np.median(np.linalg.norm(away, axis=1)) * to_px))
    return StereoDescription(
        left=left,
        right=right,
        family=family,
        probabilities=chances,
        equation=FAMILIES[family].equation(constants).with_time(0.0, left.clip.placement.duration_s),
        pair=pair,
        reprojection_px=(misses[0], misses[1]),
        notes=notes,
    )


def fit_views(views: list[View], pair: StereoPair, names: tuple[str, ...] = tuple(FAMILIES)) -> dict[str, Fit]:
    """Every family fitted to a left and a right track at once, in the pair's unit of length.

    Raises:
        UserError: the object is seen by both cameras at too few times, or their rays meet nowhere before them.
    """
    left, right = views
    common = left.t[(left.t >= right.t.min(initial=np.inf)) & (left.t <= right.t.max(initial=-np.inf))]
    if len(common) < LEAST_FRAMES:
        raise UserError(
            "the two videos show the moving object at the same time for too short a while; choose one stretch for "
            "both with --start and --end, or give offset_s in the cameras' file"
        )
    at = [np.column_stack([np.interp(common, view.t, axis) for axis in view.rays.T]) for view in views]
    points = pair.triangulate(*at)
    depths = np.minimum(-points[:, 2], -pair.pose.to_camera(points)[:, 2])
    if not np.isfinite(points).all() or np.median(depths) <= 0:
        raise UserError(
            "the two cameras' lines of sight do not meet in front of them; check the cameras' file, which video is "
            "the left one, and offset_s"
        )
    return {name: _fit(FAMILIES[name], views, pair, common, points) for name in names}


def check_views(
    views: list[View],
    pair: StereoPair,
    fits: dict[str, Fit],
    duration_s: float,
    exchanged: list[View],
    calibration: Calibration = DEFAULTS,
) -> tuple[str, ...]:
    """Check both tracks against the cameras' file: warnings where another offset explains them far better.

    Args:
        fits: of `views`, by `fit_views`.
        duration_s: of the left clip.
        exchanged: the views with the left video taken for the right one, and the other way round.
        calibration: for the bounds.

    Raises:
        UserError: the videos explain each other only when exchanged, or no family comes near both tracks.
    """
    name = min(fits, key=lambda family: fits[family].misfit)
    least, count = fits[name].misfit, 2 * sum(len(view.t) for view in views)
    late, without = fit_lateness(FAMILIES[name], fits[name].constants, views, pair)
    if least_misfit(exchanged, pair, tuple(fits)) < min(least - calibration.exchanged_gain, without):
        raise UserError(
            "the two videos fit the cameras' file far better when they are exchanged; give the left camera's video "
            "first and the right one's as --right, or exchange the cameras in the file"
        )
    offset, better = pair.offset_s + late * duration_s, least - without > calibration.offset_gain
    if better:
        said = f"the two videos go together far better with an offset_s of {offset:.3g} than with {pair.offset_s:g}"
    else:
        said = "no one motion is seen by both cameras as the cameras' file has them stand"
    if least > 2 * count * np.log(calibration.max_pair_loss):
        raise UserError(f"{said}; check the file, which video is the left one, and offset_s")
    return (f"{said}, as the cameras' file has it, and what is found is wrong accordingly",) if better else ()


def least_misfit(views: list[View], pair: StereoPair, names: tuple[str, ...] = tuple(FAMILIES)) -> float:
    """Misfit of the best family of `names`; infinite where the tracks can't be fitted."""
    try:
        return min(fit.misfit for fit in fit_views(views, pair, names).values())
    except UserError:
        return np.inf


def _away(family: Family, constants: np.ndarray, views: list[View], pair: StereoPair, late: float = 0.0) -> np.ndarray:
    """Distances of a path from both tracks along each axis, in assumed errors; the right track is taken `late` clip
    time later than its times say."""
    member = family.nearest(constants)
    away = [
        (pair.rays(family.positions(member, view.t - k * late), right=k == 1) - view.rays) / view.error
        for k, view in enumerate(views)
    ]
    return np.concatenate(away).ravel()


def fit_lateness(family: Family, constants: np.ndarray, views: list[View], pair: StereoPair) -> tuple[float, float]:
    """The delay of the right view's times, in clip time, at which a family fits both tracks best, and the misfit then.

    Motion across the line that joins the cameras reveals a delay: both see the object cross at the same moment.
    """
    found = [
        least_squares(
            lambda p: _away(family, p[:-1], views, pair, p[-1]),
            np.append(constants, start),
            loss="soft_l1",
            x_scale=np.append(np.ones(len(constants)), 0.05),
            max_nfev=60,
        )
        for start in (0.0, -_TRIED_LATENESS, _TRIED_LATENESS)
    ]
    best = min(found, key=lambda fit: fit.cost)
    return float(best.x[-1]), misfit(best.cost, best.fun.size)


def _fit(family: Family, views: list[View], pair: StereoPair, t: np.ndarray, points: np.ndarray) -> Fit:
    # Depth is the least certain axis of a point, and hardly helps to count turns.
    start = fit_points(family, t, points, np.array([1.0, 1.0, 0.1]))
    found = least_squares(
        lambda constants: _away(family, constants, views, pair), start, loss="soft_l1", x_scale="jac", max_nfev=100
    )
    return Fit(family.nearest(found.x), misfit(found.cost, found.fun.size), family.free)


def pair_tracks(left: Description, right: Description, pair: StereoPair) -> list[View]:
    """Both views' tracks on the left clip's clock, each within its own clip: as they were measured on the videos' own
    pixels, or, for clips without a video, as their tokens decode."""
    return [_view(description, k == 1, pair, left.clip.placement) for k, description in enumerate((left, right))]


def _view(description: Description, right: bool, pair: StereoPair, clock: Placement) -> View:
    camera, place = (pair.right if right else pair.left), description.clip.placement
    measured = _measured(description)
    if measured is not None:
        (seconds, pixels), error_px = measured, _error_px(description)
    else:
        seen = seen_in(description.track, description.clip.fit_times, description.calibration)
        seconds, pixels = place.to_seconds(seen.t), place.to_pixels(seen.centre)
        error_px = description.calibration.centre_error * place.half_width_px
    seconds = seconds - (pair.offset_s if right else 0.0)
    error = error_px / float(np.mean(camera.focal_px))
    return View((seconds - clock.t0_s) / clock.duration_s, camera.rays(pixels), error)


def _measured(description: Description) -> tuple[np.ndarray, np.ndarray] | None:
    """Seconds (N,) and pixels (N, 2) of the measured track where it is whole, in the clip; None where none is."""
    track, measurement = description.filmed_track, description.measurement
    if track is None or measurement is None:
        return None
    place, best = description.clip.placement, measurement.best
    low, high = max(best.start_s, place.t0_s), min(best.stop_s, place.t0_s + place.duration_s)
    inside = track.whole & (track.times_s >= low - 1e-6) & (track.times_s <= high + 1e-6)
    chosen = np.flatnonzero(inside)
    chosen = chosen[:: max(1, len(chosen) // _MOST_OBSERVATIONS)]
    return (track.times_s[chosen], track.centres_px[chosen]) if len(chosen) >= LEAST_FRAMES else None


def _error_px(description: Description) -> float:
    """Assumed error of a place in pixels of the video."""
    measurement = description.measurement
    assert measurement is not None
    return float(np.hypot(measurement.noise_px, _SIZE_ERROR * measurement.radius_px))
