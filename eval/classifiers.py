"""Learned baselines: classifiers of the family of motion that this project is compared with.

A trained classifier is a folder: `weights.safetensors` (those with the best validation score), `training.json` (the
classifier's settings), `progress.json` (time, clips, why the training ended, validation curve), and what
`trajvlm.tokenizer.training_loop` writes to resume it. `trajvlm.eval.baseline_training` writes the folder. To answer,
a classifier needs the first three alone, and none is a pickle.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from trajvlm.data.errors import UserError
from trajvlm.data.files import file_sha256
from trajvlm.data.motions.families import BASIC
from trajvlm.eval.replay_buffer import ReplayBuffer
from trajvlm.eval.system import FamilyOnly
from trajvlm.tokenizer.precision import half_precision
from trajvlm.tokenizer.training_loop import TRAINING
from trajvlm.vlm.tta import FOUR_FLIPS, encode_flips

WEIGHTS, PROGRESS = "weights.safetensors", "progress.json"
_CHUNK = 25


class Classifier(Protocol):
    """A trainable classifier of clips. Labels are indices into `families`."""

    name: str
    """The name of its training and of its folder."""
    row: str
    """Its label in the table."""
    families: tuple[str, ...]
    settings: dict
    """JSON of all that determines it before training."""
    network: nn.Module
    """What is trained by gradients; without weights where nothing is."""
    steps_per_batch: int
    """Training steps for each batch of new clips."""

    @property
    def replay(self) -> ReplayBuffer | None:
        """The clips seen in training, where they are learned from again."""
        ...

    def prepare(self, video: Tensor) -> Tensor:
        """The classifier's input (B, ...) for clips (B, 3, 17, 64, 64) in [0, 1]."""
        ...

    def optimizer(self) -> torch.optim.Optimizer | None:
        """An optimizer of the network; None where nothing is trained by gradients."""
        ...

    def loss(self, network: nn.Module, batch: tuple[Tensor, Tensor]) -> tuple[Tensor | None, dict[str, Tensor]]:
        """Training loss () of prepared inputs (B, ...) and labels (B,), and figures to log; no loss where nothing is
        trained by gradients."""
        ...

    def probabilities(self, inputs: Tensor) -> Tensor:
        """Probability of each family, (B, families), for prepared inputs (B, ...)."""
        ...

    def weights(self) -> dict[str, Tensor]:
        """What it has learned."""
        ...

    def load_weights(self, tensors: dict[str, Tensor]) -> None: ...


@dataclass(frozen=True)
class NetworkTraining:
    """How a network is trained."""

    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    steps_per_batch: int = 1
    """Steps for each batch of new clips. With one, a step sees only the new clips; with more, each sees a random batch
    of all clips so far, which pays where drawing a clip costs more than learning from it."""
    remembered: int = 50_000
    """Capacity of the replay buffer, in clips."""


class NetworkClassifier:
    """A network of prepared inputs (B, ...) to logits (B, families), trained with AdamW."""

    families: tuple[str, ...] = BASIC

    def __init__(
        self,
        name: str,
        row: str,
        network: nn.Module,
        training: NetworkTraining,
        prepare: Callable[[Tensor], Tensor] = lambda video: video,
        encoder: dict | None = None,
    ):
        """`encoder` is JSON that identifies `prepare`; None where it returns the pixels themselves."""
        self.name, self.row, self.training, self.prepare = name, row, training, prepare
        self.network = network.to(device())
        self.steps_per_batch = training.steps_per_batch
        self.replay = ReplayBuffer(training.remembered) if training.steps_per_batch > 1 else None
        self.settings = {
            **asdict(training),
            "parameters": sum(p.numel() for p in network.parameters()),
            "encoder": encoder,
        }

    def optimizer(self) -> torch.optim.Optimizer:
        """See `Classifier`."""
        training = self.training
        return torch.optim.AdamW(
            self.network.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay
        )

    def loss(self, network: nn.Module, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """See `Classifier`; cross-entropy."""
        inputs, labels = batch
        logits = self._logits(network.train(), inputs)
        loss = F.cross_entropy(logits, labels.to(logits.device))
        return loss, {"loss": loss.detach()}

    def _logits(self, network: nn.Module, inputs: Tensor) -> Tensor:
        where = next(network.parameters()).device
        with half_precision(where):
            return network(inputs.to(where)).float()

    @torch.no_grad()
    def probabilities(self, inputs: Tensor) -> Tensor:
        """See `Classifier`."""
        network = self.network.eval()
        return torch.cat([self._logits(network, part).softmax(dim=1).cpu() for part in inputs.split(_CHUNK)])

    def weights(self) -> dict[str, Tensor]:
        """See `Classifier`."""
        return {name: value.detach().cpu().contiguous() for name, value in self.network.state_dict().items()}

    def load_weights(self, tensors: dict[str, Tensor]) -> None:
        """See `Classifier`."""
        self.network.load_state_dict(tensors)


class TrainedSystem:
    """Trained classifiers as rows of the table; they give a family and no equation. See
    `trajvlm.eval.system.System`."""

    gives_equations = False

    def __init__(self, name: str, classifiers: list[Classifier], identity: dict):
        self.name, self.classifiers, self.identity = name, classifiers, identity
        self.rows = tuple(classifier.row for classifier in classifiers)

    def answer(self, video: Tensor) -> dict[str, list[FamilyOnly]]:
        """See `trajvlm.eval.system.System`."""
        return {classifier.row: classify(classifier, video) for classifier in self.classifiers}


def classify(classifier: Classifier, video: Tensor) -> list[FamilyOnly]:
    """A classifier's answers for clips (N, 3, 17, 64, 64) in [0, 1]: the mean of its probabilities over four flips of
    each clip, the test-time augmentation that this project's own models have."""
    flips = [
        classifier.probabilities(encode_flips(classifier.prepare, part)).unflatten(0, (len(FOUR_FLIPS), -1))
        for part in video.split(_CHUNK)
    ]
    means = torch.cat([probabilities.mean(dim=0) for probabilities in flips])
    named = [dict(zip(classifier.families, row)) for row in means.tolist()]
    return [FamilyOnly(max(probabilities, key=probabilities.__getitem__), probabilities) for probabilities in named]


def baselines_folder() -> Path:
    """The folder of trained baselines: the one that TRAJVLM_BASELINES names, or `runs/baselines`."""
    return Path(os.environ.get("TRAJVLM_BASELINES", "runs/baselines"))


def trained_system(name: str, builders: Mapping[str, Callable[[Path], Classifier]]) -> TrainedSystem:
    """The system of classifiers that were trained in `baselines_folder()`.

    Args:
        builders: for each classifier's name, a function that builds it untrained, given its folder.

    Raises:
        UserError: one is not trained, or its settings have changed since.
    """
    classifiers, identity = [], {}
    for key, build in builders.items():
        folder = baselines_folder() / key
        command = f"`python -m trajvlm.eval.baseline_training --system {key} --out {folder.parent}`"
        if not (folder / WEIGHTS).is_file() or not (folder / TRAINING).is_file():
            raise UserError(f"the baseline {key} is not trained; run {command}")
        classifier, training = build(folder), json.loads((folder / TRAINING).read_text())
        # Earlier versions wrote both into training.json.
        if (folder / PROGRESS).is_file():
            training |= json.loads((folder / PROGRESS).read_text())
        if training["classifier"] != classifier.settings:
            raise UserError(f"the baseline in {folder} was trained with other settings; remove it and run {command}")
        classifier.load_weights(load_file(folder / WEIGHTS))
        classifiers.append(classifier)
        told = {name: training[name] for name in ("classifier", "training", "minutes", "clips", "stopped", "curve")}
        identity[key] = {"weights_sha256": file_sha256(folder / WEIGHTS), "looks": len(FOUR_FLIPS), **told}
    return TrainedSystem(name, classifiers, identity)


def device() -> torch.device:
    """The device that networks run on: a CUDA GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
