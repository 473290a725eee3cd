"""An answer as a person reads it in a terminal: what it is, what was measured, its equations, and what they rest on."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.readable import bounce, lines
from trajvlm.ui.answer_details import NOTHING, Extras
from trajvlm.ui.measured_words import constants_in_words, depth_in_words, misses_in_words, phase_in_words, warnings

if TYPE_CHECKING:
    from trajvlm.vlm.describe import Description
    from trajvlm.vlm.described import Described

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
    if not description.known and description.doubt:
        print_line(answers, "doubt", description.doubt, "bold red")
    if description.measurement is not None:
        print_line(answers, "measured", constants_in_words(description, extras.metres), "bold")
        print_line(answers, "", misses_in_words(description))
        _equation(answers, "equation", description.best.scaled(metres), "bold")
    elif description.refined is not None:
        _equation(answers, "refined", description.refined.scaled(metres), "bold")
    _bounce(answers, description.best.scaled(metres), description.lasts_s, "u" if extras.metres is None else "m")
    for warning in warnings(description, extras.metres):
        print_line(answers, "note", warning, "bold")
    if len(description.phases) > 1:
        _several(answers, "phases", [phase_in_words(phase) for phase in description.phases])
    frame, place = description.to_dict()["frame"], description.clip.placement
    end = place.t0_s + place.duration_s
    window = f"t counts seconds from {place.t0_s:.2f} s of the video"
    print_line(answers, "time", window + f"; the networks saw {place.t0_s:.2f} to {end:.2f} s")
    print_line(answers, "axes", "x to the right, y up, z towards the camera")
    if extras.scale is not None:
        print_line(answers, "unit", f"metre, as {extras.scale}; {metres:.4g} m are {frame['length_unit']}")
    elif "length_unit" in frame:
        print_line(answers, "unit", str(frame["length_unit"]))
    for note in description.clip.notes:
        print_line(answers, "note", note)
    print_line(answers, "limit", depth_in_words(description, field_of_view, extras.metres is not None))
    if description.measurement is not None and description.refined is not None:
        _equation(answers, "refined", description.refined.scaled(metres), "dim")
    style = "bold" if description.measurement is None and description.refined is None else "dim"
    _equation(answers, "raw", description.equation.scaled(metres), style)
    if description.second_opinion is not None:
        said = None if not description.known else description.doubt
        print_line(answers, "together", said or "the language model and the fit to its tokens agree")
    _reply(answers, extras)


def print_pair(answers: Console, found: "Described", extras: Extras = NOTHING) -> None:
    """The answer about a left and a right video."""
    named = [(view.side, description) for view, description in zip(found.projections, found.views)]
    names = " and ".join(str(description.clip.source) for _, description in named)
    headline = Text.assemble((names, "bold"), "\n  ", (found.finding, "bold green"), f": {found.meaning}")
    answers.print(headline, soft_wrap=True)
    print_line(answers, "confidence", f"{found.confidence:.0%}{_rivals(found)}")
    _equation(answers, "two views", found.best, "bold")
    _bounce(answers, found.best, found.clip.placement.duration_s, found.unit)
    views = ", ".join(
        f"{side} {one.model_family} ({one.model_probabilities[one.model_family]:.0%})" for side, one in named
    )
    print_line(answers, "model alone", views)
    print_line(answers, "time", f"t counts seconds from {found.clip.placement.t0_s:.2f} s of the left video")
    print_line(answers, "axes", "x to the right, y up, z towards the left camera, from its pinhole")
    print_line(answers, "unit", f"{found.unit}, as in the cameras' file")
    print_line(answers, "misses", f"the curve by {found.miss}, median")
    for note in filter(None, (found.doubt, *found.clip_notes)):
        print_line(answers, "note", note)
    _reply(answers, extras)


def _reply(answers: Console, extras: Extras) -> None:
    if extras.reply is not None:
        print_line(answers, "answer", f"{extras.reply.text} (by: {extras.reply.model})")


def _rivals(description: "Described") -> str:
    others = sorted(
        ((name, p) for name, p in description.probabilities.items() if name != description.family),
        key=lambda rival: -rival[1],
    )
    shown = [f"{name} {p:.0%}" for name, p in others[:_SHOWN_RIVALS] if p >= 0.01]
    return f" (next: {', '.join(shown)})" if shown else ""


def _several(answers: Console, label: str, texts: list[str], style: str = "") -> None:
    for k, text in enumerate(texts):
        print_line(answers, label if k == 0 else "", text, style)


def _equation(answers: Console, label: str, equation: Equation, style: str) -> None:
    _several(answers, label, lines(equation), style)


def _bounce(answers: Console, equation: Equation, duration_s: float, unit: str) -> None:
    if (found := bounce(equation)) is not None:
        print_line(answers, "bounce", found.in_words(duration_s, unit))


def print_line(answers: Console, label: str, text: str, style: str = "") -> None:
    answers.print(Text.assemble("  ", (f"{label:<12}", "dim"), (text, style)), soft_wrap=True)
