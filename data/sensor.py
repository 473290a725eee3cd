"""What a camera does to a scene: it shakes, over- or underexposes, adds noise, drops frames and compresses."""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from data.nuisances import Nuisances

_BLOCK = 8


def record(frames: Tensor, strength: Nuisances, seed: int) -> Tensor:
    """Frames (3, T, H, W) in [0, 1] as they come out of the video file; the same shape and range."""
    generators = {n: np.random.default_rng([seed, k]) for k, n in enumerate(("shake", "exposure", "dropped"), 10)}
    if strength.shake:
        frames = _shaken(frames, 0.04 * strength.shake * generators["shake"].normal(size=(frames.shape[1], 2)))
    if strength.exposure:
        frames = _exposed(frames, strength.exposure, generators["exposure"])
    if strength.noise:
        noise = torch.randn(frames.shape, generator=torch.Generator().manual_seed(seed))
        frames = frames + 0.06 * strength.noise * noise
    if strength.dropped:
        keep = generators["dropped"].random(frames.shape[1]) >= 0.15 * strength.dropped
        frames = frames[:, np.maximum.accumulate(np.where(keep, np.arange(len(keep)), 0))]
    if strength.compression:
        frames = _compressed(frames.clamp(0, 1), 0.12 * strength.compression)
    return frames.clamp(0, 1)


def _shaken(frames: Tensor, offsets: np.ndarray) -> Tensor:
    """Each frame shifted by its offset (T, 2) in half widths; the edge is carried on outwards."""
    count = frames.shape[1]
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = 1
    theta[:, :, 2] = torch.from_numpy(offsets).float()
    grid = F.affine_grid(theta, (count, 3, *frames.shape[2:]), align_corners=False)
    shifted = F.grid_sample(frames.transpose(0, 1), grid, padding_mode="border", align_corners=False)
    return shifted.transpose(0, 1)


def _exposed(frames: Tensor, strength: float, rng: np.random.Generator) -> Tensor:
    gain = np.exp(strength * rng.normal(0, 0.4)) * (1 + 0.06 * strength * rng.normal(size=frames.shape[1]))
    gamma = math.exp(strength * rng.normal(0, 0.3))
    return (frames * torch.from_numpy(gain).float()[:, None, None]).clamp(0, 1) ** gamma


def _compressed(frames: Tensor, step: float) -> Tensor:
    """Coefficients of the discrete cosine transform of 8 x 8 blocks, rounded to steps that grow with the frequency, as
    in JPEG (ITU-T T.81)."""
    c, t, h, w = frames.shape
    blocks = frames.reshape(c, t, h // _BLOCK, _BLOCK, w // _BLOCK, _BLOCK).transpose(3, 4)
    coefficients = _DCT @ blocks @ _DCT.T
    steps = step * (1 + _FREQUENCY) / 2
    rounded = (coefficients / steps).round() * steps
    return (_DCT.T @ rounded @ _DCT).transpose(3, 4).reshape(c, t, h, w)


def _dct(size: int) -> Tensor:
    k, n = torch.arange(size)[:, None], torch.arange(size)[None, :]
    rows = torch.cos(torch.pi * (n + 0.5) * k / size) * (2 / size) ** 0.5
    rows[0] /= 2**0.5
    return rows


_DCT = _dct(_BLOCK)
_FREQUENCY = (torch.arange(_BLOCK)[:, None] + torch.arange(_BLOCK)[None, :]).float()
