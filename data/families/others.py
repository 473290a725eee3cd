"""Motions that are drawn and never answered: what a system has to call none of the families that it knows.

Their fading is fixed and their bounces lose nothing: they are for looking at, not for fitting. A path that bends one
way and then the other is not among them: a slow helix of large radius passes through it to a fiftieth of a pixel.
"""

import numpy as np

from data.families.family import Family, flat, random_rotation


def _damped(rng: np.random.Generator) -> np.ndarray:
    line, phase = random_rotation(rng)[0], rng.uniform(0, 2 * np.pi)
    return flat(np.zeros(3), np.cos(phase) * line, np.sin(phase) * line, turns=rng.uniform(1.5, 2.5))


def _spiral(rng: np.random.Generator) -> np.ndarray:
    rotation = random_rotation(rng)
    return flat(np.zeros(3), rotation[0], rotation[1], turns=rng.uniform(1.2, 2.2))


def _bouncing(rng: np.random.Generator) -> np.ndarray:
    rotation = random_rotation(rng)
    return flat(np.zeros(3), rng.uniform(0.5, 1.2) * rotation[0], rotation[1], turns=rng.uniform(1.6, 2.6))


def _figure_eight(rng: np.random.Generator) -> np.ndarray:
    rotation = random_rotation(rng)
    return flat(np.zeros(3), rotation[0], rng.uniform(0.4, 0.8) * rotation[1], turns=rng.uniform(0.9, 1.3))


def _across(constants: np.ndarray) -> bool:
    """Whether the second function's vector is seen across the picture, not along the line of sight alone."""
    return bool(np.linalg.norm(constants[6:8]) > 0.3)


def _swings(constants: np.ndarray) -> bool:
    return bool(np.linalg.norm(constants[[3, 4, 6, 7]]) > 0.4)


OTHERS = (
    Family("damped", "a swing that dies away", ("1", "fading cos", "fading sin"), _damped, _swings),
    Family("spiral", "a circle that shrinks", ("1", "fading cos", "fading sin"), _spiral, _swings),
    Family("bouncing", "a ball that bounces along", ("1", "s", "hop"), _bouncing, _across),
    Family("figure-eight", "an eight lying on its side", ("1", "sin", "sin2"), _figure_eight, _across),
)
