"""Draw the found curve over the video: a line for the path, a dot for the position at the time of each frame."""

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np

from trajvlm.data.errors import UserError
from trajvlm.data.filmed.decode import frames

if TYPE_CHECKING:
    from trajvlm.vlm.described import Projection

_LONGEST_SIDE = 640
_MARGIN_S = 0.5
_LONGEST_S = 30.0
_TICKS = 90_000
_SHIFT = 4  # OpenCV draws to a sixteenth of a pixel
_PATH, _BEYOND, _NOW, _HALO = (228, 87, 46), (240, 180, 150), (47, 111, 222), (255, 255, 255)


def draw_over_video(view: "Projection", path: Path, fps: float | None = None) -> None:
    """Write the described stretch of a video, and half a second around it, as mp4 (H.264) with the curve in it.

    The curve is full where the motion was seen and pale where the equation is continued beyond it. `fps` is that of
    `describe`.
    Raises UserError if the source video can't be decoded any more.
    """
    begin = max(0.0, view.starts_s - _MARGIN_S)
    stop = view.starts_s + min(view.duration_s + _MARGIN_S, _LONGEST_S)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = None
        for time, picture in frames(view.clip.source, fps, _LONGEST_SIDE, begin, stop):
            # H.264 in yuv420p needs even sides.
            picture = np.ascontiguousarray(picture[: len(picture) // 2 * 2, : picture.shape[1] // 2 * 2])
            if stream is None:
                stream = container.add_stream("libx264", rate=30, options={"crf": "20", "preset": "veryfast"})
                stream.height, stream.width, stream.pix_fmt = *picture.shape[:2], "yuv420p"
                stream.codec_context.time_base = Fraction(1, _TICKS)
                stream.codec_context.thread_count = 1
                curves = _curves(view, picture.shape[1], begin, stop)
            _draw(picture, view, curves, time)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round((time - begin) * _TICKS), Fraction(1, _TICKS)
            container.mux(stream.encode(frame))
        if stream is None:
            raise UserError(f"{view.clip.source} can't be decoded any more; give the video again")
        container.mux(stream.encode())


def _curves(view: "Projection", width: int, begin: float, stop: float) -> list[tuple[np.ndarray, tuple, int]]:
    """What is drawn in every frame, in order: points, colour and line width."""
    inside = _points(view, np.linspace(0, view.duration_s, 1600), width)
    before = _points(view, np.linspace(begin - view.starts_s, 0, 60), width)
    after = _points(view, np.linspace(view.duration_s, stop - view.starts_s, 60), width)
    return [(before, _BEYOND, 1), (after, _BEYOND, 1), (inside, _HALO, 4), (inside, _PATH, 2)]


def _points(view: "Projection", t: np.ndarray, width: int) -> np.ndarray:
    """Pixels at t seconds into the clip, as OpenCV's fixed-point numbers, without those behind the camera."""
    pixels = view.pixels(t) * (width / view.clip.placement.video_width_px) - 0.5
    pixels = pixels[np.isfinite(pixels).all(axis=1)]
    return np.round(pixels.clip(-4000, 8000) * 2**_SHIFT).astype(np.int32)


def _draw(picture: np.ndarray, view: "Projection", curves: list, time: float) -> None:
    for points, colour, line_width in curves:
        if len(points) > 1:
            cv2.polylines(picture, [points], False, colour, line_width, cv2.LINE_AA, _SHIFT)
    here = _points(view, np.array([time - view.starts_s]), picture.shape[1])
    for x, y in here:
        centre, radius = (int(x), int(y)), 5 * 2**_SHIFT
        cv2.circle(picture, centre, radius + 2 * 2**_SHIFT, _HALO, -1, cv2.LINE_AA, _SHIFT)
        cv2.circle(picture, centre, radius, _NOW, -1, cv2.LINE_AA, _SHIFT)
