"""Frames of a shot at full resolution, one at a time: only what moves is drawn, over a backdrop made once.

What it takes for a frame does not depend on how long the film is. A frame's shutter is open about the frame's own time;
a place in the truth is where a thing is in the middle of that.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from trajvlm.data.rendered.sensor import exposure
from trajvlm.data.rendered.shapes import draw_shape
from trajvlm.data.rendered.videos.shots import Hand, Mover, Shot
from trajvlm.data.rendered.videos.sprites import Sprite, Surface, arm, lay, shadow, thing

_SHUTTER_STEPS = 32
_SHORTEST_SHUTTER, _LONGEST_SHUTTER = 0.04, 0.7
"""Shares of the time between frames for which the shutter is open, at no blur and at the most."""
_NOISE, _CHROMA_NOISE = 7.0, 2.5
"""Standard deviations of the sensor's noise at its strongest, in levels of 255: of brightness, and of each colour."""
_MARGIN = 48
"""Pixels by which the stored noise is larger than a frame."""
_ON_STRING = ("at rest", "held", "pushed", "caught", "swung", "oscillating", "damped")
"""Phases in which a thing hangs on its string."""


class Film:
    """What one shot looks like."""

    def __init__(self, shot: Shot):
        self.shot = shot
        unit = min(shot.width, shot.height)
        self.soft = 0.0009 * unit
        self.backdrop = shot.scenery.draw()
        self.step = 1 / shot.rate
        open_for = _SHORTEST_SHUTTER + (_LONGEST_SHUTTER - _SHORTEST_SHUTTER) * shot.nuisances.blur
        self.shutter = ((np.arange(_SHUTTER_STEPS) + 0.5) / _SHUTTER_STEPS - 0.5) * open_for * self.step
        self.things = [self._thing(mover) for mover in shot.movers]
        self.arms = {hand.seed: self._arm(hand) for mover in shot.movers for hand in mover.hands}
        self.levels = self._levels()
        self.noise = self._noise()
        self.post, self.shadows, self.sways = self._post(), self._shadows(), self._sways()

    def frames(self) -> Iterator[np.ndarray]:
        """Each frame (H, W, 3), uint8, in order."""
        last = None
        for number, shown in enumerate(self.shot.shown):
            if last is None or shown == number:
                last = self._drawn(number)
            yield last

    def _drawn(self, number: int) -> np.ndarray:
        shot = self.shot
        frame = self._still(shot.offsets[number])
        time = shot.times[number]
        offset = shot.offsets[number]
        there = [self._where(mover, time, offset) for mover in shot.movers]
        for dark, (shift, opacity) in self.shadows:
            for where, mover in zip(there, shot.movers):
                at = np.array([*shift(where, mover), 1.0, 0.0])
                at[2] = mover.radius / dark[1]
                lay(frame, dark[0], at[None], opacity)
        for sprite, path in self.sways:
            lay(frame, sprite, np.array([[*(path(time) + offset), 1.0, 0.0]]))
        for mover, where in zip(shot.movers, there):
            self._string(frame, mover, where, time, offset)
        self._hands(frame, time, offset, in_front=False)
        for (sprite, radius), mover, where in zip(self.things, shot.movers, there):
            where[:, 2] *= mover.radius / radius
            lay(frame, sprite, where)
        self._hands(frame, time, offset, in_front=True)
        if self.post is not None:
            sprite, x, y = self.post
            lay(frame, sprite, np.array([[x + offset[0], y + offset[1], 1.0, 0.0]]))
        if self.levels is not None:
            frame = cv2.LUT(frame, self.levels(number))
        if self.noise is not None:
            top, left = np.random.default_rng([shot.scenery.seed, 61, number]).integers(0, _MARGIN, 2)
            grain = self.noise[top : top + shot.height, left : left + shot.width]
            frame = cv2.addWeighted(frame, 1, grain, 1, -128)
        return frame

    def _still(self, offset: np.ndarray) -> np.ndarray:
        """What stands still, from where the camera is."""
        shot, margin = self.shot, self.shot.scenery.margin
        x, y = margin - offset
        if x == int(x) and y == int(y):
            return self.backdrop[int(y) : int(y) + shot.height, int(x) : int(x) + shot.width].copy()
        matrix = np.array([[1.0, 0, -x], [0, 1.0, -y]])
        return cv2.warpAffine(self.backdrop, matrix, (shot.width, shot.height), borderMode=cv2.BORDER_REPLICATE)

    def _where(self, mover: Mover, time: float, offset: np.ndarray) -> np.ndarray:
        """(S, 4) x, y, scale and turn at steps of the shutter's time."""
        times = time + self.shutter
        there = self.shot.project(mover.course.positions(times))
        there[:, :2] += offset
        return np.concatenate([there, (mover.turned + mover.turning * times)[:, None]], axis=1)

    def _thing(self, mover: Mover) -> tuple[Sprite, float]:
        """It is drawn as large as it gets, and made smaller where it is further away."""
        scale = self.shot.project(mover.course.positions(self.shot.times))[:, 2]
        radius = mover.radius * float(np.quantile(scale, 0.9))
        return thing(mover.shape, mover.surface, radius, self.soft), radius

    def _arm(self, hand: Hand) -> Sprite:
        length = 1.5 * max(self.shot.width, self.shot.height)
        at = self.shot.width, self.shot.height
        reach = min(length, float(np.hypot(*at)), 40 * hand.palm)
        return arm(hand.angle, reach, hand.palm, hand.skin, hand.sleeve, hand.seed)

    def _hands(self, frame: np.ndarray, time: float, offset: np.ndarray, in_front: bool) -> None:
        for mover in self.shot.movers:
            for hand in mover.hands:
                if hand.in_front != in_front:
                    continue
                places = [self._hand_at(mover, hand, time + at) for at in self.shutter[:: _SHUTTER_STEPS // 4]]
                where = np.array([[*(place + offset), 1.0, 0.0] for place in places])
                lay(frame, self.arms[hand.seed], where)

    def _hand_at(self, mover: Mover, hand: Hand, time: float) -> np.ndarray:
        """(2,) where a hand is, in pixels: at the thing, or on its way to it or from it."""
        start, stop = hand.span
        inside = min(max(time, start), stop)
        nudge = 1e-3
        place, near = self.shot.project(mover.course.positions(np.array([inside, inside - nudge])))[:, :2]
        away = np.array([np.cos(hand.angle), -np.sin(hand.angle)])
        place = place + 0.5 * mover.radius * away
        if time > stop:
            since, speed = time - stop, (place - 0.5 * mover.radius * away - near) / nudge
            # The hand follows through, and then goes, or sways where it is.
            place = place + speed * 0.08 * (1 - np.exp(-since / 0.08))
            if hand.stays:
                way = min(1.0, since / 0.4) * hand.palm
                return place + way * (away + 0.3 * np.array([np.sin(3.1 * since + hand.seed), np.sin(2.3 * since)]))
            return place + away * max(0.0, since - 0.1) ** 2 * 6.0 * min(self.shot.width, self.shot.height)
        if time < start:
            until = start - time
            way = max(0.0, until - 0.15) ** 2 * 3.0 * min(self.shot.width, self.shot.height)
            return place + away * (min(until, 0.15) * 2.0 * hand.palm + way)
        return place

    def _string(self, frame: np.ndarray, mover: Mover, where: np.ndarray, time: float, offset: np.ndarray) -> None:
        """A thread or a rod from where it hangs to the thing."""
        if mover.pivot is None:
            return
        phases = mover.course.phases
        phase = next((p for p in phases if time < p.stop), phases[-1])
        if phase.kind not in _ON_STRING:
            return
        top = self.shot.project(mover.pivot)[:2] + offset
        # Clipped here: OpenCV counts pixels with 16 bits.
        end = where[len(where) // 2, :2]
        if top[1] < -50:
            top = end + (top - end) * (end[1] + 50) / (end[1] - top[1])
        colour = (mover.surface.colour * 128 if mover.string < 2 else np.full(3, 60)).tolist()
        fixed = [tuple(int(v) for v in np.rint((p - 0.5) * 16)) for p in (top, end)]
        cv2.line(frame, *fixed, colour, max(1, round(mover.string)), cv2.LINE_AA, 4)

    def _shadows(self) -> list:
        """On a floor below a thing, or on a wall behind it."""
        strength = self.shot.nuisances.shadow
        if not strength or not self.shot.movers:
            return []
        rng = np.random.default_rng([self.shot.scenery.seed, 62])
        largest = max(mover.radius for mover in self.shot.movers)
        floors = [points for name, points in self.shot.scenery.props if name in ("floor", "table")]
        if floors and rng.random() < 0.7:
            y = floors[0][:, 1].mean()
            flat = (shadow(1.1 * largest, 0.22), largest)
            return [(flat, (lambda where, mover: (where[len(where) // 2, 0], y), 0.6 * strength))]
        found, aside = (shadow(1.25 * largest, 1.0), largest), rng.uniform(1.5, 6.0, 2) * [rng.choice([-1, 1]), 1]
        return [
            (
                found,
                (
                    lambda where, mover, k=k: where[len(where) // 2, :2] + aside * mover.radius * (1 + 0.6 * k),
                    0.45 * strength / (1 + k),
                ),
            )
            for k in range(rng.integers(1, 3))
        ]

    def _post(self) -> tuple[Sprite, float, float] | None:
        """An upright post in front of the first thing's path."""
        strength = self.shot.nuisances.occlusion
        if not strength or not self.shot.movers:
            return None
        rng = np.random.default_rng([self.shot.scenery.seed, 63])
        mover = self.shot.movers[0]
        there = self.shot.project(mover.course.positions(self.shot.times[self.shot.times > 0]))
        inside = there[(there[:, 0] > 0) & (there[:, 0] < self.shot.width)]
        if not len(inside):
            return None
        x = inside[rng.integers(len(inside)), 0]
        wide = max(3.0, 3 * min(mover.radius, 40.0) * strength * rng.uniform(0.5, 1.0)) * 2
        high, wide = self.shot.height + 2 * self.shot.scenery.margin, round(wide)
        round_ = np.sqrt(1 - np.linspace(-0.95, 0.95, wide) ** 2) * 0.6 + 0.4
        colour = rng.uniform(0.1, 0.85) * np.array([1.0, 0.97, 0.93])
        cover = np.ones((high, wide + 2, 4), np.float32)
        cover[:, 1:-1, :3] = round_[None, :, None] * colour
        cover[:, [0, -1]] = 0
        return (
            Sprite(cv2.GaussianBlur(cover, (0, 0), max(0.5, self.soft)), None, (wide / 2 + 1, high / 2)),
            x,
            self.shot.height / 2,
        )

    def _sways(self) -> list:
        """A branch or a curtain's end that moves a little, at the picture's edge."""
        strength = self.shot.nuisances.distractors
        rng = np.random.default_rng([self.shot.scenery.seed, 64])
        if rng.random() > strength:
            return []
        size = (0.02 + 0.1 * strength * rng.random()) * min(self.shot.width, self.shot.height)
        place = np.array([rng.choice([0.03, 0.97]) * self.shot.width, rng.uniform(0.05, 0.6) * self.shot.height])
        sway, pace = 0.25 * size * rng.normal(size=2), rng.uniform(1.0, 6.0)
        surface = Surface(rng.uniform(0.1, 0.7) * np.array([0.8, 1.0, 0.7]), "spots", 0.4, seed=int(rng.integers(99)))
        sprite = thing(draw_shape("blob", rng), surface, size, self.soft)
        return [(sprite, lambda time: place + sway * np.sin(pace * time + 0.3 * np.sin(0.7 * pace * time)))]

    def _levels(self):
        """What exposure makes of each level, frame by frame; None where it leaves them as they are."""
        strength = self.shot.nuisances.exposure
        if not strength:
            return None
        gain, gamma = exposure(strength, self.shot.scenery.seed, len(self.shot.ticks))
        ramp = np.arange(256) / 255
        return lambda number: (((ramp * gain[number]).clip(0, 1) ** gamma) * 255 + 0.5).astype(np.uint8)

    def _noise(self) -> np.ndarray | None:
        """The sensor's noise about 128, larger than a frame: each frame takes another part of it."""
        strength = self.shot.nuisances.noise
        if not strength:
            return None
        rng = np.random.default_rng([self.shot.scenery.seed, 60])
        shape = self.shot.height + _MARGIN, self.shot.width + _MARGIN
        grey = cv2.GaussianBlur(rng.standard_normal(shape, dtype=np.float32), (0, 0), 0.6) * 1.9
        half = rng.standard_normal((shape[0] // 2, shape[1] // 2, 3), dtype=np.float32)
        colours = cv2.resize(half, shape[::-1], interpolation=cv2.INTER_LINEAR)
        noise = strength * (_NOISE * grey[..., None] + _CHROMA_NOISE * colours) + 128.5
        return noise.clip(0, 255).astype(np.uint8)
