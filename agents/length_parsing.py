"""Read lengths and pixel counts in a sentence; a number that can't be read whole is refused.

Nobody would notice a number of which only a part was read: `6.7e-2 m` is not 2 m, nor is `1/2 m`. The text is expected
as `trajvlm.agents.quantity_parsing.plain` returns it. Marks replace the quantities, `⟦m0⟧` a length and `⟦p1⟧` a count
of pixels, so that other patterns need not know how numbers are written.
"""

import re
from dataclasses import dataclass

from trajvlm.agents.number_parsing import PIECE, read
from trajvlm.data.errors import UserError

_UNITS = {
    0.001: "mm millimetre millimetres millimeter millimeters",
    0.01: "cm centimetre centimetres centimeter centimeters",
    0.1: "dm decimetre decimetres decimeter decimeters",
    1.0: "m metre metres meter meters",
    1000.0: "km kilometre kilometres kilometer kilometers",
    0.0254: 'in inch inches "',
    0.3048: "ft foot feet",
    0.9144: "yd yard yards",
}
_METRES = {word: metres for metres, words in _UNITS.items() for word in words.split()}
# "0.5 in metres" is no length, nor is "2 m/s".
_LENGTH_UNIT = (
    rf"(?:{'|'.join(sorted(_METRES, key=len, reverse=True))})(?![a-z0-9^²])(?!\s*/|\s*per s|\s+(?:squared|cubed))"
    r"(?<!in(?=\s+(?:m|cm|mm|met\w+|the|my|an?|this|that|slow|real|each|every|one|1|si|u|pixels?)\b))"
)
_QUANTITY = re.compile(rf"(?<![a-z])(?:(?P<length>{_LENGTH_UNIT})|(?:px|pixels?)\b)")
_RUN = re.compile(r"(?:[^a-z⟦⟧;:?!=()~≈\"]|(?<=[\d.])e(?=[-+]?\d)|x(?=\s*10\b))*$")
"""Everything before a unit that may be part of its number."""
_MOST = 20
_NEAR = 60
"""Characters before a unit that are looked at."""
_PIECE = re.compile(rf"(?:{PIECE}|\d\s*(?:to|or|and|by|x)\s*|[a-z])$")
"""What stands before a number that is a part of another one, or the end of a range."""
_LINK = r"\s*(?:per|to an?|to|in|for|=|equals?|is|are|makes?|/|corresponds? to|every|each)\s*(?:an?\s+|the\s+)?"
_LENGTH = rf"(?P<length>⟦m\d+⟧|(?<![a-z]){_LENGTH_UNIT})"
_DENSITIES = (
    re.compile(rf"(?P<pixels>⟦p\d+⟧){_LINK}{_LENGTH}"),
    re.compile(rf"{_LENGTH}(?:[^\d⟦⟧]{{0,40}}?\s|{_LINK})(?P<pixels>⟦p\d+⟧)"),
)
_SAME = 0.02
"""Two lengths with a smaller relative difference are one length in two units, such as 6.7 cm and 2.6 inches."""


@dataclass(frozen=True)
class Marked:
    """A text with marks in place of its quantities."""

    text: str
    values: tuple[float, ...]
    """Metres or pixels, by the number in the mark."""

    def metres(self, part: str) -> list[float]:
        """Each length in a part of the text, in metres."""
        return [self.values[int(number)] for number in re.findall(r"⟦m(\d+)⟧", part)]


def marked(text: str) -> Marked:
    """Replace lengths and counts of pixels by marks; raises UserError for a number that can't be read whole."""
    values: list[float] = []
    sizes: list[float] = []
    before, done = "", 0
    for unit in _QUANTITY.finditer(text):
        head = before + text[done : unit.start()]
        near = _RUN.search(head[-_NEAR:])
        assert near is not None  # the pattern also matches an empty text
        run = re.split(r"[,.]\s", near[0])[-1]
        number = re.sub(r"[\s-]+$", "", run).lstrip(" '")
        if len(run) < len(head):
            # A dash between words is no minus sign.
            number = re.sub(r"^-\s+", "", number)
        if not re.search(r"\d", number) or (unit[0] == '"' and run[-1:].isspace()):
            continue
        start = len(head) - len(run) + run.index(number)
        if _PIECE.search(head[max(0, start - _NEAR) : start]):
            raise _unread(head[max(0, start - 15) :].split("⟧")[-1] + unit[0])
        if len(values) == _MOST:
            raise UserError(f"more than {_MOST} lengths are given; name the one that is known")
        kind, size = ("m", _METRES[unit[0]]) if unit["length"] else ("p", 1.0)
        before, done = f"{head[:start]}⟦{kind}{len(values)}⟧", unit.end()
        values.append(_read(number, unit[0]) * size)
        sizes.append(size)
    return Marked(_joined(before + text[done:], values, sizes), tuple(values))


def _read(number: str, unit: str) -> float:
    value = read(number)
    if not value:
        raise _unread(f"{number} {unit}")
    return value


def _unread(words: str) -> UserError:
    return UserError(
        f"{words.strip()!r} can't be read as one positive number with its unit; write it as 6.7 cm, 0.067 m, 1/2 m, "
        f"6 7/8 in or 412 pixels"
    )


def _joined(text: str, values: list[float], sizes: list[float]) -> str:
    """The text with one mark for a length in two units, such as `5 ft 3 in`; its value in `values` becomes the sum."""

    def join(pair: re.Match) -> str:
        first, second = int(pair[1]), int(pair[2])
        if not (sizes[second] < sizes[first] and values[second] < sizes[first]):
            return pair[0]
        values[first] += values[second]
        return f"⟦m{first}⟧"

    return re.sub(r"⟦m(\d+)⟧\s⟦m(\d+)⟧", join, text)


def densities(words: Marked) -> tuple[list[float], Marked]:
    """Pixels per metre of each `240 pixels per metre`, `1 m is 240 px` or `80 px = 50 cm`; the text without them."""
    found, text = [], words.text
    while match := next(filter(None, (pattern.search(text) for pattern in _DENSITIES)), None):
        pixels = words.values[int(match["pixels"].strip("⟦p⟧"))]
        metres = words.metres(match["length"])
        found.append(pixels / (metres[0] if metres else _METRES[match["length"]]))
        text = f"{text[: match.start()]} {text[match.end() :]}"
    return found, Marked(text, words.values)


def agreed(values: list[float], what: str) -> float | None:
    """The value that all `values` agree on, None where there are none; raises UserError where they contradict each
    other."""
    if values and max(values) > (1 + _SAME) * min(values):
        raise UserError(f"{len(values)} different values are given for {what}; give one")
    return values[0] if values else None
