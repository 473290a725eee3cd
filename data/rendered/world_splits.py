"""The fixed sets of worlds that results are reported on, by name: for validation, and sealed ones for the end.

The sealed ones (`trajvlm.data.rendered.sealed`) have the same settings as the validation split of the same name, and
seeds of their own.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from trajvlm.data.clip import CANONICAL
from trajvlm.data.errors import UserError
from trajvlm.data.rendered.nuisances import Nuisances
from trajvlm.data.rendered.paths import IRREGULAR, NEVER_TRAINED, OPEN, PHASES, SUMS, TOLD
from trajvlm.data.rendered.sealed import PREFIX, WORLDS, refuse, sealed_seed
from trajvlm.data.rendered.shapes import ONLY_TESTED
from trajvlm.data.rendered.splits import joined_sha256, rounded
from trajvlm.data.rendered.stream import VALIDATION_SEED
from trajvlm.data.rendered.world import Arm, Rod, World, WorldSettings, draw_world
from trajvlm.data.rendered.world_stream import WorldBatch, draw_worlds

_SIZE = 500
_DECIMALS = 6
_SOME = (0.0, 0.6, 0.25, 0.15)
"""Shares of worlds with so many movers where there has to be one."""


@dataclass(frozen=True)
class WorldSplit:
    """Worlds 0 to `size - 1` of the stream `seed`."""

    name: str
    settings: WorldSettings
    seed: int
    size: int = _SIZE

    def worlds(self) -> Iterator[World]:
        """The worlds in order, without their pictures; raises UserError where the split is sealed."""
        refuse(self.seed)
        return (draw_world(self.settings, self.seed, index) for index in range(self.size))

    def batch(self, first: int, size: int) -> WorldBatch:
        """So many worlds from number `first` on, with their pictures; raises UserError where the split is sealed."""
        refuse(self.seed)
        return draw_worlds(self.settings, self.seed, first, min(size, self.size - first))


_SETTINGS = {
    "worlds": WorldSettings(),
    "worlds-clean": WorldSettings(movers=_SOME, exactly=Nuisances(), jitter=0.0),
    "worlds-half": WorldSettings(movers=_SOME, exactly=Nuisances.all_at(0.5)),
    "unseen-shapes": WorldSettings(movers=_SOME, shapes=tuple(ONLY_TESTED), balls=0.0, colliding=0.0),
    "four-movers": WorldSettings(movers=(0.0, 0.0, 0.0, 0.0, 1.0)),
    "never-trained": WorldSettings(movers=_SOME, paths=tuple(NEVER_TRAINED), colliding=0.0),
    "sums": WorldSettings(movers=_SOME, paths=tuple(SUMS | OPEN), colliding=0.0),
    "phases": WorldSettings(movers=_SOME, paths=tuple(PHASES | TOLD), colliding=0.0),
    "irregular": WorldSettings(movers=_SOME, paths=tuple(IRREGULAR), colliding=0.0),
}
WORLD_SPLITS = {name: WorldSplit(name, settings, VALIDATION_SEED) for name, settings in _SETTINGS.items()}
"""For validation. "worlds" is what trainings draw, from another seed."""
SEALED_SPLITS = {name: WorldSplit(name, _SETTINGS[name.removeprefix(PREFIX)], sealed_seed(name)) for name in WORLDS}


def find_world_split(name: str) -> WorldSplit:
    """The split of that name, for validation or sealed; raises UserError where there is none."""
    splits = WORLD_SPLITS | SEALED_SPLITS
    if name not in splits:
        raise UserError(f"there is no split of worlds {name!r}; there are {', '.join(WORLD_SPLITS)}")
    return splits[name]


def split_sha256(name: str) -> str:
    """Hash of a split's worlds, the same on every machine as long as the world is the same."""
    return joined_sha256(world_sha256(world) for world in find_world_split(name).worlds())


def world_sha256(world: World) -> str:
    """Hash over what a world is: how each thing moves, is shaped and coloured, what holds and hides it, its seeds."""
    things = [
        (m.kind, m.shape.name, m.at(CANONICAL.times), m.colour, m.ambient, m.jitter)
        for m in (*world.movers, *world.swaying)
    ]
    parts: tuple[Arm | Rod | Nuisances, ...] = (*world.arms, *world.rods, world.nuisances)
    rest = [asdict(thing) for thing in parts]
    recorded = [things, rest, world.backdrop_seed, world.filmed, world.nuisance_seed]
    return hashlib.sha256(json.dumps(rounded(recorded, _DECIMALS), sort_keys=True).encode()).hexdigest()
