"""What happens in front of the camera in a video file: things that move, when, and what there is before and after.

Lengths are in any unit, times in seconds of the file. Whoever draws an event brings each group of courses to a place in
the picture.
"""

from dataclasses import dataclass, replace

import numpy as np

from trajvlm.data.motions.families import FAMILIES, MOTIONS
from trajvlm.data.motions.families.family import random_rotation
from trajvlm.data.rendered.paths import carried, spline, upright
from trajvlm.data.rendered.phases import GRAVITY, SCRIPTS, Course, Phase, Telling
from trajvlm.data.rendered.sums import Sum
from trajvlm.data.rendered.videos.suites import VideoSuite

_BEYOND = 4.0
"""So many times its own length a throw or a straight way is followed before it comes into the picture, or after."""
_SWINGS = ("oscillating", "damped")
_TURNS = ("circular", "helical", "spiral")
_UNENDING = ("linear", "parabolic")
_LANDS = ("linear", "parabolic", "bouncing")
_SECONDS = {
    "linear": (0.5, 3.0),
    "parabolic": (0.4, 1.1),
    "circular": (0.8, 4.0),
    "helical": (0.8, 4.0),
    "spiral": (1.0, 4.0),
    "bouncing": (0.9, 2.5),
}
_ENOUGH = 11
"""Frames that a motion lasts at least, at the lowest rate of its suite."""
_TRIES = 200


@dataclass(frozen=True, eq=False)
class Group:
    """Courses that keep their places relative to each other."""

    courses: tuple[Course, ...]
    keys: np.ndarray
    """(T,) times at which they have to be in the picture."""
    lasts: float
    """Seconds until all of it is over."""
    sizes: tuple[float, ...] = (1.0,)
    """Of the things, relative to the radius that is drawn for the group."""
    radius: float | None = None
    """That radius, where the motion depends on it, in the courses' own unit."""


@dataclass(frozen=True, eq=False)
class Event:
    """All that happens in one file."""

    shows: str
    """"one", "several", "irregular" or "nothing"."""
    groups: tuple[Group, ...]
    lasts: float
    """Seconds of the file."""


def draw_event(suite: VideoSuite, index: int, rate: float, by_hand: bool, rng: np.random.Generator) -> Event:
    """What happens in the file number `index` of a suite.

    Args:
        rate: frames a second, of which a motion has to last some.
        by_hand: whether hands may be in it.
    """
    if suite.content == "families":
        group = _of_family(list(FAMILIES)[index % len(FAMILIES)], by_hand, _ENOUGH / rate, rng)
    elif suite.content == "scripts":
        group = _of_script(list(SCRIPTS)[index % len(SCRIPTS)], rng)
    else:
        return {"several": _several, "irregular": _irregular, "long": _long}[suite.content](index, suite, rng)
    return Event("one", (group,), _filmed(group.lasts, suite))


def _filmed(lasts: float, suite: VideoSuite) -> float:
    """A length that people film."""
    return float(np.clip(lasts, 1.0, suite.longest))


def _of_family(name: str, by_hand: bool, shortest: float, rng: np.random.Generator) -> Group:
    """One motion of a family, and what comes before and after it."""
    held = by_hand and name not in _TURNS and rng.random() < 0.7
    still = name in (*_SWINGS, *_UNENDING) and not held and rng.random() < (0.5 if name in _SWINGS else 0.2)
    motion, lasts = _free_motion(name, held or still, shortest, rng)
    step = 1e-4
    velocities = [
        (motion.positions(np.array([at + step])) - motion.positions(np.array([at - step])))[0] / (2 * step * lasts)
        for at in (0.0, 1.0)
    ]
    told = Telling(motion.positions(np.zeros(1))[0])
    start = rng.uniform(0.2, 2.0)
    if held:
        speed = rng.uniform(0.1, 0.3)
        told.place = told.place - velocities[0] * speed / 2
        told.stays("held", start)
        if np.abs(velocities[0]).max() > 1e-6:
            told.gathers_speed(velocities[0], speed)
    elif still:
        told.stays("at rest", start)
    enters = not held and not still and name in _UNENDING and rng.random() < 0.5
    begins = told.time or (rng.uniform(0.0, 2.0) if enters else 0.0)
    leaves = name in _UNENDING and rng.random() < 0.4
    early, late = enters * _BEYOND * lasts, leaves * _BEYOND * lasts
    told.phases.append(Phase(name, begins - early, begins + lasts + late, motion, (begins, lasts)))
    told.place, told.velocity, told.time = motion.positions(np.ones(1))[0], velocities[1], begins + lasts
    ends = told.time
    if leaves:
        ends += rng.uniform(0.0, 2.0)
    elif held and rng.random() < 0.5:
        told.is_caught(rng.uniform(0.08, 0.2)).stays("held", rng.uniform(0.2, 1.5))
        ends = told.time
    elif (name in ("linear", "bouncing") or velocities[1][1] < 0) and name in _LANDS and rng.random() < 0.4:
        if name == "parabolic":
            told.props.append(("table", told.place + np.array([[-0.4, 0, 0], [0.4, 0, 0]])))
        told.stays("at rest", rng.uniform(0.2, 1.5))
        ends = told.time
    if name in _SWINGS and rng.random() < 0.75:
        # Above the middle of the swing, so far that the arc is as good as a line.
        reach = np.linalg.norm(motion.vectors[1:], axis=1).max() * rng.uniform(3.0, 12.0)
        told.props.append(("pivot", motion.vectors[:1] + [0, reach, 0]))
    return Group((told.course,), np.linspace(begins, begins + lasts, 80), ends)


def _free_motion(name: str, from_rest: bool, shortest: float, rng: np.random.Generator) -> tuple[Sum, float]:
    """A motion of a family in clip time as one sees it, and how many seconds it lasts."""
    family = MOTIONS[name]
    for _ in range(_TRIES):
        constants = family.draw(rng)
        if name in _SWINGS:
            motion, lasts = _swing(name, max(constants[3:6], constants[6:9], key=np.linalg.norm), from_rest, rng)
        else:
            motion, lasts = Sum.of_family(name, constants), rng.uniform(*_SECONDS[name])
            if name == "parabolic" and from_rest and rng.random() < 0.4:
                motion = Sum.polynomial(np.zeros(3), np.zeros(3), np.array([0, -1.0, 0]))
        turn = _orientation(name, motion, rng)
        motion = motion.moved(turn)
        places = motion.positions(np.linspace(0, 1, 65))
        size, depth = (np.abs(part - part.mean(axis=0)).max() for part in (places[:, :2], places[:, 2]))
        flat = np.concatenate([motion.moved(0.8 / max(size, 1e-6)).vectors.ravel(), list(motion.inner.values())])
        # People don't film what comes straight at them.
        if size > 0.7 * depth and family.visible(flat):
            break
    else:
        raise RuntimeError(f"no {name} motion can be seen in {_TRIES} tries")
    if rng.random() < 0.12:
        # Slow motion comes without a label.
        lasts *= rng.uniform(2.0, 4.0)
    return motion, float(np.clip(lasts, shortest, 8.0))


def _swing(name: str, line: np.ndarray, from_rest: bool, rng: np.random.Generator) -> tuple[Sum, float]:
    turns, period = float(np.exp(rng.uniform(np.log(0.9), np.log(6.0)))), rng.uniform(0.5, 2.0)
    fading = rng.uniform(0.7, 2.2) if name == "damped" else 0.0
    if fading:
        turns = max(turns, 1.5)
    # At rest where the angle is as far past its end as the fading has it.
    phase = -np.arctan2(fading, 2 * np.pi * turns) if from_rest else rng.uniform(0, 2 * np.pi)
    middle, wave = np.pi * turns + phase, "fading " if fading else ""
    direction = line / np.linalg.norm(line)
    vectors = np.array([np.zeros(3), np.cos(middle) * direction, -np.sin(middle) * direction])
    inner = {"turns": turns} | ({"fading": fading} if fading else {})
    return Sum(("1", f"{wave}cos", f"{wave}sin"), vectors, inner), turns * period


def _orientation(name: str, motion: Sum, rng: np.random.Generator) -> np.ndarray:
    """A rotation matrix: what falls falls down, what swings swings to the side, mostly; all else lies anyhow."""
    own = dict(zip(motion.terms, motion.vectors))
    if name in _TURNS or name == "linear" or rng.random() < 0.12:
        return random_rotation(rng)
    side = own.get("s", rng.normal(size=3))
    if name in _SWINGS:
        side, up = max(motion.vectors[1:], key=np.linalg.norm), rng.normal(size=3)
        if rng.random() < 0.2:
            side, up = up, side
    else:
        up = -own["s2"] if name == "parabolic" else own["hop"]
    return upright(rng) @ _facing(up, side)


def _facing(up: np.ndarray, side: np.ndarray) -> np.ndarray:
    """The rotation under which `up` points upwards, and `side` as far to the right as that leaves it."""
    y = up / np.linalg.norm(up)
    x = side - (side @ y) * y
    if np.linalg.norm(x) < 1e-6 * np.linalg.norm(side) or np.linalg.norm(side) == 0:
        x = np.cross(y, np.eye(3)[np.abs(y).argmin()])
    x = x / np.linalg.norm(x)
    return np.array([x, y, np.cross(x, y)])


def _of_script(name: str, rng: np.random.Generator, longest: float = 10.0) -> Group:
    course = SCRIPTS[name](rng).moved(upright(rng, 0.25))
    if rng.random() < 0.1:
        course = course.retimed(0.0, 1 / rng.uniform(2.0, 4.0))
    if rng.random() < 0.3:
        # Filmed from somewhere within it, or up to there.
        first = rng.uniform(0, 0.25) * course.stop
        course = course.retimed(first, 1.0).cut(0.0, rng.uniform(0.7, 1.0) * course.stop)
    course = course.cut(0.0, longest)
    return Group((course,), np.linspace(0, course.stop, 120), course.stop)


def _later(group: Group, by: float) -> Group:
    courses = tuple(course.retimed(-by, 1.0) for course in group.courses)
    return replace(group, courses=courses, keys=group.keys + by, lasts=group.lasts + by)


def _several(index: int, suite: VideoSuite, rng: np.random.Generator) -> Event:
    kind = ("independent", "collision", "independent", "pendulums", "independent", "falling")[index % 6]
    if kind != "independent":
        group = {"collision": _collision, "pendulums": _pendulums, "falling": _falling}[kind](rng)
        return Event("several", (group,), _filmed(group.lasts, suite))
    groups = []
    for _ in range(rng.choice([2, 3, 4], p=[0.6, 0.3, 0.1])):
        if rng.random() < 0.6:
            group = _of_family(str(rng.choice(list(FAMILIES))), rng.random() < 0.4, 0.8, rng)
        else:
            group = _of_script(str(rng.choice(list(SCRIPTS))), rng, 6.0)
        groups.append(_later(replace(group, courses=_bare(group.courses)), rng.uniform(0, 1.0)))
    return Event("several", tuple(groups), _filmed(max(group.lasts for group in groups), suite))


def _bare(courses: tuple[Course, ...]) -> tuple[Course, ...]:
    """Without what they stand on: several floors at several heights fit into no room."""
    return tuple(Course(c.phases, tuple(prop for prop in c.props if prop[0] == "pivot")) for c in courses)


def _collision(rng: np.random.Generator) -> Group:
    """Two balls on a table, seen from above or from the side, run into each other."""
    sizes = np.array([1.0, rng.uniform(0.6, 1.0)])
    radius, mass = rng.uniform(0.06, 0.15), sizes**3
    angle = 0.0 if rng.random() < 0.5 else rng.uniform(0, 2 * np.pi)
    normal, aside = np.array([np.cos(angle), np.sin(angle), 0]), np.array([-np.sin(angle), np.cos(angle), 0])
    along = np.array([rng.uniform(0.5, 1.5), rng.uniform(-1.0, 0.1)])
    across = rng.normal(0, 0.25, 2) * (angle != 0)
    push = (1 + rng.uniform(0.4, 1.0)) * (along[0] - along[1]) / (1 / mass).sum()
    when, ends = rng.uniform(0.6, 1.5), rng.uniform(1.8, 3.5)
    courses = []
    for k, way in enumerate((-1, 1)):
        contact = way * radius * sizes[k] * normal
        before = along[k] * normal + across[k] * aside
        after = before + way * push / mass[k] * normal
        phases = [
            Phase(
                "rolled",
                first,
                last,
                Sum.polynomial(contact + (first - when) * v, v * (last - first), np.zeros(3)),
                (first, last - first),
            )
            for first, last, v in ((0.0, when, before), (when, ends, after))
        ]
        courses.append(Course(tuple(phases)))
    turn = upright(rng, 0.2)
    keys = np.linspace(0.3 * when, ends - 0.3 * (ends - when), 60)
    return Group(tuple(c.moved(turn) for c in courses), keys, ends, tuple(sizes.tolist()), radius)


def _pendulums(rng: np.random.Generator) -> Group:
    """Two or three swings side by side."""
    courses, turn, lasts = [], upright(rng, 0.2), rng.uniform(3.0, 9.0)
    for k in range(rng.choice([2, 3], p=[0.75, 0.25])):
        length, swing = rng.uniform(0.4, 1.0), rng.uniform(0.06, 0.2)
        period, phase = 2 * np.pi * np.sqrt(length / GRAVITY), rng.uniform(0, 2 * np.pi)
        middle = np.pi * lasts / period + phase
        vectors = swing * np.array([[0, 0, 0], [np.cos(middle), 0, 0], [-np.sin(middle), 0, 0]])
        motion = Sum(("1", "cos", "sin"), vectors, {"turns": lasts / period})
        pivot = np.array([[0.0, length, 0.0]])
        swings = Course((Phase("swung", 0.0, lasts, motion, (0.0, lasts)),), (("pivot", pivot),))
        courses.append(swings.moved(1.0, np.array([0.55 * k, 1.0 - length, 0.0])).moved(turn))
    return Group(tuple(courses), np.linspace(0, lasts, 120), lasts, (1.0,) * len(courses))


def _falling(rng: np.random.Generator) -> Group:
    """Several things are let go of together and fall through the air, each as fast as it can."""
    count, lasts, starts = rng.integers(2, 5), rng.uniform(0.7, 1.6), rng.uniform(0.2, 1.0)
    courses = []
    for k in range(count):
        place, limit = np.array([0.35 * k, rng.normal(0, 0.03), 0]), rng.uniform(1.0, 6.0)
        rate = GRAVITY / limit * lasts
        # Height -limit (t - (1 - exp(-g t / limit)) limit / g), about the middle of the clip.
        exponential = np.array([0, -limit * lasts / rate * np.exp(-rate / 2), 0])
        drift = np.array([0, -limit * lasts / 2, 0])
        middle = place + drift - np.array([0, -limit * lasts / rate, 0])
        motion = Sum(("1", "s", "exp"), np.array([middle, drift, exponential]), {"rate": rate})
        held = Phase("held" if k < 2 else "at rest", 0.0, starts, Sum(("1",), place[None], {}), (0.0, starts))
        falls = Phase("sum", starts, starts + lasts, motion, (starts, lasts))
        courses.append(Course((held, falls)))
    keys = np.linspace(starts, starts + lasts, 60)
    return Group(tuple(courses), keys, starts + lasts, tuple(rng.uniform(0.7, 1.0, count).tolist()))


def _irregular(index: int, suite: VideoSuite, rng: np.random.Generator) -> Event:
    """A hand takes something about, something flies about like an insect, wanders, or nothing moves at all."""
    kind = ("by hand", "flying", "by hand", "wandering", "flying", "by hand", "wandering", "by hand", "flying", "no")[
        index % 10
    ]
    lasts = rng.uniform(1.5, 9.0)
    if kind == "no":
        return Event("nothing", (), lasts)
    if kind == "flying":
        places = np.cumsum(rng.normal(size=(max(5, int(lasts * rng.uniform(1, 3))), 3)) * [1, 1, 0.2], axis=0)
    elif kind == "by hand":
        places = carried(rng)[:: 512 // max(6, int(lasts * 2))]
    else:
        places = spline(rng)[:: 512 // max(6, int(lasts * 2))]
    times = np.linspace(0, lasts, len(places))
    phase = Phase("carried" if kind == "by hand" else "irregular", 0.0, lasts, points=(times, places))
    return Event("irregular", (Group((Course((phase,)),), np.linspace(0, lasts, 120), lasts),), lasts)


def _long(index: int, suite: VideoSuite, rng: np.random.Generator) -> Event:
    """A swing of many periods, throw after throw, or one short motion in a long film."""
    kind = ("swing", "tosses", "short", "short", "swing")[index % 5]
    if kind == "short":
        names = list(SCRIPTS) if rng.random() < 0.5 else [n for n in FAMILIES if n not in _TURNS]
        name = str(rng.choice(names))
        group = _of_script(name, rng) if name in SCRIPTS else _of_family(name, True, 0.5, rng)
        before, after = np.exp(rng.uniform(np.log(4), np.log(50), 2))
        return Event("one", (_later(group, before),), _filmed(group.lasts + before + after, suite))
    lasts = float(np.exp(rng.uniform(np.log(20), np.log(suite.longest))))
    if kind == "tosses":
        return Event("one", (_tosses(lasts, rng),), lasts)
    period, fading = rng.uniform(0.8, 2.2), rng.uniform(0.3, 2.5) * (rng.random() < 0.6)
    turns, wave = lasts / period, "fading " if fading else ""
    middle = np.pi * turns - np.arctan2(fading, 2 * np.pi * turns)
    swing = rng.uniform(0.05, 0.2) * np.exp(-fading / 2)
    vectors = swing * np.array([[0, 0, 0], [np.cos(middle), 0, 0], [-np.sin(middle), 0, 0]])
    inner = {"turns": turns} | ({"fading": fading} if fading else {})
    motion = Sum(("1", f"{wave}cos", f"{wave}sin"), vectors, inner)
    starts = rng.uniform(0.3, 3.0)
    place = motion.positions(np.zeros(1))
    held = Phase("held", 0.0, starts, Sum(("1",), place, {}), (0.0, starts))
    swings = Phase("swung", starts, starts + lasts, motion, (starts, lasts))
    pivot = np.array([[0.0, GRAVITY * (period / (2 * np.pi)) ** 2, 0.0]])
    course = Course((held, swings), (("pivot", pivot),)).moved(upright(rng, 0.2))
    keys = np.linspace(starts, starts + 3 * period, 120)
    return Event("one", (Group((course,), keys, starts + lasts),), _filmed(starts + lasts, suite))


def _tosses(lasts: float, rng: np.random.Generator) -> Group:
    told = Telling((0.0, 1.0))
    while told.time < lasts:
        if rng.random() < 0.6:
            told.stays("held", rng.uniform(0.5, 4.0))
        else:
            told.is_carried(rng.uniform(1.0, 4.0), rng, 0.08)
        rise = rng.uniform(1.5, 4.0)
        told.gathers_speed((rng.normal(0, 0.3) - 0.3 * told.place[0], rise), rng.uniform(0.15, 0.3))
        told.flies(2 * rise / GRAVITY * rng.uniform(0.9, 1.05)).is_caught(rng.uniform(0.08, 0.2))
    course = told.course.cut(0.0, lasts).moved(upright(rng, 0.2))
    return Group((course,), np.linspace(0, lasts, 400), lasts)
