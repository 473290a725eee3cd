"""Videos in which the motion is only a part: the time it takes is found rather than given, and what that costs.

    trajvlm eval windows

Writes `eval/results/windows.json` and the table in `eval/README.md`. Each video holds a test clip's motion at 30
pictures a second, and before and after it the object at rest for up to a second. It is described twice, from the
motion's true start to its true end and with nothing said, and the curve is compared with the true one in the picture
over the whole motion: what a window leaves out has to be foretold.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from tqdm import tqdm

from trajvlm.data.cameras.camera import project
from trajvlm.data.clip import Picture, Placement
from trajvlm.data.errors import UserError
from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered.export import to_frames, write_video
from trajvlm.data.rendered.render import render
from trajvlm.data.rendered.scene import Scene, draw_scene
from trajvlm.data.rendered.splits import find_split, joined_sha256, scene_sha256
from trajvlm.data.rendered.stream import TEST_SEED
from trajvlm.eval.intervals import summary
from trajvlm.eval.markdown import markdown, write_between
from trajvlm.vlm.describe import Describer, Description
from trajvlm.vlm.metrics import nmse

RESULTS = Path(__file__).parent / "results" / "windows.json"
DOCUMENT = Path(__file__).parent / "README.md"
LEVELS = ("clean", "light")
_RATE = 30
_MOTION = Picture(frames=46, size=256)
_REST = (6, 30)
"""Least and greatest number of pictures of the object at rest, before the motion and after it."""
_WINDOWS = {"given": "window given", "found": "window found"}
_SYSTEMS = {"ours": "ours", "script": "track and fit"}


def evaluate(clips: int) -> dict:
    """Family accuracy and the curve's error with the window given and found, of the whole path and of the script."""
    describer = Describer()
    results: dict[str, Any] = {"clips": clips, **describer.models, "levels": {}}
    for level in LEVELS:
        scenes = [draw_scene(find_split(f"test-{level}").settings, TEST_SEED, index) for index in range(clips)]
        found: dict[str, dict[str, list]] = {
            window: {"answers": [], "inside": [], "covered": []} for window in _WINDOWS
        }
        with TemporaryDirectory() as folder:
            for index, scene in enumerate(tqdm(scenes, desc=level)):
                video = Path(folder) / "motion.mp4"
                start, end = film(video, scene, index)
                for window, limits in (("given", (start, end)), ("found", (None, None))):
                    try:
                        description = describer.describe(video, *limits)
                    except UserError:
                        description = None
                    part = found[window]
                    part["answers"].append(judged(description, scene, start, end))
                    if description:
                        inside, covered = overlap(description.clip.placement, start, end)
                        part["inside"].append(inside)
                        part["covered"].append(covered)
        results["levels"][level] = {"scenes_sha256": joined_sha256(map(scene_sha256, scenes))} | {
            window: _summary(**part) for window, part in found.items()
        }
    return results


def film(path: Path, scene: Scene, index: int) -> tuple[float, float]:
    """Write the video of a scene, and return the times at which its motion starts and ends, in seconds.

    Args:
        index: decides how long the object rests.
    """
    before, after = np.random.default_rng([TEST_SEED, index, 7]).integers(*_REST, size=2, endpoint=True)
    frames = to_frames(render([scene], _MOTION)[0])
    write_video(path, np.concatenate([frames[:1].repeat(before, 0), frames, frames[-1:].repeat(after, 0)]), _RATE)
    return before / _RATE, (before + _MOTION.frames - 1) / _RATE


def judged(description: Description | None, scene: Scene, start: float, end: float) -> dict[str, tuple[bool, float]]:
    """Whether each system names the family, and its curve's NMSE in the picture over the whole motion; wrong and
    infinite where it has no answer."""
    answers = {name: (False, float("inf")) for name in _SYSTEMS}
    if description is None:
        return answers
    script = description.without_networks()
    said: dict[str, tuple[str, Equation]] = {"ours": (description.family, description.best)}
    if script:
        said["script"] = script.family, script.equation
    half = _MOTION.size / 2
    placement = Placement(half, half, half, start, end - start, _MOTION.size, _MOTION.size)
    truth = placement.to_pixels(project(FAMILIES[scene.family].positions(scene.constants, _MOTION.times)))
    since = placement.to_seconds(_MOTION.times) - description.clip.placement.t0_s
    for name, (family, equation) in said.items():
        error = nmse(description.pixels(equation, since), truth, truth)
        answers[name] = family == scene.family, error if np.isfinite(error) else float("inf")
    return answers


def overlap(window: Placement, start: float, end: float) -> tuple[float, float]:
    """Share of a window that lies within the motion, and share of the motion that lies within the window."""
    common = max(0.0, min(end, window.t0_s + window.duration_s) - max(start, window.t0_s))
    return common / window.duration_s, common / (end - start)


def _summary(answers: list[dict], inside: list[float], covered: list[float]) -> dict:
    part: dict[str, Any] = {
        "refused": len(answers) - len(inside),
        "inside_mean": round(float(np.mean(inside or [0.0])), 4),
        "covered_mean": round(float(np.mean(covered or [0.0])), 4),
    }
    for name in _SYSTEMS:
        right, errors = (list(column) for column in zip(*(answer[name] for answer in answers)))
        part[name] = summary(right, errors, "image_nmse")
    return part


def table(results: dict) -> str:
    """The figures as Markdown."""
    heads = [f"{measure}: {label}" for measure in ("family right", "curve NMSE") for label in _SYSTEMS.values()]
    lines = [["", *heads, "refused"]]
    for level, windows in results["levels"].items():
        for window, label in _WINDOWS.items():
            lines.append([f"{level}, {label}", *_cells(windows[window])])
    shares = [
        f"{level} {windows['found']['inside_mean']:.0%} and {windows['found']['covered_mean']:.0%}"
        for level, windows in results["levels"].items()
    ]
    note = (
        f"{results['clips']} videos a level; NMSE in the picture, medians. Share of a found window that lies in the "
        f"motion, and of the motion that lies in the window, on average: {'; '.join(shares)}."
    )
    return markdown(lines, note)


def _cells(part: dict) -> Iterator[str]:
    for name in _SYSTEMS:
        low, high = part[name]["family_accuracy_interval"]
        yield f"{part[name]['family_accuracy']:.0%} ({low:.0%} to {high:.0%})"
    for name in _SYSTEMS:
        yield f"{part[name]['image_nmse_median']:.2g}"
    yield str(part["refused"])


def save(results: dict) -> None:
    """Write the results and the README's table."""
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    write_between(DOCUMENT, table(results), "windows")
