"""Circle at constant speed, in any plane: p = c + a cos + b sin, with a and b of equal length and at right angles."""

import numpy as np

from trajvlm.data.motions.families.family import Family, flat, random_rotation


def draw(rng: np.random.Generator) -> np.ndarray:
    rotation = random_rotation(rng)
    return flat(np.zeros(3), rotation[0], rotation[1], turns=rng.uniform(0.6, 2.0))


def visible(constants: np.ndarray) -> bool:
    # Observations edge-on a circle is a line: compare the area of its image with that of a circle seen face-on.
    (ax, ay), (bx, by) = constants[3:5], constants[6:8]
    return bool(abs(ax * by - ay * bx) > 0.25 * (ax**2 + ay**2 + bx**2 + by**2) / 2)


FAMILY = Family("circular", "a circle at constant speed", ("1", "cos", "sin"), draw, visible)
