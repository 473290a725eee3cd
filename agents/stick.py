"""A stick in the picture: two places and the length between them, which is a scale.

In text a stick becomes a count of pixels: `1 m between 120,400 and 519,402` is `1 m 399.005 pixels`, from where
`trajvlm.agents.length_parsing` reads it as any other pixels in a metre.
"""

import math
import re

from trajvlm.data.errors import UserError

# `from 0,5 to 1,2 s` is a stretch of time.
_PLACE = r"(?=\(?(?:\d\d|\d[\d.]* ?[,;/] ?\d\d))\(?(\d{1,5}(?:\.\d+)?) ?[,;/] ?(\d{1,5}(?:\.\d+)?)\)?"
_NO_TIME = r"(?! ?(?:s|sec\w*|ms)\b)"
_STICK = re.compile(
    rf"\b(?:between|from)(?: the)?(?: (?:pixels?|points?|places?))? {_PLACE} (?:and|to) {_PLACE}{_NO_TIME}",
    re.IGNORECASE,
)
_SHORTEST_PX = 5.0


def length_px(ends: tuple[float, float, float, float]) -> float:
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


def ends(text: str) -> tuple[float, float, float, float] | None:
    """x, y, x, y in pixels of the stick in a text; None where it holds none."""
    found = _STICK.search(text)
    return None if found is None else tuple(float(part) for part in found.groups())  # type: ignore[return-value]


def as_pixels(text: str) -> str:
    """The text with a stick's ends replaced by its length in pixels; raises UserError as `length_px` does."""
    return _STICK.sub(lambda found: f"{length_px(tuple(float(p) for p in found.groups())):.3f} pixels", text)  # type: ignore[arg-type]
