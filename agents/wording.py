"""The sentences in which tools answer: places, windows, equations and units, with what they rest on."""

import math
from typing import TYPE_CHECKING

import numpy as np

from trajvlm.agents.session import Result, Session
from trajvlm.data.errors import UserError
from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.readable import bounce, capitalised, lines
from trajvlm.vlm.quantities import Quantity
from trajvlm.vlm.scale import size_warning

if TYPE_CHECKING:
    from trajvlm.vlm.describe import Description

LIMIT = (
    "One camera that nobody calibrated can't tell how large or how far away the object is, nor how deep its path: "
    "the scale of z rests on the assumed field of view."
)
_NO_SCALE = (
    "No scale is set, so lengths are in u, half the width of the crop; say how wide the object is to get metres."
)
FURTHEST_S = 60.0
_TOLD = (
    "family",
    "known",
    "confidence",
    "probabilities",
    "model_family",
    "model_probabilities",
    "equation",
    "refined",
    "bounce",
    "miss_px",
    "second_opinion",
    "notes",
)
_TOLD_OF_FRAME = ("axes", "length_unit", "scale_known", "t0_s", "duration_s", "assumed_field_of_view_deg")


def where(session: Session, t: float) -> Result:
    """Position and pixel at t seconds from the clip's first frame, inside the clip or beyond it."""
    found, metres = session.description(), session.metres_per_unit
    place = found.clip.placement
    check_time(found, t)
    position = found.best.positions(np.array([t]))[0]
    unit = "u" if metres is None else "m"
    x, y, z = position * (metres or 1.0)
    shown_at = (place.t0_s + t) * session.slower
    text = f"At t = {t:.3g} s ({shown_at:.3g} s of the video) x = {x:.3g}, y = {y:.3g}, z = {z:.3g} {unit}"
    values = {"t_s": t, "video_s": shown_at, f"position_{unit}": [float(x), float(y), float(z)]}
    if position[2] < 0.9 * found.focal:
        px, py = found.pixels(found.best, np.array([t]))[0]
        inside = 0 <= px <= place.video_width_px and 0 <= py <= place.video_height_px
        text += f", at pixel ({px:.0f}, {py:.0f})" + ("." if inside else ", which is outside the picture.")
        values |= {"pixel": [float(px), float(py)], "inside_picture": bool(inside)}
    else:
        text += ", which is behind the camera."
    if not -1e-6 <= t <= place.duration_s + 1e-6:
        text += " That is outside the clip: the equation is continued, nothing was seen there."
    return Result(f"{text} {lengths(session)}", values)


def check_time(found: "Description", t: float) -> None:
    """Raises UserError where t, in seconds from the clip's first frame, lies far from the clip."""
    if not (math.isfinite(t) and -FURTHEST_S <= t - found.clip.placement.duration_s <= FURTHEST_S):
        raise UserError(f"the time has to lie within {FURTHEST_S:g} seconds of the clip")


def window(session: Session) -> str:
    """Which seconds of the file as it plays were looked at, as a sentence."""
    place = session.description().clip.placement
    first, last = (time * session.slower for time in (place.t0_s, place.t0_s + place.duration_s))
    return f"The clip runs from {first:.2f} to {last:.2f} s of the video."


def rate(session: Session) -> str:
    """A sentence on the frame rate where it is not the file's own."""
    if session.fps is None:
        return ""
    return (
        f" Times are those of {session.fps:g} frames a second, which you gave, and not the file's; those "
        "of the video are as it plays."
    )


def scale_now(session: Session) -> str:
    """A sentence on the scale where one was set: a unit has another length in each window."""
    if session.scale is None:
        return ""
    try:
        text = f" By the scale that was set ({session.scale}) 1 u is now {session.metres_per_unit:.3g} m."
        small = "" if session.scale.diameter_m is None else size_warning(session.description())
        return f"{text} {small}".rstrip()
    except UserError as error:
        return f" The scale that was set can't be used here: {error}."


def in_metres(session: Session) -> dict:
    """The equation in metres as values; none where no scale is known."""
    try:
        metres = session.metres_per_unit
    except UserError:
        return {}
    if metres is None:
        return {}
    return {"metres_per_unit": metres, "equation_m": session.description().best.scaled(metres).to_text()}


def bounce_in_words(session: Session) -> str:
    """How high, when and how fast a ball bounces, as a sentence with a space behind it; empty for another motion."""
    found, metres = session.description(), in_metres(session).get("metres_per_unit")
    told = bounce(found.best if metres is None else found.best.scaled(metres))
    unit = "u" if metres is None else "m"
    return "" if told is None else f"{capitalised(told.in_words(found.clip.placement.duration_s, unit))}. "


def useful(description: "Description") -> dict:
    """What a chat model can use of a description's JSON; it can't use token ids, hashes and times of computing."""
    told = description.to_dict()
    frame = {name: told["frame"][name] for name in _TOLD_OF_FRAME if name in told["frame"]}
    return {name: told[name] for name in _TOLD if name in told} | {"frame": frame}


def in_lengths(one: Equation, session: Session) -> Equation:
    """The equation in the lengths that `lengths` names."""
    metres = session.metres_per_unit
    return one if metres is None else one.scaled(metres)


def equation_text(one: Equation) -> str:
    return "; ".join(lines(one))


def lengths(session: Session) -> str:
    return _NO_SCALE if session.scale is None else f"Lengths are in metres, because {session.scale}."


def unit_of(number: Quantity, metres: float | None) -> str:
    if number.unit is not None:
        return number.unit
    powers = {1: "", 2: "²"}
    length = ("u" if metres is None else "m") if number.length_power else ""
    if number.time_power >= 0:
        return length or ("s" if number.time_power else "")
    return f"{length or '1'}/s{powers[-number.time_power]}"
