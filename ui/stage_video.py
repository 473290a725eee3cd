"""The video as the stage shows it: every frame at one even rate, so that frame k is at (k + 1/2) / RATE seconds."""

from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from itertools import chain
from pathlib import Path

import av
import cv2
import numpy as np

from trajvlm.data.errors import UserError
from trajvlm.data.filmed.decode import frames, open_video

RATE = 25
"""Frames a second of what is shown, whatever the file's rate is."""
MOST_FRAMES = 900
"""Of a longer video every second, third ... frame is shown."""
_LONGEST_SIDE = 640
_THUMBS, _THUMB_HEIGHT, _WIDEST_THUMB = 12, 54, 200


@dataclass(frozen=True)
class Film:
    """A video as the stage shows it."""

    mp4: bytes
    """In H.264."""
    times: np.ndarray
    """(F,) seconds of its frames."""
    strip: bytes
    """Small pictures of it side by side, as JPEG."""
    beyond: tuple[float, float]
    """How much wider and higher it is than the video, as it needs even sides; 1 where it isn't."""


def stage_video(path: Path, fps: float | None = None) -> Film:
    """Draw a video for the stage.

    Raises UserError if the video can't be decoded any more.
    """
    info = open_video(path, fps)
    stride = max(1, -(-int((info.duration_s or 0.0) * info.rate) // MOST_FRAMES))
    pictures = frames(path, fps, _LONGEST_SIDE, stride=stride)
    first = next(pictures, None)
    if first is None:
        raise UserError(f"{path} can't be decoded any more; give the video again")
    # H.264 in yuv420p needs even sides.
    seen_height, seen_width = first[1].shape[:2]
    height, width = seen_height + seen_height % 2, seen_width + seen_width % 2
    thumb_width = min(_WIDEST_THUMB, max(1, round(width * _THUMB_HEIGHT / height)))
    file, times, thumbs = BytesIO(), [], []
    with av.open(file, "w", format="mp4") as container:
        # A key frame twice a second lets a browser step as fast as a key is pressed.
        options = {"crf": "24", "preset": "veryfast", "g": str(RATE // 2), "bf": "0"}
        stream = container.add_stream("libx264", rate=RATE, options=options)
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        stream.codec_context.thread_count = 1
        for k, (time, picture) in enumerate(chain([first], pictures)):
            if k >= 2 * MOST_FRAMES:  # the header told fewer
                break
            shown = cv2.copyMakeBorder(picture, 0, seen_height % 2, 0, seen_width % 2, cv2.BORDER_REPLICATE)
            frame = av.VideoFrame.from_ndarray(shown, format="rgb24")
            frame.pts, frame.time_base = k, Fraction(1, RATE)
            container.mux(stream.encode(frame))
            times.append(time)
            thumbs.append(cv2.resize(shown, (thumb_width, _THUMB_HEIGHT)))
        container.mux(stream.encode())
    chosen = np.linspace(0, len(thumbs) - 1, _THUMBS).round().astype(int)
    strip = np.concatenate([thumbs[k] for k in chosen], axis=1)
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(strip, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 70])
    return Film(file.getvalue(), np.array(times), jpeg.tobytes(), (width / seen_width, height / seen_height))
