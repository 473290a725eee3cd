"""Many videos into one table: a row for each file, written as Parquet, CSV or JSON lines.

    trajvlm describe clips/ --out results.parquet
    accelerate launch --num_processes 8 -m ui.cli describe clips/ --device cuda --out results.parquet
    torchrun --nproc-per-node 4 -m ui.cli describe clips/ --out results.parquet

Started by `accelerate launch` or, on processors alone, where that starts one process only, by `torchrun`, every
process on however many machines describes its share, and the first one writes.
"""

import csv
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from data.errors import UserError
from data.families import FAMILIES

if TYPE_CHECKING:
    from vlm.describe import Description

VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".wmv", ".3gp", ".gif")
"""What is taken for a video in a folder; a file that is named by itself may have any name."""
TABLE_SUFFIXES = (".parquet", ".csv", ".jsonl")
COLUMNS = (
    ("video", "family", "known", "confidence")
    + tuple(f"p_{name}" for name in FAMILIES)
    + (
        "x",
        "y",
        "z",
        "raw_x",
        "raw_y",
        "raw_z",
        "model_family",
        "second_opinion",
        "t0_s",
        "duration_s",
        "notes",
        "error",
    )
)
"""In every table, in this order: `known` is false where the motion is none of the families and `family` only the
nearest; x, y and z are the best equation, raw_x to raw_z the language model's own, which is of `model_family`; `error`
is empty where the video was described."""

# A process that is done waits for the slowest one.
_LONGEST_WAIT = timedelta(days=30)


def find_videos(paths: list[Path]) -> list[Path]:
    """Files as they are, and for a folder all videos below it by name; raises UserError for a folder without any."""
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in VIDEO_SUFFIXES and file.is_file())
        if not inside:
            raise UserError(f"there is no video in the folder {path}; give another folder, or files by name")
        found += inside
    return found


def describe_all(
    videos: list[Path], out: Path, load: Callable[[str], object], device: str = "cpu", **options
) -> tuple[int, int]:
    """Describe videos, each of them in one of the processes there are, and write the table.

    Args:
        load: gives a describer on a device by its name.
        options: for `Describer.describe`.

    Returns:
        How many rows are in the table, and how many of them are errors; in every process the same.

    Raises:
        UserError: the table can't be written, or the describer can't be loaded.
    """
    write = _writer(out)
    from accelerate import PartialState
    from accelerate.utils import gather_object
    from tqdm import tqdm

    with redirect_stdout(sys.stderr):
        state = PartialState(cpu=device == "cpu", timeout=_LONGEST_WAIT)
        # Each process has a GPU of its own, unless one was named by number.
        describer = load(str(state.device) if device == "cuda" else device)
        # Neighbours in a folder are alike in length, so they go to different processes.
        share = videos[state.process_index :: state.num_processes]
        shown = state.is_main_process and sys.stderr.isatty()
        mine = [row(describer, video, options) for video in tqdm(share, "describing", unit="video", disable=not shown)]
        rows = gather_object(mine)
        # At its end a process must not have threads of the group still running: it would be aborted.
        state.destroy_process_group()
    order = {str(video): place for place, video in enumerate(videos)}
    rows.sort(key=lambda one: order[one["video"]])
    if state.is_main_process:
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            write(rows)
        except OSError as error:
            raise UserError(f"{out} can't be written ({error.strerror}); choose another file") from error
    return len(rows), sum(one["error"] is not None for one in rows)


def row(describer, video: Path, options: dict) -> dict:
    """One video's row, with a value or None for each of `COLUMNS`."""
    empty = dict.fromkeys(COLUMNS) | {"video": str(video)}
    try:
        return empty | _columns(describer.describe(video, **options))
    except UserError as error:
        return empty | {"error": str(error)}


def _columns(found: "Description") -> dict:
    place = found.clip.placement
    return {
        "family": found.family,
        "known": found.known,
        "confidence": found.confidence,
        **{f"p_{name}": p for name, p in found.probabilities.items()},
        **found.best.to_text(),
        **{f"raw_{axis}": text for axis, text in found.equation.to_text().items()},
        "model_family": found.model_family,
        "second_opinion": found.second_opinion and found.second_opinion.family,
        "t0_s": place.t0_s,
        "duration_s": place.duration_s,
        "notes": "; ".join(found.clip.notes),
    }


def _writer(out: Path) -> Callable[[list[dict]], None]:
    """Writes rows to `out`; raises UserError at once where that needs a package that is not there."""
    if out.suffix == ".parquet":
        try:
            from pyarrow import Table, parquet
        except ModuleNotFoundError as error:
            raise UserError("Parquet needs pyarrow: `pip install pyarrow`, or give --out a .csv or .jsonl") from error
        return lambda rows: parquet.write_table(Table.from_pylist(rows, schema=_schema()), out)
    return (lambda rows: _write_csv(rows, out)) if out.suffix == ".csv" else (lambda rows: _write_lines(rows, out))


def _schema():
    """The same columns of the same types whatever the rows hold, so that tables of several runs can be joined."""
    import pyarrow

    types = dict.fromkeys(COLUMNS, pyarrow.string()) | {"known": pyarrow.bool_()}
    types |= dict.fromkeys(("confidence", "t0_s", "duration_s", *(f"p_{name}" for name in FAMILIES)), pyarrow.float64())
    return pyarrow.schema(list(types.items()))


def _write_csv(rows: list[dict], out: Path) -> None:
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def _write_lines(rows: list[dict], out: Path) -> None:
    out.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
