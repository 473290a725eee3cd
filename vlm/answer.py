"""What the language model answers: the family's word and one number for each of its constants.

The structure of the equation follows from the family, so the model writes only what is left open; `text` puts the
written numbers into the family's form, as a person reads it. Every allowed sequence of tokens is therefore an equation
that parses.
"""

from dataclasses import dataclass

import numpy as np

from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.families import FAMILIES, Family


def writing_order(family: Family) -> np.ndarray:
    """In which order the constants are written: those inside the functions of time, such as the number of turns, come
    first, for the others hang on them."""
    return np.roll(np.arange(family.size), len(family.shape))


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

    @property
    def text(self) -> str:
        """The answer written out, in clip time: the family's word, and the numbers as their tokens read, each in its
        place: `linear: x = -0.10 +0.42*(2*t - 1); y = ...`. What stands between them was not for the model to write.
        """
        written = FAMILIES[self.family].written(self.constants)
        return f"{self.family}: {'; '.join(f'{axis} = {text}' for axis, text in written.items())}"

    def positions(self, t: np.ndarray) -> np.ndarray:
        """Positions (T, 3) at clip times t (T,)."""
        return FAMILIES[self.family].positions(self.constants, t)
