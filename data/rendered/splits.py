"""The fixed sets of scenes that results are reported on, by name, and a hash that tells whether two of them are one.

A split is a stretch of one of the streams in `trajvlm.data.rendered.stream` that no training draws from. The three test
splits share a seed, so they show the same motions with more and more in their way.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from trajvlm.data.errors import UserError
from trajvlm.data.rendered.nuisances import NAMES, Nuisances
from trajvlm.data.rendered.scene import Scene, SceneSettings, draw_scene
from trajvlm.data.rendered.stream import TEST_SEED, TRAINING_SCENES, VALIDATION_SEED

_TEST_SIZE = 1000
_VALIDATION_SIZE = 500
_SUITE_SIZE = 300
_DECIMALS = 9


@dataclass(frozen=True)
class Split:
    """Scenes 0 to `size - 1` of the stream `seed`."""

    name: str
    settings: SceneSettings
    seed: int
    size: int

    def scenes(self) -> Iterator[Scene]:
        """The scenes in order."""
        return (draw_scene(self.settings, self.seed, index) for index in range(self.size))


SPLITS = {
    split.name: split
    for split in (
        Split("test-clean", SceneSettings(exactly=Nuisances()), TEST_SEED, _TEST_SIZE),
        Split("test-light", SceneSettings(strength=(0.0, 0.3)), TEST_SEED, _TEST_SIZE),
        Split("test-half", SceneSettings(exactly=Nuisances.all_at(0.5)), TEST_SEED, _TEST_SIZE),
        Split("validation", TRAINING_SCENES, VALIDATION_SEED, _VALIDATION_SIZE),
    )
}


def find_split(name: str) -> Split:
    """The split of that name; raises UserError where there is none."""
    if name not in SPLITS:
        raise UserError(f"there is no split {name!r}; there are {', '.join(SPLITS)}")
    return SPLITS[name]


def nuisance_suite(name: str, strength: float) -> Split:
    """The test motions with one nuisance alone, at one strength from 0 to 1; raises UserError for any other."""
    if name not in NAMES:
        raise UserError(f"there is no nuisance {name!r}; there are {', '.join(NAMES)}")
    if not 0 <= strength <= 1:
        raise UserError(f"the strength of a nuisance lies between 0 and 1; {strength:g} does not")
    settings = SceneSettings(exactly=Nuisances(**{name: strength}))
    return Split(f"{name}-{strength:g}", settings, TEST_SEED, _SUITE_SIZE)


def split_sha256(name: str) -> str:
    """Hash of a split's scenes, the same on every machine as long as the world is the same."""
    return joined_sha256(scene_sha256(scene) for scene in find_split(name).scenes())


def scene_sha256(scene: Scene) -> str:
    """Hash over all that is recorded of a scene: motion, focal length, ball, light, nuisances, seeds."""
    recorded = asdict(scene)
    # Scenes that are not filmed keep the hash that they had before any were.
    if not scene.filmed:
        del recorded["filmed"]
    return hashlib.sha256(json.dumps(rounded(recorded, _DECIMALS), sort_keys=True).encode()).hexdigest()


def joined_sha256(hashes: Iterable[str]) -> str:
    """One hash for several scenes' hashes, in order."""
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def rounded(value: Any, decimals: int) -> Any:
    """As plain JSON, numbers to so many decimals: the last bits differ from one kind of processor to another."""
    match value:
        case dict():
            return {key: rounded(item, decimals) for key, item in value.items()}
        case np.ndarray():
            return rounded(value.tolist(), decimals)
        case list() | tuple():
            return [rounded(item, decimals) for item in value]
        case float() | np.floating():
            # Adding 0.0 makes -0.0 into 0.0.
            return round(float(value), decimals) + 0.0
    return value
