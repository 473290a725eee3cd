"""The camera: shaking, over- or underexposure, noise, dropped frames and compression."""

import math

import numpy as np
import torch
from torch import Tensor

from trajvlm.data.rendered.nuisances import Nuisances
from trajvlm.data.rendered.room import grain
from trajvlm.data.subpixel_shift import shifted

_BLOCK = 8
_BLACK = 1e-12


def record(frames: Tensor, strength: Nuisances, seed: int, grainy: bool = False) -> Tensor:
    """Apply the camera's nuisances to frames (3, T, H, W) in [0, 1]; the same shape and range.

    Modifies `frames` in place.

    Args:
        seed: of the nuisances' random numbers.
        grainy: grain (`trajvlm.data.rendered.room`) instead of independent noise of each pixel.
    """
    count = frames.shape[1]
    if strength.shake:
        rng = np.random.default_rng([seed, 10])
        offsets_px = torch.from_numpy(0.02 * strength.shake * frames.shape[-1] * rng.normal(size=(count, 2))).float()
        frames = shifted(frames[None], offsets_px[None])[0]
    if strength.exposure:
        _expose(frames, *exposure(strength.exposure, seed, count))
    if strength.noise:
        noise = (
            grain(frames.shape, seed)
            if grainy
            else torch.randn(frames.shape, generator=torch.Generator().manual_seed(seed))
        )
        frames.add_(noise, alpha=0.06 * strength.noise)
    if strength.dropped:
        dropped = np.random.default_rng([seed, 12]).random(count) < 0.15 * strength.dropped
        for frame in np.flatnonzero(dropped[1:]) + 1:
            frames[:, frame] = frames[:, frame - 1]
    if strength.compression:
        frames = _compressed(frames.clamp_(0, 1), 0.12 * strength.compression)
    return frames.clamp_(0, 1)


def exposure(strength: float, seed: int, frames: int) -> tuple[np.ndarray, float]:
    """Over- or underexposure: gains (frames,) of each frame's brightness, and the exponent applied after them."""
    rng = np.random.default_rng([seed, 11])
    gain = np.exp(strength * rng.normal(0, 0.4)) * (1 + 0.06 * strength * rng.normal(size=frames))
    return gain, math.exp(strength * rng.normal(0, 0.3))


def _expose(frames: Tensor, gain: np.ndarray, gamma: float) -> None:
    frames.mul_(torch.from_numpy(gain).float()[:, None, None]).clamp_(_BLACK, 1)
    # x ** gamma in a sixth of the time; it needs x > 0.
    frames.log_().mul_(gamma).exp_()


def _compressed(frames: Tensor, step: float) -> Tensor:
    """Quantise the discrete cosine transform of 8 x 8 blocks in steps that grow with the frequency, as in JPEG (ITU-T
    T.81)."""
    width = frames.shape[-1]
    steps = (step * (1 + _FREQUENCY) / 2).repeat(1, width // _BLOCK)
    coefficients = _in_blocks(_DCT, frames.reshape(-1, _BLOCK, width))
    coefficients.div_(steps).round_().mul_(steps)
    return _in_blocks(_DCT.T, coefficients).view(frames.shape)


def _in_blocks(matrix: Tensor, strips: Tensor) -> Tensor:
    """matrix @ block @ matrix.T for each 8 x 8 block of strips (N, 8, W); the same shape.

    Strips keep the layout of the pixels in memory, so nothing is copied into blocks and back.
    """
    along = (strips.reshape(-1, _BLOCK) @ matrix.T).view(strips.shape)
    return torch.bmm(matrix.expand(len(strips), -1, -1), along)


def _dct(size: int) -> Tensor:
    k, n = torch.arange(size)[:, None], torch.arange(size)[None, :]
    rows = torch.cos(torch.pi * (n + 0.5) * k / size) * (2 / size) ** 0.5
    rows[0] /= 2**0.5
    return rows


_DCT = _dct(_BLOCK)
_FREQUENCY = (torch.arange(_BLOCK)[:, None] + torch.arange(_BLOCK)[None, :]).float()
