"""The command `trajvlm describe`: videos in, families and equations out.

trajvlm describe throw.mp4 --out results
trajvlm describe clips/ --out results.parquet
"""

import json
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from trajvlm.data.errors import UserError
from trajvlm.ui.console import complain, load, make_folder, waiting
from trajvlm.ui.network_loading import check_device, load_describer
from trajvlm.ui.options import (
    Adapter,
    AsJson,
    At,
    BaseModel,
    Device,
    End,
    FieldOfView,
    FolderOrTable,
    Fps,
    KnownLength,
    NoRefine,
    Question,
    RigFile,
    RightView,
    Start,
    Tokenizer,
    Videos,
    check_times,
    parse_place,
)
from trajvlm.ui.terminal_output import print_answer, print_line, print_pair
from trajvlm.vlm.described import ASSUMED_FIELD_OF_VIEW

if TYPE_CHECKING:
    from trajvlm.data.cameras.stereo import StereoPair
    from trajvlm.ui.batch import Task, Wanted
    from trajvlm.vlm.scale import Scale

app = typer.Typer()

_DRAWN = Path("out/chat")
"""For what a question's tools draw, where no folder was named."""
_INTERRUPTED = 130
"""The exit status after Ctrl-C, as a shell has it."""


@dataclass(frozen=True)
class Request:
    """What was asked of `trajvlm describe`."""

    videos: list[Path]
    out: Path | None
    as_json: bool
    options: dict
    """Arguments of `Describer.describe`: start, end, fps, refine, field_of_view."""
    networks: dict
    """Arguments of `load_describer`."""
    scale: str | None
    question: str | None
    right: Path | None
    rig: Path | None

    @cached_property
    def makes_table(self) -> bool:
        """Whether one table is made of all videos."""
        from trajvlm.ui.batch import TABLE_SUFFIXES

        return self.out is not None and self.out.suffix in TABLE_SUFFIXES

    def check(self) -> None:
        """Raises typer.BadParameter where options are wrong or don't go together."""
        check_times(self.options["start"], self.options["end"], self.options["fps"])
        if (self.right is None) != (self.rig is None):
            raise typer.BadParameter(
                "--right and --rig belong together: a second video and the two cameras' calibration"
            )
        unsuited = self.scale or not self.options["refine"] or self.options["field_of_view"] != ASSUMED_FIELD_OF_VIEW
        if self.options.get("at") is not None and (self.right is not None or len(self.tasks) > 1):
            raise typer.BadParameter("--at points into one VIDEO; describe one at a time, without --right")
        if self.right is not None and (len(self.videos) > 1 or unsuited):
            raise typer.BadParameter(
                "--right goes with one left VIDEO or one folder of them, and not with --scale, --field-of-view or "
                "--no-refine: two views have the scale and the lenses of the cameras' file, and are always fitted"
            )
        if self.right is not None and self.videos[0].is_dir() and not self.makes_table:
            raise typer.BadParameter("two folders of views make a table; give --out a name such as results.csv")
        if self.makes_table and self.as_json:
            raise typer.BadParameter(f"--json prints to the terminal and {self.out} is a file; give one of the two")

    @cached_property
    def tasks(self) -> "list[Task]":
        """The videos, or pairs of videos; raises UserError where there are none."""
        from trajvlm.ui.batch import find_pairs, find_videos

        return find_videos(self.videos) if self.right is None else find_pairs(self.videos[0], self.right)

    @cached_property
    def pair(self) -> "StereoPair | None":
        """The two cameras; raises UserError where their file says something else."""
        from trajvlm.data.cameras.stereo import StereoPair

        return None if self.rig is None else StereoPair.load(self.rig)

    @cached_property
    def known_length(self) -> "Scale | None":
        """The length that was given; raises UserError where the words give none."""
        from trajvlm.agents.scale_parsing import scale

        return None if self.scale is None else scale(self.scale)

    @property
    def wanted(self) -> "Wanted":
        """What is wanted of every video; raises UserError as `pair` and `known_length` do."""
        from trajvlm.ui.batch import Wanted

        out = self.out or _DRAWN
        drawn = out.with_name(f"{out.stem}-files") if self.makes_table else out
        models = ", ".join(str(self.networks[name]) for name in ("base_model", "adapter", "tokenizer"))
        return Wanted(self.options, self.known_length, self.question, drawn, self.pair, models)


def _columns(wanted: bool) -> None:
    """Print the columns and exit, where `--columns` is given."""
    if wanted:
        from trajvlm.ui.columns import COLUMNS

        for name, column in COLUMNS.items():
            typer.echo(f"{name:<26}{column.meaning}")
        raise typer.Exit()


@app.command(
    epilog="Example: trajvlm describe throw.mp4 swing.mov --start 0.5 --end 2 --out results; "
    "trajvlm describe clips/ --out results.parquet; "
    "accelerate launch --num_processes 8 -m trajvlm.ui.cli describe clips/ --device cuda --out results.parquet"
)
def describe(
    videos: Videos,
    as_json: AsJson = False,
    start: Start = None,
    end: End = None,
    fps: Fps = None,
    at: At = None,
    out: FolderOrTable = None,
    no_refine: NoRefine = False,
    base_model: BaseModel = None,
    adapter: Adapter = None,
    tokenizer: Tokenizer = None,
    field_of_view: FieldOfView = ASSUMED_FIELD_OF_VIEW,
    scale: KnownLength = None,
    ask: Question = None,
    right: RightView = None,
    rig: RigFile = None,
    device: Device = "cpu",
    columns: Annotated[
        bool,
        typer.Option("--columns", help="Say what a table's columns mean, and end.", is_eager=True, callback=_columns),
    ] = False,
) -> None:
    """Say how the one moving object of each VIDEO moves.

    A video that can't be described is reported in one sentence, and the others are still described.

    Exit status: 0 if all were described, 1 if any could not be, 2 for wrong usage. With a table, in which errors are a
    column: 0 if at least one was described, 1 if none was.
    """
    options: dict[str, object] = {
        "start": start,
        "end": end,
        "fps": fps,
        "refine": not no_refine,
        "field_of_view": field_of_view,
    }
    if at is not None:
        options["at"] = parse_place(at)
    networks = {"base_model": base_model, "device": device, "adapter": adapter, "tokenizer": tokenizer}
    request = Request(videos, out, as_json, options, networks, scale, ask, right, rig)
    request.check()
    messages = Console(stderr=True, highlight=False)
    try:
        check_device(device)
        # Read before the networks are loaded, which takes seconds.
        _ = request.pair, request.tasks, request.known_length
    except UserError as error:
        complain(messages, error)
        raise typer.Exit(1) from error
    (_make_table if request.makes_table else _describe_each)(request, messages)


def _describe_each(request: Request, messages: Console) -> None:
    """Videos one after the other, or two views; raises typer.Exit with status 1 where any could not be described."""
    from trajvlm.ui.batch import answered

    answers, files = Console(highlight=False), make_folder(request.out, messages)
    describer, wanted = load(request.networks, messages), request.wanted
    failed = 0
    for number, task in enumerate(request.tasks):
        try:
            with redirect_stdout(sys.stderr), waiting(messages, f"describing {task.name}"):
                description, extras = answered(describer, task, wanted)
                written = files.save(task.video, description, request.options["fps"], extras) if files else None
        except UserError as error:
            failed += 1
            complain(messages, error, task.video)
            if request.as_json:
                reason = {"reason": error.reason} if error.reason else {}
                _print_json({"video": str(task.video), "error": str(error), **reason})
            continue
        if request.as_json:
            _print_json({"video": str(task.video), **description.to_dict(), **extras.to_dict(description)})
            continue
        if number:
            answers.print()
        if task.right is None:
            field_of_view = request.options["field_of_view"]
            print_answer(answers, str(task.video), description.views[0], field_of_view, extras=extras)
        else:
            print_pair(answers, description, extras)
        if written:
            print_line(answers, "picture", str(written))
    if failed:
        raise typer.Exit(1)


def _make_table(request: Request, messages: Console) -> None:
    """One table of all videos; raises typer.Exit with status 1 where none could be described, and 130 after Ctrl-C."""
    from accelerate import PartialState

    from trajvlm.ui.batch import Stopped, describe_all

    out, networks = request.out, request.networks
    assert out is not None  # the name that makes it a table
    try:
        rows, errors = describe_all(
            request.tasks,
            out,
            lambda name: load_describer(**networks | {"device": name}),
            request.wanted,
            networks["device"],
        )
    except Stopped as stopped:
        PartialState().print(f"{out}: {stopped}", file=sys.stderr)
        raise typer.Exit(_INTERRUPTED) from stopped
    except UserError as error:
        complain(messages, error)
        raise typer.Exit(1) from error
    # Printed by the first process only.
    PartialState().print(f"{out}: {rows - errors} of {rows} videos described", file=sys.stderr)
    if errors == rows:
        raise typer.Exit(1)


def _print_json(answer: dict) -> None:
    print(json.dumps(answer), flush=True)
