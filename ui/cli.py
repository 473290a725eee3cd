"""The command line: `trajvlm describe` for videos of one's own, `trajvlm demo` for a first look.

    trajvlm describe throw.mp4 --out results
    trajvlm describe clips/ --out results.parquet

The networks are imported inside the commands, so that help and wrong usage answer at once. Standard output carries
the answer and nothing else; with `--json` that is one object a line.
"""

import json
import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from trajvlm.data.errors import UserError
from trajvlm.ui.answer_details import Extras, reply_to
from trajvlm.ui.chat_cli import app as chat_app
from trajvlm.ui.data_cli import app as data_app
from trajvlm.ui.eval_cli import app as eval_app
from trajvlm.ui.loader import check_device, load_describer
from trajvlm.ui.mcp_cli import app as mcp_app
from trajvlm.ui.options import Adapter, BaseModel, Device, End, Fps, KnownLength, Start, Tokenizer, check_times
from trajvlm.ui.results_folder import Results
from trajvlm.ui.terminal_output import print_answer, print_line, print_pair
from trajvlm.ui.tokens_cli import app as tokens_app

if TYPE_CHECKING:
    from trajvlm.data.cameras.stereo import StereoPair
    from trajvlm.ui.batch import Task, Wanted

app = typer.Typer(
    help="From a video of one moving object to the family of its motion and its equation x(t), y(t), z(t).",
    epilog="Example: trajvlm describe throw.mp4 --out results",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data_app, name="data")
app.add_typer(eval_app, name="eval")
app.add_typer(chat_app)
app.add_typer(mcp_app)
app.add_typer(tokens_app)

_DEMO_FAMILY = "helical"
_DRAWN = Path("out/chat")
"""For what is drawn while a question is answered, where no folder was named."""
_INTERRUPTED = 130
"""The exit status after Ctrl-C, as a shell has it."""


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
    videos: Annotated[
        list[Path], typer.Argument(metavar="VIDEO", help="Video files of one moving object each, or folders of them.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line for each video.")] = False,
    start: Start = None,
    end: End = None,
    fps: Fps = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR_OR_TABLE",
            help="A folder: a picture and a JSON file for each video. A name ending in .parquet, .csv or .jsonl: one "
            "table with a row for each video, gone on with if it was stopped; see --columns.",
        ),
    ] = None,
    no_refine: Annotated[
        bool, typer.Option("--no-refine", help="The language model alone, without the fits to its tokens.")
    ] = False,
    base_model: BaseModel = None,
    adapter: Adapter = None,
    tokenizer: Tokenizer = None,
    field_of_view: Annotated[
        float,
        typer.Option(
            metavar="DEG", min=1.0, max=170.0, help="The camera's horizontal angle of view; the scale of z rests on it."
        ),
    ] = 60.0,
    scale: KnownLength = None,
    ask: Annotated[
        str | None, typer.Option(metavar="TEXT", help="A question about each video, in your own words.")
    ] = None,
    right: Annotated[
        Path | None,
        typer.Option(
            metavar="VIDEO",
            help="The same motion from a second camera, for true lengths; needs --rig. Or a folder beside a folder, "
            "for a table, in which the two videos of a motion have one name.",
        ),
    ] = None,
    rig: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The two cameras' calibration as JSON; see docs/engineer.md.")
    ] = None,
    device: Device = "cpu",
    columns: Annotated[
        bool,
        typer.Option("--columns", help="Say what a table's columns mean, and end.", is_eager=True, callback=_columns),
    ] = False,
):
    """Say how the one moving object of each VIDEO moves.

    A video that can't be described is reported in one sentence, and the others are still described.

    Exit status: 0 if all were described, 1 if any could not be, 2 for wrong usage. With a table, in which errors are a
    column: 0 if at least one was described, 1 if none was.
    """
    check_times(start, end, fps)
    _check_together(videos, out, right, rig, ask, scale, no_refine)
    messages = Console(stderr=True, highlight=False)
    from trajvlm.agents.readings import scale as read_scale
    from trajvlm.data.cameras.stereo import StereoPair
    from trajvlm.data.filmed.decode import at_rate
    from trajvlm.ui.batch import TABLE_SUFFIXES, Wanted, find_pairs, find_videos

    networks = {"base_model": base_model, "device": device, "adapter": adapter, "tokenizer": tokenizer}
    options = {"start": start, "end": end, "fps": fps, "refine": not no_refine, "field_of_view": field_of_view}
    try:
        check_device(device)
        pair = None if rig is None else StereoPair.load(rig)
        tasks = find_videos(videos) if right is None else find_pairs(videos[0], right)
        known = None if scale is None else read_scale(scale)
    except UserError as error:
        _complain(messages, error)
        raise typer.Exit(1) from error
    if out is not None and out.suffix in TABLE_SUFFIXES:
        models = f"{base_model}, {adapter}, {tokenizer}"
        wanted = Wanted(options, known, ask, out.with_name(f"{out.stem}-files"), pair, models)
        _table(tasks, out, networks, wanted, messages, as_json)
        return
    if right is not None:
        _describe_pair(videos[0], right, pair, start, end, fps, out, networks, messages, as_json)
        return
    answers, files = Console(highlight=False), _make_folder(out, messages)
    describer = _load(networks, messages)
    failed = False
    for number, task in enumerate(tasks):
        video = task.video
        try:
            if task.error is not None:
                raise task.error
            with redirect_stdout(sys.stderr), _waiting(messages, f"describing {video.name}"):
                description = describer.describe(video, **at_rate(video, options))
                reply = None
                if ask is not None:
                    reply = reply_to(ask, describer, video, description, known, options, out or _DRAWN)
                extras = Extras.of(description, known, reply)
                written = files.save(video, description, fps, extras) if files else None
        except UserError as error:
            failed = True
            _complain(messages, error, video)
            if as_json:
                _print_json({"video": str(video), "error": str(error)})
            continue
        if as_json:
            _print_json({"video": str(video), **description.to_dict(), **extras.to_dict(description)})
        else:
            if number:
                answers.print()
            print_answer(answers, str(video), description, field_of_view, extras=extras)
            if written:
                print_line(answers, "picture", str(written))
    if failed:
        raise typer.Exit(1)


def _describe_pair(
    left: Path,
    right: Path,
    pair: "StereoPair",
    start: float | None,
    end: float | None,
    fps: float | None,
    out: Path | None,
    networks: dict,
    messages: Console,
    as_json: bool,
) -> None:
    """The command `describe` for two views of one motion."""
    from trajvlm.data.filmed.decode import at_rate
    from trajvlm.vlm.stereo import describe_pair

    try:
        files = _make_folder(out, messages)
        describer = _load(networks, messages)
        with redirect_stdout(sys.stderr), _waiting(messages, f"describing {left.name} and {right.name}"):
            both = describe_pair(
                describer, left, right, pair, **at_rate(left, {"start": start, "end": end, "fps": fps})
            )
            written = files and files.save_pair(left, both, fps)
    except UserError as error:
        _complain(messages, error)
        raise typer.Exit(1) from error
    if as_json:
        _print_json({"video": str(left), "right": str(right), **both.to_dict()})
        return
    answers = Console(highlight=False)
    print_pair(answers, both)
    if written:
        print_line(answers, "picture", str(written))


@app.command(epilog="Example: trajvlm demo --out out/demo --family circular --seed 3")
def demo(
    out: Annotated[
        Path, typer.Option(metavar="DIR", file_okay=False, help="Folder for the video, the picture and the JSON file.")
    ] = Path("out/demo"),
    family: Annotated[str, typer.Option(help="The family of motions to draw from.")] = _DEMO_FAMILY,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another motion.")] = 0,
    base_model: BaseModel = None,
):
    """Render a clip whose motion is known, describe it, and put the answer beside the truth."""
    from trajvlm.data.motions.families import FAMILIES
    from trajvlm.data.rendered.export import write_sample

    if family not in FAMILIES:
        raise typer.BadParameter(f"there is no family {family!r}; there are {', '.join(FAMILIES)}")
    answers, messages = Console(highlight=False), Console(stderr=True, highlight=False)
    _make_folder(out, messages)
    video = out / "sample.mp4"
    try:
        scene = write_sample(video, family, seed)
        describer = _load({"base_model": base_model}, messages)
        with _waiting(messages, "describing the sample"):
            description = describer.describe(video, field_of_view=scene.field_of_view)
            written = Results(out).save(video, description)
    except UserError as error:
        _complain(messages, error, video)
        raise typer.Exit(1) from error
    print_answer(answers, str(video), description, scene.field_of_view, truth=scene.family)
    print_line(answers, "video", str(video))
    print_line(answers, "picture", str(written))


def _check_together(
    videos: list[Path],
    out: Path | None,
    right: Path | None,
    rig: Path | None,
    ask: str | None,
    scale: str | None,
    no_refine: bool,
) -> None:
    """Raises typer.BadParameter where options do not go together."""
    from trajvlm.ui.batch import TABLE_SUFFIXES

    table = out is not None and out.suffix in TABLE_SUFFIXES
    if (right is None) != (rig is None):
        raise typer.BadParameter("--right and --rig belong together: a second video and the two cameras' calibration")
    if right is not None and (len(videos) > 1 or ask or scale or no_refine):
        raise typer.BadParameter(
            "--right goes with one left VIDEO or one folder of them, and not with --ask, --scale or --no-refine: two "
            "views have the scale of the cameras' file"
        )
    if right is not None and videos[0].is_dir() and not table:
        raise typer.BadParameter("two folders of views make a table; give --out a name such as results.csv")


def _make_folder(out: Path | None, messages: Console) -> Results | None:
    if out is None:
        return None
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _complain(messages, UserError(f"the folder {out} can't be made ({error.strerror}); choose another one"))
        raise typer.Exit(1) from error
    return Results(out)


def _table(
    tasks: "list[Task]",
    out: Path,
    networks: dict,
    wanted: "Wanted",
    messages: Console,
    as_json: bool,
) -> None:
    """One table of all videos; raises typer.Exit with status 1 where none could be described, and 130 after Ctrl-C."""
    from accelerate import PartialState

    from trajvlm.ui.batch import Stopped, describe_all

    if as_json:
        raise typer.BadParameter(f"--json prints to the terminal and {out} is a file; give one of the two")
    try:
        rows, errors = describe_all(
            tasks, out, lambda name: load_describer(**networks | {"device": name}), wanted, networks["device"]
        )
    except Stopped as stopped:
        PartialState().print(f"{out}: {stopped}", file=sys.stderr)
        raise typer.Exit(_INTERRUPTED) from stopped
    except UserError as error:
        _complain(messages, error)
        raise typer.Exit(1) from error
    # Of many processes one speaks.
    PartialState().print(f"{out}: {rows - errors} of {rows} videos described", file=sys.stderr)
    if errors == rows:
        raise typer.Exit(1)


def _load(networks: dict, messages: Console):
    """A describer; `networks` are arguments of `load_describer`."""
    try:
        with _waiting(messages, "loading the networks"):
            return load_describer(**networks)
    except UserError as error:
        _complain(messages, error)
        raise typer.Exit(1) from error


def _waiting(messages: Console, text: str):
    """A sign of life for a person; nothing in a log file."""
    return messages.status(Text(text)) if messages.is_terminal else nullcontext()


def _complain(messages: Console, error: UserError, video: Path | None = None) -> None:
    sentence = str(error)
    if video is not None and str(video) not in sentence:
        sentence = f"{video}: {sentence}"
    messages.print(Text(sentence, style="red"), soft_wrap=True)


def _print_json(answer: dict) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    app()
