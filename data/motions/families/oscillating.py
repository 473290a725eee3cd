"""Simple harmonic motion along a line, in any direction: p = c + a cos + b sin, with a and b along one line."""

import numpy as np

from trajvlm.data.motions.families.family import Family, flat, random_rotation


def draw(rng: np.random.Generator) -> np.ndarray:
    line = random_rotation(rng)[0]
    phase = rng.uniform(0, 2 * np.pi)
    return flat(np.zeros(3), np.cos(phase) * line, np.sin(phase) * line, turns=rng.uniform(0.75, 2.0))


def visible(constants: np.ndarray) -> bool:
    # The swing has to be seen across the image, not along the line of sight alone.
    return bool(np.linalg.norm(constants[[3, 4, 6, 7]]) > 0.25)


def on_a_line(constants: np.ndarray) -> np.ndarray:
    """The nearest constants with a and b along one line: the best approximation of rank 1 (Eckart and Young, 1936)."""
    out = np.array(constants, dtype=float)
    u, s, vt = np.linalg.svd(out[3:9].reshape(2, 3), full_matrices=False)
    out[3:9] = (s[0] * np.outer(u[:, 0], vt[0])).ravel()
    return out


# Along one line, a and b have four degrees of freedom between them, not six.
FAMILY = Family(
    "oscillating", "swinging to and fro along a line, as a pendulum", ("1", "cos", "sin"), draw, visible, on_a_line, 2
)
ON_AN_ARC = Family(
    FAMILY.name, FAMILY.meaning, ("1", "cos", "sin", "cos2", "sin2"), draw, visible, on_a_line, FAMILY.bound
)
"""The same on an arc, as a bob on a string: it rises and falls twice a period. Used where constants are measured on a
video's pixels."""
