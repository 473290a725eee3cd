"""The commands `trajvlm data ...`: data sets of rendered clips whose motion is known.

trajvlm data make --n 10000 --views 2 --out my-clips
"""

from pathlib import Path
from typing import Annotated

import typer

from trajvlm.data.errors import UserError

app = typer.Typer(help="Make data sets of rendered clips whose motion is known.", no_args_is_help=True)


@app.callback()
def _commands() -> None:
    pass


@app.command(epilog="Example: trajvlm data make --n 10000 --views 2 --strength 0 0.5 --out my-clips")
def make(
    n: Annotated[int, typer.Option("--n", min=1, help="How many samples.")],
    out: Annotated[
        Path, typer.Option(metavar="DIR", file_okay=False, help="Folder; gone on with if it holds a part already.")
    ],
    views: Annotated[int, typer.Option(min=1, max=2, help="Cameras: 1, or 2 for a left and a right one.")] = 1,
    seed: Annotated[
        int, typer.Option(min=0, help="Another seed, other scenes; 1 trains, 2 validates and 3 tests our own networks.")
    ] = 1,
    strength: Annotated[
        tuple[float, float], typer.Option(metavar="LO HI", help="Weakest and strongest level of the nuisances, 0 to 1.")
    ] = (0.0, 1.0),
    filmed: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of the samples that look filmed: rooms, grain, balls with a seam."),
    ] = 0.5,
    shard: Annotated[int, typer.Option(min=1, help="Samples in one tar file.")] = 500,
    families: Annotated[
        str | None, typer.Option(metavar="NAME,NAME", help="Families of motion, with commas between; left out, all.")
    ] = None,
):
    """Render N clips of moving balls into tar files in the WebDataset format, each with its truth as JSON.

    A run that was stopped goes on when the same command is given again. Beside the clips stand manifest.json,
    contact-sheet.png and three larger previews.

    Exit status: 0 if the data set is complete, 1 if it can't be made, 2 for wrong usage.
    """
    import torch

    from trajvlm.data.motions.families import FAMILIES
    from trajvlm.data.rendered.make import MakeSettings
    from trajvlm.data.rendered.make import make as make_data_set

    names = tuple(FAMILIES) if families is None else tuple(name.strip() for name in families.split(","))
    try:
        settings = MakeSettings(n, views, seed, strength, names, filmed, shard)
    except UserError as error:
        raise typer.BadParameter(str(error)) from error
    # Pictures this small are drawn no faster by several threads, and much slower where others want the processor too.
    torch.set_num_threads(1)
    try:
        manifest = make_data_set(settings, out, progress=True)
    except UserError as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(1) from error
    size = sum(entry["bytes"] for entry in manifest["shards"]) / 1e6
    typer.echo(f"{out}: {n} samples in {len(manifest['shards'])} shards, {size:.1f} MB")
