"""Contact sheet of a data set, one picture of some samples, and previews of single samples as larger videos.

python -m trajvlm.data.rendered.contact_sheet *.mp4 --out sheet.png    # videos among rendered clips: which are which?
"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer

from trajvlm.data.clip import FRAMES, Picture
from trajvlm.data.errors import UserError
from trajvlm.data.filmed.canonical import canonical_clip
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered.export import encode_video, to_frames
from trajvlm.data.rendered.render import render
from trajvlm.data.rendered.scene import Scene, SceneSettings, draw_scene
from trajvlm.data.rendered.stream import TRAINING_SEED

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
    return _png([line for index, scenes in samples for line in _lines(index, scenes)])


def main(
    videos: Annotated[list[Path], typer.Argument(help="Videos of one moving object each.", exists=True)],
    out: Annotated[Path, typer.Option(help="The picture.")] = Path("sheet.png"),
    count: Annotated[int, typer.Option(min=1, help="How many clips are rendered, with rising nuisances.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Of the rendered clips, and of the order of the lines.")] = 0,
):
    """Put the canonical clips of videos and rendered ones into one picture, and print which are which."""
    try:
        lines = [(path.name, _line(to_frames(canonical_clip(path).frames))) for path in videos]
    except UserError as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from error
    for k, level in enumerate(np.linspace(0, 0.8, count)):
        settings = SceneSettings(families=tuple(FAMILIES), strength=(level, level), filmed=1.0)
        scene = draw_scene(settings, TRAINING_SEED, seed * count + k)
        lines.append((f"rendered, {scene.family}, nuisances up to {level:.2f}", _line(to_frames(render([scene])[0]))))
    order = np.random.default_rng(seed).permutation(len(lines))
    out.write_bytes(_png([lines[k][1] for k in order]))
    for number, k in enumerate(order, 1):
        print(f"{number:2d}  {lines[k][0]}")


def preview(scene: Scene) -> bytes:
    """The scene as an mp4 of 49 pictures of 256 x 256, at 30 a second."""
    return encode_video(to_frames(render([scene], _PREVIEW)[0]), _PREVIEW_RATE)


def _lines(index: int, scenes: list[Scene]) -> list[np.ndarray]:
    strengths = list(asdict(scenes[0].nuisances).values())
    text = f"{index:08d}  {scenes[0].family}  nuisances {np.mean(strengths):.2f} (strongest {max(strengths):.2f})"
    lines = [_line(to_frames(render([scene])[0])) for scene in scenes]
    label = np.full((_LABEL_HEIGHT, lines[0].shape[1], 3), 255, np.uint8)
    cv2.putText(label, text, (4, _LABEL_HEIGHT - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return [label, *lines]


def _png(lines: list[np.ndarray]) -> bytes:
    picture = np.concatenate(lines)
    return cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1]))[1].tobytes()


def _line(frames: np.ndarray) -> np.ndarray:
    """Some of a clip's frames (17, 64, 64, 3), uint8, enlarged and side by side."""
    shown = np.linspace(0, FRAMES - 1, _SHOWN_FRAMES).round().astype(int)
    frames = frames[shown].repeat(_ENLARGED, axis=1).repeat(_ENLARGED, axis=2)
    framed = np.pad(frames, ((0, 0), (_GAP, _GAP), (_GAP, _GAP), (0, 0)), constant_values=255)
    return np.concatenate(framed, axis=1)


if __name__ == "__main__":
    typer.run(main)
