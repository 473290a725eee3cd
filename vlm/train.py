"""Fine-tune the language model on visual tokens of rendered clips.

    python -m trajvlm.vlm.train --minutes 25 --out runs/vlm
    accelerate launch -m trajvlm.vlm.train --out runs/vlm --tokenizer tokenizer/weights

Resumes what `--out` holds. Writes there `adapter.safetensors`, `rows.safetensors`, `config.json` and
`calibration.json`, and what `trajvlm.tokenizer.training_loop` writes; validation is by decoded answers.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor, nn
from torch.nn import functional as F

from trajvlm.data.clip import FRAMES
from trajvlm.data.errors import exit_with_a_sentence
from trajvlm.data.rendered.render import Track, render, track
from trajvlm.data.rendered.scene import Scene, SceneSettings, draw_scene
from trajvlm.data.rendered.stream import (
    TRAINING_SCENES,
    TRAINING_SEED,
    VALIDATION_SEED,
    draw_clips,
    prefetch,
    spare_cores,
)
from trajvlm.tokenizer.checkpoint import write_files
from trajvlm.tokenizer.fast_inference import fast_encoder
from trajvlm.tokenizer.latent_steps import by_frames
from trajvlm.tokenizer.model import SHIPPED as TOKENIZER
from trajvlm.tokenizer.model import TrajectoryTokenizer, weights_sha256
from trajvlm.tokenizer.precision import has_bf16
from trajvlm.tokenizer.training_loop import Progress, accelerated, stream_numbers, train, warm_cosine
from trajvlm.vlm.calibrate import calibrate
from trajvlm.vlm.config import VLMConfig
from trajvlm.vlm.metrics import validation_metrics
from trajvlm.vlm.model import TrajectoryLM, adapter_sha256
from trajvlm.vlm.sample import (
    Question,
    Samples,
    equation_question,
    max_sample_length,
    position_question,
    render_samples,
)


@dataclass(frozen=True)
class VLMTraining:
    """How the language model is fine-tuned."""

    steps: int = 4000
    minutes: float | None = None
    """Train for so many minutes instead of `steps`."""
    batch: int = 16
    """Clips per step and process."""
    reuse: int = 2
    """How many batches a clip is part of, far apart: rendering and encoding a clip costs as much as a step on it."""
    adapter_rate: float = 1e-3
    rows_rate: float = 3e-3
    """Higher than the adapter's, because the new rows start at random."""
    warmup: int = 80
    floor: float = 0.05
    """Learning rate at the end, relative to its peak."""
    family_weight: float = 0.6
    """Of the family's loss, relative to the numbers'. A sample has one family and some ten numbers, so this is more
    than its share."""
    positions_asked: int = 1
    """How many questions of where the object is, at random times, a sample has besides that of the equation."""
    reader_layer: int = 4
    """An auxiliary loss: a linear layer, not saved, reads centre and radius of every frame from the hidden states of
    the visual tokens after this layer. It needs no further tokens, and supervises 51 values a clip."""
    reader_weight: float = 2.0
    averaging: float | None = None
    """Decay of the exponential moving average of the weights."""
    validate_every: int = 250
    first_clip: int = 0
    """Number in the training stream at which the first step's clips begin: a training that starts from another's
    weights goes on behind the clips that those have seen."""
    validation_clips: int = 128
    calibration_clips: int = 400
    """Validation clips that `trajvlm.vlm.calibrate` tunes on, at the end."""

    def rate(self, step: int, steps: float) -> float:
        """Learning rate at a step of so many, relative to its peak."""
        return warm_cosine(step, steps, self.warmup, self.floor)


class ReadingObjective(nn.Module):
    """The language model with its training losses."""

    def __init__(self, model: TrajectoryLM, settings: VLMTraining):
        super().__init__()
        self.model, self.settings = model, settings
        times, rows, columns = model.config.grid
        self.frames = (FRAMES - 1) // (times - 1)
        self.cells = rows * columns
        self.reader = nn.Linear(model.rows.places.shape[1], 3 * self.frames)

    def forward(self, samples: Samples, centre: Tensor, radius: Tensor) -> dict[str, Tensor]:
        """Losses `loss`, `family`, `number` and `reading`, given the true track: centre (B, 17, 2), radius (B, 17)."""
        hidden = self.model(samples)
        losses = self.model.losses(hidden[-1], samples)
        # The last visual token of each time step has seen all cells of it; the clip's mark stands before the first.
        steps = hidden[min(self.settings.reader_layer, len(hidden) - 1)][
            :, self.cells : 1 + self.cells * self.model.config.grid[0] : self.cells
        ]
        read = self.reader(F.layer_norm(steps.float(), steps.shape[-1:]))
        losses["reading"] = F.smooth_l1_loss(by_frames(read, self.frames), Track(centre, radius).places, beta=0.02)
        losses["loss"] = (
            losses["number"]
            + self.settings.family_weight * losses["family"]
            + self.settings.reader_weight * losses["reading"]
        )
        return losses


def optimizer_of(objective: ReadingObjective, device: torch.device | str) -> torch.optim.Optimizer:
    """The optimizer of all trained parameters. Converts the frozen base weights to bf16 in place where the device
    has it."""
    # The base weights come in bf16: kept so, they are not rounded anew at every step. PyTorch's own norms compute in
    # single precision, and only with weights that are.
    for module in objective.model.lm.modules() if has_bf16(device) else ():
        for parameter in () if isinstance(module, nn.LayerNorm) else module.parameters(recurse=False):
            if not parameter.requires_grad:
                parameter.data = parameter.data.to(torch.bfloat16)
    # The adapter starts at zero, and the squares of its first gradients are too small for a processor's fast path.
    torch.set_flush_denormal(True)
    groups = (
        (objective.model.lm.parameters(), objective.settings.adapter_rate),
        ((*objective.model.rows.parameters(), *objective.reader.parameters()), objective.settings.rows_rate),
    )
    trained = [{"params": [p for p in group if p.requires_grad], "lr": rate} for group, rate in groups]
    return torch.optim.AdamW(
        [group for group in trained if group["params"]], weight_decay=0.0, betas=(0.9, 0.98), fused=True
    )


def questions(model: TrajectoryLM, scene: Scene, positions: int, rng: np.random.Generator) -> list[Question]:
    """What is asked about a scene in training: the equation, and where the object is at random times."""
    truth = scene.family, scene.constants
    asked = [equation_question(model.vocabulary, model.family_ids, *truth)]
    return asked + [position_question(model.vocabulary, *truth, rng.uniform(0, 1)) for _ in range(positions)]


class CodedClips:
    """The training stream as codes. Part of each batch is new, the rest are clips of earlier batches."""

    LARGEST = 4096

    def __init__(
        self,
        encode: Callable[[Tensor], Tensor],
        scenes: SceneSettings,
        settings: VLMTraining,
        first_clips: Iterable[int],
        processes: int = 1,
    ):
        """
        Args:
            first_clips: for each step to come, the number of its first new clip in the stream.
            processes: how many render.
        """
        self.encode, self.settings = encode, settings
        self.kept: list[tuple[Scene, Tensor]] = []
        self.new = prefetch(partial(draw_clips, scenes, TRAINING_SEED), self._wanted(first_clips), processes)

    def _wanted(self, first_clips: Iterable[int]) -> Iterator[tuple[int, int]]:
        """The first batch is all new, also after an interruption, because no earlier clips are kept then."""
        size = self.settings.batch
        for step, first in enumerate(first_clips):
            yield first, size // self.settings.reuse if step else size

    def batch(self, step: int) -> tuple[list[Scene], Tensor]:
        """Scenes and codes (B, times, rows, columns) of a step."""
        drawn, video = next(self.new)
        codes = self.encode(video)
        rng = np.random.default_rng([TRAINING_SEED, step])
        missing = self.settings.batch - len(drawn)
        again = [self.kept[k] for k in rng.choice(len(self.kept), missing, replace=False)] if missing else []
        self.kept = (self.kept + list(zip(drawn, codes)))[-self.LARGEST :]
        return drawn + [scene for scene, _ in again], torch.stack([*codes, *(code for _, code in again)])


def main(
    out: Annotated[Path, typer.Option(help="Folder of this training; resumed if it holds one.")] = Path("runs/vlm"),
    tokenizer: Annotated[Path, typer.Option(help="Folder of the trained tokenizer.")] = TOKENIZER,
    start_from: Annotated[Path | None, typer.Option(help="Folder of a trained model to start from.")] = None,
    base_model: Annotated[str | None, typer.Option(help="Another base model: a local folder or a hub id.")] = None,
    steps: Annotated[int, typer.Option(help="Steps in all.")] = VLMTraining.steps,
    minutes: Annotated[float | None, typer.Option(help="Train for so long instead of so many steps.", min=0.01)] = None,
    batch: Annotated[int, typer.Option(help="Clips per step and process.")] = VLMTraining.batch,
    validate_every: Annotated[int, typer.Option(help="Steps between validations.")] = VLMTraining.validate_every,
    first_clip: Annotated[int, typer.Option(help="Number of the first clip in the training stream.")] = 0,
    adapter_rate: Annotated[
        float, typer.Option(help="Peak of the adapter's learning rate.")
    ] = VLMTraining.adapter_rate,
    rows_rate: Annotated[float, typer.Option(help="The same of the new rows.")] = VLMTraining.rows_rate,
    render_processes: Annotated[
        int | None, typer.Option(help="Processes that render clips; as many as there are idle cores.", min=1)
    ] = None,
):
    """Fine-tune the language model; stop it at any time and start it again to resume."""
    settings = VLMTraining(
        steps=steps,
        minutes=minutes,
        batch=batch,
        validate_every=validate_every,
        first_clip=first_clip,
        adapter_rate=adapter_rate,
        rows_rate=rows_rate,
    )
    with exit_with_a_sentence():
        fit(out, settings, TRAINING_SCENES, tokenizer, start_from, base_model, render_processes=render_processes)


def fit(
    out: Path,
    settings: VLMTraining,
    scenes: SceneSettings,
    tokenizer_folder: Path,
    start_from: Path | None = None,
    base_model: str | None = None,
    config: VLMConfig | None = None,
    render_processes: int | None = None,
) -> None:
    """Run or resume a training in the folder `out`.

    Args:
        render_processes: how many processes render clips for each process; as many as there are idle cores where left
            out.

    Raises:
        UserError: weights to start from are missing or do not fit, or see `trajvlm.tokenizer.training_loop.train`.
    """
    accelerator = accelerated(out)
    device = accelerator.device
    torch.manual_seed(0)
    tokenizer = TrajectoryTokenizer.from_pretrained(tokenizer_folder)
    config = config or VLMConfig(
        families=scenes.families,
        codebook_size=tokenizer.config.codebook_size,
        grid=tokenizer.config.grid,
        tokenizer_sha256=weights_sha256(tokenizer_folder),
    )
    model = TrajectoryLM(config, tokenizer.code_vectors, base_model)
    if start_from:
        model.start_from(start_from)
    objective = ReadingObjective(model, settings)
    encoder = fast_encoder(tokenizer).to(device)
    length = max_sample_length(model.vocabulary, 2 + tokenizer.config.tokens, settings.positions_asked)

    def encode(video: Tensor) -> Tensor:
        return encoder.encode_codes(video.to(device)).cpu()

    def batches(progress: Progress) -> Iterator[tuple[Samples, Track, int]]:
        first_clips = partial(stream_numbers, accelerator, settings, progress.step)
        processes = render_processes or spare_cores(accelerator.num_processes)
        clips = CodedClips(encode, scenes, settings, first_clips(), processes)
        for first in first_clips():
            drawn, codes = clips.batch(progress.step)
            rng = np.random.default_rng([TRAINING_SEED, first])
            asked = [questions(model, scene, settings.positions_asked, rng) for scene in drawn]
            samples = render_samples(model.vocabulary, codes, asked, length).to(device)
            yield samples, track(drawn), codes.unique().numel()

    def loss(objective: nn.Module, batch: tuple[Samples, Track, int]) -> tuple[Tensor, dict]:
        samples, seen, different = batch
        losses = objective(samples, seen.centre.to(device), seen.radius.to(device))
        figures = {name: losses[name].detach() for name in ("family", "number", "reading")}
        return losses["loss"], figures | {"codes_in_batch": different}

    @cache
    def held_out() -> tuple[list[Scene], Tensor]:
        drawn = [draw_scene(scenes, VALIDATION_SEED, k) for k in range(settings.validation_clips)]
        return drawn, encode(render(drawn)).to(device)

    def validate(objective: ReadingObjective) -> dict[str, float]:
        drawn, codes = held_out()
        training = objective.training
        objective.eval()
        with accelerator.autocast():
            answers = objective.model.answer(codes)
        objective.train(training)
        return validation_metrics(answers, drawn)

    trained = train(
        accelerator,
        objective,
        optimizer_of(objective, device),
        batches,
        loss,
        settings,
        out,
        record={
            **asdict(settings),
            "scenes": asdict(scenes),
            "model": asdict(config),
            "base_model": base_model,
            "start_from": adapter_sha256(start_from) if start_from else None,
        },
        validate=validate,
        save=lambda objective, folder: objective.model.save_pretrained(folder),
    ).model
    if accelerator.is_main_process:
        trained.eval()
        with accelerator.autocast():
            calibrate(trained, encode, tokenizer.decode_codes, scenes, settings.calibration_clips)
        write_files(out, trained.save_pretrained)


if __name__ == "__main__":
    typer.run(main)
