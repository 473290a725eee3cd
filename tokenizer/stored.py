"""Train what finds the ball, and the numbers that write and read the codes, on stored clips.

    python -m trajvlm.tokenizer.stored --start-from tokenizer/weights --out runs/stored

The convolutions stay what they are, and what they say of a clip is the same at every step: it is computed once and kept
in memory. A step then takes a hundredth of the time of one of `trajvlm.tokenizer.train`. First the glimpses learn, and
the context between them, from the moving part and the latents of some clips; then the regression, and the numbers that
write the codes and read places from them, from what the last glimpse saw of many more.

The decoder then has to be taught these codes: `trajvlm.tokenizer.train --only`.
"""

import copy
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from trajvlm.data.errors import exit_with_a_sentence
from trajvlm.data.filmed.background_subtraction import subtract_background
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered.render import render, track
from trajvlm.data.rendered.scene import SceneSettings, draw_scene
from trajvlm.data.rendered.stream import TRAINING_SEED
from trajvlm.tokenizer.config import TokenizerConfig
from trajvlm.tokenizer.fast_inference import channels_last
from trajvlm.tokenizer.glimpse import Glimpsed
from trajvlm.tokenizer.latent_steps import by_steps
from trajvlm.tokenizer.model import TrajectoryTokenizer, trained_config
from trajvlm.tokenizer.precision import half_precision
from trajvlm.tokenizer.training_loop import move_average, warm_cosine

SCENES = SceneSettings(families=tuple(FAMILIES), strength=(0.0, 1.0), crowded=0.6, filmed=0.5)
"""Worse than `trajvlm.data.rendered.stream.TRAINING_SCENES`: on clean clips places are soon exact, and bad ones take
learning."""
_CHUNK = 20
_WITHIN = 2.7
"""Standard deviations of a place that the levels of a number span on each side of its mean."""
_FINER = 4.0


@dataclass(frozen=True)
class StoredTraining:
    """How it is trained."""

    glimpse_clips: int = 10_000
    """Each takes 0.6 MB of memory."""
    glimpse_steps: int = 2_600
    glimpse_batch: int = 32
    glimpse_rate: float = 1e-3
    numbers_clips: int = 40_000
    """Each takes 4 kB."""
    numbers_steps: int = 10_000
    numbers_batch: int = 64
    numbers_rate: float = 5e-4
    regression_rate: float = 2e-3
    warmup: int = 100
    beta: float = 0.01
    """Errors of centres and log radii count quadratically below this (a third of a pixel) and linearly above."""
    fits_weight: float = 0.2
    """What the regression's fits count for beside its mean of them."""
    averaging: float = 0.998
    """Decay of the exponential moving average of the weights."""
    first_clip: int = 0
    """Number in the training stream of the first clip."""


def fit(out: Path, settings: StoredTraining, scenes: SceneSettings, start_from: Path, config: TokenizerConfig) -> None:
    """Train in two stages and write the tokenizer to `out`.

    Args:
        start_from: folder of a trained tokenizer; what it has of glimpses and numbers is trained further.
    """
    torch.manual_seed(0)
    model = TrajectoryTokenizer.from_pretrained(start_from, config)
    fresh = not any(bool(module.out.weight.any()) for module in (model.writing, model.painting.where))
    first, beta = settings.first_clip, settings.beta

    keep = partial(_kept_for_glimpses, channels_last(model))
    clips = _stored(keep, scenes, first, settings.glimpse_clips)
    finding = nn.ModuleList([model.glimpses, model.encoder_context])

    def lost_by_glimpses(moving: Tensor, latents: Tensor, truth: Tensor) -> Tensor:
        with half_precision(moving.device):
            looks = model.looks(latents.float(), moving.float())
        return sum(_off(look.places, truth[:, None], beta) for look in looks)

    groups = [{"params": list(finding.parameters()), "lr": settings.glimpse_rate}]
    batches = _drawn(clips, settings.glimpse_batch, settings.glimpse_steps)
    _learn("glimpses", finding, groups, lost_by_glimpses, batches, settings, settings.glimpse_steps)
    del clips

    keep = partial(_kept_for_numbers, channels_last(model))
    clips = _stored(keep, scenes, first + settings.glimpse_clips, settings.numbers_clips)
    if fresh:
        _lay_straight_ways(model, *next(iter(_drawn(clips, len(clips[0]) // 10, 1))))
    writing = nn.ModuleList([model.regression, model.writing, model.painting.where])

    def lost_by_numbers(seen: Tensor, places: Tensor, truth: Tensor) -> Tensor:
        written, corrected = model.written(Glimpsed(seen.float(), places))
        read = model.painting.places(model.quantize(written).vectors)
        beyond = (written.abs() - 1).clamp_min(0).mean()
        fits = _off(corrected[:, 1:], truth[:, None], beta)
        return _off(read, truth, beta) + _off(corrected[:, 0], truth, beta) + settings.fits_weight * fits + beyond

    numbers = [*model.writing.parameters(), *model.painting.where.parameters()]
    groups = [
        {"params": list(model.regression.parameters()), "lr": settings.regression_rate},
        {"params": numbers, "lr": settings.numbers_rate},
    ]
    batches = _drawn(clips, settings.numbers_batch, settings.numbers_steps)
    _learn("numbers", writing, groups, lost_by_numbers, batches, settings, settings.numbers_steps)
    model.save_pretrained(out)
    (out / "stored.json").write_text(json.dumps({**asdict(settings), "scenes": asdict(scenes)}, indent=1) + "\n")


def _learn(
    name: str,
    part: nn.Module,
    groups: list[dict],
    loss_of: Callable[..., Tensor],
    batches: Iterable[list[Tensor]],
    settings: StoredTraining,
    steps: int,
) -> None:
    """Train a part of the tokenizer, in evaluation mode, and leave it with its averaged weights.

    Statistics that went on changing would not be those that the averaged weights belong to: they shifted what is read
    from the codes by a twentieth of a pixel.
    """
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01, fused=True)
    rate = partial(warm_cosine, steps=steps, warmup=settings.warmup, floor=0.02)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    averaged = copy.deepcopy(part)
    bar = tqdm(batches, desc=name, total=steps, mininterval=5)
    for step, batch in enumerate(bar):
        loss = loss_of(*batch)
        loss.backward()
        nn.utils.clip_grad_norm_(part.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        move_average(averaged, part, settings.averaging, step)
        bar.set_postfix(loss=f"{loss.item():.4f}", refresh=False)
    part.load_state_dict(averaged.state_dict())


def _off(found: Tensor, truth: Tensor, beta: float) -> Tensor:
    return F.smooth_l1_loss(found.float(), truth.expand_as(found), beta=beta)


def _drawn(clips: list[Tensor], batch: int, batches: int) -> Iterable[list[Tensor]]:
    """Batches of stored clips, drawn with replacement."""
    for _ in range(batches):
        which = torch.randint(len(clips[0]), (batch,))
        yield [part[which] for part in clips]


@torch.no_grad()
def _lay_straight_ways(model: TrajectoryTokenizer, seen: Tensor, places: Tensor, truth: Tensor) -> None:
    """Start the straight ways of what writes and reads as what they are for: each corrected place into a number of its
    own, and the differences of two frames' centres, finer, into what numbers are left; and back, by least squares."""
    frames, writing, reading = model.config.time_factor, model.writing, model.painting.where
    _, corrected = model.written(look := Glimpsed(seen.float(), places))
    told = model.told(look, corrected).flatten(0, 1)
    mean, spread = told.mean(dim=0), told.std(dim=0)
    writing.norm.running_mean.copy_(mean)
    writing.norm.running_var.copy_(spread.square())
    first, apart = look.seen.shape[-1], 3 * corrected.shape[1]
    way = writing.straight.weight
    way.zero_()
    writing.straight.bias.zero_()
    ways = [(first + frame * apart + number, None) for frame in range(frames) for number in range(3)]
    ways += [(first + apart + number, first + number) for number in range(2)] if frames > 1 else []
    for row, (place, before) in enumerate(ways[: len(way)]):
        way[row, place] = (1 if before is None else _FINER) / _WITHIN
        if before is not None:
            way[row, before] = -_FINER / _WITHIN * spread[before] / spread[place]
    vectors = model.quantize(model.written(look)[0]).vectors.flatten(2).flatten(0, 1)
    reading.norm.running_mean.copy_(vectors.mean(dim=0))
    reading.norm.running_var.copy_(vectors.var(dim=0))
    standard = reading.norm(vectors[..., None])[..., 0]
    causes = torch.cat([standard, torch.ones(len(standard), 1)], dim=1)
    found = torch.linalg.lstsq(causes, by_steps(truth, frames).flatten(0, 1)).solution
    reading.straight.weight.copy_(found[:-1].T[..., None])
    reading.straight.bias.copy_(found[-1])


class _Kept(Dataset):
    """What is kept of chunks of clips, by a function of their moving part; and the truth about them."""

    def __init__(self, keep: Callable[[Tensor], list[Tensor]], scenes: SceneSettings, first: int):
        self.keep, self.scenes, self.first = keep, scenes, first

    @torch.no_grad()
    def __getitem__(self, chunk: int) -> list[Tensor]:
        first = self.first + chunk * _CHUNK
        drawn = [draw_scene(self.scenes, TRAINING_SEED, first + k) for k in range(_CHUNK)]
        return [*self.keep(subtract_background(render(drawn))), track(drawn).places]


def _stored(keep: Callable[[Tensor], list[Tensor]], scenes: SceneSettings, first: int, count: int) -> list[Tensor]:
    """What is kept of `count` clips of the training stream from number `first` on (a multiple of 20), and their true
    places (count, 17, 3); drawn by as many processes as there are cores."""
    chunks = range(count // _CHUNK)
    workers = {"num_workers": os.cpu_count() or 1, "multiprocessing_context": "spawn"}
    loader = DataLoader(_Kept(keep, scenes, first), batch_size=None, sampler=chunks, collate_fn=list, **workers)
    # Cloned, for what a process hands over keeps a file open.
    parts = [[part.clone() for part in kept] for kept in tqdm(loader, desc="clips", mininterval=5)]
    return [torch.cat(part) for part in zip(*parts)]


def _kept_for_glimpses(encoder: TrajectoryTokenizer, moving: Tensor) -> list[Tensor]:
    return [moving.half(), encoder.convolved(moving).half()]


def _kept_for_numbers(encoder: TrajectoryTokenizer, moving: Tensor) -> list[Tensor]:
    look = encoder.looks(encoder.convolved(moving), moving)[-1]
    return [look.seen.half(), look.places]


def main(
    start_from: Annotated[Path, typer.Option(help="Folder of a trained tokenizer to start from.")],
    out: Annotated[Path, typer.Option(help="Folder that the tokenizer is written to.")] = Path("runs/stored"),
    glimpse_clips: Annotated[int, typer.Option(help="Clips that the glimpses learn from.")] = (
        StoredTraining.glimpse_clips
    ),
    glimpse_steps: Annotated[int, typer.Option(help="Steps in which they do.")] = StoredTraining.glimpse_steps,
    numbers_clips: Annotated[int, typer.Option(help="Clips that the numbers learn from.")] = (
        StoredTraining.numbers_clips
    ),
    numbers_steps: Annotated[int, typer.Option(help="Steps in which they do.")] = StoredTraining.numbers_steps,
    first_clip: Annotated[int, typer.Option(help="Number of the first clip in the training stream.")] = 0,
):
    """Train the glimpses, then the regression and the numbers, on stored clips."""
    settings = StoredTraining(
        glimpse_clips=glimpse_clips,
        glimpse_steps=glimpse_steps,
        numbers_clips=numbers_clips,
        numbers_steps=numbers_steps,
        first_clip=first_clip,
    )
    with exit_with_a_sentence():
        defaults = TokenizerConfig()
        added = {name: getattr(defaults, name) for name in ("fsq_levels", "context", "painting")}
        fit(out, settings, SCENES, start_from, replace(trained_config(start_from), **added))


if __name__ == "__main__":
    typer.run(main)
