"""Scenes: one path, the ball that moves along it, the light, the backdrop, and the nuisances.

A scene is reproducible from `(seed, index)` alone.
"""

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

from trajvlm.data.cameras.camera import canonical, frame_path
from trajvlm.data.errors import UserError
from trajvlm.data.motions.families import BASIC, MOTIONS
from trajvlm.data.rendered.backdrop import mean_colour
from trajvlm.data.rendered.nuisances import Nuisances
from trajvlm.data.rendered.room import ball_colour, room_mean

_LARGEST_CONSTANT = 1.99
_TRIES = 200
_COLOUR_TRIES = 8


@dataclass(frozen=True)
class SceneSettings:
    """Ranges that scenes are drawn from. Lengths are in half widths of the picture (32 pixels)."""

    families: tuple[str, ...] = BASIC
    strength: tuple[float, float] = (0.0, 1.0)
    """Least and greatest level of the nuisances; each scene draws its own level, and each nuisance of it a strength
    from 0 to that level."""
    crowded: float = 0.0
    """Share of the scenes with all nuisances at once, each between half the scene's level and that level. Drawn
    independently, they hardly ever all occur, as they do in a bad video."""
    exactly: Nuisances | None = None
    """Strengths for every scene, instead of drawn ones."""
    filmed: float = 0.0
    """Share of the scenes that look filmed (`trajvlm.data.rendered.room`)."""
    radius: tuple[float, float] = (0.05, 0.2)
    focal: tuple[float, float] = (2.0, 10.0)
    fill: tuple[float, float] = (0.65, 0.9)
    turns: tuple[float, float] | None = None
    """Number of turns, for periodic families only, instead of the families' own range."""

    def __post_init__(self):
        unknown = set(self.families) - set(MOTIONS)
        if unknown or not self.families:
            raise ValueError(f"unknown families {sorted(unknown)}; known are {sorted(MOTIONS)}")
        if self.turns and not all(MOTIONS[name].periodic for name in self.families):
            raise ValueError(f"a number of turns belongs to periodic families, not to all of {self.families}")
        if not 0 <= self.strength[0] <= self.strength[1] <= 1:
            raise ValueError(f"nuisance strengths lie between 0 and 1, not {self.strength}")
        if not (0 <= self.crowded <= 1 and 0 <= self.filmed <= 1):
            raise ValueError(
                f"shares of crowded and of filmed scenes lie between 0 and 1, not {self.crowded} and {self.filmed}"
            )


@dataclass(frozen=True)
class Scene:
    """One scene: the truth about the motion, and its appearance."""

    family: str
    constants: np.ndarray
    """(family.size,) in the canonical camera, clip time 0 to 1: the truth that answers are compared with."""
    path: np.ndarray
    """(family.size,) in the frame of the camera that takes the picture."""
    focal: float
    """Focal length, in half widths of the picture."""
    radius: float
    """Of the ball, in half widths at the path's mean depth."""
    nuisances: Nuisances
    backdrop_seed: int
    ball: np.ndarray
    """(3,) colour in [0, 1]."""
    light: np.ndarray
    """(3,) unit vector towards the light."""
    ambient: float
    """Share of the brightness that does not depend on the light's direction, 0 to 1."""
    nuisance_seed: int
    """Of the random numbers of the nuisances."""
    filmed: bool = False
    """Whether it looks filmed."""

    @property
    def backdrop_mean(self) -> np.ndarray:
        """(3,) mean colour of the backdrop, in [0, 1]."""
        return backdrop_mean(self.backdrop_seed, self.filmed)

    @property
    def field_of_view(self) -> float:
        """Horizontal field of view of the camera, in degrees."""
        return math.degrees(2 * math.atan(1 / self.focal))


def backdrop_mean(seed: int, filmed: bool) -> np.ndarray:
    """(3,) mean colour of the backdrop of that seed, in [0, 1]."""
    return room_mean(seed) if filmed else mean_colour(seed)


def draw_scene(settings: SceneSettings, seed: int, index: int) -> Scene:
    """Scene `index` of the stream `seed`; raises UserError where no path can be framed with these settings."""
    rng = np.random.default_rng([seed, index])
    name = settings.families[rng.integers(len(settings.families))]
    constants, path, focal, radius = _draw_path(settings, name, rng)
    level = rng.uniform(*settings.strength)
    # No number is drawn for a share of 0: scenes from before these settings existed stay the same.
    crowded = settings.crowded > 0 and rng.random() < settings.crowded
    filmed = settings.filmed > 0 and bool(rng.random() < settings.filmed)
    nuisances = settings.exactly or (Nuisances.crowded if crowded else Nuisances.draw)(rng, level)
    backdrop_seed = int(rng.integers(2**31))
    return Scene(
        family=name,
        constants=constants,
        path=path,
        focal=focal,
        radius=radius,
        nuisances=nuisances,
        backdrop_seed=backdrop_seed,
        ball=standing_out(rng, backdrop_mean(backdrop_seed, filmed), nuisances.contrast, filmed),
        light=_draw_light(rng),
        ambient=rng.uniform(0.35, 0.9),
        nuisance_seed=int(rng.integers(2**31)),
        filmed=filmed,
    )


def _draw_path(settings: SceneSettings, name: str, rng: np.random.Generator):
    family = MOTIONS[name]
    failures: Counter[str] = Counter()
    for _ in range(_TRIES):
        focal = float(np.exp(rng.uniform(*np.log(settings.focal))))
        radius = float(np.exp(rng.uniform(*np.log(settings.radius))))
        drawn = family.draw(rng)
        if settings.turns:
            drawn[-1] = rng.uniform(*settings.turns)
        path = frame_path(family, drawn, focal, radius, rng.uniform(*settings.fill))
        if path is None:
            failures["no scale brings the path into the picture and not too deep"] += 1
            continue
        if not family.visible(path):
            failures["its own `visible` refuses the framed path"] += 1
            continue
        constants = canonical(family, path, focal)
        # Constants have to be within the range of an answer's numbers, except turns that the settings ask for.
        answered = constants[:-1] if settings.turns else constants
        largest, bound = int(np.abs(answered).argmax()), max(_LARGEST_CONSTANT, 2.0 * family.periodic)
        if abs(answered[largest]) <= bound:
            return constants, path, focal, radius
        failures[f"{family.constant_names[largest]} is beyond {bound:g}, the largest number that can be answered"] += 1
    reasons = "; ".join(f"{reason} ({count} times)" for reason, count in failures.most_common(3))
    raise UserError(f"No {name} path could be framed in {_TRIES} tries: {reasons}.")


def standing_out(rng: np.random.Generator, mean: np.ndarray, low_contrast: float, filmed: bool) -> np.ndarray:
    """(3,) a colour of a ball that contrasts with the backdrop's mean (3,): less, the higher `low_contrast`, 0 to 1."""
    contrast = 0.45 - 0.3 * low_contrast
    if filmed:
        # Real balls contrast less: the best of a few colours.
        drawn = [ball_colour(rng) for _ in range(_COLOUR_TRIES)]
        apart = [np.abs(colour - mean).mean() for colour in drawn]
        enough = (k for k, a in enumerate(apart) if a > 0.6 * contrast)
        return drawn[next(enough, int(np.argmax(apart)))].astype(np.float32)
    # It often takes dozens of tries, and for three numbers Python is faster than NumPy.
    backdrop = mean.tolist()
    for _ in range(_TRIES):
        *drawn, strong = rng.random(4).tolist()
        drawn = [0.02 + 0.98 * channel for channel in drawn]
        # Few objects have saturated colours.
        grey = sum(drawn) / 3
        colour = [grey + (0.2 + 0.8 * strong) * (channel - grey) for channel in drawn]
        if sum([abs(a - b) for a, b in zip(colour, backdrop)]) / 3 > contrast:
            return np.array(colour, dtype=np.float32)
    return np.where(mean > 0.5, 0.02, 1.0).astype(np.float32)


def _draw_light(rng: np.random.Generator) -> np.ndarray:
    direction = np.array([rng.normal(), abs(rng.normal()) + 0.3, abs(rng.normal()) + 0.5])
    return (direction / np.linalg.norm(direction)).astype(np.float32)
