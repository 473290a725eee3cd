"""How near a decoded moving layer is to the true one, by what a viewer would say: how much of it, how many, where."""

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

_SEEN = 0.5
"""Coverage from which on a pixel shows something."""
_LEAST_AREA = 2.0
"""Pixels of coverage that a component needs to count."""
_NEVER_PX = 64.0
"""Error of what is not found at all."""


def overlap(found: Tensor, true: Tensor) -> Tensor:
    """(B,) intersection over union of coverages (B, T, H, W), as soft sets; 1 where both are empty."""
    both, either = torch.minimum(found, true).sum((1, 2, 3)), torch.maximum(found, true).sum((1, 2, 3))
    return torch.where(either < _LEAST_AREA, 1.0, both / either.clamp_min(1e-6))


def components(coverage: Tensor, seen: float = _SEEN) -> list[np.ndarray]:
    """For each frame of a coverage (T, H, W) the centres (N, 2), column and row in pixels, of what is seen there.

    Args:
        seen: coverage from which on a pixel shows something; so much of `_LEAST_AREA` is what a component needs.
    """
    least = _LEAST_AREA * seen / _SEEN
    frames = []
    for frame in coverage.numpy():
        labels, count = ndimage.label(frame > seen, structure=np.ones((3, 3)))
        area = ndimage.sum_labels(frame, labels, range(1, count + 1)) if count else np.zeros(0)
        kept = [k + 1 for k in range(count) if area[k] >= least]
        centres = np.array(ndimage.center_of_mass(frame, labels, kept)).reshape(-1, 2)[:, ::-1]
        frames.append(centres)
    return frames


def layer_measures(found: Tensor, true: Tensor) -> dict[str, float]:
    """Of decoded layers (B, 2, T, H, W) against true ones: overlap, error of true components' centres, phantoms."""
    empty = true[:, 0].flatten(1).sum(1) < _LEAST_AREA
    ious = overlap(found[:, 0], true[:, 0])
    distances: list[float] = []
    phantoms, frames = 0, 0
    for seen, wanted in zip(found[:, 0], true[:, 0]):
        for a, b in zip(components(seen), components(wanted)):
            frames += 1
            apart = np.linalg.norm(a[:, None] - b[None], axis=-1)
            distances += (apart.min(axis=0) if len(a) else np.full(len(b), np.inf)).tolist()
            phantoms += int((apart.min(axis=1) > 5).sum()) if len(b) else len(a)
    errors = np.minimum(distances, _NEVER_PX) if distances else np.zeros(1)
    lit = (found[:, 1] - true[:, 1]).abs() * true[:, 0]
    return {
        "overlap": float(ious[~empty].median()) if (~empty).any() else 1.0,
        "centre_px": float(np.median(errors)),
        "lost": float((errors > 5).mean()),
        "phantoms_a_frame": phantoms / frames,
        "brightness": float(lit.sum() / true[:, 0].sum().clamp_min(1)),
        "empty_coverage": float(found[empty, 0].mean()) if empty.any() else 0.0,
    }
