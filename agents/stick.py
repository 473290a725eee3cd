"""A stick in the picture: two places and the length between them, which is a scale.

`1 m between 120,400 and 519,402`. Numbers with commas are also times (`from 0,50 to 1,25 s`) and thousands, so a stick
is taken for one only where its places can be nothing else.
"""

import math
import re
from dataclasses import dataclass

from trajvlm.agents.length_parsing import marked
from trajvlm.agents.quantity_parsing import plain
from trajvlm.data.errors import UserError

_PLACE = r"\(?(?:x ?= ?)?(\d{1,5}(?:\.\d+)?),\s?(?:y ?= ?)?(\d{1,5}(?:\.\d+)?)(?![\d.]*\d)\)?"
_STICK = re.compile(
    rf"\b(?:between|from)(?: the)?(?: (?:pixels?|points?|places?))? {_PLACE} (?:and|to) {_PLACE}"
    r"(?! ?(?:s|sec\w*|ms|milli\w*|min\w*|hours?|of)\b)",
    re.IGNORECASE,
)
_CLAUSE_ENDS = re.compile(r"[?!;]|[.,:](?=\s)|\.$")
_ASKED = re.compile(r"\bhow (?:long|far|tall|high|wide)\b|\b(?:length|measure|distance)\b", re.IGNORECASE)
_SHORTEST_PX = 5.0

Ends = tuple[float, float, float, float]


@dataclass(frozen=True)
class Stick:
    """A stick in a text."""

    ends: Ends
    """x, y, x, y in pixels of the video."""
    length_m: float | None
    """None where it is asked how long it is."""
    rest: str
    """The text without the clause that tells of it."""


def length_px(ends: Ends) -> float:
    """Pixels between x, y and x, y; raises UserError where these are no two places in a picture."""
    if not all(math.isfinite(end) and end >= 0 for end in ends):
        raise UserError("a stick's ends are pixels from the picture's upper left corner, such as 120,400 and 519,402")
    length = math.hypot(ends[2] - ends[0], ends[3] - ends[1])
    if length < _SHORTEST_PX:
        raise UserError(
            f"the ends of the stick are {length:.3g} pixels apart, too near each other to measure by; "
            f"take {_SHORTEST_PX:g} or more"
        )
    return length


def stick(text: str) -> Stick | None:
    """The stick that a text tells of; None where it holds none.

    Raises UserError where its length can't be read, or where it has several.
    """
    found = _STICK.search(text)
    if found is None:
        return None
    before = [end.end() for end in _CLAUSE_ENDS.finditer(text, 0, found.start())]
    after = _CLAUSE_ENDS.search(text, found.end())
    first, stop = before[-1] if before else 0, after.end() if after else len(text)
    clause = f"{text[first : found.start()]} {text[found.end() : stop]}"
    asked = bool(_ASKED.search(clause))
    lengths = [] if asked else marked(plain(clause)).values
    if not lengths and not _are_places(found.groups(), asked):
        return None
    if len(lengths) > 1:
        raise UserError("a stick has one length; give one, such as 1 m or 30 cm")
    if not lengths and re.search(r"\d|\b(?:it|this|that) is\b", clause) and not asked:
        raise UserError("the length of the stick can't be read; give it with its unit, such as 1 m or 30 cm")
    x1, y1, x2, y2 = (float(part) for part in found.groups())
    return Stick((x1, y1, x2, y2), lengths[0] if lengths else None, f"{text[:first]} {text[stop:]}".strip())


def _are_places(numbers: tuple[str, ...], asked: bool) -> bool:
    """Whether four numbers around two commas can be nothing but places."""
    pairs = [(numbers[0], numbers[1]), (numbers[2], numbers[3])]
    thousands = any(len(y) == 3 and len(x) <= 2 for x, y in pairs)
    large = any(len(number) >= 3 for number in numbers) and not thousands
    return any("." in number for number in numbers) or large or (asked and not thousands)
