"""Endless streams of rendered clips, reproducible from `(seed, index)` alone in any process."""

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
"""Scenes of all trainings and their validation; the baselines use them with the basic families. Weights may be older:
the `training.json` beside them has the settings of their own training."""


@dataclass(frozen=True)
class Batch:
    """Rendered clips and their truth."""

    scenes: list[Scene]
    video: Tensor
    """(B, 3, 17, 64, 64) in [0, 1], what the camera sees."""
    clean: Tensor
    """(B, 3, 17, 64, 64) in [0, 1], the motion alone (`render_clean`)."""
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
    """`draw_batch` without clean clips and tracks: scenes, and videos (size, 3, 17, 64, 64) in [0, 1]."""
    scenes = [draw_scene(settings, seed, first + k) for k in range(size)]
    with torch.no_grad():
        return scenes, render(scenes)


def spare_cores(sharing: int = 1) -> int:
    """Number of processes that draw clips for one of `sharing` training processes on this machine: its share of the
    cores but one, at least one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // sharing - 1)


def prefetch(
    draw: Callable[[int, int], Drawn], wanted: Iterable[tuple[int, int]], processes: int = 1
) -> Iterator[Drawn]:
    """Yield `draw(first, size)` for each of the wanted batches in order, drawn ahead by worker processes.

    Each worker has one thread, draws a batch at a time, and is two batches ahead. The number of workers does not change
    the batches.

    Args:
        wanted: number of a batch's first clip, and its size.

    Raises:
        UserError: as `draw` raises it.
    """
    loader = DataLoader(
        _Drawing(draw),
        batch_size=None,
        sampler=wanted,
        num_workers=processes,
        prefetch_factor=2,
        collate_fn=_uncollated,
        # A fork of a process with active thread pools may hang.
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
        # An exception raised in a worker would arrive with a traceback in its message.
        try:
            return self.draw(*wanted)
        except UserError as error:
            return error


def _uncollated(drawn: object) -> object:
    return drawn
