"""A training of three weights in the resumable loop: all that can go wrong in seconds."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

# Two that would be loaded in every process forked from a server.
import torch._dynamo
import torch.utils.tensorboard
from accelerate import Accelerator
from torch import Tensor, nn

from trajvlm.tokenizer.checkpoint import write_weights
from trajvlm.tokenizer.training_loop import Progress, accelerated, train, warm_cosine


@dataclass(frozen=True)
class SmallTraining:
    steps: int = 6
    minutes: float | None = None
    validate_every: int = 2
    averaging: float | None = 0.9
    warmup: int = 2

    def rate(self, step: int, steps: float) -> float:
        return warm_cosine(step, steps, self.warmup, floor=0.1)


def error_of(model: nn.Module, batch: Tensor) -> tuple[Tensor, dict]:
    """Its loss: what it has to learn is the sum of three numbers."""
    error = (model(batch) - batch.sum(dim=1, keepdim=True)).square().mean()
    return error, {"error": error.detach()}


def run(
    out: Path, settings: SmallTraining, done=None, accelerator: Accelerator | None = None, dying_at: int | None = None
) -> list[float]:
    """Run or resume it; what its weights are at the end.

    Args:
        done: two shared numbers that are told at which step it begins, and which comes next.
        dying_at: fail where this step's batch is made.
    """
    torch.set_num_threads(1)
    torch.manual_seed(0)
    accelerator = accelerator or accelerated(out)
    model = nn.Linear(3, 1)

    def batches(progress: Progress) -> Iterator[Tensor]:
        if done is not None:
            done[:] = [progress.step] * 2
        while True:
            if done is not None:
                done[1] = progress.step
            if progress.step == dying_at:
                raise InterruptedError
            yield torch.rand(4, 3).to(accelerator.device)

    kept = train(
        accelerator,
        model,
        torch.optim.AdamW(model.parameters(), lr=0.1),
        batches,
        error_of,
        settings,
        out,
        record=asdict(settings),
        validate=lambda model: {"weight": model.weight.sum().item()},
        save=lambda model, folder: write_weights(model.state_dict(), folder / "model.safetensors"),
    )
    return [*kept.weight.flatten().tolist(), *kept.bias.tolist()]


def curve(out: Path) -> list[dict]:
    """Its validations."""
    return [json.loads(line) for line in (out / "curve.jsonl").read_text().splitlines()]
