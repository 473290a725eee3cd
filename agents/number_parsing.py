"""Read numbers in a sentence whole, with signs, fractions and powers of ten, or refuse them."""

import math
import re

import numpy as np

from trajvlm.data.errors import UserError

_DECIMAL = r"(?:\d+(?:\.\d*)?|\.\d+)"
_NUMBER = re.compile(
    rf"\+?(?:(?:(?P<whole>\d+)[\s-]+)?(?P<top>\d+)\s?/\s?(?P<bottom>\d+)"
    rf"|(?P<decimal>{_DECIMAL}(?:e[-+]?\d+)?)(?:\s*[*x]\s*10\s*(?:\^|\*\*)\s*(?P<power>[-+]?\d+))?)"
)
PIECE = (
    r"\b(?:minus|not|point|dozen|hundreds?|thousands?|millions?|half|halves|ten|eleven|twelve|\w+teen"
    r"|(?:twen|thir|for|fif|six|seven|eigh|nine)ty"
    r"|(?:third|quarter|fourth|fifth|sixth|eighth|tenth|hundredth|thousandth)s?)(?: of)?(?: an?)?\s*"
)
"""Words before a number that is a part of another one, such as `half` or `thirty`."""
MINUS = "−"
"""Minus sign in texts that `decimals` returns; a hyphen there is a dash."""
PLAIN = rf"{MINUS}?(?:\d+(?:\.\d+)?|\.\d+)"
"""A number in texts that `decimals` returns."""

_RUN = re.compile(
    r"(?<![\w.)])(?:[-+±~]\s?)*"
    r"(?:\d+[ -](?=\d+ ?/ ?\d))?[\d.]"
    r"(?:[\d.]|e[-+]?(?=\d)|\s?/\s?(?=[\d.])|[*^±](?=[-\d.])|\s?[*x]\s?(?=10 ?(?:\^|\*)))*"
    r"(?:(?<=\^)-?\d+)?"
)
_UNIT = (
    r"(?:\s*(?:seconds?|secs?|s|milliseconds?|msec|ms|fps|hz|frames|pictures|images|degrees?|deg|times)\b"
    r"|\s*°|\s*(?:x|fold)\b)"
)
_BEFORE = (
    r"(?:\bt\s*(?:=|is|equals)|\bat(?: time| t)?|\b(?:from|between|until|till|before|after|since|past|first|next|last"
    r"|second|rate|fps|factor of|by))\s*$"
)


def read(number: str) -> float | None:
    """The value of a decimal, a power of ten or a fraction, without a minus; None where it is not read whole."""
    found = _NUMBER.fullmatch(number)
    if not found or (found["bottom"] and not int(found["bottom"])):
        return None
    if found["bottom"]:
        return int(found["whole"] or 0) + int(found["top"]) / int(found["bottom"])
    value = float(found["decimal"]) * float(f"1e{found['power'] or 0}")
    return value if value < math.inf else None


def value(plain: str) -> float:
    """The value of a number that `PLAIN` matched."""
    return float(plain.replace(MINUS, "-"))


def decimals(text: str) -> str:
    """The text with every number as a plain decimal, `MINUS` before a negative one: `at -1/2 s` as `at −0.5 s`.

    Raises UserError for a number that counts seconds, frames, degrees or times and can't be read whole.
    """
    text = re.sub(r"\bminus (?=[\d.])", "-", text)
    return _RUN.sub(_decimal, text)


def _decimal(run: re.Match) -> str:
    before, after = run.string[: run.start()], run.string[run.end() :]
    split = re.fullmatch(r"((?:[-+±~]\s?)*)(.*)", run[0], re.DOTALL)
    assert split is not None  # both parts may be empty
    sign, number = split.groups()
    number = number.rstrip(".") if number.rstrip(".") else number
    ending = run[0][len(sign) + len(number) :]
    counts = re.match(_UNIT, after) or re.search(_BEFORE, before)
    # Between words, or behind a number and its unit, a hyphen with a space is a dash.
    dash = bool(counts and re.search(r"(?:\d|⟧|\b(?:s|ms|secs?|seconds?))\s*$", before)) or bool(
        re.search(r"\s$", sign) and not re.search(r"(?:=|\b(?:at|is|from|to|and|between|t))\s*$", before)
    )
    found = read(number)
    piece = re.search(f"(?:{PIECE})$", before)
    if found is None or sign.strip() not in ("", "-", "+", "~") or (counts and piece):
        if counts:
            shown = (before[piece.start() :] if piece else "") + run[0] + (re.match(_UNIT, after) or [""])[0]
            raise UserError(f"{shown.strip()!r} can't be read as one number; write it as a decimal, such as 0.5")
        return run[0]
    written = number if re.fullmatch(r"\d+(?:\.\d+)?|\.\d+", number) else np.format_float_positional(found, trim="-")
    if sign.strip() == "-":
        return (sign if dash else MINUS) + written + ending
    return written + ending
