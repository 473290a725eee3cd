"""The pinhole camera of a canonical clip, and the framing of a path in it.

The camera looks along -z from (0, 0, f); x runs to the right, y up, z towards the camera, and the origin lies on the
optical axis at the path's mean depth. The unit of length is half the picture's width at that depth, so that a point of
the plane z = 0 is seen at the image coordinates (u, v) = (x, y), and f is the focal length in half widths.

What one uncalibrated camera cannot tell: stretching z and f by the same factor changes no image point and no ratio of
apparent sizes. So all paths are written for one *canonical focal length*, and a known focal length f turns the
canonical z into the true one by the factor f / CANONICAL_FOCAL.
"""

import numpy as np

from data.families import Family

CANONICAL_FOCAL = 4.0
"""Focal length, in half widths of the picture, for which canonical paths are written."""

_DENSE = np.linspace(0.0, 1.0, 65)


def project(positions: np.ndarray, focal: float | np.ndarray = CANONICAL_FOCAL) -> np.ndarray:
    """Image coordinates (..., 2) of positions (..., 3)."""
    return positions[..., :2] * magnification(positions, focal)[..., None]


def magnification(positions: np.ndarray, focal: float | np.ndarray = CANONICAL_FOCAL) -> np.ndarray:
    """Apparent size (...,) at positions (..., 3) relative to that at z = 0."""
    return focal / (focal - positions[..., 2])


def canonical(family: Family, constants: np.ndarray, focal: float) -> np.ndarray:
    """Constants of a path seen with focal length `focal`, rewritten for the canonical one."""
    return family.moved(constants, np.array([1.0, 1.0, CANONICAL_FOCAL / focal]))


def extent(positions: np.ndarray, focal: float, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest (u, v) that a ball of so large a radius covers along positions (T, 3)."""
    uv = project(positions, focal)
    size = radius * magnification(positions, focal)[:, None]
    return (uv - size).min(axis=0), (uv + size).max(axis=0)


def frame_path(
    family: Family, constants: np.ndarray, focal: float, radius: float, fill: float, deepest: float = 0.45
) -> np.ndarray | None:
    """Scale and shift a path until it fills the picture, as a person would aim and zoom.

    Args:
        constants: (family.size,) in any units.
        focal: focal length in half widths.
        radius: of the ball, in half widths at the mean depth.
        fill: wanted share of the picture's width or height, whichever is filled more, from 0 to 1.
        deepest: largest |z| allowed, as a share of the focal length.

    Returns:
        The constants in the camera's frame, or None where no scale fits (a path along the line of sight, say).
    """
    path = family.moved(constants, 1.0, -family.positions(constants, _DENSE).mean(axis=0))
    path = family.moved(path, 0.3 / np.abs(family.positions(path, _DENSE)).max())
    for _ in range(12):
        positions = family.positions(path, _DENSE)
        if np.abs(positions[:, 2]).max() > 0.6 * focal:
            return None
        low, high = extent(positions, focal, radius)
        middle, size = (low + high) / 2, (high - low).max()
        grow = (2 * fill - 2 * radius) / max(size - 2 * radius, 1e-3)
        path = family.moved(path, np.clip(grow, 0.5, 2.0), np.append(-middle * np.clip(grow, 0.5, 2.0), 0.0))
        path = family.moved(path, 1.0, [0.0, 0.0, -family.positions(path, _DENSE)[:, 2].mean()])
    positions = family.positions(path, _DENSE)
    low, high = extent(positions, focal, radius)
    framed = max(-low.min(), high.max()) < 0.97 and np.abs((high - low).max() - 2 * fill) < 0.1
    return path if framed and np.abs(positions[:, 2]).max() <= deepest * focal else None
