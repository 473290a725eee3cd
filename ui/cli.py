"""The command line: `trajvlm describe` for videos of one's own, `trajvlm demo` for a first look.

    trajvlm describe throw.mp4 --out results
    trajvlm describe clips/ --out results.parquet

The networks are imported inside the commands, so that help and wrong usage answer at once. Standard output carries
the answer and nothing else; with `--json` that is one object a line.
"""

import json
import math
import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from data.errors import UserError
from ui.chat_cli import app as chat_app
from ui.data_cli import app as data_app
from ui.eval_cli import app as eval_app
from ui.loader import check_device, load_describer
from ui.mcp_cli import app as mcp_app
from ui.options import BaseModel, Device
from ui.tokens_cli import app as tokens_app

if TYPE_CHECKING:
    from vlm.describe import Description

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
_SHOWN_RIVALS = 2


@app.command(
    epilog="Example: trajvlm describe throw.mp4 swing.mov --start 0.5 --end 2 --out results; "
    "trajvlm describe clips/ --out results.parquet; "
    "accelerate launch --num_processes 8 -m ui.cli describe clips/ --device cuda --out results.parquet"
)
def describe(
    videos: Annotated[
        list[Path], typer.Argument(metavar="VIDEO", help="Video files of one moving object each, or folders of them.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line for each video.")] = False,
    start: Annotated[float | None, typer.Option(metavar="S", help="Look no earlier than this second.")] = None,
    end: Annotated[float | None, typer.Option(metavar="S", help="Look no later than this second.")] = None,
    fps: Annotated[
        float | None,
        typer.Option(metavar="F", help="True frames a second, where the file's own times are wrong (slow motion)."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR_OR_TABLE",
            help="A folder: a picture and a JSON file for each video. A name ending in .parquet, .csv or .jsonl: one "
            "table with a row for each video.",
        ),
    ] = None,
    no_refine: Annotated[
        bool, typer.Option("--no-refine", help="The language model alone, without the fits to its tokens.")
    ] = False,
    base_model: BaseModel = None,
    field_of_view: Annotated[
        float,
        typer.Option(
            metavar="DEG", min=1.0, max=170.0, help="The camera's horizontal angle of view; the scale of z rests on it."
        ),
    ] = 60.0,
    device: Device = "cpu",
):
    """Say how the one moving object of each VIDEO moves.

    A video that can't be described is reported in one sentence, and the others are still described.

    Exit status: 0 if all were described, 1 if any could not be, 2 for wrong usage. With a table, in which errors are a
    column: 0 if at least one was described, 1 if none was.
    """
    from ui.batch import TABLE_SUFFIXES, find_videos

    _check_times(start, end, fps)
    answers, messages = Console(highlight=False), Console(stderr=True, highlight=False)
    try:
        check_device(device)
        videos = find_videos(videos)
    except UserError as error:
        _complain(messages, error)
        raise typer.Exit(1) from error
    if out is not None and out.suffix in TABLE_SUFFIXES:
        options = {"start": start, "end": end, "fps": fps, "refine": not no_refine, "field_of_view": field_of_view}
        _table(videos, out, base_model, device, options, messages, as_json)
        return
    files = _make_folder(out, messages)
    describer = _load(base_model, messages, device)
    failed = False
    for number, video in enumerate(videos):
        try:
            with redirect_stdout(sys.stderr), _waiting(messages, f"describing {video.name}"):
                description = describer.describe(video, start, end, fps, not no_refine, field_of_view)
                written = files.save(video, description, fps) if files else None
        except UserError as error:
            failed = True
            _complain(messages, error, video)
            if as_json:
                _print_json({"video": str(video), "error": str(error)})
            continue
        if as_json:
            _print_json({"video": str(video), **description.to_dict()})
        else:
            if number:
                answers.print()
            _print_answer(answers, str(video), description, field_of_view)
            if written:
                _line(answers, "picture", str(written))
    if failed:
        raise typer.Exit(1)


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
    from data.export import write_sample
    from data.families import FAMILIES

    if family not in FAMILIES:
        raise typer.BadParameter(f"there is no family {family!r}; there are {', '.join(FAMILIES)}")
    answers, messages = Console(highlight=False), Console(stderr=True, highlight=False)
    _make_folder(out, messages)
    video = out / "sample.mp4"
    try:
        scene = write_sample(video, family, seed)
        describer = _load(base_model, messages)
        with _waiting(messages, "describing the sample"):
            description = describer.describe(video, field_of_view=scene.field_of_view)
            written = Results(out).save(video, description)
    except UserError as error:
        _complain(messages, error, video)
        raise typer.Exit(1) from error
    _print_answer(answers, str(video), description, scene.field_of_view, truth=scene.family)
    _line(answers, "video", str(video))
    _line(answers, "picture", str(written))


class Results:
    """A folder of results: for each video a picture and a JSON file, both under the video's own name.

    Results of another video are never overwritten: the second `throw` becomes `throw-2`. Those of the same video, from
    an earlier run, are.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._taken: set[str] = set()

    def save(self, video: Path, description: "Description", fps: float | None = None) -> Path:
        """Write both files and return the picture's path; raises UserError where the folder can't be written to."""
        from ui.figures import draw

        name, number = video.stem, 2
        while name in self._taken or self._belongs_to_another(name, video):
            name, number = f"{video.stem}-{number}", number + 1
        self._taken.add(name)
        picture = self.folder / f"{name}.png"
        try:
            draw(description, picture, fps)
            text = json.dumps({"video": str(video), **description.to_dict()}, indent=2)
            (self.folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise UserError(f"{self.folder} can't be written to ({error.strerror}); choose another folder") from error
        return picture

    def _belongs_to_another(self, name: str, video: Path) -> bool:
        record = self.folder / f"{name}.json"
        if not record.exists():
            return (self.folder / f"{name}.png").exists()
        try:
            return Path(json.loads(record.read_text(encoding="utf-8"))["video"]).resolve() != video.resolve()
        except (OSError, ValueError, KeyError, TypeError):
            return True


def _check_times(start: float | None, end: float | None, fps: float | None) -> None:
    for name, value in (("--start", start), ("--end", end), ("--fps", fps)):
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise typer.BadParameter(f"{name} has to be a number of at least 0, not {value}")
    if fps == 0:
        raise typer.BadParameter("--fps has to be more than 0")
    if end is not None and end <= (start or 0):
        raise typer.BadParameter(f"--end ({end:g} s) has to come after --start ({start or 0:g} s)")


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
    videos: list[Path], out: Path, base_model: str | None, device: str, options: dict, messages: Console, as_json: bool
) -> None:
    """One table of all videos; raises typer.Exit with status 1 where none could be described."""
    from accelerate import PartialState

    from ui.batch import describe_all

    if as_json:
        raise typer.BadParameter(f"--json prints to the terminal and {out} is a file; give one of the two")
    try:
        rows, errors = describe_all(videos, out, lambda name: load_describer(base_model, name), device, **options)
    except UserError as error:
        _complain(messages, error)
        raise typer.Exit(1) from error
    # Of many processes one speaks.
    PartialState().print(f"{out}: {rows - errors} of {rows} videos described", file=sys.stderr)
    if errors == rows:
        raise typer.Exit(1)


def _load(base_model: str | None, messages: Console, device: str = "cpu"):
    try:
        with _waiting(messages, "loading the networks"):
            return load_describer(base_model, device)
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


def _print_answer(
    answers: Console, video: str, description: "Description", field_of_view: float = 60.0, truth: str | None = None
) -> None:
    """The answer for a person: what it is, its equations, and what they rest on."""
    headline = Text.assemble((video, "bold"), "\n  ", (description.family, "bold green"), f": {description.meaning}")
    answers.print(headline, soft_wrap=True)
    if truth is not None:
        _line(answers, "truth", truth if truth != description.family else f"{truth}, so the family is right")
    _line(answers, "confidence", f"{description.confidence:.0%}{_rivals(description)}")
    if description.refined is not None:
        _equation(answers, "refined", description.refined, "bold")
    if description.second_opinion is not None:
        _line(answers, "together", description.doubt or "the language model and the fit to its tokens agree")
    _equation(answers, "raw", description.equation, "bold" if description.refined is None else "")
    frame, place = description.to_dict()["frame"], description.clip.placement
    end = place.t0_s + place.duration_s
    window = f"t counts seconds from {place.t0_s:.2f} s of the video; used {place.t0_s:.2f} to {end:.2f} s"
    _line(answers, "time", window)
    _line(answers, "axes", "x to the right, y up, z towards the camera")
    if "length_unit" in frame:
        _line(answers, "unit", str(frame["length_unit"]))
    for note in description.clip.notes:
        _line(answers, "note", note)
    limit = (
        "one camera can't tell how large or how far away the object is, nor how deep its path: "
        f"the scale of z assumes a field of view of {field_of_view:g} degrees"
    )
    _line(answers, "limit", limit)


def _rivals(description: "Description") -> str:
    others = sorted(
        ((name, p) for name, p in description.probabilities.items() if name != description.family),
        key=lambda rival: -rival[1],
    )
    shown = [f"{name} {p:.0%}" for name, p in others[:_SHOWN_RIVALS] if p >= 0.01]
    return f" (next: {', '.join(shown)})" if shown else ""


def _equation(answers: Console, label: str, equation, style: str) -> None:
    for axis, text in equation.to_text().items():
        _line(answers, label if axis == "x" else "", f"{axis}(t) = {text}", style)


def _line(answers: Console, label: str, text: str, style: str = "") -> None:
    answers.print(Text.assemble("  ", (f"{label:<12}", "dim"), (text, style)), soft_wrap=True)


if __name__ == "__main__":
    app()
