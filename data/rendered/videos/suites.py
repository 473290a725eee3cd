"""The named suites of video files: what is filmed in each, how badly, and how fast."""

from dataclasses import dataclass, replace

import numpy as np

from trajvlm.data.errors import UserError
from trajvlm.data.rendered.nuisances import Nuisances
from trajvlm.data.rendered.sealed import VIDEO_PREFIX, refuse, sealed_seed

Rates = tuple[tuple[float, float], ...]

_USUAL: Rates = (
    (15, 0.03), (24000 / 1001, 0.05), (24, 0.05), (25, 0.13), (30000 / 1001, 0.16), (30, 0.34), (50, 0.05),
    (60000 / 1001, 0.05), (60, 0.1), (120, 0.04),
)  # fmt: skip
_SLOW: Rates = ((12, 0.4), (15, 0.6))


@dataclass(frozen=True)
class VideoSuite:
    """Ranges that the files of one suite are drawn from."""

    name: str
    number: int
    """Its own, which tells its files from those of the same number in another suite."""
    content: str
    """"families" (each as often as the others), "scripts", "several", "irregular" or "long"."""
    strength: tuple[float, float] = (0.0, 0.5)
    """Least and greatest level of the nuisances, as in `trajvlm.data.rendered.scene.SceneSettings`."""
    exactly: float | None = None
    """The strength of all of them, instead."""
    rates: Rates = _USUAL
    """Frames a second, each with its share."""
    panning: float = 0.1
    """Share of the files in which the camera pans."""
    uneven: float = 0.12
    """Share of the files in which some frames are left out, as their times say."""
    fill: tuple[float, float] = (0.35, 0.85)
    """Share of the picture's width or height that the motion spans."""
    longest: float = 10.0
    """Seconds."""
    size: int = 200

    def nuisances(self, rng: np.random.Generator) -> Nuisances:
        """The nuisances of one file. Errors of the place are none of a file's."""
        drawn = (
            Nuisances.draw(rng, rng.uniform(*self.strength)) if self.exactly is None else Nuisances.all_at(self.exactly)
        )
        return replace(drawn, jitter=0.0)


VIDEO_SUITES = {
    suite.name: suite
    for suite in (
        VideoSuite("clean", 1, "families", exactly=0.0, panning=0.0, uneven=0.0),
        VideoSuite("light", 2, "families", strength=(0.0, 0.3)),
        VideoSuite("half", 3, "families", exactly=0.5),
        VideoSuite("phases", 4, "scripts"),
        VideoSuite("movers", 5, "several"),
        VideoSuite("irregular", 6, "irregular"),
        VideoSuite("slow", 7, "families", rates=_SLOW),
        VideoSuite("long", 8, "long", longest=120.0),
    )
}


def find_video_suite(name: str) -> VideoSuite:
    """The suite of that name; raises UserError where there is none."""
    if name not in VIDEO_SUITES:
        raise UserError(f"there is no suite of videos {name!r}; there are {', '.join(VIDEO_SUITES)}")
    return VIDEO_SUITES[name]


def suite_and_seed(name: str, seed: int) -> tuple[VideoSuite, int]:
    """The suite of that name and the seed of its files: the one that is given, or a sealed suite's own.

    Raises UserError where there is no such suite, or where it is sealed and has not been opened.
    """
    if name.startswith(VIDEO_PREFIX):
        refuse(sealed_seed(name))
        return find_video_suite(name.removeprefix(VIDEO_PREFIX)), sealed_seed(name)
    return find_video_suite(name), seed
