"""Two views: the same motion in a left and a right video of calibrated cameras, and its equation in true lengths.

Each view is tokenised and answered by itself. Then every family is fitted to both tracks at once, as the tokens of
either view decode to them, in the space that the calibration spans; the family is weighed by both answers and the fits.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from data.clip import Clip, Placement
from data.equation import Equation
from data.errors import UserError
from data.families import FAMILIES, Family
from data.fit import CENTRE_ERROR, LEAST_FRAMES, Fit, misfit, probabilities, through_points
from data.stereo import StereoPair
from vlm.describe import Describer, Description
from vlm.refine import DECODED, seen_in, weighed

_LARGEST_MISS = 3.5
"""Root mean robust loss of the best curve, in assumed errors, up to which both tracks are taken to be of one motion.
Right tracks with errors as assumed have 0.7, those of 24 validation pairs with all nuisances at half strength up to
3.1, views of two different motions 2.7 to 4.6."""


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
    """Median distance, in each video's pixels, of the curve from the track that the tokens decode to."""

    @property
    def best(self) -> Equation:
        """As a `Description`'s, so that quantities can be derived from either."""
        return self.equation

    @property
    def clip(self) -> Clip:
        """The left one, whose clock the equation has."""
        return self.left.clip

    @property
    def confidence(self) -> float:
        return self.probabilities[self.family]

    @property
    def meaning(self) -> str:
        """What moves like this, in a person's words."""
        return FAMILIES[self.family].meaning

    def pixels(self, t: np.ndarray, right: bool = False) -> np.ndarray:
        """Pixels (N, 2) of one of the videos at which the equation puts the object, t (N,) seconds into the left
        clip."""
        camera = self.pair.right if right else self.pair.left
        return camera.pixels(self.pair.rays(self.equation.positions(t), right))

    def to_dict(self) -> dict:
        """The description as plain values, for JSON."""
        return {
            "family": self.family,
            "confidence": round(self.confidence, 4),
            "probabilities": {name: round(p, 4) for name, p in self.probabilities.items()},
            "equation": self.equation.to_text(),
            "frame": {
                "origin": "the left camera's pinhole",
                "axes": "x right, y up, z towards the left camera",
                "length_unit": self.pair.unit,
                "scale_known": True,
                "t0_s": self.left.clip.placement.t0_s,
                "duration_s": self.left.clip.placement.duration_s,
            },
            "reprojection_px": [round(value, 3) for value in self.reprojection_px],
            "left": self.left.to_dict(),
            "right": self.right.to_dict(),
        }


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
        UserError: a video can't be described, or the two do not show the object at the same time.
    """
    views = [describer.describe(left, start, end, fps)]
    shifted = [None if value is None else max(0.0, value + pair.offset_s) for value in (start, end)]
    views.append(describer.describe(right, *shifted, fps))
    return join(views[0], views[1], pair)


def join(left: Description, right: Description, pair: StereoPair) -> StereoDescription:
    """One answer out of two views' descriptions; raises UserError where they can't be joined."""
    found = [
        _view(description, right=k == 1, pair=pair, clock=left.clip.placement)
        for k, description in enumerate((left, right))
    ]
    fits = fit_views(found, pair, tuple(left.model_probabilities))
    chances = weighed(probabilities(fits, DECODED), left.model_probabilities, right.model_probabilities)
    family = max(chances, key=chances.get)
    constants = fits[family].constants
    misses = []
    for k, (view, description) in enumerate(zip(found, (left, right))):
        away = pair.rays(FAMILIES[family].positions(constants, view.t), right=k == 1) - view.rays
        # A ray's assumed error is half a pixel of the clip's 64.
        to_px = description.clip.placement.half_width_px * CENTRE_ERROR / view.error
        misses.append(float(np.median(np.linalg.norm(away, axis=1)) * to_px))
    return StereoDescription(
        left=left,
        right=right,
        family=family,
        probabilities=chances,
        equation=FAMILIES[family].equation(constants).with_time(0.0, left.clip.placement.duration_s),
        pair=pair,
        reprojection_px=(misses[0], misses[1]),
    )


def fit_views(views: list[View], pair: StereoPair, names: tuple[str, ...] = tuple(FAMILIES)) -> dict[str, Fit]:
    """Every family fitted to a left and a right track at once, in the pair's unit of length.

    Raises:
        UserError: the object is seen by both cameras at too few times, their rays meet nowhere before them, or no
            family comes near both tracks.
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
    fits = {name: _fit(FAMILIES[name], views, pair, common, points) for name in names}
    count = 2 * sum(len(view.t) for view in views)
    if min(fit.misfit for fit in fits.values()) > 2 * count * np.log(_LARGEST_MISS):
        raise UserError(
            "no one motion is seen by both cameras as the cameras' file has them stand; check the file, which video is "
            "the left one, and offset_s"
        )
    return fits


def _fit(family: Family, views: list[View], pair: StereoPair, t: np.ndarray, points: np.ndarray) -> Fit:
    def error(constants: np.ndarray) -> np.ndarray:
        member = family.nearest(constants)
        away = [
            (pair.rays(family.positions(member, view.t), right=k == 1) - view.rays) / view.error
            for k, view in enumerate(views)
        ]
        return np.concatenate(away).ravel()

    # Depth is the least certain axis of a point, and hardly helps to count turns.
    start = through_points(family, t, points, np.array([1.0, 1.0, 0.1]))
    found = least_squares(error, start, loss="soft_l1", x_scale="jac", max_nfev=100)
    return Fit(family.nearest(found.x), misfit(found.cost, found.fun.size), family.free)


def _view(description: Description, right: bool, pair: StereoPair, clock: Placement) -> View:
    """The track that one view's tokens decode to, on the left clip's clock."""
    camera, place = (pair.right if right else pair.left), description.clip.placement
    seen = seen_in(description.track)
    seconds = place.to_seconds(seen.t) - (pair.offset_s if right else 0.0)
    error = CENTRE_ERROR * place.half_width_px / float(np.mean(camera.focal_px))
    return View((seconds - clock.t0_s) / clock.duration_s, camera.rays(place.to_pixels(seen.centre)), error)
