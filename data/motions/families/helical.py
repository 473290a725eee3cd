"""Helix at constant speed, about any axis: p = c + u s + a cos + b sin, with u along the axis a x b."""

import numpy as np

from trajvlm.data.motions.families.family import Family, flat, random_rotation


def draw(rng: np.random.Generator) -> np.ndarray:
    rotation = random_rotation(rng)
    climb = rng.uniform(0.4, 2.5)
    # Left- or right-handed: the axis may run along a x b or against it.
    axis = rotation[2] * rng.choice([-1.0, 1.0])
    return flat(np.zeros(3), climb * axis, rotation[0], rotation[1], turns=rng.uniform(0.6, 2.0))


def visible(constants: np.ndarray) -> bool:
    # The climb has to be seen across the image; along the line of sight it only changes the apparent size.
    climb, turn = np.linalg.norm(constants[3:5]), np.sqrt((constants[6:8] ** 2 + constants[9:11] ** 2).sum())
    return bool(climb > 0.25 * turn and turn > 0.12)


FAMILY = Family("helical", "a circle that also moves along its axis", ("1", "s", "cos", "sin"), draw, visible)
