"""Test splits that nobody draws before the final evaluation.

What guards them is agreement, and tests that notice a slip. The seeds have to be there to be drawn from one day, so
whoever means to can work them out from this file: nothing here can keep a secret. What is here makes an accident
impossible and a peek visible:

- drawing from one of these seeds raises an error as long as `OPENED` is False, wherever it is tried;
- the seeds follow from the splits' names, and a hash of each split's seed and settings is pinned in the tests
  (`commitment`), so that nobody picks another seed, or easier settings, once results are known;
- a test reads every results file of the repository and fails where one of these names or hashes stands in it.

The final evaluation begins with a commit that sets `OPENED` to True and does nothing else: the history then says when.
"""

import hashlib
import json
from dataclasses import asdict
from typing import Any

from trajvlm.data.errors import UserError

OPENED = False
PREFIX = "sealed-"
WORLDS = tuple(
    PREFIX + name for name in ("worlds", "worlds-clean", "worlds-half", "unseen-shapes", "four-movers", "never-trained")
)
"""Splits of clips, as in `trajvlm.data.rendered.world_splits`."""
VIDEO_PREFIX = PREFIX + "videos-"
VIDEOS = tuple(
    VIDEO_PREFIX + name for name in ("clean", "light", "half", "phases", "movers", "irregular", "slow", "long")
)
"""Suites of files, as in `trajvlm.data.rendered.videos.suites`."""
NAMES = WORLDS + VIDEOS


def sealed_seed(name: str) -> int:
    """The seed of a sealed split, which follows from its name. To know it is not to draw from it: see `refuse`."""
    return int.from_bytes(hashlib.sha256(f"trajvlm {name}".encode()).digest()[:7], "big")


SEEDS = {sealed_seed(name): name for name in NAMES}


def refuse(seed: int) -> None:
    """Raises UserError where a seed belongs to a sealed split that has not been opened."""
    if seed in SEEDS and not OPENED:
        raise UserError(
            f"{SEEDS[seed]} is sealed until the final evaluation; take one of the validation splits instead"
        )


def commitment(name: str, seed: int, size: int, settings: Any) -> str:
    """Hash of what a sealed split is drawn from: its name, seed, size and all of its settings, a dataclass.

    A setting that is added later is left out of it where it changes nothing, so that the hash stays what it was.
    """
    drawn_from = {"name": name, "seed": seed, "size": size, "settings": asdict(settings)}
    return hashlib.sha256(json.dumps(drawn_from, sort_keys=True).encode()).hexdigest()
