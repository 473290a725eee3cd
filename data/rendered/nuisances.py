"""Nuisances: what makes a motion harder to see, each with a strength from 0 (absent) to 1 (extreme).

Half strength is meant to be a bad phone video. The strengths are kept with each scene, so that results can be broken
down by any of them.
"""

from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True)
class Nuisances:
    """The strengths of one scene's nuisances, each from 0 to 1."""

    texture: float = 0.0
    """How strongly the backdrop is patterned: gradients, textures, checkers, walls with pictures, floors."""
    contrast: float = 0.0
    """How little the ball stands out from the backdrop."""
    shadow: float = 0.0
    """Darkness of the ball's shadow on a floor below it."""
    distractors: float = 0.0
    """Size of objects in the background, and of one that sways."""
    hand: float = 0.0
    """Size of an arm that has just let go of the ball, and how long it stays."""
    tether: float = 0.0
    """Thickness of a string or rod that the ball hangs on."""
    occlusion: float = 0.0
    """Width of a post in front of the path, up to three balls wide."""
    blur: float = 0.0
    """Shutter time, up to four fifths of the time between frames."""
    jitter: float = 0.0
    """Error of the ball's place in each frame, up to a standard deviation of 2 % of half the picture's width."""
    shake: float = 0.0
    """Standard deviation of the camera's shaking, up to 4 % of half the picture's width."""
    exposure: float = 0.0
    """Over- or underexposure, and flicker."""
    noise: float = 0.0
    """Standard deviation of the sensor's noise, up to 6 % of full scale."""
    dropped: float = 0.0
    """Probability that a frame repeats the one before it, up to 15 %."""
    compression: float = 0.0
    """Quantisation of a block transform's coefficients, as in strong JPEG or video compression."""

    def __post_init__(self):
        for name, strength in vars(self).items():
            if not 0 <= strength <= 1:
                raise ValueError(f"the strength of a nuisance lies between 0 and 1, not {name} = {strength}")

    @classmethod
    def all_at(cls, strength: float) -> "Nuisances":
        """Every nuisance at one strength."""
        return cls(**dict.fromkeys(NAMES, strength))

    @classmethod
    def crowded(cls, rng: np.random.Generator, level: float) -> "Nuisances":
        """All nuisances at once, each uniform between `level` / 2 and `level`."""
        return cls(**dict(zip(NAMES, (level * rng.uniform(0.5, 1, len(NAMES))).tolist())))

    @classmethod
    def draw(cls, rng: np.random.Generator, level: float) -> "Nuisances":
        """Each nuisance uniform between 0 and `level`; some are absent half the time (`_SOMETIMES`)."""
        strengths = level * rng.uniform(0, 1, len(NAMES))
        absent = rng.uniform(0, 1, len(NAMES)) < 0.5
        return cls(**{n: 0.0 if n in _SOMETIMES and a else s for n, s, a in zip(NAMES, strengths.tolist(), absent)})


NAMES = tuple(field.name for field in fields(Nuisances))
_SOMETIMES = {
    "shadow", "distractors", "hand", "tether", "occlusion", "jitter", "shake", "exposure", "dropped", "compression",
}  # fmt: skip
