"""The training loop: steps of gradient descent, learning-rate schedule, weight averaging, checkpoints, curve.

`steps` trains in memory and writes nothing; each item is one step that is done:

    for figures in steps(model, optimizer, batches, loss, settings): ...

`train` runs these steps with Accelerate in a folder, and resumes there what was interrupted:

    train(accelerated(out), model, optimizer, batches, loss, settings, out, record=..., validate=..., save=...)
"""

import copy
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, DistributedType, broadcast, parse_flag_from_env
from torch import Tensor, nn
from tqdm import tqdm

from trajvlm.data.errors import UserError
from trajvlm.data.files import atomic_write, remove_drafts
from trajvlm.tokenizer.captured import CapturedStep
from trajvlm.tokenizer.checkpoint import (
    CHECKPOINTS,
    latest_checkpoint,
    load_checkpoint,
    read_lines,
    save_checkpoint,
    write_files,
    write_lines,
)
from trajvlm.tokenizer.precision import has_bf16

Batch = TypeVar("Batch")
TRAINING, CURVE = "training.json", "curve.jsonl"
_LOGGED_EVERY = 20
"""Steps of a captured training from one reading of its figures, for which the GPU has to be waited for, to the next."""
_SPLIT_MODEL = DistributedType.FSDP, DistributedType.DEEPSPEED, DistributedType.MEGATRON_LM


class Schedule(Protocol):
    """How long a training takes, and its learning rate; one of `steps` and `minutes` counts."""

    @property
    def steps(self) -> int:
        """Not read where `minutes` are given."""
        ...

    @property
    def minutes(self) -> float | None:
        """Where given, the training ends after so many minutes and not after `steps`; interruptions are not counted."""

    def rate(self, step: int, steps: float) -> float:
        """Learning rate at a step of so many, relative to its peak."""
        ...


class Settings(Schedule, Protocol):
    """The settings of a training that `train` runs: a frozen dataclass."""

    @property
    def validate_every(self) -> int:
        """Steps between validations; after each a checkpoint is written."""
        ...

    @property
    def averaging(self) -> float | None:
        """Decay of the exponential moving average of the weights; None for no average."""
        ...


class StreamSettings(Settings, Protocol):
    """The settings of a training on the stream of rendered clips."""

    @property
    def batch(self) -> int:
        """Clips per step and process."""
        ...

    @property
    def first_clip(self) -> int:
        """Number in the training stream of the first step's first clip."""
        ...


@dataclass
class Progress:
    """How far a training has come. The loop updates it; checkpoints hold its fields."""

    step: int = 0
    """Steps done, which is also the number of the next one."""
    seconds: float = 0.0
    """Time taken, validations included and interruptions not."""
    steps: float = math.inf
    """Steps expected in all; where minutes limit the training, estimated from the time per step so far."""

    def start(self, settings: Schedule) -> None:
        """Start the clock."""
        self._start = time.monotonic() - self.seconds
        self._expect(settings)

    def update_time(self, settings: Schedule, accelerator: Accelerator | None = None) -> None:
        """Read the clock: in all processes the main one's, so that they end at the same step."""
        self.seconds = time.monotonic() - self._start
        if settings.minutes and accelerator and accelerator.num_processes > 1:
            self.seconds = broadcast(torch.tensor(self.seconds, device=accelerator.device)).item()
        self._expect(settings)

    def _expect(self, settings: Schedule) -> None:
        if settings.minutes:
            self.steps = self.step * settings.minutes * 60 / self.seconds if self.step else math.inf
        else:
            self.steps = settings.steps

    def over(self, settings: Schedule) -> bool:
        """Whether the training has ended."""
        return self.seconds >= settings.minutes * 60 if settings.minutes else self.step >= settings.steps

    def validation_due(self, settings: Settings) -> bool:
        """Whether the step just done is followed by a validation; the last one always is."""
        return self.step % settings.validate_every == 0

    def state_dict(self) -> dict:
        return asdict(self)

    def load_state_dict(self, state: dict) -> None:
        self.__dict__.update(state)


def warm_cosine(step: int, steps: float, warmup: int, floor: float) -> float:
    """Learning rate relative to its peak: a linear warm-up, then half a cosine down to the floor."""
    if step < warmup:
        return (step + 1) / warmup
    done = min(1.0, (step - warmup) / max(1, steps - warmup))
    return floor + (1 - floor) * (1 + math.cos(math.pi * done)) / 2


@torch.no_grad()
def move_average(averaged: nn.Module, model: nn.Module, decay: float, step: int) -> None:
    """Update the exponential moving average of a model's weights. In the first steps its decay is smaller, so that it
    soon forgets the random weights that it started from."""
    pairs = zip(averaged.state_dict().values(), model.state_dict().values())
    means, values = zip(*(pair for pair in pairs if pair[0].is_floating_point()))
    torch._foreach_lerp_(means, values, 1 - min(decay, step / (step + 20)))


def accelerated(out: Path) -> Accelerator:
    """The accelerator of a training in the folder `out`, in bf16 where the device computes in it.

    Raises:
        UserError: it was launched so that each process would hold a part of the model.
    """
    # Accelerate knows the device, but only once its precision is set.
    cpu_only = parse_flag_from_env("ACCELERATE_USE_CPU")
    gpu = None if cpu_only else torch.accelerator.current_accelerator(check_available=True)
    accelerator = Accelerator(
        mixed_precision="bf16" if has_bf16(gpu or "cpu") else "no",
        log_with="tensorboard",
        project_dir=out,
        # Some losses do not depend on every weight.
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )
    if accelerator.distributed_type in _SPLIT_MODEL:
        raise UserError(
            f"these trainings keep a whole model in every process and can't be split by "
            f"{accelerator.distributed_type.value}; launch them with --multi_gpu instead"
        )
    return accelerator


def stream_numbers(accelerator: Accelerator, settings: StreamSettings, step: int) -> Iterator[int]:
    """The number in the training stream of this process's first clip, for each step from `step` on."""
    for number in count(step) if settings.minutes else range(step, settings.steps):
        place = number * accelerator.num_processes + accelerator.process_index
        yield settings.first_clip + place * settings.batch


def steps(
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None,
    batches: Callable[[Progress], Iterator[Batch]],
    loss: Callable[[nn.Module, Batch], tuple[Tensor | None, dict[str, Any]]],
    settings: Schedule,
    progress: Progress | None = None,
    *,
    accelerator: Accelerator | None = None,
    max_norm: float | None = 1.0,
    captured: bool = False,
) -> Iterator[dict[str, Any]]:
    """The steps of a training, from the progress to the end; each is done when it is asked for.

    Args:
        optimizer: None where nothing is learned by gradients.
        batches: the batches from the progress on. They are asked for one at a time: while one is made, the progress is
            that of its step.
        loss: (), or None where there is nothing to minimise; and figures to log, numbers or tensors ().
        accelerator: the one that prepared model and optimizer; plain PyTorch without.
        max_norm: to which the gradients' norm is clipped; None for no clipping.
        captured: do the steps as one CUDA graph (`trajvlm.tokenizer.captured`); batches are then columns of tensors.

    Returns:
        An iterator of each step's figures: those of `loss`, the first group's learning rate, and the share of the step
        that was spent waiting for its batch.
    """
    progress = progress or Progress()
    backward, clip_norm = Tensor.backward, nn.utils.clip_grad_norm_
    if accelerator:
        backward, clip_norm = accelerator.backward, accelerator.clip_grad_norm_
    # Read before the first step: a resumed optimizer is loaded with the rates at which it stopped.
    peaks = [float(group["lr"]) for group in optimizer.param_groups] if optimizer else []

    def learn(batch: Batch) -> dict[str, Any]:
        value, figures = loss(model, batch)
        if value is not None:
            assert optimizer is not None, "a loss to minimise needs an optimizer"
            backward(value)
            if max_norm is not None:
                clip_norm(model.parameters(), max_norm)
            optimizer.step()
            if not captured:
                optimizer.zero_grad()
        return figures

    def run() -> Iterator[dict[str, Any]]:
        progress.start(settings)
        stream = batches(progress)
        work: Callable[[Any], dict[str, Any]] = learn
        if captured:
            assert optimizer is not None, "what is captured learns by gradients"
            device = next(model.parameters()).device
            for group, peak in zip(optimizer.param_groups, peaks):
                group["lr"] = torch.tensor(peak, device=device)
            work = CapturedStep(learn, optimizer)
        while not progress.over(settings):
            start = time.monotonic()
            batch = next(stream)
            waited = time.monotonic() - start
            rate = settings.rate(progress.step, progress.steps)
            for group, peak in zip(optimizer.param_groups if optimizer else (), peaks):
                if isinstance(group["lr"], Tensor):
                    group["lr"].fill_(peak * rate)
                else:
                    group["lr"] = peak * rate
            figures = dict(work(batch))
            if peaks:
                figures["rate"] = rate * peaks[0]
            figures["waiting_share"] = waited / max(time.monotonic() - start, 1e-9)
            progress.step += 1
            progress.update_time(settings, accelerator)
            yield figures

    return run()


def train(
    accelerator: Accelerator,
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None,
    batches: Callable[[Progress], Iterator[Batch]],
    loss: Callable[[nn.Module, Batch], tuple[Tensor | None, dict[str, Any]]],
    settings: Settings,
    out: Path,
    *,
    record: dict,
    validate: Callable[[nn.Module], dict[str, float]],
    save: Callable[[nn.Module, Path], None],
    progress: Progress | None = None,
    state: Iterable[Any] = (),
    captured: bool = False,
) -> nn.Module:
    """Run or resume a training in the folder `out`.

    Writes there `training.json` (the record), the weights, `curve.jsonl` (a line for each validation), TensorBoard's
    events, and `checkpoints/` to resume from. Where it is killed, only the steps since the last checkpoint are lost.

    Args:
        model: with its training losses, in training mode as far as it is to be; called only by `loss`.
        batches, loss: see `steps`; each process has its own batches.
        record: the settings that make the training what it is; where it is resumed, they have to be the same.
        validate, save: called in the main process with the averaged model, or with the model itself where there is no
            average; `save` fills an empty folder, and its files replace those of their names in `out`.
        progress: a progress that also decides on other grounds when to validate and to stop, or holds more that
            checkpoints have to keep.
        state: what else checkpoints have to keep: objects with `state_dict` and `load_state_dict`, of tensors, numbers
            and strings.
        captured: see `steps`; figures are then read, and logged, every `_LOGGED_EVERY` steps.

    Returns:
        The model as it was saved last.

    Raises:
        UserError: the folder holds another training, or weights that would be overwritten, or a checkpoint that can't
            be read.
    """
    record = record | {
        "processes": accelerator.num_processes,
        "compiled": accelerator.state.dynamo_plugin.backend.value,
    }
    checkpoint = _checkpoint_to_resume(out, json.loads(json.dumps(record)))
    averaged = copy.deepcopy(model).eval().to(accelerator.device) if settings.averaging else None
    model, optimizer = accelerator.prepare(model, optimizer)
    plain = accelerator.unwrap_model(model, keep_torch_compile=False)
    saved, progress = averaged or plain, progress or Progress()
    accelerator.register_for_checkpointing(*filter(None, (progress, averaged)), *state)
    work = steps(model, optimizer, batches, loss, settings, progress, accelerator=accelerator, captured=captured)
    if checkpoint:
        load_checkpoint(accelerator, checkpoint)
    with _Log(accelerator, out, record, settings, progress) as log:
        for figures in work:
            if averaged:
                move_average(averaged, plain, settings.averaging, progress.step - 1)
            due = progress.validation_due(settings) or progress.over(settings)
            if captured and not due and progress.step % _LOGGED_EVERY:
                continue
            figures = {name: float(figure) for name, figure in figures.items()}
            log.step(figures)
            if not due:
                continue
            if accelerator.is_main_process:
                log.validated(figures, validate(saved))
            progress.update_time(settings, accelerator)
            if accelerator.is_main_process:
                write_files(out, partial(save, saved))
            # Last: a validation that was interrupted is repeated.
            save_checkpoint(accelerator, out, progress.step)
    return saved


class _Log:
    """What a training writes besides weights and checkpoints: record, progress bar, TensorBoard's events, curve."""

    def __init__(self, accelerator: Accelerator, out: Path, record: dict, settings: Settings, progress: Progress):
        self.accelerator, self.out, self.progress = accelerator, out, progress
        if accelerator.is_main_process:
            (out / CHECKPOINTS).mkdir(parents=True, exist_ok=True)
            remove_drafts(out)
            with atomic_write(out / TRAINING) as draft:
                draft.write_bytes((json.dumps(record, indent=1) + "\n").encode())
            # A validation whose checkpoint was not completed is repeated.
            self._curve = [line for line in read_lines(out / CURVE) if line["step"] <= progress.step]
        accelerator.init_trackers("events")
        processes, precision = accelerator.num_processes, accelerator.mixed_precision
        accelerator.print(
            f"{out}: {'step ' + str(progress.step) + ' on' if progress.step else 'from the beginning'}, "
            f"{processes} process{'es' if processes > 1 else ''} on {accelerator.device.type}, "
            f"{'single' if precision == 'no' else precision} precision"
        )
        self._bar = tqdm(
            total=None if settings.minutes else settings.steps,
            initial=progress.step,
            disable=not accelerator.is_main_process,
            mininterval=5,
        )

    def __enter__(self) -> "_Log":
        return self

    def __exit__(self, *raised) -> None:
        self._bar.close()
        self.accelerator.end_training()

    def step(self, figures: dict[str, float]) -> None:
        """Log a step that is done."""
        self.accelerator.log(figures, step=self.progress.step)
        self._bar.update(self.progress.step - self._bar.n)
        self._bar.set_postfix({k: f"{v:.3g}" for k, v in figures.items()}, refresh=False)

    def validated(self, figures: dict[str, float], measures: dict[str, float]) -> None:
        """Add a line to the curve: the last step's figures and the validation's. Counts are not rounded."""
        rounded = {
            name: value if isinstance(value, int) else float(f"{value:.4g}")
            for name, value in {**figures, **measures}.items()
        }
        self._curve.append({"step": self.progress.step, **rounded})
        write_lines(self.out / CURVE, self._curve)
        self._bar.write(json.dumps(self._curve[-1]))


def _checkpoint_to_resume(out: Path, record: dict) -> Path | None:
    """The last checkpoint in the folder, if there is one; raises UserError where it is of another training."""
    checkpoint, weights = latest_checkpoint(out), any(out.glob("*.safetensors"))
    if not checkpoint and not weights:
        return None
    if not (out / CHECKPOINTS).is_dir() or not (out / TRAINING).is_file():
        raise UserError(f"{out} holds weights and no training to resume; name another folder with --out")
    before, now = (_flat(found) for found in (json.loads((out / TRAINING).read_text()), record))
    changed = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if changed:
        said = ", ".join(f"{name} was {before.get(name)} and is now {now.get(name)}" for name in changed)
        raise UserError(
            f"the training in {out} was begun with other settings: {said}; "
            "resume it with the same, or name another folder with --out"
        )
    return checkpoint


def _flat(record: dict, prefix: str = "") -> dict:
    """Nested settings under names such as `scenes.strength`."""
    flat: dict[str, Any] = {}
    for name, value in record.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat
