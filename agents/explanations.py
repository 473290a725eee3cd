"""Explanations in words: why a motion is of its family, and how far a number can be trusted."""

from typing import TYPE_CHECKING

from trajvlm.agents.session import Session
from trajvlm.agents.wording import doubt, measured_in_words

if TYPE_CHECKING:
    from trajvlm.vlm.described import Described

_WHY = {
    "linear": "Nothing pulls it to a side and nothing brakes or drives it much, so in equal times it covers equal "
    "distances: x, y and z each grow by the same amount every second, which is a straight line.",
    "parabolic": "Once it is let go, nothing pushes it sideways, so it covers equal distances to the side in equal "
    "times: x grows with t. Gravity pulls it down with the same strength all the time, so its speed downwards grows "
    "by the same amount every second, and what it falls grows with t². A distance that grows with t one way and with "
    "t² the other is a parabola.",
    "circular": "Something holds it at a fixed distance from one point and turns it at a steady rate, so one "
    "coordinate follows a cosine and the other a sine of the same time: together they are a circle.",
    "helical": "It runs round a circle at a steady rate, a cosine and a sine of the same time, and is carried along "
    "at a steady speed meanwhile: together they are a helix.",
    "oscillating": "The further it is from the middle, the harder it is pulled back there. Such a motion to and fro "
    "follows a sine: fast through the middle, at rest at both ends, each swing as long as the one before.",
    "damped": "The further it is from the middle, the harder it is pulled back, which makes it swing as a sine; "
    "friction takes the same share of every swing, so the swings shrink exponentially.",
    "spiral": "It turns at a steady rate while its distance from the middle shrinks or grows by the same share every "
    "second: a circle whose radius is an exponential.",
    "bouncing": "Between two impacts it flies freely, and a free flight is a parabola. Each impact keeps the same "
    "share of its speed, so every flight is lower and shorter than the one before by the same share.",
}


_REFUSED = {
    "several_move": "Which of several objects is meant nobody said, so the answer about the clearest is not believed.",
    "held": "Something holds or guides it, and a law of free motion says nothing of that.",
    "irregular": "None of the families' curves runs where the object was seen.",
    "too_short": "In so few frames a curve of any family runs near the object.",
    "camera_moves": "With a camera that moves, a place in the picture is none in the world.",
}
"""Why an answer is not believed, by its reason."""


def why(found: "Described") -> str:
    """Why the motion is of its family, or is refused, and what speaks for it in this clip."""
    text = f"The motion is {found.finding}: {found.meaning}. "
    refused = None if found.calibrated else found.views[0].refused
    if refused is not None:
        text = f"The answer is refused ({found.finding}). {_REFUSED.get(refused[0], '')} "
    elif found.known:
        text += f"{_WHY.get(found.family, '')} ".lstrip()
    return f"{text}{evidence(found)}"


def evidence(found: "Described") -> str:
    """How well the curve fits the clip, and whether language model and fit agree."""
    text = f"What speaks for {found.family} in this clip: a confidence of {found.confidence:.0%}"
    if (near := _nearness(found)) is not None:
        text += f", and a curve that {near}"
    against = doubt(found)
    return f"{text}." + (f" Against it: {against[0].lower()}{against[1:]}" if against else "")


def _nearness(found: "Described") -> str | None:
    """How far the best curve runs from the object or the decoded track, after `the curve`; None without a fit."""
    measurement = None if found.calibrated else found.views[0].measurement
    if measurement is not None:
        frames = len(measurement.best.residuals_px)
        away = f"{measurement.best.residual_px:.2g} pixels of the video"
        return f"misses the object by {away} in {frames} frames (root mean square)"
    return None if found.miss is None else f"misses the track by {found.miss}"


def error(session: Session) -> str:
    """What is known of the errors of the numbers: standard errors of what was measured, and what is not in them."""
    found = session.description()
    measured = measured_in_words(found, session.metres_per_unit)
    if measured:
        text = (
            f"After ± stands one standard error: {measured}. It comes from how the object's places on the video's own "
            f"pixels scatter about the curve, which {_nearness(found)}; errors that neighbouring frames have in common "
            f"are counted, and so is, where depth is not seen, a camera that stands some six degrees aslant. Not in it "
            f"are the scale, the lens and the frame rate. Numbers without ± have no error computed. "
        )
    else:
        text = "No error is computed for any number here, so none can be given with it. What is known: "
        if found.miss is None:
            text += "there is no fit, so not even how far the curve runs from the track. "
        else:
            text += f"the curve misses the track by {found.miss}, at the median; a systematic error is not in that. "
    text += f"{_of_scale(session)} Speeds go with the frame rate and accelerations with its square. "
    other = "calibration" if found.calibrated else "known length"
    return (
        f"{text}For an error of your own, measure again: another throw, another window, another {other}. "
        f"{evidence(found)}"
    )


def _of_scale(session: Session) -> str:
    scale = session.scale
    if session.description().calibrated:
        return (
            "Lengths rest on the cameras' file: one percent in the distance between the cameras is one percent in "
            "every length, speed and g."
        )
    if scale is None:
        return "No scale is set, and lengths in u do not tell how large anything is."
    if scale.diameter_m is not None:
        return (
            "The scale rests on the object's width of a few pixels and is good to some ten percent at best, which "
            "every length, speed and g has too."
        )
    return "The scale that you gave goes into every length: one percent there is one percent in speeds and in g."
