"""A second look, where the ball is taken to be: a window of the picture at full resolution.

The encoder goes down to 2 x 2 cells by strides, and what a ball's place is within a pixel has to survive every one of
them. A latent time step knows well where the ball is, if not to a fraction of a pixel; in a window laid round that
place, the rest is the same small question wherever the ball is. Cascades that find landmarks in faces work so (Sun et
al., 2013), and spatial transformers cut windows in this way (Jaderberg et al., 2015).
"""

from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

_SAMPLES = 16
_SPACING_PX = 1.5
_FEATURES = 64
_WAVES = 4


class Glimpsed(NamedTuple):
    """What a glimpse saw."""

    seen: Tensor
    """(B, times, `Glimpse.told`): of the frames that each latent time step covers, features of the window and the
    place, before the window and after, as numbers and as waves."""
    places: Tensor
    """(B, 2, T, 3): centre (image coordinates) and ln(radius / 0.1), before the window and after."""


class Glimpse(nn.Module):
    """Looks at a clip where its latents (B, C, times, rows, columns) put the ball."""

    def __init__(self, channels: int, grid: tuple[int, int, int], frames: int, size: int):
        """
        Args:
            channels: those of the latents.
            grid: (times, rows, columns) of latents.
            frames: how many a latent time step covers; the first covers the first frame alone.
            size: pixels of a picture's side.
        """
        super().__init__()
        self.frames = frames
        latent = channels * grid[1] * grid[2]
        self.where = nn.Sequential(nn.LayerNorm(latent), nn.Linear(latent, 3 * frames))
        self.window = nn.Sequential(
            nn.Conv2d(4, 24, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(24, 48, 3, stride=2, padding=1),
            nn.GELU(),
            nn.Conv2d(48, 48, 3, stride=2, padding=1),
            nn.GELU(),
            nn.Flatten(),
            nn.Linear(48 * (_SAMPLES // 4) ** 2, _FEATURES),
            nn.GELU(),
        )
        self.nearer = nn.Linear(_FEATURES, 3)
        self.told = frames * (_FEATURES + 3 + 3 + 3 * 2 * _WAVES)
        steps = (torch.arange(_SAMPLES) - (_SAMPLES - 1) / 2) * (_SPACING_PX * 2 / size)
        offsets = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), dim=-1)
        self.register_buffer("offsets", offsets, persistent=False)

    def forward(self, latents: Tensor, moving: Tensor) -> Glimpsed:
        """
        Args:
            moving: (B, 4, T, H, W), the moving part (`data.appearance.moving_part`).
        """
        times = latents.shape[2]
        # The first time step covers one frame; a repeated frame stands for those before it.
        padded = torch.cat([moving[:, :, :1].expand(-1, -1, self.frames - 1, -1, -1), moving], dim=2)
        before = self.where(rearrange(latents, "b c t h w -> b t (c h w)"))
        before = rearrange(before, "b t (f n) -> (b t f) n", f=self.frames).float()
        # Where the window lies is learned from the estimate alone.
        centre = before[:, :2].detach().clamp(-1, 1) * torch.tensor([1.0, -1.0], device=before.device)
        windows = F.grid_sample(
            rearrange(padded, "b c t h w -> (b t) c h w"),
            self.offsets + centre[:, None, None],
            padding_mode="zeros",
            align_corners=False,
        )
        features = self.window(windows)
        after = before.detach() + self.nearer(features).float()
        told = torch.cat([features.float(), before.detach(), after, _waves(after)], dim=-1)
        estimates = torch.stack([before, after], dim=1)
        estimates = rearrange(estimates, "(b t f) k n -> b k (t f) n", t=times, f=self.frames)[:, :, self.frames - 1 :]
        return Glimpsed(rearrange(told, "(b t f) n -> b t (f n)", t=times, f=self.frames), estimates)


def _waves(places: Tensor) -> Tensor:
    """Sines and cosines (N, 3 * 2 * `_WAVES`) of places (N, 3), the shortest of an eighth of the picture."""
    angles = (places[..., None] * (torch.pi * 2.0 ** torch.arange(_WAVES, device=places.device))).flatten(-2)
    return torch.cat([angles.sin(), angles.cos()], dim=-1)
