"""Correct typing errors in the words that the router knows: `velocty` is read as `velocity`."""

import re
from difflib import get_close_matches

_WORDS = (
    "acceleration accelerate amplitude analyse circular coordinates confidence curve describe diameter distance "
    "download equation extrapolate forecast formula frequency gravity height helical metres oscillation overlay "
    "parabola pendulum period pixels position predict radius reconstruction revolution seconds spreadsheet trajectory "
    "velocity"
).split()
_ALIKE = 0.86
"""Least similarity, 0 to 1: one wrong letter in seven is corrected, and no other English word becomes a known one."""
_SHORTEST = 6


def mended(text: str) -> str:
    """Lower-case text in which misspelt known words are corrected."""
    return re.sub(r"[a-z]+", _word, text)


def _word(match: re.Match) -> str:
    word = match[0]
    if len(word) < _SHORTEST or {word, word + "s", word.removesuffix("s")} & set(_WORDS):
        return word
    return next(iter(get_close_matches(word, _WORDS, 1, _ALIKE)), word)
