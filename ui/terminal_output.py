"""An answer as a person reads it in a terminal: what it is, what was measured, its equations, and what they rest on."""

import textwrap
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.readable import NO_BREAK, bounce, lines, unbroken_terms
from trajvlm.ui.answer_details import NOTHING, Extras
from trajvlm.ui.measured_words import (
    constants_in_words,
    depth_in_words,
    misses_in_words,
    phase_in_words,
    refusal_in_words,
    unbroken,
    warnings,
    what_is_refused,
)

if TYPE_CHECKING:
    from trajvlm.vlm.describe import Description
    from trajvlm.vlm.described import Described

_SHOWN_RIVALS = 2
_LABEL = 14
"""Characters before a line's text."""


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
    metres, place = 1.0 if extras.metres is None else extras.metres, description.clip.placement
    answers.print(Text(video, "bold"), soft_wrap=True)
    if refused := refusal_in_words(description):
        _print(answers, "  ", refused, "bold red")
        for x, y, t in description.objects:
            print_line(answers, "object", f"--at {x:.0f},{y:.0f} is seen from {t:.2f} s on")
        print_line(answers, what_is_refused(description), f"{description.family}: {description.meaning}")
    else:
        style = "bold green" if description.known else "bold red"
        _print(answers, "  ", f"{description.finding}: {description.meaning}", style, len(description.finding))
    if truth is not None:
        print_line(answers, "truth", truth if truth != description.family else f"{truth}, so the family is right")
    if description.measurement is not None:
        print_line(answers, "measured", constants_in_words(description, extras.metres), "bold")
        print_line(answers, "", misses_in_words(description))
    if not refused:
        print_line(answers, "confidence", f"{description.confidence:.0%}{_rivals(description)}")
    if not description.known and description.doubt and not refused:
        print_line(answers, "doubt", description.doubt, "bold red")
    if description.measurement is not None:
        _equation(answers, "equation", description.best.scaled(metres), "bold")
    elif description.refined is not None:
        _equation(answers, "refined", description.refined.scaled(metres), "bold")
    if extras.metres is None and description.measurement is not None:
        # As all that was measured.
        _bounce(answers, description.best.scaled(place.half_width_px), description.lasts_s, "px")
    else:
        _bounce(answers, description.best.scaled(metres), description.lasts_s, "u" if extras.metres is None else "m")
    for warning in warnings(description, extras.metres):
        print_line(answers, "note", warning, "bold")
    if len(description.phases) > 1:
        by_pixel = None if extras.metres is None else metres / place.half_width_px
        _several(answers, "phases", [phase_in_words(phase, by_pixel) for phase in description.phases])
    frame = description.to_dict()["frame"]
    print_line(answers, "time", f"t counts seconds from {place.t0_s:.2f} s of the video")
    print_line(answers, "axes", "x to the right, y up, z towards the camera")
    if extras.scale is not None:
        print_line(answers, "unit", f"metre, as {extras.scale}; {metres:.4g} m are {frame['length_unit']}")
    elif "length_unit" in frame:
        print_line(answers, "unit", f"of x, y and z: {frame['length_unit']}")
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
    answers.print(Text(names, "bold"), soft_wrap=True)
    _print(answers, "  ", f"{found.finding}: {found.meaning}", "bold green", len(found.finding))
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
    _several(answers, label, [unbroken_terms(line) for line in lines(equation)], style)


def _bounce(answers: Console, equation: Equation, duration_s: float, unit: str) -> None:
    if (found := bounce(equation)) is not None:
        print_line(answers, "bounce", found.in_words(duration_s, unit))


def print_line(answers: Console, label: str, text: str, style: str = "") -> None:
    """A line of an answer; on a terminal that is too narrow for it, lines under each other."""
    _print(answers, f"  {label:<{_LABEL - 2}}", text, style)


def _print(answers: Console, begin: str, text: str, style: str, styled: int | None = None) -> None:
    """Print a text after a label; `styled` of its characters have the style, or all. Only a terminal needs breaks: in a
    file a line stays one line."""
    told = [text.replace(NO_BREAK, " ")]
    if answers.is_terminal:
        indent = max(len(begin), 4) if styled is None else 4
        wide = max(answers.width - indent, 30)
        told = textwrap.wrap(unbroken(text), wide, break_long_words=False, break_on_hyphens=False) or [""]
        told = [line.replace(NO_BREAK, " ") for line in told]
        begins = [begin, *[" " * indent] * (len(told) - 1)]
    else:
        begins = [begin]
    for k, (before, line) in enumerate(zip(begins, told)):
        end = len(line) if styled is None else styled * (k == 0)
        answers.print(Text.assemble((before, "dim"), (line[:end], style), line[end:]), soft_wrap=True)
