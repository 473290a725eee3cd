"""Benchmark: speed and memory growth of rendering, and speed of reading a video.

    python -m trajvlm.data.bench --samples 2000

Set OMP_NUM_THREADS to measure with so many threads; the table says how many there were.
"""

import gc
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import psutil
import torch
import typer
from tqdm import tqdm

from trajvlm.data.clip import Picture
from trajvlm.data.filmed.canonical import canonical_clip
from trajvlm.data.rendered.export import to_frames, write_video
from trajvlm.data.rendered.nuisances import Nuisances
from trajvlm.data.rendered.render import render
from trajvlm.data.rendered.scene import SceneSettings, draw_scene
from trajvlm.data.rendered.stream import TRAINING_SCENES, TRAINING_SEED, draw_batch

_BATCH = 16
_LARGE = Picture(frames=60, size=540)
_RATE = 30


def main(
    samples: Annotated[int, typer.Option(min=100, max=100_000, help="Samples to watch the memory over.")] = 2000,
    runs: Annotated[int, typer.Option(min=1, help="Runs of which the median is told.")] = 5,
):
    """Print a small table of speeds and of memory."""
    rows = [("threads", f"{torch.get_num_threads()}")]
    rows.append(("rendering, all nuisances at 0.5", f"{_BATCH / _median(_render_batch, runs):.1f} clips/s"))
    start, end = memory_growth(samples)
    rows.append((f"memory over {samples} samples", f"{start:.0f} MB to {end:.0f} MB, {end - start:+.1f} MB"))
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "large.mp4"
        write_large_video(video)
        seconds = _median(lambda _: canonical_clip(video), runs)
    rows.append((f"canonical clip of 1920 x 1080, {_LARGE.frames} frames", f"{seconds:.2f} s"))
    for what, figure in rows:
        print(f"{what:<44}{figure}")


def memory_growth(samples: int) -> tuple[float, float]:
    """Resident memory in MB after a tenth of the samples, and after all of them."""
    start = 0.0
    for first in tqdm(range(0, samples, _BATCH), desc="memory", disable=None):
        draw_batch(TRAINING_SCENES, TRAINING_SEED, first, _BATCH)
        if not start and first + _BATCH >= samples / 10:
            start = _resident_mb()
    return start, _resident_mb()


def write_large_video(path: str | Path) -> None:
    """A ball on a circle before a plain wall, 1920 x 1080 at 30 frames a second."""
    settings = SceneSettings(families=("circular",), exactly=Nuisances(), radius=(0.1, 0.15))
    scene = draw_scene(settings, TRAINING_SEED, 0)
    # Rendered at half the size and enlarged, as rendering at full size takes some gigabytes.
    square = [cv2.resize(frame, (1080, 1080)) for frame in to_frames(render([scene], _LARGE)[0])]
    write_video(Path(path), np.pad(np.stack(square), ((0, 0), (0, 0), (420, 420), (0, 0)), mode="edge"), _RATE)


def _render_batch(run: int) -> None:
    settings = SceneSettings(exactly=Nuisances.all_at(0.5), filmed=0.5)
    render([draw_scene(settings, TRAINING_SEED, run * _BATCH + k) for k in range(_BATCH)])


def _median(work: Callable[[int], object], runs: int) -> float:
    """Median seconds of `runs` runs, after one warm-up."""
    seconds = []
    for run in range(runs + 1):
        start = time.perf_counter()
        work(run)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])


def _resident_mb() -> float:
    gc.collect()
    return psutil.Process().memory_info().rss / 1e6


if __name__ == "__main__":
    typer.run(main)
