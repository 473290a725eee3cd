"""A video's clock: whether its time stamps can be true, how many frames a second it has, and what to tell the user.

Filmed files lie. Some containers hold no times of display, and the reader's guesses are out of order; a recorder's
clock stands still or starts again; a header counts frames that are cut off, and divides by the wrong number of seconds.
What is decided here rests on the stamps of the pictures that are shown, and not on the header, as long as they can be
true. Uneven stamps can: phones film so, and leave frames out.
"""

from dataclasses import dataclass

import numpy as np

GUESSED_RATE = 25.0
"""Frames a second where a file has neither timestamps nor a frame rate."""
DISAGREEMENT = 0.03
"""Part by which the header may differ from what is shown without a word."""
_FEW, _FEW_PART = 2, 0.01
"""So many stamps, or such a part of them, may not rise, by damage and rounding; those frames are left out."""
_MISSING = 0.1
"""Part of the pictures that may lack a stamp; each comes one usual step after the one before."""
_REORDERED = 33
"""Pictures after which no codec shows an earlier one."""
_PAUSE = 10.0
"""Steps longer than this many usual ones are pauses, and do not count in the rate."""


@dataclass(frozen=True)
class Look:
    """What was seen of a file's stamps without decoding it; stamps are in seconds, NaN where a picture has none."""

    stored_s: np.ndarray
    """(N,) of the pictures that a player shows, in the order of the file."""
    displayed_s: np.ndarray | None
    """(M,) of the first pictures in the order of display; None where that is the order of the file."""
    tick_s: float
    """Seconds that stamps are whole multiples of."""
    whole: bool
    """The look reached the end of the file."""


@dataclass(frozen=True)
class Clock:
    """When the pictures of a video were taken."""

    rate: float
    """Frames a second on average, without pauses."""
    stamped: bool
    """The file's stamps are used; otherwise picture k is at k / `rate`."""
    exact: bool
    """Each picture that was looked at has a stamp of its own, so that times are the same wherever reading begins."""
    frame_count: int | None
    """Pictures shown; the header's count where the look did not reach the end, None if unknown."""
    notes: tuple[str, ...] = ()
    """Sentences for the person who reads the answer."""


def clock_of(look: Look, header_rate: float | None, header_count: int | None) -> Clock:
    """Decide on the clock of a file.

    Args:
        header_rate: frames a second that the header claims.
        header_count: frames that it counts.
    """
    wrong = _what_is_wrong(look)
    notes: tuple[str, ...]
    if wrong:
        rate = _rate_of_order(look, header_rate)
        notes = (f"{wrong}, so frame k is taken to be at k / {in_words(rate)} s; give --fps if that is wrong",)
    else:
        rate, notes = _rate_of_stamps(look, header_rate)
    shown = len(look.stored_s) if wrong else int(np.isfinite(look.stored_s).sum())
    count = header_count
    if look.whole and shown and (not header_count or _differ(header_count, shown)):
        count = shown
        if header_count:
            notes += (f"the header counts {header_count} frames, {shown} are shown",)
    exact = not wrong and len(np.unique(look.stored_s[np.isfinite(look.stored_s)])) == len(look.stored_s)
    exact = exact and bool((np.diff(_shown(look)) > 0).all())
    return Clock(rate, not wrong, exact, count, notes)


def in_words(rate: float) -> str:
    """Frames a second as a person writes them: 25, 29.97."""
    return f"{rate:.4g}" if rate < 1000 else f"{rate:.0f}"


def _what_is_wrong(look: Look) -> str:
    """Why the stamps can't be the times of the pictures, in words; empty where they can."""
    shown = _shown(look)
    known = shown[np.isfinite(shown)]
    if len(shown) == 0 or len(known) < (1 - _MISSING) * len(shown):
        return "many frames of the file have no time stamp" if len(known) else "the file has no time stamps"
    out_of_order = "the file's time stamps are out of order"
    stored = look.stored_s[np.isfinite(look.stored_s)]
    back = int((known[1:] < np.maximum.accumulate(known)[:-1]).sum())
    # Stamps that rise through the file while the pictures don't come in its order are times of decoding.
    reorders = look.displayed_s is not None
    if reorders and (_many(back, len(known)) or (back and (np.diff(stored) > 0).all())):
        return out_of_order
    window = _REORDERED if reorders else 1
    late = int((stored[window:] < np.maximum.accumulate(stored)[:-window]).sum())
    if _many(late, len(stored)):
        return out_of_order
    if _many(len(stored) - len(np.unique(stored)), len(stored)):
        return "many of the file's time stamps are equal"
    return ""


def _shown(look: Look) -> np.ndarray:
    return look.stored_s if look.displayed_s is None else look.displayed_s


def _many(wrong: int, of: int) -> bool:
    return wrong > max(_FEW, _FEW_PART * of)


def _differ(claimed: float, seen: float) -> bool:
    return abs(claimed / seen - 1) > DISAGREEMENT


def _rate_of_stamps(look: Look, header_rate: float | None) -> tuple[float, tuple[str, ...]]:
    """Frames a second by stamps that can be true, and a sentence where the header claims something else."""
    stamps = look.stored_s[np.isfinite(look.stored_s)]
    gaps = np.diff(np.unique(stamps))
    if len(gaps) == 0:
        return header_rate or GUESSED_RATE, ()
    usual = float(np.median(gaps))
    going = gaps[gaps <= _PAUSE * usual]
    steps = len(stamps) - 1 - (len(gaps) - len(going))  # between all pictures, the few that share a stamp included
    rate = steps / float(going.sum())
    if header_rate is None:
        return rate, ()
    if abs(steps / header_rate - going.sum()) <= look.tick_s:
        return header_rate, ()  # stamps are rounded, it is not
    if not look.whole and np.isclose(gaps, usual, rtol=0.05, atol=look.tick_s).mean() < 0.9:
        return header_rate, ()  # an uneven rate may be another one in the part that was not looked at
    # A header that counts the ticks of the clock claims nothing. One that names the rate before frames were left out,
    # or the average over pauses, is right in its way.
    claims = header_rate * look.tick_s < 0.9
    if claims and all(_differ(header_rate, seen) for seen in (rate, 1 / usual, 1 / float(gaps.mean()))):
        claimed = f"the header claims {in_words(header_rate)} frames a second"
        return rate, (f"{claimed}, the frames' own times say {in_words(rate)}, which was used",)
    return rate, ()


def _rate_of_order(look: Look, header_rate: float | None) -> float:
    """Frames a second where stamps can't be true: the header's, unless most of them still agree on another one."""
    stamps = look.stored_s[np.isfinite(look.stored_s)]
    # Sorted only where they are out of order by a few: of a clock that starts again they would be shuffled.
    gaps = np.diff(stamps if look.displayed_s is None else np.sort(stamps[: 2 * _REORDERED]))
    rising = gaps[gaps > 0]
    if len(rising):
        alike = np.isclose(gaps, np.median(rising), rtol=0.05, atol=look.tick_s)
        usual = 1 / float(gaps[alike].mean())
        if alike.mean() > 0.75 and (header_rate is None or _differ(header_rate, usual)):
            return usual
    return header_rate or GUESSED_RATE
