"""Explanations in words: why a motion is of its family, and how far a number can be trusted."""

from typing import TYPE_CHECKING

from trajvlm.agents.session import Session

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


def why(found: "Described") -> str:
    """Why the motion is of its family, and what speaks for it in this clip."""
    text = f"The motion is {found.finding}: {found.meaning}. "
    if found.known:
        text += f"{_WHY.get(found.family, '')} ".lstrip()
    return f"{text}{evidence(found)}"


def evidence(found: "Described") -> str:
    """How well the curve fits the clip, and whether language model and fit agree."""
    text = f"What speaks for {found.family} in this clip: a confidence of {found.confidence:.0%}"
    if found.miss is not None:
        text += f", and a curve that misses the track by {found.miss}"
    doubt = f" Against it: {found.doubt}." if found.doubt else ""
    return f"{text}.{doubt}"


def error(session: Session) -> str:
    """What is known of the errors of the numbers, none of which is computed."""
    found = session.description()
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
