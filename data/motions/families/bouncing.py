"""A ball that bounces along: p = c + u s + h hop, one parabola after the other, each impact slower by the restitution.

The ball is in the air when the clip begins, and hits the floor at least once in it. Rolling resistance and spin are
neglected: the velocity along the floor is the same after an impact.
"""

import numpy as np

from trajvlm.data.motions.families.family import Family, flat, random_rotation
from trajvlm.data.motions.terms import FUNCTIONS, after

_EDGE = 0.1
_LEAST_RESTITUTION = 0.4


def draw(rng: np.random.Generator) -> np.ndarray:
    rotation = random_rotation(rng)
    flight, restitution = rng.uniform(0.35, 1.2), rng.uniform(0.5, 0.95)
    impact = rng.uniform(_EDGE, min(flight, 1 - _EDGE))
    along = rng.uniform(0.0, 1.2) * rotation[0]
    return flat(np.zeros(3), along, rotation[1], flight=flight, impact=impact, restitution=restitution)


def visible(constants: np.ndarray) -> bool:
    # Only the motion after the first impact tells it from a throw.
    after = FUNCTIONS["hop"].values(np.linspace(constants[-2], 1, 17), *constants[-3:, None]).max()
    return bool(after * np.linalg.norm(constants[6:8]) > 0.15)


def possible(constants: np.ndarray) -> np.ndarray:
    """Clip to an impact within the clip and a restitution of 0.4 to 1. With less the ball hardly rises after an impact,
    and a fit could take a hand in the first frame for a flight."""
    out = np.array(constants, dtype=float)
    out[-2:] = np.clip(out[-2:], (_EDGE, _LEAST_RESTITUTION), (1 - _EDGE, 1.0))
    return out


FAMILY = Family("bouncing", "a ball that bounces", ("1", "s", "hop"), draw, visible, possible)


def with_impacts(count: int) -> Family:
    """A flight whose velocity jumps at so many impacts, each as it likes: what a ball on a real floor does, which spins
    and loses another part of its speed each time. Used where constants are measured on a video's pixels."""
    jumps = tuple(after(k) for k in range(1, count + 1))
    return Family(FAMILY.name, FAMILY.meaning, ("1", "s", "s2", *jumps), draw)


def speeds_at_impacts(family: Family, constants: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Speeds (impacts,) before and after each impact of such a flight, relative to the floor.

    They are those against and along the opposite of its acceleration, from constants in any plane or space. Seen
    aslant, the way along the floor has a part in that direction; where there are several impacts, the line through
    their places tells how much, and it is taken off.
    """
    vectors, times = family.vectors(constants), family.inside(constants)
    up = -vectors[2] / (np.linalg.norm(vectors[2]) + 1e-12)
    jumps = vectors[3:] @ up
    rising = (vectors[1] + 2 * vectors[2] * (2 * times[:, None] - 1)) @ up + np.cumsum(jumps)
    if len(times) > 1:
        heights = family.design(times, times) @ vectors @ up
        # Speeds are those of s = 2 t - 1.
        rising = rising - np.polyfit(2 * times - 1, heights, 1)[0]
    return jumps - rising, rising
