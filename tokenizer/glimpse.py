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

from trajvlm.tokenizer.latent_steps import by_frames, by_steps

_SAMPLES = 16
_SPACING_PX = 1.5
_FEATURES = 64
_WAVES = 4
_LEAST_CHANGE = 1e-3


class Glimpsed(NamedTuple):
    """What a glimpse saw."""

    seen: Tensor
    """(B, times, `Glimpse.told`): of the frames that each latent time step covers, features of the window, the place,
    before the window and after, as numbers and as waves, and how much the picture changed since the frame before."""
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
        self.told = frames * (_FEATURES + 3 + 3 + 3 * 2 * _WAVES + 1)
        steps = (torch.arange(_SAMPLES) - (_SAMPLES - 1) / 2) * (_SPACING_PX * 2 / size)
        offsets = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), dim=-1)
        self.register_buffer("offsets", offsets, persistent=False)

    def forward(self, latents: Tensor, moving: Tensor) -> Glimpsed:
        """
        Args:
            moving: (B, 4, T, H, W), the moving part (`trajvlm.data.filmed.background_subtraction.subtract_background`).
        """
        before = by_frames(self.where(rearrange(latents, "b c t h w -> b t (c h w)")), self.frames).float()
        # Where the window lies is learned from the estimate alone.
        centre = before[..., :2].detach().clamp(-1, 1) * torch.tensor([1.0, -1.0], device=before.device)
        windows = F.grid_sample(
            rearrange(moving, "b c t h w -> (b t) c h w"),
            self.offsets + centre.flatten(0, 1)[:, None, None],
            padding_mode="zeros",
            align_corners=False,
        )
        features = self.window(windows).unflatten(0, before.shape[:2])
        after = before.detach() + self.nearer(features).float()
        seen = [features.float(), before.detach(), after, _waves(after), _change(moving)[..., None]]
        return Glimpsed(by_steps(torch.cat(seen, dim=-1), self.frames), torch.stack([before, after], dim=1))


def _change(moving: Tensor) -> Tensor:
    """Logarithm of the mean difference of each frame from the one before it (B, T), of the first from the one after:
    where a frame is repeated, what is seen is where the ball was and not where it is."""
    difference = moving.diff(dim=2).abs().mean(dim=(1, 3, 4)).float()
    return torch.cat([difference[:, :1], difference], dim=1).add(_LEAST_CHANGE).log()


def _waves(places: Tensor) -> Tensor:
    """Sines and cosines (..., 3 * 2 * `_WAVES`) of places (..., 3), the shortest of an eighth of the picture."""
    angles = (places[..., None] * (torch.pi * 2.0 ** torch.arange(_WAVES, device=places.device))).flatten(-2)
    return torch.cat([angles.sin(), angles.cos()], dim=-1)
