"""What is drawn in the wider world: none to four movers of any shape, what holds them, what hides them, the nuisances.

A world is reproducible from `(seed, index)` alone. Lengths are in half widths of the picture; times are clip times.
"""

from dataclasses import dataclass, replace

import numpy as np

from trajvlm.data.rendered.nuisances import Nuisances
from trajvlm.data.rendered.paths import IRREGULAR, OPEN, PHASES, SUMS, TIMES, TOLD, TRAINED, draw_path
from trajvlm.data.rendered.phases import Course, Phase
from trajvlm.data.rendered.scene import backdrop_mean, standing_out
from trajvlm.data.rendered.sealed import refuse
from trajvlm.data.rendered.shapes import DRAWN, GRID, Shape, draw_shape
from trajvlm.data.rendered.sums import Sum

_TRIES = 60
_EVERY = 8
"""Each so many points of a path are looked at when it is framed."""
_SLIM = {"bar", "star", "hand", "ring", "silhouette"}
"""Shapes that are nothing but a line where they are small."""
_SKINS = np.array([[0.93, 0.76, 0.65], [0.78, 0.57, 0.44], [0.55, 0.38, 0.28], [0.33, 0.22, 0.16]])
_CLOSE = 0.45
"""Largest depth, as a part of the focal length."""


@dataclass(frozen=True)
class WorldSettings:
    """Ranges that worlds are drawn from."""

    movers: tuple[float, ...] = (0.08, 0.52, 0.25, 0.15)
    """Shares of worlds with no mover, one, two and so on."""
    shapes: tuple[str, ...] = tuple(DRAWN)
    balls: float = 0.35
    """Share of the movers that are balls, whatever else there is."""
    paths: tuple[str, ...] = tuple(TRAINED)
    strength: tuple[float, float] = (0.0, 0.8)
    """As in `trajvlm.data.rendered.scene.SceneSettings`, which has these four too."""
    crowded: float = 0.4
    exactly: Nuisances | None = None
    filmed: float = 0.5
    radius: tuple[float, float] = (0.05, 0.33)
    focal: tuple[float, float] = (2.0, 10.0)
    fill: tuple[float, float] = (0.6, 0.92)
    """Share of the picture that the first mover's path spans."""
    leaving: float = 0.15
    """Share of the worlds in which the first mover is outside the picture for a while."""
    pausing: float = 0.2
    """Share of the movers that start late or stop early."""
    jitter: float = 0.1
    """Share of the movers whose place has an error of its own in each frame, of up to `jitter_size`."""
    jitter_size: float = 2 / 32
    colliding: float = 0.25
    """Share of the worlds with two movers or more in which two of them run into each other."""

    def __post_init__(self):
        if abs(sum(self.movers) - 1) > 1e-6 or min(self.movers) < 0:
            raise ValueError(f"shares of worlds with so many movers add up to 1, not {self.movers}")


@dataclass(frozen=True, eq=False)
class Mover:
    """One thing that moves, and how it looks."""

    kind: str
    """Of its path, as in `trajvlm.data.rendered.paths.KINDS`, or "collision" or "sway"."""
    shape: Shape
    path: np.ndarray
    """(513, 3) at `paths.TIMES`: u, v, apparent radius."""
    turn: np.ndarray
    """(513,) angle by which it is turned to the left, in radians."""
    colour: np.ndarray
    """(3,) in [0, 1]."""
    albedo: np.ndarray
    """(GRID, GRID) float32: brightness of its surface."""
    light: np.ndarray | None
    """(3,) unit vector towards the light where it is round; None where it is flat."""
    ambient: float
    jitter: float = 0.0
    """Standard deviation of an error of its place, its own in each frame."""
    course: Course | None = None
    """What it does in clip time, in the frame of the camera; None where no equations are known."""
    view: tuple[float, float, float] = (np.inf, 0.0, 0.0)
    """How a place of the course is seen: focal length f, and a shift (u, v) of the picture of it. (x, y, z) is at
    x f / (f - z) + u, y f / (f - z) + v, or at x + u, y + v where f is infinite."""

    def at(self, times: np.ndarray) -> np.ndarray:
        """(..., 4): u, v, radius and turn at clip times (...)."""
        columns = (*self.path.T, self.turn)
        return np.stack([np.interp(times, TIMES, column) for column in columns], axis=-1)


@dataclass(frozen=True)
class Arm:
    """A forearm from outside the picture, whose hand holds a mover for a while."""

    mover: int
    angle: float
    """In which direction it lies, seen from the hand."""
    width: float
    holds: tuple[float, float]
    """Clip times between which the hand is at the mover."""
    colour: tuple[float, float, float]
    in_front: bool


@dataclass(frozen=True)
class Rod:
    """A rod or a string from a mover to a place that stands still."""

    mover: int
    pivot: tuple[float, float]
    half_width: float
    colour: tuple[float, float, float]


@dataclass(frozen=True)
class World:
    """One drawn world."""

    movers: tuple[Mover, ...]
    """From the front to the back."""
    swaying: tuple[Mover, ...]
    """What moves a little in the background."""
    arms: tuple[Arm, ...]
    rods: tuple[Rod, ...]
    nuisances: Nuisances
    backdrop_seed: int
    filmed: bool
    nuisance_seed: int


def draw_world(settings: WorldSettings, seed: int, index: int) -> World:
    """The world number `index` of the stream `seed`; raises UserError where that stream is sealed."""
    refuse(seed)
    rng = np.random.default_rng([seed, index])
    count = int(rng.choice(len(settings.movers), p=settings.movers))
    level = rng.uniform(*settings.strength)
    nuisances = settings.exactly or (Nuisances.crowded if rng.random() < settings.crowded else Nuisances.draw)(
        rng, level
    )
    filmed = bool(rng.random() < settings.filmed)
    backdrop_seed = int(rng.integers(2**31))
    look = _Look(backdrop_mean(backdrop_seed, filmed), nuisances.contrast, filmed)
    movers = _movers(settings, count, look, rng)
    return World(
        movers=movers,
        swaying=_swaying(settings, nuisances, look, rng) if nuisances.distractors else (),
        arms=_arms(movers, nuisances, rng),
        rods=_rods(movers, nuisances, rng),
        nuisances=nuisances,
        backdrop_seed=backdrop_seed,
        filmed=filmed,
        nuisance_seed=int(rng.integers(2**31)),
    )


@dataclass(frozen=True)
class _Look:
    """What a mover's colour has to stand out from."""

    mean: np.ndarray
    low_contrast: float
    filmed: bool

    def colour(self, rng: np.random.Generator) -> np.ndarray:
        return standing_out(rng, self.mean, self.low_contrast, self.filmed)


def _movers(settings: WorldSettings, count: int, look: _Look, rng: np.random.Generator) -> tuple[Mover, ...]:
    if count >= 2 and rng.random() < settings.colliding:
        sizes = _radius(settings, rng, "ball") * 0.7, _radius(settings, rng, "ball") * 0.7
        movers = [
            replace(_dressed(settings, "collision", path, look, rng, "ball"), course=course)
            for path, course in collision(sizes, rng)
        ]
    else:
        movers = []
    while len(movers) < count:
        movers.append(_mover(settings, look, rng, first=not movers, crowd=count))
    order = rng.permutation(count)
    return tuple(movers[k] for k in order)


def _mover(settings: WorldSettings, look: _Look, rng: np.random.Generator, first: bool, crowd: int) -> Mover:
    kind = _path_kind(settings, rng)
    shape = "ball" if rng.random() < settings.balls else settings.shapes[rng.integers(len(settings.shapes))]
    for _ in range(_TRIES):
        radius = _radius(settings, rng, shape) / (1.0 if crowd < 2 else 1.4)
        focal = float(np.exp(rng.uniform(*np.log(settings.focal))))
        fill = rng.uniform(*settings.fill) if first else rng.uniform(0.15, 0.9)
        if first and rng.random() < settings.leaving:
            fill *= rng.uniform(1.2, 2.0)
        points, course = draw_path(kind, rng)
        placed = _placed(points, radius, focal, fill)
        if placed is not None:
            path = _seen(placed, radius, focal)
            break
    else:
        raise RuntimeError(f"no path of kind {kind} could be framed in {_TRIES} tries")
    shift = np.zeros(2)
    if not first:
        shift = rng.uniform(-0.7, 0.7, 2) - path[:, :2].mean(axis=0)
        path[:, :2] += shift
    if course is not None:
        course = course.moved(*_moved(points, placed))
    if rng.random() < settings.pausing:
        start, stop = rng.uniform(0, 0.5), rng.uniform(0.6, 1.2)
        if stop - start > 0.3:
            path = _warped(path, start, stop)
            course = course and course.retimed(-start / (stop - start), 1 / (stop - start))
    dressed = _dressed(settings, kind, path, look, rng, shape)
    return replace(dressed, course=course, view=(focal, float(shift[0]), float(shift[1])))


def _path_kind(settings: WorldSettings, rng: np.random.Generator) -> str:
    """Families half of the time; the rest is shared out among the other groups."""
    sums, phases = SUMS | OPEN, PHASES | TOLD
    groups = [
        [k for k in settings.paths if k not in sums and k not in IRREGULAR and k not in phases],
        # What stands for all sums counts as much as all others together.
        [k for k in settings.paths if k in sums for _ in range(len(SUMS) if k in OPEN else 1)],
        [k for k in settings.paths if k in IRREGULAR],
        [k for k in settings.paths if k in phases],
    ]
    shares = np.array([0.5, 0.18, 0.17, 0.15]) * [bool(g) for g in groups]
    group = groups[rng.choice(4, p=shares / shares.sum())]
    return group[rng.integers(len(group))]


def _radius(settings: WorldSettings, rng: np.random.Generator, shape: str) -> float:
    low, high = settings.radius
    return float(np.exp(rng.uniform(np.log(2 * low if shape in _SLIM else low), np.log(high))))


def framed(points: np.ndarray, radius: float, focal: float, fill: float) -> np.ndarray | None:
    """A path (513, 3) as a camera sees it that was aimed and zoomed until it fills that share of the picture.

    Args:
        radius: of the thing, in half widths at the mean depth.

    Returns:
        (513, 3) u, v and apparent radius; None where the path runs along the line of sight, or into the camera.
    """
    placed = _placed(points, radius, focal, fill)
    return None if placed is None else _seen(placed, radius, focal)


def _placed(points: np.ndarray, radius: float, focal: float, fill: float) -> np.ndarray | None:
    """The path (513, 3) in the frame of that camera."""
    points = points - points.mean(axis=0)
    spread = np.abs(points[:, :2]).max()
    if spread < 1e-6:
        return None
    points = points * (fill / spread)
    for _ in range(8):
        if np.abs(points[:, 2]).max() > 0.6 * focal:
            return None
        few = points[::_EVERY]
        scale = focal / (focal - few[:, 2:])
        uv = few[:, :2] * scale
        low, high = (uv - radius * scale).min(axis=0), (uv + radius * scale).max(axis=0)
        grow = (2 * fill - 2 * radius) / max((high - low).max() - 2 * radius, 1e-3)
        points = points * min(max(grow, 0.5), 2.0)
        points[:, :2] -= (low + high) / 2 * min(max(grow, 0.5), 2.0)
    if grow <= 0 or abs(grow - 1) > 0.1 or np.abs(points[:, 2]).max() > _CLOSE * focal:
        return None
    return points


def _seen(points: np.ndarray, radius: float, focal: float) -> np.ndarray:
    """(513, 3) u, v and apparent radius of a path in the camera's frame."""
    scale = focal / (focal - points[:, 2:])
    return np.concatenate([points[:, :2] * scale, radius * scale], axis=-1)


def _moved(points: np.ndarray, placed: np.ndarray) -> tuple[float, np.ndarray]:
    """The factor and the shift (3,) that brought a path (513, 3) to its place."""
    axis = int(np.ptp(points, axis=0).argmax())
    low, high = points[:, axis].argmin(), points[:, axis].argmax()
    scale = float((placed[high, axis] - placed[low, axis]) / (points[high, axis] - points[low, axis]))
    return scale, placed[low] - scale * points[low]


def _warped(path: np.ndarray, start: float, stop: float) -> np.ndarray:
    """The same path, at rest before `start` and after `stop`."""
    when = ((TIMES - start) / (stop - start)).clip(0, 1)
    return np.stack([np.interp(when, TIMES, column) for column in path.T], axis=-1)


def collision(radii: tuple[float, float], rng: np.random.Generator) -> list[tuple[np.ndarray, Course]]:
    """Paths (513, 3) and courses of two discs that run into each other and rebound, as heavy as they are large."""
    when, place, angle = rng.uniform(0.25, 0.75), rng.uniform(-0.3, 0.3, 2), rng.uniform(0, 2 * np.pi)
    normal = np.array([np.cos(angle), np.sin(angle)])
    mass = np.square(radii)
    along, across = rng.uniform(0.4, 1.6, 2) * (1, -1), rng.normal(0, 0.5, 2)
    before = [a * normal + b * np.array([-normal[1], normal[0]]) for a, b in zip(along, across)]
    push = (1 + rng.uniform(0.5, 1.0)) * (along[0] - along[1]) * mass[0] * mass[1] / mass.sum()
    found = []
    for radius, m, side, velocity in zip(radii, mass, (1, -1), before):
        after = velocity - side * push / m * normal
        at_contact = place - side * radius * normal
        since = (TIMES - when)[:, None]
        centre = at_contact + np.where(since < 0, velocity, after) * since
        found.append(
            (
                np.concatenate([centre, np.full((len(TIMES), 1), radius)], axis=-1),
                Course((_straight(0.0, when, centre[0], velocity), _straight(when, 1.0, at_contact, after))),
            )
        )
    return found


def _straight(start: float, stop: float, place: np.ndarray, velocity: np.ndarray) -> Phase:
    """From a place (2,) on at a velocity (2,)."""
    lasts = stop - start
    motion = Sum.polynomial(np.append(place, 0.0), np.append(velocity * lasts, 0.0), np.zeros(3))
    return Phase("linear", start, stop, motion, (start, lasts))


def _dressed(
    settings: WorldSettings, kind: str, path: np.ndarray, look: _Look, rng: np.random.Generator, shape: str
) -> Mover:
    """A path with something that moves along it."""
    light = np.array([rng.normal(), abs(rng.normal()) + 0.3, abs(rng.normal()) + 0.5])
    round_ = rng.random() < (0.8 if shape in ("ball", "egg", "blob") else 0.3)
    jittery = rng.random() < settings.jitter
    return Mover(
        kind=kind,
        shape=draw_shape(shape, rng),
        path=path,
        turn=_turning(path, rng),
        colour=look.colour(rng),
        albedo=_albedo(rng),
        light=light / np.linalg.norm(light) if round_ else None,
        ambient=rng.uniform(0.35, 0.9),
        jitter=rng.uniform(0, settings.jitter_size) if jittery else 0.0,
    )


def _turning(path: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    first = rng.uniform(0, 2 * np.pi)
    way = rng.choice(["not", "evenly", "along"], p=[0.4, 0.4, 0.2])
    if way == "along":
        velocity = np.gradient(path[:, :2], axis=0)
        return first + np.unwrap(np.arctan2(velocity[:, 1], velocity[:, 0]))
    return first + (way == "evenly") * rng.normal(0, 5) * TIMES


def _albedo(rng: np.random.Generator) -> np.ndarray:
    """A surface of one brightness, of two halves, striped, or mottled."""
    axis = np.linspace(-1, 1, GRID)
    contrast = rng.uniform(0.1, 0.6)
    pattern = rng.choice(["even", "halves", "stripes", "mottled"], p=[0.5, 0.15, 0.15, 0.2])
    dark: np.ndarray
    if pattern == "halves":
        dark = np.broadcast_to(axis > rng.uniform(-0.4, 0.4), (GRID, GRID))
    elif pattern == "stripes":
        dark = np.broadcast_to(np.sin(axis * rng.uniform(4, 9)) > 0, (GRID, GRID))
    elif pattern == "mottled":
        dark = np.kron(rng.uniform(0, 1, (8, 8)), np.ones((GRID // 8, GRID // 8)))
    else:
        dark = np.zeros((GRID, GRID))
    return (1 - contrast * dark).astype(np.float32)


def _swaying(settings: WorldSettings, nuisances: Nuisances, look: _Look, rng: np.random.Generator) -> tuple[Mover, ...]:
    """Branches, a curtain, somebody in the background."""
    place, sway = rng.uniform(-0.9, 0.9, 2), rng.choice([-1, 1], 2) * rng.uniform(0.03, 0.15, 2)
    wave = np.sin(2 * np.pi * (rng.uniform(0.2, 1.2) * TIMES + rng.uniform()))
    radius = 0.06 + nuisances.distractors * rng.uniform(0.0, 0.25)
    path = np.concatenate([place + wave[:, None] * sway, np.full((len(TIMES), 1), radius)], axis=-1)
    thing = _dressed(settings, "sway", path, look, rng, settings.shapes[rng.integers(len(settings.shapes))])
    return (thing,)


def _arms(movers: tuple[Mover, ...], nuisances: Nuisances, rng: np.random.Generator) -> tuple[Arm, ...]:
    """A hand lets go of a mover, or catches it, or carries it all the time."""
    arms = []
    for k, mover in enumerate(movers):
        for holds in _held(mover, nuisances, rng):
            skin = rng.choice(_SKINS)
            arms.append(
                Arm(
                    mover=k,
                    angle=rng.uniform(0, 2 * np.pi),
                    width=max(0.05, float(mover.path[0, 2])) * (0.5 + nuisances.hand * rng.uniform(0, 0.8)),
                    holds=holds,
                    colour=tuple((skin * rng.uniform(0.7, 1.05)).clip(0, 1)),
                    in_front=bool(rng.random() < 0.3),
                )
            )
    return tuple(arms[:2])


def _held(mover: Mover, nuisances: Nuisances, rng: np.random.Generator) -> list[tuple[float, float]]:
    """The clip times from and to which a hand has a mover, each for an arm of its own."""
    if mover.kind in TOLD and mover.course is not None:
        spans = [(-1.0 if start <= 0 else start, 2.0 if stop >= 1 else stop) for start, stop in mover.course.by_hand]
        return [span for span in spans if rng.random() < 0.85]
    held = mover.kind == "carried" and rng.random() < 0.6
    released = (mover.kind == "thrown" or nuisances.hand > 0) and rng.random() < 0.5
    caught = mover.kind == "thrown" and rng.random() < 0.3
    starts, stops = _moving(mover)
    if not (held or released or caught):
        return []
    return [(-1.0, 2.0) if held else (-1.0, starts + rng.uniform(0, 0.06)) if released else (stops, 2.0)]


def _moving(mover: Mover) -> tuple[float, float]:
    """Clip times at which a mover starts and stops; both 1 where it rests from the first to the last."""
    moved = np.flatnonzero(np.abs(np.diff(mover.path, axis=0)).max(axis=1) > 1e-9)
    if not len(moved):
        return 1.0, 1.0
    return float(TIMES[moved[0]]), float(TIMES[moved[-1] + 1])


def _rods(movers: tuple[Mover, ...], nuisances: Nuisances, rng: np.random.Generator) -> tuple[Rod, ...]:
    rods = []
    for k, mover in enumerate(movers):
        if mover.kind == "stopped swing" and mover.course is not None:
            focal, *shift = mover.view
            x, y, z = next(points[0] for name, points in mover.course.props if name == "pivot")
            pivot = np.array([x, y]) / (1 - z / focal) + shift
            rods.append(Rod(k, tuple(pivot), max(0.004, 0.02 * rng.uniform(0.1, 1.0)), (rng.uniform(0.02, 0.98),) * 3))
            continue
        swings = mover.kind in ("oscillating", "damped", "large swing")
        if rng.random() >= (0.6 if swings else 0.5 if nuisances.tether else 0.0):
            continue
        pivot = mover.path[:, :2].mean(axis=0) + (rng.normal(0, 0.3), 0)
        if mover.kind != "large swing":
            pivot[1] = mover.path[:, 1].max() + rng.uniform(0.2, 1.5)
        half = max(0.004, 0.04 * max(nuisances.tether, 0.3) * rng.uniform(0.1, 1.0))
        rods.append(Rod(k, tuple(pivot), half, tuple(rng.uniform(0.02, 0.98) * np.ones(3))))
    return tuple(rods)
