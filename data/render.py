"""Pictures of scenes: a shaded ball under perspective, anti-aliased, with motion blur, drawn for many clips at once."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from data.camera import magnification, project
from data.clip import CANONICAL, Picture
from data.families import FAMILIES
from data.scene import Scene
from data.sensor import record
from data.stage import compose

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


def track(scenes: list[Scene]) -> Track:
    """The true track of a batch of scenes: centre (B, 17, 2) and apparent radius (B, 17)."""
    positions = np.stack([FAMILIES[s.family].positions(s.constants, CANONICAL.times) for s in scenes])
    radius = np.array([s.radius for s in scenes])[:, None] * magnification(positions)
    return Track(torch.from_numpy(project(positions)).float(), torch.from_numpy(radius).float())


def render(scenes: list[Scene], picture: Picture = CANONICAL) -> Tensor:
    """What the camera sees: (B, 3, T, H, W) in [0, 1], for the canonical picture (B, 3, 17, 64, 64)."""
    steps = _BLUR_STEPS if any(scene.nuisances.blur > 0 for scene in scenes) else 1
    coverage, colour = 0.0, 0.0
    for step in range(steps):
        # The shutter opens at the frame's own time and closes a share of a frame later or earlier, evenly about it.
        offset = ((step + 0.5) / steps - 0.5) / (picture.frames - 1)
        a, shade = _ball(scenes, picture, offset)
        coverage, colour = coverage + a / steps, colour + (a * shade) / steps
    return torch.stack(
        [
            record(compose(scene, picture, *layers), scene.nuisances, scene.nuisance_seed)
            for scene, *layers in zip(scenes, coverage, colour)
        ]
    )


def render_clean(scenes: list[Scene]) -> Tensor:
    """The same motion without its appearance: a light grey ball lit from the camera on a dark ground, no nuisances.

    This is what the tokenizer learns to reconstruct: (B, 3, 17, 64, 64) in [0, 1].
    """
    alpha, shade = _ball(scenes, CANONICAL, 0.0, frontal=True)
    grey = _CLEAN_BACKGROUND * (1 - alpha) + alpha * shade
    return grey[:, None].expand(-1, 3, -1, -1, -1)


def _seen_at(scene: Scene, picture: Picture, offset: float, erring: bool) -> np.ndarray:
    """Positions (T, 3) at which the ball is drawn: those of the path, but for the nuisance of measurement errors."""
    times = np.clip(picture.times + offset * _LONGEST_SHUTTER * scene.nuisances.blur, 0, 1)
    positions = FAMILIES[scene.family].positions(scene.path, times)
    if erring and scene.nuisances.jitter:
        rng = np.random.default_rng([scene.nuisance_seed, 20])
        positions[:, :2] += _LARGEST_JITTER * scene.nuisances.jitter * rng.normal(size=(picture.frames, 2))
    return positions


def _ball(scenes: list[Scene], picture: Picture, offset: float, frontal: bool = False) -> tuple[Tensor, Tensor]:
    """Coverage and brightness of the ball, each (B, T, H, W) in [0, 1].

    Every pixel sends a ray through the plane z = 0; coverage falls from 1 to 0 over one pixel at the ball's outline, by
    the ray's distance from the ball's centre. Only a window round the ball is computed.

    Args:
        offset: shift of the shutter in clip time, multiplied by each scene's shutter time.
        frontal: light from the camera, for every scene alike.
    """
    size = picture.size
    positions = np.stack([_seen_at(s, picture, offset, erring=not frontal) for s in scenes])
    positions = torch.from_numpy(positions).float()
    count = len(scenes) * picture.frames
    focal = torch.tensor([s.focal for s in scenes]).repeat_interleave(picture.frames)
    radius = torch.tensor([s.radius for s in scenes]).repeat_interleave(picture.frames)
    p = positions.reshape(count, 3)

    scale = focal / (focal - p[:, 2])
    half = int(torch.ceil((radius * scale).max() * size / 2 * 1.15).item()) + 2
    column = ((p[:, 0] * scale + 1) * size / 2).floor().long()
    row = ((1 - p[:, 1] * scale) * size / 2).floor().long()
    window = torch.arange(-half, half + 1)
    columns, rows = column[:, None] + window, row[:, None] + window
    u = ((columns + 0.5) * (2 / size) - 1)[:, None, :]
    v = (1 - (rows + 0.5) * (2 / size))[:, :, None]

    f = focal[:, None, None]
    centre = torch.stack([p[:, 0], p[:, 1], p[:, 2] - focal], dim=-1)
    cx, cy, cz = (centre[:, k, None, None] for k in range(3))
    length = torch.sqrt(u * u + v * v + f * f)
    along = (u * cx + v * cy - f * cz) / length
    off_centre = (centre.square().sum(-1)[:, None, None] - along * along).clamp_min(0)
    r = radius[:, None, None]
    pixel = (2 / size) / scale[:, None, None]
    alpha = ((r - off_centre.sqrt()) / pixel + 0.5).clamp(0, 1)

    reach = (along - (r * r - off_centre).clamp_min(0).sqrt()) / length
    if frontal:
        light = torch.tensor([0.0, 0.0, 1.0]).expand(count, 3)
        ambient = torch.full((count, 1, 1), 0.5)
    else:
        light = torch.from_numpy(np.stack([s.light for s in scenes])).repeat_interleave(picture.frames, 0)
        ambient = torch.tensor([s.ambient for s in scenes]).float().repeat_interleave(picture.frames)[:, None, None]
    lx, ly, lz = (light[:, k, None, None] for k in range(3))
    facing = ((u * reach - cx) * lx + (v * reach - cy) * ly + (-f * reach - cz) * lz) / r
    shade = ambient + (1 - ambient) * facing.clamp(0, 1)

    def place(values: Tensor) -> Tensor:
        padded = values.new_zeros(count, (size + 2 * half) * (size + 2 * half))
        rows_in = (rows + half).clamp(0, size + 2 * half - 1)
        columns_in = (columns + half).clamp(0, size + 2 * half - 1)
        index = rows_in[:, :, None] * (size + 2 * half) + columns_in[:, None, :]
        padded.scatter_(1, index.reshape(count, -1), values.reshape(count, -1))
        inner = padded.view(count, size + 2 * half, size + 2 * half)[:, half:-half, half:-half]
        return inner.reshape(len(scenes), picture.frames, size, size)

    return place(alpha), place(shade)
