"""A camera's shaking is taken away: every frame is laid on the background that all of them share.

Lucas and Kanade's registration ("An iterative image registration technique", 1981) for shifts alone: where a frame
lies beside the background, it differs from it by the background's gradient times the shift. The ball and whatever else
moves differs by more, and is left out by Tukey's weights (Beaton and Tukey, 1974). A flicker of the exposure, which
would pass for a shift, is fitted beside it.

Noise, a ball that has left its mark on the background, and an overexposed wall all give shifts too. So these are found
twice, in two halves of the picture that share no pixel, and believed as far as the two agree.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from trajvlm.data.filmed.background import background
from trajvlm.data.shift import shifted

_ROUNDS = 2
"""In each half, and then with all pixels."""
_LEFT_OUT = 5.0
"""Differences of more than so many standard deviations of a frame's noise do not count."""
_PRIOR = (0.5, 0.5, 0.3, 1.0)
"""Standard deviations before anything is seen: shifts in pixels, gain, and offset in standard deviations of the clip's
brightness."""
_LEAST_NOISE = 5e-3
"""In the same measure as the offset."""
_DOUBTED, _BELIEVED = 0.3, 0.8
"""Correlation of the two halves' shifts up to which a clip is left as it is, and from which it is shifted wholly. Two
halves of noise correlate by up to 0.3 in 17 frames."""
_EXPOSED = (0.01, 0.97)
"""Brightness of the background, in full scale, within which it is compared: where it is white all over, a flicker moves
the edge of the white."""
_LARGEST_PX = 6.0
_MARGIN_PX = 2
_EVERY = 2
"""Every other row and column is compared: a third of the time, and as near."""


def registered(video: Tensor) -> Tensor:
    """Clips (B, 3, 17, H, W) with each frame shifted to where the background is in most; the same shape and range.

    What a shift brings in from outside the picture is the edge carried on.
    """
    return shifted(video, frame_shifts(video))


def frame_shifts(video: Tensor) -> Tensor:
    """How far the background lies from its median place in each frame of clips (B, 3, 17, H, W).

    Returns:
        (B, 17, 2): to the right and down, in pixels, within -6 to 6; 0 where nothing moved or nothing is seen.
    """
    ground = background(video)[:, :, 0]
    exposed = ((ground > _EXPOSED[0]) & (ground < _EXPOSED[1])).all(dim=1)
    grey = _softened(video.mean(dim=1, keepdim=True))
    grey = grey / grey.std(dim=(1, 2, 3, 4), keepdim=True).clamp_min(1e-3)
    still = grey.new_zeros(len(video), video.shape[2], 2)
    first, second = (_aligned(grey, exposed, still, half) for half in _halves(grey))
    believed = ((_correlation(first, second) - _DOUBTED) / (_BELIEVED - _DOUBTED)).clamp(0, 1)
    return _aligned(grey, exposed, (first + second) / 2, slice(None)) * believed


def _halves(grey: Tensor) -> tuple[Tensor, Tensor]:
    """Which of the compared pixels lie in the quarters at the upper left and lower right, and which in the others."""
    rows, columns = (torch.arange(side, device=grey.device) < side / 2 for side in _compared(grey).shape[-2:])
    quarters = (rows[:, None] ^ columns[None, :]).flatten()
    return quarters.nonzero()[:, 0], (~quarters).nonzero()[:, 0]


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    """(B, 1, 2), of shifts (B, T, 2) over the frames; 0 where there are none."""
    a, b = (x - x.mean(dim=1, keepdim=True) for x in (a, b))
    return (a * b).sum(1, keepdim=True) / (a.norm(dim=1, keepdim=True) * b.norm(dim=1, keepdim=True)).clamp_min(1e-6)


def _aligned(grey: Tensor, exposed: Tensor, shifts: Tensor, pixels: Tensor | slice) -> Tensor:
    """Shifts (B, T, 2) of clips (B, 1, T, H, W), made better by what those of the compared pixels say."""
    for _ in range(_ROUNDS):
        shifts = (shifts + _missing(shifted(grey, shifts), exposed, pixels)).clamp(-_LARGEST_PX, _LARGEST_PX)
        shifts = shifts - shifts.median(dim=1, keepdim=True).values
    return shifts


def _missing(grey: Tensor, exposed: Tensor, pixels: Tensor | slice) -> Tensor:
    """What the shifts (B, T, 2) still lack, from clips (B, 1, T, H, W) that were shifted by what was known."""
    ground = background(grey)[:, 0, 0]
    down, right = torch.gradient(ground, dim=(-2, -1))
    level = ground - ground.mean(dim=(-2, -1), keepdim=True)
    causes = torch.stack([right, down, level, torch.ones_like(level)]) * exposed
    causes = _compared(causes).flatten(-2)[..., pixels].permute(1, 2, 0)
    products = (causes[..., :, None] * causes[..., None, :]).flatten(2)
    seen = _compared((grey[:, 0] - ground[:, None]) * exposed[:, None]).flatten(-2)[..., pixels]
    prior = 1 / seen.new_tensor(_PRIOR).square()
    left = seen
    for _ in range(2):
        noise = 1.48 * left[..., ::2].abs().median(dim=-1, keepdim=True).values.clamp_min(_LEAST_NOISE)
        weight = (1 - (left / (_LEFT_OUT * noise)).square()).clamp_min(0).square()
        normal = (weight @ products).unflatten(-1, (4, 4)) + torch.diag_embed(prior * noise.square())
        # In double precision: on a plain background the prior alone, far smaller than the rest, determines a shift.
        found = torch.linalg.solve(normal.double(), ((weight * seen) @ causes).double()).float()
        left = seen - found @ causes.mT
    return -found[..., :2]


def _compared(frames: Tensor) -> Tensor:
    """The pixels of (..., H, W) that are compared."""
    inner = slice(_MARGIN_PX, -_MARGIN_PX, _EVERY)
    return frames[..., inner, inner]


def _softened(video: Tensor) -> Tensor:
    """Each frame of (B, 1, T, H, W) under a binomial filter of 3 x 3: a gradient of noise is no gradient."""
    x = F.pad(video[:, 0], (1, 1, 1, 1), mode="replicate")
    x = x[..., :-2] + 2 * x[..., 1:-1] + x[..., 2:]
    return (x[..., :-2, :] + 2 * x[..., 1:-1, :] + x[..., 2:, :])[:, None] / 16
