"""Frames shifted by fractions of a pixel, to simulate a shaking camera and to undo its shaking."""

import torch
from torch import Tensor
from torch.nn import functional as F


def shifted(video: Tensor, shifts: Tensor) -> Tensor:
    """Clips (B, C, T, H, W) resampled bilinearly: each pixel gets the value that lay `shifts` (B, T, 2) pixels to the
    right and below. Beyond the picture its edge is repeated."""
    height, width = video.shape[-2:]
    right, down = (shifts.flatten(0, 1) * shifts.new_tensor([2 / width, 2 / height]))[..., None].unbind(1)
    columns = (_axis(width, video) + right)[:, None, :].expand(-1, height, -1)
    rows = (_axis(height, video) + down)[:, :, None].expand(-1, -1, width)
    frames = F.grid_sample(
        video.transpose(1, 2).flatten(0, 1),
        torch.stack([columns, rows], dim=-1),
        padding_mode="border",
        align_corners=False,
    )
    return frames.unflatten(0, shifts.shape[:2]).transpose(1, 2)


def _axis(size: int, like: Tensor) -> Tensor:
    """(size,) centres of the pixels along a side that runs from -1 to 1."""
    return (torch.arange(size, device=like.device, dtype=like.dtype) + 0.5) * (2 / size) - 1
