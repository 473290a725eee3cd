"""The frame of a training that can be stopped at any time: steps, schedule, curve and state, under accelerate."""

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from tqdm import tqdm

from data.scene import SceneSettings
from tokenizer.precision import has_bf16


class Settings(Protocol):
    """What the loop has to know of a training's settings, a dataclass."""

    steps: int
    batch: int
    """Clips per step and process."""
    validate_every: int
    first_clip: int
    """Number in the training stream at which the first step's clips begin."""

    def rate(self, step: int) -> float:
        """Learning rate at a step, relative to its peak."""
        ...


def warm_cosine(step: int, steps: int, warmup: int, floor: float) -> float:
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


class TrainingLoop:
    """One training in a folder, resumed where the folder holds one.

    Writes there `training.json` (settings), `curve.jsonl` (one line for each validation), TensorBoard's events, and
    `state/` to resume from.
    """

    def __init__(self, out: Path, name: str, settings: Settings, scenes: SceneSettings, **options):
        """
        Args:
            options: further ones for the Accelerator.
        """
        self.out, self.name, self.settings, self.scenes = out, name, settings, scenes
        # Accelerate's own state would say on which device, but must not be asked before it knows all options.
        elsewhere = None if options.get("cpu") else torch.accelerator.current_accelerator(check_available=True)
        precision = "bf16" if has_bf16(elsewhere or "cpu") else "no"
        self.accelerator = Accelerator(mixed_precision=precision, log_with="tensorboard", project_dir=out, **options)
        self.step = 0
        self._waiting_s = 0.0

    def prepare(
        self, objective: nn.Module, optimizer: torch.optim.Optimizer, *also
    ) -> tuple[nn.Module, torch.optim.Optimizer]:
        """Objective and optimizer wrapped by accelerate, and all state read back where there is some.

        Args:
            also: further things with `state_dict` and `load_state_dict` that belong to the state.
        """
        self.objective, self.optimizer = self.accelerator.prepare(objective, optimizer)
        # The schedule is not prepared: accelerate would step it once for each process.
        self.schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self.settings.rate)
        self.accelerator.register_for_checkpointing(self.schedule, self, *also)
        self.out.mkdir(parents=True, exist_ok=True)
        if (self.out / "state").is_dir():
            self.accelerator.load_state(self.out / "state")
        if self.accelerator.is_main_process:
            text = json.dumps({**asdict(self.settings), "scenes": asdict(self.scenes)}, indent=1)
            (self.out / "training.json").write_text(text + "\n")
        self.accelerator.init_trackers(self.name)
        return self.objective, self.optimizer

    def state_dict(self) -> dict:
        return {"step": self.step}

    def load_state_dict(self, state: dict) -> None:
        self.step = state["step"]

    def steps(self) -> Iterator[int]:
        """The steps that are left, with a progress bar."""
        accelerator = self.accelerator
        self._bar = tqdm(
            total=self.settings.steps, initial=self.step, disable=not accelerator.is_main_process, mininterval=5
        )
        while self.step < self.settings.steps:
            self._start = time.time()
            yield self.step
        accelerator.end_training()

    @property
    def first_clip(self) -> int:
        """Number in the training stream of this step's first clip in this process."""
        return next(self.first_clips())

    def first_clips(self) -> Iterator[int]:
        """The same of this step and of all that are left."""
        accelerator, first = self.accelerator, self.settings.first_clip
        for step in range(self.step, self.settings.steps):
            yield first + (step * accelerator.num_processes + accelerator.process_index) * self.settings.batch

    @contextmanager
    def waiting(self):
        """Times how long the step waits for its clips."""
        start = time.time()
        yield
        self._waiting_s = time.time() - start

    def learn(self, loss: Tensor) -> None:
        """One step of the optimizer and of the schedule."""
        self.accelerator.backward(loss)
        self.accelerator.clip_grad_norm_(self.objective.parameters(), 1.0)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()

    def finish_step(
        self, figures: dict[str, float], validate: Callable[[], dict[str, float]], save: Callable[[Path], None]
    ) -> None:
        """Log a step; where it is one for validation, keep the state, a line of the curve, and the model."""
        self.step += 1
        figures |= {
            "rate": self.schedule.get_last_lr()[0],
            "waiting_share": self._waiting_s / (time.time() - self._start),
        }
        self.accelerator.log(figures, step=self.step)
        self._bar.update()
        self._bar.set_postfix({k: f"{v:.3g}" for k, v in figures.items()}, refresh=False)
        if self.step % self.settings.validate_every and self.step != self.settings.steps:
            return
        self.accelerator.save_state(self.out / "state")
        if self.accelerator.is_main_process:
            line = {k: float(f"{v:.4g}") for k, v in {"step": self.step, **figures, **validate()}.items()}
            with (self.out / "curve.jsonl").open("a") as curve:
                curve.write(json.dumps(line) + "\n")
            save(self.out)
            self._bar.write(json.dumps(line))
