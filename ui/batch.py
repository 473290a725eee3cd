"""Many videos into one table: a row for each file, written as Parquet, CSV or JSON lines.

    trajvlm describe clips/ --out results.parquet
    accelerate launch --num_processes 8 -m ui.cli describe clips/ --device cuda --out results.parquet
    torchrun --nproc-per-node 4 -m ui.cli describe clips/ --out results.parquet

Started by `accelerate launch` or, on processors alone, where that starts one process only, by `torchrun`, every
process on however many machines describes its share, and the first one writes. Each keeps its rows as they come
(`ui.journal`), so that a run that was stopped goes on.
"""

import csv
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from data.errors import UserError
from data.files import whole_file
from ui.columns import COLUMNS, values, values_of_two
from ui.extras import Extras, reply_to
from ui.journal import Journal

if TYPE_CHECKING:
    from data.stereo import StereoPair
    from vlm.scale import Scale

VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".wmv", ".3gp", ".gif")
"""What is taken for a video in a folder; a file that is named by itself may have any name."""
TABLE_SUFFIXES = (".parquet", ".csv", ".jsonl")

# A process that is done waits for the slowest one.
_LONGEST_WAIT = timedelta(days=30)


@dataclass(frozen=True)
class Wanted:
    """What is wanted of every video."""

    options: dict
    """For `Describer.describe`."""
    scale: "Scale | None" = None
    question: str | None = None
    folder: Path = Path("out/chat")
    """For what is drawn while a question is answered."""
    pair: "StereoPair | None" = None
    """The calibration, where every video has one from a second camera beside it."""
    models: str = ""
    """Which networks describe."""

    def to_dict(self) -> dict:
        """As plain values, by which a run that goes on knows that it is the same."""
        return self.options | {
            "scale": self.scale and str(self.scale),
            "ask": self.question,
            "rig": self.pair and repr(self.pair),
            "models": self.models,
        }


class Stopped(Exception):
    """Ctrl-C; says how far it came."""


def find_videos(paths: list[Path]) -> list[Path]:
    """Files as they are, and for a folder all videos below it by name, each file once.

    Raises UserError for a folder without any.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        # What is no ordinary file, such as a link to nothing, is left for whoever opens it to complain of.
        inside = (
            [path]
            if not path.is_dir()
            else [
                file for file in sorted(path.rglob("*")) if file.suffix.lower() in VIDEO_SUFFIXES and not file.is_dir()
            ]
        )
        if not inside:
            raise UserError(f"there is no video in the folder {path}; give another folder, or files by name")
        for file in inside:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def find_pairs(left: Path, right: Path) -> dict[Path, Path]:
    """For each video of the left camera the right one's: two files, or of two folders the files of the same names.

    Raises UserError where one has no partner.
    """
    if left.is_dir() != right.is_dir():
        raise UserError(f"{left} and {right} are a folder and a file; give two videos, or two folders of them")
    if not left.is_dir():
        return {left: right}
    sides = [
        {file.relative_to(folder).with_suffix(""): file for file in find_videos([folder])} for folder in (left, right)
    ]
    if alone := sorted(set(sides[0]) ^ set(sides[1])):
        where, other = (left, right) if alone[0] in sides[0] else (right, left)
        raise UserError(f"{where / alone[0]} has no video of that name in {other}; the two of a motion share a name")
    return {file: sides[1][name] for name, file in sides[0].items()}


def describe_all(
    videos: list[Path] | dict[Path, Path], out: Path, load: Callable[[str], object], wanted: Wanted, device: str = "cpu"
) -> tuple[int, int]:
    """Describe videos, each of them in one of the processes there are, and write the table.

    Args:
        videos: or, for each video of the left camera, that of the right one.
        load: gives a describer on a device by its name.

    Returns:
        How many rows are in the table, and how many of them are errors; in every process the same.

    Raises:
        UserError: the table or a row can't be written, the table is there already, or the describer can't be loaded.
        Stopped: Ctrl-C; what was described is kept.
    """
    write = _writer(out)
    from accelerate import PartialState
    from accelerate.utils import gather_object
    from tqdm import tqdm

    with redirect_stdout(sys.stderr):
        state = PartialState(cpu=device == "cpu", timeout=_LONGEST_WAIT)
        journal = Journal(out, wanted.to_dict(), state.process_index)
        # Each process has a GPU of its own, unless one was named by number.
        describer = load(str(state.device) if device == "cuda" else device)
        # Neighbours in a folder are alike in length, so they go to different processes.
        share = list(videos)[state.process_index :: state.num_processes]
        shown = state.is_main_process and sys.stderr.isatty()
        mine: list[dict] = []
        try:
            for video in tqdm(share, "describing", unit="video", disable=not shown):
                done = journal.row(video)
                if done is None:
                    done = journal.keep(row(describer, video, wanted, _right_of(videos, video)))
                mine.append(done)
        except KeyboardInterrupt:
            if state.num_processes == 1:
                _write(write, mine, out)
            raise Stopped(f"stopped after {len(mine)} of {len(videos)} videos; the same command goes on") from None
        rows = gather_object(mine)
        order = {str(video): place for place, video in enumerate(videos)}
        rows.sort(key=lambda one: order[one["video"]])
        failure = None
        if state.is_main_process:
            try:
                _write(write, rows, out)
            except UserError as error:
                failure = error
        failed = any(gather_object([failure is not None]))
        # At its end a process must not have threads of the group still running: it would be aborted.
        state.destroy_process_group()
    if failure is not None:
        raise failure
    if not failed:
        journal.remove()
    return len(rows), sum(one["error"] is not None for one in rows)


def row(describer, video: Path, wanted: Wanted, right: Path | None = None) -> dict:
    """One video's row, with a value or None for each of `COLUMNS`."""
    empty = dict.fromkeys(COLUMNS) | {"video": str(video)}
    try:
        if right is not None:
            empty |= {"right": str(right)}
            return empty | _of_two(describer, video, right, wanted)
        found = describer.describe(video, **wanted.options)
        reply = None
        if wanted.question is not None:
            reply = reply_to(wanted.question, describer, video, found, wanted.scale, wanted.options, wanted.folder)
        return empty | values(found, Extras.of(found, wanted.scale, reply))
    except UserError as error:
        return empty | {"error": str(error)}


def _of_two(describer, left: Path, right: Path, wanted: Wanted) -> dict:
    from vlm.stereo import describe_pair

    times = {name: wanted.options[name] for name in ("start", "end", "fps")}
    return values_of_two(describe_pair(describer, left, right, wanted.pair, **times))


def _right_of(videos: list[Path] | dict[Path, Path], video: Path) -> Path | None:
    return videos[video] if isinstance(videos, dict) else None


def _write(write: Callable[[list[dict], Path], None], rows: list[dict], out: Path) -> None:
    """The table, whole or not at all."""
    try:
        with whole_file(out) as draft:
            write(rows, draft)
    except OSError as error:
        raise UserError(
            f"{out} can't be written ({error.strerror}); make room, and the same command goes on"
        ) from error


def _writer(out: Path) -> Callable[[list[dict], Path], None]:
    """Writes rows to a file of a table's kind; raises UserError at once where a package for that is missing."""
    if out.suffix == ".parquet":
        try:
            from pyarrow import Table, parquet
        except ModuleNotFoundError as error:
            raise UserError("Parquet needs pyarrow: `pip install pyarrow`, or give --out a .csv or .jsonl") from error
        return lambda rows, path: parquet.write_table(Table.from_pylist(rows, schema=_schema()), path)
    return _write_csv if out.suffix == ".csv" else _write_lines


def _schema():
    """The same columns of the same types whatever the rows hold, so that tables of several runs can be joined."""
    import pyarrow

    types = {str: pyarrow.string(), bool: pyarrow.bool_(), float: pyarrow.float64()}
    return pyarrow.schema([(name, types[column.kind]) for name, column in COLUMNS.items()])


def _write_csv(rows: list[dict], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def _write_lines(rows: list[dict], path: Path) -> None:
    path.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
