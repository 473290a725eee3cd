"""What lies before and after: a clip is given whole, so a latent time step may know its neighbours on both sides.

MAGVIT-2's convolutions are causal, so that a picture is the first frame of a video and long videos can be encoded piece
by piece. For one clip of 17 frames that has a price: a ball behind a post, or in a frame that repeats the one before
it, has to be guessed from where it came from, though it is plain from where it comes out.
"""

import torch
from einops import rearrange
from torch import Tensor, nn

_WIDTH = 192


class TwoWayContext(nn.Module):
    """Latents (B, C, times, rows, columns) plus what is known of up to `reach` steps on both sides; the same shape.

    All cells of a time step are read together, for the ball moves from one to another. At first it adds nothing.
    """

    def __init__(self, channels: int, grid: tuple[int, int, int], reach: int, told: int):
        """
        Args:
            told: how many numbers a time step is told beside the latents.
        """
        super().__init__()
        _, self.rows, columns = grid
        size = channels * self.rows * columns
        self.norm = nn.LayerNorm(size)
        self.around = nn.Conv1d(size + told, _WIDTH, 2 * reach + 1, padding=reach)
        self.act = nn.GELU()
        self.out = nn.Conv1d(_WIDTH, size, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, latents: Tensor, told: Tensor) -> Tensor:
        """
        Args:
            told: (B, times, numbers).
        """
        x = self.norm(rearrange(latents, "b c t h w -> b t (c h w)"))
        x = torch.cat([x, told.to(x.dtype)], dim=-1)
        x = self.out(self.act(self.around(x.mT)))
        return latents + rearrange(x, "b (c h w) t -> b c t h w", h=self.rows, w=latents.shape[-1])
