"""Resumable Accelerate training loop: schedule, averaged weights, checkpoints, curve.

accelerator = accelerated(out)
train(accelerator, model, optimizer, batches, loss, settings, out, record=..., validate=..., save=...)
"""

import copy
import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
from trajvlm.tokenizer.checkpoint import (
    CHECKPOINTS,
    keep_checkpoint,
    latest_checkpoint,
    read_lines,
    write_files,
    write_lines,
)
from trajvlm.tokenizer.precision import has_bf16

Batch = TypeVar("Batch")
TRAINING, CURVE = "training.json", "curve.jsonl"
_SPLIT_MODEL = DistributedType.FSDP, DistributedType.DEEPSPEED, DistributedType.MEGATRON_LM


class Settings(Protocol):
    """What the loop has to know of a training's settings, a frozen dataclass."""

    steps: int
    minutes: float | None
    """Instead of so many steps, as many as fit into so many minutes, interruptions not counted."""
    validate_every: int
    """Steps between checkpoints; each comes with a validation."""
    averaging: float | None
    """Decay of the exponential moving average of the weights; None for no average."""

    def rate(self, step: int, steps: float) -> float:
        """Learning rate at a step of so many, relative to its peak."""
        ...


class StreamSettings(Settings, Protocol):
    """The same of a training on the stream of rendered clips."""

    batch: int
    """Clips per step and process."""
    first_clip: int
    """Number in the training stream at which the first step's clips begin."""


@dataclass
class Progress:
    """How far a training has come; kept up to date by the loop."""

    step: int = 0
    """How many steps are done; the number of the one that comes next."""
    seconds: float = 0.0
    steps: float = math.inf
    """How many steps there will be; in a training of so many minutes, by the pace so far."""

    def expect(self, settings: Settings) -> None:
        """Reckon how many steps there will be."""
        self.steps = settings.steps
        if settings.minutes:
            self.steps = self.step * settings.minutes * 60 / self.seconds if self.step else math.inf

    def over(self, settings: Settings) -> bool:
        """Whether the training has come to its end."""
        return self.seconds >= settings.minutes * 60 if settings.minutes else self.step >= settings.steps

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
    """Move the exponential moving average of a model's weights, which at first forgets faster than it does later."""
    pairs = zip(averaged.state_dict().values(), model.state_dict().values())
    means, values = zip(*(pair for pair in pairs if pair[0].is_floating_point()))
    torch._foreach_lerp_(means, values, 1 - min(decay, step / (step + 20)))


def accelerated(out: Path) -> Accelerator:
    """The accelerator of a training in the folder `out`: in half precision where the device has that.

    Raises:
        UserError: it was launched so that each process would hold a part of the model.
    """
    # Accelerate's own state would say on which device, but must not be asked before it knows the precision.
    on_processor = parse_flag_from_env("ACCELERATE_USE_CPU")
    elsewhere = None if on_processor else torch.accelerator.current_accelerator(check_available=True)
    accelerator = Accelerator(
        mixed_precision="bf16" if has_bf16(elsewhere or "cpu") else "no",
        log_with="tensorboard",
        project_dir=out,
        # Not every weight has a part in every loss.
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )
    if accelerator.distributed_type in _SPLIT_MODEL:
        raise UserError(
            f"these trainings keep a whole model in every process and can't be split by "
            f"{accelerator.distributed_type.value}; launch them with --multi_gpu instead"
        )
    return accelerator


def stream_numbers(accelerator: Accelerator, settings: StreamSettings, step: int) -> Iterator[int]:
    """Number in the training stream of this process's first clip at a step, and at all that follow."""
    for number in count(step) if settings.minutes else range(step, settings.steps):
        place = number * accelerator.num_processes + accelerator.process_index
        yield settings.first_clip + place * settings.batch


def train(
    accelerator: Accelerator,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Callable[[Progress], Iterator[Batch]],
    loss: Callable[[nn.Module, Batch], tuple[Tensor, dict[str, Any]]],
    settings: Settings,
    out: Path,
    *,
    record: dict,
    validate: Callable[[nn.Module], dict[str, float]],
    save: Callable[[nn.Module, Path], None],
) -> nn.Module:
    """Run or resume a training in the folder `out`.

    Writes there `training.json` (the record), the weights, `curve.jsonl` (a line for each validation), TensorBoard's
    events, and `checkpoints/` to resume from. Where it is killed, nothing is lost but the steps since the last
    checkpoint.

    Args:
        model: with its training losses, in training mode as far as it is to be; called by `loss` alone.
        batches: this process's batches from the progress on. They are asked for one at a time: while one is made, the
            progress is that of its step.
        loss: (), and figures to log, numbers or tensors ().
        record: all that makes the training what it is; where it is resumed, it has to be the same.
        validate, save: called in the main process with the averaged model, or with the model itself where there is no
            average; `save` fills an empty folder.

    Returns:
        The model as it was saved last.

    Raises:
        UserError: the folder holds another training, or weights that would be written over.
    """
    record = record | {
        "processes": accelerator.num_processes,
        "compiled": accelerator.state.dynamo_plugin.backend.value,
    }
    before = _resumed(out, json.loads(json.dumps(record)))
    averaged = copy.deepcopy(model).eval().to(accelerator.device) if settings.averaging else None
    model, optimizer = accelerator.prepare(model, optimizer)
    plain = accelerator.unwrap_model(model, keep_torch_compile=False)
    kept, progress = averaged or plain, Progress()
    accelerator.register_for_checkpointing(*filter(None, (progress, averaged)))
    peaks = [group["lr"] for group in optimizer.param_groups]
    if before:
        accelerator.load_state(str(before))
    with _Log(accelerator, out, record, settings, progress) as log:
        stream = batches(progress)
        while not progress.over(settings):
            with log.waiting():
                batch = next(stream)
            rate = settings.rate(progress.step, progress.steps)
            for group, peak in zip(optimizer.param_groups, peaks):
                group["lr"] = peak * rate
            lost, figures = loss(model, batch)
            accelerator.backward(lost)
            accelerator.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            if averaged:
                move_average(averaged, plain, settings.averaging, progress.step)
            log.step(figures | {"rate": rate * peaks[0]})
            if progress.step % settings.validate_every and not progress.over(settings):
                continue
            if accelerator.is_main_process:
                log.validated(validate(kept))
                write_files(out, partial(save, kept))
            # Last, so that what was cut off before is done again.
            keep_checkpoint(accelerator, out, progress.step)
    return kept


class _Log:
    """What a training writes down: record, progress bar, events, curve."""

    def __init__(self, accelerator: Accelerator, out: Path, record: dict, settings: Settings, progress: Progress):
        self.accelerator, self.out, self.settings, self.progress = accelerator, out, settings, progress
        self._began = self._start = time.monotonic()
        self._before, self._waited = progress.seconds, 0.0
        progress.expect(settings)
        if accelerator.is_main_process:
            (out / CHECKPOINTS).mkdir(parents=True, exist_ok=True)
            remove_drafts(out)
            with atomic_write(out / TRAINING) as draft:
                draft.write_bytes((json.dumps(record, indent=1) + "\n").encode())
            # A validation whose checkpoint was cut off is done again.
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

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Times how long the step that begins waits for its batch."""
        self._start = time.monotonic()
        yield
        self._waited = time.monotonic() - self._start

    def step(self, figures: dict[str, Any]) -> None:
        """Note a step that is done."""
        now = time.monotonic()
        figures = {name: float(value) for name, value in figures.items()}
        figures["waiting_share"] = self._waited / max(now - self._start, 1e-9)
        self._figures = figures
        self.progress.step += 1
        self.progress.seconds = self._agreed(self._before + now - self._began)
        self.progress.expect(self.settings)
        self.accelerator.log(figures, step=self.progress.step)
        self._bar.update()
        self._bar.set_postfix({k: f"{v:.3g}" for k, v in figures.items()}, refresh=False)

    def validated(self, measures: dict[str, float]) -> None:
        """Add a line to the curve."""
        rounded = {name: float(f"{value:.4g}") for name, value in {**self._figures, **measures}.items()}
        self._curve.append({"step": self.progress.step, **rounded})
        write_lines(self.out / CURVE, self._curve)
        self._bar.write(json.dumps(self._curve[-1]))

    def _agreed(self, seconds: float) -> float:
        """The main process's, where processes have to end at the same step."""
        if not self.settings.minutes or self.accelerator.num_processes == 1:
            return seconds
        return broadcast(torch.tensor(seconds, device=self.accelerator.device)).item()


def _resumed(out: Path, record: dict) -> Path | None:
    """The checkpoint of this very training that the folder holds, if any; raises UserError where it is another's."""
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


def _flat(record: dict, before: str = "") -> dict:
    """Nested settings by names such as `scenes.strength`."""
    flat = {}
    for name, value in record.items():
        flat |= _flat(value, f"{before}{name}.") if isinstance(value, dict) else {before + name: value}
    return flat
