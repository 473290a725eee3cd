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
from trajvlm.ui.answer_details import Extras, reply_to
from trajvlm.ui.console import complain, load, make_folder, waiting
from trajvlm.ui.network_loading import check_device, load_describer
from trajvlm.ui.options import (
    Adapter,
    AsJson,
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
)
from trajvlm.ui.terminal_output import print_answer, print_line, print_pair

if TYPE_CHECKING:
    from trajvlm.data.cameras.stereo import StereoPair
    from trajvlm.ui.batch import Task
    from trajvlm.vlm.describe import Describer, Description
    from trajvlm.vlm.scale import Scale

app = typer.Typer()

_DRAWN = Path("out/chat")
"""For what is drawn while a question is answered, where no folder was named."""
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
        unsuited = self.question or self.scale or not self.options["refine"]
        if self.right is not None and (len(self.videos) > 1 or unsuited):
            raise typer.BadParameter(
                "--right goes with one left VIDEO or one folder of them, and not with --ask, --scale or --no-refine: "
                "two views have the scale of the cameras' file"
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
        """Raises UserError where the words give no length."""
        from trajvlm.agents.quantity_parsing import scale

        return None if self.scale is None else scale(self.scale)


def _columns(wanted: bool) -> None:
    """What `--columns` does."""
    if wanted:
        from trajvlm.ui.columns import COLUMNS

        for name, column in COLUMNS.items():
            typer.echo(f"{name:<16}{column.meaning}")
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
    out: FolderOrTable = None,
    no_refine: NoRefine = False,
    base_model: BaseModel = None,
    adapter: Adapter = None,
    tokenizer: Tokenizer = None,
    field_of_view: FieldOfView = 60.0,
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
    options = {"start": start, "end": end, "fps": fps, "refine": not no_refine, "field_of_view": field_of_view}
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
    run = _make_table if request.makes_table else _describe_each if right is None else _describe_pair
    run(request, messages)


def _describe_each(request: Request, messages: Console) -> None:
    """Videos one after the other; raises typer.Exit with status 1 where any could not be described."""
    answers, files = Console(highlight=False), make_folder(request.out, messages)
    describer = load(request.networks, messages)
    failed = 0
    for number, task in enumerate(request.tasks):
        try:
            with redirect_stdout(sys.stderr), waiting(messages, f"describing {task.video.name}"):
                description, extras = _described(request, task, describer)
                written = files.save(task.video, description, request.options["fps"], extras) if files else None
        except UserError as error:
            failed += 1
            complain(messages, error, task.video)
            if request.as_json:
                _print_json({"video": str(task.video), "error": str(error)})
            continue
        if request.as_json:
            _print_json({"video": str(task.video), **description.to_dict(), **extras.to_dict(description)})
            continue
        if number:
            answers.print()
        print_answer(answers, str(task.video), description, request.options["field_of_view"], extras=extras)
        if written:
            print_line(answers, "picture", str(written))
    if failed:
        raise typer.Exit(1)


def _described(request: Request, task: "Task", describer: "Describer") -> "tuple[Description, Extras]":
    """A video's description, and what was asked and given besides; raises UserError."""
    from trajvlm.data.filmed.decode import at_rate

    if task.error is not None:
        raise task.error
    description = describer.describe(task.video, **at_rate(task.video, request.options))
    known, reply = request.known_length, None
    if request.question is not None:
        out = request.out or _DRAWN
        reply = reply_to(request.question, describer, task.video, description, known, request.options, out)
    return description, Extras.of(description, known, reply)


def _describe_pair(request: Request, messages: Console) -> None:
    """Two views of one motion; raises typer.Exit with status 1 where they could not be described."""
    from trajvlm.data.filmed.decode import at_rate
    from trajvlm.vlm.stereo import describe_pair

    left, right, fps = request.videos[0], request.right, request.options["fps"]
    assert right is not None
    times = {name: request.options[name] for name in ("start", "end", "fps")}
    try:
        files = make_folder(request.out, messages)
        describer = load(request.networks, messages)
        with redirect_stdout(sys.stderr), waiting(messages, f"describing {left.name} and {right.name}"):
            pair = request.pair
            assert pair is not None  # `check` lets no second video pass without the cameras
            both = describe_pair(describer, left, right, pair, **at_rate(left, times))
            written = files and files.save_pair(left, both, fps)
    except UserError as error:
        complain(messages, error)
        raise typer.Exit(1) from error
    if request.as_json:
        _print_json({"video": str(left), "right": str(right), **both.to_dict()})
        return
    answers = Console(highlight=False)
    print_pair(answers, both)
    if written:
        print_line(answers, "picture", str(written))


def _make_table(request: Request, messages: Console) -> None:
    """One table of all videos; raises typer.Exit with status 1 where none could be described, and 130 after Ctrl-C."""
    from accelerate import PartialState

    from trajvlm.ui.batch import Stopped, Wanted, describe_all

    out, networks = request.out, request.networks
    assert out is not None  # the name that makes it a table
    models = ", ".join(str(networks[name]) for name in ("base_model", "adapter", "tokenizer"))
    drawn = out.with_name(f"{out.stem}-files")
    wanted = Wanted(request.options, request.known_length, request.question, drawn, request.pair, models)
    try:
        rows, errors = describe_all(
            request.tasks, out, lambda name: load_describer(**networks | {"device": name}), wanted, networks["device"]
        )
    except Stopped as stopped:
        PartialState().print(f"{out}: {stopped}", file=sys.stderr)
        raise typer.Exit(_INTERRUPTED) from stopped
    except UserError as error:
        complain(messages, error)
        raise typer.Exit(1) from error
    # Of many processes one speaks.
    PartialState().print(f"{out}: {rows - errors} of {rows} videos described", file=sys.stderr)
    if errors == rows:
        raise typer.Exit(1)


def _print_json(answer: dict) -> None:
    print(json.dumps(answer), flush=True)
