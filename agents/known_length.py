"""Which known length a person gives: the object's size, the pixels in a metre, the picture's width or the distance."""

import re

from trajvlm.agents import phrases
from trajvlm.agents.length_parsing import Marked, agreed, densities
from trajvlm.data.errors import UserError
from trajvlm.vlm.scale import Scale

CLAUSE = r"[,;?!()]|\.(?!\d)|\b(?:and|but|so)\b"
_RADIUS = (
    r"\b(?:radius|r)\b ?(?:of (?:the|my|its|our|that|this|an?) \w+(?: \w+)?)?"
    r"\s*(?:\b(?:is|was|of|about|around)\b|[=:]|\s)*⟦m|⟦m\d+⟧,? (?:in |of )?radius"
)
_PICTURE = r"(?:picture|image|frame|video|view|film|clip|footage|scene|screen|shot)"
_PICTURE_IS = (
    rf"(?<!in the )(?<!in this )(?<!in my )\b{_PICTURE}(?:'s)? "
    rf"(?:is|was|are|width|height|shows?|spans?|covers?|measures?|has|wide|=)[^⟦]*⟦m\d+⟧"
    rf"|⟦m\d+⟧(?: is)?(?: the)? (?:wide |high |tall )?(?:width of )?(?:the )?(?:whole )?{_PICTURE}\b"
)
_UPRIGHT = r"\b(?:high|tall|height)\b"
_CAMERA = r"(?:the |my |our |a )?(?:camera|lens|phone|tripod)\b"
_AWAY = (
    rf"\b(?:from|to|before|in front of) {_CAMERA}"
    rf"|\b(?:it|ball|object|this|that|thing) (?:is|was)(?: about| around| roughly)? "
    rf"⟦m\d+⟧ (?:far )?(?:away|off|distant)\b"
    rf"(?! from (?!{_CAMERA}))"
)


def known_length(words: Marked, alone: bool = False) -> Scale | None:
    """The scale that a text gives, None where it gives none; raises UserError where it gives two.

    `alone`: the text says nothing else, so that every length in it is meant.
    """
    pixels_per_metre, rest = densities(words)
    if pixels_per_metre and "⟦p" in rest.text:
        raise UserError("more than one number of pixels is given; give the pixels in one metre")
    given: dict[str, list[float]] = {"diameter_m": [], "picture_width_m": [], "distance_m": []}
    for clause in re.split(CLAUSE, rest.text):
        kind, factor = _kind(clause, alone)
        if kind and rest.metres(clause):
            if re.search(r"⟦m\d+⟧ \d", clause):
                raise UserError("a number without a unit follows a length; write it as 5 ft 3 in, or as 1.6 m")
            given[kind] += [factor * metres for metres in rest.metres(clause)]
    found = {
        "pixels_per_metre": agreed(pixels_per_metre, "the pixels in a metre"),
        "diameter_m": agreed(given["diameter_m"], "the size of the object"),
        "picture_width_m": agreed(given["picture_width_m"], "the width of the picture"),
        "distance_m": agreed(given["distance_m"], "the distance from the camera"),
    }
    found = {kind: value for kind, value in found.items() if value is not None}
    return Scale(**found) if found else None


def _kind(clause: str, alone: bool) -> tuple[str | None, float]:
    """What the lengths in a clause measure, and the factor that turns them into it: 2 for a radius."""
    if re.search(_PICTURE_IS, clause):
        if re.search(_UPRIGHT, clause):
            raise UserError("the height of the picture is no scale here; give its width ('the picture is 2 m wide')")
        return "picture_width_m", 1.0
    if re.search(_AWAY, clause) or (alone and re.search(phrases.DISTANT, clause)):
        return "distance_m", 1.0
    # A length of which nothing else is said is the object's size.
    if alone or re.search(phrases.SIZE, clause) or not re.search(phrases.NOT_SIZE + "|" + phrases.STRING, clause):
        return "diameter_m", 2.0 if re.search(_RADIUS, clause) else 1.0
    return None, 1.0
