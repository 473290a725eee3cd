"""Reading the ball's track out of a reconstructed clean scene, with no learned part.

The clean scene (`trajvlm.data.rendered.render.render_clean`) shows a light ball on a ground of 0.1, so its centre is
the centroid of what is brighter than the ground, and its radius follows from how much of that there is.
"""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from trajvlm.data.rendered.render import Track

_GROUND = 0.1
# Light above the ground, averaged over a ball lit from the camera: 0.5 + 0.5 * 2/3 - 0.1.
_MEAN_LIGHT = 0.5 + 0.5 * 2 / 3 - _GROUND
_LEAST_PEAK = 0.15
_WINDOW = 12


@dataclass(frozen=True)
class Readout:
    """A track and the frames in which there was something to read."""

    track: Track
    seen: Tensor
    """(B, T) whether a ball stands out at all."""
    centre_spread: Tensor = field(default_factory=lambda: torch.zeros(()))
    """(B, T), half widths: the standard deviation of several readings of the centre, of which the track is the mean;
    () and 0 where there was one."""
    log_radius_spread: Tensor = field(default_factory=lambda: torch.zeros(()))
    """The same of the radius's logarithm."""

    def cpu(self) -> "Readout":
        """The same on the processor."""
        track = Track(self.track.centre.cpu(), self.track.radius.cpu())
        return Readout(track, self.seen.cpu(), self.centre_spread.cpu(), self.log_radius_spread.cpu())


def read_track(clean: Tensor) -> Readout:
    """Centre and apparent radius of the ball in each frame of clean scenes (B, 3, T, H, W), in image coordinates."""
    size = clean.shape[-1]
    light = (clean.mean(dim=1) - _GROUND).clamp_min(0).flatten(0, 1)
    peak, where = F.avg_pool2d(light[:, None], 3, 1, 1).flatten(1).max(dim=1)
    grid = torch.arange(size, device=clean.device)
    near_row = (grid - (where // size)[:, None]).abs() <= _WINDOW
    near_column = (grid - (where % size)[:, None]).abs() <= _WINDOW
    # What is faint is the decoder's noise, and counts the more the further it lies from the ball.
    light = torch.where(light > 0.08, light, 0) * near_row[:, :, None] * near_column[:, None, :]
    mass = light.sum(dim=(1, 2)).clamp_min(1e-6)
    axis = (grid + 0.5) * (2 / size) - 1
    u = (light.sum(dim=1) * axis).sum(dim=1) / mass
    v = -(light.sum(dim=2) * axis).sum(dim=1) / mass
    radius = (mass / (math.pi * _MEAN_LIGHT)).sqrt() * (2 / size)
    shape = clean.shape[0], clean.shape[2]
    return Readout(
        Track(torch.stack([u, v], dim=-1).view(*shape, 2), radius.view(shape)), (peak > _LEAST_PEAK).view(shape)
    )
