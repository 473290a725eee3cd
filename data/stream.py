"""An endless stream of rendered clips, reproducible from `(seed, index)` alone whichever process asks."""

from dataclasses import dataclass

import torch
from torch import Tensor

from data.families import FAMILIES
from data.render import Track, render, render_clean, track
from data.scene import Scene, SceneSettings, draw_scene

TRAINING_SEED = 1
VALIDATION_SEED = 2
TEST_SEED = 3
TRAINING_SCENES = SceneSettings(families=tuple(FAMILIES), strength=(0.0, 0.8), crowded=0.4)
"""What everything here is trained and validated on; the baselines too, on the basic families."""


@dataclass(frozen=True)
class Batch:
    """Rendered clips and the truth about them."""

    scenes: list[Scene]
    video: Tensor
    """(B, 3, 17, 64, 64) in [0, 1], what the camera sees."""
    clean: Tensor
    """(B, 3, 17, 64, 64) in [0, 1], the same motion without its appearance."""
    track: Track


def draw_batch(settings: SceneSettings, seed: int, first: int, size: int) -> Batch:
    """Clips `first` to `first + size - 1` of the stream `seed`."""
    scenes = [draw_scene(settings, seed, first + k) for k in range(size)]
    with torch.no_grad():
        return Batch(scenes, render(scenes), render_clean(scenes), track(scenes))
