"""An eight lying on its side: p = c + a sin + b sin of twice the angle. Used only in evaluation."""

import numpy as np

from trajvlm.data.motions.families.family import Family, flat, random_rotation


def draw(rng: np.random.Generator) -> np.ndarray:
    rotation = random_rotation(rng)
    return flat(np.zeros(3), rotation[0], rng.uniform(0.4, 0.8) * rotation[1], turns=rng.uniform(0.9, 1.3))


def visible(constants: np.ndarray) -> bool:
    # Its width has to be seen across the image, not only along the line of sight.
    return bool(np.linalg.norm(constants[6:8]) > 0.3)


FAMILY = Family("figure-eight", "an eight lying on its side", ("1", "sin", "sin2"), draw, visible)
