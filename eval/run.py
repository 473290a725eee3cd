"""First figures: the shipped models and their controls on held-out rendered clips.

    python -m eval.run --clips 400

Writes `eval/results.json` and the table in the README. Clips are drawn from the test stream, which no training sees;
the controls answer the same clips with their visual tokens shuffled or replaced by those of a blank clip, and with
always the commonest family.
"""

import hashlib
import json
import platform
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from tqdm import tqdm

from data.camera import project
from data.clip import CANONICAL
from data.render import Track
from data.scene import Scene, SceneSettings
from data.stream import TEST_SEED, Batch, draw_batch
from eval.report import table, write_readme
from tokenizer.config import TokenizerConfig
from tokenizer.measures import reconstruction_measures
from tokenizer.model import TrajectoryTokenizer
from tokenizer.readout import Readout, read_track
from vlm.answer import Answer
from vlm.describe import Describer
from vlm.measures import answer_measures, curve_nmse
from vlm.refine import refine

RESULTS = Path(__file__).parent / "results.json"
_CHUNK = 50


def main(
    clips: Annotated[int, typer.Option(help="Clips per suite.")] = 400,
    out: Annotated[Path, typer.Option(help="File of the results.")] = RESULTS,
):
    """Measure the shipped models and write the results."""
    describer = Describer()
    suites = {"light nuisances (0 to 0.3)": (0.0, 0.3), "all nuisances at half strength": (0.5, 0.5)}
    results = {
        "command": f"python -m eval.run --clips {clips}",
        "clips_per_suite": clips,
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        **describer.models,
        "suites": {name: measure(describer, SceneSettings(strength=s), clips, name) for name, s in suites.items()},
    }
    out.write_text(json.dumps(results, indent=1) + "\n")
    write_readme(results)
    print(table(results))


def measure(describer: Describer, settings: SceneSettings, clips: int, name: str = "") -> dict:
    """All figures of one suite."""
    torch.manual_seed(0)
    untrained = TrajectoryTokenizer(TokenizerConfig()).eval()
    batches = [
        draw_batch(settings, TEST_SEED, first, min(_CHUNK, clips - first))
        for first in tqdm(range(0, clips, _CHUNK), desc=f"{name}: clips")
    ]
    scenes = [scene for batch in batches for scene in batch.scenes]
    codes = [describer.tokenizer.encode_codes(batch.video) for batch in tqdm(batches, desc="tokens")]
    blank = describer.tokenizer.encode_codes(torch.zeros(1, 3, 17, 64, 64))
    order = torch.randperm(blank.numel(), generator=torch.Generator().manual_seed(0))
    shuffled = [c.flatten(1)[:, order].view_as(c) for c in codes]
    answers = [answer for c in tqdm(codes, desc="answers") for answer in describer.lm.answer(c)]
    commonest = Counter(scene.family for scene in scenes).most_common(1)[0][1] / clips
    return {
        "split_sha256": _split_hash(scenes),
        "tokenizer": _tokenizer_measures(describer.tokenizer, batches),
        "untrained tokenizer": _tokenizer_measures(untrained, batches[:2]),
        "raw": _with_interval(answer_measures(answers, scenes), clips),
        "refined": _refined_measures(describer, codes, answers, scenes),
        "tokens shuffled": answer_measures([a for c in shuffled for a in describer.lm.answer(c)], scenes),
        "tokens blank": answer_measures([a for c in codes for a in describer.lm.answer(blank.expand_as(c))], scenes),
        "commonest family": {"family_accuracy": commonest},
        "confusion": _confusion(answers, scenes),
    }


def _tokenizer_measures(tokenizer: TrajectoryTokenizer, batches: list[Batch]) -> dict[str, float]:
    whole = Batch(
        [scene for batch in batches for scene in batch.scenes],
        torch.cat([batch.video for batch in batches]),
        torch.cat([batch.clean for batch in batches]),
        Track(torch.cat([b.track.centre for b in batches]), torch.cat([b.track.radius for b in batches])),
    )
    return {k: round(v, 4) for k, v in reconstruction_measures(tokenizer, whole).items()}


def _refined_measures(describer: Describer, codes: list, answers: list[Answer], scenes: list[Scene]) -> dict:
    """Curve error after refinement, in space and in the picture alone; an answer that can't be refined stays raw."""
    clips = torch.cat(codes)
    curve, image = [], []
    for code, answer, scene in zip(tqdm(clips, desc="refinement"), answers, scenes):
        readout = read_track(describer.tokenizer.decode_codes(code[None]))
        better = _refined(answer, readout)
        curve.append(curve_nmse(better, scene))
        truth = _image_path(Answer(scene.family, scene.constants, {}))
        image.append(float(((_image_path(better) - truth) ** 2).sum(axis=1).mean() / truth.var(axis=0).sum()))
    return {
        "curve_nmse_median": float(np.median(curve)),
        "image_nmse_median": float(np.median(image)),
        "image_r2_over_0.99": float(np.mean(np.array(image) < 0.01)),
    }


def _refined(answer: Answer, readout: Readout) -> Answer:
    constants = refine(answer, readout)
    return answer if constants is None else replace(answer, constants=constants)


def _image_path(answer: Answer) -> np.ndarray:
    return project(answer.positions(CANONICAL.times))


def _with_interval(measures: dict[str, float], count: int) -> dict:
    """The measures, and Wilson's 95 % interval of the family accuracy (Wilson, 1927)."""
    p, z = measures["family_accuracy"], 1.96
    middle, spread = p + z * z / (2 * count), z * np.sqrt(p * (1 - p) / count + z * z / (4 * count * count))
    interval = [(middle - spread) / (1 + z * z / count), (middle + spread) / (1 + z * z / count)]
    return {**measures, "family_accuracy_interval": [round(float(v), 4) for v in interval]}


def _confusion(answers: list[Answer], scenes: list[Scene]) -> dict[str, dict[str, int]]:
    counts = Counter((scene.family, answer.family) for answer, scene in zip(answers, scenes))
    names = sorted({scene.family for scene in scenes})
    return {true: {said: counts[true, said] for said in names} for true in names}


def _split_hash(scenes: list[Scene]) -> str:
    return hashlib.sha256(b"".join(s.family.encode() + np.float32(s.constants).tobytes() for s in scenes)).hexdigest()


if __name__ == "__main__":
    typer.run(main)
