"""Rendered video files among filmed ones, in one picture and in random order: which are which?"""

import tempfile
from pathlib import Path

import cv2
import numpy as np

from trajvlm.data.filmed.decode import frames, open_video
from trajvlm.data.rendered.videos.shots import Shot, draw_shot
from trajvlm.data.rendered.videos.suites import find_video_suite
from trajvlm.data.rendered.videos.writer import write_shot

_SHOWN = 6
_HEIGHT, _WIDTH = 120, 1200
"""Of a line, in pixels."""
_LABEL = 26
_MOST_FRAMES = 200


def video_sheet(videos: list[Path], suites: list[str], count: int, seed: int) -> tuple[bytes, list[str]]:
    """A PNG with a line of frames for each file, numbered, and what each line is.

    Args:
        videos: files that somebody filmed.
        suites: names of suites, of which so many files in all are rendered, in turn.

    Raises:
        UserError: as reading a video or finding a suite does.
    """
    lines = [(path.name, _line(path)) for path in videos]
    with tempfile.TemporaryDirectory() as folder:
        for k in range(count):
            shot = _short(suites[k % len(suites)], seed, k // len(suites))
            path = Path(folder) / shot.name
            write_shot(shot, path)
            lines.append((f"rendered, {shot.name} of seed {seed}", _line(path)))
    order = np.random.default_rng(seed).permutation(len(lines))
    picture = np.concatenate([_numbered(number, lines[k][1]) for number, k in enumerate(order, 1)])
    png = cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1]))[1].tobytes()
    return png, [lines[k][0] for k in order]


def _short(suite: str, seed: int, number: int) -> Shot:
    """The shot of that number among those of a suite that are filmed in a moment."""
    index = 0
    while True:
        shot = draw_shot(find_video_suite(suite), seed, index)
        if len(shot.ticks) <= _MOST_FRAMES or suite == "long":
            if number == 0:
                return shot
            number -= 1
        index += 1


def _line(path: Path) -> np.ndarray:
    """Some frames of a file, side by side, (120, 1200, 3)."""
    info = open_video(path)
    times = [time for time, _ in frames(path, longest_side=16)]
    wanted = {times[k] for k in np.linspace(0, len(times) - 1, _SHOWN + 2).round().astype(int)[1:-1]}
    wide = round(_HEIGHT * info.width / info.height)
    shown = [
        cv2.resize(picture, (wide, _HEIGHT), interpolation=cv2.INTER_AREA)
        for time, picture in frames(path, longest_side=max(640, wide))
        if time in wanted
    ]
    line = np.full((_HEIGHT, _WIDTH, 3), 255, np.uint8)
    laid = np.concatenate(shown, axis=1)[:, :_WIDTH]
    line[:, : laid.shape[1]] = laid
    return line


def _numbered(number: int, line: np.ndarray) -> np.ndarray:
    label = np.full((_HEIGHT + 2, _LABEL, 3), 255, np.uint8)
    cv2.putText(label, str(number), (2, _HEIGHT // 2), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return np.concatenate([label, np.pad(line, ((0, 2), (0, 0), (0, 0)), constant_values=255)], axis=1)
