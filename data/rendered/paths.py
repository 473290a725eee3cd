"""Paths through space: the families of motion, sums of functions of time that are none of them, and irregular ones.

A path is a table of positions at `TIMES`, in any unit; what draws it frames it. Names of kinds that trainings never
draw stand in `NEVER_TRAINED`.
"""

from collections.abc import Callable

import numpy as np
from scipy.interpolate import CubicSpline

from trajvlm.data.motions.families import FAMILIES, MOTIONS
from trajvlm.data.motions.families.family import random_rotation
from trajvlm.data.rendered.phases import SCRIPTS, Course
from trajvlm.data.rendered.sums import Sum, draw_sum

TIMES = np.linspace(0.0, 1.0, 513)
"""Clip times of a path's table. Between them it is read linearly: off by less than a hundredth of a pixel of 64."""


def drag(rng: np.random.Generator) -> np.ndarray:
    """Thrown through something that slows it down: a velocity that fades, and a pull."""
    rotation, fading = random_rotation(rng), rng.uniform(1.0, 5.0)
    slowing = (1 - np.exp(-fading * TIMES)) / fading
    pull = (TIMES - slowing) / fading
    return slowing[:, None] * rotation[0] + rng.uniform(0, 3) * pull[:, None] * rotation[1]


def slowing_circle(rng: np.random.Generator) -> np.ndarray:
    """A circle whose frequency changes evenly, as of a disc that slows down."""
    rotation, turns = random_rotation(rng), rng.uniform(0.8, 2.2)
    change = rng.choice([-1, 1]) * rng.uniform(0.25, 0.9)
    angle = rng.uniform(0, 2 * np.pi) + 2 * np.pi * turns * (TIMES + change * TIMES * (TIMES - 1))
    return np.cos(angle)[:, None] * rotation[0] + np.sin(angle)[:, None] * rotation[1]


def ellipse(rng: np.random.Generator) -> np.ndarray:
    rotation, turns = random_rotation(rng), rng.uniform(0.6, 2.2)
    angle = rng.uniform(0, 2 * np.pi) + rng.choice([-1, 1]) * 2 * np.pi * turns * TIMES
    return np.cos(angle)[:, None] * rotation[0] + rng.uniform(0.15, 0.8) * np.sin(angle)[:, None] * rotation[1]


def overtone(rng: np.random.Generator) -> np.ndarray:
    """Two frequencies along one line, the second a multiple of the first."""
    line, turns, multiple = random_rotation(rng)[0], rng.uniform(0.6, 1.5), rng.integers(2, 4)
    first, second = rng.uniform(0, 2 * np.pi, 2)
    wave = np.sin(2 * np.pi * turns * TIMES + first)
    return (wave + rng.uniform(0.2, 0.8) * np.sin(2 * np.pi * multiple * turns * TIMES + second))[:, None] * line


def large_swing(rng: np.random.Generator) -> np.ndarray:
    """A pendulum on an arc of 40 to 150 degrees to each side, by the leapfrog method."""
    step, swing, speed = TIMES[1] - TIMES[0], np.radians(rng.uniform(40, 150)) * rng.choice([-1, 1]), 0.0
    stiffness = (2 * np.pi * rng.uniform(0.6, 2.0)) ** 2
    angles = np.empty_like(TIMES)
    for k in range(len(TIMES)):
        angles[k] = swing
        speed -= step * stiffness * np.sin(swing)
        swing += step * speed
    return np.stack([np.sin(angles), -np.cos(angles), rng.normal(0, 0.1) * np.sin(angles)], axis=-1)


def drifting_wave(rng: np.random.Generator) -> np.ndarray:
    """A swing along one line while everything moves along another."""
    rotation = random_rotation(rng)
    wave = np.sin(2 * np.pi * rng.uniform(0.8, 2.5) * TIMES + rng.uniform(0, 2 * np.pi))
    return TIMES[:, None] * rotation[0] * rng.uniform(1, 3) + rng.uniform(0.3, 1) * wave[:, None] * rotation[1]


def spline(rng: np.random.Generator) -> np.ndarray:
    """A smooth curve through a few random points."""
    knots = int(rng.integers(4, 9))
    points = rng.normal(size=(knots, 3)) * [1, 1, 0.3]
    return CubicSpline(np.linspace(0, 1, knots), points)(TIMES)


def carried(rng: np.random.Generator) -> np.ndarray:
    """As a hand carries something about: slow waves of many frequencies."""
    waves = np.arange(1, 7)
    size = rng.normal(size=(len(waves), 3)) * [1, 1, 0.3] / waves[:, None] ** 1.5
    phase = rng.uniform(0, 2 * np.pi, (len(waves), 3))
    return (size * np.sin(np.pi * waves[:, None] * TIMES[:, None, None] * rng.uniform(0.5, 1.2) + phase)).sum(axis=1)


def walk(rng: np.random.Generator) -> np.ndarray:
    """A random walk: a step of its own from each frame to the next."""
    steps = np.cumsum(rng.normal(size=(18, 3)) * [1, 1, 0.1], axis=0)
    return np.stack([np.interp(TIMES, np.linspace(0, 1, 18), column) for column in steps.T], axis=-1)


def jumps(rng: np.random.Generator) -> np.ndarray:
    """It stands, and is somewhere else; two to five times."""
    places = rng.normal(size=(int(rng.integers(3, 7)), 3)) * [1, 1, 0.1]
    bounds = np.sort(rng.uniform(0, 1, len(places) - 1))
    return places[np.searchsorted(bounds, TIMES)]


def thrown(rng: np.random.Generator) -> np.ndarray:
    """Rest, flight, bounces on a floor, rolling: one after the other, and cut anywhere."""
    step, gravity = TIMES[1] - TIMES[0], rng.uniform(6, 25)
    released = rng.uniform(0, 0.4) * (rng.random() < 0.5)
    place, speed = np.array([0.0, rng.uniform(0.3, 1.5)]), np.array([rng.uniform(-3, 3), rng.uniform(-1, 5)])
    restitution, friction = rng.uniform(0.3, 0.85), rng.uniform(0, 3)
    caught = rng.uniform(0.6, 1.0) if rng.random() < 0.3 else 2.0
    path = np.zeros((len(TIMES), 3))
    for k, t in enumerate(TIMES):
        path[k, :2] = place
        if not released <= t < caught:
            continue
        speed[1] -= step * gravity
        place = place + step * speed
        if place[1] < 0:
            place[1], speed[1] = -place[1] * restitution, -speed[1] * restitution
            if speed[1] < 1.5 * step * gravity:
                place[1] = speed[1] = 0.0
        if place[1] == 0.0:
            speed[0] *= np.exp(-friction * step)
    return path


def _family(name: str) -> Callable[[np.random.Generator], Course]:
    return lambda rng: Course.of(Sum.of_family(name, MOTIONS[name].draw(rng)), kind=name)


def _any_sum(rng: np.random.Generator) -> Course:
    return Course.of(draw_sum(rng), kind="sum")


def _told(script: Callable[[np.random.Generator], Course]) -> Callable[[np.random.Generator], Course]:
    """A script seen more or less from the side, and cut anywhere."""

    def draw(rng: np.random.Generator) -> Course:
        course = script(rng).moved(upright(rng))
        first, last = rng.uniform(0, 0.3) * (rng.random() < 0.6), rng.uniform(0.6, 1.0)
        return course.retimed(first * course.stop, (last - first) * course.stop).cut(0.0, 1.0)

    return draw


def upright(rng: np.random.Generator, spread: float = 0.35) -> np.ndarray:
    """A rotation matrix under which what was upright nearly is: turned about the upright axis by so many radians
    (standard deviation), pitched and rolled by a few degrees."""
    (cy, cp, cr), (sy, sp, sr) = (f(rng.normal(0, (spread, 0.1, 0.03))) for f in (np.cos, np.sin))
    yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return roll @ pitch @ yaw


def cycloid(rng: np.random.Generator) -> np.ndarray:
    turns, size = rng.uniform(0.8, 2.0), rng.uniform(0.5, 1.5)
    angle = 2 * np.pi * turns * TIMES
    return np.stack([angle - size * np.sin(angle), -size * np.cos(angle), 0 * angle], axis=-1)


def two_frequencies(rng: np.random.Generator) -> np.ndarray:
    rotation, first = random_rotation(rng), rng.uniform(0.7, 1.5)
    second = first * rng.uniform(1.2, 2.8)
    phases = rng.uniform(0, 2 * np.pi, 2)
    waves = [np.sin(2 * np.pi * f * TIMES + p) for f, p in zip((first, second), phases)]
    return waves[0][:, None] * rotation[0] + waves[1][:, None] * rotation[1]


def fading_drifting_circle(rng: np.random.Generator) -> np.ndarray:
    rotation, angle = random_rotation(rng), 2 * np.pi * rng.uniform(0.8, 2.0) * TIMES
    circle = np.cos(angle)[:, None] * rotation[0] + np.sin(angle)[:, None] * rotation[1]
    return np.exp(-rng.uniform(0.8, 2) * TIMES)[:, None] * circle + rng.uniform(1, 3) * TIMES[:, None] * rotation[2]


SUMS = {
    "drag": drag,
    "slowing circle": slowing_circle,
    "ellipse": ellipse,
    "overtone": overtone,
    "large swing": large_swing,
    "drifting wave": drifting_wave,
}
"""Sums of functions of time that are no family."""
IRREGULAR = {"spline": spline, "carried": carried, "walk": walk, "jumps": jumps}
"""What no equation describes."""
PHASES = {"thrown": thrown}
"""Several motions, one after the other."""
NEVER_TRAINED: dict[str, Callable] = {
    "cycloid": cycloid,
    "figure-eight": _family("figure-eight"),
    "two frequencies": two_frequencies,
    "fading drifting circle": fading_drifting_circle,
}
"""Held back: an evaluation asks whether a network can see, and say, what it was never shown."""
TRAINED: dict[str, Callable] = {name: _family(name) for name in FAMILIES} | SUMS | IRREGULAR | PHASES
OPEN = {"sum": _any_sum}
"""Any sum of functions of time that trainings may draw."""
TOLD = {name: _told(script) for name, script in SCRIPTS.items()}
"""Several motions, one after the other, of which each one's window and equation are known."""
WIDER = TRAINED | OPEN | TOLD
"""All that trainings may draw. `TRAINED` is what they drew before there were the others."""
KINDS = WIDER | NEVER_TRAINED


def draw_path(kind: str, rng: np.random.Generator) -> tuple[np.ndarray, Course | None]:
    """A path of a kind in `KINDS`, in any unit: positions (513, 3) at `TIMES`, and its course where one is known."""
    drawn = KINDS[kind](rng)
    return (drawn.positions(TIMES), drawn) if isinstance(drawn, Course) else (drawn, None)
