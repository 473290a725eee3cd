"""Single clips as pictures for the report: what the camera saw, what the tokens decode to, and the answered paths.

Made anew from the suites' seeds and the shipped models; nothing is stored.
"""

import io
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from trajvlm.data.cameras.camera import project
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered.export import to_frames
from trajvlm.data.rendered.render import render
from trajvlm.data.rendered.scene import Scene
from trajvlm.eval.comparison import OURS, RIVAL, ours
from trajvlm.eval.report_figures import COLOURS
from trajvlm.eval.results_file import digest
from trajvlm.eval.suites import SUITES
from trajvlm.vlm.answer import Answer
from trajvlm.vlm.classical_baseline import track_and_fit

if TYPE_CHECKING:  # the networks are imported where a page is made, and not where its pictures' code is
    from trajvlm.eval.systems.ours import Ours

_FRAMES = (0, 4, 8, 12, 16)
_DENSE = np.linspace(0.0, 1.0, 65)


@dataclass(frozen=True)
class Picture:
    """A clip as a JPEG and a line of text."""

    jpeg: bytes
    caption: str


def worst(data: dict, suite: str, count: int) -> list[int]:
    """Numbers of the clips of a main suite with the largest curve error of what a user gets, failures first."""
    row = ours(data, suite)
    if row is None or "curve_db" not in row.cell:
        return []
    errors = [np.inf if d is None else d for d in row.cell["curve_db"][row.label]]
    return np.argsort(errors, kind="stable")[::-1][:count].tolist()


def belongs(data: dict, system: "Ours") -> bool:
    """Whether the results are those of this model."""
    cells = [cells["ours"] for cells in data["suites"].values() if "ours" in cells]
    return any(cell.get("identity") == digest(system.identity) for cell in cells)


def pictures(system: "Ours", suite: str, numbers: list[int]) -> list[Picture]:
    """Clips of a suite, by their numbers, as the system and the afternoon script see them."""
    scenes = list(islice(SUITES[suite].scenes(), max(numbers, default=-1) + 1))
    return [_picture(system, suite, number, scenes[number]) for number in numbers]


def _picture(system: "Ours", suite: str, number: int, scene: Scene) -> Picture:
    with torch.no_grad():
        video = render([scene])
        decoded = system.describer.tokenizer.decode_codes(system.describer.tokenizer.encode_codes(video))[0]
    answer = system.answer(video)[OURS][0]
    assert answer is not None  # the language model always answers
    script = track_and_fit(to_frames(video[0]))
    said = f"{answer.family} ({answer.probabilities[answer.family]:.2f})"
    other = script.family if script else "nothing"
    caption = f"{suite}, clip {number}: {scene.family}; this project says {said}, the script {other}"
    return Picture(_draw(video[0], decoded, scene, answer, script), caption)


def _draw(video: Tensor, decoded: Tensor, scene: Scene, answer: Answer, script: Answer | None) -> bytes:
    figure = Figure(figsize=(7.0, 2.0), layout="constrained")
    grid = figure.add_gridspec(2, 7)
    for line, frames in enumerate((to_frames(video), to_frames(decoded))):
        for column, frame in enumerate(_FRAMES):
            axes = figure.add_subplot(grid[line, column])
            axes.imshow(frames[frame])
            axes.set_axis_off()
    axes = figure.add_subplot(grid[:, 5:])
    true = FAMILIES[scene.family].positions(scene.constants, _DENSE)
    axes.plot(*project(true).T, color="0.2", linewidth=3, alpha=0.4)
    for who, found in ((RIVAL, script), (OURS, answer)):
        if found is not None:
            axes.plot(*project(found.positions(_DENSE)).T, color=COLOURS[who], linewidth=1.2)
    axes.set(xlim=(-1, 1), ylim=(-1, 1), aspect="equal", xticks=(), yticks=())
    file = io.BytesIO()
    figure.savefig(file, format="jpeg", dpi=110, pil_kwargs={"quality": 80})
    return file.getvalue()
