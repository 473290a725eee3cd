"""An endless stream of rendered clips, reproducible from `(seed, index)` alone whichever process asks."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from trajvlm.data.errors import UserError
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered.render import Track, render, render_clean, track
from trajvlm.data.rendered.scene import Scene, SceneSettings, draw_scene

Drawn = TypeVar("Drawn")
TRAINING_SEED = 1
VALIDATION_SEED = 2
TEST_SEED = 3
TRAINING_SCENES = SceneSettings(families=tuple(FAMILIES), strength=(0.0, 0.8), crowded=0.4, filmed=0.5)
"""What everything here is trained and validated on; the baselines too, on the basic families. The `training.json`
beside some weights says what these saw: filmed scenes are younger than the shipped tokenizer."""


@dataclass(frozen=True)
class Batch:
    """Rendered clips and the truth about them."""

    scenes: list[Scene]
    video: Tensor
    """(B, 3, 17, 64, 64) in [0, 1], what the camera sees."""
    clean: Tensor
    """(B, 3, 17, 64, 64) in [0, 1], the same motion without its appearance."""
    track: Track

    def to(self, device: torch.device) -> "Batch":
        """The same batch on a device."""
        centre, radius = self.track.centre.to(device), self.track.radius.to(device)
        return Batch(self.scenes, self.video.to(device), self.clean.to(device), Track(centre, radius))


def draw_batch(settings: SceneSettings, seed: int, first: int, size: int) -> Batch:
    """Clips `first` to `first + size - 1` of the stream `seed`."""
    scenes = [draw_scene(settings, seed, first + k) for k in range(size)]
    with torch.no_grad():
        return Batch(scenes, render(scenes), render_clean(scenes), track(scenes))


def draw_clips(settings: SceneSettings, seed: int, first: int, size: int) -> tuple[list[Scene], Tensor]:
    """The same clips without their clean pictures: scenes, and what the camera sees (size, 3, 17, 64, 64)."""
    scenes = [draw_scene(settings, seed, first + k) for k in range(size)]
    with torch.no_grad():
        return scenes, render(scenes)


def spare_cores(sharing: int = 1) -> int:
    """How many processes may draw clips for one training process, of so many that share the machine: one for each core
    that it leaves idle, and at least one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // sharing - 1)


def drawn_ahead(
    draw: Callable[[int, int], Drawn], wanted: Iterable[tuple[int, int]], processes: int = 1
) -> Iterator[Drawn]:
    """Clips as `draw(first, size)` draws them, in the order that is wanted, two batches ahead of whoever takes them.

    They are drawn by processes of their own, each on one thread and a batch at a time: drawing is many small steps. How
    many processes there are changes nothing but the time it takes.

    Args:
        wanted: number of the first clip, and how many.

    Raises:
        UserError: as `draw` raises it.
    """
    loader = DataLoader(
        _Drawing(draw),
        batch_size=None,
        sampler=wanted,
        num_workers=processes,
        prefetch_factor=2,
        collate_fn=_as_it_is,
        # Forked from a process whose thread pools have been at work, it may hang.
        multiprocessing_context="spawn",
    )
    for drawn in loader:
        if isinstance(drawn, UserError):
            raise drawn
        yield drawn


@dataclass(frozen=True)
class _Drawing(Dataset):
    draw: Callable[[int, int], object]

    def __getitem__(self, wanted: tuple[int, int]) -> object:
        # Raised over there, it would come with the traceback in its sentence.
        try:
            return self.draw(*wanted)
        except UserError as error:
            return error


def _as_it_is(drawn: object) -> object:
    return drawn
