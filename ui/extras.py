"""What options of the command line add to a description: lengths in metres, and the answer to a question."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agents.agent import Answer
    from vlm.describe import Description
    from vlm.scale import Scale


@dataclass(frozen=True)
class Extras:
    """What one video's description was given and asked besides."""

    scale: "Scale | None" = None
    """One known length."""
    metres: float | None = None
    """Metres in one unit of the description's equations; None without a scale."""
    reply: "Answer | None" = None
    """The answer to a question about the video."""

    @classmethod
    def of(cls, description: "Description", scale: "Scale | None", reply: "Answer | None" = None) -> "Extras":
        """Raises UserError where the description does not give the scale."""
        return cls(scale, None if scale is None else scale.metres_per_unit(description), reply)

    def to_dict(self, description: "Description") -> dict:
        """As further fields of the description's JSON object."""
        fields = {}
        if self.metres is not None:
            fields |= {
                "metres_per_unit": self.metres,
                "equation_m": description.best.stretched(self.metres).to_text(),
            }
        if self.reply is not None:
            fields |= {"answer": self.reply.text, "answered_by": self.reply.model}
        return fields


NOTHING = Extras()
