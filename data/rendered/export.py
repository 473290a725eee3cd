"""Rendered scenes as video files."""

import io
from pathlib import Path

import av
import numpy as np
from torch import Tensor

from trajvlm.data.clip import Picture
from trajvlm.data.rendered.render import render
from trajvlm.data.rendered.scene import Scene, SceneSettings, draw_scene

_RATE = 30
_SAMPLE = Picture(frames=49, size=256)


def write_sample(path: Path, family: str, seed: int, picture: Picture = _SAMPLE) -> Scene:
    """Render one clip of a family, with light nuisances, to an mp4 at 30 frames a second; returns its truth."""
    settings = SceneSettings(families=(family,), strength=(0.2, 0.4), radius=(0.09, 0.15), focal=(2.5, 5.0))
    scene = draw_scene(settings, seed, 0)
    write_video(path, to_frames(render([scene], picture)[0]), _RATE)
    return scene


def to_frames(video: Tensor) -> np.ndarray:
    """A rendered clip (3, T, H, W) in [0, 1] as pictures (T, H, W, 3), uint8."""
    return video.permute(1, 2, 3, 0).mul(255).round().byte().numpy()


def write_video(path: Path, frames: np.ndarray, rate: int, crf: int = 18) -> None:
    """Write frames (T, H, W, 3), uint8, even height and width, as H.264 in an mp4 file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_video(frames, rate, crf))


def encode_video(frames: np.ndarray, rate: int, crf: int = 18) -> bytes:
    """Frames (T, H, W, 3), uint8, even height and width, as the bytes of an mp4 file with H.264.

    The same frames give the same bytes. `crf` is x264's constant quality, 0 (lossless) to 51; 18 looks the same as the
    original.
    """
    # The encoder's choices depend on how many threads share the work. Its macroblock tree reads memory that nobody has
    # written where pictures are as narrow as ours, and with it the bytes change from one run to the next.
    options = {"crf": str(crf), "x264-params": "no-mbtree=1"}
    file = io.BytesIO()
    with av.open(file, "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=rate, options=options)
        stream.codec_context.thread_count = 1
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()
