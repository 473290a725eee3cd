"""What the language model answers: the family's word and one number for each of its constants.

The structure of the equation follows from the family, so the model writes only what is left open; `equation` puts the
numbers into the family's symbolic form. Every allowed sequence of tokens is therefore an equation that parses.
"""

from dataclasses import dataclass

import numpy as np

from data.equation import Equation
from data.families import FAMILIES, Family


def writing_order(family: Family) -> np.ndarray:
    """In which order the constants are written: the number of turns first, for the amplitudes hang on it."""
    order = np.arange(family.size)
    return np.roll(order, 1) if family.periodic else order


@dataclass(frozen=True)
class Answer:
    """A family and its constants in the canonical camera, clip time 0 to 1."""

    family: str
    constants: np.ndarray
    probabilities: dict[str, float]
    """The model's own probability of each family."""

    @property
    def equation(self) -> Equation:
        """The symbolic equation in clip time."""
        return FAMILIES[self.family].equation(self.constants)

    def positions(self, t: np.ndarray) -> np.ndarray:
        """Positions (T, 3) at clip times t (T,)."""
        return FAMILIES[self.family].positions(self.constants, t)
