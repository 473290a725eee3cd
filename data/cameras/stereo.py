"""Two calibrated cameras: reading a stereo calibration, projection into both, and triangulation.

The file is what OpenCV's `stereoCalibrate` returns, in its own axes (x right, y down, z away from the camera):
x_right = rotation @ x_left + translation, in any unit of length. Points here are in this project's axes, x right, y up
and z towards the camera, with the left camera's pinhole as the origin.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from trajvlm.data.cameras.rig import Pose, Rig, check_keys, read_numbers
from trajvlm.data.errors import UserError

_TO_OPENCV = np.diag([1.0, -1.0, -1.0])
_DISTORTIONS = (0, 4, 5, 8, 12, 14)
_KEYS = ("left", "right", "rotation", "translation", "unit", "offset_s")
_CAMERA_KEYS = ("focal_px", "centre_px", "distortion")
_METRES = {"m": 1.0, "dm": 0.1, "cm": 0.01, "mm": 0.001}
_SHAPE = (
    '{"left": {"focal_px": [fx, fy], "centre_px": [cx, cy], "distortion": []}, "right": {...}, '
    '"rotation": 3 x 3 numbers, "translation": 3 numbers, "unit": "m", "offset_s": 0}'
)


@dataclass(frozen=True)
class CalibratedCamera:
    """A camera with known intrinsics, in pixels of its upright picture."""

    focal_px: tuple[float, float]
    centre_px: tuple[float, float]
    distortion: tuple[float, ...] = ()
    """OpenCV's coefficients k1, k2, p1, p2, k3 ..."""

    def __post_init__(self):
        if len(self.focal_px) != 2 or len(self.centre_px) != 2 or not min(self.focal_px) > 0:
            raise ValueError("a camera has two positive focal lengths and two coordinates of its centre, in pixels")
        if len(self.distortion) not in _DISTORTIONS:
            raise ValueError(f"OpenCV has 4, 5, 8, 12 or 14 coefficients of distortion, not {len(self.distortion)}")

    @classmethod
    def from_dict(cls, plain: object, what: str) -> "CalibratedCamera":
        """Read plain values; raises ValueError with a sentence about `what` where they are anything else."""
        plain = check_keys(plain, _CAMERA_KEYS, what)
        focal, centre, distortion = (
            tuple(read_numbers({"distortion": []} | plain, key, count).tolist())
            for key, count in zip(_CAMERA_KEYS, (2, 2, None))
        )
        return cls(focal, centre, distortion)

    @property
    def matrix(self) -> np.ndarray:
        """(3, 3) camera matrix."""
        (fx, fy), (cx, cy) = self.focal_px, self.centre_px
        return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])

    def rays(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels (N, 2) as points (N, 2) of the plane one unit before the camera, x right and y down, undistorted."""
        pixels = np.asarray(pixels, dtype=float).reshape(-1, 1, 2)
        return cv2.undistortPoints(pixels, self.matrix, np.array(self.distortion) if self.distortion else None)[:, 0]

    def pixels(self, rays: np.ndarray) -> np.ndarray:
        """The inverse of `rays`: pixels (N, 2), with the camera's distortion, of such points (N, 2)."""
        points = np.column_stack([rays, np.ones(len(rays))])
        distortion = np.array(self.distortion) if self.distortion else None
        return cv2.projectPoints(points, np.zeros(3), np.zeros(3), self.matrix, distortion)[0][:, 0]


@dataclass(frozen=True, eq=False)
class StereoPair:
    """A left and a right camera and their relative pose."""

    left: CalibratedCamera
    right: CalibratedCamera
    pose: Pose
    """From the left camera's frame into the right one's, in this project's axes, pinholes as origins."""
    unit: str = "m"
    """The unit of the translation, and so of all results."""
    offset_s: float = 0.0
    """The right video's time, in seconds, at the left one's time zero."""

    @classmethod
    def from_dict(cls, plain: dict) -> "StereoPair":
        """Read plain values; raises ValueError with a sentence where they are anything else."""
        plain = check_keys(plain, _KEYS, "the file")
        left, right = (CalibratedCamera.from_dict(plain.get(side), f"the {side} camera") for side in ("left", "right"))
        rotation, translation = read_numbers(plain, "rotation", 9).reshape(3, 3), read_numbers(plain, "translation", 3)
        # Calibration files hold rounded numbers: take the nearest rotation.
        u, scales, v = np.linalg.svd(rotation)
        if np.abs(scales - 1).max() > 1e-2:
            raise ValueError("the rotation is not one")
        pose = Pose(*_axes_changed(u @ v, translation))
        if not np.linalg.norm(translation) > 0:
            raise ValueError("the cameras stand in one place")
        unit = plain.get("unit", "m")
        if not isinstance(unit, str) or not unit:
            raise ValueError(f"unit has to be the name of a unit of length, not {unit!r}")
        return cls(left, right, pose, unit, float(read_numbers({"offset_s": 0.0} | plain, "offset_s", 1)[0]))

    @classmethod
    def load(cls, path: str | Path) -> "StereoPair":
        """Read a calibration's JSON file; raises UserError where it is missing or says something else."""
        try:
            return cls.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
        except OSError as error:
            raise UserError(f"the cameras' file {path} can't be read ({error.strerror}); check its name") from error
        except ValueError as error:
            raise UserError(f"{path} does not describe two cameras ({error}); write {_SHAPE}") from error

    @classmethod
    def from_rig(cls, rig: Rig, width_px: int) -> "StereoPair":
        """The first two cameras of a rig, for square pictures of `width_px` pixels; lengths in the rig's unit."""
        camera = CalibratedCamera((rig.focal * width_px / 2,) * 2, (width_px / 2,) * 2)
        pose, pinhole = rig.poses[1], np.array([0.0, 0.0, rig.focal])
        between = Pose(pose.rotation, pose.translation + pose.rotation @ pinhole - pinhole)
        return cls(camera, camera, between, unit="u")

    def to_dict(self) -> dict:
        """Plain values that `from_dict` reads."""
        sides = {
            side: {name: list(value) for name, value in vars(camera).items()}
            for side, camera in (("left", self.left), ("right", self.right))
        }
        rotation, translation = _axes_changed(self.pose.rotation, self.pose.translation)
        pose = {"rotation": rotation.tolist(), "translation": translation.tolist()}
        return {**sides, **pose, "unit": self.unit, "offset_s": self.offset_s}

    @property
    def metres_per_unit(self) -> float | None:
        """None for a unit that is not m, dm, cm or mm."""
        return _METRES.get(self.unit)

    def rays(self, points: np.ndarray, right: bool) -> np.ndarray:
        """Projections (N, 2) of points (N, 3) onto the plane one unit before a camera, as `CalibratedCamera.rays`."""
        seen = (self.pose.to_camera(points) if right else np.asarray(points)) @ _TO_OPENCV
        # Points behind the camera, which an optimiser may try, are projected far outside the picture.
        return seen[:, :2] / np.maximum(seen[:, 2:], 1e-6)

    def triangulate(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Points (N, 3), in the left camera's frame, from the rays (N, 2) of both cameras; linear triangulation."""
        there = np.column_stack(_axes_changed(self.pose.rotation, self.pose.translation))
        found = cv2.triangulatePoints(np.eye(3, 4), there, left.T.astype(float), right.T.astype(float))
        return (found[:3] / found[3]).T @ _TO_OPENCV


def _axes_changed(rotation: np.ndarray, translation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Convert a pose between OpenCV's axes and this project's; its own inverse."""
    return _TO_OPENCV @ rotation @ _TO_OPENCV, _TO_OPENCV @ translation
