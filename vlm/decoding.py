"""How words and numbers are taken from the language model's distributions over them."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Choice = Callable[[Tensor], Tensor]
"""Probabilities (B, n) to places (B,)."""


@dataclass(frozen=True)
class Writing:
    """One way to write an answer."""

    family: Choice
    number: Choice
    """Of numbers in rising order."""


def likeliest(chances: Tensor) -> Tensor:
    """The place with the highest probability."""
    return chances.argmax(dim=-1)


def middle(chances: Tensor) -> Tensor:
    """The median: of all numbers it has the least expected absolute error, and where the model wavers the likeliest one
    may be any (table in vlm/README.md)."""
    below = chances.cumsum(dim=-1) < 0.5
    return below.sum(dim=-1).clamp_max(chances.shape[-1] - 1)


def drawn(seed: int) -> Writing:
    """Words and numbers drawn from the model's own distribution."""
    generator = torch.Generator().manual_seed(seed)

    def draw(chances: Tensor) -> Tensor:
        return torch.multinomial(chances.cpu(), 1, generator=generator)[:, 0].to(chances.device)

    return Writing(draw, draw)


MEDIAN = Writing(likeliest, middle)
"""What a user gets."""
LIKELIEST = Writing(likeliest, likeliest)
