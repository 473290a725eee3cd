"""Systems on suites: what has not been measured yet is, one cell after another, and each is kept when it ends."""

import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from trajvlm.data.errors import UserError
from trajvlm.data.rendered.scene import Scene
from trajvlm.data.rendered.splits import joined_sha256, scene_sha256
from trajvlm.eval.metrics import VERSION, curve_errors, equations_of, measures, sound
from trajvlm.eval.registry import ENTRIES, Entry
from trajvlm.eval.results_file import Results, decibels, digest, letters
from trajvlm.eval.suites import Suite
from trajvlm.eval.system import Prediction, System

CLIPS, CLIPS_ELSEWHERE, CLIPS_QUICK = 200, 60, 10
"""Clips of a suite whose clips are kept, of any other, and of each where it has to be quick."""
_CHUNK = 10


def plan(suites: list[Suite], systems: list[Entry]) -> list[tuple[Suite, list[Entry]]]:
    """Which systems are measured on which suite; for none named, all on the main suites and on the others those that
    the plots of strength compare."""
    return [(suite, systems or [e for e in ENTRIES.values() if suite.main or e.everywhere]) for suite in suites]


def run(
    planned: list[tuple[Suite, list[Entry]]],
    out: Path,
    clips: int | None = None,
    again: bool = False,
    say: Callable[[str], None] = tqdm.write,
) -> Results:
    """Measure what is planned and not kept.

    Args:
        out: file of the results, read first and written after each cell.
        clips: of every suite; `CLIPS` or `CLIPS_ELSEWHERE` where not given.
        again: whether kept cells are measured anew.
        say: takes a sentence about what is skipped or can't be measured.
    """
    results = Results(out)
    loaded: dict[str, System | UserError] = {}
    bar = tqdm(planned, desc="suites")
    for suite, entries in bar:
        bar.set_postfix_str(suite.name)
        scenes = list(islice(suite.scenes(), clips or (CLIPS if suite.kept else CLIPS_ELSEWHERE)))
        key = {"clips": len(scenes), "scenes_sha256": joined_sha256(map(scene_sha256, scenes)), "measures": VERSION}
        video = None
        for entry in entries:
            system = _load(entry, loaded)
            if not isinstance(system, UserError):
                here = key | {"identity": digest(system.identity)}
                if not again and results.holds(suite.name, entry.name, here):
                    continue
                video = _shown(suite, scenes) if video is None else video
                try:
                    cell = here | measure(system, video, scenes, keep_clips=suite.kept)
                    results.put(suite.name, entry.name, cell, system.identity)
                    continue
                except UserError as error:
                    system = loaded[entry.name] = error
            say(f"{suite.name}, {entry.name}: {system}")
            # Measured where it had what it needs, on the same clips, it stays.
            if not results.holds(suite.name, entry.name, key):
                results.put(suite.name, entry.name, {"refused": str(system)})
    results.write()
    return results


def measure(system: System, video: Tensor, scenes: list[Scene], keep_clips: bool = True) -> dict:
    """One cell: all rows of a system on clips (N, 3, 17, 64, 64).

    Raises:
        UserError: as the system's `answer` does.
    """
    predictions: dict[str, list[Prediction]] = {row: [] for row in system.rows}
    seconds = 0.0
    for part in tqdm(video.split(_CHUNK), desc=system.name, leave=False):
        began = time.perf_counter()
        with torch.no_grad():
            found = system.answer(part)
        seconds += time.perf_counter() - began
        for row in system.rows:
            predictions[row] += found[row]
    cell = {
        "seconds_per_clip": seconds / len(scenes),
        "rows": {row: measures(given, scenes, system.gives_equations) for row, given in predictions.items()},
    }
    if not keep_clips:
        return cell
    given = {row: [sound(prediction) for prediction in found] for row, found in predictions.items()}
    cell |= {
        "truth": letters([scene.family for scene in scenes]),
        "said": {row: letters([None if v is None else v.family for v in found]) for row, found in given.items()},
    }
    if system.gives_equations:
        cell["curve_db"] = {row: decibels(curve_errors(equations_of(found), scenes)) for row, found in given.items()}
    return cell


def _load(entry: Entry, loaded: dict[str, System | UserError]) -> System | UserError:
    """The system, or why there is none; asked for once."""
    if entry.name not in loaded:
        try:
            loaded[entry.name] = entry.load()
        except UserError as error:
            loaded[entry.name] = error
    return loaded[entry.name]


def _shown(suite: Suite, scenes: list[Scene]) -> Tensor:
    parts = [scenes[k : k + _CHUNK] for k in range(0, len(scenes), _CHUNK)]
    with torch.no_grad():
        return torch.cat([suite.pictures(part) for part in tqdm(parts, desc="clips", leave=False)])
