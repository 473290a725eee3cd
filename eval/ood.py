"""Motions that are none of the families: how often they are refused, and how often a known motion is.

    trajvlm eval ood

Writes `eval/results/ood.json` and the table in `vlm/README.md`. A motion is refused where even the answer's own curve
misses the track that the tokens decode to by more than `known_miss_px` (`trajvlm.vlm.calibration`); that bound was set
on validation clips of the known families alone.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from trajvlm.data.clip import Clip
from trajvlm.data.motions.families import FAMILIES, OUT_OF_DISTRIBUTION
from trajvlm.data.rendered.render import render
from trajvlm.data.rendered.scene import draw_scene
from trajvlm.data.rendered.splits import find_split, joined_sha256, scene_sha256
from trajvlm.data.rendered.stream import TEST_SEED
from trajvlm.eval.intervals import wilson
from trajvlm.eval.markdown import markdown, write_between
from trajvlm.vlm.describe import Describer

RESULTS = Path(__file__).parent / "results" / "ood.json"
DOCUMENT = Path(__file__).parent.parent / "vlm" / "README.md"
LEVELS = ("clean", "light", "half")


def evaluate(clips: int) -> dict:
    """Shares of clips that are refused, with intervals, for the families and for each other kind of motion, at each
    level of nuisances; so many clips of each."""
    describer = Describer()
    kinds = {"the families": tuple(FAMILIES)} | {name: (name,) for name in OUT_OF_DISTRIBUTION}
    results: dict[str, Any] = {"bound_px": describer.lm.calibration.known_miss_px, **describer.models, "levels": {}}
    for level in LEVELS:
        results["levels"][level] = {}
        for kind, families in kinds.items():
            drawn = replace(find_split(f"test-{level}").settings, families=families)
            scenes = [draw_scene(drawn, TEST_SEED, index) for index in range(clips)]
            refused = sum(
                not describer.describe_clip(
                    Clip.from_frames(render([scene])[0]), field_of_view=scene.field_of_view
                ).known
                for scene in tqdm(scenes, desc=f"{level}, {kind}", leave=False)
            )
            results["levels"][level][kind] = {
                "clips": clips,
                "scenes_sha256": joined_sha256(map(scene_sha256, scenes)),
                "refused": refused,
                "interval": [round(end, 3) for end in wilson(refused, clips)],
            }
    return results


def table(results: dict) -> str:
    """The shares as Markdown."""
    levels = results["levels"]
    lines = [["refused as none of the families", *levels]]
    for kind in next(iter(levels.values())):
        cells = [levels[level][kind] for level in levels]
        lines.append([kind, *(f"{c['refused']} of {c['clips']}" for c in cells)])
    return markdown(lines)


def save(results: dict) -> None:
    """Write the results and the README's table."""
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    write_between(DOCUMENT, table(results), "ood")
