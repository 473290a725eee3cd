"""Numbers in a person's words: times, lengths and arithmetic, read out of a sentence by patterns."""

import re

from agents.spelling import mended
from data.errors import UserError
from vlm.scale import Scale

_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_PARTS = {"half": 0.5, "third": 1 / 3, "quarter": 0.25, "tenth": 0.1, "hundredth": 0.01}
_DISTANCE = r"\b(?:away|distance|distant|far|off)\b"
_NUMBER = r"(\d+(?:\.\d+)?|\.\d+)"
_SECONDS = r"(?:seconds?|secs?|s)\b"
_MILLISECONDS = r"(?:milliseconds?|msec|ms)\b"
_TIME = rf"(?:{_NUMBER}\s*(?:{_MILLISECONDS}|{_SECONDS})?)"
_METRES = {
    "mm": 0.001,
    "millimet": 0.001,
    "cm": 0.01,
    "centimet": 0.01,
    "m": 1.0,
    "met": 1.0,
    "inch": 0.0254,
    "in": 0.0254,
    "ft": 0.3048,
    "foot": 0.3048,
    "feet": 0.3048,
}
_LENGTH_UNIT = (
    r"(millimet(?:er|re)s?|centimet(?:er|re)s?|met(?:er|re)s?|inch(?:es)?|foot|feet|mm|cm|ft|m|in)\b"
    r"(?!\s*(?:/|per\b|\^))"
)
_EXPRESSION = re.compile(r"(?:sqrt|sin|cos|exp|pi|\bt\b|[\d.]+|[-+*/() ])+")


def plain(text: str) -> str:
    """Lower case without slips, numerals for number words, decimal points: what the other readings expect."""
    text = mended(text.lower())
    text = text.replace("’", "'").replace("²", "^2").replace("×", "*").replace("−", "-").replace("–", "-")
    text = re.sub(r"(?<=\d),(?=\d)", ".", text)
    text = re.sub(r"\b(\d{1,2}):(\d\d)\b", lambda m: f"{60 * int(m[1]) + int(m[2])} s", text)
    text = re.sub(r"\b(half|quarter|third|tenth|hundredth) (?:of )?an? (?=second|sec|metre|meter)", _part, text)
    text = re.sub(r"\ba (?=(?:half|quarter|third|tenth|hundredth)\b)", "", text)
    text = re.sub(r"\b(half|quarter|third|tenth|hundredth) (?:of )?an? (?=second|sec|metre|meter)", _part, text)
    text = re.sub(r"\b(half|quarter|third|tenth|hundredth) (?=second|sec\b|metre|meter)", _part, text)
    text = re.sub(r"\b(first|next|another) (?=second\b)", r"\1 1 ", text)
    text = re.sub(r"\b(" + "|".join(_WORDS) + r")\b(?! frame)", lambda m: str(_WORDS[m[1]]), text)
    text = re.sub(r"(\d+) and (?:0\.5|a half|half)\b", lambda m: str(int(m[1]) + 0.5), text)
    text = re.sub(r"\b(\d+) (tenth|quarter|third)s of (?:a|1) second", _parts, text)
    text = re.sub(r"\ban? (?=(?:seconds?|sec|metre|meter|foot|inch)\b)", "1 ", text)
    text = re.sub(r"(?<=\d) (?:more|extra|additional|further|full|whole) (?=second|sec|s\b|ms\b)", " ", text)
    return re.sub(r"\s+", " ", text).strip()


def _parts(match: re.Match) -> str:
    return f"{int(match[1]) * _PARTS[match[2]]:.6g} second"


def _part(match: re.Match) -> str:
    return f"{_PARTS[match[1]]:.6g} "


def seconds(match_text: str) -> float | None:
    """The first time in a piece of text, in seconds; a bare number counts as seconds."""
    found = re.search(rf"{_NUMBER}\s*({_MILLISECONDS})?", match_text)
    if not found:
        return None
    return float(found[1]) * (0.001 if found[2] else 1.0)


def times(text: str) -> list[float]:
    """All times that are written with their unit, or after `t =` or `at`, in seconds."""
    pattern = (
        rf"{_NUMBER}\s*(?:{_MILLISECONDS}|{_SECONDS})"
        rf"|(?:\bt\s*(?:=|is|equals)\s*|\bsecond\s+|\bat\s+(?:time\s+|t\s+)?){_NUMBER}(?:\s*{_MILLISECONDS})?"
    )
    return [seconds(found[0]) for found in re.finditer(pattern, text)]


def span(text: str) -> tuple[float, float] | None:
    """Two times as in `from 0.5 to 1.2 s`, `between 0.5 and 1.2`, `0.5-1.2 s`."""
    found = re.search(
        rf"(?:from|between)\s+(?:second\s+|t\s*=\s*)?{_TIME}\s*(?:to|and|until|till|up to|through|-)\s*"
        rf"(?:second\s+|t\s*=\s*)?{_TIME}"
        rf"|{_TIME}\s*(?:to|until|till|through|-)\s*{_NUMBER}\s*(?:{_MILLISECONDS}|{_SECONDS})"
        rf"|seconds?\s+{_NUMBER}\s*(?:to|until|till|-|through)\s*{_NUMBER}",
        text,
    )
    if not found:
        return None
    first, second = (float(number) for number in found.groups() if number is not None)
    factor = 0.001 if re.search(_MILLISECONDS, found[0]) else 1.0
    return first * factor, second * factor


def bare_span(text: str) -> tuple[float, float] | None:
    """Two times without a unit, as in `window 0.3 to 1.3`."""
    found = re.search(rf"(?:window|range|interval|only|just)\s+(?:from\s+)?{_NUMBER}\s*(?:to|-)\s*{_NUMBER}", text)
    return (float(found[1]), float(found[2])) if found else None


def length(text: str) -> float | None:
    """The first length in a text, in metres; speeds and accelerations are not lengths."""
    found = re.search(rf"{_NUMBER}\s*-?\s*{_LENGTH_UNIT}", text)
    if not found:
        found = re.search(rf"{_NUMBER}\s*(\")", text)
        return float(found[1]) * 0.0254 if found else None
    unit = re.sub(r"(?:er|re)s?$|es$", "", found[2])
    return float(found[1]) * _METRES[unit]


def pixels_per_metre(text: str) -> float | None:
    """A scale such as `240 pixels per metre`, `1 m is 240 px` or `80 px = 50 cm`."""
    pixels = rf"{_NUMBER}\s*(?:px|pixels?)\b"
    unit = r"(?:(\d+(?:\.\d+)?)\s*)?" + _LENGTH_UNIT
    link = r"\s*(?:per|to an?|to|in|for|=|equals?|is|are|make|makes|/|correspond to|corresponds to|every|each)\s*"
    if found := re.search(pixels + link + r"(?:an?\s+|the\s+)?" + unit, text):
        count, metres, name = found[1], found[2], found[3]
    elif found := re.search(unit + r"[^\d]{0,40}?\s" + pixels, text) or re.search(unit + link + pixels, text):
        metres, name, count = found[1], found[2], found[3]
    else:
        return None
    return float(count) / (float(metres or 1) * _METRES[re.sub(r"(?:er|re)s?$|es$", "", name)])


def expression(text: str) -> str | None:
    """The longest piece of arithmetic in a text, None where there is none with an operator or a function in it."""
    text = text.replace("^", "**")
    text = re.sub(r"square root of ([\d.]+(?:\s*[-+*/]+\s*[\d.]+)*)", r"sqrt(\1)", text)
    text = re.sub(r"(?<=\d) (?:times|multiplied by) (?=\d)", "*", text)
    text = re.sub(r"(?<=\d) (?:divided by|over) (?=\d)", "/", text)
    text = re.sub(r"(?<=[\d)]) squared", "**2", text)
    text = re.sub(r"(?<=[\d)]) cubed", "**3", text)
    text = re.sub(r"(?<=\d) plus (?=\d)", "+", text)
    text = re.sub(r"(?<=\d) minus (?=\d)", "-", text)
    pieces = [
        found[0].strip(" -+*/") if "(" not in found[0] else found[0].strip() for found in _EXPRESSION.finditer(text)
    ]
    sums = [
        piece for piece in pieces if re.search(r"\d\s*[-+*/]|\)\s*[-+*/]|pi\s*[-+*/]|(?:sqrt|sin|cos|exp)\s*\(", piece)
    ]
    return max(sums, key=len, default=None)


def scale(text: str) -> Scale:
    """A known length such as `6.7 cm` or `the ball is 6.7 cm wide`, `412 px/m` or `1 m is 412 pixels`, `3 m away`.

    Raises:
        UserError: the text holds no length, or one that is not positive.
    """
    words = plain(text)
    if (density := pixels_per_metre(words)) is not None:
        return Scale(pixels_per_metre=density)
    metres = length(words)
    if metres is None:
        raise UserError(
            f"{text!r} is no scale; give the object's diameter ('6.7 cm'), pixels per metre ('412 px/m') or its mean "
            f"distance from the camera ('3 m away')"
        )
    return Scale(distance_m=metres) if re.search(_DISTANCE, words) else Scale(diameter_m=metres)
