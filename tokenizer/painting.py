"""The decoder's last layer: it knows how far each pixel lies from where the codes put the ball.

Convolutions that go up from 2 x 2 cells have to learn every place of the ball within a pixel anew: on the codes that
served it best, the decoder alone came no nearer than 0.35 pixels. Here place and size are read from the codes as
numbers and laid out over the picture as coordinates, so that a ball is painted the same wherever it is. Decoders that
broadcast a latent over a grid of coordinates draw moving objects so (Watters et al., 2019).
"""

import torch
from einops import rearrange
from torch import Tensor, nn

from tokenizer.numbers import Numbers

_REACH = 2
_HIDDEN = 32
_FURTHEST = 3.0


class Painting(nn.Module):
    """A grey video (B, 1, T, H, W) plus what the distance from the ball adds to it.

    At first it adds nothing.
    """

    def __init__(self, numbers: int, frames: int, size: int):
        """
        Args:
            numbers: how many the codes of one latent time step hold.
            frames: how many a latent time step covers; the first covers the first frame alone.
            size: pixels of a picture's side.
        """
        super().__init__()
        self.frames = frames
        self.where = Numbers(numbers, 3 * frames, _REACH)
        # Each pixel: distance from the centre to the right, upwards and straight, in radii; the radius; what is there.
        self.hidden = nn.Sequential(nn.Linear(5, _HIDDEN), nn.GELU(), nn.Linear(_HIDDEN, _HIDDEN), nn.GELU())
        self.out = nn.Linear(_HIDDEN, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        axis = (torch.arange(size) + 0.5) * (2 / size) - 1
        self.register_buffer("pixels", torch.stack(torch.meshgrid(axis, -axis, indexing="xy"), -1), persistent=False)

    def forward(self, grey: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """
        Args:
            vectors: (B, times, rows, columns, dims), those of the codes.

        Returns:
            The video; and (B, T, 3) what it took centre (image coordinates) and ln(radius / 0.1) to be, for training.
        """
        place = rearrange(self.where(vectors.flatten(2)), "b t (f n) -> b (t f) n", f=self.frames)[:, self.frames - 1 :]
        size = place[..., 2].clamp(-2, 2)[:, :, None, None, None]
        away = (self.pixels - place[:, :, None, None, :2]) / (0.1 * size.exp())
        distance = away.square().sum(-1, keepdim=True).add(1e-4).sqrt()
        seen = [away.clamp(-_FURTHEST, _FURTHEST), distance.clamp_max(_FURTHEST), size.expand_as(distance)]
        told = torch.cat([*seen, grey[:, 0, ..., None].float()], dim=-1)
        return grey + self.out(self.hidden(told))[..., 0][:, None], place
