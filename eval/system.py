"""What is measured: anything that looks at canonical clips and says what moves in them.

One file under `eval/systems/` a kind of system. A system sees the rendered picture alone; the truth stays with
`trajvlm.eval.metrics`.
"""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from trajvlm.vlm.answer import Answer


@dataclass(frozen=True)
class FamilyOnly:
    """What a classifier says: a family and no equation."""

    family: str
    probabilities: dict[str, float]


Prediction = Answer | FamilyOnly | None
"""None where a system found nothing to answer with: a failure in every measure."""


class System(Protocol):
    """One word on the command line, one or more rows of the table."""

    name: str
    rows: tuple[str, ...]
    """Labels of its rows in the table, in order."""
    gives_equations: bool
    """Whether its predictions are Answers (measured in full) or FamilyOnly (measured on the family alone)."""
    identity: dict
    """JSON of what its results hang on (weights' hashes, settings, minutes of training); another identity means that
    kept results are stale."""

    def answer(self, video: Tensor) -> dict[str, list[Prediction]]:
        """For each row, one prediction for each of the clips (N, 3, 17, 64, 64) in [0, 1].

        Raises:
            UserError: something that it needs (weights, a package, a key) was not supplied; the sentence says what.
        """
        ...
