"""One decoded picture: upright RGB of all of it, or only of the part that is looked at.

To convert a whole 1080p picture takes as long as to decode it, and an object of it fills some percent.
"""

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

_PLANAR = ("yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p")
"""Formats of which a part can be cut out plane by plane, which are nearly all that videos have."""
_ALIGNED = 2
"""Pixels that share a colour in these formats, along a side."""


class Picture:
    """A decoded picture, as it is shown."""

    _frame: av.VideoFrame

    def __init__(self, frame: av.VideoFrame, like: "Picture | None" = None):
        """Wrap a frame.

        Args:
            like: a picture of the same file, whose turn is this one's too, and whose size, in case that a file changes
                it midway.
        """
        if like is None:
            self._turn = _turn(frame)
        else:
            # To look at a frame's side data keeps it, some megabytes, until the next collection of garbage.
            self._turn = like._turn
            width, height = like._frame.width, like._frame.height
            if (width, height) != (frame.width, frame.height):
                frame = frame.reformat(width=width, height=height, interpolation="AREA")
        self._frame = frame
        self._rgb: np.ndarray | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright picture, in pixels."""
        swapped = self._turn[0, 0] == 0
        return (self._frame.height, self._frame.width) if swapped else (self._frame.width, self._frame.height)

    def whole(self, longest_side: int | None = None) -> np.ndarray:
        """The upright picture (H, W, 3) uint8, made smaller to `longest_side` pixels where it is larger.

        Transparent pixels become white.
        """
        # Scaled before the conversion, so that 8K never exists as RGB unless asked for.
        shrink = min(1.0, (longest_side or np.inf) / max(self._frame.width, self._frame.height))
        width, height = (max(1, round(side * shrink)) for side in (self._frame.width, self._frame.height))
        see_through = any(component.is_alpha for component in self._frame.format.components)
        layout = "rgba" if see_through else "rgb24"
        rgb = self._frame.reformat(width=width, height=height, format=layout, interpolation="AREA").to_ndarray()
        if see_through:
            alpha = rgb[..., 3:].astype(np.uint16)
            rgb = ((rgb[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
        turn = self._turn
        if turn[0, 0] == 0:
            rgb, turn = rgb.swapaxes(0, 1), turn[:, ::-1]
        return np.ascontiguousarray(rgb[:: turn[1, 1], :: turn[0, 0]])

    def part(self, left: int, top: int, right: int, bottom: int) -> np.ndarray:
        """The part (bottom - top, right - left, 3), uint8, of the upright picture at full resolution; beyond its edge
        the edge is repeated."""
        width, height = self.size
        x0, y0 = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
        x1, y1 = max(x0 + 1, min(right, width)), max(y0 + 1, min(bottom, height))
        inside = self._cut(x0, y0, x1, y1)
        if (x0, y0, x1, y1) == (left, top, right, bottom):
            return inside
        # By indices: it may lie outside completely, further than a padding function reaches.
        rows = np.clip(np.arange(top, bottom), y0, y1 - 1) - y0
        columns = np.clip(np.arange(left, right), x0, x1 - 1) - x0
        return inside[rows[:, None], columns]

    def steadied(self, pose: np.ndarray | None, left: int, top: int, right: int, bottom: int) -> np.ndarray:
        """The part that another camera would have seen in a box, as `part`.

        Args:
            pose: (2, 3), pixels of this picture to those of the other; None where they are the same.
        """
        if pose is None:
            return self.part(left, top, right, bottom)
        back = np.linalg.inv(pose[:, :2])
        corners = np.array([[left, top], [right, top], [left, bottom], [right, bottom]]) - pose[:, 2]
        here = corners @ back.T
        size = np.array(self.size)
        low = np.clip(np.floor(here.min(0)) - 2, 0, size - 1).astype(int)
        high = np.clip(np.ceil(here.max(0)) + 2, low + 1, size).astype(int)
        matrix = pose.copy()
        # OpenCV counts from the middle of the first pixel.
        matrix[:, 2] += matrix[:, :2] @ (low + 0.5) - [left + 0.5, top + 0.5]
        source = self._cut(*low.tolist(), *high.tolist())
        return cv2.warpAffine(source, matrix, (right - left, bottom - top), borderMode=cv2.BORDER_REPLICATE)

    def _cut(self, left: int, top: int, right: int, bottom: int) -> np.ndarray:
        """A part that lies inside the picture; without its surroundings where the format allows that."""
        frame = self._frame
        # Pictures of odd size are converted in another way, with colours between those that are stored.
        even = frame.width % _ALIGNED == frame.height % _ALIGNED == 0
        if frame.format.name not in _PLANAR or not even or (self._turn != np.eye(2)).any():
            if self._rgb is None:
                self._rgb = self.whole()
            return self._rgb[top:bottom, left:right]
        x, y = left - left % _ALIGNED, top - top % _ALIGNED
        width, height = right + right % _ALIGNED - x, bottom + bottom % _ALIGNED - y
        piece = av.VideoFrame(width, height, frame.format.name)
        for source, target in zip(frame.planes, piece.planes, strict=True):
            across, down = frame.width // source.width, frame.height // source.height
            rows = np.frombuffer(source, np.uint8).reshape(source.height, source.line_size)
            to = np.frombuffer(target, np.uint8).reshape(target.height, target.line_size)
            to[:, : target.width] = rows[y // down :, x // across :][: target.height, : target.width]
        piece.colorspace, piece.color_range = frame.colorspace, frame.color_range
        rgb = VideoReformatter().reformat(piece, format="rgb24", interpolation="AREA").to_ndarray()
        return np.ascontiguousarray(rgb[top - y : bottom - y, left - x : right - x])


def _turn(frame: av.VideoFrame) -> np.ndarray:
    """The display matrix's linear part as signs: (x right, y down) of the stored picture to the upright one."""
    for side in frame.side_data:
        if side.type.name == "DISPLAYMATRIX":
            a, b, _, c, d = np.frombuffer(bytes(side), np.int32)[:5]
            turn = np.round(np.array([[a, c], [b, d]]) / 65536).astype(int)
            if np.abs(turn).sum() == 2 and abs(round(np.linalg.det(turn))) == 1:
                return turn
    return np.eye(2, dtype=int)  # no flag, or an odd angle, which no phone writes
