"""Straight line at constant speed: p = p0 + v s."""

import numpy as np

from trajvlm.data.motions.families.family import Family, flat, random_rotation


def draw(rng: np.random.Generator) -> np.ndarray:
    return flat(np.zeros(3), random_rotation(rng)[0])


FAMILY = Family("linear", "a straight line at constant speed", ("1", "s"), draw)
