"""Where the ball was while it was hidden: places of a clip's frames, corrected by those before and after.

Behind a post, in a frame that repeats the one before it, or where something else was taken for the ball, what a frame
says of the place is wrong, and its neighbours know better. Convolutions interpolate badly, for which neighbours can be
trusted changes from clip to clip. Here a small network says how sure each frame is, and polynomials are laid through
the frames around it by least squares so weighted (locally weighted regression, Cleveland, 1979). What comes out moves
and grows with the places that go in, so that nothing about the picture's corners has to be learned.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_HIDDEN = 64
_FITS = (2, 1.0), (3, 1.5), (5, 2.5)
"""Degree, and standard deviation in frames of the bell that weighs the neighbours."""
_SUREST = 6.0
_RIDGE = 1e-4


class LocalRegression(nn.Module):
    """Places (B, T, 3) to the same, corrected."""

    corrected = 1 + len(_FITS)
    """How many versions of each place come out."""

    def __init__(self, known: int):
        """
        Args:
            known: how many numbers are known of each frame.
        """
        super().__init__()
        self.sure = nn.Sequential(
            nn.Conv1d(known, _HIDDEN, 1),
            nn.GELU(),
            nn.Conv1d(_HIDDEN, _HIDDEN, 5, padding=2),
            nn.GELU(),
            nn.Conv1d(_HIDDEN, _HIDDEN, 5, padding=2),
            nn.GELU(),
            nn.Conv1d(_HIDDEN, 2 * len(_FITS) + 1, 1),
        )

    def forward(self, known: Tensor, places: Tensor) -> Tensor:
        """
        Args:
            known: (B, T, numbers), of each frame.

        Returns:
            (B, `corrected`, T, 3): a mean of the place itself and its fits, each weighted by what the network makes of
            it; then the fits alone.
        """
        with torch.autocast(places.device.type, enabled=False):
            said = self.sure(known.float().mT)
            sure, chosen = said[:, : len(_FITS)], said[:, len(_FITS) :]
            weights = (_SUREST * torch.tanh(sure / _SUREST)).exp()
            fits = [_fitted(places, w, *fit) for w, fit in zip(weights.unbind(1), _FITS)]
            each = torch.stack([places, *fits], dim=1)
            mean = (each * F.softmax(chosen, dim=1)[..., None]).sum(dim=1, keepdim=True)
            return torch.cat([mean, each[:, 1:]], dim=1)


def _fitted(places: Tensor, weights: Tensor, degree: int, reach: float) -> Tensor:
    """What polynomials round each frame, through places (B, T, 3) with weights (B, T), say of it: (B, T, 3)."""
    frames = torch.arange(places.shape[1], device=places.device, dtype=places.dtype)
    apart = (frames[None, :] - frames[:, None]) / reach
    powers = apart[..., None] ** torch.arange(degree + 1, device=places.device)
    near = weights[:, None, :] * torch.exp(-0.5 * apart.square())
    near = near / near.sum(dim=-1, keepdim=True)
    weighted = near[..., None] * powers
    # A little of a straight, level line, lest frames that all lie on one side let the polynomial run away.
    ridge = _RIDGE * torch.eye(degree + 1, device=places.device)
    ridge[0, 0] = 0
    normal = torch.einsum("btsp,tsq->btpq", weighted, powers) + ridge
    return torch.linalg.solve(normal, torch.einsum("btsp,bsn->btpn", weighted, places))[:, :, 0]
