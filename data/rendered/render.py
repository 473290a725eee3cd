"""Rendering of scenes: a shaded ball under perspective, anti-aliased, with motion blur."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trajvlm.data.cameras.camera import magnification, project
from trajvlm.data.clip import CANONICAL, Picture
from trajvlm.data.motions.families import MOTIONS
from trajvlm.data.rendered.layers import compose, scene_backdrop
from trajvlm.data.rendered.room import seam_axes, surface
from trajvlm.data.rendered.scene import Scene
from trajvlm.data.rendered.sensor import record

_BLUR_STEPS = 4
_LONGEST_SHUTTER = 0.8
_LARGEST_JITTER = 0.02
_CLEAN_BACKGROUND = 0.1


@dataclass(frozen=True)
class Track:
    """The exact track of the ball in the image, of one clip (T, ...) or of a batch (B, T, ...)."""

    centre: Tensor
    """(..., 2) image coordinates (u, v)."""
    radius: Tensor
    """(...,) apparent radius in half widths."""

    @property
    def places(self) -> Tensor:
        """(..., 3) the centre and ln(radius / 0.1), the targets of the networks."""
        return torch.cat([self.centre, (self.radius / 0.1).log()[..., None]], dim=-1)


def track(scenes: list[Scene]) -> Track:
    """The true track of a batch of scenes: centre (B, 17, 2) and apparent radius (B, 17)."""
    times = CANONICAL.times
    positions = np.stack([MOTIONS[s.family].positions(s.constants, times) for s in scenes])
    radius = np.array([s.radius for s in scenes])[:, None] * magnification(positions)
    return Track(torch.from_numpy(project(positions)).float(), torch.from_numpy(radius).float())


def render(
    scenes: list[Scene],
    picture: Picture = CANONICAL,
    backdrop: Callable[[Scene, int], Tensor] = scene_backdrop,
) -> Tensor:
    """What the camera sees: (B, 3, T, H, W) in [0, 1], for the canonical picture (B, 3, 17, 64, 64).

    Args:
        backdrop: from a scene and a size, the picture (3, size, size) in [0, 1] behind the scene.
    """
    return torch.stack(
        [
            record(
                compose(scene, picture, *_ball(scene, picture), backdrop(scene, picture.size)),
                scene.nuisances,
                scene.nuisance_seed,
                scene.filmed,
            )
            for scene in scenes
        ]
    )


def render_clean(scenes: list[Scene]) -> Tensor:
    """The motion alone, the target of the tokenizer: (B, 3, 17, 64, 64) in [0, 1].

    A light grey ball, lit from the camera, on a dark ground, without nuisances.
    """
    balls = [_ball(scene, CANONICAL, clean=True) for scene in scenes]
    grey = torch.stack([lit.add_(_CLEAN_BACKGROUND * (1 - coverage)) for coverage, lit in balls])
    return grey[:, None].expand(-1, 3, -1, -1, -1)


def _exposed_at(scene: Scene, picture: Picture) -> np.ndarray:
    """Positions (S, T, 3) of the ball at S times while the shutter is open, with the nuisance `jitter`."""
    nuisances = scene.nuisances
    steps = _BLUR_STEPS if nuisances.blur else 1
    # The shutter's time is centred on the frame's.
    offsets = ((np.arange(steps) + 0.5) / steps - 0.5) / (picture.frames - 1) * _LONGEST_SHUTTER * nuisances.blur
    times = np.clip(picture.times + offsets[:, None], 0, 1)
    positions = MOTIONS[scene.family].positions(scene.path, times.ravel()).reshape(steps, picture.frames, 3)
    if nuisances.jitter:
        rng = np.random.default_rng([scene.nuisance_seed, 20])
        positions[..., :2] += _LARGEST_JITTER * nuisances.jitter * rng.normal(size=(picture.frames, 2))
    return positions


def _ball(scene: Scene, picture: Picture, clean: bool = False) -> tuple[Tensor, Tensor]:
    """Coverage of the ball, and coverage times brightness, each (T, H, W) in [0, 1] and the mean over the shutter time.

    Every pixel has a ray through the plane z = 0; coverage falls from 1 to 0 over one pixel at the ball's outline, by
    the ray's distance from the ball's centre. Only a window round the ball is computed.

    Args:
        clean: lit from the camera, without motion blur and jitter.
    """
    size, f, r = picture.size, np.float32(scene.focal), np.float32(scene.radius)
    path = MOTIONS[scene.family].positions(scene.path, picture.times)[None] if clean else _exposed_at(scene, picture)
    x, y, z = path.astype(np.float32).transpose(2, 0, 1)
    (lx, ly, lz), ambient = ((0.0, 0.0, 1.0), 0.5) if clean else (scene.light.tolist(), scene.ambient)

    scale = f / (f - z)
    half = math.ceil(r * scale.max() * size / 2 * 1.15) + 2
    columns = _window((x * scale + 1) * (size / 2), half, size)[:, None, :]
    rows = _window((1 - y * scale) * (size / 2), half, size)[:, :, None]
    axis = (np.arange(size, dtype=np.float32) + 0.5) * (2 / size) - 1

    # From here on tensors broadcast to (S, T, h, w).
    u, v = torch.from_numpy(axis[columns]), torch.from_numpy(-axis[rows])
    cx, cy, cz, scale = (torch.from_numpy(values)[..., None, None] for values in (x, y, z - f, scale))
    length = torch.sqrt(u * u + v * v + f * f)
    along = (u * cx + v * cy - f * cz) / length
    off_centre = (cx * cx + cy * cy + cz * cz - along * along).clamp_min_(0)
    pixel = (2 / size) / scale
    alpha = ((r - off_centre.sqrt()) / pixel + 0.5).clamp_(0, 1)

    # Distance along the ray to the ball's surface, and the cosine there between normal and light. Clamped to a tiny
    # number, as roots of zero take ten times as long.
    reach = along - (r * r - off_centre).clamp_min_(1e-20).sqrt_()

    def facing(x, y, z) -> Tensor:
        return (reach * ((u * x + v * y - f * z) / length) - (cx * x + cy * y + cz * z)) / r

    shade = ambient + (1 - ambient) * facing(lx, ly, lz).clamp_(0, 1)
    if scene.filmed and not clean:
        axes, dark = seam_axes(scene.nuisance_seed, picture.times)
        across = facing(*torch.from_numpy(axes.T.astype(np.float32))[..., None, None])
        shade *= surface(off_centre * (1 / r**2), across, dark)

    coverage, lit = whole = np.zeros((2, picture.frames * size * size), dtype=np.float32)
    pixels = (np.arange(picture.frames)[:, None, None] * size + rows) * size + columns
    coverage[pixels], lit[pixels] = alpha.mean(dim=0), (alpha * shade).mean(dim=0)
    whole = torch.from_numpy(whole).view(2, picture.frames, size, size)
    return whole[0], whole[1]


def _window(middle: np.ndarray, half: int, size: int) -> np.ndarray:
    """Pixels (T, w), in order and inside the picture, from `half` before to `half` behind all of `middle` (S, T).

    Equally many in each frame, so the window is wider than needed in some.
    """
    first, last = (np.floor(end).astype(int) for end in (middle.min(axis=0) - half, middle.max(axis=0) + half))
    width = min((last - first).max() + 1, size)
    return first.clip(0, size - width)[:, None] + np.arange(width)
