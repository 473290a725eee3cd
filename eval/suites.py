"""The sets of clips that systems are measured on: one thing made hard at a time, and everything at once.

All are the test stream's motions, which no training draws from. `trajvlm.data.rendered.splits` fixes the first three
and those of the nuisances; those of further families are drawn in the same way; the others leave the training's ranges:
smaller balls, shorter and longer lenses, smaller pictures of the path, other numbers of turns, photographs behind it,
the look of filmed scenes, too few frames.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count

from torch import Tensor

from trajvlm.data.clip import FRAMES
from trajvlm.data.errors import UserError
from trajvlm.data.motions.families import BASIC, FAMILIES, FURTHER
from trajvlm.data.rendered.nuisances import NAMES, Nuisances
from trajvlm.data.rendered.render import render
from trajvlm.data.rendered.scene import Scene, SceneSettings, draw_scene
from trajvlm.data.rendered.splits import find_split, nuisance_suite
from trajvlm.data.rendered.stream import TEST_SEED
from trajvlm.eval.photographs import photograph

STRENGTHS = (0.25, 0.5, 0.75, 1.0)
MAIN = "main"
FURTHER_FAMILIES = "further"
_PERIODIC = tuple(name for name in BASIC if FAMILIES[name].periodic)


@dataclass(frozen=True)
class Suite:
    """A named stream of test clips."""

    name: str
    label: str
    """What it is, for a table."""
    group: str
    """A word that names several suites at once."""
    scenes: Callable[[], Iterator[Scene]]
    pictures: Callable[[list[Scene]], Tensor] = render
    """What systems are shown of scenes: (N, 3, 17, 64, 64) in [0, 1]."""

    @property
    def main(self) -> bool:
        """Whether every system is measured on it."""
        return self.group == MAIN

    @property
    def kept(self) -> bool:
        """Whether its clips are kept one by one, for the confusion of families and the plots."""
        return self.group in (MAIN, FURTHER_FAMILIES)


def _split(name: str, label: str, split: str) -> Suite:
    return Suite(name, label, MAIN, lambda: find_split(split).scenes())


def _further(name: str, label: str) -> Suite:
    drawn = replace(find_split(f"test-{name}").settings, families=FURTHER)
    label = f"{', '.join(FURTHER)}: {label}"
    return Suite(f"further-{name}", label, FURTHER_FAMILIES, lambda: (draw_scene(drawn, TEST_SEED, k) for k in count()))


def _nuisance(name: str, strength: float) -> Suite:
    label = f"{name} alone at strength {strength:g}"
    return Suite(f"{name}-{strength:g}", label, name, lambda: nuisance_suite(name, strength).scenes())


def _outside(name: str, label: str, **settings) -> Suite:
    drawn = SceneSettings(exactly=Nuisances(), **settings)
    return Suite(name, label, "outside", lambda: (draw_scene(drawn, TEST_SEED, k) for k in count()))


def _filmed(name: str, label: str, strength: tuple[float, float]) -> Suite:
    drawn = SceneSettings(strength=strength, filmed=1.0)
    return Suite(name, label, "outside", lambda: (draw_scene(drawn, TEST_SEED, k) for k in count()))


def _shown(name: str, label: str, split: str, pictures: Callable[[list[Scene]], Tensor]) -> Suite:
    return Suite(name, label, "outside", lambda: find_split(split).scenes(), pictures)


def _before_photographs(scenes: list[Scene]) -> Tensor:
    return render(scenes, backdrop=photograph)


def _every_other_frame(scenes: list[Scene]) -> Tensor:
    """As a canonical clip is made of nine frames, the fewest that it is made of: eight are shown twice."""
    return render(scenes)[:, :, [k - k % 2 for k in range(FRAMES)]]


SUITES = {
    suite.name: suite
    for suite in (
        _split("clean", "clean", "test-clean"),
        _split("light", "light nuisances", "test-light"),
        _split("half", "all nuisances at half strength", "test-half"),
        _further("clean", "clean"),
        _further("light", "light nuisances"),
        _further("half", "all nuisances at half strength"),
        *(_nuisance(name, strength) for name in NAMES for strength in STRENGTHS),
        _outside("small-ball", "balls 1 to 3 pixels wide (training: 3 to 13)", radius=(0.02, 0.045)),
        _outside("wide-lens", "focal length 1.2 to 1.9 (training: 2 to 10)", focal=(1.2, 1.9)),
        _outside("long-lens", "focal length 11 to 25 (training: 2 to 10)", focal=(11.0, 25.0)),
        _outside("far-off", "path fills 0.3 to 0.6 of the picture (training: 0.65 to 0.9)", fill=(0.3, 0.6)),
        _outside("few-turns", "0.4 to 0.55 turns (training: 0.6 or 0.75 to 2)", families=_PERIODIC, turns=(0.4, 0.55)),
        _outside("many-turns", "2.1 to 2.5 turns (training: up to 2)", families=_PERIODIC, turns=(2.1, 2.5)),
        _shown("photographs", "light nuisances, photographs as backdrops", "test-light", _before_photographs),
        _filmed("filmed", "light nuisances, scenes that look filmed", (0.0, 0.3)),
        _shown("low-frame-rate", "clean, but nine different frames only", "test-clean", _every_other_frame),
    )
}


def suites_in(data: dict, group: str) -> list[Suite]:
    """The suites of a group that results hold."""
    return [suite for suite in SUITES.values() if suite.group == group and suite.name in data["suites"]]


def find_suites(words: list[str]) -> list[Suite]:
    """The suites that names or groups stand for, each once, in the order of `SUITES`; all of them for no word.

    Raises:
        UserError: a word is neither a suite's name nor a group's.
    """
    groups = list(dict.fromkeys(suite.group for suite in SUITES.values()))
    for word in words:
        if word not in SUITES and word not in groups:
            alone = [name for name, suite in SUITES.items() if suite.group in (MAIN, "outside")]
            raise UserError(
                f"there is no suite {word!r}; there are {', '.join(alone)}, a nuisance with its strength as in "
                f"noise-0.5, and the groups {', '.join(groups)}"
            )
    return [s for s in SUITES.values() if not words or s.name in words or s.group in words]
