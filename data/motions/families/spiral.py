"""Logarithmic spiral, in any plane: p = c + exp(-f (t - 1/2)) (a cos + b sin), with a and b as in a circle."""

import numpy as np

from trajvlm.data.motions.families import circular
from trajvlm.data.motions.families.family import Family, flat, random_rotation


def draw(rng: np.random.Generator) -> np.ndarray:
    rotation = random_rotation(rng)
    turns, fading = rng.uniform(0.8, 2.0), rng.choice([-1.0, 1.0]) * rng.uniform(0.7, 1.9)
    return flat(np.zeros(3), rotation[0], rotation[1], turns=turns, fading=fading)


FAMILY = Family("spiral", "a circle that shrinks or grows", ("1", "fading cos", "fading sin"), draw, circular.visible)
