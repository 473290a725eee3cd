"""Registration: the shaking of a camera is undone by shifting every frame onto the clip's background.

Lucas and Kanade's registration ("An iterative image registration technique", 1981) for shifts alone: a shifted frame
differs from the background by the background's gradient times the shift. The ball and other moving things differ by
more and get no weight (Tukey's biweight; Beaton and Tukey, 1974). Gain and offset are fitted along with the shift, as
changes of the exposure look like one.

Noise, traces of the ball in the background, and an overexposed wall cause wrong shifts. So the shifts are estimated
twice, in two halves of the picture that share no pixel, and applied as far as the two agree.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from trajvlm.data.filmed.background import background
from trajvlm.data.subpixel_shift import shifted

_STEPS = 2
"""Gauss-Newton steps, in each half and then with all pixels."""
_CUT_OFF = 5.0
"""Cut-off of the biweight, in standard deviations of a frame's noise."""
_PRIOR = (0.5, 0.5, 0.3, 1.0)
"""Prior standard deviations: of the two shifts in pixels, of the gain, and of the offset in standard deviations of the
clip's brightness."""
_LEAST_NOISE = 5e-3
"""Least noise assumed, in standard deviations of the clip's brightness."""
_NOT_APPLIED, _APPLIED = 0.3, 0.8
"""Correlation of the two halves' shifts up to which none is applied, and from which they are applied fully; linear
between. Two halves of pure noise correlate by up to 0.3 in 17 frames."""
_EXPOSED = (0.01, 0.97)
"""Brightness of the background, 0 to 1, within which pixels are compared: in an overexposed picture a flicker moves the
edge of what is saturated."""
_LARGEST_PX = 6.0
_MARGIN_PX = 2
_STRIDE = 2
"""Every other row and column is compared: it takes a third of the time and is as accurate."""


def registered(video: Tensor) -> Tensor:
    """Clips (B, 3, 17, H, W) with each frame shifted to where the background is in most; the same shape and range.

    Pixels from outside the picture repeat its edge.
    """
    return shifted(video, frame_shifts(video))


def frame_shifts(video: Tensor) -> Tensor:
    """How far the background of each frame is shifted from its median position, for clips (B, 3, 17, H, W) in [0, 1].

    Returns:
        (B, 17, 2): to the right and down, in pixels, within -6 to 6; 0 where no shift can be estimated.
    """
    ground = background(video)[:, :, 0]
    exposed = ((ground > _EXPOSED[0]) & (ground < _EXPOSED[1])).all(dim=1)
    grey = _smoothed(video.mean(dim=1, keepdim=True))
    grey = grey / grey.std(dim=(1, 2, 3, 4), keepdim=True).clamp_min(1e-3)
    still = grey.new_zeros(len(video), video.shape[2], 2)
    first, second = (_refined(grey, exposed, still, half) for half in _quarter_pairs(grey))
    share = ((_correlation(first, second) - _NOT_APPLIED) / (_APPLIED - _NOT_APPLIED)).clamp(0, 1)
    return _refined(grey, exposed, (first + second) / 2, slice(None)) * share


def _quarter_pairs(grey: Tensor) -> tuple[Tensor, Tensor]:
    """Indices of the compared pixels in the upper left and lower right quarters, and of those in the other two."""
    rows, columns = (torch.arange(side, device=grey.device) < side / 2 for side in _compared(grey).shape[-2:])
    quarters = (rows[:, None] ^ columns[None, :]).flatten()
    return quarters.nonzero()[:, 0], (~quarters).nonzero()[:, 0]


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    """(B, 1, 2) correlation over the frames of shifts (B, T, 2); 0 where all are zero."""
    a, b = (x - x.mean(dim=1, keepdim=True) for x in (a, b))
    return (a * b).sum(1, keepdim=True) / (a.norm(dim=1, keepdim=True) * b.norm(dim=1, keepdim=True)).clamp_min(1e-6)


def _refined(grey: Tensor, exposed: Tensor, shifts: Tensor, pixels: Tensor | slice) -> Tensor:
    """Shifts (B, T, 2) of clips (B, 1, T, H, W), refined from the start `shifts` by the given compared pixels."""
    for _ in range(_STEPS):
        shifts = (shifts + _correction(shifted(grey, shifts), exposed, pixels)).clamp(-_LARGEST_PX, _LARGEST_PX)
        shifts = shifts - shifts.median(dim=1, keepdim=True).values
    return shifts


def _correction(grey: Tensor, exposed: Tensor, pixels: Tensor | slice) -> Tensor:
    """One Gauss-Newton step: the correction (B, T, 2) of the shifts, from clips (B, 1, T, H, W) already shifted."""
    ground = background(grey)[:, 0, 0]
    down, right = torch.gradient(ground, dim=(-2, -1))
    level = ground - ground.mean(dim=(-2, -1), keepdim=True)
    regressors = torch.stack([right, down, level, torch.ones_like(level)]) * exposed
    regressors = _compared(regressors).flatten(-2)[..., pixels].permute(1, 2, 0)
    products = (regressors[..., :, None] * regressors[..., None, :]).flatten(2)
    difference = _compared((grey[:, 0] - ground[:, None]) * exposed[:, None]).flatten(-2)[..., pixels]
    prior = 1 / difference.new_tensor(_PRIOR).square()
    residual = difference
    for _ in range(2):
        noise = 1.48 * residual[..., ::2].abs().median(dim=-1, keepdim=True).values.clamp_min(_LEAST_NOISE)
        weight = (1 - (residual / (_CUT_OFF * noise)).square()).clamp_min(0).square()
        normal = (weight @ products).unflatten(-1, (4, 4)) + torch.diag_embed(prior * noise.square())
        # In double precision: on a plain background only the prior, far smaller than the rest, makes it solvable.
        found = torch.linalg.solve(normal.double(), ((weight * difference) @ regressors).double()).float()
        residual = difference - found @ regressors.mT
    return -found[..., :2]


def _compared(frames: Tensor) -> Tensor:
    """The pixels of frames (..., H, W) that are compared: every other one, without a margin."""
    inner = slice(_MARGIN_PX, -_MARGIN_PX, _STRIDE)
    return frames[..., inner, inner]


def _smoothed(video: Tensor) -> Tensor:
    """Clips (B, 1, T, H, W) under a binomial filter of 3 x 3, as gradients of single pixels are mostly noise."""
    x = F.pad(video[:, 0], (1, 1, 1, 1), mode="replicate")
    x = x[..., :-2] + 2 * x[..., 1:-1] + x[..., 2:]
    return (x[..., :-2, :] + 2 * x[..., 1:-1, :] + x[..., 2:, :])[:, None] / 16
