"""This project and what it is compared with, on the fixed test splits.

    python -m eval.run --clips 200

Writes `eval/results.json` and the table in the README. The controls answer the same clips with their visual tokens in
another order, drawn anew for each clip, or replaced by those of a blank clip.
"""

import json
import platform
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from tqdm import tqdm

from data.export import to_frames
from data.families import FAMILIES
from data.render import render
from data.scene import Scene, SceneSettings, draw_scene
from data.splits import find_split, joined_sha256, scene_sha256
from data.stream import TRAINING_SEED
from eval.measures import calibration_error, confusion, measures
from eval.report import table, write_readme
from eval.systems.track_and_fit import track_and_fit
from tokenizer.readout import Readout, read_track
from vlm.answer import Answer
from vlm.describe import Describer
from vlm.refine import refine, second_opinion

RESULTS = Path(__file__).parent / "results.json"
SUITES = {"clean": "test-clean", "light nuisances": "test-light", "all nuisances at half strength": "test-half"}
_CHUNK = 50


def main(
    clips: Annotated[int, typer.Option(help="Clips per suite.")] = 200,
    out: Annotated[Path, typer.Option(help="File of the results.")] = RESULTS,
):
    """Measure the shipped models beside their controls and the afternoon script."""
    describer = Describer()
    floor = commonest_answer()
    results = {
        "command": f"python -m eval.run --clips {clips}",
        "clips_per_suite": clips,
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        **describer.models,
        "suites": {},
    }
    for name, split in SUITES.items():
        scenes = list(islice(find_split(split).scenes(), clips))
        results["suites"][name] = {
            "split": split,
            "scenes_sha256": joined_sha256(scene_sha256(scene) for scene in scenes),
            **measure(describer, scenes, floor, name),
        }
    out.write_text(json.dumps(_rounded(results), indent=1) + "\n")
    if out == RESULTS:
        write_readme(json.loads(out.read_text()))
    print(table(json.loads(out.read_text())))


def measure(describer: Describer, scenes: list[Scene], floor: Answer, name: str = "") -> dict:
    """All systems on one suite."""
    codes, tracked = [], []
    for first in tqdm(range(0, len(scenes), _CHUNK), desc=f"{name}: tokens"):
        with torch.no_grad():
            video = render(scenes[first : first + _CHUNK])
        codes.append(describer.tokenizer.encode_codes(video))
        tracked += [track_and_fit(to_frames(clip)) for clip in tqdm(video, desc="track and fit", leave=False)]
    blank = describer.tokenizer.encode_codes(torch.zeros(1, 3, 17, 64, 64))
    answers = [answer for c in tqdm(codes, desc="answers", leave=False) for answer in describer.lm.answer(c)]
    decoded = [read_track(describer.tokenizer.decode_codes(code[None])) for code in torch.cat(codes)]
    refined = [_refined(answer, track) for answer, track in zip(tqdm(answers, desc="fits", leave=False), decoded)]
    systems = {
        "ours, raw": answers,
        "ours, refined": refined,
        "decoded tokens, fitted (no language model)": [second_opinion(t) for t in tqdm(decoded, leave=False)],
        "control: tokens shuffled": [a for c in codes for a in describer.lm.answer(_shuffled(c))],
        "control: tokens of a blank clip": [a for c in codes for a in describer.lm.answer(blank.expand_as(c))],
        "floor: commonest family, mean constants": [floor] * len(scenes),
        "track and fit (OpenCV, least squares, BIC)": tracked,
    }
    return {
        "systems": {system: measures(given, scenes) for system, given in systems.items()},
        "calibration_error": calibration_error(answers, scenes),
        "confusion": confusion(answers, scenes),
    }


def commonest_answer(count: int = 500) -> Answer:
    """The commonest family of the training stream with the mean of its constants."""
    scenes = [draw_scene(SceneSettings(), TRAINING_SEED, k) for k in range(count)]
    family = Counter(scene.family for scene in scenes).most_common(1)[0][0]
    mean = np.mean([scene.constants for scene in scenes if scene.family == family], axis=0)
    return Answer(family, mean, dict.fromkeys(FAMILIES, 1 / len(FAMILIES)))


def _refined(answer: Answer, track: Readout) -> Answer:
    """The answer after the fit to the decoded track; as it was where there is too little to fit to."""
    constants = refine(answer, track)
    return answer if constants is None else replace(answer, constants=constants)


def _shuffled(codes: torch.Tensor) -> torch.Tensor:
    """The codes of each clip in an order of its own."""
    generator = torch.Generator().manual_seed(0)
    return torch.stack([c.flatten()[torch.randperm(c.numel(), generator=generator)].view_as(c) for c in codes])


def _rounded(value):
    """Four significant digits; what is not finite becomes null, as JSON has no word for it."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.4g}") if np.isfinite(value) else None
    return value


if __name__ == "__main__":
    typer.run(main)
