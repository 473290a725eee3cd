"""The grown vocabulary: which token ids stand for visual codes, marks and numbers.

The base model's ids come first, unchanged; then one id for each code of the tokenizer's codebook, the marks, and the
ordered numbers from -2 to 2 in steps of 0.01. Nothing else in the project does arithmetic on ids.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

MARKS = ("<|clip|>", "<|/clip|>", "<|equation|>", "<|position|>")
NUMBERS = np.round(np.arange(-200, 201) / 100, 2)


@dataclass(frozen=True)
class Vocabulary:
    """Code <-> id <-> text, and number <-> id."""

    base_size: int
    codebook_size: int

    @property
    def _first_mark(self) -> int:
        return self.base_size + self.codebook_size

    @property
    def first_number(self) -> int:
        """Id of the number -2.00; the others follow in order."""
        return self._first_mark + len(MARKS)

    @property
    def size(self) -> int:
        """How many ids there are, the base model's included."""
        return self.first_number + len(NUMBERS)

    def code_ids(self, codes: Tensor) -> Tensor:
        """Ids of codes (any shape); raises ValueError for a code outside the codebook."""
        if codes.numel() and not 0 <= int(codes.min()) <= int(codes.max()) < self.codebook_size:
            raise ValueError(f"codes lie from 0 to {self.codebook_size - 1}")
        return codes.long() + self.base_size

    def codes(self, ids: Tensor) -> Tensor:
        """Codes of ids (any shape); raises ValueError for an id that is no code's."""
        codes = ids.long() - self.base_size
        if codes.numel() and not 0 <= int(codes.min()) <= int(codes.max()) < self.codebook_size:
            raise ValueError("not all of these ids stand for visual codes")
        return codes

    def is_code(self, ids: Tensor) -> Tensor:
        """Whether ids (any shape) stand for codes; booleans of that shape."""
        return (ids >= self.base_size) & (ids < self._first_mark)

    def mark(self, text: str) -> int:
        """Id of a mark, such as `<|clip|>`; raises ValueError for any other text."""
        return self._first_mark + MARKS.index(text)

    def number_ids(self, values: np.ndarray) -> np.ndarray:
        """Ids of the numbers nearest to values (any shape); values beyond +-2 become +-2."""
        return self.first_number + self.number_bins(values)

    @staticmethod
    def number_bins(values: np.ndarray) -> np.ndarray:
        """Index into NUMBERS of the number nearest to each value."""
        return np.clip(np.rint((np.asarray(values) + 2) * 100), 0, len(NUMBERS) - 1).astype(np.int64)

    def text(self, token: int) -> str:
        """How a new id reads: `<|v_00123|>`, a mark, or a number such as `+0.25`; raises ValueError for an id of the
        base model."""
        if self.base_size <= token < self._first_mark:
            return f"<|v_{token - self.base_size:05d}|>"
        if self._first_mark <= token < self.first_number:
            return MARKS[token - self._first_mark]
        if self.first_number <= token < self.size:
            return f"{NUMBERS[token - self.first_number]:+.2f}"
        raise ValueError(f"{token} is not one of the new ids {self.base_size} to {self.size - 1}")


def number_geometry(width: int) -> Tensor:
    """Starting rows (401, width) for the numbers: sines and cosines of the value, so that neighbours are alike.

    Wavelengths run from 0.08 (a few steps) to 16 (the whole range), as in the position code of Vaswani et al. (2017).
    """
    wavelength = torch.logspace(np.log10(0.08), np.log10(16), width // 2)
    phase = 2 * torch.pi * torch.from_numpy(NUMBERS).float()[:, None] / wavelength
    return torch.cat([phase.sin(), phase.cos()], dim=1)
