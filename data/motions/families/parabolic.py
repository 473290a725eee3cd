"""Constant acceleration, in the plane of velocity and acceleration: p = p0 + v s + a s^2."""

import numpy as np

from trajvlm.data.motions.families.family import Family, flat, random_rotation


def draw(rng: np.random.Generator) -> np.ndarray:
    rotation = random_rotation(rng)
    # The vertex lies anywhere from the middle of the clip to a little past its ends.
    across, vertex, bend = rng.uniform(0.15, 1.5), rng.uniform(-1.2, 1.2), 1.0
    velocity = across * rotation[0] - 2 * bend * vertex * rotation[1]
    return flat(np.zeros(3), velocity, bend * rotation[1])


def visible(constants: np.ndarray) -> bool:
    return bool(np.linalg.norm(constants[6:8]) > 0.15)


FAMILY = Family("parabolic", "constant acceleration, as a thrown ball", ("1", "s", "s2"), draw, visible)
