"""A second look, where the ball is taken to be: a window of the picture at full resolution.

The encoder goes down to 2 x 2 cells by strides, and what a ball's place is within a pixel has to survive every one of
them. A latent time step knows well where the ball is, if not to a fraction of a pixel; in a window laid round that
place, the rest is the same small question wherever the ball is. Cascades that find landmarks in faces work so (Sun et
al., 2013), and spatial transformers cut windows in this way (Jaderberg et al., 2015).
"""

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

_SAMPLES = 16
_SPACING_PX = 1.5
_WIDTH = 192


class Glimpse(nn.Module):
    """Latents (B, C, times, rows, columns) plus what windows of the picture add to them; the same shape.

    At first it adds nothing.
    """

    def __init__(self, channels: int, grid: tuple[int, int, int], frames: int, size: int):
        """
        Args:
            channels: those of the latents.
            grid: (times, rows, columns) of latents.
            frames: how many a latent time step covers; the first covers the first frame alone.
            size: pixels of a picture's side.
        """
        super().__init__()
        _, self.rows, columns = grid
        self.frames = frames
        latent = channels * self.rows * columns
        self.norm = nn.LayerNorm(latent)
        self.where = nn.Linear(latent, 3 * frames)
        self.window = nn.Sequential(
            nn.Conv2d(4, 24, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(24, 48, 3, stride=2, padding=1),
            nn.GELU(),
            nn.Conv2d(48, 48, 3, stride=2, padding=1),
            nn.GELU(),
            nn.Flatten(),
            nn.Linear(48 * (_SAMPLES // 4) ** 2, 64),
            nn.GELU(),
        )
        self.nearer = nn.Linear(64, 3)
        self.mix = nn.Linear(latent + frames * (64 + 6), _WIDTH)
        self.out = nn.Linear(_WIDTH, latent)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        steps = (torch.arange(_SAMPLES) - (_SAMPLES - 1) / 2) * (_SPACING_PX * 2 / size)
        offsets = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), dim=-1)
        self.register_buffer("offsets", offsets, persistent=False)

    def forward(self, latents: Tensor, moving: Tensor) -> tuple[Tensor, Tensor]:
        """
        Args:
            moving: (B, 4, T, H, W), the moving part (`data.appearance.moving_part`).

        Returns:
            The latents; and (B, 2, T, 3) what it took centre (image coordinates) and ln(radius / 0.1) to be, before the
            window and after, for training.
        """
        times = latents.shape[2]
        flat = self.norm(rearrange(latents, "b c t h w -> b t (c h w)"))
        # The first time step covers one frame; a repeated frame stands for those before it.
        padded = torch.cat([moving[:, :, :1].expand(-1, -1, self.frames - 1, -1, -1), moving], dim=2)
        before = rearrange(self.where(flat), "b t (f n) -> (b t f) n", f=self.frames).float()
        # Where the window lies is learned from the estimate alone.
        centre = before[:, :2].detach().clamp(-1, 1) * torch.tensor([1.0, -1.0], device=before.device)
        windows = F.grid_sample(
            rearrange(padded, "b c t h w -> (b t) c h w"),
            self.offsets + centre[:, None, None],
            padding_mode="zeros",
            align_corners=False,
        )
        seen = self.window(windows)
        after = before.detach() + self.nearer(seen).float()
        told = torch.cat([seen, before.detach().to(seen.dtype), after.detach().to(seen.dtype)], dim=-1)
        told = rearrange(told, "(b t f) n -> b t (f n)", t=times, f=self.frames)
        added = self.out(F.gelu(self.mix(torch.cat([flat, told], dim=-1))))
        estimates = torch.stack([before, after], dim=1)
        estimates = rearrange(estimates, "(b t f) k n -> b k (t f) n", t=times, f=self.frames)[:, :, self.frames - 1 :]
        latents = latents + rearrange(added, "b t (c h w) -> b c t h w", h=self.rows, w=latents.shape[-1])
        return latents, estimates
