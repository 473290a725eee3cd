"""Frames moved by parts of a pixel: what a shaking camera does, and what undoes it."""

import torch
from torch import Tensor
from torch.nn import functional as F


def shifted(video: Tensor, shifts: Tensor) -> Tensor:
    """Frames of clips (B, C, T, H, W) with what lay `shifts` (B, T, 2) pixels to the right and below at each place; the
    edge is carried on outwards."""
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
