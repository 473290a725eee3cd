"""Pictures of scenes: a shaded ball under perspective, anti-aliased, with motion blur."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trajvlm.data.cameras.camera import magnification, project
from trajvlm.data.clip import CANONICAL, Picture
from trajvlm.data.motions.families import MOTIONS
from trajvlm.data.rendered.layers import compose, drawn_backdrop
from trajvlm.data.rendered.room import seam_axes, surface
from trajvlm.data.rendered.scene import Scene
from trajvlm.data.rendered.sensor import record

_BLUR_STEPS = 4
_LONGEST_SHUTTER = 0.8
_LARGEST_JITTER = 0.02
_CLEAN_BACKGROUND = 0.1


@dataclass(frozen=True)
class Track:
    """Where the ball is seen in each frame, exactly; of one clip (T, ...) or of a batch (B, T, ...)."""

    centre: Tensor
    """(..., 2) image coordinates (u, v)."""
    radius: Tensor
    """(...,) apparent radius in half widths."""

    @property
    def places(self) -> Tensor:
        """(..., 3) the centre and ln(radius / 0.1), as networks are taught them."""
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
    backdrop: Callable[[Scene, int], Tensor] = drawn_backdrop,
) -> Tensor:
    """What the camera sees: (B, 3, T, H, W) in [0, 1], for the canonical picture (B, 3, 17, 64, 64).

    Args:
        backdrop: what a scene is played in front of, (3, size, size) in [0, 1], at a size.
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
    """The same motion without its appearance: a light grey ball lit from the camera on a dark ground, no nuisances.

    This is what the tokenizer learns to reconstruct: (B, 3, 17, 64, 64) in [0, 1].
    """
    balls = [_ball(scene, CANONICAL, clean=True) for scene in scenes]
    grey = torch.stack([lit.add_(_CLEAN_BACKGROUND * (1 - coverage)) for coverage, lit in balls])
    return grey[:, None].expand(-1, 3, -1, -1, -1)


def _seen_at(scene: Scene, picture: Picture) -> np.ndarray:
    """Positions (S, T, 3) at which the ball is drawn in S steps of the shutter: those of the path, but for the nuisance
    of measurement errors."""
    nuisances = scene.nuisances
    steps = _BLUR_STEPS if nuisances.blur else 1
    # The shutter opens at the frame's own time and closes a share of a frame later or earlier, evenly about it.
    offsets = ((np.arange(steps) + 0.5) / steps - 0.5) / (picture.frames - 1) * _LONGEST_SHUTTER * nuisances.blur
    times = np.clip(picture.times + offsets[:, None], 0, 1)
    positions = MOTIONS[scene.family].positions(scene.path, times.ravel()).reshape(steps, picture.frames, 3)
    if nuisances.jitter:
        rng = np.random.default_rng([scene.nuisance_seed, 20])
        positions[..., :2] += _LARGEST_JITTER * nuisances.jitter * rng.normal(size=(picture.frames, 2))
    return positions


def _ball(scene: Scene, picture: Picture, clean: bool = False) -> tuple[Tensor, Tensor]:
    """Coverage of the ball, and coverage times brightness, each (T, H, W) in [0, 1] and the mean over the shutter time.

    Every pixel sends a ray through the plane z = 0; coverage falls from 1 to 0 over one pixel at the ball's outline, by
    the ray's distance from the ball's centre. Only a window round the ball is computed.

    Args:
        clean: lit from the camera, and where the path has it, without motion blur or measurement errors.
    """
    size, f, r = picture.size, np.float32(scene.focal), np.float32(scene.radius)
    path = MOTIONS[scene.family].positions(scene.path, picture.times)[None] if clean else _seen_at(scene, picture)
    x, y, z = path.astype(np.float32).transpose(2, 0, 1)
    (lx, ly, lz), ambient = ((0.0, 0.0, 1.0), 0.5) if clean else (scene.light.tolist(), scene.ambient)

    scale = f / (f - z)
    half = math.ceil(r * scale.max() * size / 2 * 1.15) + 2
    columns = _window((x * scale + 1) * (size / 2), half, size)[:, None, :]
    rows = _window((1 - y * scale) * (size / 2), half, size)[:, :, None]
    axis = (np.arange(size, dtype=np.float32) + 0.5) * (2 / size) - 1

    # From here on (S, T, h, w), or as much of that as a thing depends on.
    u, v = torch.from_numpy(axis[columns]), torch.from_numpy(-axis[rows])
    cx, cy, cz, scale = (torch.from_numpy(values)[..., None, None] for values in (x, y, z - f, scale))
    length = torch.sqrt(u * u + v * v + f * f)
    along = (u * cx + v * cy - f * cz) / length
    off_centre = (cx * cx + cy * cy + cz * cz - along * along).clamp_min_(0)
    pixel = (2 / size) / scale
    alpha = ((r - off_centre.sqrt()) / pixel + 0.5).clamp_(0, 1)

    # How far along the ray its first point on the ball lies, and how squarely that point faces the light. The least
    # number is next to nothing, but roots of zero take ten times as long.
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
    """Pixels (T, w), in order and all in the picture, from `half` before to `half` behind all of `middle` (S, T).

    They are equally many in each frame, so in some they reach further.
    """
    first, last = (np.floor(end).astype(int) for end in (middle.min(axis=0) - half, middle.max(axis=0) + half))
    width = min((last - first).max() + 1, size)
    return first.clip(0, size - width)[:, None] + np.arange(width)
