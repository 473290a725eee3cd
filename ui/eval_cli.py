"""The commands `trajvlm eval ...`: measure this project beside what it is compared with."""

import json
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer
from tqdm import tqdm

from trajvlm.data.errors import UserError, exit_with_a_sentence
from trajvlm.ui.options import Adapter, Tokenizer

if TYPE_CHECKING:
    from trajvlm.vlm.describe import Folders

_CODES = Path("out") / "ablations" / "codes.safetensors"
_WHOLE = {"ood": 40, "views": 40, "decoding": 100, "windows": 20}
"""Clips of the committed results of a command; results with any other number of clips are kept apart."""
_WHOLE_TOKENIZER = (200, 8000, 4.0)
_WHOLE_GRIDS = (3.0, 100, 600, False)
_WHOLE_ABLATIONS = (5.0, 4000, 200)

Results = Annotated[
    Path | None,
    typer.Option(
        help="File for the results. Left out, those of all clips in a checkout are the committed ones, and any others "
        "are kept in out/eval, or in trajvlm-results where no checkout is."
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="DIR",
        file_okay=False,
        help="Folder for the results. Left out, a whole measurement in a checkout writes the committed files, and "
        "anything else out/eval, or trajvlm-results where no checkout is.",
    ),
]

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
    quick: Annotated[bool, typer.Option("--quick", help="The main suites with few clips, in minutes.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Measure what is kept as well.")] = False,
    out: Results = None,
    adapter: Adapter = None,
    tokenizer: Tokenizer = None,
) -> None:
    """Measure this project, its controls and its baselines on the fixed test clips; write results and report.

    What has been measured is kept and not measured again, so that a run can be stopped at any time.
    """
    if context.invoked_subcommand is not None:
        if suite or system or clips or quick or again or out or adapter or tokenizer:
            raise typer.BadParameter(f"options of `eval` have no meaning before `{context.invoked_subcommand}`")
        return
    from trajvlm.eval.run import CLIPS_QUICK

    if quick:
        clips, suite = clips or CLIPS_QUICK, suite or ["main"]
    _measure(suite or [], system or [], clips, out, again, _folders(adapter, tokenizer))


@app.command(epilog="Example: trajvlm eval model --clips 40")
def model(
    clips: Annotated[int | None, typer.Option(min=1, help="Test clips of each suite.")] = None,
    out: Results = None,
) -> None:
    """Measure the shipped weights, their controls and track-and-fit on the main suites."""
    _measure(["main"], ["ours", "controls", "floor", "track-and-fit"], clips, out)


@app.command(epilog="Example: trajvlm eval report")
def report(
    results: Annotated[Path | None, typer.Option(help="Another file of results.")] = None,
    out: Annotated[Path | None, typer.Option(help="Another file for the page.")] = None,
) -> None:
    """Write the page of results anew, without measuring anything."""
    from trajvlm.eval.output_folder import folder_for
    from trajvlm.eval.report_page import page_of, write_page
    from trajvlm.eval.results_file import SHIPPED, Results

    with exit_with_a_sentence():
        path = results or SHIPPED
        if not path.is_file():
            raise UserError(f"there are no results in {path}; measure them with `trajvlm eval --out {path}`")
        own = None if results or out else folder_for(whole=True)
        typer.echo(write_page(Results(path).data, out or page_of(own / path.name if own else path)))


@app.command(epilog="Example: trajvlm eval tokenizer --clips 50")
def tokenizer(
    clips: Annotated[int, typer.Option(min=1, help="Test clips of each suite.")] = _WHOLE_TOKENIZER[0],
    probe_clips: Annotated[int, typer.Option(min=1, help="Clips that the probe is trained on.")] = _WHOLE_TOKENIZER[1],
    probe_minutes: Annotated[float, typer.Option(min=0.01, help="Minutes of the probe's training.")] = _WHOLE_TOKENIZER[
        2
    ],
    folder: Annotated[
        Path | None, typer.Option(help="Another trained tokenizer's folder; its figures are printed, not kept.")
    ] = None,
    out: Folder = None,
) -> None:
    """What the tokenizer's codes keep of the object: where it is, how large, and whether it is there at all."""
    from trajvlm.eval import tokenizer
    from trajvlm.eval.output_folder import folder_for
    from trajvlm.tokenizer.model import SHIPPED

    with exit_with_a_sentence():
        whole = folder is None and (clips, probe_clips, probe_minutes) == _WHOLE_TOKENIZER
        own = folder_for(whole, out) if folder is None else None
        results = tokenizer.evaluate(clips, probe_clips, probe_minutes, folder or SHIPPED)
        if folder is None:
            _keep(tokenizer, results, own)
    typer.echo(tokenizer.table(results))


@app.command(epilog="Example: trajvlm eval ood --clips 10")
def ood(
    clips: Annotated[int, typer.Option(min=5, help="Clips of each level of nuisances.")] = _WHOLE["ood"],
    out: Folder = None,
) -> None:
    """Motions that are none of the families: how often they are refused, and how often a known one is."""
    from trajvlm.eval import ood

    _evaluate_and_keep(ood, clips, clips == _WHOLE["ood"], out)


@app.command(epilog="Example: trajvlm eval views --clips 10")
def views(
    clips: Annotated[int, typer.Option(min=1, help="Pairs of clips of each level of nuisances.")] = _WHOLE["views"],
    out: Folder = None,
) -> None:
    """One view against two calibrated ones: the family, and the path in space with its true depth."""
    from trajvlm.eval import views

    _evaluate_and_keep(views, clips, clips == _WHOLE["views"], out)


@app.command(epilog="Example: trajvlm eval decoding --clips 20")
def decoding(
    clips: Annotated[int, typer.Option(min=1, help="Clips of each main suite.")] = _WHOLE["decoding"],
    out: Folder = None,
) -> None:
    """The model's own answers by the median of its numbers, by the likeliest, and drawn with three seeds."""
    from trajvlm.eval import decoding

    _evaluate_and_keep(decoding, clips, clips == _WHOLE["decoding"], out)


@app.command(epilog="Example: trajvlm eval windows --clips 4")
def windows(
    clips: Annotated[int, typer.Option(min=1, help="Videos of each level of nuisances.")] = _WHOLE["windows"],
    out: Folder = None,
) -> None:
    """Videos in which the object rests before and after its motion: the window found, and what that costs."""
    from trajvlm.eval import windows

    _evaluate_and_keep(windows, clips, clips == _WHOLE["windows"], out)


@app.command(epilog="Example: trajvlm eval clips my-clips")
def clips(
    folder: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="Videos, and clips.yaml with what is true of each (docs/engineer.md)."),
    ],
    out: Annotated[
        Path | None, typer.Option(help="File for the results as JSON; left out, clips.json in out/eval.")
    ] = None,
    adapter: Adapter = None,
    tokenizer: Tokenizer = None,
) -> None:
    """Videos of one's own of which the truth is known: their families, and quantities such as g."""
    from trajvlm.eval.output_folder import folder_for, write
    from trajvlm.eval.real_clips import judge, read_truth, table
    from trajvlm.vlm.describe import Describer

    with exit_with_a_sentence():
        known = read_truth(folder)
        out = out or folder_for(whole=False) / "clips.json"
        describer = Describer(**_folders(adapter, tokenizer))
        rows = list(tqdm(judge(describer, known), "describing", len(known), unit="video", disable=None))
        write(out, json.dumps(rows, indent=1) + "\n")
    typer.echo(table(rows))
    typer.echo(out)


@app.command(epilog="Example: trajvlm eval files --folder my-videos --suite clean --n 10")
def files(
    folder: Annotated[
        Path,
        typer.Option(metavar="DIR", help="What `trajvlm data make --as videos` wrote: a folder for each suite."),
    ],
    suite: Annotated[
        list[str] | None, typer.Option(help="A suite's name; any number, all where none is given.")
    ] = None,
    n: Annotated[int | None, typer.Option("--n", min=1, help="Files of each suite.")] = None,
    script: Annotated[
        bool, typer.Option("--script/--no-script", help="Ask the afternoon script at full resolution as well.")
    ] = True,
    pairs: Annotated[
        int, typer.Option(min=0, help="Files of clean and of half that are described at half their rate as well.")
    ] = 0,
    memory: Annotated[
        int, typer.Option(min=0, help="1080p files whose memory is measured, each in a process of its own.")
    ] = 0,
    worst: Annotated[int, typer.Option(min=0, help="Print so many of the worst files of each suite.")] = 0,
    again: Annotated[bool, typer.Option("--again", help="Ask again about what is kept.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            file_okay=False,
            help="Folder for answers and results; left out, `files` in out/eval, or in trajvlm-results where no "
            "checkout is.",
        ),
    ] = None,
    adapter: Adapter = None,
    tokenizer: Tokenizer = None,
) -> None:
    """Whole video files of known truth: families, windows, constants, curves, refusals, and how sure of them.

    Answers are kept as they come: a run that was stopped goes on, and one that is complete is only summed up anew.
    """
    from trajvlm.eval.output_folder import folder_for, write
    from trajvlm.eval.video_files.truth import read_files

    with exit_with_a_sentence():
        found = read_files(folder, suite or [], n)
        own = folder_for(False, out) if out else folder_for(False) / "files"
        from trajvlm.eval.video_files import report, run

        asked = run.Asked(found, own, _folders(adapter, tokenizer), script, pairs, memory, again)
        results, rows = run.evaluate(asked)
        written = report.tables(results)
        write(own / "files.md", written)
    typer.echo(written)
    if worst:
        typer.echo(report.worst(rows[run.OURS], worst))
    typer.echo(own / run.RESULTS)


@app.command(epilog="Example: trajvlm eval filmed --folder my-clips")
def filmed(
    folder: Annotated[Path, typer.Option(metavar="DIR", help="Filmed clips with truth.yaml, as eval/README.md says.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            file_okay=False,
            help="Folder for the results; left out, out/eval, or trajvlm-results where no checkout is.",
        ),
    ] = None,
    adapter: Adapter = None,
    tokenizer: Tokenizer = None,
) -> None:
    """Clips that people filmed: names, refusals and constants beside what is known, and the script's."""
    from trajvlm.eval.output_folder import folder_for
    from trajvlm.eval.video_files.filmed import read_clips, table

    with exit_with_a_sentence():
        found = read_clips(folder)
        own = folder_for(False, out)
        from trajvlm.eval.video_files import run

        results = run.evaluate_filmed(found, own, _folders(adapter, tokenizer))
    typer.echo(table(results["systems"]))
    typer.echo(own / "filmed.json")


@app.command(epilog="Example: trajvlm eval grids --minutes 1")
def grids(
    minutes: Annotated[float, typer.Option(min=0.01, help="Minutes of each variation's training.")] = _WHOLE_GRIDS[0],
    clips: Annotated[int, typer.Option(min=1, help="Test clips of each suite.")] = _WHOLE_GRIDS[1],
    probe_clips: Annotated[int, typer.Option(min=1, help="Clips that each probe is trained on.")] = _WHOLE_GRIDS[2],
    from_nothing: Annotated[
        bool, typer.Option("--from-nothing", help="Start from no trained layers, instead of those that fit.")
    ] = False,
    only: Annotated[list[str] | None, typer.Option(help="A variation's name; any number.")] = None,
    out: Folder = None,
) -> None:
    """Latent grids and quantizers beside each other, trained for the same time each; goes on where it stopped."""
    from trajvlm.eval import grids
    from trajvlm.eval.output_folder import folder_for

    asked = minutes, clips, probe_clips, from_nothing
    with exit_with_a_sentence():
        own = folder_for(asked == _WHOLE_GRIDS, out)
        results = grids.compare(*asked, _known(only, grids.VARIATIONS), own and own / grids.RESULTS.name)
        _keep(grids, results, own)
    typer.echo(grids.table(results))


@app.command(epilog="Example: trajvlm eval ablations --minutes 1")
def ablations(
    minutes: Annotated[float, typer.Option(min=0.01, help="Minutes of each variation's training.")] = _WHOLE_ABLATIONS[
        0
    ],
    clips: Annotated[int, typer.Option(min=16, help="Training clips.")] = _WHOLE_ABLATIONS[1],
    held_out: Annotated[int, typer.Option(min=1, help="Clips that are answered.")] = _WHOLE_ABLATIONS[2],
    only: Annotated[list[str] | None, typer.Option(help="A variation's name; any number.")] = None,
    cache: Annotated[Path, typer.Option(help="File that keeps the encoded clips.")] = _CODES,
    out: Folder = None,
) -> None:
    """Parts of the language model's training left out or exchanged, for the same time each."""
    from trajvlm.eval import ablations
    from trajvlm.eval.output_folder import folder_for

    asked = minutes, clips, held_out
    with exit_with_a_sentence():
        own = folder_for(asked == _WHOLE_ABLATIONS, out)
        names = _known(only, ablations.VARIATIONS)
        results = ablations.compare(*asked, names, cache, own and own / ablations.RESULTS.name)
        _keep(ablations, results, own)
    typer.echo(ablations.table(results))


def _evaluate_and_keep(module: ModuleType, clips: int, whole: bool, out: Path | None) -> None:
    """Measure by a module of `trajvlm.eval` that needs only a number of clips, keep its results and print its table."""
    from trajvlm.eval.output_folder import folder_for

    with exit_with_a_sentence():
        own = folder_for(whole, out)
        results = module.evaluate(clips)
        _keep(module, results, own)
    typer.echo(module.table(results))


def _keep(module: ModuleType, results: dict, own: Path | None) -> None:
    """Write results and table into the folder `own`, or into the committed files where it is None."""
    from trajvlm.eval.output_folder import write

    if own is None:
        module.save(results)
        typer.echo(f"{module.RESULTS}, and the table in {module.DOCUMENT}")
        return
    path = own / module.RESULTS.name
    typer.echo(write(path, json.dumps(results, indent=1) + "\n"))
    typer.echo(write(path.with_suffix(".md"), module.table(results)))


def _folders(adapter: Path | None, tokenizer: Path | None) -> "Folders":
    """Other weights than the shipped ones, as arguments of `Describer`."""
    given: Folders = {}
    if adapter is not None:
        given["adapter_folder"] = adapter
    if tokenizer is not None:
        given["tokenizer_folder"] = tokenizer
    return given


def _known(names: list[str] | None, variations: dict) -> list[str]:
    """The variations that were named, all where none was; raises UserError for an unknown name."""
    for name in names or []:
        if name not in variations:
            raise UserError(f"there is no variation {name!r}; there are {', '.join(variations)}")
    return names or list(variations)


def _measure(
    suites: list[str],
    systems: list[str],
    clips: int | None,
    out: Path | None,
    again: bool = False,
    folders: "Folders | None" = None,
) -> None:
    from trajvlm.eval.comparison import verdict
    from trajvlm.eval.output_folder import folder_for
    from trajvlm.eval.registry import find_entries
    from trajvlm.eval.report import table, write_documents
    from trajvlm.eval.report_page import page_of, write_page
    from trajvlm.eval.results_file import SHIPPED
    from trajvlm.eval.run import plan, run
    from trajvlm.eval.suites import find_suites
    from trajvlm.eval.systems import ours

    with exit_with_a_sentence():
        own = out.parent if out else folder_for(clips is None and not folders)
        ours.FOLDERS = folders or {}
        path = out or (own / SHIPPED.name if own else SHIPPED)
        results = run(plan(find_suites(suites), find_entries(systems)), path, clips, again)
        if own is None:
            write_documents(results.data)
        typer.echo(table(results.data))
        typer.echo("\n".join(verdict(results.data)))
        typer.echo(write_page(results.data, page_of(results.path)))
