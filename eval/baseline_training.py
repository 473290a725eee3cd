"""Train one of the learned baselines on the same stream of clips as this project's models.

    python -m trajvlm.eval.baseline_training --system cnn3d --minutes 60 --out runs/baselines

Trains until the validation score, the mean log probability of the right family, has not risen for some validations in
a row, or for so many minutes, whichever comes first. Goes on where it was stopped. Where other programs are busy, set
OMP_NUM_THREADS=1: two threads that have to share a core were eight times as slow as one. Writes to the folder of the
baseline's name under `--out` what `trajvlm.eval.classifiers` says; minutes are all that the training took, drawing and
validating included.
"""

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Annotated

import torch
import typer
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor
from tqdm import tqdm

from trajvlm.data.errors import UserError, exit_with_a_sentence
from trajvlm.data.files import atomic_write
from trajvlm.data.rendered.render import render
from trajvlm.data.rendered.scene import SceneSettings, draw_scene
from trajvlm.data.rendered.stream import TRAINING_SCENES, TRAINING_SEED, VALIDATION_SEED, prefetch
from trajvlm.eval.classifiers import STATE, TRAINING, WEIGHTS, Classifier, baselines_folder
from trajvlm.eval.systems import cnn3d, decoded_track, features, frozen_encoders, resnets, token_classifier
from trajvlm.tokenizer.checkpoint import write_weights

BUILDERS: dict[str, Callable[[Path], Classifier]] = {
    word: build
    for module in (features, cnn3d, resnets, token_classifier, decoded_track, frozen_encoders)
    for word, build in module.CLASSIFIERS.items()
}
_CHUNK = 25
_WARMUP = 0.03


@dataclass(frozen=True)
class BaselineTraining:
    """How a baseline is trained."""

    minutes: float = 60.0
    """At most so long; the learning rate falls to nothing over this time."""
    batch: int = 16
    validations: int = 20
    """How many validations there are over the whole time."""
    patience: int = 7
    """So many validations in a row without a better score end the training."""
    validation_clips: int = 200

    def __post_init__(self):
        if self.minutes <= 0 or min(self.batch, self.validations, self.patience, self.validation_clips) < 1:
            raise ValueError(f"a training needs time, clips and validations, not {self}")

    def rate(self, minutes: float) -> float:
        """Learning rate after so many minutes, relative to its peak: linear warm-up, then a cosine."""
        done = min(1.0, minutes / self.minutes)
        return min(1.0, done / _WARMUP + 0.02) * (1 + math.cos(math.pi * done)) / 2


@dataclass
class Progress:
    """How far a training has come."""

    minutes: float = 0.0
    clips: int = 0
    best: float = -math.inf
    since_best: int = 0
    stopped: str = ""
    """Why it ended; empty while it has not."""


def main(
    system: Annotated[str, typer.Option(help=f"One of {', '.join(BUILDERS)}.")],
    minutes: Annotated[float, typer.Option(help="At most so long.")] = BaselineTraining.minutes,
    out: Annotated[Path | None, typer.Option(help="Folder of all baselines; TRAJVLM_BASELINES unless given.")] = None,
    batch: Annotated[int, typer.Option(help="New clips a step.")] = BaselineTraining.batch,
):
    """Train a baseline; stop it at any time and start it again to go on."""
    with exit_with_a_sentence():
        if system not in BUILDERS:
            raise UserError(f"there is no baseline {system!r}; there are {', '.join(BUILDERS)}")
        folder = (out or baselines_folder()) / system
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(0)
        progress = fit(folder, BUILDERS[system](folder), BaselineTraining(minutes=minutes, batch=batch))
    print(f"{system}: {progress.stopped} after {progress.minutes:.1f} minutes and {progress.clips} clips")


def fit(
    folder: Path, classifier: Classifier, settings: BaselineTraining, scenes: SceneSettings = TRAINING_SCENES
) -> Progress:
    """Run or resume the training of a classifier in a folder, on scenes of its families.

    Raises:
        UserError: the folder holds the training of a classifier with other settings.
    """
    progress, curve, scenes = Progress(), [], replace(scenes, families=classifier.families)
    if (folder / STATE).is_file():
        progress, curve = _resumed(folder, classifier)
        if progress.stopped.startswith("time") and settings.minutes > progress.minutes:
            progress.stopped = ""
    if progress.stopped:
        return progress
    held_out, truth = _validation(classifier, settings.validation_clips, scenes)
    earlier, start = progress.minutes, time.monotonic()
    due = earlier + settings.minutes / settings.validations
    bar = tqdm(desc=classifier.name, initial=progress.clips, unit=" clips", mininterval=5)
    wanted = ((first, settings.batch) for first in count(progress.clips, settings.batch))
    for video, labels in prefetch(partial(_clips, scenes, TRAINING_SEED), wanted):
        with torch.no_grad():
            inputs = classifier.prepare(video)
        classifier.learn(inputs, labels, settings.rate(progress.minutes))
        progress.clips += settings.batch
        bar.update(settings.batch)
        progress.minutes = earlier + (time.monotonic() - start) / 60
        if progress.minutes < min(due, settings.minutes):
            continue
        due = progress.minutes + settings.minutes / settings.validations
        score, accuracy = _measured(classifier, held_out, truth)
        curve.append({"clips": progress.clips, "minutes": progress.minutes, "log_chance": score, "accuracy": accuracy})
        bar.write(json.dumps({key: float(f"{value:.4g}") for key, value in curve[-1].items()}))
        better = score > progress.best
        progress.best, progress.since_best = max(score, progress.best), 0 if better else progress.since_best + 1
        progress.minutes = earlier + (time.monotonic() - start) / 60
        if progress.since_best >= settings.patience:
            progress.stopped = "validation no longer rose"
        elif progress.minutes >= settings.minutes:
            progress.stopped = "time was up"
        _save(folder, classifier, settings, scenes, progress, curve, better)
        if progress.stopped:
            break
    bar.close()
    return progress


def _clips(scenes: SceneSettings, seed: int, first: int, size: int) -> tuple[Tensor, Tensor]:
    """Clips `first` to `first + size - 1` of a stream (size, 3, 17, 64, 64) and their labels (size,)."""
    drawn = [draw_scene(scenes, seed, first + k) for k in range(size)]
    with torch.no_grad():
        return render(drawn), torch.tensor([scenes.families.index(scene.family) for scene in drawn])


def _validation(classifier: Classifier, clips: int, scenes: SceneSettings) -> tuple[Tensor, Tensor]:
    """Prepared inputs (clips, ...) and labels (clips,)."""
    parts = []
    for first in tqdm(range(0, clips, _CHUNK), desc="validation clips", leave=False):
        video, labels = _clips(scenes, VALIDATION_SEED, first, min(_CHUNK, clips - first))
        with torch.no_grad():
            parts.append((classifier.prepare(video), labels))
    inputs, labels = zip(*parts)
    return torch.cat(inputs), torch.cat(labels)


def _measured(classifier: Classifier, inputs: Tensor, labels: Tensor) -> tuple[float, float]:
    """Mean log probability of the right family, and the share of clips in which it is the likeliest."""
    chances = classifier.chances(inputs)
    right = chances.gather(1, labels[:, None]).clamp_min(1e-6)
    return right.log().mean().item(), (chances.argmax(dim=1) == labels).float().mean().item()


def _save(folder, classifier, settings, scenes, progress: Progress, curve: list[dict], better: bool) -> None:
    weights = classifier.weights()
    record = {
        "classifier": classifier.settings,
        "training": asdict(settings),
        "scenes": asdict(scenes),
        **asdict(progress),
        "curve": curve,
    }
    state = {f"weights.{name}": value for name, value in weights.items()}
    state |= {f"memory.{name}": value for name, value in classifier.memory().items()}
    if better:
        write_weights(weights, folder / WEIGHTS)
    # The state carries its own progress, so that the two can't fall apart.
    write_weights(state, folder / STATE, {"record": json.dumps(record)})
    with atomic_write(folder / TRAINING) as draft:
        draft.write_text(json.dumps(record, indent=1) + "\n")


def _resumed(folder: Path, classifier: Classifier) -> tuple[Progress, list[dict]]:
    with safe_open(folder / STATE, "pt") as file:
        record = json.loads(file.metadata()["record"])
    if record["classifier"] != classifier.settings:
        raise UserError(f"{folder} holds a training with other settings; remove it or give another folder with --out")
    state = load_file(folder / STATE)
    for prefix, load in (("weights.", classifier.load_weights), ("memory.", classifier.load_memory)):
        load({name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)})
    return Progress(**{key: record[key] for key in asdict(Progress())}), record["curve"]


if __name__ == "__main__":
    typer.run(main)
