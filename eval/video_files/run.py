"""Ask the program and the script about the files of suites, hold the answers against the truth, and sum up.

A folder holds everything: `answers.jsonl` (what the program says of each file), `script.jsonl`, `half-rate.jsonl`,
`memory.jsonl`; and what follows from these and the truth, made anew by each run: `rows.jsonl`, `files.json`,
`files.md`. The networks are loaded only where an answer is missing.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import scipy
from tqdm import tqdm

from trajvlm.data.errors import UserError
from trajvlm.eval.output_folder import write
from trajvlm.eval.results_file import rounded
from trajvlm.eval.video_files import filmed, half_rate, memory, script
from trajvlm.eval.video_files.answer import Answer
from trajvlm.eval.video_files.filmed import FilmedClip
from trajvlm.eval.video_files.kept import CRASHED, Kept
from trajvlm.eval.video_files.measures import judge
from trajvlm.eval.video_files.summary import confidence_figures, suite_figures
from trajvlm.eval.video_files.truth import TrueFile

if TYPE_CHECKING:
    from trajvlm.vlm.describe import Folders

OURS, SCRIPT = "ours", "script"
RESULTS, ROWS = "files.json", "rows.jsonl"
PAIRED = ("clean", "half")
"""Suites of which files are described at half their rate as well."""
Describe = Callable[[Path], dict]


@dataclass(frozen=True)
class Asked:
    """What is to be measured."""

    files: list[TrueFile]
    out: Path
    folders: "Folders" = field(default_factory=dict)  # type: ignore[assignment]
    """Other weights than the shipped ones."""
    script: bool = True
    """Whether the script is asked too."""
    pairs: int = 0
    """Files of each of `PAIRED` that are described at half their rate as well."""
    memory: int = 0
    """Large files whose memory is measured, each in a process of its own."""
    again: bool = False
    """Whether answers that are kept are asked for again."""


def load(folders: "Folders") -> Describe:
    """The program: what it says of a file as plain values. Raises UserError as `Describer` does."""
    from trajvlm.vlm.describe import Describer

    describer = Describer(**folders)
    return lambda video: describer.describe(video).to_dict()


def evaluate(asked: Asked) -> tuple[dict, dict[str, list[dict]]]:
    """Measure what is not kept, write results and rows, and return both: the rows by system.

    Raises:
        UserError: weights are missing, or a folder can't be written to.
    """
    weights = _weights(asked.folders)
    networks = _once(partial(load, asked.folders))
    kept = partial(_kept, asked, weights)
    rows = {OURS: _asked_about(asked.files, networks, kept("answers"), OURS)}
    if asked.script:
        versions = {"script": script.VERSION, "opencv": cv2.__version__, "scipy": scipy.__version__}
        rows[SCRIPT] = _asked_about(asked.files, lambda: script.answer, _kept(asked, versions, "script"), SCRIPT)
    judged = {system: [_judged(file, row) for file, row in zip(asked.files, found)] for system, found in rows.items()}
    suites = dict.fromkeys(file.suite for file in asked.files)
    results: dict = {
        **weights,
        "suites": {
            suite: {
                system: suite_figures([row for row in found if row["suite"] == suite])
                for system, found in judged.items()
            }
            for suite in suites
        },
        "confidence": {system: confidence_figures(found) for system, found in judged.items()},
        "half_rate": _pairs(asked, rows[OURS], networks, kept("half-rate")) if asked.pairs else None,
        "memory": _memory(asked, kept("memory")) if asked.memory else None,
    }
    results = rounded(results)
    write(asked.out / RESULTS, json.dumps(results, indent=1) + "\n")
    lines = (json.dumps({"system": system, **row}) + "\n" for system, found in judged.items() for row in found)
    write(asked.out / ROWS, "".join(lines))
    return results, judged


def evaluate_filmed(clips: list[FilmedClip], out: Path, folders: "Folders") -> dict:
    """Ask the program and the script about filmed clips, write `filmed.json` and `filmed.md`, and return the results.

    Raises:
        UserError: weights are missing, or a folder can't be written to.
    """
    results: dict = {**_weights(folders), "systems": {}}
    for system, describe in ((OURS, load(folders)), (SCRIPT, script.answer)):
        rows = [
            filmed.judge(clip, Answer.of(_said(describe, clip.path)))
            for clip in tqdm(clips, system, unit="clip", disable=None)
        ]
        results["systems"][system] = {"figures": filmed.figures(rows), "clips": rows}
    results = rounded(results)
    write(out / "filmed.json", json.dumps(results, indent=1) + "\n")
    write(out / "filmed.md", filmed.table(results["systems"]))
    return results


def _weights(folders: "Folders") -> dict:
    from trajvlm.tokenizer.model import SHIPPED as TOKENIZER
    from trajvlm.tokenizer.model import weights_sha256
    from trajvlm.vlm.model import SHIPPED, adapter_sha256

    try:
        return {
            "tokenizer_sha256": weights_sha256(folders.get("tokenizer_folder", TOKENIZER)),
            "adapter_sha256": adapter_sha256(folders.get("adapter_folder", SHIPPED)),
        }
    except OSError as error:
        raise UserError(f"there are no trained weights in {Path(error.filename).parent}; give their folder") from error


def _kept(asked: Asked, settings: dict, name: str) -> Kept:
    return Kept(asked.out / f"{name}.jsonl", settings, asked.again)


def _once(load: Callable[[], Describe]) -> Callable[[], Describe]:
    loaded: list[Describe] = []

    def get() -> Describe:
        if not loaded:
            loaded.append(load())
        return loaded[0]

    return get


def _asked_about(files: list[TrueFile], load: Callable[[], Describe], kept: Kept, title: str) -> list[dict]:
    """The kept rows of files, in their order, with what was missing."""
    if missing := [file for file in files if kept.lacks(file)]:
        describe = load()
        for file in tqdm(missing, title, unit="file", disable=None):
            kept.keep(file, _said(describe, file.path))
    return [row for file in files if (row := kept.row(file))]


def _said(describe: Describe, video: Path) -> dict:
    began = time.perf_counter()
    try:
        said: dict = {"answer": describe(video)}
    except UserError as error:
        said = {"error": str(error), "reason": error.reason}
    except Exception as error:  # noqa: BLE001 - one file must not end the measurement of all
        said = {"error": f"the program crashed: {type(error).__name__}: {error}", "reason": CRASHED}
    return said | {"seconds": round(time.perf_counter() - began, 3)}


def _judged(file: TrueFile, row: dict) -> dict:
    return judge(file, Answer.of(row)) | {"seconds": row.get("seconds"), "large": file.large}


def _pairs(asked: Asked, rows: list[dict], load: Callable[[], Describe], kept: Kept) -> dict:
    chosen: list[tuple[TrueFile, dict]] = []
    for suite in PAIRED:
        chosen += [(file, row) for file, row in zip(asked.files, rows) if file.suite == suite][: asked.pairs]
    files = [file for file, _ in chosen]

    def describe(video: Path) -> dict:
        with half_rate.halved(video) as path:
            return load()(path)

    half = _asked_about(files, lambda: describe, kept, "half the rate")
    pairs = [half_rate.agreement(Answer.of(one), Answer.of(other)) for (_, one), other in zip(chosen, half)]
    told = [{"file": file.name} | pair for file, pair in zip(files, pairs)]
    return half_rate.figures(pairs) | {"pairs": told}


def _memory(asked: Asked, kept: Kept) -> list[dict]:
    chosen = [file for file in asked.files if file.large][: asked.memory]
    rows = []
    for file in tqdm(chosen, "memory", unit="file", disable=None):
        row = kept.row(file)
        if row is None:
            row = kept.keep(file, memory.peak(file.path, load, asked.folders))
        size = {name: file.line[name] for name in ("width", "height", "frames")}
        rows.append({"file": file.name, **size, **{k: row[k] for k in ("loaded_mb", "peak_mb", "seconds")}})
    return rows
