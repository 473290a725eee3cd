"""Train one of the learned baselines on the same stream of clips as this project's models.

    python -m trajvlm.eval.baseline_training --system cnn3d --minutes 60 --out runs/baselines

Trains until the validation score, the mean log probability of the right family, has not risen for some validations in
a row, or for so many minutes, whichever comes first. Resumes what is in the folder. Minutes are all that the training
took, drawing and validating included. On a busy machine set OMP_NUM_THREADS=1: with two threads that had to share a
core, a step took eight times as long as with one. `trajvlm.eval.classifiers` says what the folder holds.
"""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from itertools import count
from pathlib import Path
from typing import Annotated, ClassVar

import torch
import typer
from torch import Tensor, nn
from tqdm import tqdm

from trajvlm.data.errors import UserError, exit_with_a_sentence
from trajvlm.data.rendered.render import render
from trajvlm.data.rendered.scene import SceneSettings, draw_scene
from trajvlm.data.rendered.stream import TRAINING_SCENES, TRAINING_SEED, VALIDATION_SEED, prefetch
from trajvlm.eval.classifiers import PROGRESS, WEIGHTS, Classifier, baselines_folder
from trajvlm.eval.systems import cnn3d, decoded_track, features, frozen_encoders, resnets, token_classifier
from trajvlm.tokenizer.checkpoint import read_lines, write_weights
from trajvlm.tokenizer.training_loop import CURVE, Progress, Schedule, Settings, accelerated, train

BUILDERS: dict[str, Callable[[Path], Classifier]] = {
    word: build
    for module in (features, cnn3d, resnets, token_classifier, decoded_track, frozen_encoders)
    for word, build in module.CLASSIFIERS.items()
}
_CHUNK = 25
_WARMUP = 0.03
_FORMER_STATE = "state.safetensors"


@dataclass(frozen=True)
class BaselineTraining:
    """How a baseline is trained."""

    minutes: float = 60.0
    """Longest training time; the learning rate falls to zero over it."""
    batch: int = 16
    validations: int = 20
    """Number of validations in this time."""
    patience: int = 7
    """The training ends after so many validations in a row without a better score."""
    validation_clips: int = 200

    averaging: ClassVar[None] = None
    steps: ClassVar[int] = 0
    """Not read: minutes count."""
    validate_every: ClassVar[int] = 0
    """Not read: `BaselineProgress` decides when to validate."""

    def __post_init__(self):
        if self.minutes <= 0 or min(self.batch, self.validations, self.patience, self.validation_clips) < 1:
            raise ValueError(f"a training needs time, clips and validations, not {self}")

    def rate(self, step: int, steps: float) -> float:
        """Learning rate at a step of so many, relative to its peak: linear warm-up, then a cosine."""
        done = min(1.0, step / steps)
        return min(1.0, done / _WARMUP + 0.02) * (1 + math.cos(math.pi * done)) / 2


@dataclass
class BaselineProgress(Progress):
    """How far the training of a baseline has come."""

    clips: int = 0
    """New clips so far."""
    validated: float = 0.0
    """Seconds at the last validation."""
    best: float = -math.inf
    """The best validation score."""
    since_best: int = 0
    """Validations since then."""

    @property
    def minutes(self) -> float:
        return self.seconds / 60

    def stopped(self, settings: BaselineTraining) -> str:
        """Why the training has ended; empty while it has not."""
        if self.since_best >= settings.patience:
            return "validation no longer rose"
        return "time was up" if super().over(settings) else ""

    def over(self, settings: Schedule) -> bool:
        assert isinstance(settings, BaselineTraining)
        return bool(self.stopped(settings))

    def validation_due(self, settings: Settings) -> bool:
        assert isinstance(settings, BaselineTraining)
        return self.seconds >= self.validated + settings.minutes * 60 / settings.validations


def main(
    system: Annotated[str, typer.Option(help=f"One of {', '.join(BUILDERS)}.")],
    minutes: Annotated[float, typer.Option(help="Longest training time.")] = BaselineTraining.minutes,
    out: Annotated[Path | None, typer.Option(help="Folder of all baselines; TRAJVLM_BASELINES unless given.")] = None,
    batch: Annotated[int, typer.Option(help="New clips a step.")] = BaselineTraining.batch,
):
    """Train a baseline; stop it at any time and start it again to resume."""
    with exit_with_a_sentence():
        if system not in BUILDERS:
            raise UserError(f"there is no baseline {system!r}; there are {', '.join(BUILDERS)}")
        folder = (out or baselines_folder()) / system
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(0)
        settings = BaselineTraining(minutes=minutes, batch=batch)
        progress = fit(folder, BUILDERS[system](folder), settings)
    print(f"{system}: {progress.stopped(settings)} after {progress.minutes:.1f} minutes and {progress.clips} clips")


def fit(
    folder: Path, classifier: Classifier, settings: BaselineTraining, scenes: SceneSettings = TRAINING_SCENES
) -> BaselineProgress:
    """Run or resume the training of a classifier in a folder, on scenes of its families.

    A resumed training may be given other settings than before, such as more minutes; the classifier and the scenes
    have to be the same.

    Raises:
        UserError: the folder holds the training of an earlier version, there is more than one process, or see
            `trajvlm.tokenizer.training_loop.train`.
    """
    if (folder / _FORMER_STATE).is_file():
        raise UserError(
            f"{folder} holds a training of an earlier version, which can be evaluated but not resumed; "
            "remove it, or name another folder with --out"
        )
    accelerator = accelerated(folder)
    if accelerator.num_processes > 1:
        raise UserError("a baseline is trained by one process; launch it with --num_processes 1")
    progress, scenes = BaselineProgress(), replace(scenes, families=classifier.families)

    def batches(_: Progress) -> Iterator[tuple[Tensor, Tensor]]:
        wanted = ((first, settings.batch) for first in count(progress.clips, settings.batch))
        clips = prefetch(partial(_clips, scenes, TRAINING_SEED), wanted)
        for step in count(progress.step):
            if step % classifier.steps_per_batch == 0:
                video, labels = next(clips)
                with torch.no_grad():
                    new = classifier.prepare(video), labels
                progress.clips += settings.batch
                if classifier.replay is not None:
                    classifier.replay.add(*new)
            # Seeded by the step, so that a resumed training draws the same.
            yield new if classifier.replay is None else classifier.replay.sample(settings.batch, seed=step)

    @cache
    def held_out() -> tuple[Tensor, Tensor]:
        return _validation_set(classifier, settings.validation_clips, scenes)

    def validate(network: nn.Module) -> dict[str, float]:
        score, accuracy = _scores(classifier, *held_out())
        progress.validated = progress.seconds
        progress.since_best = 0 if score > progress.best else progress.since_best + 1
        progress.best = max(score, progress.best)
        return {"clips": progress.clips, "minutes": progress.minutes, "log_chance": score, "accuracy": accuracy}

    def save(network: nn.Module, draft: Path) -> None:
        if progress.since_best == 0:
            write_weights(classifier.weights(), draft / WEIGHTS)
        names = "clips", "minutes", "log_chance", "accuracy"
        done = {
            "training": asdict(settings),
            "minutes": progress.minutes,
            "clips": progress.clips,
            "stopped": progress.stopped(settings),
            "curve": [{name: line[name] for name in names} for line in read_lines(folder / CURVE)],
        }
        (draft / PROGRESS).write_text(json.dumps(done, indent=1) + "\n")

    train(
        accelerator,
        classifier.network,
        classifier.optimizer(),
        batches,
        classifier.loss,
        settings,
        folder,
        record={"classifier": classifier.settings, "scenes": asdict(scenes)},
        validate=validate,
        save=save,
        progress=progress,
        state=() if classifier.replay is None else (classifier.replay,),
    )
    return progress


def _clips(scenes: SceneSettings, seed: int, first: int, size: int) -> tuple[Tensor, Tensor]:
    """Clips `first` to `first + size - 1` of a stream (size, 3, 17, 64, 64) and their labels (size,)."""
    drawn = [draw_scene(scenes, seed, first + k) for k in range(size)]
    with torch.no_grad():
        return render(drawn), torch.tensor([scenes.families.index(scene.family) for scene in drawn])


def _validation_set(classifier: Classifier, clips: int, scenes: SceneSettings) -> tuple[Tensor, Tensor]:
    """Prepared inputs (clips, ...) and labels (clips,)."""
    parts = []
    for first in tqdm(range(0, clips, _CHUNK), desc="validation clips", leave=False):
        video, labels = _clips(scenes, VALIDATION_SEED, first, min(_CHUNK, clips - first))
        with torch.no_grad():
            parts.append((classifier.prepare(video), labels))
    inputs, labels = zip(*parts)
    return torch.cat(inputs), torch.cat(labels)


def _scores(classifier: Classifier, inputs: Tensor, labels: Tensor) -> tuple[float, float]:
    """Mean log probability of the right family, and the share of clips in which it is the likeliest."""
    probabilities = classifier.probabilities(inputs)
    right = probabilities.gather(1, labels[:, None]).clamp_min(1e-6)
    return right.log().mean().item(), (probabilities.argmax(dim=1) == labels).float().mean().item()


if __name__ == "__main__":
    typer.run(main)
