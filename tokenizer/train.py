"""Train the tokenizer on rendered clips.

    python -m trajvlm.tokenizer.train --minutes 25 --out runs/tokenizer
    accelerate launch -m trajvlm.tokenizer.train --out runs/tokenizer

Resumes what `--out` holds. Writes there `tokenizer.safetensors` and `config.json` (averaged weights), and what
`trajvlm.tokenizer.training_loop` writes.

The target is the clean scene. Four losses: squared error of the pixels, those of the ball counting more; the error of
centre and radius as they are read from the reconstruction, where a fraction of a pixel hardly counts among the squares;
the error of a small head that reads them from the quantised code vectors; and that of the places that the glimpses look
at and the painting reads. The head is no part of the tokenizer; it is kept beside it (`head.safetensors`) because a new
one, at first, pulls a trained encoder about.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from safetensors.torch import load_model
from torch import Tensor, nn
from torch.nn import functional as F

from trajvlm.data.errors import UserError, exit_with_a_sentence
from trajvlm.data.rendered.render import Track
from trajvlm.data.rendered.scene import SceneSettings
from trajvlm.data.rendered.stream import (
    TRAINING_SCENES,
    TRAINING_SEED,
    VALIDATION_SEED,
    Batch,
    draw_batch,
    prefetch,
    spare_cores,
)
from trajvlm.tokenizer.checkpoint import write_weights
from trajvlm.tokenizer.config import TokenizerConfig
from trajvlm.tokenizer.fast_inference import channels_last
from trajvlm.tokenizer.latent_steps import by_frames
from trajvlm.tokenizer.metrics import reconstruction_measures
from trajvlm.tokenizer.model import TrajectoryTokenizer, trained_config, weights_sha256
from trajvlm.tokenizer.readout import read_track
from trajvlm.tokenizer.training_loop import Progress, accelerated, stream_numbers, train, warm_cosine

HEAD = "head.safetensors"


@dataclass(frozen=True)
class TokenizerTraining:
    """How the tokenizer is trained."""

    steps: int = 6000
    minutes: float | None = None
    """Instead of so many steps, as many as fit into so many minutes."""
    batch: int = 8
    """Clips per step and process."""
    learning_rate: float = 1.5e-3
    only: tuple[str, ...] = ()
    """Parts of the tokenizer that are trained, by the beginnings of their weights' names; everything, where empty. The
    others stay what they are, the norm's statistics too: codes go on meaning what they meant to a decoder, or to a
    language model, that stays."""
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
    places_beta: float = 0.01
    """Errors of centres and log radii count quadratically below this (a third of a pixel) and linearly above."""
    readable_px: float = 4.0
    """What is read from the reconstruction counts where it is nearer than this; further off is no ball to move."""
    averaging: float | None = 0.998
    """Decay of the exponential moving average of the weights."""
    validate_every: int = 300
    validation_clips: int = 128
    first_clip: int = 0
    """Number in the training stream at which the first step's clips begin: a training that starts from another's
    weights goes on behind the clips that those have seen."""

    def __post_init__(self):
        if not 0 <= self.soft_until <= self.hard_from <= 1:
            raise ValueError("quantisation begins (soft_until) before it is complete (hard_from), both within 0 to 1")

    def hardness(self, step: int, steps: float) -> float:
        """Share of the clips that are quantised at a step of so many."""
        done = step / steps
        return min(1.0, max(0.0, (done - self.soft_until) / max(self.hard_from - self.soft_until, 1e-9)))

    def rate(self, step: int, steps: float) -> float:
        """Learning rate at a step of so many, relative to its peak."""
        return warm_cosine(step, steps, self.warmup, floor=0.02)


class TrackHead(nn.Module):
    """Centre and log radius of the frames that a time step of the latent grid covers, from its code vectors."""

    def __init__(self, config: TokenizerConfig):
        super().__init__()
        self.frames = config.time_factor
        cells = config.grid[1] * config.grid[2] * len(config.fsq_levels)
        self.net = nn.Sequential(nn.Linear(cells, 256), nn.GELU(), nn.Linear(256, 3 * self.frames))

    def forward(self, vectors: Tensor) -> Tensor:
        """(B, times, rows, columns, dims) to (B, frames, 3): u, v, ln(radius / 0.1)."""
        return by_frames(self.net(vectors.flatten(2)), self.frames)


class TokenizerObjective(nn.Module):
    """The tokenizer with its training losses."""

    def __init__(self, tokenizer: TrajectoryTokenizer, settings: TokenizerTraining):
        super().__init__()
        self.tokenizer, self.settings = tokenizer, settings
        self.head = TrackHead(tokenizer.config)

    def forward(self, video: Tensor, clean: Tensor, centre: Tensor, radius: Tensor, hardness: Tensor):
        projected, places = self.tokenizer.encoded(video)
        quantized = self.tokenizer.quantize(projected, hardness)
        picture, painted = self.tokenizer.picture_and_places(quantized.vectors)
        picture = picture.float()
        frames = picture[:, 0]
        weight = 1 + self.settings.ball_weight * self._near(centre, radius, frames.shape[-1])
        pixels = ((frames - clean[:, 0]).square() * weight).mean() / weight.mean()
        truth = Track(centre, radius).places
        head = self._off(self.head(quantized.vectors), truth)
        looked = sum(self._off(place, truth[:, None]) for place in places) + sum(self._off(p, truth) for p in painted)
        read = self._misread(picture, truth)
        loss = pixels + read + looked + self.settings.head_weight * head + quantized.penalty
        return loss, pixels.detach(), head.detach(), quantized.codes

    def _off(self, found: Tensor, truth: Tensor) -> Tensor:
        """Loss of centres and log radii (..., T, 3)."""
        return F.smooth_l1_loss(found, truth.expand_as(found), beta=self.settings.places_beta)

    def _misread(self, picture: Tensor, truth: Tensor) -> Tensor:
        """Loss of what `read_track` reads from the reconstruction (B, 3, T, H, W)."""
        found = read_track(picture)
        read = Track(found.track.centre, found.track.radius.clamp_min(0.01)).places
        near = (read - truth)[..., :2].norm(dim=-1) < self.settings.readable_px * 2 / picture.shape[-1]
        return self._off(torch.where((found.seen & near)[..., None], read, truth), truth)

    def _near(self, centre: Tensor, radius: Tensor, size: int) -> Tensor:
        """Whether a pixel lies on the ball or the ring round it: (B, T, H, W), 0 or 1."""
        across = (torch.arange(size, device=centre.device) + 0.5) * (2 / size) - 1
        u, v = across[None, None, None, :], -across[None, None, :, None]
        distance = (u - centre[..., 0, None, None]).square() + (v - centre[..., 1, None, None]).square()
        reach = radius + self.settings.ring_px * 2 / size
        return (distance < reach.square()[..., None, None]).float()


def training_loss(objective: nn.Module, batch: tuple[Batch, Tensor]) -> tuple[Tensor, dict]:
    """Loss () of clips and their share that is quantised (), and figures to log."""
    drawn, hardness = batch
    total, pixels, head, codes = objective(drawn.video, drawn.clean, drawn.track.centre, drawn.track.radius, hardness)
    return total, {"pixels": pixels, "head": head, "codes_in_batch": codes.unique().numel()}


def optimizer_of(objective: TokenizerObjective, settings: TokenizerTraining) -> torch.optim.Optimizer:
    """An optimizer of all weights that are not frozen."""
    trained = [parameter for parameter in objective.parameters() if parameter.requires_grad]
    return torch.optim.AdamW(trained, lr=settings.learning_rate, weight_decay=0.01, fused=True)


def main(
    out: Annotated[Path, typer.Option(help="Folder of this training; resumed if it holds one.")] = Path(
        "runs/tokenizer"
    ),
    start_from: Annotated[Path | None, typer.Option(help="Folder of a trained tokenizer to start from.")] = None,
    levels: Annotated[
        str | None, typer.Option(help="Levels of the quantizer, such as 16,16,16,16; also of one started from.")
    ] = None,
    context: Annotated[
        str | None, typer.Option(help="Steps that each layer of context reaches, such as 2,2, for one started from.")
    ] = None,
    painting: Annotated[
        bool | None, typer.Option(help="Whether the decoder ends with a painting, for one started from.")
    ] = None,
    steps: Annotated[int, typer.Option(help="Steps in all.")] = TokenizerTraining.steps,
    minutes: Annotated[float | None, typer.Option(help="Train for so long instead of so many steps.", min=0.01)] = None,
    batch: Annotated[int, typer.Option(help="Clips per step and process.")] = TokenizerTraining.batch,
    validate_every: Annotated[int, typer.Option()] = TokenizerTraining.validate_every,
    first_clip: Annotated[int, typer.Option(help="Number of the first clip in the training stream.")] = 0,
    learning_rate: Annotated[float, typer.Option(help="Its peak.")] = TokenizerTraining.learning_rate,
    only: Annotated[
        str, typer.Option(help="Parts that are trained, such as glimpses,encoder_context; all, where left out.")
    ] = "",
    head_weight: Annotated[float, typer.Option(help="Weight of the head's loss.")] = TokenizerTraining.head_weight,
    warmup: Annotated[int, typer.Option(help="Steps in which it rises.")] = TokenizerTraining.warmup,
    render_processes: Annotated[
        int | None, typer.Option(help="Processes that render clips; as many as there are idle cores.", min=1)
    ] = None,
):
    """Train the tokenizer; stop it at any time and start it again to resume."""
    settings = TokenizerTraining(
        steps=steps,
        minutes=minutes,
        batch=batch,
        validate_every=validate_every,
        first_clip=first_clip,
        learning_rate=learning_rate,
        only=tuple(filter(None, only.split(","))),
        head_weight=head_weight,
        warmup=warmup,
    )
    if start_from:
        settings = replace(settings, soft_until=0.0, hard_from=0.0)
    given: dict[str, Any] = {
        name: tuple(map(int, text.split(","))) for name, text in (("fsq_levels", levels), ("context", context)) if text
    }
    if painting is not None:
        given["painting"] = painting
    with exit_with_a_sentence():
        config = trained_config(start_from) if start_from else TokenizerConfig()
        fit(out, settings, TRAINING_SCENES, replace(config, **given), start_from, render_processes)


def fit(
    out: Path,
    settings: TokenizerTraining,
    scenes: SceneSettings,
    config: TokenizerConfig,
    start_from: Path | None = None,
    render_processes: int | None = None,
) -> None:
    """Run or resume a training of a tokenizer with that configuration in the folder `out`.

    Args:
        start_from: folder of a trained tokenizer whose weights fit the configuration; its quantizer may have had other
            levels, for those are no weights, and it may lack `context`. The head beside it is used where there is one.
        render_processes: how many processes render clips for each process; as many as there are idle cores where left
            out.

    Raises:
        UserError: weights to start from are missing, the tokenizer has no part of a name in `settings.only`, or see
            `trajvlm.tokenizer.training_loop.train`.
    """
    accelerator = accelerated(out)
    device = accelerator.device
    torch.manual_seed(0)
    tokenizer = TrajectoryTokenizer.from_pretrained(start_from, config) if start_from else TrajectoryTokenizer(config)
    objective = TokenizerObjective(channels_last(tokenizer).train(), settings)
    if start_from and (start_from / HEAD).is_file():
        load_model(objective.head, start_from / HEAD)
    if settings.only:
        _freeze_all_but(settings.only, objective.tokenizer)

    def batches(progress: Progress) -> Iterator[tuple[Batch, Tensor]]:
        wanted = ((first, settings.batch) for first in stream_numbers(accelerator, settings, progress.step))
        processes = render_processes or spare_cores(accelerator.num_processes)
        for drawn in prefetch(partial(draw_batch, scenes, TRAINING_SEED), wanted, processes):
            yield drawn.to(device), torch.tensor(settings.hardness(progress.step, progress.steps), device=device)

    @cache
    def held_out() -> Batch:
        return draw_batch(scenes, VALIDATION_SEED, 0, settings.validation_clips).to(device)

    def save(objective: TokenizerObjective, folder: Path) -> None:
        objective.tokenizer.save_pretrained(folder)
        write_weights(objective.head.state_dict(), folder / HEAD)

    train(
        accelerator,
        objective,
        optimizer_of(objective, settings),
        batches,
        training_loss,
        settings,
        out,
        record={
            **asdict(settings),
            "scenes": asdict(scenes),
            "tokenizer": asdict(config),
            "start_from": weights_sha256(start_from) if start_from else None,
        },
        validate=lambda objective: reconstruction_measures(objective.tokenizer, held_out()),
        save=save,
    )


def _freeze_all_but(parts: tuple[str, ...], tokenizer: TrajectoryTokenizer) -> None:
    named = list(tokenizer.eval().named_parameters())
    for part in parts:
        if not any(name.startswith(part) for name, _ in named):
            kinds = ", ".join(dict.fromkeys(name.split(".")[0] for name, _ in named))
            raise UserError(f"the tokenizer has no part {part!r} to train; it has {kinds}")
    for name, parameter in named:
        parameter.requires_grad_(name.startswith(parts))


if __name__ == "__main__":
    typer.run(main)
