"""The sentences in which tools answer: places, windows, equations and units, with what they rest on."""

import math
from typing import TYPE_CHECKING

import numpy as np

from trajvlm.agents.session import Result, Session
from trajvlm.data.errors import UserError
from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.readable import bounce, capitalised, lines
from trajvlm.vlm.quantities import Quantity, constants_in_words, measured_constants
from trajvlm.vlm.scale import size_warning

if TYPE_CHECKING:
    from trajvlm.vlm.described import Described

_LIMIT = (
    "One camera that nobody calibrated can't tell how large or how far away the object is, nor how deep its path: "
    "the scale of z rests on the assumed field of view."
)
_FLAT = (
    "One camera that nobody calibrated can't tell how large or how far away the object is; z is not seen, and the "
    "motion is taken to be across the picture."
)
_CALIBRATED = "Size, distance and depth are as right as the cameras' file is."
_NO_SCALE = (
    "No scale is set, so lengths are in u, half the width of the crop; say how wide the object is to get metres."
)
_RIG = "the cameras' file"
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
    "measured",
    "constants",
    "residual_px",
    "depth_seen",
    "phases",
    "reason",
    "objects",
    "bounce",
    "miss_px",
    "reprojection_px",
    "second_opinion",
    "notes",
)
_TOLD_OF_FRAME = ("axes", "length_unit", "scale_known", "t0_s", "duration_s", "assumed_field_of_view_deg")


def where(session: Session, t: float) -> Result:
    """Position and pixel at t seconds from the clip's first frame, inside the clip or beyond it."""
    found, (unit, factor) = session.description(), session.length
    check_time(found, t)
    x, y, z = found.best.positions(np.array([t]))[0] * factor
    first = found.projections[0]
    shown_at = (first.starts_s + t) * session.slower
    values = {"t_s": t, "video_s": shown_at, f"position_{unit}": [float(x), float(y), float(z)]}
    seen = []
    for view in found.projections:
        of, key = (f" of {view.video}", f"_{view.side}") if view.side else ("", "")
        px, py = view.pixels(np.array([t]))[0]
        if math.isnan(px):
            seen.append(f"which is behind {view.camera}")
            continue
        place = view.clip.placement
        inside = 0 <= px <= place.video_width_px and 0 <= py <= place.video_height_px
        seen.append(f"at pixel ({px:.0f}, {py:.0f}){of}" + ("" if inside else ", which is outside the picture"))
        values |= {f"pixel{key}": [float(px), float(py)], f"inside_picture{key}": bool(inside)}
    text = f"At t = {t:.3g} s ({shown_at:.3g} s of {first.video}) x = {x:.3g}, y = {y:.3g}, z = {z:.3g} {unit}, "
    text += f"{' and '.join(seen)}."
    if not -1e-6 <= t <= first.duration_s + 1e-6:
        about = "what was measured" if found.constants else "the clip"
        text += f" That is outside {about}: the equation is continued, nothing was seen there."
    return Result(f"{text} {lengths(session)}", values)


def check_time(found: "Described", t: float) -> None:
    """Raises UserError where t, in seconds from the clip's first frame, lies far from the clip."""
    if not (math.isfinite(t) and -FURTHEST_S <= t - found.lasts_s <= FURTHEST_S):
        raise UserError(f"the time has to lie within {FURTHEST_S:g} seconds of the clip")


def measured_window(session: Session) -> str:
    """Which seconds of the file as it plays were measured, in words; empty where nothing was."""
    found = session.description()
    measurement = None if found.calibrated else found.views[0].measurement
    if measurement is None:
        return ""
    first, last = (time * session.slower for time in (measurement.best.start_s, measurement.best.stop_s))
    return f"from {first:.2f} to {last:.2f} s of the video"


def window(session: Session) -> str:
    """Which seconds of the file as it plays were looked at, as a sentence; empty where `measured_window` says it."""
    found = session.description()
    if measured_window(session):
        return ""
    view = found.projections[0]
    first, last = (time * session.slower for time in (view.starts_s, view.starts_s + view.duration_s))
    return f"The clip runs from {first:.2f} to {last:.2f} s of {view.video}."


def rate(session: Session) -> str:
    """A sentence on the frame rate where it is not the file's own."""
    if session.fps is None:
        return ""
    return (
        f" Times are those of {session.fps:g} frames a second, which you gave, and not the file's; those "
        "of the video are as it plays."
    )


def scale_now(session: Session) -> str:
    """A sentence on the scale where one was set; the metres in u change with the window."""
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
    unit, factor = (found.unit, 1.0) if metres is None else ("m", metres)
    if metres is None and found.constants:
        # As all that was measured.
        unit, factor = "px", found.clip.placement.half_width_px
    told = bounce(found.best.scaled(factor))
    return "" if told is None else f"{capitalised(told.in_words(found.lasts_s, unit))}. "


def useful(description: "Described") -> dict:
    """What a chat model can use of a description's JSON: not token ids, hashes and computing times."""
    told = description.to_dict()
    frame = {name: told["frame"][name] for name in _TOLD_OF_FRAME if name in told["frame"]}
    return {name: told[name] for name in _TOLD if name in told} | {"frame": frame}


def measured_in_words(found: "Described", metres: float | None) -> str:
    """Measured constants with their standard errors, in pixels of the video, or in metres where `metres`, the
    equation's unit in metres, is given; empty where nothing was measured."""
    return constants_in_words(measured_constants(found, metres), found.family)


def in_lengths(one: Equation, session: Session) -> Equation:
    """The equation in metres where the scale is known, otherwise unchanged."""
    metres = session.metres_per_unit
    return one if metres is None else one.scaled(metres)


def equation_text(one: Equation) -> str:
    return "; ".join(lines(one))


def limits(found: "Described") -> str:
    """What limits every answer about the motion, as a sentence."""
    if found.calibrated:
        return _CALIBRATED
    return _FLAT if found.constants and not found.best.z.free_symbols else _LIMIT


def doubt(found: "Described") -> str:
    """What speaks against the answer, as sentences, and how to say which of several objects is meant; empty where
    nothing does."""
    objects = [] if found.calibrated else found.views[0].objects
    if objects:
        one, *others = [f"'the one at {x:.0f},{y:.0f}'" for x, y, _ in objects]
        return f"Several objects move at the same time; say which one is meant: {' or '.join([one, *others])}."
    # The sentence is that of the command line.
    told = (found.doubt or "").replace("give --start and --end of a part", "say a part such as 'look at 1 to 2 s'")
    return f"{capitalised(told)}." if told else ""


def axes(found: "Described") -> str:
    """Which way x, y and z go, as a sentence."""
    first = found.projections[0]
    return f"x is right, y up, z to {first.camera}" + (", from its pinhole." if first.side else ".")


def lengths(session: Session) -> str:
    """The unit of lengths and the reason for it, as a sentence."""
    found = session.found
    if session.scale is not None:
        return f"Lengths are in metres, because {session.scale}."
    if found is None or not found.calibrated:
        return _NO_SCALE
    unit, factor = session.length
    return f"Lengths are in {'metres' if unit == 'm' else unit}, by {_RIG}."


def scale_in_words(session: Session) -> str:
    """What metres rest on: the scale that was set, or the cameras' file."""
    return _RIG if session.scale is None else str(session.scale)


def how_to_scale(session: Session) -> str:
    """How to get metres where the scale is unknown."""
    found = session.description()
    if found.calibrated:
        return f"{_RIG} has its lengths in {found.unit}; write them in m, cm or mm"
    return "say how wide the object is ('the ball is 6.7 cm wide') or how many pixels one metre is"


def unit_of(number: Quantity, length: str) -> str:
    """A number's unit, with `length` as that of lengths; empty where it has none."""
    if number.unit is not None:
        return number.unit
    powers = {1: "", 2: "²"}
    length = length if number.length_power else ""
    if number.time_power >= 0:
        return length or ("s" if number.time_power else "")
    return f"{length or '1'}/s{powers[-number.time_power]}"
