"""The command `trajvlm demo`: a rendered clip, described, beside the truth."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from trajvlm.data.errors import UserError
from trajvlm.ui.console import complain, load, make_folder, waiting
from trajvlm.ui.options import BaseModel
from trajvlm.ui.results_folder import Results
from trajvlm.ui.terminal_output import print_answer, print_line

app = typer.Typer()

_DEMO_FAMILY = "helical"


@app.command(epilog="Example: trajvlm demo --out out/demo --family circular --seed 3")
def demo(
    out: Annotated[
        Path, typer.Option(metavar="DIR", file_okay=False, help="Folder for the video, the picture and the JSON file.")
    ] = Path("out/demo"),
    family: Annotated[str, typer.Option(help="The family of motions to draw from.")] = _DEMO_FAMILY,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another motion.")] = 0,
    base_model: BaseModel = None,
) -> None:
    """Render a clip whose motion is known, describe it, and put the answer beside the truth."""
    from trajvlm.data.motions.families import FAMILIES
    from trajvlm.data.rendered.export import write_sample

    if family not in FAMILIES:
        raise typer.BadParameter(f"there is no family {family!r}; there are {', '.join(FAMILIES)}")
    answers, messages = Console(highlight=False), Console(stderr=True, highlight=False)
    make_folder(out, messages)
    video = out / "sample.mp4"
    try:
        scene = write_sample(video, family, seed)
        describer = load({"base_model": base_model}, messages)
        with waiting(messages, "describing the sample"):
            description = describer.describe(video, field_of_view=scene.field_of_view)
            written = Results(out).save(video, description)
    except UserError as error:
        complain(messages, error, video)
        raise typer.Exit(1) from error
    print_answer(answers, str(video), description, scene.field_of_view, truth=scene.family)
    print_line(answers, "video", str(video))
    print_line(answers, "picture", str(written))
