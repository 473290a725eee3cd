"""What learns the families from clips, as a baseline that this project has to beat, and the system that it becomes.

A trained classifier is a folder: `weights.safetensors` (the best at validation), `training.json` (settings, minutes,
clips, the curve of its validation) and `state.safetensors`, from which the training goes on.
`trajvlm.eval.baseline_training` writes it. No pickle is ever loaded.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from trajvlm.data.errors import UserError
from trajvlm.data.motions.families import BASIC
from trajvlm.eval.system import FamilyOnly
from trajvlm.tokenizer.precision import half_precision
from trajvlm.vlm.tta import FOUR_FLIPS, encode_flips

WEIGHTS, TRAINING, STATE = "weights.safetensors", "training.json", "state.safetensors"
_CHUNK = 25


class Classifier(Protocol):
    """Something that learns to tell families apart. Labels are places in the order of `families`."""

    name: str
    """Its word for the training and the name of its folder."""
    row: str
    """Its label in the table."""
    families: tuple[str, ...]
    """What it chooses among."""
    settings: dict
    """JSON of all that makes it what it is before it has seen a clip."""

    def prepare(self, video: Tensor) -> Tensor:
        """What it learns from and answers by (B, ...), of clips (B, 3, 17, 64, 64) in [0, 1]."""
        ...

    def learn(self, inputs: Tensor, labels: Tensor, rate: float) -> None:
        """Learn from prepared inputs (B, ...) that it has not met before, and their labels (B,), at a learning rate
        relative to its peak."""
        ...

    def chances(self, inputs: Tensor) -> Tensor:
        """Probability of each family, (B, families), for prepared inputs (B, ...)."""
        ...

    def weights(self) -> dict[str, Tensor]:
        """What it has learned."""
        ...

    def load_weights(self, tensors: dict[str, Tensor]) -> None: ...

    def memory(self) -> dict[str, Tensor]:
        """What it needs besides its weights to go on with the training."""
        ...

    def load_memory(self, tensors: dict[str, Tensor]) -> None: ...


@dataclass(frozen=True)
class NetworkTraining:
    """How a network is trained."""

    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    steps_per_batch: int = 1
    """Steps for each batch of new clips. With one, a step sees the new clips alone; with more, each sees a random batch
    of all clips met so far, which pays where drawing a clip costs more than learning from it."""
    remembered: int = 50_000
    """How many clips at most are met again."""


class NetworkClassifier:
    """A network of prepared inputs (B, ...) to logits (B, families), trained with AdamW."""

    families = BASIC

    def __init__(
        self,
        name: str,
        row: str,
        network: nn.Module,
        training: NetworkTraining,
        prepare: Callable[[Tensor], Tensor] = lambda video: video,
        encoder: dict | None = None,
    ):
        """`encoder` is JSON that says what `prepare` is, where it is anything but the pixels themselves."""
        self.name, self.row, self.training, self.prepare = name, row, training, prepare
        self.device = device()
        self.network = network.to(self.device)
        self.settings = {
            **asdict(training),
            "parameters": sum(p.numel() for p in network.parameters()),
            "encoder": encoder,
        }
        self.optimizer = torch.optim.AdamW(
            network.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay
        )
        self.steps = 0
        self.met: tuple[Tensor, Tensor] | None = None

    def learn(self, inputs: Tensor, labels: Tensor, rate: float) -> None:
        """See `Classifier`."""
        if self.training.steps_per_batch == 1:
            self._step(inputs, labels, rate)
            return
        pairs = zip(self.met, (inputs, labels)) if self.met else ((new[:0], new) for new in (inputs, labels))
        self.met = tuple(torch.cat([old, new])[-self.training.remembered :] for old, new in pairs)
        for _ in range(self.training.steps_per_batch):
            # Seeded by the step, so that an interruption changes nothing.
            chosen = torch.randint(
                len(self.met[0]), (len(labels),), generator=torch.Generator().manual_seed(self.steps)
            )
            self._step(self.met[0][chosen], self.met[1][chosen], rate)

    def _step(self, inputs: Tensor, labels: Tensor, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.training.learning_rate * rate
        self.network.train()
        loss = F.cross_entropy(self._logits(inputs), labels.to(self.device))
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.steps += 1

    def _logits(self, inputs: Tensor) -> Tensor:
        with half_precision(self.device):
            return self.network(inputs.to(self.device)).float()

    @torch.no_grad()
    def chances(self, inputs: Tensor) -> Tensor:
        """See `Classifier`."""
        self.network.eval()
        return torch.cat([self._logits(part).softmax(dim=1).cpu() for part in inputs.split(_CHUNK)])

    def weights(self) -> dict[str, Tensor]:
        """See `Classifier`."""
        return {name: value.detach().cpu().contiguous() for name, value in self.network.state_dict().items()}

    def load_weights(self, tensors: dict[str, Tensor]) -> None:
        """See `Classifier`."""
        self.network.load_state_dict(tensors)

    def memory(self) -> dict[str, Tensor]:
        """See `Classifier`."""
        moments = {
            f"moments.{place}.{key}": value.detach().cpu().contiguous()
            for place, entry in self.optimizer.state_dict()["state"].items()
            for key, value in entry.items()
        }
        met = {} if self.met is None else dict(zip(("met.inputs", "met.labels"), self.met))
        return {"steps": torch.tensor(self.steps), **moments, **met}

    def load_memory(self, tensors: dict[str, Tensor]) -> None:
        """See `Classifier`."""
        self.steps = int(tensors["steps"])
        if "met.inputs" in tensors:
            self.met = tensors["met.inputs"], tensors["met.labels"]
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith("moments."):
                _, place, key = name.split(".")
                moments.setdefault(int(place), {})[key] = value
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": moments})


class TrainedSystem:
    """Trained classifiers as rows of the table; they name a family and no equation. See
    `trajvlm.eval.system.System`."""

    gives_equations = False

    def __init__(self, name: str, classifiers: list[Classifier], identity: dict):
        self.name, self.classifiers, self.identity = name, classifiers, identity
        self.rows = tuple(classifier.row for classifier in classifiers)

    def answer(self, video: Tensor) -> dict[str, list[FamilyOnly]]:
        """See `trajvlm.eval.system.System`."""
        return {classifier.row: predict(classifier, video) for classifier in self.classifiers}


def predict(classifier: Classifier, video: Tensor) -> list[FamilyOnly]:
    """What a classifier says of clips (N, 3, 17, 64, 64) in [0, 1]: the mean over the four flips of each that this
    project's own models get."""
    parts = [
        classifier.chances(encode_flips(classifier.prepare, part)).unflatten(0, (len(FOUR_FLIPS), -1))
        for part in video.split(_CHUNK)
    ]
    found = torch.cat([chances.mean(dim=0) for chances in parts])
    named = [dict(zip(classifier.families, row)) for row in found.tolist()]
    return [FamilyOnly(max(chances, key=chances.get), chances) for chances in named]


def baselines_folder() -> Path:
    """Where trained baselines lie: the folder that TRAJVLM_BASELINES names, or `runs/baselines`."""
    return Path(os.environ.get("TRAJVLM_BASELINES", "runs/baselines"))


def trained_system(name: str, builders: dict[str, Callable[[Path], Classifier]]) -> TrainedSystem:
    """The system of classifiers that were trained in `baselines_folder()`.

    Args:
        builders: what builds each untrained classifier, given its folder, by its name.

    Raises:
        UserError: one was not trained, or is another one by now.
    """
    classifiers, identity = [], {}
    for word, build in builders.items():
        folder = baselines_folder() / word
        command = f"`python -m trajvlm.eval.baseline_training --system {word} --out {folder.parent}`"
        if not (folder / WEIGHTS).is_file() or not (folder / TRAINING).is_file():
            raise UserError(f"the baseline {word} is not trained; run {command}")
        classifier, training = build(folder), json.loads((folder / TRAINING).read_text())
        if training["classifier"] != classifier.settings:
            raise UserError(f"the baseline in {folder} was trained with other settings; remove it and run {command}")
        classifier.load_weights(load_file(folder / WEIGHTS))
        classifiers.append(classifier)
        kept = {key: training[key] for key in ("classifier", "training", "minutes", "clips", "stopped", "curve")}
        identity[word] = {"weights_sha256": sha256(folder / WEIGHTS), "looks": len(FOUR_FLIPS), **kept}
    return TrainedSystem(name, classifiers, identity)


def device() -> torch.device:
    """Where networks run: the accelerator where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def sha256(path: Path) -> str:
    """Hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
