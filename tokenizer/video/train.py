"""Train the video tokenizer on drawn worlds.

    python -m trajvlm.tokenizer.video.train --minutes 25 --batch 64 --out runs/video-tokenizer
    accelerate launch -m trajvlm.tokenizer.video.train --out runs/video-tokenizer

Resumes what `--out` holds. The target is the moving layer, and its losses are those of pictures alone
(`trajvlm.tokenizer.video.losses`). For a while, from the start, a second small decoder draws a coarse coverage from
each step's numbers alone; it shows the encoder a short way and is then gone.

Processes draw worlds into a reservoir, each clip is taken from it several times, mirrored, on its side and backwards.
The weights in `tokenizer/weights/next` took one NVIDIA H200 with 16 cores 11 minutes and 20 seconds: 27,540 steps of 64
clips out of 329,408, by the script that this file was then made of; in its present form it has not been run on a GPU.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from itertools import count
from pathlib import Path
from typing import Annotated

import torch
import typer
from safetensors.torch import load_model
from torch import Tensor, nn
from torch.nn import functional as F

from trajvlm.data.errors import exit_with_a_sentence
from trajvlm.data.rendered.paths import WIDER
from trajvlm.data.rendered.reservoir import Reservoir
from trajvlm.data.rendered.stream import TRAINING_SEED, VALIDATION_SEED, spare_cores
from trajvlm.data.rendered.symmetries import mirrored
from trajvlm.data.rendered.world import WorldSettings
from trajvlm.data.rendered.world_stream import WorldBatch, draw_pictures, draw_worlds
from trajvlm.tokenizer.checkpoint import write_weights
from trajvlm.tokenizer.precision import half_precision
from trajvlm.tokenizer.training_loop import Progress, accelerated, train, warm_cosine
from trajvlm.tokenizer.video.config import VideoTokenizerConfig
from trajvlm.tokenizer.video.losses import layer_loss, near
from trajvlm.tokenizer.video.metrics import layer_measures
from trajvlm.tokenizer.video.model import LayerTokenizer, prepared, weights_sha256

SHORT_WAY = "short_way.safetensors"
_CHUNK = 16
"""Clips that a process draws at a time."""
_COARSE = 16
"""Rows and columns of the short way's coverage."""


@dataclass(frozen=True)
class VideoTokenizerTraining:
    """How the video tokenizer is trained."""

    steps: int = 40000
    minutes: float | None = None
    """Instead of so many steps, as many as fit into so many minutes."""
    batch: int = 8
    """Clips per step and process."""
    learning_rate: float = 1e-3
    warmup: int = 400
    reservoir: int = 4096
    """Clips kept to be taken again; one takes 0.8 MB. More for a GPU."""
    soft_until: float = 0.01
    """Share of the steps before quantisation begins; without such a phase the codes collapse."""
    hard_from: float = 0.05
    """Share of the steps after which every clip is quantised."""
    short_until: float = 0.35
    """Share of the steps after which the short way is gone."""
    averaging: float = 0.999
    """Decay of the exponential moving average of the weights."""
    validate_every: int = 400
    validation_clips: int = 128
    first_clip: int = 0
    """Number in the training stream at which the first step's clips begin."""

    def __post_init__(self):
        if not 0 <= self.soft_until <= self.hard_from <= 1:
            raise ValueError("quantisation begins (soft_until) before it is complete (hard_from), both within 0 to 1")

    def hardness(self, step: int, steps: float) -> float:
        """Share of the clips that is quantised at a step of so many."""
        done = step / steps
        return min(1.0, max(0.0, (done - self.soft_until) / max(self.hard_from - self.soft_until, 1e-9)))

    def short_weight(self, step: int, steps: float) -> float:
        """Weight of the short way's loss at a step of so many."""
        return max(0.0, 1 - step / steps / self.short_until) if self.short_until else 0.0

    def rate(self, step: int, steps: float) -> float:
        """Learning rate at a step of so many, relative to its peak."""
        return warm_cosine(step, steps, self.warmup, floor=0.02)


class ShortWay(nn.Module):
    """Coarse coverage of the frames about a step, from that step's numbers alone."""

    def __init__(self, config: VideoTokenizerConfig):
        super().__init__()
        self.factor = config.time_factor
        numbers = config.tokens_per_step * len(config.fsq_levels)
        self.net = nn.Sequential(nn.Linear(numbers, 384), nn.GELU(), nn.Linear(384, self.factor * _COARSE**2))

    def forward(self, vectors: Tensor) -> Tensor:
        """(B, steps, tokens, dims) to logits (B, 17, 16, 16)."""
        frames = self.net(vectors.flatten(2)).unflatten(-1, (self.factor, _COARSE, _COARSE)).flatten(1, 2)
        return frames[:, : frames.shape[1] - self.factor + 1]


class Objective(nn.Module):
    """The tokenizer with its losses."""

    def __init__(self, tokenizer: LayerTokenizer):
        super().__init__()
        self.tokenizer, self.short_way = tokenizer, ShortWay(tokenizer.config)

    def forward(self, moving: Tensor, layer: Tensor, hardness: Tensor, short_weight: Tensor):
        """The loss (), each of its parts, and the codes, of what `prepared` makes of clips, (B, 5, 17, 64, 64)."""
        quantized = self.tokenizer.quantize(self.tokenizer.numbers_of(moving), hardness)
        parts = layer_loss(self.tokenizer.drawn(quantized.vectors).float(), layer)
        coarse = F.adaptive_max_pool2d(layer[:, 0], _COARSE)
        told = F.binary_cross_entropy_with_logits(self.short_way(quantized.vectors).float(), coarse, reduction="none")
        where = F.adaptive_max_pool2d(near(layer[:, 0]), _COARSE)
        short = ((told * where).sum() / where.sum().clamp_min(1) + (told * (1 - where)).mean()) * short_weight
        return sum(parts.values()) + short, {name: part.detach() for name, part in parts.items()}, quantized.codes


def on_device(sample: dict[str, Tensor]) -> dict[str, Tensor]:
    """What a training keeps of drawn clips: what the encoder is given of them, `moving`, and `layer`."""
    return {"moving": prepared(sample["video"] / 255).half(), "layer": sample["layer"]}


@torch.no_grad()
def validated(tokenizer: LayerTokenizer, held_out: WorldBatch, batch: int = 16) -> dict[str, float]:
    """Measures of a tokenizer on drawn worlds, and how many codes it used for them."""
    tokenizer.eval()
    device = next(tokenizer.parameters()).device
    decoded, codes = [], []
    for clips in held_out.video.split(batch):
        with half_precision(device):
            codes.append(tokenizer.encode_codes(clips.to(device)))
            decoded.append(tokenizer.decode_codes(codes[-1]).float().cpu())
    counts = torch.cat(codes).flatten().bincount().float()
    share = counts[counts > 0] / counts.sum()
    figures = layer_measures(torch.cat(decoded), held_out.layer)
    return figures | {"codes": len(share), "perplexity": float((-(share * share.log()).sum()).exp())}


def main(
    out: Annotated[Path, typer.Option(help="Folder of this training; resumed if it holds one.")] = Path(
        "runs/video-tokenizer"
    ),
    start_from: Annotated[Path | None, typer.Option(help="Folder of a trained tokenizer to start from.")] = None,
    steps: Annotated[int, typer.Option(help="Steps in all.")] = VideoTokenizerTraining.steps,
    minutes: Annotated[float | None, typer.Option(help="Train for so long instead of so many steps.", min=0.01)] = None,
    batch: Annotated[int, typer.Option(help="Clips per step and process.", min=1)] = VideoTokenizerTraining.batch,
    learning_rate: Annotated[float, typer.Option(help="Its peak.")] = VideoTokenizerTraining.learning_rate,
    short_until: Annotated[
        float, typer.Option(help="Share of the training with the short way; 0 for pictures alone.", min=0, max=1)
    ] = VideoTokenizerTraining.short_until,
    validate_every: Annotated[int, typer.Option()] = VideoTokenizerTraining.validate_every,
    validation_clips: Annotated[int, typer.Option()] = VideoTokenizerTraining.validation_clips,
    first_clip: Annotated[int, typer.Option(help="Number of the first clip in the training stream.")] = 0,
    reservoir: Annotated[
        int, typer.Option(help="Clips kept to be taken again; one takes 0.8 MB on the device.", min=1)
    ] = VideoTokenizerTraining.reservoir,
    render_processes: Annotated[
        int | None, typer.Option(help="Processes that draw clips; as many as there are idle cores.", min=1)
    ] = None,
):
    """Train the video tokenizer; stop it at any time and start it again to resume."""
    settings = VideoTokenizerTraining(
        steps=steps,
        minutes=minutes,
        batch=batch,
        learning_rate=learning_rate,
        short_until=short_until,
        validate_every=validate_every,
        validation_clips=validation_clips,
        first_clip=first_clip,
        reservoir=reservoir,
    )
    if start_from:
        settings = replace(settings, soft_until=0.0, hard_from=0.0)
    with exit_with_a_sentence():
        fit(out, settings, WorldSettings(paths=tuple(WIDER)), VideoTokenizerConfig(), start_from, render_processes)


def fit(
    out: Path,
    settings: VideoTokenizerTraining,
    worlds: WorldSettings,
    config: VideoTokenizerConfig,
    start_from: Path | None = None,
    render_processes: int | None = None,
) -> None:
    """Run or resume a training in the folder `out`.

    Args:
        start_from: folder of a trained tokenizer, whose settings then count instead of `config`.
        render_processes: how many processes draw clips for each process; as many as there are idle cores if left out.

    Raises:
        UserError: weights to start from are missing, or see `trajvlm.tokenizer.training_loop.train`.
    """
    accelerator = accelerated(out)
    device = accelerator.device
    torch.manual_seed(0)
    tokenizer = LayerTokenizer.from_pretrained(start_from) if start_from else LayerTokenizer(config)
    for parameter in tokenizer.parameters():
        if parameter.ndim == 5:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last_3d)
    objective = Objective(tokenizer.train())
    if start_from and (start_from / SHORT_WAY).is_file():
        load_model(objective.short_way, start_from / SHORT_WAY)
    # One process on one GPU: several would have to talk within a step.
    captured = device.type == "cuda" and accelerator.num_processes == 1
    optimizer = torch.optim.AdamW(
        objective.parameters(),
        lr=torch.tensor(settings.learning_rate) if captured else settings.learning_rate,
        betas=(0.9, 0.98),
        weight_decay=0.01,
        fused=True,
        capturable=captured,
    )

    def batches(progress: Progress) -> Iterator[dict[str, Tensor]]:
        clips = Reservoir(
            partial(draw_pictures, worlds, TRAINING_SEED),
            _wanted(settings, progress.step, accelerator.process_index, accelerator.num_processes),
            device,
            settings.reservoir,
            render_processes or spare_cores(accelerator.num_processes),
            on_device,
        )
        with closing(clips):
            while True:
                sample = mirrored(clips.sample(settings.batch))
                yield {
                    "moving": sample["moving"].float(),
                    "layer": sample["layer"] / 255,
                    "hardness": torch.tensor(settings.hardness(progress.step, progress.steps), device=device),
                    "short_weight": torch.tensor(settings.short_weight(progress.step, progress.steps), device=device),
                }

    def loss(objective: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, dict]:
        total, parts, codes = objective(**batch)
        met = torch.zeros(tokenizer.config.codebook_size, device=codes.device)
        met[codes.flatten().long()] = 1
        return total, parts | {"codes_in_batch": met.sum()}

    @cache
    def held_out() -> WorldBatch:
        return draw_worlds(worlds, VALIDATION_SEED, 0, settings.validation_clips)

    def save(objective: Objective, folder: Path) -> None:
        objective.tokenizer.save_pretrained(folder)
        write_weights(objective.short_way.state_dict(), folder / SHORT_WAY)

    train(
        accelerator,
        objective,
        optimizer,
        batches,
        loss,
        settings,
        out,
        record={
            **asdict(settings),
            "worlds": asdict(worlds),
            "tokenizer": asdict(tokenizer.config),
            "start_from": weights_sha256(start_from) if start_from else None,
        },
        validate=lambda objective: validated(objective.tokenizer, held_out()),
        save=save,
        captured=captured,
    )


def _wanted(settings: VideoTokenizerTraining, step: int, process: int, processes: int) -> Iterator[tuple[int, int]]:
    """Clips of the training stream that a process draws, so many at a time, from what other steps have taken on."""
    for number in count(step * settings.batch // _CHUNK):
        yield settings.first_clip + (number * processes + process) * _CHUNK, _CHUNK


if __name__ == "__main__":
    typer.run(main)
