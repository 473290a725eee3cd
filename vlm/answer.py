"""What the language model answers: the family's word and one number for each of its constants.

The form of the equation follows from the family, so every sequence of tokens that the grammar allows is an equation
that parses. `Answer.text` puts the numbers into that form.
"""

from dataclasses import dataclass

import numpy as np

from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.families import FAMILIES, Family


def writing_order(family: Family) -> np.ndarray:
    """Indices (family.size,) of the constants in the order in which the model writes them: those inside the functions
    of time, such as the number of turns, come first, because the others depend on them."""
    return np.roll(np.arange(family.size), len(family.shape))


@dataclass(frozen=True)
class Answer:
    """A family and its constants in the canonical camera, clip time 0 to 1."""

    family: str
    constants: np.ndarray
    """(family.size,) in the family's order."""
    probabilities: dict[str, float]
    """Of each family that could be named; they sum to 1."""

    @property
    def equation(self) -> Equation:
        """The symbolic equation in clip time."""
        return FAMILIES[self.family].equation(self.constants)

    @property
    def text(self) -> str:
        """The answer in clip time, with the numbers as their tokens read: `linear: x = -0.10 +0.42*(2*t - 1); y = ...`.
        Of this the model writes the family's word and the numbers alone.
        """
        written = FAMILIES[self.family].written(self.constants)
        return f"{self.family}: {'; '.join(f'{axis} = {text}' for axis, text in written.items())}"

    def positions(self, t: np.ndarray) -> np.ndarray:
        """Positions (T, 3) at clip times t (T,)."""
        return FAMILIES[self.family].positions(self.constants, t)
