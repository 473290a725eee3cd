"""An answer as a person reads it in a terminal: what it is, its equations, and what they rest on."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.readable import bounce, lines
from trajvlm.ui.answer_details import NOTHING, Extras

if TYPE_CHECKING:
    from trajvlm.vlm.describe import Description
    from trajvlm.vlm.stereo import StereoDescription

_SHOWN_RIVALS = 2


def print_answer(
    answers: Console,
    video: str,
    description: "Description",
    field_of_view: float = 60.0,
    truth: str | None = None,
    extras: Extras = NOTHING,
) -> None:
    """The answer about one video.

    Args:
        field_of_view: that was assumed, in degrees.
        truth: the true family, where it is known.
        extras: with a scale the equations are in metres.
    """
    metres = 1.0 if extras.metres is None else extras.metres
    found = (description.finding, "bold green" if description.known else "bold red")
    headline = Text.assemble((video, "bold"), "\n  ", found, f": {description.meaning}")
    answers.print(headline, soft_wrap=True)
    if truth is not None:
        print_line(answers, "truth", truth if truth != description.family else f"{truth}, so the family is right")
    print_line(answers, "confidence", f"{description.confidence:.0%}{_rivals(description)}")
    if description.refined is not None:
        _equation(answers, "refined", description.refined.scaled(metres), "bold")
    duration = description.clip.placement.duration_s
    _bounce(answers, description.best.scaled(metres), duration, "u" if extras.metres is None else "m")
    if description.second_opinion is not None:
        print_line(answers, "together", description.doubt or "the language model and the fit to its tokens agree")
    raw = description.equation.scaled(metres)
    _equation(answers, "raw", raw, "bold" if description.refined is None else "")
    frame, place = description.to_dict()["frame"], description.clip.placement
    end = place.t0_s + place.duration_s
    window = f"t counts seconds from {place.t0_s:.2f} s of the video; used {place.t0_s:.2f} to {end:.2f} s"
    print_line(answers, "time", window)
    print_line(answers, "axes", "x to the right, y up, z towards the camera")
    if extras.scale is not None:
        print_line(answers, "unit", f"metre, as {extras.scale}; {metres:.4g} m are {frame['length_unit']}")
    elif "length_unit" in frame:
        print_line(answers, "unit", str(frame["length_unit"]))
    for note in description.clip.notes:
        print_line(answers, "note", note)
    unknown = "how deep a path is" if extras.scale else "how large or how far away the object is, nor how deep its path"
    limit = f"one camera can't tell {unknown}: the scale of z assumes a field of view of {field_of_view:g} degrees"
    print_line(answers, "limit", limit)
    if extras.reply is not None:
        print_line(answers, "answer", f"{extras.reply.text} (by: {extras.reply.model})")


def print_pair(answers: Console, found: "StereoDescription") -> None:
    """The answer about a left and a right video."""
    names = f"{found.left.clip.source} and {found.right.clip.source}"
    headline = Text.assemble((names, "bold"), "\n  ", (found.family, "bold green"), f": {found.meaning}")
    answers.print(headline, soft_wrap=True)
    print_line(answers, "confidence", f"{found.confidence:.0%}{_rivals(found)}")
    _equation(answers, "two views", found.equation, "bold")
    _bounce(answers, found.equation, found.left.clip.placement.duration_s, found.pair.unit)
    views = ", ".join(
        f"{side} {view.model_family} ({view.model_probabilities[view.model_family]:.0%})"
        for side, view in (("left", found.left), ("right", found.right))
    )
    print_line(answers, "model alone", views)
    place = found.left.clip.placement
    print_line(answers, "time", f"t counts seconds from {place.t0_s:.2f} s of the left video")
    print_line(answers, "axes", "x to the right, y up, z towards the left camera, from its pinhole")
    print_line(answers, "unit", f"{found.pair.unit}, as in the cameras' file")
    misses = " and ".join(f"{miss:.2g}" for miss in found.reprojection_px)
    print_line(answers, "misses", f"the curve by {misses} pixels of the left and the right video, median")
    for note in found.notes:
        print_line(answers, "note", note)
    for side, view in (("left", found.left), ("right", found.right)):
        for note in view.clip.notes:
            print_line(answers, "note", f"{side}: {note}")


def _rivals(description: "Description | StereoDescription") -> str:
    others = sorted(
        ((name, p) for name, p in description.probabilities.items() if name != description.family),
        key=lambda rival: -rival[1],
    )
    shown = [f"{name} {p:.0%}" for name, p in others[:_SHOWN_RIVALS] if p >= 0.01]
    return f" (next: {', '.join(shown)})" if shown else ""


def _equation(answers: Console, label: str, equation: Equation, style: str) -> None:
    for k, line in enumerate(lines(equation)):
        print_line(answers, label if k == 0 else "", line, style)


def _bounce(answers: Console, equation: Equation, duration_s: float, unit: str) -> None:
    if (found := bounce(equation)) is not None:
        print_line(answers, "bounce", found.in_words(duration_s, unit))


def print_line(answers: Console, label: str, text: str, style: str = "") -> None:
    answers.print(Text.assemble("  ", (f"{label:<12}", "dim"), (text, style)), soft_wrap=True)
