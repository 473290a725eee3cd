"""What a reconstruction of the moving layer is told by: pictures alone.

A thing covers some hundredths of a picture, so squares over all pixels are least for an empty one. Pixels on or near
what moves count together as much as all the others do, clip by clip: a small thing as much as a large one.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

_NEAR_PX = 4
_SCALES = (1, 2, 4, 8, 16)
_LEAST_SHARE = 2e-3
"""Share of a picture below which a thing counts as if it were so large."""


def near(coverage: Tensor) -> Tensor:
    """(B, T, H, W) 1 on what moves and in a ring of four pixels round it, else 0, from coverage (B, T, H, W)."""
    return F.max_pool2d((coverage > 0.1).float(), 2 * _NEAR_PX + 1, stride=1, padding=_NEAR_PX)


def balanced(errors: Tensor, where: Tensor) -> Tensor:
    """(): the mean of errors (B, T, H, W) where `where` is 1, plus that where it is 0, averaged over the clips."""
    inside = (errors * where).sum((1, 2, 3)) / (where.sum((1, 2, 3)) + _LEAST_SHARE * where[0].numel())
    outside = (errors * (1 - where)).sum((1, 2, 3)) / (1 - where).sum((1, 2, 3)).clamp_min(1)
    return (inside + outside).mean()


def layer_loss(logits: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Losses () of a reconstruction's logits (B, 2, T, H, W) from a moving layer (B, 2, T, H, W) in [0, 1].

    `coverage`: cross-entropy of each pixel. `scales`: error of what squares of 1 to 16 pixels hold, which tells a
    thing that is drawn in the wrong place which way to go. `brightness`: squared error on what moves.
    """
    coverage, wanted = logits[:, 0], target[:, 0]
    pixels = balanced(F.binary_cross_entropy_with_logits(coverage, wanted, reduction="none"), near(wanted))
    # Half covered pixels leave this much even where all is right; without it the curve says little.
    entropy = torch.special.entr(wanted) + torch.special.entr(1 - wanted)
    shown = coverage.sigmoid()
    scales = sum(_held(shown, wanted, side) for side in _SCALES) / len(_SCALES)
    lit = (logits[:, 1].sigmoid() - target[:, 1]).square() * wanted
    brightness = (lit.sum((1, 2, 3)) / (wanted.sum((1, 2, 3)) + _LEAST_SHARE * wanted[0].numel())).mean()
    return {
        "coverage": pixels - balanced(entropy, near(wanted)).detach(),
        "scales": scales,
        "brightness": 4 * brightness,
    }


def _held(shown: Tensor, wanted: Tensor, side: int) -> Tensor:
    """Squared error relative to both pictures' squares (V-Net's form of Dice's, Milletari et al., 2016): 0 to 1."""
    found, true = (F.avg_pool2d(x, side) for x in (shown, wanted))
    both = (found.square() + true.square()).sum((1, 2, 3)) + _LEAST_SHARE**2 * true[0].numel()
    return ((found - true).square().sum((1, 2, 3)) / both).mean()
