"""What a video file shows, from the first frame to the last: the truth, before anything is drawn.

A shot follows from the suite and `(seed, index)` alone. Its lengths are pixels of the file, its times seconds of the
file. Courses lie in a still camera's frame: x to the right, y upwards, z towards the camera, from the middle of the
picture; a place (x, y, z) is seen at the pixel (width / 2 + x f / (f - z), height / 2 - y f / (f - z)), moved by the
camera's own offset in that frame.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from trajvlm.data.rendered.nuisances import Nuisances
from trajvlm.data.rendered.phases import Course
from trajvlm.data.rendered.room import room_colour
from trajvlm.data.rendered.scene import standing_out
from trajvlm.data.rendered.sealed import refuse
from trajvlm.data.rendered.shapes import DRAWN, Shape, draw_shape
from trajvlm.data.rendered.videos.events import Event, draw_event
from trajvlm.data.rendered.videos.scenery import Scenery
from trajvlm.data.rendered.videos.sprites import PATTERNS, Surface
from trajvlm.data.rendered.videos.suites import VideoSuite

TICKS = 120_000
"""A second in the files' own unit of time: every usual frame rate is a whole number of these."""
MOST_FRAMES = 600
_SMALL = ((640, 480), (854, 480), (960, 540), (1280, 720), (720, 1280), (480, 640), (480, 854))
_SMALL_SHARES = (0.28, 0.16, 0.1, 0.26, 0.1, 0.05, 0.05)
_LARGE, _LONGEST_LARGE = 1_500_000, 40.0
"""Pixels from which on a file is short, and how short in seconds: minutes of large pictures take hours to draw."""
_LARGEST_RADIUS, _LEAST_RADIUS = 100.0, 3.0
_DEEPEST = 0.4
"""Largest depth, as a part of the focal length."""
_SKINS = np.array([[0.93, 0.76, 0.65], [0.80, 0.60, 0.48], [0.55, 0.38, 0.28], [0.33, 0.22, 0.16]])


@dataclass(frozen=True, eq=False)
class Hand:
    """An arm that has a mover from one time to another, before that comes, and then goes, or stays about."""

    span: tuple[float, float]
    angle: float
    """In which direction the arm lies, seen from the hand, in radians anticlockwise."""
    palm: float
    """Half its width, in pixels."""
    in_front: bool
    stays: bool
    """Whether it remains in the picture when it has let go."""
    skin: np.ndarray
    sleeve: np.ndarray | None
    seed: int


@dataclass(frozen=True, eq=False)
class Mover:
    """One thing that moves."""

    course: Course
    radius: float
    """In pixels, at z = 0."""
    shape: Shape
    surface: Surface
    turning: float
    """Radians a second to the left, while it is not at rest."""
    turned: float
    """In radians, at the first frame."""
    hands: tuple[Hand, ...]
    pivot: np.ndarray | None
    """(3,) what it hangs on while it swings, or None."""
    string: float
    """Width of what it hangs on, in pixels."""


@dataclass(frozen=True, eq=False)
class Shot:
    """All that is to be known of a file."""

    suite: str
    seed: int
    index: int
    width: int
    height: int
    rate: float
    """Frames a second where none is left out."""
    ticks: np.ndarray
    """(T,) when each frame is shown, in units of 1 / `TICKS` seconds from the first."""
    shown: np.ndarray
    """(T,) number of the frame whose picture is shown: the frame's own, or the one before it again."""
    shows: str
    """"one", "several", "irregular" or "nothing"."""
    movers: tuple[Mover, ...]
    """From the back to the front."""
    camera: str
    """"stands", "shakes" or "pans"."""
    offsets: np.ndarray
    """(T, 2) pixels by which the camera moves the picture to the right and down."""
    focal: float
    """In pixels."""
    scenery: Scenery
    nuisances: Nuisances
    crf: int

    @property
    def times(self) -> np.ndarray:
        """(T,) seconds from the first frame at which each frame is shown; its shutter is open about that time."""
        return self.ticks / TICKS

    @property
    def name(self) -> str:
        """Of the file."""
        return f"{self.suite}-{self.index:04d}.mp4"

    def project(self, places: np.ndarray) -> np.ndarray:
        """Places (..., 3) to (..., 3): x and y in pixels of a still picture, and how many times larger a thing is."""
        scale = self.focal / (self.focal - places[..., 2])
        return np.stack(
            [self.width / 2 + places[..., 0] * scale, self.height / 2 - places[..., 1] * scale, scale], axis=-1
        )

    def seen(self, mover: Mover) -> np.ndarray:
        """(T, 3): where a mover is in the picture of each frame, x and y in pixels, and its radius in pixels."""
        there = self.project(mover.course.positions(self.times))
        there[:, :2] += self.offsets
        there[:, 2] *= mover.radius
        return there[self.shown]


def draw_shot(suite: VideoSuite, seed: int, index: int) -> Shot:
    """The shot number `index` of a suite's stream `seed`; raises UserError where that stream is sealed."""
    refuse(seed)
    rng = np.random.default_rng([seed, suite.number, index])
    width, height = _size(index, rng)
    nuisances = suite.nuisances(rng)
    rates, shares = zip(*suite.rates)
    rate = float(rates[rng.choice(len(rates), p=np.array(shares) / sum(shares))])
    event = draw_event(suite, index, rate, nuisances.hand > 0, rng)
    lasts = min(event.lasts, _LONGEST_LARGE) if width * height > _LARGE else event.lasts
    rate, ticks = _clock(suite, lasts, rate, rng)
    focal = max(width, height) * rng.uniform(0.8, 3.0)
    courses, radii, props = _placed(event, width, height, focal, suite, rng)
    camera, offsets = _camera(suite, nuisances, ticks / TICKS, max(width, height), rng)
    scenery = Scenery(
        seed=int(rng.integers(2**31)),
        width=width,
        height=height,
        texture=nuisances.texture,
        distractors=nuisances.distractors,
        props=props,
        margin=int(np.ceil(np.abs(offsets).max())) + 2 if np.any(offsets) else 0,
    )
    shown = np.arange(len(ticks))
    repeated = rng.random(len(ticks)) < 0.15 * nuisances.dropped
    for k in np.flatnonzero(repeated[1:]) + 1:
        shown[k] = shown[k - 1]
    shot = Shot(
        suite=suite.name,
        seed=seed,
        index=index,
        width=width,
        height=height,
        rate=rate,
        ticks=ticks,
        shown=shown,
        shows=event.shows,
        movers=(),
        camera=camera,
        offsets=offsets,
        focal=focal,
        scenery=scenery,
        nuisances=nuisances,
        crf=18 + round(18 * nuisances.compression),
    )
    movers = _dressed(shot, courses, radii, rng)
    return Shot(**{**vars(shot), "movers": movers})


def _size(index: int, rng: np.random.Generator) -> tuple[int, int]:
    """Thirty of each two hundred have 1920 x 1080, some of them upright."""
    small = _SMALL[rng.choice(len(_SMALL), p=_SMALL_SHARES)]
    upright = rng.random() < 0.2
    if index * 3 % 20 < 3:
        return (1080, 1920) if upright else (1920, 1080)
    return small


def _clock(suite: VideoSuite, lasts: float, rate: float, rng: np.random.Generator) -> tuple[float, np.ndarray]:
    """The frame rate, where so many frames are too many a lower one, and when each frame is shown."""
    if suite.longest > 10 or lasts * rate > MOST_FRAMES:
        rate = min(rate, 30.0)
    step = round(TICKS / rate)
    ticks = np.arange(int(lasts * TICKS / step) + 1) * step
    left_out = rng.random(len(ticks)) < rng.uniform(0.02, 0.1)
    if rng.random() < suite.uneven:
        # A telephone leaves out frames when it is busy, and says so in the file.
        left_out[0] = False
        ticks = ticks[~left_out]
    return rate, ticks


def _placed(
    event: Event, width: int, height: int, focal: float, suite: VideoSuite, rng: np.random.Generator
) -> tuple[list[Course], list[float], tuple]:
    """Each course at its place in the picture, each thing's radius, and what stands about for them."""
    courses, radii, props = [], [], []
    for group in event.groups:
        radius = _radius(suite, width, height, rng)
        # Things of one group keep their places relative to each other.
        fill = rng.uniform(*suite.fill) * (1.0 if len(event.groups) == 1 else rng.uniform(0.5, 0.9))
        scale, shift = fitted(group.courses, group.keys, radius, width, height, focal, fill, rng)
        if group.radius is not None:
            radius = group.radius * scale
        placed = [course.moved(scale, shift) for course in group.courses]
        courses += placed
        radii += [radius * size for size in group.sizes]
        props += _props(placed, radius, width, height, focal)
    return courses, radii, tuple(props)


def fitted(
    courses: tuple[Course, ...],
    keys: np.ndarray,
    radius: float,
    width: int,
    height: int,
    focal: float,
    fill: float,
    rng: np.random.Generator,
) -> tuple[float, np.ndarray]:
    """The factor and the shift (3,) that bring courses into the picture so that they fill that share of it.

    Args:
        keys: (T,) the times at which all of them have to be in the picture.
        radius: in pixels.
    """
    points = np.concatenate([course.positions(keys) for course in courses])
    middle = points.mean(axis=0)
    scale = height / 4 / max(np.abs(points - middle).max(), 1e-9)
    shift = -scale * middle
    room = np.maximum(fill * np.array([width, height]) - 2 * radius, 0.25 * np.array([width, height]))
    for _ in range(12):
        placed = scale * points + shift
        deep = np.abs(placed[:, 2]).max() / (_DEEPEST * focal)
        factor = focal / (focal - placed[:, 2:].clip(-_DEEPEST * focal, _DEEPEST * focal))
        uv = placed[:, :2] * factor
        low, high = uv.min(axis=0), uv.max(axis=0)
        grow = min(float((room / np.maximum(high - low, 1e-6)).min()), 1 / max(deep, 1e-6))
        grow = min(max(grow, 0.5), 2.0)
        scale, shift = scale * grow, shift * grow
        shift[:2] -= grow * (low + high) / 2
    half = np.array([width, height]) / 2
    aside = rng.uniform(-0.9, 0.9, 2) * np.maximum(half - (high - low) * grow / 2 - 1.1 * radius, 0)
    for less in (1.0, 0.7, 0.4, 0.0):
        # What is nearer moves further.
        there = shift + np.append(less * aside, 0.0)
        placed = scale * points + there
        if (np.abs(placed[:, :2] * focal / (focal - placed[:, 2:])) < half - radius).all():
            break
    return scale, there


def _radius(suite: VideoSuite, width: int, height: int, rng: np.random.Generator) -> float:
    largest = min(_LARGEST_RADIUS, 0.13 * min(width, height))
    least = max(_LEAST_RADIUS, 0.003 * max(width, height))
    return float(np.exp(rng.uniform(np.log(least), np.log(largest))))


def _props(courses: list[Course], radius: float, width: int, height: int, focal: float) -> list:
    """What the courses stand on and hang on, in pixels of the picture; things rest on it with their lower edge."""
    found = []
    for course in courses:
        for name, points in course.props:
            scale = focal / (focal - points[:, 2:])
            pixels = np.concatenate([width / 2 + points[:, :1] * scale, height / 2 - points[:, 1:2] * scale], axis=1)
            if name == "wall":
                pixels[:, 0] += radius * np.sign(pixels[:, 0] - width / 2)
                pixels[:, 1] += radius
            elif name == "ramp":
                along = pixels[1] - pixels[0]
                normal = np.array([-along[1], along[0]]) / max(np.linalg.norm(along), 1e-9)
                pixels = pixels + radius * normal * np.sign(normal[1])
            elif name != "pivot":
                pixels[:, 1] += radius
            found.append((name, pixels))
    return found


def _camera(
    suite: VideoSuite, nuisances: Nuisances, times: np.ndarray, longest: int, rng: np.random.Generator
) -> tuple[str, np.ndarray]:
    """What the camera does, and by how many pixels (T, 2) it moves the picture."""
    pans, seed = rng.random() < suite.panning, rng.integers(2**31)
    offsets = np.zeros((len(times), 2))
    if nuisances.shake:
        offsets += _trembling(times, np.random.default_rng(seed)) * nuisances.shake * 0.012 * longest
    if pans:
        angle, way = rng.uniform(0, 2 * np.pi), min(0.15, rng.uniform(0.01, 0.05) * times[-1]) * longest
        offsets += (times / times[-1])[:, None] * way * np.array([np.cos(angle), 0.3 * np.sin(angle)])
    if np.any(offsets):
        offsets -= offsets[0]
    return "pans" if pans else "shakes" if nuisances.shake else "stands", offsets


def _trembling(times: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(T, 2) how a hand holds a camera: it sways, and it trembles; sways have unit size."""
    fine = 1 / 120
    count = int(times[-1] / fine) + 2
    ways = [
        size * gaussian_filter1d(rng.normal(size=(count, 2)), spread / fine, axis=0) * np.sqrt(spread / fine * 3.5)
        for size, spread in ((1.0, 0.35), (0.15, 0.06))
    ]
    at = np.arange(count) * fine
    return np.stack([np.interp(times, at, column) for column in sum(ways).T], axis=-1)


def _dressed(shot: Shot, courses: list[Course], radii: list[float], rng: np.random.Generator) -> tuple[Mover, ...]:
    """Courses with something that moves along them, in colours that stand out from what is behind it."""
    if not courses:
        return ()
    small = 160 / max(shot.width, shot.height)
    behind = shot.scenery.draw(small) / 255.0
    movers = []
    for course, radius in zip(courses, radii):
        uv = shot.project(course.positions(np.linspace(course.start, course.stop, 40)))
        column, row = (((uv[:, k] + shot.scenery.margin) * small).astype(int) for k in (0, 1))
        inside = (column >= 0) & (column < behind.shape[1]) & (row >= 0) & (row < behind.shape[0])
        mean = behind[row[inside], column[inside]].mean(axis=0) if inside.any() else behind.mean(axis=(0, 1))
        colour = standing_out(rng, mean, shot.nuisances.contrast, filmed=True)
        shape = "ball" if radius < 5 or rng.random() < 0.7 else str(rng.choice([n for n in DRAWN if n != "hand"]))
        round_ = shape in ("ball", "egg", "blob") or rng.random() < 0.3
        light = np.array([rng.normal(), abs(rng.normal()) + 0.3, abs(rng.normal()) + 0.5])
        surface = Surface(
            colour=colour.astype(float),
            pattern=str(rng.choice(PATTERNS, p=(0.45, 0.15, 0.1, 0.2, 0.1))),
            contrast=rng.uniform(0.15, 0.6) * (1 if colour.mean() > 0.35 else -1.5),
            light=light / np.linalg.norm(light) if round_ else None,
            ambient=rng.uniform(0.35, 0.85),
            gloss=rng.uniform(0, 0.5) * (rng.random() < 0.4),
            seed=int(rng.integers(2**31)),
        )
        pivots = [points[0] for name, points in course.props if name == "pivot"]
        movers.append(
            Mover(
                course=course,
                radius=radius,
                shape=draw_shape(shape, rng),
                surface=surface,
                turning=rng.normal(0, 4) * (rng.random() < 0.6) * (not pivots),
                turned=rng.uniform(0, 2 * np.pi),
                hands=tuple(_hand(shot, course, span, radius, rng) for span in course.by_hand),
                pivot=pivots[0] if pivots else None,
                string=max(
                    1.0, rng.uniform(0.001, 0.005) * min(shot.width, shot.height) * (1 + 4 * shot.nuisances.tether)
                ),
            )
        )
    return tuple(movers)


def _hand(shot: Shot, course: Course, span: tuple[float, float], radius: float, rng: np.random.Generator) -> Hand:
    """People stand beside what they film: arms come from the nearer side, or from below."""
    at = shot.project(course.positions(np.array([span[1]])))[0]
    left = at[0] < shot.width / 2
    angle = np.pi + rng.normal(0.3, 0.4) if left else rng.normal(-0.3, 0.4)
    if at[1] > 0.4 * shot.height and rng.random() < 0.3:
        angle = -np.pi / 2 + rng.normal(0, 0.3)
    # It is one and the same person's arm each time.
    person = np.random.default_rng([shot.scenery.seed, 70])
    skin, sleeved = _SKINS[person.integers(len(_SKINS))] * person.uniform(0.75, 1.05), person.random() < 0.5
    side = min(shot.width, shot.height)
    palm = max(radius * rng.uniform(1.0, 2.2), float(np.exp(rng.uniform(*np.log([0.03, 0.09])))) * side)
    return Hand(
        span=span,
        angle=angle,
        palm=min(palm * (0.8 + 0.6 * shot.nuisances.hand), 0.11 * side),
        in_front=bool(rng.random() < 0.25),
        stays=bool(rng.random() < 0.45),
        skin=skin,
        sleeve=room_colour(person) * person.uniform(0.4, 1.0) if sleeved else None,
        seed=int(rng.integers(2**31)),
    )
