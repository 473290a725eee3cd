"""Variations of a training that are compared after the same time, on a machine that is not always equally busy."""

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

_ROUNDS = 5


def compare_variations(
    results: Path,
    settings: dict,
    names: list[str],
    steps: Callable[[], dict[str, Callable[[int], None]]],
    measure: Callable[[str, int], dict],
) -> dict:
    """Measure the variations of those names that a file does not hold yet, keep them there one by one, and return all.

    Args:
        settings: with `minutes`, each one's time; other settings than the file's begin it anew.
        steps: builds what does one training step of each variation, to be timed in turns.
        measure: trains a variation for so many steps and says what it came to.
    """
    kept = json.loads(results.read_text()) if results.is_file() else {}
    if kept.get("settings") != settings:
        kept = {"settings": settings, "seconds_a_step": seconds_in_turns(steps()), "variations": {}}
    for name in tqdm([name for name in names if name not in kept["variations"]], desc="variations"):
        count = max(1, round(settings["minutes"] * 60 / kept["seconds_a_step"][name]))
        kept["variations"][name] = measure(name, count)
        results.write_text(json.dumps(kept, indent=1) + "\n")
    return kept


def seconds_in_turns(works: dict[str, Callable[[int], None]]) -> dict[str, float]:
    """The median seconds of each piece of work, called with the number of the round, over rounds in which all have
    turns, after one round that does not count."""
    seconds = {name: [] for name in works}
    for turn in tqdm(range(1 + _ROUNDS), desc="timing a step of each", leave=False):
        for name, work in works.items():
            start = time.perf_counter()
            work(turn)
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}
