"""How long things take beside each other on a machine that is not always equally busy."""

import statistics
import time
from collections.abc import Callable

from tqdm import tqdm

_ROUNDS = 5


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
