"""The commands `trajvlm data ...`: data sets of rendered clips and suites of video files whose motion is known.

trajvlm data make --n 10000 --views 2 --out my-clips
trajvlm data make --as videos --suite clean --suite phases --out my-videos
trajvlm data sheet my-film.mp4 --out sheet.png
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from trajvlm.data.errors import UserError, exit_with_a_sentence

app = typer.Typer(help="Make data sets of rendered clips and videos whose motion is known.", no_args_is_help=True)


class Form(StrEnum):
    """What a data set is made of."""

    clips = "clips"
    videos = "videos"


_OF_CLIPS = ("views", "strength", "filmed", "shard", "families")
_ALL = "all"


@app.callback()
def _commands() -> None:
    pass


@app.command(
    epilog="Examples: trajvlm data make --n 10000 --views 2 --strength 0 0.5 --out my-clips; "
    "trajvlm data make --as videos --suite clean --out my-videos"
)
def make(
    context: typer.Context,
    out: Annotated[
        Path, typer.Option(metavar="DIR", file_okay=False, help="Folder; gone on with if it holds a part already.")
    ],
    n: Annotated[
        int | None,
        typer.Option("--n", min=1, help="How many clips; of videos, how many of each suite, 200 where left out."),
    ] = None,
    form: Annotated[
        Form,
        typer.Option("--as", help="Clips of 64 x 64 in tar files, or video files as people have them."),
    ] = Form.clips,
    suite: Annotated[
        list[str] | None,
        typer.Option(help="A suite of videos (clean, light, half, phases, movers, irregular, slow, long), or all."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Another seed, other scenes; 1 trains, 2 validates and 3 tests our own networks. Left out, 1 for "
            "clips and 2 for videos.",
        ),
    ] = None,
    views: Annotated[int, typer.Option(min=1, max=2, help="Cameras: 1, or 2 for a left and a right one.")] = 1,
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
) -> None:
    """Render N clips of moving balls into tar files in the WebDataset format, each with its truth as JSON.

    With --as videos: mp4 files of 640 x 480 to 1920 x 1080 as people film them, a folder for each suite, with their
    truth in truth.jsonl: where each thing is in each frame, and the equation of each phase of its motion, in pixels and
    seconds.

    A run that was stopped goes on when the same command is given again. Beside the clips stand manifest.json,
    contact-sheet.png and three larger previews.

    Exit status: 0 if the data set is complete, 1 if it can't be made, 2 for wrong usage.
    """
    if form is Form.videos:
        sources = {name: context.get_parameter_source(name) for name in _OF_CLIPS}
        given = [name for name, source in sources.items() if source is not None and source.name != "DEFAULT"]
        if given:
            raise typer.BadParameter(f"--{given[0]} belongs to clips; leave it out, or leave out --as videos")
        if not suite:
            raise typer.BadParameter(f"name a suite of videos with --suite, or --suite {_ALL} for all of them")
        _make_videos(suite, n, seed, out)
        return
    if suite:
        raise typer.BadParameter("--suite belongs to videos; give --as videos too, or leave it out")
    if n is None:
        raise typer.BadParameter("say how many clips with --n")
    _make_clips(n, views, 1 if seed is None else seed, strength, families, filmed, shard, out)


@app.command(epilog="Example: trajvlm data sheet my-film.mp4 another.mov --suite half --out sheet.png")
def sheet(
    out: Annotated[Path, typer.Option(dir_okay=False, help="The picture, a PNG; it may not be there yet.")],
    videos: Annotated[
        list[Path] | None, typer.Argument(help="Videos that somebody filmed; none, or any number.")
    ] = None,
    suite: Annotated[
        list[str] | None, typer.Option(help="A suite to render from; left out, all but the long one in turn.")
    ] = None,
    count: Annotated[int, typer.Option(min=0, max=100, help="How many videos are rendered.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Of the rendered videos, and of the order of the lines.")] = 2,
) -> None:
    """Put filmed and rendered videos into one picture, a line each in random order, and print which are which.

    Exit status: 0 if the picture is written, 1 if it can't be, 2 for wrong usage.
    """
    from trajvlm.data.files import atomic_write
    from trajvlm.data.rendered.videos.sheet import video_sheet
    from trajvlm.data.rendered.videos.suites import VIDEO_SUITES

    if not videos and not count:
        raise typer.BadParameter("give some videos, or a --count of rendered ones")
    suites = suite or [name for name in VIDEO_SUITES if name != "long"]
    with exit_with_a_sentence():
        if out.exists():
            raise UserError(f"{out} is there already; choose another name")
        if not out.parent.is_dir():
            raise UserError(f"there is no folder {out.parent}; make it first")
        png, lines = video_sheet(videos or [], suites, count, seed)
        with atomic_write(out) as draft:
            draft.write_bytes(png)
    for number, line in enumerate(lines, 1):
        typer.echo(f"{number:2d}  {line}")


def _make_videos(suites: list[str], n: int | None, seed: int | None, out: Path) -> None:
    import cv2

    from trajvlm.data.rendered.stream import VALIDATION_SEED
    from trajvlm.data.rendered.videos.suites import VIDEO_SUITES
    from trajvlm.data.rendered.videos.writer import make_videos

    names = list(VIDEO_SUITES) if suites == [_ALL] else suites
    cv2.setNumThreads(1)
    with exit_with_a_sentence():
        size = make_videos(names, n, VALIDATION_SEED if seed is None else seed, out, progress=True)
    typer.echo(f"{out}: {', '.join(names)}, {size / 1e6:.1f} MB")


def _make_clips(
    n: int,
    views: int,
    seed: int,
    strength: tuple[float, float],
    families: str | None,
    filmed: float,
    shard: int,
    out: Path,
) -> None:
    import torch

    from trajvlm.data.motions.families import FAMILIES
    from trajvlm.data.rendered.make import MakeSettings
    from trajvlm.data.rendered.make import make as make_data_set

    names = tuple(FAMILIES) if families is None else tuple(name.strip() for name in families.split(","))
    try:
        settings = MakeSettings(n, views, seed, strength, names, filmed, shard)
    except UserError as error:
        raise typer.BadParameter(str(error)) from error
    # Several threads draw pictures this small no faster, and much slower on a busy machine.
    torch.set_num_threads(1)
    try:
        manifest = make_data_set(settings, out, progress=True)
    except UserError as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(1) from error
    size = sum(entry["bytes"] for entry in manifest["shards"]) / 1e6
    typer.echo(f"{out}: {n} samples in {len(manifest['shards'])} shards, {size:.1f} MB")
