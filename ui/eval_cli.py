"""The commands `trajvlm eval ...`: measure the shipped models beside their controls."""

from pathlib import Path
from typing import Annotated

import typer

from data.errors import UserError

app = typer.Typer(help="Measure the shipped models beside their controls.", no_args_is_help=True)


@app.command(epilog="Example: trajvlm eval tokenizer --clips 300")
def tokenizer(
    clips: Annotated[int, typer.Option(min=1, help="Test clips of each suite.")] = 300,
    probe_clips: Annotated[int, typer.Option(min=1, help="Clips that the probe is trained on.")] = 6000,
    probe_minutes: Annotated[float, typer.Option(min=0.01, help="Minutes of the probe's training.")] = 3.0,
    folder: Annotated[
        Path | None, typer.Option(help="Another trained tokenizer's folder; its figures are printed, not kept.")
    ] = None,
):
    """What the tokenizer's codes keep of the object: where it is, how large, and whether it is there at all."""
    from eval.tokenizer import evaluate, save, table
    from tokenizer.model import SHIPPED

    try:
        results = evaluate(clips, probe_clips, probe_minutes, folder or SHIPPED)
    except UserError as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(1) from error
    if folder is None:
        save(results)
    typer.echo(table(results))


@app.command(epilog="Example: trajvlm eval model --clips 200")
def model(
    clips: Annotated[int, typer.Option(min=1, help="Test clips of each suite.")] = 200,
    out: Annotated[Path | None, typer.Option(help="Another file for the results; the README is left alone.")] = None,
):
    """The whole path, its controls and the afternoon script, on the fixed test splits."""
    from eval.run import RESULTS, main

    try:
        main(clips, out or RESULTS)
    except UserError as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(1) from error
