"""One view against two: the same motions, seen by one camera and by a calibrated pair, and the path's true depth.

    trajvlm eval views

Writes `eval/results/views.json` and the table in `vlm/README.md`. Paths are compared in space, in the rig's unit and in
the left camera's frame. One view is given what it can't know, its focal length and where the middle of the path is, so
that its error is that of the path's shape alone; two views are given the calibration and nothing else.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from trajvlm.data.cameras.stereo import StereoPair
from trajvlm.data.clip import CANONICAL, SIZE, Clip
from trajvlm.data.errors import UserError
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered.render import render
from trajvlm.data.rendered.splits import find_split, joined_sha256, scene_sha256
from trajvlm.data.rendered.stream import TEST_SEED
from trajvlm.data.rendered.views import draw_views
from trajvlm.eval.intervals import summary
from trajvlm.eval.markdown import markdown, write_between
from trajvlm.vlm.describe import Describer
from trajvlm.vlm.metrics import nmse
from trajvlm.vlm.stereo import join

RESULTS = Path(__file__).parent / "results" / "views.json"
DOCUMENT = Path(__file__).parent.parent / "vlm" / "README.md"
LEVELS = ("clean", "light", "half")
_SYSTEMS = ("one view", "two views")


def evaluate(clips: int) -> dict:
    """Family accuracy and the curve's error of one view and of two, on the same motions."""
    describer = Describer()
    results: dict[str, Any] = {"clips": clips, **describer.models, "levels": {}}
    for level in LEVELS:
        found: dict[str, dict[str, list]] = {name: {"right": [], "errors": []} for name in _SYSTEMS}
        hashes: list[str] = []
        for index in tqdm(range(clips), desc=level):
            rig, scenes = draw_views(find_split(f"test-{level}").settings, TEST_SEED, index, 2)
            hashes += map(scene_sha256, scenes)
            family = FAMILIES[scenes[0].family]
            truth = family.positions(scenes[0].path, CANONICAL.times) - [0.0, 0.0, rig.focal]
            left, right = (
                describer.describe_clip(Clip.from_frames(picture), field_of_view=scenes[0].field_of_view)
                for picture in render(scenes)
            )
            one = left.best.positions(CANONICAL.times)
            answers: dict[str, tuple[str | None, np.ndarray]] = {}
            answers["one view"] = (left.family, one - one.mean(axis=0) + truth.mean(axis=0))
            try:
                both = join(left, right, StereoPair.from_rig(rig, SIZE))
                answers["two views"] = both.family, both.equation.positions(CANONICAL.times)
            except UserError:
                answers["two views"] = None, np.full_like(truth, np.inf)
            for name, (said, path) in answers.items():
                error = nmse(path, truth, truth)
                found[name]["right"].append(said == family.name)
                found[name]["errors"].append(error if np.isfinite(error) else float("inf"))
        results["levels"][level] = {"scenes_sha256": joined_sha256(hashes)} | {
            name: summary(part["right"], part["errors"], "curve_nmse") for name, part in found.items()
        }
    return results


def table(results: dict) -> str:
    """The figures as Markdown."""
    lines = [["", "family right: one view", "two views", "curve NMSE in space, median: one view", "two views"]]
    for level, cell in results["levels"].items():
        shares = [f"{cell[name]['family_accuracy']:.1%}" for name in _SYSTEMS]
        errors = [
            "{:.2g} ({:.2g} to {:.2g})".format(
                cell[name]["curve_nmse_median"], *cell[name]["curve_nmse_median_interval"]
            )
            for name in _SYSTEMS
        ]
        lines.append([level, *shares, *errors])
    return markdown(lines, f"{results['clips']} pairs of clips a level.")


def save(results: dict) -> None:
    """Write the results and the README's table."""
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    write_between(DOCUMENT, table(results), "views")
