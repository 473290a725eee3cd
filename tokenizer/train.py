"""Train the tokenizer on rendered clips.

    accelerate launch -m tokenizer.train --out runs/tokenizer

Goes on from `--out` where it was stopped. Writes there `tokenizer.safetensors` and `config.json` (averaged weights),
and what `tokenizer.loop` writes.

The target is the clean scene. Two losses: squared error of the pixels, those of the ball counting more, and the error
of a small head that reads centre and radius from the quantised code vectors. The head is no part of the tokenizer; it
is kept beside it (`head.safetensors`) because a new one, at first, pulls a trained encoder about.
"""

import copy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated

import torch
import typer
from safetensors.torch import load_model, save_model
from torch import Tensor, nn
from torch.nn import functional as F

from data.scene import SceneSettings
from data.stream import TRAINING_SCENES, TRAINING_SEED, VALIDATION_SEED, draw_batch, drawn_ahead
from tokenizer.config import TokenizerConfig
from tokenizer.fast import channels_last
from tokenizer.loop import TrainingLoop, warm_cosine
from tokenizer.measures import reconstruction_measures
from tokenizer.model import CONFIG, TrajectoryTokenizer

HEAD = "head.safetensors"


@dataclass(frozen=True)
class TokenizerTraining:
    """How the tokenizer is trained."""

    steps: int = 6000
    batch: int = 8
    """Clips per step and process."""
    learning_rate: float = 1.5e-3
    warmup: int = 100
    soft_until: float = 0.03
    """Share of the steps before quantisation begins; without such a phase the codes collapse."""
    hard_from: float = 0.15
    """Share of the steps after which every clip is quantised."""
    ball_weight: float = 20.0
    """How much more a pixel of the ball and of the ring round it counts than one of the ground."""
    ring_px: int = 4
    """Width of that ring; where only the ball itself counted more, its picture came out twice as large."""
    head_weight: float = 1.0
    head_beta: float = 0.01
    """Errors of the head count quadratically below this (a third of a pixel) and linearly above."""
    averaging: float = 0.998
    """Decay of the exponential moving average of the weights."""
    validate_every: int = 300
    validation_clips: int = 128
    first_clip: int = 0
    """Number in the training stream at which the first step's clips begin: a training that starts from another's
    weights goes on behind the clips that those have seen."""

    def __post_init__(self):
        if not 0 <= self.soft_until <= self.hard_from <= 1:
            raise ValueError("quantisation begins (soft_until) before it is complete (hard_from), both within 0 to 1")

    def hardness(self, step: int) -> float:
        """Share of the clips that are quantised at a step."""
        done = step / self.steps
        return min(1.0, max(0.0, (done - self.soft_until) / max(self.hard_from - self.soft_until, 1e-9)))

    def rate(self, step: int) -> float:
        """Learning rate at a step, relative to its peak."""
        return warm_cosine(step, self.steps, self.warmup, floor=0.02)


class TrackHead(nn.Module):
    """Centre and log radius of the frames that a time step of the latent grid covers, from its code vectors."""

    def __init__(self, config: TokenizerConfig):
        super().__init__()
        self.frames = config.time_factor
        cells = config.grid[1] * config.grid[2] * len(config.fsq_levels)
        self.net = nn.Sequential(nn.Linear(cells, 256), nn.GELU(), nn.Linear(256, 3 * self.frames))

    def forward(self, vectors: Tensor) -> Tensor:
        """(B, times, rows, columns, dims) to (B, frames, 3): u, v, ln(radius / 0.1)."""
        out = self.net(vectors.flatten(2)).unflatten(-1, (self.frames, 3)).flatten(1, 2)
        # The first time step covers the first frame alone; what it says of the frames before that is dropped.
        return out[:, self.frames - 1 :]


class TokenizerObjective(nn.Module):
    """The tokenizer with its training losses."""

    def __init__(self, tokenizer: TrajectoryTokenizer, settings: TokenizerTraining):
        super().__init__()
        self.tokenizer, self.settings = tokenizer, settings
        self.head = TrackHead(tokenizer.config)

    def forward(self, video: Tensor, clean: Tensor, centre: Tensor, radius: Tensor, hardness: Tensor):
        quantized = self.tokenizer.quantize(self.tokenizer.latents(video), hardness)
        frames = self.tokenizer.reconstruct(quantized.latents)[:, 0].float()
        weight = 1 + self.settings.ball_weight * self._near(centre, radius, frames.shape[-1])
        pixels = ((frames - clean[:, 0]).square() * weight).mean() / weight.mean()
        truth = torch.cat([centre, (radius / 0.1).log()[..., None]], dim=-1)
        head = F.smooth_l1_loss(self.head(quantized.vectors), truth, beta=self.settings.head_beta)
        loss = pixels + self.settings.head_weight * head + quantized.penalty
        return loss, pixels.detach(), head.detach(), quantized.codes

    def _near(self, centre: Tensor, radius: Tensor, size: int) -> Tensor:
        """Whether a pixel lies on the ball or the ring round it: (B, T, H, W), 0 or 1."""
        across = (torch.arange(size, device=centre.device) + 0.5) * (2 / size) - 1
        u, v = across[None, None, None, :], -across[None, None, :, None]
        distance = (u - centre[..., 0, None, None]).square() + (v - centre[..., 1, None, None]).square()
        reach = radius + self.settings.ring_px * 2 / size
        return (distance < reach.square()[..., None, None]).float()


def main(
    out: Annotated[Path, typer.Option(help="Folder of this training; resumed if it holds one.")] = Path(
        "runs/tokenizer"
    ),
    start_from: Annotated[Path | None, typer.Option(help="Folder of a trained tokenizer to start from.")] = None,
    levels: Annotated[
        str | None, typer.Option(help="Levels of the quantizer, such as 16,16,16,16; also of one started from.")
    ] = None,
    steps: Annotated[int, typer.Option(help="Steps in all.")] = TokenizerTraining.steps,
    batch: Annotated[int, typer.Option(help="Clips per step and process.")] = TokenizerTraining.batch,
    validate_every: Annotated[int, typer.Option()] = TokenizerTraining.validate_every,
    first_clip: Annotated[int, typer.Option(help="Number of the first clip in the training stream.")] = 0,
    learning_rate: Annotated[float, typer.Option(help="Its peak.")] = TokenizerTraining.learning_rate,
):
    """Train the tokenizer; stop it at any time and start it again to go on."""
    settings = TokenizerTraining(
        steps=steps, batch=batch, validate_every=validate_every, first_clip=first_clip, learning_rate=learning_rate
    )
    if start_from:
        settings = replace(settings, soft_until=0.0, hard_from=0.0)
    config = TokenizerConfig.load(start_from / CONFIG) if start_from else TokenizerConfig()
    if levels:
        config = replace(config, fsq_levels=tuple(int(level) for level in levels.split(",")))
    fit(out, settings, TRAINING_SCENES, config, start_from)


def fit(
    out: Path,
    settings: TokenizerTraining,
    scenes: SceneSettings,
    config: TokenizerConfig,
    start_from: Path | None = None,
) -> None:
    """Run or resume a training of a tokenizer with that configuration in the folder `out`.

    Args:
        start_from: folder of a trained tokenizer whose weights fit the configuration; its quantizer may have had other
            levels, for those are no weights. The head beside it is used where there is one.
    """
    loop = TrainingLoop(out, "tokenizer", settings, scenes)
    torch.manual_seed(0)
    tokenizer = TrajectoryTokenizer.from_pretrained(start_from, config) if start_from else TrajectoryTokenizer(config)
    objective = TokenizerObjective(channels_last(tokenizer).train(), settings)
    if start_from and (start_from / HEAD).is_file():
        load_model(objective.head, start_from / HEAD)
    optimizer = torch.optim.AdamW(objective.parameters(), lr=settings.learning_rate, weight_decay=0.01, fused=True)
    averaged = copy.deepcopy(tokenizer).eval()
    objective, optimizer = loop.prepare(objective, optimizer, averaged)
    held_out = draw_batch(scenes, VALIDATION_SEED, 0, settings.validation_clips)

    def save(folder: Path) -> None:
        averaged.save_pretrained(folder)
        save_model(loop.accelerator.unwrap_model(objective, keep_torch_compile=False).head, folder / HEAD)

    device = loop.accelerator.device
    wanted = ((first, settings.batch) for first in loop.first_clips())
    batches = drawn_ahead(partial(draw_batch, scenes, TRAINING_SEED), wanted)
    for step in loop.steps():
        with loop.waiting():
            drawn = next(batches)
        loss, pixels, head, codes = objective(
            *(x.to(device) for x in (drawn.video, drawn.clean, drawn.track.centre, drawn.track.radius)),
            torch.tensor(settings.hardness(step), device=device),
        )
        loop.learn(loss)
        decay = min(settings.averaging, step / (step + 20))
        _average(averaged, loop.accelerator.unwrap_model(objective).tokenizer, decay)
        figures = {"pixels": pixels.item(), "head": head.item(), "codes_in_batch": codes.unique().numel()}
        loop.finish_step(figures, lambda: reconstruction_measures(averaged, held_out), save)


@torch.no_grad()
def _average(averaged: nn.Module, model: nn.Module, decay: float) -> None:
    pairs = zip(averaged.state_dict().values(), model.state_dict().values())
    means, values = zip(*(pair for pair in pairs if pair[0].is_floating_point()))
    torch._foreach_lerp_(means, values, 1 - decay)


if __name__ == "__main__":
    typer.run(main)
