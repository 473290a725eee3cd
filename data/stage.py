"""One scene composed frame by frame: backdrop, shadow, distractors, the ball, what hides it, and the hand it left."""

import numpy as np
import torch
from torch import Tensor

from data.backdrop import draw_backdrop, pale
from data.camera import magnification, project
from data.clip import Picture
from data.families import FAMILIES
from data.scene import Scene

_SKIN = np.array([[0.93, 0.76, 0.65], [0.78, 0.57, 0.44], [0.55, 0.38, 0.28], [0.33, 0.22, 0.16]])


def compose(scene: Scene, picture: Picture, coverage: Tensor, lit: Tensor) -> Tensor:
    """The scene as it stands before an ideal camera: (3, T, H, W) in [0, 1].

    Args:
        coverage: (T, H, W) share of each pixel that the ball covers.
        lit: (T, H, W) coverage times brightness.
    """
    strength = scene.nuisances
    layers = _Layers(scene, picture)
    canvas = draw_backdrop(scene.backdrop_seed, strength.texture, strength.distractors, picture.size)[:, None]
    if strength.shadow:
        canvas = canvas * (1 - layers.shadow())
    if strength.distractors:
        canvas = _over(canvas, *layers.moving_thing())
    if strength.tether:
        canvas = _over(canvas, *layers.tether())
    if strength.occlusion:
        post, colour = layers.post()
        canvas = _over(canvas, post, colour)
        coverage, lit = coverage * (1 - post), lit * (1 - post)
    if strength.hand:
        canvas = _over(canvas, *layers.arm())
    return canvas * (1 - coverage) + _column(scene.ball) * lit


class _Layers:
    """The things of one scene, each drawn from a generator of its own: one nuisance does not move another."""

    def __init__(self, scene: Scene, picture: Picture):
        self.scene, self.size = scene, picture.size
        self.strength = scene.nuisances
        self.times = picture.times
        positions = FAMILIES[scene.family].positions(scene.path, self.times)
        self.positions = positions
        self.centre = project(positions, scene.focal)
        self.radius = scene.radius * magnification(positions, scene.focal)
        axis = (torch.arange(picture.size) + 0.5) * (2 / picture.size) - 1
        self.u, self.v = axis[None, None, :], -axis[None, :, None]

    def _rng(self, number: int) -> np.random.Generator:
        return np.random.default_rng([self.scene.nuisance_seed, number])

    def shadow(self) -> Tensor:
        """(T, H, W): a soft ellipse on a level floor below the path."""
        rng = self._rng(0)
        floor = self.positions[:, 1].min() - self.scene.radius * rng.uniform(1.0, 2.5)
        on_floor = np.stack([self.positions[:, 0], np.full(len(self.times), floor), self.positions[:, 2]], axis=1)
        spot, flat = project(on_floor, self.scene.focal), rng.uniform(0.25, 0.5)
        u, v = _frames(spot[:, 0]), _frames(spot[:, 1])
        radius = _frames(self.radius) * 1.2
        away = ((self.u - u) / radius).square() + ((self.v - v) / (radius * flat)).square()
        return 0.7 * self.strength.shadow * torch.sigmoid(4 * (1 - away))

    def moving_thing(self) -> tuple[Tensor, np.ndarray]:
        """Something that sways a little: branches, a person, a curtain."""
        rng = self._rng(1)
        place, sway = rng.uniform(-0.9, 0.9, 2), rng.uniform(-0.15, 0.15, 2)
        w, h = 0.05 + self.strength.distractors * rng.uniform(0.0, 0.2, 2)
        swing = np.sin(2 * np.pi * (rng.uniform(0.2, 1.2) * self.times + rng.uniform()))[:, None] * sway
        u, v = _frames(place[0] + swing[:, 0]), _frames(place[1] + swing[:, 1])
        inside = 1 - torch.sqrt(((self.u - u) / w).square() + ((self.v - v) / h).square())
        cover = (inside * (min(w, h) * self.size / 2) + 0.5).clamp(0, 1)
        # The thing that moves is less striking than the ball, or nobody could say which of the two is meant.
        return 0.8 * self.strength.distractors * cover, pale(rng.uniform(0.02, 0.98, size=3), rng)

    def tether(self) -> tuple[Tensor, np.ndarray]:
        """(T, H, W): a string or a rod from the ball to a fixed place above it, and its colour."""
        rng = self._rng(4)
        fixed = self.centre.mean(axis=0) + (rng.normal(0, 0.3), 0)
        fixed[1] = self.centre[:, 1].max() + rng.uniform(0.2, 1.5)
        du, dv = self.u - _frames(self.centre[:, 0]), self.v - _frames(self.centre[:, 1])
        lu, lv = (_frames(fixed[k] - self.centre[:, k]) for k in range(2))
        along = ((du * lu + dv * lv) / (lu * lu + lv * lv)).clamp(0, 1)
        away = torch.sqrt((du - along * lu).square() + (dv - along * lv).square())
        half = 0.04 * self.strength.tether * rng.uniform(0.1, 1.0)
        # Thinner than a pixel, it covers less of it.
        cover = ((half - away) * self.size / 2 + 0.5).clamp(0, 1) * min(1.0, 0.3 + half * self.size)
        return cover, pale(rng.uniform(0.02, 0.98, size=3), rng)

    def post(self) -> tuple[Tensor, np.ndarray]:
        """(1, H, W): a straight post that stands in front of the path somewhere, and its colour."""
        rng = self._rng(2)
        behind = rng.integers(1, len(self.times))
        at, (du, dv) = self.centre[behind], self.centre[behind] - self.centre[behind - 1]
        # Across the path, more or less: along it the post would hide all of the motion.
        angle = np.arctan2(dv, du) + rng.normal(0, 0.4)
        half = 3 * self.scene.radius * self.strength.occlusion * rng.uniform(0.5, 1.0)
        across = (self.u - at[0]) * np.cos(angle) + (self.v - at[1]) * np.sin(angle)
        cover = ((half - across.abs()) * self.size / 2 + 0.5).clamp(0, 1)
        return cover, pale(rng.uniform(0.02, 0.98, size=3), rng)

    def arm(self) -> tuple[Tensor, np.ndarray]:
        """An arm from outside the picture that held the ball at the first frame and draws back."""
        rng = self._rng(3)
        strength = self.strength.hand
        velocity = self.centre[1] - self.centre[0]
        # It comes from behind the ball's direction, more or less.
        angle = np.arctan2(-velocity[1], -velocity[0]) + rng.normal(0, 0.7)
        direction = np.array([np.cos(angle), np.sin(angle)])
        width = self.radius[0] * (0.5 + strength * rng.uniform(0, 0.8))
        gone = 0.05 + 0.5 * strength * rng.uniform()
        back = self.radius[0] * 0.8 + 2.5 * np.clip(self.times / gone, 0, None) ** 2 * (self.times > 0)
        tip = self.centre[0] + back[:, None] * direction
        du, dv = self.u - _frames(tip[:, 0]), self.v - _frames(tip[:, 1])
        along = (du * direction[0] + dv * direction[1]).clamp_min(0)
        away = torch.sqrt((du - along * direction[0]).square() + (dv - along * direction[1]).square())
        skin = _SKIN[rng.integers(len(_SKIN))] * rng.uniform(0.8, 1.1)
        return ((width - away) * self.size / 2 + 0.5).clamp(0, 1), np.clip(skin, 0, 1)


def _over(canvas: Tensor, cover: Tensor, colour: np.ndarray) -> Tensor:
    return canvas * (1 - cover) + _column(colour) * cover


def _column(colour: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(colour, dtype=np.float32))[:, None, None, None]


def _frames(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float32))[:, None, None]
