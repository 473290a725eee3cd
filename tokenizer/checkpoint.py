"""What a training leaves in its folder: whole or not at all, at whatever moment its processes are killed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import safetensors.torch
from accelerate import Accelerator
from torch import Tensor

from trajvlm.data.files import atomic_write, flush_to_disk

CHECKPOINTS = "checkpoints"
_DRAFT = ".part"


def write_weights(weights: dict[str, Tensor], path: Path, metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file, readable for whom the umask lets read files."""
    # `safetensors.torch.save_file` makes it readable for its owner alone.
    with atomic_write(path) as draft:
        draft.write_bytes(safetensors.torch.save(weights, metadata))


def write_lines(path: Path, records: list[dict]) -> None:
    """Write records as lines of JSON."""
    with atomic_write(path) as draft:
        draft.write_bytes("".join(json.dumps(record) + "\n" for record in records).encode())


def read_lines(path: Path) -> list[dict]:
    """Records of a file of lines of JSON; none where it is not there."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def write_files(folder: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill an empty folder, and move its files to `folder` when all are written."""
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
    """The last whole checkpoint of the training in a folder; its name is its step."""
    whole = (folder for folder in (out / CHECKPOINTS).glob("*") if folder.name.isdigit())
    return max(whole, key=lambda folder: int(folder.name), default=None)


def keep_checkpoint(accelerator: Accelerator, out: Path, step: int) -> None:
    """Write the state of all that was prepared, from every process; only then remove the checkpoint before it."""
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
        kept = draft.rename(draft.with_suffix(""))
        flush_to_disk(kept.parent)
        for folder in kept.parent.iterdir():
            if folder != kept:
                shutil.rmtree(folder)
