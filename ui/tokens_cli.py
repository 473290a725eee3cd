"""The command `trajvlm tokens`: a video's visual tokens, their size in bits, and the scene that they decode to."""

import json
from pathlib import Path
from typing import Annotated

import typer

from trajvlm.data.errors import UserError
from trajvlm.data.files import atomic_write

app = typer.Typer()


@app.command(epilog="Example: trajvlm tokens throw.mp4 --out results")
def tokens(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="A video of one moving object.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", file_okay=False, help="Write a picture of clip, codes and decoded clip here."),
    ] = None,
    start: Annotated[float | None, typer.Option(metavar="S", help="Look no earlier than this second.")] = None,
    end: Annotated[float | None, typer.Option(metavar="S", help="Look no later than this second.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print the visual tokens of VIDEO, their size beside its pixels and H.264, and draw what they stand for.

    Exit status: 0 if done, 1 if the video can't be used, 2 for wrong usage.
    """
    from trajvlm.data.filmed.canonical import canonical_clip
    from trajvlm.tokenizer.bits_per_clip import clip_size
    from trajvlm.tokenizer.model import TrajectoryTokenizer
    from trajvlm.ui.token_figure import draw_tokens

    try:
        tokenizer = TrajectoryTokenizer.from_pretrained()
        clip = canonical_clip(video, start, end)
        codes = tokenizer.encode_codes(clip.frames[None])[0]
        size = clip_size(clip, tokenizer.config)
        picture = None
        if out:
            out.mkdir(parents=True, exist_ok=True)
            picture = out / f"{video.stem}-tokens.png"
            with atomic_write(picture) as draft:
                draw_tokens(clip, codes, tokenizer.code_vectors, tokenizer.decode_codes(codes[None])[0], draft)
    except UserError as error:
        sentence = str(error) if str(video) in str(error) else f"{video}: {error}"
        typer.secho(sentence, fg="red", err=True)
        raise typer.Exit(1) from error
    except OSError as error:
        typer.secho(f"{out} can't be written to ({error.strerror}); choose another folder", fg="red", err=True)
        raise typer.Exit(1) from error
    if as_json:
        answer = {
            "video": str(video),
            "codes": codes.tolist(),
            "tokens": size.tokens,
            "bits": size.code_bits,
            "pixel_bits": size.pixel_bits,
            "h264_bits": size.h264_bits,
        }
        print(json.dumps(answer))
        return
    for k, step in enumerate(codes.flatten(1).tolist()):
        typer.echo(f"step {k}   " + " ".join(f"<|v_{code:05d}|>" for code in step))
    typer.echo(
        f"{size.tokens} tokens of {tokenizer.config.codebook_size:,} codes: {size.code_bits:.0f} bits a clip, "
        f"{size.against_pixels:,.0f} times less than its pixels, {size.against_h264:,.0f} times less than H.264 "
        f"({size.h264_bits / 8000:.1f} kB); the codes keep the motion, not the picture"
    )
    if picture:
        typer.echo(f"picture: {picture}")
