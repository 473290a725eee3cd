"""What happens to a thing one after the other: phases, each with its window and, where it has one, its equation.

A course is in any unit of length and of time; the scripts here tell theirs in metres and seconds, in the plane z = 0
with y upwards, and whoever draws them turns, scales and cuts them. What a hand does to a thing has no law.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import CubicSpline

from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.terms import FLIGHTS
from trajvlm.data.rendered.sums import Sum

GRAVITY = 9.81
BY_HAND = ("held", "pushed", "carried", "caught")
"""Kinds of phases in which a hand has the thing: it stands still, gathers speed, goes about, is slowed down."""
_DOWN = np.array([0.0, -1.0, 0.0])


@dataclass(frozen=True, eq=False)
class Phase:
    """One stretch of time in which one thing happens."""

    kind: str
    """"at rest", one of `BY_HAND`, "thrown", "bounced", "rolled", "slid", "swung", "irregular", or the name of a law:
    a family's, or "sum"."""
    start: float
    stop: float
    motion: Sum | None = None
    """Where it is, in clip time of `clock`; None where `points` say it."""
    clock: tuple[float, float] = (0.0, 1.0)
    """When clip time 0 is, and how long clip time 0 to 1 takes."""
    points: tuple[np.ndarray, np.ndarray] | None = None
    """Times (N,), and where it is then (N, 3); a smooth curve in between."""
    impacts: tuple[float, ...] = ()
    """When it hits the floor, the end of the flight before it included."""
    since: float | None = None
    """Since when the equation is right, where that is before the phase: a bounce's in the flight before it."""

    @property
    def law(self) -> Sum:
        """`motion`; only where there are no `points`."""
        assert self.motion is not None
        return self.motion

    @property
    def free(self) -> bool:
        """Whether it moves by a law of its own."""
        return self.kind not in BY_HAND and self.kind not in ("at rest", "irregular")

    @property
    def family(self) -> str | None:
        """The family of a free motion, or "sum"; None where there is no law."""
        return (self.law.family or "sum") if self.free else None

    @property
    def holds(self) -> tuple[float, float]:
        """The times for which the equation is right."""
        return (self.start if self.since is None else self.since, self.stop)

    def positions(self, t: np.ndarray) -> np.ndarray:
        """(T, 3) at times t (T,)."""
        if self.points is not None:
            return CubicSpline(*self.points, bc_type="clamped")(t)
        return self.law.positions((t - self.clock[0]) / self.clock[1])

    def equation(self) -> Equation:
        """The law as expressions in the course's time; only where there is one."""
        return self.law.equation().with_time(*self.clock)

    def moved(self, matrix: np.ndarray | float = 1.0, shift: np.ndarray | float = 0.0) -> "Phase":
        """The same with every place p at matrix @ p + shift, as in `Sum.moved`."""
        if self.points is None:
            return replace(self, motion=self.law.moved(matrix, shift))
        matrix = np.asarray(matrix, dtype=float)
        points = self.points[1] @ matrix.T if matrix.ndim == 2 else self.points[1] * matrix
        return replace(self, points=(self.points[0], points + shift))

    def retimed(self, start: float, lasts: float) -> "Phase":
        """The same on a clock that shows 0 at `start` and 1 after `lasts` more."""
        return replace(
            self,
            start=(self.start - start) / lasts,
            stop=(self.stop - start) / lasts,
            clock=((self.clock[0] - start) / lasts, self.clock[1] / lasts),
            points=self.points and ((self.points[0] - start) / lasts, self.points[1]),
            impacts=tuple((t - start) / lasts for t in self.impacts),
            since=None if self.since is None else (self.since - start) / lasts,
        )


@dataclass(frozen=True, eq=False)
class Course:
    """All that happens to one thing, and what it happens on."""

    phases: tuple[Phase, ...]
    """In order; each begins where and when the one before it ends."""
    props: tuple[tuple[str, np.ndarray], ...] = ()
    """What stands there: "floor", "table", "ramp", "wall" or "pivot", with points (N, 3) of it."""

    def positions(self, t: np.ndarray) -> np.ndarray:
        """(T, 3) at times t (T,); before the first phase and after the last the thing is at rest."""
        t = np.asarray(t, dtype=float)
        out = np.empty((*t.shape, 3))
        bounds = [phase.stop for phase in self.phases[:-1]]
        number = np.searchsorted(bounds, t, side="right")
        for k, phase in enumerate(self.phases):
            there = number == k
            if there.any():
                out[there] = phase.positions(t[there].clip(phase.start, phase.stop))
        return out

    @property
    def start(self) -> float:
        return self.phases[0].start

    @property
    def stop(self) -> float:
        return self.phases[-1].stop

    @property
    def by_hand(self) -> list[tuple[float, float]]:
        """The times from and to which a hand has the thing."""
        spans: list[tuple[float, float]] = []
        for phase in self.phases:
            if phase.kind not in BY_HAND:
                continue
            if spans and abs(spans[-1][1] - phase.start) < 1e-9:
                spans[-1] = (spans[-1][0], phase.stop)
            else:
                spans.append((phase.start, phase.stop))
        return spans

    def moved(self, matrix: np.ndarray | float = 1.0, shift: np.ndarray | float = 0.0) -> "Course":
        """Every place p at matrix @ p + shift, as in `Sum.moved`."""
        square = np.diag(np.broadcast_to(matrix, 3)) if np.ndim(matrix) < 2 else np.asarray(matrix)
        props = tuple((name, points @ square.T + shift) for name, points in self.props)
        return Course(tuple(phase.moved(matrix, shift) for phase in self.phases), props)

    def retimed(self, start: float, lasts: float) -> "Course":
        """The same on a clock that shows 0 at `start` and 1 after `lasts` more."""
        return Course(tuple(phase.retimed(start, lasts) for phase in self.phases), self.props)

    def cut(self, start: float, stop: float) -> "Course":
        """What happens from `start` to `stop`."""
        kept = (replace(p, start=max(p.start, start), stop=min(p.stop, stop)) for p in self.phases)
        return Course(tuple(p for p in kept if p.stop - p.start > 1e-9), self.props)

    def filled(self, start: float, stop: float) -> "Course":
        """The same with its rest before and after, from `start` to `stop`."""
        ends = [(start, self.start, self.start), (self.stop, stop, self.stop)]
        before, after = (
            [Phase("at rest", first, last, Sum(("1",), self.positions(np.array([at])), {}), (first, last - first))]
            if last - first > 1e-9
            else []
            for first, last, at in ends
        )
        return Course((*before, *self.phases, *after), self.props)

    @classmethod
    def of(cls, motion: Sum, start: float = 0.0, stop: float = 1.0, kind: str | None = None) -> "Course":
        """One motion over its clip time, from `start` to `stop`."""
        return cls((Phase(kind or motion.family or "sum", start, stop, motion, (start, stop - start)),))


class Telling:
    """A course as it is told, one phase after the other, from a place at rest."""

    def __init__(self, place: np.ndarray | tuple[float, float]):
        self.place, self.velocity, self.time = np.array([*place, 0.0][:3]), np.zeros(3), 0.0
        self.phases: list[Phase] = []
        self.props: list[tuple[str, np.ndarray]] = []

    @property
    def course(self) -> Course:
        """What has been told so far."""
        return Course(tuple(self.phases), tuple(self.props))

    def stays(self, kind: str, lasts: float) -> "Telling":
        """It is at rest, or held still."""
        self.velocity = np.zeros(3)
        return self._polynomial(kind, np.zeros(3), lasts)

    def gathers_speed(self, velocity: np.ndarray | tuple[float, float], lasts: float) -> "Telling":
        """A hand gives it a velocity."""
        self.velocity = np.zeros(3)
        return self._polynomial("pushed", np.array([*velocity, 0.0][:3]) / lasts, lasts)

    def is_caught(self, lasts: float) -> "Telling":
        """A hand takes its velocity."""
        return self._polynomial("caught", -self.velocity / lasts, lasts)

    def flies(self, lasts: float) -> "Telling":
        """Nothing but gravity."""
        return self._polynomial("thrown", GRAVITY * _DOWN, lasts)

    def falls_to(self, floor: float) -> "Telling":
        """It flies until it is on the floor at that height."""
        rise = self.velocity[1]
        return self.flies((rise + np.sqrt(rise**2 + 2 * GRAVITY * max(self.place[1] - floor, 1e-3))) / GRAVITY)

    def moves(self, kind: str, acceleration: np.ndarray | tuple[float, float], lasts: float) -> "Telling":
        """Constant acceleration of any other cause: it rolls, or slides."""
        return self._polynomial(kind, np.array([*acceleration, 0.0][:3]), lasts)

    def rolls(self, slowing: float, longest: float) -> "Telling":
        """Along the floor, slower and slower, until it rests or time is up."""
        speed = float(np.linalg.norm(self.velocity))
        if speed < 1e-6:
            return self
        stopping = speed / slowing if slowing else np.inf
        self.moves("rolled", -slowing * self.velocity / speed, min(stopping, longest))
        if stopping <= longest:
            self.velocity = np.zeros(3)
        return self

    def bounces(self, restitution: float, lowest: float, longest: float = np.inf) -> "Telling":
        """From the moment at which it hits the floor on: flights, each lower than the one before, until they rise less
        than `lowest` or time is up. More than a bounce of the family has are told as several phases."""
        upwards = -self.velocity[1]
        ends = self.time + longest
        while upwards > 0 and self.time < ends - 1e-9:
            before = 2 * upwards / GRAVITY
            heights = (upwards * restitution ** np.arange(FLIGHTS)) ** 2 / (2 * GRAVITY)
            count = max(1, int((heights[1:] > lowest).sum()))
            flights = before * restitution ** np.arange(1, count + 1)
            stop = min(self.time + flights.sum(), ends)
            self._hop(before, restitution, stop, [self.time, *(self.time + np.cumsum(flights))])
            upwards *= restitution**count
            if (restitution * upwards) ** 2 / (2 * GRAVITY) <= lowest:
                self.velocity[1] = 0.0
                break
        return self

    def is_carried(self, lasts: float, rng: np.random.Generator, reach: float = 0.5) -> "Telling":
        """A hand takes it about, and stands still in the end."""
        count = max(4, int(np.ceil(lasts / 0.4)) + 1)
        times = np.linspace(self.time, self.time + lasts, count)
        places = self.place + np.cumsum(rng.normal(0, reach, (count, 3)) * [1, 0.7, 0.0], axis=0)
        places[0] = self.place
        self.phases.append(Phase("carried", self.time, self.time + lasts, points=(times, places)))
        self.place, self.velocity, self.time = places[-1], np.zeros(3), self.time + lasts
        return self

    def swings(self, motion: Sum, lasts: float, stop: float) -> "Telling":
        """A swing that takes `lasts` for its clip time 0 to 1, until `stop` clip times are over."""
        shifted = motion.moved(shift=self.place - motion.positions(np.zeros(1))[0])
        self.phases.append(Phase("swung", self.time, self.time + stop * lasts, shifted, (self.time, lasts)))
        step = 1e-5
        near = shifted.positions(np.array([stop - step, stop, stop + step]))
        self.place, self.velocity, self.time = near[1], (near[2] - near[0]) / (2 * step * lasts), self.phases[-1].stop
        return self

    def _polynomial(self, kind: str, acceleration: np.ndarray, lasts: float) -> "Telling":
        motion = Sum.polynomial(self.place, self.velocity * lasts, acceleration * lasts**2)
        self.phases.append(Phase(kind, self.time, self.time + lasts, motion, (self.time, lasts)))
        self.place = self.place + self.velocity * lasts + acceleration * lasts**2 / 2
        self.velocity, self.time = self.velocity + acceleration * lasts, self.time + lasts
        return self

    def _hop(self, before: float, restitution: float, stop: float, impacts: list[float]) -> None:
        """From the place on the floor, with the flight before the impact that lasts `before`."""
        along = np.array([self.velocity[0], 0.0, self.velocity[2]])
        start, lasts = self.time - before, before + stop - self.time
        inner = {"flight": before / lasts, "impact": before / lasts, "restitution": restitution}
        middle = self.place + along * (lasts / 2 - before)
        top = -_DOWN * GRAVITY * before**2 / 8
        motion = Sum(("1", "s", "hop"), np.array([middle, along * lasts / 2, top]), inner)
        hit = tuple(t for t in impacts if t <= stop + 1e-9)
        hop = Phase("bounced", self.time, stop, motion, (start, lasts), impacts=hit)
        # The flight before belongs to the bounce where nothing but the impact came between them.
        flight = self.phases[-1]
        released = np.array([flight.start if flight.kind == "thrown" else start])
        if flight.kind == "bounced" or np.allclose(flight.positions(released), hop.positions(released), atol=1e-6):
            hop = replace(hop, since=float(released[0]))
        self.phases.append(hop)
        step = 1e-6 * lasts
        near = self.phases[-1].positions(np.array([stop - step, stop]))
        self.place, self.velocity, self.time = near[1], (near[1] - near[0]) / step, stop


def _release(told: Telling, velocity: tuple[float, float], rng: np.random.Generator) -> Telling:
    """A hand holds it for a while and throws it."""
    return told.stays("held", rng.uniform(0.1, 1.5)).gathers_speed(velocity, rng.uniform(0.12, 0.3))


def thrown_to_the_floor(rng: np.random.Generator) -> Course:
    """Held, thrown, bounces, rolls, rests."""
    told = Telling((0.0, rng.uniform(0.4, 1.5)))
    _release(told, (rng.choice([-1, 1]) * rng.uniform(0.4, 2.5), rng.uniform(-0.5, 3.0)), rng)
    told.falls_to(0.0).bounces(rng.uniform(0.35, 0.85), 0.01)
    told.rolls(rng.uniform(0.2, 1.5), rng.uniform(1.0, 3.0)).stays("at rest", rng.uniform(0.3, 1.0))
    return _on_floor(told)


def dropped(rng: np.random.Generator) -> Course:
    """Held, let go, bounces on the spot, rests."""
    told = Telling((0.0, rng.uniform(0.5, 1.5))).stays("held", rng.uniform(0.3, 2.0)).falls_to(0.0)
    told.velocity[0] = rng.normal(0, 0.05)
    return _on_floor(told.bounces(rng.uniform(0.4, 0.88), 0.01).stays("at rest", rng.uniform(0.3, 1.5)))


def tossed_and_caught(rng: np.random.Generator) -> Course:
    """Held, tossed up, caught; once or several times."""
    told = Telling((0.0, 1.0))
    for _ in range(rng.integers(1, 4)):
        rise, across = rng.uniform(1.5, 4.0), rng.normal(0, 0.5)
        _release(told, (across, rise), rng).flies(2 * rise / GRAVITY * rng.uniform(0.85, 1.05))
        told.is_caught(rng.uniform(0.08, 0.2))
    return told.stays("held", rng.uniform(0.2, 1.0)).course


def thrown_across_and_caught(rng: np.random.Generator) -> Course:
    """Carried about, thrown across, caught, carried on."""
    told = Telling((0.0, 1.0)).is_carried(rng.uniform(0.8, 2.0), rng, 0.12)
    told.gathers_speed((rng.choice([-1, 1]) * rng.uniform(1.5, 4.0), rng.uniform(1.5, 3.5)), rng.uniform(0.12, 0.3))
    told.flies(rng.uniform(0.4, 0.8)).is_caught(rng.uniform(0.08, 0.2))
    return told.is_carried(rng.uniform(0.8, 2.0), rng, 0.12).course


def off_the_table(rng: np.random.Generator) -> Course:
    """Pushed, rolls along a table, falls off its edge, bounces."""
    height, way = rng.uniform(0.5, 0.9), rng.choice([-1, 1])
    told = Telling((0.0, height)).stays("at rest", rng.uniform(0.3, 1.2))
    told.gathers_speed((way * rng.uniform(0.6, 1.6), 0.0), rng.uniform(0.15, 0.4))
    told.rolls(rng.uniform(0.0, 0.3), rng.uniform(0.4, 0.9))
    edge = told.place.copy()
    told.props.append(("table", np.array([[edge[0] - 3 * way, height, 0], edge])))
    told.falls_to(0.0).bounces(rng.uniform(0.4, 0.8), 0.01, rng.uniform(0.8, 2.5))
    return _on_floor(told.rolls(rng.uniform(0.3, 1.5), rng.uniform(0.5, 1.5)))


def down_a_ramp(rng: np.random.Generator) -> Course:
    """Held at the top of a slope, let go, slides or rolls down it, goes on along the floor, slows down, rests."""
    angle, length, way = np.radians(rng.uniform(8, 35)), rng.uniform(0.6, 1.4), rng.choice([-1, 1])
    along = np.array([way * np.cos(angle), -np.sin(angle), 0.0])
    speeding = GRAVITY * np.sin(angle) * rng.uniform(0.3, 0.72)
    told = Telling((0.0, length * np.sin(angle))).stays("held", rng.uniform(0.3, 1.5))
    told.props.append(("ramp", np.array([told.place, told.place + length * along])))
    told.moves("slid", speeding * along, np.sqrt(2 * length / speeding))
    told.velocity = np.array([way * np.linalg.norm(told.velocity), 0.0, 0.0])
    told.rolls(rng.uniform(0.3, 1.5), rng.uniform(0.6, 2.0)).stays("at rest", rng.uniform(0.2, 1.0))
    return _on_floor(told)


def against_a_wall(rng: np.random.Generator) -> Course:
    """Pushed, rolls, rebounds from a wall, rolls back, rests."""
    way = rng.choice([-1, 1])
    told = Telling((0.0, 0.0)).stays("at rest", rng.uniform(0.2, 1.0))
    told.gathers_speed((way * rng.uniform(0.8, 2.5), 0.0), rng.uniform(0.15, 0.4))
    slowing = rng.uniform(0.1, 0.5)
    told.rolls(slowing, rng.uniform(0.4, 1.0))
    told.props.append(("wall", told.place[None].copy()))
    told.velocity = -told.velocity * rng.uniform(0.4, 0.85)
    return _on_floor(told.rolls(slowing, rng.uniform(0.6, 2.0)).stays("at rest", rng.uniform(0.2, 0.8)))


def let_go_while_swinging(rng: np.random.Generator) -> Course:
    """Held aside, swings on a string, is let go of, flies and bounces."""
    length, swing = rng.uniform(0.5, 1.2), rng.uniform(0.15, 0.3) * rng.choice([-1, 1])
    told = Telling((swing, 0.8)).stays("held", rng.uniform(0.3, 1.0))
    told.props.append(("pivot", np.array([[0.0, 0.8 + length, 0.0]])))
    told.swings(_swing(swing), 2 * np.pi * np.sqrt(length / GRAVITY), rng.uniform(0.6, 2.2))
    told.falls_to(0.0).bounces(rng.uniform(0.4, 0.75), 0.01, rng.uniform(0.6, 2.0))
    return _on_floor(told)


def stopped_swing(rng: np.random.Generator) -> Course:
    """Held aside, swings on a string, a hand stops it."""
    length, swing = rng.uniform(0.3, 1.2), rng.uniform(0.1, 0.3) * rng.choice([-1, 1])
    told = Telling((swing, 0.0)).stays("held", rng.uniform(0.3, 1.5))
    told.props.append(("pivot", np.array([[0.0, length, 0.0]])))
    told.swings(_swing(swing), 2 * np.pi * np.sqrt(length / GRAVITY), rng.uniform(1.2, 4.2))
    return told.is_caught(rng.uniform(0.08, 0.2)).stays("held", rng.uniform(0.2, 1.0)).course


def put_down_and_pushed(rng: np.random.Generator) -> Course:
    """Carried, put down, rests, is pushed, rolls, rests."""
    told = Telling((0.0, 0.3)).is_carried(rng.uniform(0.8, 2.0), rng, 0.15).stays("at rest", rng.uniform(0.4, 1.2))
    told.props.append(("table", told.place + np.array([[-4.0, 0, 0], [4.0, 0, 0]])))
    told.gathers_speed((rng.choice([-1, 1]) * rng.uniform(0.6, 2.0), 0.0), rng.uniform(0.15, 0.4))
    return told.rolls(rng.uniform(0.3, 1.2), rng.uniform(0.8, 2.5)).stays("at rest", rng.uniform(0.2, 1.0)).course


def _swing(amplitude: float) -> Sum:
    """Once to and fro along x, from the end at which it is at rest."""
    # At clip time 0 the angle is -pi: the cosine is -1.
    return Sum(("1", "cos", "sin"), np.array([[0, 0, 0], [-amplitude, 0, 0], [0.0, 0, 0]]), {"turns": 1.0})


def _on_floor(told: Telling) -> Course:
    told.props.append(("floor", np.array([[0.0, 0.0, 0.0]])))
    return told.course


SCRIPTS: dict[str, Callable[[np.random.Generator], Course]] = {
    "thrown to the floor": thrown_to_the_floor,
    "dropped": dropped,
    "tossed and caught": tossed_and_caught,
    "thrown across and caught": thrown_across_and_caught,
    "off the table": off_the_table,
    "down a ramp": down_a_ramp,
    "against a wall": against_a_wall,
    "let go while swinging": let_go_while_swinging,
    "stopped swing": stopped_swing,
    "put down and pushed": put_down_and_pushed,
}
