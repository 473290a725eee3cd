"""Decoding strategies: how family and numbers are taken from the language model's distributions over them."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Choice = Callable[[Tensor], Tensor]
"""Probabilities (B, n) to indices (B,)."""


@dataclass(frozen=True)
class DecodingStrategy:
    """How an answer is decoded."""

    family: Choice
    number: Choice
    """Of numbers in rising order."""


def argmax(probabilities: Tensor) -> Tensor:
    """Indices (B,) of the highest of probabilities (B, n)."""
    return probabilities.argmax(dim=-1)


def median(probabilities: Tensor) -> Tensor:
    """Indices (B,) of the medians of probabilities (B, n). Of all numbers the median has the least expected absolute
    error (comparison in vlm/README.md)."""
    below = probabilities.cumsum(dim=-1) < 0.5
    return below.sum(dim=-1).clamp_max(probabilities.shape[-1] - 1)


def sampling(seed: int) -> DecodingStrategy:
    """Family and numbers sampled from the model's own distributions; the same seed gives the same answers."""
    generator = torch.Generator().manual_seed(seed)

    def sample(probabilities: Tensor) -> Tensor:
        return torch.multinomial(probabilities.cpu(), 1, generator=generator)[:, 0].to(probabilities.device)

    return DecodingStrategy(sample, sample)


MEDIAN = DecodingStrategy(argmax, median)
"""The likeliest family and the median of each number: what a user gets."""
ARGMAX = DecodingStrategy(argmax, argmax)
"""The likeliest family and the likeliest numbers."""
