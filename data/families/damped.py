"""A swing that dies away along a line: p = c + exp(-f (t - 1/2)) (a cos + b sin), with a and b along one line."""

import numpy as np

from data.families.family import Family, flat, random_rotation
from data.families.oscillating import on_a_line


def draw(rng: np.random.Generator) -> np.ndarray:
    line, phase = random_rotation(rng)[0], rng.uniform(0, 2 * np.pi)
    turns, fading = rng.uniform(1.0, 2.0), rng.uniform(0.7, 1.9)
    return flat(np.zeros(3), np.cos(phase) * line, np.sin(phase) * line, turns=turns, fading=fading)


def visible(constants: np.ndarray) -> bool:
    # As of an undamped one: the swing has to be seen across the image.
    return bool(np.linalg.norm(constants[[3, 4, 6, 7]]) > 0.25)


FAMILY = Family(
    "damped",
    "a swing that dies away, as a pendulum in water",
    ("1", "fading cos", "fading sin"),
    draw,
    visible,
    on_a_line,
    2,
)
