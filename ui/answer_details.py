"""What the command line adds to a description: quantities, lengths in metres, and the answer to a question."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trajvlm.data.errors import UserError

if TYPE_CHECKING:
    from trajvlm.agents.agent import Reply
    from trajvlm.agents.session import Describes
    from trajvlm.vlm.described import Described
    from trajvlm.vlm.quantities import Quantity
    from trajvlm.vlm.scale import Scale


@dataclass(frozen=True)
class Extras:
    """What goes with one video's description: a known length, and the answer to a question."""

    scale: "Scale | None" = None
    """One known length."""
    metres: float | None = None
    """Metres in one unit of the description's equations; None without a scale."""
    reply: "Reply | None" = None
    """The answer to a question about the video."""

    @classmethod
    def of(cls, description: "Described", scale: "Scale | None", reply: "Reply | None" = None) -> "Extras":
        """Raises UserError as `Scale.metres_per_unit` does."""
        return cls(scale, None if scale is None else scale.metres_per_unit(description), reply)

    def to_dict(self, description: "Described") -> dict:
        """As further fields of the description's JSON object; its frame and its measured constants are replaced, the
        constants in metres, where the scale is known."""
        from trajvlm.vlm.quantities import measured_constants

        fields: dict = {"quantities": quantities(description, self.metres)}
        if self.metres is not None:
            constants = measured_constants(description, self.metres)
            fields |= {
                "constants": {
                    name: {"value": float(f"{value:.7g}"), "sd": float(f"{sd:.3g}"), "unit": unit}
                    for name, (value, sd, unit) in constants.items()
                },
                "frame": description.to_dict()["frame"] | {"scale_known": True},
                "metres_per_unit": self.metres,
                "equation_m": description.best.scaled(self.metres).to_text(),
            }
        if self.reply is not None:
            fields |= {"answer": self.reply.text, "answered_by": self.reply.model, "calls": calls(self.reply)}
        return fields


NOTHING = Extras()


def quantities(description: "Described", metres: float | None) -> dict[str, list[dict]]:
    """The motion's quantities under their names in `trajvlm.vlm.quantities`: each number's own name, value, standard
    error (None where none was measured), unit, remark and warning.

    `metres` is one unit of the equation in metres; lengths are in metres, or in that unit where it is None.
    """
    from trajvlm.agents.wording import unit_of

    length = description.unit if metres is None else "m"
    unit_m = description.metres_per_unit if metres is None else metres
    return {
        name: [
            {
                "name": one.name,
                "value": scaled(one, metres),
                "error": scaled_error(one, metres),
                "unit": unit_of(one, length),
                "remark": one.remark,
                "warning": one.warning(unit_m),
            }
            for one in found
        ]
        for name, found in derived(description).items()
    }


def derived(description: "Described") -> dict[str, list["Quantity"]]:
    """What `trajvlm.vlm.quantities.derive` finds for each of its names, without those that this motion lacks."""
    from trajvlm.vlm.quantities import NAMES, derive

    found = {}
    for name in NAMES:
        try:
            found[name] = derive(name, description)
        except UserError:
            continue
    return found


def scaled(quantity: "Quantity", metres: float | None) -> float | None:
    """A quantity's value in metres and seconds, to four digits, and to a digit more than its error where that was
    measured; None where it is not finite."""
    value, error = quantity.scaled(metres), quantity.scaled_error(metres)
    if not math.isfinite(value):
        return None
    digits = 4
    if error and value and math.isfinite(error):
        digits = max(digits, 3 + math.floor(math.log10(abs(value))) - math.floor(math.log10(error)))
    return float(f"{value:.{digits}g}")


def scaled_error(quantity: "Quantity", metres: float | None) -> float | None:
    """A quantity's standard error in metres and seconds, to three digits; None where none was measured."""
    error = quantity.scaled_error(metres)
    return float(f"{error:.3g}") if error is not None and math.isfinite(error) else None


def calls(reply: "Reply") -> list[dict]:
    """The tool calls that an answer rests on, as plain values."""
    return [
        {"tool": call.name, "failed": call.failed, "values": call.result.values if call.result else {}}
        for call in reply.calls
    ]


def reply_to(
    question: str,
    describer: "Describes",
    video: Path,
    description: "Described",
    scale: "Scale | None",
    options: dict,
    out: Path,
) -> "Reply":
    """The chat's answer about a video that has just been described.

    Args:
        describer: the one that described it, a `StereoDescriber` for two views.
        options: those that `describe` was called with.
        out: folder for what the tools draw.

    Raises:
        UserError: as `Agent.ask` does.
    """
    from trajvlm.agents.agent import Agent
    from trajvlm.agents.session import Session

    session = Session(describer, out, [video])
    session.begin_with(options["start"], options["end"], options["fps"], scale)
    session.field_of_view = options["field_of_view"]
    session.remember(description)
    return Agent(session).ask(question)
