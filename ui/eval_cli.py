"""The commands `trajvlm eval ...`: measure this project beside what it is compared with."""

import json
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer
from tqdm import tqdm

from data.errors import UserError, exit_with_a_sentence

_QUICK = Path("out") / "eval" / "results.json"
_CLIPS = Path("out") / "eval" / "clips.json"
_CODES = Path("out") / "ablations" / "codes.safetensors"

app = typer.Typer(invoke_without_command=True)


@app.callback(epilog="Example: trajvlm eval --quick")
def evaluate(
    context: typer.Context,
    suite: Annotated[
        list[str] | None,
        typer.Option(help="A suite (clean, noise-0.5) or a group (main, further, noise, outside); any number."),
    ] = None,
    system: Annotated[list[str] | None, typer.Option(help="A system (ours, track-and-fit); any number.")] = None,
    clips: Annotated[int | None, typer.Option(min=1, help="Clips of every suite.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="The main suites with few clips, in minutes; kept in out/eval.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Measure what is kept as well.")] = False,
    out: Annotated[Path | None, typer.Option(help="Another file for the results; the README is left alone.")] = None,
):
    """Measure this project, its controls and its baselines on the fixed test clips; write results and report.

    What has been measured is kept and not measured again, so that a run can be stopped at any time.
    """
    if context.invoked_subcommand is not None:
        if suite or system or clips or quick or again or out:
            raise typer.BadParameter(f"options of `eval` have no meaning before `{context.invoked_subcommand}`")
        return
    from eval.run import CLIPS_QUICK

    if quick:
        clips, out = clips or CLIPS_QUICK, out or _QUICK
        suite = suite or ["main"]
    _measure(suite or [], system or [], clips, out, again)


@app.command(epilog="Example: trajvlm eval model --clips 200")
def model(
    clips: Annotated[int | None, typer.Option(min=1, help="Test clips of each suite.")] = None,
    out: Annotated[Path | None, typer.Option(help="Another file for the results; the README is left alone.")] = None,
):
    """The whole path, its controls and the afternoon script, on the main suites."""
    _measure(["main"], ["ours", "controls", "floor", "track-and-fit"], clips, out)


@app.command(epilog="Example: trajvlm eval report")
def report(
    results: Annotated[Path | None, typer.Option(help="Another file of results.")] = None,
    out: Annotated[Path | None, typer.Option(help="Another file for the page.")] = None,
):
    """Write the page of results anew, without measuring anything."""
    from eval.page import page_of, write_page
    from eval.results import SHIPPED, Results

    with exit_with_a_sentence():
        path = results or SHIPPED
        if not path.is_file():
            raise UserError(f"there are no results in {path}; measure them with `trajvlm eval --out {path}`")
        typer.echo(write_page(Results(path).data, out or page_of(path)))


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

    with exit_with_a_sentence():
        results = evaluate(clips, probe_clips, probe_minutes, folder or SHIPPED)
    if folder is None:
        save(results)
    typer.echo(table(results))


@app.command(epilog="Example: trajvlm eval strangers --clips 60")
def strangers(clips: Annotated[int, typer.Option(min=5, help="Clips of each level of nuisances.")] = 60):
    """Motions that are none of the families: how often they are refused, and how often a known one is."""
    from eval import strangers

    _evaluate_and_save(strangers, clips)


@app.command(epilog="Example: trajvlm eval views --clips 60")
def views(clips: Annotated[int, typer.Option(min=1, help="Pairs of clips of each level of nuisances.")] = 60):
    """One view against two calibrated ones: the family, and the path in space with its true depth."""
    from eval import views

    _evaluate_and_save(views, clips)


@app.command(epilog="Example: trajvlm eval writing --clips 200")
def writing(clips: Annotated[int, typer.Option(min=1, help="Clips of each main suite.")] = 200):
    """The model's own answers by the median of its numbers, by the likeliest, and drawn with three seeds."""
    from eval import writing

    _evaluate_and_save(writing, clips)


@app.command(epilog="Example: trajvlm eval windows --clips 40")
def windows(clips: Annotated[int, typer.Option(min=1, help="Videos of each level of nuisances.")] = 40):
    """Videos in which the object rests before and after its motion: the window found, and what that costs."""
    from eval import windows

    _evaluate_and_save(windows, clips)


@app.command(epilog="Example: trajvlm eval clips my-clips")
def clips(
    folder: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="Videos, and clips.yaml with what is true of each (docs/engineer.md)."),
    ],
    out: Annotated[Path, typer.Option(help="File for the results as JSON.")] = _CLIPS,
):
    """Videos of one's own of which the truth is known: their families, and quantities such as g."""
    from eval.real_clips import judge, read_truth, table
    from vlm.describe import Describer

    with exit_with_a_sentence():
        known = read_truth(folder)
        rows = list(tqdm(judge(Describer(), known), "describing", len(known), unit="video", disable=None))
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise UserError(f"{out} can't be written ({error.strerror}); choose another file") from error
    typer.echo(table(rows))
    typer.echo(out)


@app.command(epilog="Example: trajvlm eval grids --minutes 5")
def grids(
    minutes: Annotated[float, typer.Option(min=0.01, help="Minutes of each variation's training.")] = 5.0,
    clips: Annotated[int, typer.Option(min=1, help="Test clips of each suite.")] = 100,
    probe_clips: Annotated[int, typer.Option(min=1, help="Clips that each probe is trained on.")] = 600,
    from_nothing: Annotated[
        bool, typer.Option("--from-nothing", help="Start from no trained layers, instead of those that fit.")
    ] = False,
    only: Annotated[list[str] | None, typer.Option(help="A variation's name; any number.")] = None,
):
    """Latent grids and quantizers beside each other, trained for the same time each; goes on where it stopped."""
    from eval.grids import VARIATIONS, compare, save, table

    with exit_with_a_sentence():
        results = compare(minutes, clips, probe_clips, from_nothing, _known(only, VARIATIONS))
    save(results)
    typer.echo(table(results))


@app.command(epilog="Example: trajvlm eval ablations --minutes 6")
def ablations(
    minutes: Annotated[float, typer.Option(min=0.01, help="Minutes of each variation's training.")] = 6.0,
    clips: Annotated[int, typer.Option(min=16, help="Training clips.")] = 6000,
    held_out: Annotated[int, typer.Option(min=1, help="Clips that are answered.")] = 300,
    only: Annotated[list[str] | None, typer.Option(help="A variation's name; any number.")] = None,
    cache: Annotated[Path, typer.Option(help="File that keeps the encoded clips.")] = _CODES,
):
    """Parts of the language model's training left out or exchanged, for the same time each."""
    from eval.ablations import VARIATIONS, compare, save, table

    with exit_with_a_sentence():
        results = compare(minutes, clips, held_out, _known(only, VARIATIONS), cache)
    save(results)
    typer.echo(table(results))


def _evaluate_and_save(module: ModuleType, clips: int) -> None:
    """What the commands that need nothing but a number of clips do alike: measure, keep the figures, show the table."""
    with exit_with_a_sentence():
        results = module.evaluate(clips)
    module.save(results)
    typer.echo(module.table(results))


def _known(names: list[str] | None, variations: dict) -> list[str]:
    """The variations that were named, all where none was; raises UserError for one that there is not."""
    for name in names or []:
        if name not in variations:
            raise UserError(f"there is no variation {name!r}; there are {', '.join(variations)}")
    return names or list(variations)


def _measure(suites: list[str], systems: list[str], clips: int | None, out: Path | None, again: bool = False) -> None:
    from eval.page import page_of, write_page
    from eval.registry import find_entries
    from eval.report import table, write_readme
    from eval.results import SHIPPED
    from eval.run import plan, run
    from eval.suites import find_suites
    from eval.verdict import verdict

    with exit_with_a_sentence():
        results = run(plan(find_suites(suites), find_entries(systems)), out or SHIPPED, clips, again)
        if out is None:
            write_readme(results.data)
        typer.echo(table(results.data))
        typer.echo("\n".join(verdict(results.data)))
        typer.echo(write_page(results.data, page_of(results.path)))
