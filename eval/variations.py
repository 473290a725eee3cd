"""Variations of a training, compared after equal times on a machine whose load varies.

Equal times are as many steps as fit into them: the time of a step is measured beforehand, of all variations in turns,
so that other programs slow all of them alike.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tqdm import tqdm

_ROUNDS = 5


def compare_variations(
    results: Path,
    settings: dict,
    names: list[str],
    timed: Callable[[], dict[str, Iterator]],
    measure: Callable[[str, int], dict],
) -> dict:
    """Measure those variations that the file of results lacks, save each as it is measured, and return all results.

    Args:
        settings: with `minutes`, the time of each variation; where they are not those of the file, it is begun anew.
        timed: builds each variation's training; a step of it is taken by asking for the next item.
        measure: trains a variation for so many steps and returns its measures.
    """
    found = json.loads(results.read_text()) if results.is_file() else {}
    if found.get("settings") != settings:
        found = {"settings": settings, "seconds_a_step": seconds_per_step(timed()), "variations": {}}
    for name in tqdm([name for name in names if name not in found["variations"]], desc="variations"):
        step_count = max(1, round(settings["minutes"] * 60 / found["seconds_a_step"][name]))
        found["variations"][name] = measure(name, step_count)
        results.write_text(json.dumps(found, indent=1) + "\n")
    return found


def seconds_per_step(trainings: dict[str, Iterator]) -> dict[str, float]:
    """Median seconds of a step of each training, over rounds in which each takes one step, after a round that does not
    count."""
    seconds: dict[str, list[float]] = {name: [] for name in trainings}
    for turn in tqdm(range(1 + _ROUNDS), desc="timing a step of each", leave=False):
        for name, training in trainings.items():
            start = time.perf_counter()
            next(training)
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}
