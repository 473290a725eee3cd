"""The columns of a table of descriptions, what each of them means, and a video's values for them."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from trajvlm.data.errors import REASONS
from trajvlm.data.motions.families import FAMILIES
from trajvlm.ui.answer_details import Extras, derived, scaled, scaled_error

if TYPE_CHECKING:
    from trajvlm.vlm.describe import Description
    from trajvlm.vlm.described import Described
    from trajvlm.vlm.stereo import StereoDescription


@dataclass(frozen=True)
class Column:
    """One column."""

    meaning: str
    kind: type = str


_QUANTITIES = {
    "speed": "mean speed, in length_unit/s",
    "acceleration": "mean acceleration, in length_unit/s²",
    "distance": "length of the path in the clip, in length_unit",
    "height": "highest point above the start, in length_unit",
    "g": "acceleration of a free flight, of one view in the picture's plane, in length_unit/s²",
    "launch_angle": "angle of the first velocity with the horizontal, in degrees",
    "radius": "radius when the clip begins, in length_unit",
    "amplitude": "amplitude when the clip begins, in length_unit",
    "period": "time of one turn, in s",
    "frequency": "turns per second, in 1/s",
    "pitch": "climb in one turn, in length_unit",
    "decay": "time in which the size halves, or doubles where it grows, in s",
    "restitution": "speed after an impact over speed before it, without a unit",
}
"""What `trajvlm.vlm.quantities` finds first under each of its names."""


_WITH_ERROR = (
    "speed",
    "acceleration",
    "g",
    "radius",
    "amplitude",
    "period",
    "frequency",
    "pitch",
    "decay",
    "restitution",
)
"""Quantities that can have a measured standard error."""
_CONSTANTS = {
    "speed": "speed across the picture, of a flight in the middle of its phase, in px/s",
    "acceleration": "constant acceleration across the picture, in px/s²",
    "period": "time of one turn, in s",
    "radius": "radius at the start of the phase, in px",
    "amplitude": "amplitude at the start of the phase, in px",
    "decay": "rate at which the size fades, negative where it grows, in 1/s",
    "restitution": "speed after an impact over speed before it, without a unit",
    "climb": "speed along the axis of a helix, in px/s",
}
"""Constants that `trajvlm.vlm.measure` measures, in pixels of the video."""


def _columns() -> dict[str, Column]:
    from trajvlm.vlm.quantities import NAMES

    return {
        "video": Column("the file"),
        "right": Column("the right camera's file, where there are two views"),
        "family": Column("the kind of motion, or the nearest one where `known` is false"),
        "known": Column("whether the answer is believed: one object moves, and a family's curve explains how", bool),
        "reason": Column(f"why it is not believed or described: {', '.join(REASONS)}; empty where it is"),
        "confidence": Column("probability of the family, 0 to 1", float),
        **{f"p_{name}": Column(f"probability of {name}, 0 to 1", float) for name in FAMILIES},
        **{
            axis: Column(f"{axis}(t), t in seconds from t0_s, in half widths of the crop; of two views in length_unit")
            for axis in "xyz"
        },
        **{f"raw_{axis}": Column(f"{axis}(t) as the language model alone has it, of model_family") for axis in "xyz"},
        **{
            f"measured_{name}{end}": Column(f"{what}: {meaning}", float)
            for name, meaning in _CONSTANTS.items()
            for end, what in (("", "measured on the video's pixels"), ("_sd", "standard error of the measured"))
        },
        "residual_px": Column("distance of the measured curve from the object, root mean square, in pixels", float),
        "depth_seen": Column("whether the object's size shows its depth; without that z is a guess, or 0", bool),
        "phases": Column("all phases of the object's track with what was measured of each, as JSON"),
        "model_family": Column("the family that the language model alone names"),
        "second_opinion": Column("the family that fits the tokens' track best, without the language model"),
        "doubt": Column(
            "what speaks against the answer: why it is not believed, language model and fit disagree, or two views do "
            "not fit the cameras' file"
        ),
        "miss_px": Column(
            "median distance of the curve from that track, in pixels of the clip's 64; of two views in "
            "pixels of the left video",
            float,
        ),
        "miss_right_px": Column("the same in pixels of the right video", float),
        "t0_s": Column("where in the video the clip begins, in seconds", float),
        "duration_s": Column("how long the clip is, in seconds", float),
        "focal_length": Column("f, the assumed focal length, in half widths of the crop", float),
        "centre_x_px": Column(
            "middle of the crop, in pixels of the upright video: px = centre_x_px + half_width_px * x f / (f - z)",
            float,
        ),
        "centre_y_px": Column("the same downwards: py = centre_y_px - half_width_px * y f / (f - z)", float),
        "half_width_px": Column("half the width of the crop, in pixels", float),
        "length_unit": Column(
            "of the quantities: m where the scale is known, else u, half the width of the crop; of "
            "two views the unit of the cameras' file"
        ),
        "metres_per_unit": Column("metres in one u, by --scale", float),
        **{f"{axis}_m": Column(f"{axis}(t) in metres, by --scale") for axis in "xyz"},
        **{name: Column(f"{_QUANTITIES[name]}; empty where this motion has none", float) for name in NAMES},
        **{
            f"{name}_error": Column(f"standard error of {name} where it was measured, without that of a scale", float)
            for name in _WITH_ERROR
        },
        "warnings": Column("what speaks against a quantity, such as a g far from 9.81 m/s² by --scale"),
        "answer": Column("the answer to --ask"),
        "answered_by": Column("what answered"),
        "notes": Column("what to know about the clip"),
        "error": Column("why the video could not be described; empty where it was"),
    }


COLUMNS = _columns()
"""In every table, in this order."""


def values(found: "Described", extras: Extras) -> dict:
    """A description's values, for those of the columns that it has."""
    place, metres = found.clip.placement, extras.metres
    return {
        "family": found.family,
        "known": found.known,
        "confidence": found.confidence,
        **{f"p_{name}": p for name, p in found.probabilities.items()},
        **found.best.to_text(),
        "doubt": found.doubt,
        "t0_s": place.t0_s,
        "duration_s": place.duration_s,
        "length_unit": found.unit if metres is None else "m",
        **_in_metres(found, metres),
        **_quantities(found, metres),
        "answer": extras.reply and extras.reply.text,
        "answered_by": extras.reply and extras.reply.model,
        "notes": "; ".join(found.clip_notes),
        **(_of_one(found.views[0]) if not found.calibrated else _of_two(cast("StereoDescription", found))),
    }


def _of_one(found: "Description") -> dict:
    place = found.clip.placement
    return {
        **{f"raw_{axis}": text for axis, text in found.equation.to_text().items()},
        **_measured(found),
        "model_family": found.model_family,
        "second_opinion": found.second_opinion and found.second_opinion.family,
        "miss_px": found.miss_px,
        "focal_length": found.focal,
        "centre_x_px": place.centre_x_px,
        "centre_y_px": place.centre_y_px,
        "half_width_px": place.half_width_px,
    }


def _measured(found: "Description") -> dict:
    constants = {
        f"measured_{name}{end}": value
        for name, (value, sd, _) in found.constants.items()
        for end, value in (("", float(f"{value:.7g}")), ("_sd", float(f"{sd:.3g}")))
    }
    best = found.measurement and found.measurement.best
    return {
        "reason": found.refused and found.refused[0],
        **constants,
        "residual_px": best and round(best.residual_px, 3),
        "depth_seen": best and best.depth_seen,
        "phases": json.dumps([phase.to_dict(found.focal) for phase in found.phases]) if found.phases else None,
    }


def _of_two(found: "StereoDescription") -> dict:
    return dict(zip(("miss_px", "miss_right_px"), found.reprojection_px))


def _in_metres(found: "Described", metres: float | None) -> dict:
    if metres is None:
        return {}
    text = found.best.scaled(metres).to_text()
    return {"metres_per_unit": metres, **{f"{axis}_m": one for axis, one in text.items()}}


def _quantities(found: "Described", metres: float | None) -> dict[str, float | str | None]:
    """The first value of each quantity, with lengths times `metres`, and what speaks against any."""
    unit_m = found.metres_per_unit if metres is None else metres
    firsts = {name: several[0] for name, several in derived(found).items()}
    warnings = [warning for one in firsts.values() if (warning := one.warning(unit_m))]
    errors = {f"{name}_error": scaled_error(one, metres) for name, one in firsts.items() if name in _WITH_ERROR}
    return {name: scaled(one, metres) for name, one in firsts.items()} | errors | {"warnings": " ".join(warnings)}
