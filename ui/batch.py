"""Many videos into one table: a row for each file, written as Parquet, CSV or JSON lines.

    trajvlm describe clips/ --out results.parquet
    accelerate launch --num_processes 8 -m trajvlm.ui.cli describe clips/ --device cuda --out results.parquet
    torchrun --nproc-per-node 4 -m trajvlm.ui.cli describe clips/ --out results.parquet

Under `accelerate launch` every process, on any number of machines, describes its share, and the first one writes the
table. Without GPUs that starts one process only; use `torchrun` there. Each process keeps its rows as they come
(`trajvlm.ui.resumable_table`), so that a stopped run can be continued.
"""

import csv
import json
import sys
from collections import defaultdict
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from trajvlm.data.errors import UserError
from trajvlm.data.files import atomic_write
from trajvlm.data.filmed.decode import at_rate
from trajvlm.ui.answer_details import Extras, reply_to
from trajvlm.ui.columns import COLUMNS, values
from trajvlm.ui.resumable_table import Journal

if TYPE_CHECKING:
    from trajvlm.agents.session import Describes
    from trajvlm.data.cameras.stereo import StereoPair
    from trajvlm.vlm.describe import Describer
    from trajvlm.vlm.described import Described
    from trajvlm.vlm.scale import Scale

VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".wmv", ".3gp", ".gif")
"""Suffixes of the files in a folder that are taken for videos; a file that is named by itself may have any."""
TABLE_SUFFIXES = (".parquet", ".csv", ".jsonl")

_NAMED = 3
"""Errors that are named where no video can be described."""
# How long a process that is done waits for the slowest one.
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
        """As plain values, by which a continued run checks that it has the settings of the stopped one."""
        return self.options | {
            "scale": self.scale and str(self.scale),
            "ask": self.question,
            "rig": self.pair and repr(self.pair),
            "models": self.models,
        }


@dataclass(frozen=True)
class Task:
    """One row to make: a video or two views, or why they can't be described."""

    video: Path
    right: Path | None = None
    """The right camera's video, where there are two views."""
    error: UserError | None = None
    """Why it can't be described, known before anything is opened."""

    @property
    def name(self) -> str:
        """Shown while it is described."""
        return self.video.name if self.right is None else f"{self.video.name} and {self.right.name}"


class Stopped(Exception):
    """Ctrl-C was pressed; the text says how many videos were described."""


def find_videos(paths: list[Path]) -> list[Task]:
    """A task for each file, and for each video below a folder, in order of their names; each file once. A folder
    without videos becomes a task with an error.

    Raises UserError where there is nothing but such folders.
    """
    found: dict[Path, Task] = {}
    for path in paths:
        # A path that is no ordinary file, such as a broken link, is reported when it is opened.
        inside = [path] if not path.is_dir() else _videos_in(path)
        for file in inside:
            found.setdefault(file.resolve(), Task(file))
        if not inside:
            found.setdefault(path.resolve(), Task(path, error=_empty(path)))
    return _any_good(list(found.values()))


def find_pairs(left: Path, right: Path) -> list[Task]:
    """A task for each video of the left camera with the right one's: two files, or the files of two folders that share
    a name, whatever their suffixes. A video with no partner, or with several, becomes a task with an error.

    Raises UserError where no two belong together.
    """
    if left.is_dir() != right.is_dir():
        raise UserError(f"{left} and {right} are a folder and a file; give two videos, or two folders of them")
    if not left.is_dir():
        return [Task(left, right)]
    sides: list[dict[Path, list[Path]]] = [defaultdict(list), defaultdict(list)]
    for folder, side in zip((left, right), sides):
        if not (inside := _videos_in(folder)):
            raise _empty(folder)
        for file in inside:
            side[file.relative_to(folder).with_suffix("")].append(file)
    tasks = []
    for name in sorted(sides[0].keys() | sides[1].keys()):
        of_left, of_right = (side.get(name, []) for side in sides)
        if len(of_left) == len(of_right) == 1:
            tasks.append(Task(of_left[0], of_right[0]))
            continue
        for file in of_left + of_right:
            of_other, other = (of_right, right) if file in of_left else (of_left, left)
            count = "no video" if not of_other else "more than one video"
            wrong = f"{count} of that name in {other}" if len(of_other) != 1 else "another video of its name beside it"
            tasks.append(Task(file, error=UserError(f"{file} has {wrong}; the two of a motion share a name")))
    return _any_good(tasks)


def _videos_in(folder: Path) -> list[Path]:
    files = sorted(folder.rglob("*"))
    return [file for file in files if file.suffix.lower() in VIDEO_SUFFIXES and not file.is_dir()]


def _empty(folder: Path) -> UserError:
    return UserError(f"there is no video in the folder {folder}; give another folder, or files by name")


def _any_good(tasks: list[Task]) -> list[Task]:
    if all(task.error for task in tasks):
        raise UserError("; ".join(dict.fromkeys(str(task.error) for task in tasks[:_NAMED])))
    return tasks


def describe_all(
    tasks: list[Task], out: Path, load: Callable[[str], "Describer"], wanted: Wanted, device: str = "cpu"
) -> tuple[int, int]:
    """Describe the videos of all tasks, shared among the processes, and write the table.

    Args:
        load: makes a describer on the device of a name.

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
        journal = Journal(out, wanted.to_dict(), [task.video for task in tasks], state.process_index)
        # Each process has a GPU of its own, unless one was named by number.
        describer = load(str(state.device) if device == "cuda" else device)
        # Neighbours in a folder are alike in length, so they go to different processes.
        share = tasks[state.process_index :: state.num_processes]
        shown = state.is_main_process and sys.stderr.isatty()
        mine: list[dict] = []
        try:
            for task in tqdm(share, "describing", unit="video", disable=not shown):
                done = journal.row(task.video)
                if done is None:
                    done = journal.keep(row(describer, task, wanted))
                mine.append(done)
        except KeyboardInterrupt:
            # Where no row is kept, a table would make the same command refuse to run.
            if mine and state.num_processes == 1:
                _write(write, mine, out)
            raise Stopped(f"stopped after {len(mine)} of {len(tasks)} videos; the same command goes on") from None
        rows = gather_object(mine)
        order = {str(task.video): place for place, task in enumerate(tasks)}
        rows.sort(key=lambda one: order[one["video"]])
        failure = None
        if state.is_main_process:
            try:
                _write(write, rows, out)
            except UserError as error:
                failure = error
        failed = any(gather_object([failure is not None]))
        # A process that ends while threads of the group still run is aborted.
        state.destroy_process_group()
    if failure is not None:
        raise failure
    if not failed:
        journal.remove()
    return len(rows), sum(one["error"] is not None for one in rows)


def row(describer: "Describer", task: Task, wanted: Wanted) -> dict:
    """One video's row, with a value or None for each of `COLUMNS`."""
    video, right = task.video, task.right
    empty = dict.fromkeys(COLUMNS) | {"video": str(video), "right": right and str(right)}
    try:
        return empty | values(*answered(describer, task, wanted))
    except UserError as error:
        return empty | {"error": str(error), "reason": error.reason}


def answered(describer: "Describer", task: Task, wanted: Wanted) -> "tuple[Described, Extras]":
    """Describe a task's video or two views, and answer the question about it; raises UserError."""
    if task.error is not None:
        raise task.error
    describes: Describes = describer
    if task.right is not None:
        from trajvlm.vlm.stereo import StereoDescriber

        assert wanted.pair is not None  # where there are right videos, the cameras were given
        describes = StereoDescriber(describer, task.right, wanted.pair)
    found, reply = describes.describe(task.video, **at_rate(task.video, wanted.options)), None
    if wanted.question is not None:
        reply = reply_to(wanted.question, describes, task.video, found, wanted.scale, wanted.options, wanted.folder)
    return found, Extras.of(found, wanted.scale, reply)


def _write(write: Callable[[list[dict], Path], None], rows: list[dict], out: Path) -> None:
    """The table, whole or not at all."""
    try:
        with atomic_write(out) as draft:
            write([{name: _readable(value) for name, value in row.items()} for row in rows], draft)
    except OSError as error:
        raise UserError(
            f"{out} can't be written ({error.strerror}); make room, and the same command goes on"
        ) from error


def _readable(value: object) -> object:
    """A file's name may hold bytes that are no characters; each becomes a question mark."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _writer(out: Path) -> Callable[[list[dict], Path], None]:
    """What writes rows to a file with the suffix of `out`; raises UserError where a package for that is missing."""
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
