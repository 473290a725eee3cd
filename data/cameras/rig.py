"""Several synchronised cameras that see one motion: their poses, and points, constants and equations in their frames.

The world's frame is that of the first camera. Every camera's frame is that of `trajvlm.data.cameras.camera`: the camera
at (0, 0, f) looking along -z, x to the right and y up in its picture. A `Pose` transforms from the world's frame into a
camera's.

Lengths are true ones, for the rig's focal length f. Canonical constants are stretched in depth: a pose transforms only
constants that are written for f (`canonical` in `trajvlm.data.cameras.camera` is the way back).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np

from trajvlm.data.errors import UserError
from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.families import Family


@dataclass(frozen=True, eq=False)
class Pose:
    """From the world into a camera's frame: p_camera = rotation @ p_world + translation."""

    rotation: np.ndarray
    """(3, 3), proper and orthonormal."""
    translation: np.ndarray
    """(3,) in half widths of the picture at the path's mean depth."""

    def __post_init__(self):
        rotation, translation = np.asarray(self.rotation, dtype=float), np.asarray(self.translation, dtype=float)
        if rotation.shape != (3, 3) or translation.shape != (3,):
            raise ValueError(f"a pose is a (3, 3) rotation and a (3,) shift, not {rotation.shape}, {translation.shape}")
        if not np.isfinite(translation).all():
            raise ValueError(f"a camera's place has to be finite, not {translation}")
        if not (np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-9) and np.linalg.det(rotation) > 0):
            raise ValueError(f"this matrix is not a rotation: {rotation.tolist()}")
        object.__setattr__(self, "rotation", rotation)
        object.__setattr__(self, "translation", translation)

    @overload
    def to_camera(self, thing: Equation) -> Equation: ...

    @overload
    def to_camera(self, thing: np.ndarray, family: Family | None = None) -> np.ndarray: ...

    def to_camera(self, thing: np.ndarray | Equation, family: Family | None = None) -> np.ndarray | Equation:
        """Transform points (..., 3), an `Equation`, or the constants (size,) of `family` into the camera's frame."""
        if isinstance(thing, Equation):
            return thing.moved(self.rotation, self.translation)
        if family is not None:
            return family.moved(thing, self.rotation, self.translation)
        return np.asarray(thing) @ self.rotation.T + self.translation


@dataclass(frozen=True)
class Rig:
    """Synchronised cameras of one focal length."""

    poses: tuple[Pose, ...]
    focal: float
    """In half widths of the picture."""

    def __post_init__(self):
        if not self.poses or not 0 < self.focal < float("inf"):
            raise ValueError(f"a rig has cameras and a positive focal length, not {len(self.poses)} and {self.focal}")

    @classmethod
    def ring(cls, angles: tuple[float, ...], focal: float, centre: np.ndarray) -> "Rig":
        """Cameras on a circle about the vertical line through `centre`; all see `centre` at the same image point.

        Args:
            angles: in degrees; a camera at a positive angle stands further to the right and looks to the left. The
                camera at 0 is the one whose frame is the world's.
            focal: focal length of all of them, in half widths of the picture.
            centre: (3,) of the path. The circle's radius is its distance from the camera at 0.
        """
        centre = np.asarray(centre, dtype=float)
        turns = [_about_vertical(angle) for angle in angles]
        return cls(tuple(Pose(turn, centre - turn @ centre) for turn in turns), focal)

    def to_dict(self) -> dict:
        """Plain numbers, for JSON."""
        poses = [{"rotation": p.rotation.tolist(), "translation": p.translation.tolist()} for p in self.poses]
        return {"focal": self.focal, "poses": poses}

    @classmethod
    def from_dict(cls, plain: dict) -> "Rig":
        """Read what `to_dict` wrote; raises ValueError for anything else."""
        plain = check_keys(plain, ("focal", "poses"), "the file")
        if not isinstance(plain.get("poses"), list):
            raise ValueError("poses has to be a list")
        poses = [check_keys(pose, ("rotation", "translation"), "a pose") for pose in plain["poses"]]
        placed = (Pose(read_numbers(p, "rotation", 9).reshape(3, 3), read_numbers(p, "translation", 3)) for p in poses)
        return cls(tuple(placed), float(read_numbers(plain, "focal", 1)[0]))

    def save(self, path: str | Path) -> None:
        """Write the rig as JSON."""
        Path(path).write_text(json.dumps(self.to_dict(), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> "Rig":
        """Read a file that `save` wrote; raises UserError where it is missing or holds something else."""
        try:
            return cls.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
        except OSError as error:
            raise UserError(f"the cameras' file {path} can't be read ({error.strerror}); check its name") from error
        except ValueError as error:
            raise UserError(
                f'{path} does not describe cameras ({error}); write {{"focal": ..., "poses": [{{"rotation": 3 x 3 '
                f'numbers, "translation": 3 numbers}}, ...]}}'
            ) from error


def check_keys(plain: object, keys: tuple[str, ...], what: str) -> dict:
    """Return a JSON object unless it has other keys; raises ValueError, with `what` it is, for anything else."""
    if not isinstance(plain, dict):
        raise ValueError(f"{what} has to be an object with {', '.join(keys)}")
    if unknown := sorted(set(plain) - set(keys)):
        raise ValueError(f"{unknown[0]!r} in {what} means nothing here, only {', '.join(keys)} do")
    return plain


def read_numbers(plain: dict, key: str, count: int | None = None) -> np.ndarray:
    """The numbers (count,) under a key, flattened; raises ValueError where they are not so many finite numbers."""
    if key not in plain:
        raise ValueError(f"there is no {key}")
    wanted = "finite numbers" if count is None else f"{count} finite number{'s' * (count > 1)}"
    try:
        found = np.asarray(plain[key], dtype=float).ravel()
    except (ValueError, TypeError) as error:
        raise ValueError(f"{key} has to be {wanted}") from error
    if count not in (None, len(found)) or not np.isfinite(found).all():
        raise ValueError(f"{key} has to be {wanted}, not {found.tolist()}")
    return found


def _about_vertical(angle: float) -> np.ndarray:
    """(3, 3) rotation about y by -angle, in degrees: how the object turns for a camera that moves by +angle."""
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return np.array([[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]])
