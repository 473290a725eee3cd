"""Fine-tune the language model on visual tokens of rendered clips.

    accelerate launch -m vlm.train --out runs/vlm --tokenizer tokenizer/weights

Goes on from `--out` where it was stopped. Writes there `adapter.safetensors`, `rows.safetensors` and `config.json`, and
what `tokenizer.loop` writes; validation is by decoded answers.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from accelerate.utils import DistributedDataParallelKwargs
from torch import Tensor, nn
from torch.nn import functional as F

from data.clip import FRAMES
from data.errors import exit_with_a_sentence
from data.render import Track, render, track
from data.scene import Scene, SceneSettings, draw_scene
from data.stream import TRAINING_SCENES, TRAINING_SEED, VALIDATION_SEED, drawn_ahead
from tokenizer.fast import fast_encoder
from tokenizer.loop import TrainingLoop, warm_cosine
from tokenizer.model import SHIPPED as TOKENIZER
from tokenizer.model import TrajectoryTokenizer, weights_sha256
from tokenizer.precision import has_bf16
from tokenizer.steps import by_frames
from vlm.calibration import fitting_temperature
from vlm.config import VLMConfig
from vlm.looks import FOUR, coded
from vlm.measures import answer_measures
from vlm.model import TrajectoryLM
from vlm.sample import Question, Samples, equation_question, longest, position_question, render_samples

_CHUNK = 50


@dataclass(frozen=True)
class VLMTraining:
    """How the language model is fine-tuned."""

    steps: int = 4000
    batch: int = 16
    """Clips per step and process."""
    reuse: int = 2
    """How often a clip is asked about, at steps far apart: drawing and encoding a clip costs as much as learning from
    it."""
    adapter_rate: float = 1e-3
    rows_rate: float = 3e-3
    """The new rows start from nothing and move further than the adapter."""
    warmup: int = 80
    floor: float = 0.05
    """Learning rate at the end, relative to its peak."""
    family_weight: float = 0.6
    """One family and some ten constants a sample: the family is given more than its count."""
    positions_asked: int = 1
    """How many questions of where the object is, at random times, stand beside that of the equation."""
    reader_layer: int = 4
    """After this layer a linear reader, thrown away afterwards, has to find centre and radius of every frame in the
    hidden states of the visual tokens. It costs no further token, and supervises 51 values a clip."""
    reader_weight: float = 2.0
    validate_every: int = 250
    first_clip: int = 0
    """Number in the training stream at which the first step's clips begin: a training that starts from another's
    weights goes on behind the clips that those have seen."""
    validation_clips: int = 128
    calibration_clips: int = 400
    """Validation clips that the temperature of the families' probabilities is fitted on, at the end."""

    def rate(self, step: int) -> float:
        """Learning rate at a step, relative to its peak."""
        return warm_cosine(step, self.steps, self.warmup, self.floor)


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
        steps = hidden[self.settings.reader_layer][
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
    """The optimizer of all that is trained; what is not, the base weights, is kept in bf16 from here on where the
    device has that."""
    # The base weights come in bf16: kept so, they are not rounded anew at every step.
    for parameter in objective.model.lm.parameters():
        if not parameter.requires_grad and has_bf16(device):
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


def draw_clips(scenes: SceneSettings, first: int, size: int) -> tuple[list[Scene], Tensor]:
    """Clips `first` to `first + size - 1` of the training stream, and their pictures (size, 3, 17, 64, 64)."""
    drawn = [draw_scene(scenes, TRAINING_SEED, first + k) for k in range(size)]
    with torch.no_grad():
        return drawn, render(drawn)


class CodedClips:
    """The training stream as codes. Part of each batch is new, the rest was met before."""

    LARGEST = 4096

    def __init__(
        self,
        encode: Callable[[Tensor], Tensor],
        scenes: SceneSettings,
        settings: VLMTraining,
        first_clips: Iterable[int],
    ):
        """
        Args:
            first_clips: for each step to come, the number of its first new clip in the stream.
        """
        self.encode, self.settings = encode, settings
        self.kept: list[tuple[Scene, Tensor]] = []
        self.new = drawn_ahead(partial(draw_clips, scenes), self._wanted(first_clips))

    def _wanted(self, first_clips: Iterable[int]) -> Iterator[tuple[int, int]]:
        """The first batch is all new, also the first after an interruption: nothing is there to be met again."""
        size = self.settings.batch
        for step, first in enumerate(first_clips):
            yield first, size // self.settings.reuse if step else size

    def batch(self, step: int) -> tuple[list[Scene], Tensor]:
        """Scenes and codes (B, times, rows, columns) of a step."""
        drawn, video = next(self.new)
        codes = self.encode(video)
        rng = np.random.default_rng([TRAINING_SEED, step])
        again = self.settings.batch - len(drawn)
        again = [self.kept[k] for k in rng.choice(len(self.kept), again, replace=False)] if again else []
        self.kept = (self.kept + list(zip(drawn, codes)))[-self.LARGEST :]
        return drawn + [scene for scene, _ in again], torch.stack([*codes, *(code for _, code in again)])


def main(
    out: Annotated[Path, typer.Option(help="Folder of this training; resumed if it holds one.")] = Path("runs/vlm"),
    tokenizer: Annotated[Path, typer.Option(help="Folder of the trained tokenizer.")] = TOKENIZER,
    start_from: Annotated[Path | None, typer.Option(help="Folder of a trained model to start from.")] = None,
    base_model: Annotated[str | None, typer.Option(help="Another base model: a local folder or a hub id.")] = None,
    steps: Annotated[int, typer.Option(help="Steps in all.")] = VLMTraining.steps,
    batch: Annotated[int, typer.Option(help="Clips per step and process.")] = VLMTraining.batch,
    validate_every: Annotated[int, typer.Option(help="Steps between validations.")] = VLMTraining.validate_every,
    first_clip: Annotated[int, typer.Option(help="Number of the first clip in the training stream.")] = 0,
    adapter_rate: Annotated[
        float, typer.Option(help="Peak of the adapter's learning rate.")
    ] = VLMTraining.adapter_rate,
    rows_rate: Annotated[float, typer.Option(help="The same of the new rows.")] = VLMTraining.rows_rate,
):
    """Fine-tune the language model; stop it at any time and start it again to go on."""
    settings = VLMTraining(
        steps=steps,
        batch=batch,
        validate_every=validate_every,
        first_clip=first_clip,
        adapter_rate=adapter_rate,
        rows_rate=rows_rate,
    )
    with exit_with_a_sentence():
        fit(out, settings, TRAINING_SCENES, tokenizer, start_from, base_model)


def fit(
    out: Path,
    settings: VLMTraining,
    scenes: SceneSettings,
    tokenizer_folder: Path,
    start_from: Path | None = None,
    base_model: str | None = None,
    config: VLMConfig | None = None,
) -> None:
    """Run or resume a training in the folder `out`."""
    loop = TrainingLoop(
        out, "vlm", settings, scenes, kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)]
    )
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
    objective, optimizer = loop.prepare(objective, optimizer_of(objective, loop.accelerator.device))
    device = loop.accelerator.device
    plain = loop.accelerator.unwrap_model(objective, keep_torch_compile=False).model
    held_out = [draw_scene(scenes, VALIDATION_SEED, k) for k in range(settings.validation_clips)]
    encoder = fast_encoder(tokenizer)
    held_out_codes = encoder.encode_codes(render(held_out)).to(device)

    def validate() -> dict[str, float]:
        plain.eval()
        with loop.accelerator.autocast():
            answers = plain.answer(held_out_codes)
        plain.train()
        return answer_measures(answers, held_out)

    length = longest(plain.vocabulary, 2 + tokenizer.config.tokens, settings.positions_asked)
    clips = CodedClips(encoder.encode_codes, scenes, settings, loop.first_clips())
    for step in loop.steps():
        with loop.waiting():
            drawn, codes = clips.batch(step)
        rng = np.random.default_rng([TRAINING_SEED, loop.first_clip])
        asked = [questions(plain, scene, settings.positions_asked, rng) for scene in drawn]
        samples = render_samples(plain.vocabulary, codes, asked, length).to(device)
        seen = track(drawn)
        losses = objective(samples, seen.centre.to(device), seen.radius.to(device))
        loop.learn(losses["loss"])
        figures = {name: losses[name].item() for name in ("family", "number", "reading")}
        loop.finish_step(figures | {"codes_in_batch": codes.unique().numel()}, validate, plain.save_pretrained)
    if loop.accelerator.is_main_process:
        plain.eval()
        with loop.accelerator.autocast():
            calibrate(plain, encoder, scenes, settings.calibration_clips)
        plain.save_pretrained(out)


def calibrate(model: TrajectoryLM, tokenizer: TrajectoryTokenizer, settings: SceneSettings, count: int) -> None:
    """Set the model's temperature by the first so many validation clips."""
    scenes = [draw_scene(settings, VALIDATION_SEED, k) for k in range(count)]
    model.config = replace(model.config, temperature=1.0)
    answers = []
    for first in range(0, count, _CHUNK):
        codes = coded(tokenizer.encode_codes, render(scenes[first : first + _CHUNK]))
        answers += model.answer(codes.to(model.rows.marks.device), looks=FOUR)
    model.config = replace(model.config, temperature=round(fitting_temperature(answers, scenes), 3))


if __name__ == "__main__":
    typer.run(main)
