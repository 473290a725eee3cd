"""Batches of drawn worlds, reproducible from `(seed, index)` alone whichever process asks."""

from dataclasses import dataclass

import torch
from torch import Tensor

from trajvlm.data.rendered.world import World, WorldSettings, draw_world
from trajvlm.data.rendered.world_render import draw


@dataclass(frozen=True)
class WorldBatch:
    """Drawn clips and the truth about them."""

    worlds: list[World]
    video: Tensor
    """(B, 3, 17, 64, 64) in [0, 1], what the camera records."""
    layer: Tensor
    """(B, 2, 17, 64, 64) in [0, 1], coverage and brightness of what moves."""

    def to(self, device: torch.device | str) -> "WorldBatch":
        """The same with the pictures on a device."""
        return WorldBatch(self.worlds, self.video.to(device), self.layer.to(device))


def draw_worlds(settings: WorldSettings, seed: int, first: int, size: int) -> WorldBatch:
    """Worlds `first` to `first + size - 1` of the stream `seed`."""
    worlds = [draw_world(settings, seed, first + k) for k in range(size)]
    with torch.no_grad():
        videos, layers = zip(*(draw(world) for world in worlds))
    return WorldBatch(worlds, torch.stack(videos), torch.stack(layers))


def draw_pictures(settings: WorldSettings, seed: int, first: int, size: int) -> dict[str, Tensor]:
    """The same without the worlds, in whole numbers from 0 to 255: `video` and `layer`."""
    drawn = draw_worlds(settings, seed, first, size)
    return {
        name: (pictures * 255).round().byte() for name, pictures in (("video", drawn.video), ("layer", drawn.layer))
    }
