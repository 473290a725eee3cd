"""What was measured on a video's own pixels, in words: constants with their standard errors, phases, and depth."""

import re
from typing import TYPE_CHECKING

from trajvlm.data.errors import UserError

if TYPE_CHECKING:
    from trajvlm.vlm.describe import Description, PhaseFound
    from trajvlm.vlm.described import Described


def constants_in_words(description: "Description", metres: float | None = None) -> str:
    """Measured constants with their standard errors, such as `period 1.0249 ± 0.0022 s`; in pixels of the video, or in
    metres where `metres`, a unit of the equation in metres, is given. Empty where nothing was measured."""
    from trajvlm.vlm import quantities

    return quantities.constants_in_words(quantities.measured_constants(description, metres), description.family)


def misses_in_words(description: "Description") -> str:
    """How far the measured curve runs from the object, and what it was fitted to; empty where nothing was measured."""
    if description.measurement is None:
        return ""
    best = description.measurement.best
    return (
        f"in {len(best.residuals_px)} frames from {best.start_s:.2f} to {best.stop_s:.2f} s of the video; the curve "
        f"misses the object by {pixels_in_words(best.residual_px)} (root mean square)"
    )


def pixels_in_words(distance: float) -> str:
    """A distance in pixels with its unit: to a tenth of a pixel, or, of less than one, to a hundredth."""
    return f"{distance:.{1 if distance >= 0.995 else 2}f} pixels"


def unbroken(text: str) -> str:
    """Text in which no line ends between a number, its error and its unit."""
    return re.sub(r"(?<=[\d±]) (?=[±\da-z1/²]+)", "\N{NO-BREAK SPACE}", text)


def refusal_in_words(description: "Description") -> str:
    """Why the answer is not believed and what helps, as one sentence without its full stop; empty where it is."""
    return f"refused: {description.refused[1]}" if description.refused else ""


def what_is_refused(description: "Description") -> str:
    """What the family of a refused answer is that of: the clearest of several objects, or the nearest curve."""
    return "clearest" if description.refused and description.refused[0] == "several_move" else "nearest"


def phase_in_words(phase: "PhaseFound", metres_per_pixel: float | None = None) -> str:
    """When a phase is, what it is, and its constants in pixels, or in metres where a scale is known."""
    constants = _of_phase(phase, metres_per_pixel)
    told = f"{phase.start_s:.2f} to {phase.stop_s:.2f} s {phase.name}{': ' * bool(constants)}{constants}"
    return f"{told} (this answer)" if phase.is_answer else told


def _of_phase(phase: "PhaseFound", metres_per_pixel: float | None) -> str:
    from trajvlm.vlm.quantities import constants_in_words, scaled_constants

    if phase.measurement is None:
        return ""
    best = phase.measurement.best
    return constants_in_words(scaled_constants(best.values, metres_per_pixel), best.family.name)


def depth_in_words(description: "Description", field_of_view: float, scaled: bool) -> str:
    """What one camera can't tell of the motion; `scaled` says whether a length is known."""
    unknown = "" if scaled else "how large or how far away the object is"
    if description.measurement is not None and not description.best.z.free_symbols:
        told = "z is not seen: the motion is taken to be across the picture"
        return f"{told}, and one camera can't tell {unknown}" if unknown else told
    unknown = f"{unknown}, nor how deep its path" if unknown else "how deep a path is"
    return f"one camera can't tell {unknown}: the scale of z assumes a field of view of {field_of_view:.3g} degrees"


def warnings(description: "Described", metres: float | None) -> list[str]:
    """What speaks against g, where a scale gives it in m/s²: a sentence, or none."""
    from trajvlm.vlm.quantities import derive

    unit_m = description.metres_per_unit if metres is None else metres
    if unit_m is None or not description.known:
        return []
    try:
        [g] = derive("g", description)
    except UserError:
        return []
    return list(filter(None, [g.warning(unit_m)]))
