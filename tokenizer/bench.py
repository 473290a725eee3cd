"""How fast clips become codes, beside the straightforward call of the library.

    python -m trajvlm.tokenizer.bench --clips 64 --out tokenizer/bench.jsonl

Rows: how it is computed, clips a second, how many times the first row that is, and the share of codes that are the same
as the first row's. Compiling is not counted. Set OMP_NUM_THREADS to measure with so many threads.
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
from trajvlm.tokenizer.fast import channels_last, fast_encoder
from trajvlm.tokenizer.model import SHIPPED, TrajectoryTokenizer
from trajvlm.tokenizer.precision import half_precision, has_bf16


def main(
    tokenizer: Annotated[Path, typer.Option(help="Folder of the trained tokenizer.")] = SHIPPED,
    clips: Annotated[int, typer.Option(min=8, help="Clips that each way encodes in a run.")] = 64,
    runs: Annotated[int, typer.Option(min=1, help="Runs of which the median is told.")] = 3,
    batches: Annotated[str, typer.Option(help="Batch sizes to try.")] = "8,16,32",
    out: Annotated[Path | None, typer.Option(help="File for the lines as well.")] = None,
):
    """Print the speeds, one line of JSON a way."""
    model = TrajectoryTokenizer.from_pretrained(tokenizer)
    video = draw_batch(find_split("test-light").settings, TEST_SEED, 0, clips).video
    first, codes, lines = None, None, []
    for name, encode, batch in tqdm(list(ways(model, [int(size) for size in batches.split(",")])), disable=None):
        found, seconds = _measured(encode, video, batch, runs)
        codes = found if codes is None else codes
        first = seconds if first is None else first
        row = {
            "how": name,
            "batch": batch,
            "clips_per_s": round(clips / seconds, 2),
            "times_first": round(first / seconds, 2),
            "same_codes": round((found == codes).float().mean().item(), 5),
        }
        lines.append(json.dumps(row))
        tqdm.write(lines[-1])
    if out is not None:
        out.write_text("\n".join(lines) + "\n")


def ways(model: TrajectoryTokenizer, batches: list[int]) -> list[tuple[str, Callable[[Tensor], Tensor], int]]:
    """Name, encoder and batch size of everything that is compared; the library's own call first, and bf16 where the
    processor has it."""
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
    """Codes, and the median seconds of `runs` runs over all clips after one batch that does not count."""
    encode(video[:batch])
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        codes = torch.cat([encode(part) for part in video.split(batch)])
        seconds.append(time.perf_counter() - start)
    return codes, statistics.median(seconds)


if __name__ == "__main__":
    typer.run(main)
