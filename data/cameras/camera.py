"""The pinhole camera of a canonical clip, and the framing of a path in it.

The camera looks along -z from (0, 0, f); x runs to the right, y up, z towards the camera, and the origin lies on the
optical axis at the path's mean depth. The unit of length is half the picture's width at that depth: a point of the
plane z = 0 has the image coordinates (u, v) = (x, y), and f is the focal length in half widths.

Depth is ambiguous for one uncalibrated camera: scaling z and f by the same factor changes no image point and no ratio
of apparent sizes. So all paths are written for one *canonical focal length*; with a known focal length f the true z is
the canonical one times f / CANONICAL_FOCAL.
"""

import numpy as np

from trajvlm.data.motions.families import Family

CANONICAL_FOCAL = 4.0
"""Focal length, in half widths of the picture, for which canonical paths are written."""

_DENSE = np.linspace(0.0, 1.0, 65)


def project(positions: np.ndarray, focal: float | np.ndarray = CANONICAL_FOCAL) -> np.ndarray:
    """Image coordinates (u, v), (..., 2), of positions (..., 3); `focal` in half widths."""
    return positions[..., :2] * magnification(positions, focal)[..., None]


def magnification(positions: np.ndarray, focal: float | np.ndarray = CANONICAL_FOCAL) -> np.ndarray:
    """Apparent size (...,) at positions (..., 3) relative to that at z = 0."""
    return focal / (focal - positions[..., 2])


def canonical(family: Family, constants: np.ndarray, focal: float) -> np.ndarray:
    """Constants (..., size) of a path seen with focal length `focal`, rewritten for the canonical one."""
    return family.moved(constants, np.array([1.0, 1.0, CANONICAL_FOCAL / focal]))


def image_bounds(positions: np.ndarray, focal: float, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Bounding box in the image, its lowest and highest (u, v), of a ball of `radius` along positions (T, 3)."""
    scale = magnification(positions, focal)[:, None]
    uv = positions[:, :2] * scale
    return (uv - radius * scale).min(axis=0), (uv + radius * scale).max(axis=0)


def frame_path(
    family: Family, constants: np.ndarray, focal: float, radius: float, fill: float, deepest: float = 0.45
) -> np.ndarray | None:
    """Scale and shift a path until it fills the picture.

    Args:
        constants: (family.size,) in any units.
        focal: focal length in half widths.
        radius: of the ball, in half widths at the mean depth.
        fill: wanted share of the picture's width or height, whichever is filled more, from 0 to 1.
        deepest: largest |z| allowed, as a share of the focal length.

    Returns:
        The constants in the camera's frame, or None where no scale fits (a path along the line of sight, say).
    """
    # The points are evaluated once and then scaled and shifted as the path is. With each axis contiguous in memory, as
    # drawing a scene spends most of its time here.
    points = np.asfortranarray(family.positions(constants, _DENSE))
    centre = points.mean(axis=0)
    scale = 0.3 / np.abs(points - centre).max()
    shift = -scale * centre
    points = scale * points + shift
    depth, aside = np.abs(points[:, 2]).max(), np.zeros(3)
    for _ in range(12):
        if depth > 0.6 * focal:
            return None
        low, high = image_bounds(points, focal, radius)
        grow = (2 * fill - 2 * radius) / max((high - low).max() - 2 * radius, 1e-3)
        grow = min(max(grow, 0.5), 2.0)
        # The mean depth is zero from the start and stays so.
        aside[:2] = -grow / 2 * (low + high)
        points = grow * points + aside
        scale, shift, depth = grow * scale, grow * shift + aside, grow * depth
    low, high = image_bounds(points, focal, radius)
    framed = max(-low.min(), high.max()) < 0.97 and np.abs((high - low).max() - 2 * fill) < 0.1
    if not framed or depth > deepest * focal:
        return None
    return family.moved(constants, scale, shift)
