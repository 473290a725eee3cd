"""How long a description takes beside other busy programs, by how OpenMP's threads wait and how many there are.

    python -m trajvlm.eval.thread_contention --runs 7

One process for each setting loads the networks once. Then they describe the same rendered clip in turns, so that what
else the machine does slows all of them alike; the other processes wait meanwhile. Medians, and how many
times as long the first setting, OpenMP's default, takes as the second, the programs' own.
"""

import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from trajvlm.data.rendered.export import write_sample
from trajvlm.vlm.describe import Describer

SETTINGS = {
    "turning": {"GOMP_SPINCOUNT": "300000"},
    "asleep": {"OMP_WAIT_POLICY": "passive"},
    "one thread": {"OMP_NUM_THREADS": "1"},
}
"""What the environment says of OpenMP: its threads turn in place for 3 ms, which is its default; they sleep, as the
programs here have it; there is but one."""
_VARIABLES = ("OMP_WAIT_POLICY", "OMP_NUM_THREADS", "GOMP_SPINCOUNT")
_NEIGHBOURS = (0, 1, 2)
_processes = multiprocessing.get_context("spawn")


def main(runs: Annotated[int, typer.Option(min=1, help="Descriptions of which the median is told.")] = 7):
    """Print seconds a description, a line for each number of busy programs beside it as soon as it is measured."""
    default, ours, *_ = SETTINGS
    print(f"{'beside':<16}" + "".join(f"{name:>22}" for name in SETTINGS) + f"{'first : second':>18}")
    with tempfile.TemporaryDirectory() as folder, describing(Path(folder) / "clip.mp4") as workers:
        for count in _NEIGHBOURS:
            with busy(count):
                found = seconds_in_turns(workers, runs, f"beside {count} busy")
            figures = "".join(f"{seconds:22.2f}" for seconds in found.values())
            print(f"{f'{count} busy programs':<16}{figures}{found[default] / found[ours]:18.1f}", flush=True)


@contextmanager
def describing(video: Path) -> Iterator[dict[str, Connection]]:
    """A process for each setting that describes a clip, written to `video`, whenever it is sent anything, and sends
    back the seconds."""
    write_sample(video, "circular", 1)
    workers, started = {}, []
    for name, variables in SETTINGS.items():
        here, there = _processes.Pipe()
        with _environment(variables):
            started.append(_processes.Process(target=_serve, args=(there, video), daemon=True))
            started[-1].start()
        workers[name] = here
    try:
        yield workers
    finally:
        _end(started)


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many programs beside this one that each want a core."""
    started = [_processes.Process(target=_spin, daemon=True) for _ in range(count)]
    for one in started:
        one.start()
    try:
        yield
    finally:
        _end(started)


def seconds_in_turns(workers: dict[str, Connection], runs: int, title: str) -> dict[str, float]:
    """Median seconds of each worker's description, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in workers}
    for _ in tqdm(range(runs + 1), desc=title, disable=None):
        for name, worker in workers.items():
            worker.send(None)
            seconds[name].append(worker.recv())
    return {name: statistics.median(times[1:]) for name, times in seconds.items()}


def _serve(parent: Connection, video: Path) -> None:
    describer = Describer()
    while True:
        parent.recv()
        began = time.perf_counter()
        describer.describe(video)
        parent.send(time.perf_counter() - began)


def _spin() -> None:
    parent = os.getppid()
    # Whoever is killed leaves nobody spinning behind.
    while os.getppid() == parent:
        sum(range(1_000_000))


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """What a process that is started meanwhile finds in its environment."""
    before = {name: os.environ.pop(name) for name in _VARIABLES if name in os.environ}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]
        os.environ.update(before)


def _end(processes: list) -> None:
    for one in processes:
        one.terminate()
        one.join()


if __name__ == "__main__":
    typer.run(main)
