"""Steadying: by how much a camera that shakes or pans has moved each frame, estimated from what stands still.

Lucas and Kanade's registration of each frame with a reference ("An iterative image registration technique", 1981), in
the inverse compositional form (Baker and Matthews, "Lucas-Kanade 20 years on", 2004): shift, rotation and zoom, with
the exposure's gain and offset beside them, by iterated least squares with Tukey's biweight, so that what moves in front
of the background has no weight.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from trajvlm.data.filmed.median import median

_SIDE = 320
"""Longest side, in pixels, of the grey pictures that are compared."""
_ITERATIONS = 12
_CUT_OFF = 4.7
"""Of the biweight, in standard deviations: 95 % efficient for normal noise (Beaton and Tukey, 1974)."""
_PRIOR = (1e3, 1e3, 1.0, 1.0, 1.0, 100.0)
"""Prior standard deviations: of the shifts in pixels, of what zoom and turn move at half the longest side away from the
middle, of the gain, and of the offset in levels."""
_LOOSE = 1.0
"""Pixels by which an edge may be off in the first iteration, besides the noise."""
_BLOCK, _OF_BLOCK = 16, 32
"""Side of the blocks in pixels, and how many pixels of each are compared."""
_LEAST_GRADIENT = 0.3
"""Levels a pixel."""
_CELLS, _EVIDENCE = 8, 4.0
"""Cells along each side in which poses are compared, and how many pixels' misfit has to change in one to count."""
_MISFIT = 0.6
"""What may be left of a registered frame, in what a shift by one pixel would change."""


@dataclass(frozen=True)
class Pose:
    """How a frame lies on the reference."""

    matrix: np.ndarray
    """(2, 3): pixels of the frame to pixels of the reference, both of the pictures that were given."""
    moved_px: float
    """Largest displacement of a corner, in pixels of the pictures that were given."""
    sure: bool
    """Whether enough of the picture agrees."""


class Reference:
    """One frame with which others are registered."""

    def __init__(self, picture: np.ndarray):
        """Prepare registration with `picture` (h, w, 3), uint8."""
        self.scale = min(1.0, _SIDE / max(picture.shape[:2]))
        self.grey = self._grey(picture)
        height, width = self.grey.shape
        down, right = np.gradient(self.grey)
        rows, columns = np.indices(self.grey.shape, dtype=np.float32)
        # About the middle and in units of half the side, so that the unknowns are of like size.
        self.unit = 0.5 * max(height, width)
        self.middle = np.array([(width - 1) / 2, (height - 1) / 2])
        x, y = (columns - self.middle[0]) / self.unit, (rows - self.middle[1]) / self.unit
        margin = 2
        strength = np.hypot(down, right)
        inner = np.zeros_like(strength, bool)
        inner[margin:-margin, margin:-margin] = True
        exposed = (self.grey > 3) & (self.grey < 250)
        self.at = np.flatnonzero(_spread_out(strength, inner & exposed))
        gx, gy = (g.ravel()[self.at] for g in (right, down))
        px, py = (p.ravel()[self.at] for p in (x, y))
        self.values = self.grey.ravel()[self.at]
        self.points = np.stack([columns.ravel()[self.at], rows.ravel()[self.at]]).astype(float)
        ones = np.ones_like(gx)
        # Rows: shift right, shift down, zoom, turn, gain, offset.
        self.jacobian = np.stack(
            [gx, gy, gx * px + gy * py, gy * px - gx * py, (self.values - 128) / 128, ones]
        ).astype(np.float32)
        self.slope_squared = gx * gx + gy * gy

    def _grey(self, picture: np.ndarray) -> np.ndarray:
        size = max(1, round(picture.shape[1] * self.scale)), max(1, round(picture.shape[0] * self.scale))
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        if self.scale < 1:
            grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        return cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1.0)

    @property
    def textured(self) -> bool:
        """Whether there is enough to register with."""
        return len(self.at) >= 200

    def locate(self, picture: np.ndarray, start: np.ndarray | None = None) -> Pose:
        """Register a picture (h, w, 3), uint8, from the pose `start` (2, 3) on."""
        if not self.textured:
            return Pose(np.eye(2, 3), 0.0, True)
        grey = self._grey(picture)
        p, misfit = self._solved(grey, np.zeros(4) if start is None else self._parameters(start))
        if misfit > _MISFIT:
            again, other = self._solved(grey, self._coarse(grey))
            if other < misfit:
                p, misfit = again, other
        matrix = self._matrix(p)
        corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) * picture.shape[1::-1]
        moved = np.abs(corners @ matrix[:, :2].T + matrix[:, 2] - corners).max()
        return Pose(matrix, float(moved), misfit <= _MISFIT)

    def speaks_for(self, picture: np.ndarray, pose: Pose) -> bool:
        """Whether a pose explains a picture better than a still camera does, nearly wherever the two differ, and in at
        least three quarters of the picture: one thing that moves is no moving camera."""
        grey = self._grey(picture)
        left = [self._left(grey, p) for p in (np.zeros(4), self._parameters(pose.matrix))]
        spread = min(max(1.0, 1.48 * float(median(np.abs(residual)))) for residual in left)
        costs = [np.minimum((residual / (3 * spread)) ** 2, 1.0) for residual in left]
        height, width = grey.shape
        cell = (self.points // [[width / _CELLS], [height / _CELLS]]).astype(int)
        gain = np.bincount(cell[1] * _CELLS + cell[0], costs[0] - costs[1], _CELLS**2).reshape(_CELLS, _CELLS)
        better, worse = gain > _EVIDENCE, gain < -_EVIDENCE
        half = _CELLS // 2
        quarters = [
            better[rows, columns].any()
            for rows in (slice(half), slice(half, None))
            for columns in (slice(half), slice(half, None))
        ]
        return bool(sum(quarters) >= 3 and better.sum() >= _CELLS and gain[better].sum() > 3 * -gain[worse].sum())

    def _left(self, grey: np.ndarray, p: np.ndarray) -> np.ndarray:
        """(N,) by how much each compared pixel differs from the reference as this frame's exposure shows it."""
        residual = self._sampled(grey, self._moved(p)) - self.values
        for _ in range(3):
            spread = max(1.0, 1.48 * float(median(np.abs(residual))))
            weight = np.clip(1 - (residual / (_CUT_OFF * spread)) ** 2, 0, None) ** 2
            exposure = self.jacobian[4:]
            normal = (exposure * weight) @ exposure.T + np.eye(2, dtype=np.float32)
            residual = residual - np.linalg.solve(normal, exposure @ (weight * residual)) @ exposure
        return residual

    def _coarse(self, grey: np.ndarray) -> np.ndarray:
        window = cv2.createHanningWindow(grey.shape[::-1], cv2.CV_32F)
        (right, down), _ = cv2.phaseCorrelate(self.grey, grey, window)
        return np.array([right, down, 0.0, 0.0])

    def _solved(self, grey: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, float]:
        """Parameters (4,), and how large what is left is beside what a shift by a pixel changes, in the median."""
        gain = np.zeros(2)
        height, width = grey.shape
        for iteration in range(_ITERATIONS):
            where = self._moved(p)
            inside = (where[0] > 0) & (where[0] < width - 1) & (where[1] > 0) & (where[1] < height - 1)
            if np.count_nonzero(inside) < 100:
                return p, np.inf
            residual = self._sampled(grey, where) - self.values - gain.astype(np.float32) @ self.jacobian[4:]
            spread = max(0.5, 1.48 * float(median(np.abs(residual[inside]))))
            # At first a strong edge may be off by the pixel or two that are to be found.
            loose = max(0.1, _LOOSE * 0.6**iteration)
            allowed = _CUT_OFF**2 * (spread**2 + loose**2 * self.slope_squared)
            weight = np.maximum(1 - residual * residual / allowed, 0) ** 2 * inside
            weighted = self.jacobian * weight
            prior = spread**2 / np.square(_PRIOR)
            normal = (weighted @ self.jacobian.T).astype(float) + np.diag(prior)
            # What is left is the frame minus the reference, so that the place's step is taken back and the gain's not.
            step = np.linalg.solve(normal, weighted @ residual + prior * np.concatenate([p, -gain]))
            p, gain = p - step[:4], gain + step[4:]
            if np.abs(step[:4]).max() < 0.005:
                break
        contrast = np.abs(self.jacobian[:2]).max(axis=0) + 2.0
        return p, float(np.median((np.abs(residual) / contrast)[inside]))

    def _sampled(self, grey: np.ndarray, where: np.ndarray) -> np.ndarray:
        """(N,) a picture's values at places (2, N)."""
        x, y = where[:, :, None]
        return cv2.remap(grey, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[:, 0]

    def _moved(self, p: np.ndarray) -> np.ndarray:
        """Where the chosen points of the reference lie in a frame (2, N), float32."""
        zoom, turn = p[2] / self.unit, p[3] / self.unit
        linear = np.array([[1 + zoom, -turn], [turn, 1 + zoom]])
        shift = self.middle + p[:2] - linear @ self.middle
        return (linear @ self.points + shift[:, None]).astype(np.float32)

    def _matrix(self, p: np.ndarray) -> np.ndarray:
        """(2, 3) from pixels of a frame to pixels of the reference, both as they were given."""
        zoom, turn = p[2] / self.unit, p[3] / self.unit
        linear = np.array([[1 + zoom, -turn], [turn, 1 + zoom]])
        middle = (self.middle + 0.5) / self.scale
        back = np.linalg.inv(linear)
        shift = p[:2] / self.scale
        # frame = linear (reference - middle) + middle + shift
        return np.hstack([back, (middle - back @ (middle + shift))[:, None]])

    def _parameters(self, matrix: np.ndarray) -> np.ndarray:
        linear = np.linalg.inv(matrix[:, :2])
        middle = (self.middle + 0.5) / self.scale
        shift = linear @ (middle - matrix[:, 2]) - middle
        return np.array([*(shift * self.scale), (linear[0, 0] - 1) * self.unit, linear[1, 0] * self.unit])


def _spread_out(strength: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """The strongest pixels of each block, so that one thing with strong edges has no more say than its size."""
    chosen = np.zeros_like(allowed)
    for top in range(0, len(strength) - _BLOCK // 2, _BLOCK):
        for left in range(0, strength.shape[1] - _BLOCK // 2, _BLOCK):
            block = np.s_[top : top + _BLOCK, left : left + _BLOCK]
            values = np.where(allowed[block], strength[block], 0)
            chosen[block] = values >= max(np.partition(values.ravel(), -_OF_BLOCK)[-_OF_BLOCK], _LEAST_GRADIENT)
    return chosen
