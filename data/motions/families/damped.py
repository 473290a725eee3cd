"""Damped oscillation along a line: p = c + exp(-f (t - 1/2)) (a cos + b sin), with a and b along one line."""

import numpy as np

from trajvlm.data.motions.families import oscillating
from trajvlm.data.motions.families.family import Family, flat, random_rotation


def draw(rng: np.random.Generator) -> np.ndarray:
    line, phase = random_rotation(rng)[0], rng.uniform(0, 2 * np.pi)
    turns, fading = rng.uniform(1.0, 2.0), rng.uniform(0.7, 1.9)
    return flat(np.zeros(3), np.cos(phase) * line, np.sin(phase) * line, turns=turns, fading=fading)


FAMILY = Family(
    "damped",
    "a swing that dies away, as a pendulum in water",
    ("1", "fading cos", "fading sin"),
    draw,
    oscillating.visible,
    oscillating.on_a_line,
    oscillating.FAMILY.bound,
)
ON_AN_ARC = Family(
    FAMILY.name,
    FAMILY.meaning,
    ("1", "fading cos", "fading sin", "fading cos2", "fading sin2"),
    draw,
    oscillating.visible,
    oscillating.on_a_line,
    FAMILY.bound,
)
"""As `oscillating.ON_AN_ARC`."""
