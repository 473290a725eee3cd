"""Numbers in a person's words: times, lengths and arithmetic, read out of a sentence by patterns."""

import re
import unicodedata

from trajvlm.agents.fuzzy_match import mended
from trajvlm.agents.number_parsing import PLAIN, value
from trajvlm.data.errors import UserError

_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_PARTS = {"half": 0.5, "third": 1 / 3, "quarter": 0.25, "tenth": 0.1, "hundredth": 0.01, "fifth": 0.2, "eighth": 0.125}
_SPEED_OF_PLAY = r"(?:(?:the|its|real|normal|original|true|actual|full) ?)+-?speed\b"
_NUMBER = rf"({PLAIN})"
_MOST_DIGITS = 30
_SECONDS = r"(?:seconds?|secs?|s)\b"
_MILLISECONDS = r"(?:milliseconds?|msec|ms)\b"
_TIME = rf"(?:{_NUMBER}\s*(?:{_MILLISECONDS}|{_SECONDS})?)"
_EXPRESSION = re.compile(r"(?:sqrt|sin|cos|exp|pi|\bt\b|[\d.]+|[-+*/() ])+")


def plain(text: str) -> str:
    """Lower-case text without typing errors, with numerals for number words and with decimal points, for the other
    parsers.

    Raises UserError for a number of very many digits, and for one whose comma may mean two things.
    """
    if re.search(rf"\d{{{_MOST_DIGITS + 1}}}", text):
        raise UserError(f"a number has more than {_MOST_DIGITS} digits; write it shorter, such as 1e40")
    if found := re.search(r"(?<![\d.,])[1-9]\d{0,2}(?:,\d{3})+(?![\d,])", text):
        raise UserError(f"{found[0]} may be thousands or a decimal; write it without a comma, or with another digit")
    text = re.sub("[¼-¾⅐-⅞]", _vulgar, mended(text.lower()))
    text = text.replace("’", "'").replace("²", "^2").replace("×", "*").replace("−", "-").replace("–", "-")
    text = re.sub(r"(?<=\d),(?=\d)", ".", text.replace("⁄", "/"))
    text = re.sub(r"\b(\d{1,2}):(\d\d)\b", lambda m: f"{60 * int(m[1]) + int(m[2])} s", text)
    text = re.sub(r"\b(half|quarter|third|tenth|hundredth) (?:of )?an? (?=second|sec|metre|meter)", _part, text)
    text = re.sub(rf"\ban? (?=(?:{'|'.join(_PARTS)})\b)", "", text)
    text = re.sub(r"\b(half|quarter|third|tenth|hundredth) (?:of )?an? (?=second|sec|metre|meter)", _part, text)
    text = re.sub(r"\b(half|quarter|third|tenth|hundredth) (?=second|sec\b|metre|meter)", _part, text)
    text = re.sub(rf"\b({'|'.join(_PARTS)})(?: of)? (?={_SPEED_OF_PLAY})", _part, text)
    text = re.sub(r"\b(first|next|another) (?=second\b)", r"\1 1 ", text)
    text = re.sub(r"\b(" + "|".join(_WORDS) + r")\b(?! frame)", lambda m: str(_WORDS[m[1]]), text)
    text = re.sub(r"(\d+) and (?:a )?(half|0\.5|0\.25|0\.333333)\b", _and_part, text)
    text = re.sub(r"\b(\d+) (tenth|quarter|third|fifth|eighth|hundredth)s of (?:a|1) second", _parts, text)
    text = re.sub(r"\ban? (?=(?:seconds?|sec|metre|meter|foot|inch)\b)", "1 ", text)
    text = re.sub(r"(?<=\d) (?:more|extra|additional|further|full|whole) (?=second|sec|s\b|ms\b)", " ", text)
    return re.sub(r"\s+", " ", text).strip()


def _vulgar(match: re.Match) -> str:
    """`½` as ` 1/2`: the space parts it from a whole number before it."""
    return " " + unicodedata.normalize("NFKC", match[0])


def _parts(match: re.Match) -> str:
    return f"{int(match[1]) * _PARTS[match[2]]:.6g} second"


def _and_part(match: re.Match) -> str:
    """`2 and half` as `2.5`."""
    return f"{int(match[1]) + (_PARTS.get(match[2]) or float(match[2])):.6g}"


def _part(match: re.Match) -> str:
    return f"{_PARTS[match[1]]:.6g} "


def seconds(match_text: str) -> float | None:
    """The first time in a piece of text, in seconds; a bare number counts as seconds."""
    found = re.search(rf"{_NUMBER}\s*({_MILLISECONDS})?", match_text)
    if not found:
        return None
    return value(found[1]) * (0.001 if found[2] else 1.0)


def times(text: str) -> list[float]:
    """All times that are written with their unit, or after `t =` or `at`, in seconds."""
    pattern = (
        rf"{_NUMBER}\s*(?:{_MILLISECONDS}|{_SECONDS})"
        rf"|(?:\bt\s*(?:=|is|equals)\s*|\bsecond\s+|\bat\s+(?:time\s+|t\s+)?){_NUMBER}(?:\s*{_MILLISECONDS})?"
    )
    found = (seconds(match[0]) for match in re.finditer(pattern, text))
    return [time for time in found if time is not None]


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
    first, second = (value(number) for number in found.groups() if number is not None)
    factor = 0.001 if re.search(_MILLISECONDS, found[0]) else 1.0
    return first * factor, second * factor


def bare_span(text: str) -> tuple[float, float] | None:
    """Two times without a unit, as in `window 0.3 to 1.3`."""
    found = re.search(rf"(?:window|range|interval|only|just)\s+(?:from\s+)?{_NUMBER}\s*(?:to|-)\s*{_NUMBER}", text)
    return (value(found[1]), value(found[2])) if found else None


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
    pieces = [_whole(text, found) for found in _EXPRESSION.finditer(text)]
    sums = [
        piece for piece in pieces if re.search(r"\d\s*[-+*/]|\)\s*[-+*/]|pi\s*[-+*/]|(?:sqrt|sin|cos|exp)\s*\(", piece)
    ]
    return max(sums, key=len, default=None)


def _whole(text: str, found: re.Match) -> str:
    """A piece of arithmetic with all that touches it, such as a name before its brackets, so that it is read whole or
    refused."""
    piece = found[0].strip() if "(" in found[0] else found[0].strip(" -+*/")
    if not piece:
        return ""
    start = found.start() + found[0].index(piece)
    left = re.search(r"[^\s?,;:=\"']*$", text[max(0, start - 60) : start])
    right = re.match(r"[^\s?,;:=\"']*", text[start + len(piece) :])
    assert left is not None and right is not None  # both may be empty
    return left[0] + piece + right[0]
