"""The decoder's last layer: it knows how far each pixel lies from where the codes put the ball.

Convolutions that go up from 2 x 2 cells have to learn every place of the ball within a pixel anew: on the codes that
served it best, the decoder alone came no nearer than 0.35 pixels. Here place and size are read from the codes as
numbers and laid out over the picture as coordinates, so that a ball is painted the same wherever it is. Decoders that
broadcast a latent over a grid of coordinates draw moving objects so (Watters et al., 2019).
"""

import torch
from torch import Tensor, nn

from trajvlm.tokenizer.latent_steps import by_frames
from trajvlm.tokenizer.numbers import Numbers

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
        # Each pixel: distance from the centre to the right, upwards and straight, in radii; from the edge in pixels, as
        # that is as soft on small balls as on large ones; the radius; what is there.
        self.hidden = nn.Sequential(nn.Linear(6, _HIDDEN), nn.GELU(), nn.Linear(_HIDDEN, _HIDDEN), nn.GELU())
        self.out = nn.Linear(_HIDDEN, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        axis = (torch.arange(size) + 0.5) * (2 / size) - 1
        self.register_buffer("pixels", torch.stack(torch.meshgrid(axis, -axis, indexing="xy"), -1), persistent=False)

    def places(self, vectors: Tensor) -> Tensor:
        """Centre (image coordinates) and ln(radius / 0.1), (B, T, 3), that codes' vectors (B, times, rows, columns,
        dims) are read as."""
        return by_frames(self.where(vectors.flatten(2)), self.frames)

    def forward(self, grey: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """
        Args:
            vectors: (B, times, rows, columns, dims), those of the codes.

        Returns:
            The video; and where it took the ball to be, as `places` has it, for training.
        """
        place = self.places(vectors)
        size = place[..., 2].clamp(-2, 2)[:, :, None, None, None]
        radius = 0.1 * size.exp()
        away = (self.pixels - place[:, :, None, None, :2]) / radius
        distance = away.square().sum(-1, keepdim=True).add(1e-4).sqrt()
        edge = (distance - 1) * radius * (self.pixels.shape[0] / 2)
        seen = [away, distance, edge, size.expand_as(distance)]
        told = torch.cat([*(x.clamp(-_FURTHEST, _FURTHEST) for x in seen), grey[:, 0, ..., None].float()], dim=-1)
        return grey + self.out(self.hidden(told))[..., 0][:, None], place
