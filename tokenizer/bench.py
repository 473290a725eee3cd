"""Benchmark: how fast clips are encoded, compared with the plain call of the library.

    python -m trajvlm.tokenizer.bench --clips 64 --out tokenizer/bench.jsonl

Each row: the implementation, clips per second, its speed-up over the first row, and the share of its codes that equal
the first row's. Compilation is not counted. Set OMP_NUM_THREADS to measure with another number of threads.
"""

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor
from tqdm import tqdm

from trajvlm.data.rendered.splits import find_split
from trajvlm.data.rendered.stream import TEST_SEED, draw_batch
from trajvlm.tokenizer.fast_inference import channels_last, fast_encoder
from trajvlm.tokenizer.model import SHIPPED, TrajectoryTokenizer
from trajvlm.tokenizer.precision import half_precision, has_bf16


def main(
    tokenizer: Annotated[Path, typer.Option(help="Folder of the trained tokenizer.")] = SHIPPED,
    clips: Annotated[int, typer.Option(min=8, help="Clips that are encoded in a run.")] = 64,
    runs: Annotated[int, typer.Option(min=1, help="Runs; the median is printed.")] = 3,
    batches: Annotated[str, typer.Option(help="Batch sizes to try.")] = "8,16,32",
    out: Annotated[Path | None, typer.Option(help="File to write the rows to.")] = None,
):
    """Print a row of JSON for each implementation and batch size."""
    model = TrajectoryTokenizer.from_pretrained(tokenizer)
    video = draw_batch(find_split("test-light").settings, TEST_SEED, 0, clips).video
    first: tuple[Tensor, float] | None = None
    rows: list[str] = []
    compared = implementations(model, [int(size) for size in batches.split(",")])
    for name, encode, batch in tqdm(compared, disable=None):
        codes, seconds = _measured(encode, video, batch, runs)
        first_codes, first_seconds = first = first or (codes, seconds)
        row = {
            "how": name,
            "batch": batch,
            "clips_per_s": round(clips / seconds, 2),
            "times_first": round(first_seconds / seconds, 2),
            "same_codes": round((codes == first_codes).float().mean().item(), 5),
        }
        rows.append(json.dumps(row))
        tqdm.write(rows[-1])
    if out is not None:
        out.write_text("\n".join(rows) + "\n")


def implementations(
    model: TrajectoryTokenizer, batches: list[int]
) -> list[tuple[str, Callable[[Tensor], Tensor], int]]:
    """Name, encoder and batch size of all that is compared: the library's own call first, bf16 where the CPU has it."""
    last = channels_last(model)
    compiled = torch.compile(channels_last(model).projected, dynamic=False)
    half = has_bf16("cpu")
    fast = f"channels last, {'first module in bf16, ' if half else ''}plain ELU", fast_encoder(model).encode_codes
    kind = "bf16" if half else "fp32"
    rows = [("library, fp32", model.encode_codes, 1), (*fast, 1)]
    for batch in batches:
        rows += [
            ("library, fp32", model.encode_codes, batch),
            ("channels last, fp32", last.encode_codes, batch),
            (*fast, batch),
            (f"channels last, {kind}, compiled", _encoder(model, compiled), batch),
        ]
        if half:
            rows.append(("channels last, bf16", _encoder(model, last.projected), batch))
    return rows


def _encoder(model: TrajectoryTokenizer, projected: Callable[[Tensor], Tensor]):
    def encode(video: Tensor) -> Tensor:
        with torch.no_grad(), half_precision("cpu"):
            return model.quantize(projected(video)).codes.long()

    return encode


def _measured(encode: Callable[[Tensor], Tensor], video: Tensor, batch: int, runs: int) -> tuple[Tensor, float]:
    """Codes, and the median seconds of `runs` runs over all clips, after a warm-up of one batch."""
    encode(video[:batch])
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        codes = torch.cat([encode(part) for part in video.split(batch)])
        seconds.append(time.perf_counter() - start)
    return codes, statistics.median(seconds)


if __name__ == "__main__":
    typer.run(main)
