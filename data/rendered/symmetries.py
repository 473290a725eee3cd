"""Clips that might as well have been filmed: mirrored, laid on their side, played backwards."""

import torch
from torch import Tensor

_MIRRORS = (-1, -2, 2)
"""Left and right, top and bottom, first and last frame."""


def mirrored(sample: dict[str, Tensor]) -> dict[str, Tensor]:
    """Pictures (B, C, T, S, S) of several kinds, those of one clip all changed alike, each clip at random."""
    some = next(iter(sample.values()))
    for axis in _MIRRORS:
        turned = _coin(some)
        sample = {name: torch.where(turned, x.flip(axis), x) for name, x in sample.items()}
    turned = _coin(some)
    return {name: torch.where(turned, x.transpose(-1, -2), x) for name, x in sample.items()}


def _coin(like: Tensor) -> Tensor:
    return torch.rand(len(like), 1, 1, 1, 1, device=like.device) < 0.5
