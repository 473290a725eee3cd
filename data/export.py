"""Rendered scenes as video files."""

from pathlib import Path

import av
import numpy as np

from data.clip import Picture
from data.render import render
from data.scene import Scene, SceneSettings, draw_scene

_RATE = 30
_SAMPLE = Picture(frames=49, size=256)


def write_sample(path: Path, family: str, seed: int, picture: Picture = _SAMPLE) -> Scene:
    """Render one clip of a family, with light nuisances, to an mp4 at 30 frames a second; returns its truth."""
    settings = SceneSettings(families=(family,), strength=(0.2, 0.4), radius=(0.09, 0.15), focal=(2.5, 5.0))
    scene = draw_scene(settings, seed, 0)
    frames = render([scene], picture)[0].permute(1, 2, 3, 0).mul(255).round().byte().numpy()
    write_video(path, frames, _RATE)
    return scene


def write_video(path: Path, frames: np.ndarray, rate: int) -> None:
    """Write frames (T, H, W, 3), uint8, even height and width, as H.264."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "18"})
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode())
