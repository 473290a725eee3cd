"""The long answer in the chat: family, confidence, equations, pictures and tables of one description."""

import html
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from trajvlm.agents.session import Session
from trajvlm.agents.tools import draw_curve, plot, save_table, show_tokens
from trajvlm.agents.wording import doubt
from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.readable import latex
from trajvlm.ui.measured_words import (
    constants_in_words,
    misses_in_words,
    phase_in_words,
    unbroken,
    warnings,
    what_is_refused,
)

if TYPE_CHECKING:
    from trajvlm.vlm.describe import Description

_LEAST_SHOWN = 0.005
"""Probability of a family that would be shown as 0 %."""
FOLLOW_UPS = (
    "What is the equation?",
    "How fast is it?",
    "Where will it be half a second after the end?",
    "Plot the acceleration",
    "Show the tokens",
)
"""Questions offered as buttons under an answer."""
BY_FAMILY = {
    "parabolic": "The ball is 6.7 cm wide. What was g?",
    "circular": "What are the radius and the period?",
    "helical": "What are the radius, the period and the pitch?",
    "oscillating": "What are the amplitude and the period?",
    "linear": "How far did it travel?",
    "damped": "How quickly does it die away?",
    "spiral": "What are the period and the decay?",
    "bouncing": "What is the restitution?",
}


def card(session: Session) -> Iterator[tuple[str, list]]:
    """The parts of the answer in reading order, each made as it is asked for.

    A part is a title, empty where the part can't be folded, and its markdown, gradio components and files.

    Raises UserError where the video can't be described, or not be read again.
    """
    import gradio as gr

    from trajvlm.ui.plot3d import path_in_space

    [description], metres = session.description().views, session.metres_per_unit
    yield "", [gr.HTML(bars(description, metres)), formula(description, metres)]
    # One phase says nothing that the answer doesn't.
    if len(description.phases) > 1:
        names = ", ".join(phase.name for phase in description.phases)
        yield f"{len(description.phases)} phases: {names}", [phases(description, metres)]
    yield "", [media(draw_curve(session).files[0])]
    yield "", [gr.Plot(path_in_space(description, metres), show_label=False)]
    for what in ("position", "velocity"):
        yield f"{what.capitalize()} against time", [media(plot(session, what).files[0])]
    yield "Visual tokens, between the clip and what they decode to", [media(show_tokens(session).files[0])]
    yield "", [media(save_table(session, kind).files[0]) for kind in ("csv", "json")]


def media(path: Path) -> dict:
    """A file as part of a chat message."""
    return {"path": str(path), "alt_text": path.stem.replace("-", " ")}


def bars(description: "Description", metres_per_unit: float | None = None) -> str:
    """The family, what was measured, and the probability of each family that has one, as HTML."""
    rows = []
    for name, p in sorted(description.probabilities.items(), key=lambda item: -item[1]):
        if p < _LEAST_SHOWN and name != description.family:
            continue
        best = " best" if name == description.family else ""
        rows.append(
            f'<div class="family{best}"><span class="name">{html.escape(name)}</span><span class="track">'
            f'<span class="fill" style="width:{100 * p:.1f}%"></span></span><span class="share">{p:.0%}</span></div>'
        )
    meaning, against = html.escape(description.meaning), _doubt(description)
    told = _numbers(description, metres_per_unit) + "".join(rows)
    if description.refused is not None:
        of = what_is_refused(description).capitalize()
        head = f"<p><b>Refused</b></p>{against}<p>{of}: <b>{html.escape(description.family)}</b>: {meaning}</p>"
        return f'<div class="families">{head}{told}</div>'
    head = f"<p><b>{html.escape(description.finding)}</b>: {meaning}</p>"
    return f'<div class="families">{head}{told}{against}</div>'


def _numbers(description: "Description", metres_per_unit: float | None) -> str:
    """What was measured, one number a line, as HTML; empty where nothing was."""
    if description.measurement is None:
        return ""
    numbers = constants_in_words(description, metres_per_unit).split(", ")
    told = "".join(f"<p>{html.escape(unbroken(one))}</p>" for one in numbers)
    return f'<div class="measured">{told}<p class="how">{html.escape(misses_in_words(description))}</p></div>'


def _doubt(description: "Description") -> str:
    """What speaks against the answer, as HTML; empty where nothing does."""
    against = doubt(description)
    return f'<p class="doubt">{html.escape(against)}</p>' if against else ""


def equations(description: "Description", metres_per_unit: float | None = None, said: str = "") -> str:
    """What was measured in words, and the `formula`."""
    measured = ""
    if description.measurement is not None:
        told = constants_in_words(description, metres_per_unit).split(", ")
        measured = "".join(f"- {unbroken(one)}\n" for one in told)
        measured = f"**Measured** {misses_in_words(description)}:\n\n{measured}\n"
    return measured + formula(description, metres_per_unit, said)


def formula(description: "Description", metres_per_unit: float | None = None, said: str = "") -> str:
    """The best equation as LaTeX, with what its numbers are measured in, and what speaks against g. A warning that was
    `said` already is not repeated."""
    place = description.clip.placement
    length = (
        f"u is half the width of the crop, {place.half_width_px:.3g} pixels at the path's mean depth"
        if metres_per_unit is None
        else "lengths in metres, by the scale that was set"
    )
    kind = "Refined" if description.refined is not None else "From the language model alone"
    if description.measurement is not None:
        kind = "Measured equation"
    careful = "".join(f"{one}\n\n" for one in warnings(description, metres_per_unit) if one not in said)
    return (
        f"{careful}{_shown(kind, description.best, metres_per_unit)}\n\n"
        f"t in seconds from the clip's first frame; {length}; x to the right, y up, z to the camera."
    )


def phases(description: "Description", metres_per_unit: float | None = None) -> str:
    """All phases of the object's track as a list in Markdown."""
    half = description.clip.placement.half_width_px
    by_pixel = None if metres_per_unit is None else metres_per_unit / half
    told = [unbroken(phase_in_words(phase, by_pixel)) for phase in description.phases]
    return "\n".join(["**Phases** of the object, in seconds of the video:", "", *(f"- {one}" for one in told)])


def before_and_after(description: "Description", metres_per_unit: float | None = None) -> str:
    """The equation of the language model alone above the refined and the measured one, as LaTeX; there has to be a
    refined one."""
    assert description.refined is not None
    kinds = [("From the language model alone", description.equation), ("Refined", description.refined)]
    if description.measured is not None:
        kinds.append(("Measured", description.measured))
    return "\n\n".join(_shown(kind, one, metres_per_unit) for kind, one in kinds)


def _shown(kind: str, one: Equation, metres_per_unit: float | None) -> str:
    """An equation under its name, in metres where their number is known."""
    unit, one = ("u", one) if metres_per_unit is None else ("m", one.scaled(metres_per_unit))
    return f"**{kind}:**\n\n$$\n{latex(one, unit)}\n$$"


def follow_ups(session: Session) -> list[dict[str, str]]:
    """Questions that make sense now, as options of a chat message; none before a video was described."""
    if not session.described:
        return []
    found = session.description()
    first = [BY_FAMILY[found.family]] if found.family in BY_FAMILY else []
    if not found.calibrated:
        [description] = found.views
        if description.objects:
            first = [f"The one at {x:.0f},{y:.0f}" for x, y, _ in description.objects]
        elif len(description.phases) > 1:
            first.append("List the phases")
    return [{"value": question} for question in first + list(FOLLOW_UPS)]
