"""How the language model's answer is taken from its distributions: the median number, the likeliest, or one drawn.

    trajvlm eval decoding

Writes `eval/results/decoding.json` and the table in `vlm/README.md`. All are the model's own answers, without a fit. A
user gets the likeliest family and the median of each number; drawing with three seeds tells how sure of itself the
model is.
"""

import json
from pathlib import Path
from typing import Any

from tqdm import tqdm

from trajvlm.data.rendered.render import render
from trajvlm.data.rendered.splits import joined_sha256, scene_sha256
from trajvlm.eval.markdown import markdown, write_between
from trajvlm.eval.metrics import equation_measures, family_measures
from trajvlm.eval.suites import MAIN, find_suites
from trajvlm.vlm.answer import Answer
from trajvlm.vlm.decoding import ARGMAX, MEDIAN, sampling
from trajvlm.vlm.describe import Describer
from trajvlm.vlm.tta import FOUR_FLIPS, encode_flips

RESULTS = Path(__file__).parent / "results" / "decoding.json"
DOCUMENT = Path(__file__).parent.parent / "vlm" / "README.md"
_WAYS = {"the median": lambda: MEDIAN, "the likeliest": lambda: ARGMAX} | {
    f"drawn, seed {seed}": lambda seed=seed: sampling(seed) for seed in range(3)
}
_KEPT = (
    "family_accuracy",
    "family_accuracy_interval",
    "constants_within_0.1",
    "curve_nmse_median",
    "curve_nmse_median_interval",
)
_CHUNK = 20


def evaluate(clips: int) -> dict:
    """Measures of the raw answers on the main suites, for each way to write them."""
    describer = Describer()
    results: dict[str, Any] = {"clips": clips, **describer.models, "levels": {}}
    for suite in find_suites([MAIN]):
        scenes = [scene for scene, _ in zip(suite.scenes(), range(clips))]
        found: dict[str, list[Answer]] = {name: [] for name in _WAYS}
        ways = {name: way() for name, way in _WAYS.items()}
        for first in tqdm(range(0, clips, _CHUNK), desc=suite.name):
            codes = encode_flips(describer.tokenizer.encode_codes, render(scenes[first : first + _CHUNK]))
            for name, way in ways.items():
                found[name] += describer.lm.answer(codes, way, FOUR_FLIPS)
        cells = {}
        for name, answers in found.items():
            measured = family_measures(answers, scenes) | equation_measures(answers, scenes)
            cells[name] = {key: measured[key] for key in _KEPT}
        results["levels"][suite.name] = {"scenes_sha256": joined_sha256(map(scene_sha256, scenes))} | cells
    return results


def table(results: dict) -> str:
    """The figures as Markdown."""
    levels = results["levels"]
    lines = [["family right; constants within 10 %; curve NMSE", *levels]]
    for name in _WAYS:
        cells = [
            f"{cell['family_accuracy']:.1%}; {cell['constants_within_0.1']:.0%}; {cell['curve_nmse_median']:.2g}"
            for cell in (level[name] for level in levels.values())
        ]
        lines.append([name, *cells])
    return markdown(lines, f"{results['clips']} clips of each suite; raw answers, without a fit.")


def save(results: dict) -> None:
    """Write the results and the README's table."""
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    write_between(DOCUMENT, table(results), "decoding")
