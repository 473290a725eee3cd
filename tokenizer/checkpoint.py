"""Files and checkpoints of a training, written atomically: whole or not at all, whenever the training is killed."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import safetensors.torch
import torch
from accelerate import Accelerator
from torch import Tensor

from trajvlm.data.errors import UserError
from trajvlm.data.files import atomic_write, flush_to_disk

CHECKPOINTS = "checkpoints"
_DRAFT = ".part"


def write_weights(weights: dict[str, Tensor], path: Path, metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file with the permissions that the umask gives."""
    # `safetensors.torch.save_file` lets only its owner read it.
    with atomic_write(path) as draft:
        draft.write_bytes(safetensors.torch.save(weights, metadata))


def write_lines(path: Path, records: list[dict]) -> None:
    """Write records as lines of JSON."""
    with atomic_write(path) as draft:
        draft.write_bytes("".join(json.dumps(record) + "\n" for record in records).encode())


def read_lines(path: Path) -> list[dict]:
    """Records of a file of lines of JSON; none where there is no such file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def write_files(folder: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill an empty folder; move its files to `folder` once all are written."""
    draft = folder / f"weights{_DRAFT}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    write(draft)
    for file in draft.iterdir():
        flush_to_disk(file)
    for file in draft.iterdir():
        file.replace(folder / file.name)
    draft.rmdir()


def latest_checkpoint(out: Path) -> Path | None:
    """The last complete checkpoint of the training in a folder; its name is its step."""
    complete = (folder for folder in (out / CHECKPOINTS).glob("*") if folder.name.isdigit())
    return max(complete, key=lambda folder: int(folder.name), default=None)


def load_checkpoint(accelerator: Accelerator, checkpoint: Path) -> None:
    """Load the state of all that was prepared or registered.

    Raises:
        UserError: a file of it holds more than tensors, numbers and strings.
    """
    for file in checkpoint.glob("custom_checkpoint_*.pkl"):
        # Accelerate unpickles these without a check.
        try:
            torch.load(file, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            raise UserError(f"{file} is no checkpoint of a training here; name another folder with --out") from error
    accelerator.load_state(str(checkpoint))


def save_checkpoint(accelerator: Accelerator, out: Path, step: int) -> None:
    """Write the state of all that was prepared or registered, from every process; then remove older checkpoints."""
    draft = out / CHECKPOINTS / f"{step}{_DRAFT}"
    if accelerator.is_main_process:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
    accelerator.wait_for_everyone()
    accelerator.save_state(str(draft))
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        for file in draft.iterdir():
            flush_to_disk(file)
        checkpoint = draft.rename(draft.with_suffix(""))
        flush_to_disk(checkpoint.parent)
        for folder in checkpoint.parent.iterdir():
            if folder != checkpoint:
                shutil.rmtree(folder)
