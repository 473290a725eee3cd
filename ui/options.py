"""Options that several commands share, each with its words in one place."""

import math
from pathlib import Path
from typing import Annotated

import typer

BaseModel = Annotated[
    str | None,
    typer.Option(
        metavar="NAME_OR_FOLDER", help="The language model under the adapter; left out, the one that was installed."
    ),
]
Device = Annotated[str, typer.Option(metavar="NAME", help="Where the networks run: cpu, cuda, or cuda:1 and so on.")]
Start = Annotated[
    float | None, typer.Option(metavar="S", help="Look no earlier than this second, as a player shows it.")
]
End = Annotated[float | None, typer.Option(metavar="S", help="Look no later than this second, as a player shows it.")]
Fps = Annotated[
    float | None,
    typer.Option(
        metavar="F",
        help="True frames a second, where the file's own times are wrong (slow motion); --start and --end stay seconds "
        "of the file as it plays.",
    ),
]
At = Annotated[
    str | None,
    typer.Option(
        metavar="X,Y[,T]",
        help="Where the object is that is meant, in pixels of the upright picture from its upper left corner, and, "
        "where it matters, at which second.",
    ),
]
KnownLength = Annotated[
    str | None,
    typer.Option(
        metavar="LENGTH",
        help="One known length, for an equation in metres: the object's diameter ('6.7 cm'), pixels per metre "
        "('412 px/m'), its mean distance ('3 m away') or the width of the picture ('the picture is 2 m wide').",
    ),
]

Videos = Annotated[
    list[Path], typer.Argument(metavar="VIDEO", help="Video files of one moving object each, or folders of them.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line for each video.")]
FolderOrTable = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR_OR_TABLE",
        help="A folder: a picture and a JSON file for each video. A name ending in .parquet, .csv or .jsonl: one "
        "table with a row for each video, gone on with if it was stopped; see --columns.",
    ),
]
NoRefine = Annotated[
    bool, typer.Option("--no-refine", help="The language model alone, without the fits to its tokens.")
]
FieldOfView = Annotated[
    float,
    typer.Option(
        metavar="DEG", min=1.0, max=170.0, help="The camera's horizontal angle of view; the scale of z rests on it."
    ),
]
Question = Annotated[str | None, typer.Option(metavar="TEXT", help="A question about each video, in your own words.")]
RightView = Annotated[
    Path | None,
    typer.Option(
        metavar="VIDEO",
        help="The same motion from a second camera, for true lengths; needs --rig. Or a folder beside a folder, "
        "for a table, in which the two videos of a motion have one name.",
    ),
]
RigFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The two cameras' calibration as JSON; see docs/engineer.md.")
]
Adapter = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="A language model's trained parts, as `trajvlm.vlm.train` leaves them."),
]
Tokenizer = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="The tokenizer that the language model was trained on."),
]


def parse_place(text: str | None) -> tuple[float, ...] | None:
    """The two or three numbers of `--at`; raises typer.BadParameter for anything else."""
    if text is None:
        return None
    try:
        place = tuple(float(part) for part in text.split(","))
    except ValueError:
        place = ()
    if len(place) not in (2, 3) or not all(math.isfinite(part) and part >= 0 for part in place):
        raise typer.BadParameter(f"--at takes X,Y or X,Y,T such as 320,180 or 320,180,1.5, not {text!r}")
    return place


def check_times(start: float | None, end: float | None, fps: float | None) -> None:
    """Raises typer.BadParameter where these are no times and no rate."""
    for name, value in (("--start", start), ("--end", end), ("--fps", fps)):
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise typer.BadParameter(f"{name} has to be a number of at least 0, not {value}")
    if fps == 0:
        raise typer.BadParameter("--fps has to be more than 0")
    if end is not None and end <= (start or 0):
        raise typer.BadParameter(f"--end ({end:g} s) has to come after --start ({start or 0:g} s)")
