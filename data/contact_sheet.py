"""What a data set looks like at a glance: one picture of some samples, and a few of them as larger videos."""

from dataclasses import asdict

import cv2
import numpy as np

from data.clip import FRAMES, Picture
from data.export import encode_video, to_frames
from data.render import render
from data.scene import Scene

_SHOWN_FRAMES = 8
_ENLARGED = 2
_GAP = 1
_LABEL_HEIGHT = 20
_PREVIEW = Picture(frames=49, size=256)
_PREVIEW_RATE = 30


def contact_sheet(samples: list[tuple[int, list[Scene]]]) -> bytes:
    """A PNG with one line of frames for each camera of each sample, under its family and the level of its nuisances.

    Args:
        samples: number of the sample, and its scene as each camera sees it.
    """
    picture = np.concatenate([line for index, scenes in samples for line in _lines(index, scenes)])
    return cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1]))[1].tobytes()


def preview(scene: Scene) -> bytes:
    """The scene as an mp4 of 49 pictures of 256 x 256, at 30 a second."""
    return encode_video(to_frames(render([scene], _PREVIEW)[0]), _PREVIEW_RATE)


def _lines(index: int, scenes: list[Scene]) -> list[np.ndarray]:
    strengths = list(asdict(scenes[0].nuisances).values())
    text = f"{index:08d}  {scenes[0].family}  nuisances {np.mean(strengths):.2f} (strongest {max(strengths):.2f})"
    shown = np.linspace(0, FRAMES - 1, _SHOWN_FRAMES).round().astype(int)
    lines = []
    for scene in scenes:
        frames = to_frames(render([scene])[0])[shown].repeat(_ENLARGED, axis=1).repeat(_ENLARGED, axis=2)
        framed = np.pad(frames, ((0, 0), (_GAP, _GAP), (_GAP, _GAP), (0, 0)), constant_values=255)
        lines.append(np.concatenate(framed, axis=1))
    label = np.full((_LABEL_HEIGHT, lines[0].shape[1], 3), 255, np.uint8)
    cv2.putText(label, text, (4, _LABEL_HEIGHT - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return [label, *lines]
