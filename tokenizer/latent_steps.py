"""Frames, and the latent time steps that cover them: the first covers the first frame alone, the others a few each."""

import torch
from einops import rearrange
from torch import Tensor


def by_frames(steps: Tensor, frames: int) -> Tensor:
    """What is said at each time step (B, times, frames * numbers), frame by frame: (B, T, numbers).

    Args:
        frames: how many a time step covers; what the first says of frames before the first is dropped.
    """
    return rearrange(steps, "b t (f n) -> b (t f) n", f=frames)[:, frames - 1 :]


def by_steps(each: Tensor, frames: int) -> Tensor:
    """The inverse: (B, T, numbers) to (B, times, frames * numbers); the first frame stands for those before it."""
    each = torch.cat([each[:, :1].expand(-1, frames - 1, -1), each], dim=1)
    return rearrange(each, "b (t f) n -> b t (f n)", f=frames)
