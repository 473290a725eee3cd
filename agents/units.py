"""Units that a person may want a length, a speed or an acceleration in, apart from metres and seconds."""

import re
from typing import Literal

from trajvlm.agents.session import Session
from trajvlm.agents.wording import how_to_scale, unit_of
from trajvlm.data.errors import UserError
from trajvlm.vlm.quantities import Quantity

_METRES = {"mm": 0.001, "cm": 0.01, "m": 1.0, "km": 1000.0, "in": 0.0254, "ft": 0.3048, "yd": 0.9144, "mi": 1609.344}
_METRES_PER_SECOND = {"km/h": 1 / 3.6, "mph": 0.44704, "knots": 1852 / 3600}
Unit = Literal["mm", "cm", "m", "km", "in", "ft", "yd", "mi", "km/h", "mph", "knots"]
"""A unit of length is meant per second for a speed, and per second squared for an acceleration."""

_OFFERED = (
    f"lengths, speeds and accelerations are given by {', '.join(_METRES)} and seconds, speeds also in "
    f"{', '.join(_METRES_PER_SECOND)}"
)
_WORDS: dict[Unit, str] = {
    "km/h": r"km ?/ ?h(?:r|our)?|kmh|kph|km per hour|kilomet(?:re|er)s? (?:per|an|each|every) hour",
    "mph": r"mph|miles? (?:per|an|each|every) hour|mi ?/ ?h",
    "knots": r"knots?",
}
_LENGTH_WORDS: dict[Unit, str] = {
    "mm": r"mm|millimet(?:re|er)s?",
    "cm": r"cm|centimet(?:re|er)s?",
    "m": r"m|met(?:re|er)s?",
    "km": r"km|kilomet(?:re|er)s?",
    "in": r"inch(?:es)?|in(?= ?/ ?s)",
    "ft": r"ft|foot|feet",
    "yd": r"yd|yards?",
    "mi": r"mi|miles?",
}
_EACH = r" ?(?:/|per|a|an|1|each|every) ?"
_OTHER = (
    r"\b(?:in|into) (?:light.?years?|furlongs?|nautical miles?|fathoms?|parsecs?|micromet(?:re|er)s?|"
    r"nanomet(?:re|er)s?|µm|nm|g'?s|gals?)\b"
    rf"|\b(?:{'|'.join(_LENGTH_WORDS.values())}){_EACH}(?:h|hr|hours?|min|minutes?|ms|milliseconds?|days?)\b"
)


def asked_unit(text: str) -> Unit | None:
    """The unit in which a text, with marks for its lengths, wants the answer; None where it names none, or metres.

    Raises UserError for one that is not offered.
    """
    for unit, words in _WORDS.items():
        if re.search(rf"\b(?:{words})\b", text):
            return unit
    if other := re.search(_OTHER, text):
        raise UserError(f"an answer {other[0]!r} is not offered: {_OFFERED}")
    for unit, words in _LENGTH_WORDS.items():
        if re.search(rf"\b(?:in|into|many) (?:{words})\b|\b(?:{words}){_EACH}(?:s|secs?|seconds?)\b", text):
            return None if unit == "m" else unit
    return None


def in_unit(number: Quantity, session: Session, unit: Unit | None) -> tuple[float, str]:
    """A number's value and unit: with lengths in metres, in the equation's unit where the scale is not known, or in
    `unit` if one is given.

    Raises UserError where the number can't be given in `unit`.
    """
    length, factor = session.length
    value, own = number.scaled(factor), unit_of(number, length)
    known = own == "m/s²" or (number.unit is None and number.length_power == 1)
    if unit is None or not known:
        return value, own
    if length != "m" and own != "m/s²":
        raise UserError(f"an answer in {unit} needs a scale: {how_to_scale(session)}")
    speed = number.time_power == -1
    if unit in _METRES_PER_SECOND:
        if not speed:
            raise UserError(f"{unit} is a unit of speed, and the {number.name} is none; {_OFFERED}")
        return value / _METRES_PER_SECOND[unit], unit
    return value / _METRES[unit], own.replace("m", unit, 1)
