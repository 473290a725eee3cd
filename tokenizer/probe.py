"""A probe trained on frozen codes: how much of the object's track can be recovered from the tokens alone.

    python -m trajvlm.tokenizer.probe --tokenizer tokenizer/weights --clips 8000 --minutes 4

The probe is a transformer of two layers. Its input is each code's vector and position; its output is centre and log
radius of the object in every frame. It does not use the decoder, so it measures the codes and not the picture. The
control is an untrained tokenizer.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import torch
import typer
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from trajvlm.data.rendered.nuisances import Nuisances
from trajvlm.data.rendered.render import render, track
from trajvlm.data.rendered.scene import SceneSettings, draw_scene
from trajvlm.data.rendered.stream import TEST_SEED, TRAINING_SEED
from trajvlm.tokenizer.config import TokenizerConfig
from trajvlm.tokenizer.fast_inference import fast_encoder
from trajvlm.tokenizer.latent_steps import by_frames
from trajvlm.tokenizer.model import SHIPPED, TrajectoryTokenizer
from trajvlm.tokenizer.training_loop import Progress, steps

_CHUNK = 50


@dataclass(frozen=True)
class Coded:
    """Codes of many clips, and their true tracks."""

    codes: Tensor
    """(N, times, rows, columns)."""
    target: Tensor
    """(N, 17, 3): u, v, ln(radius / 0.1)."""


class Probe(nn.Module):
    """Codes (B, times, rows, columns) to (B, 17, 3): u, v, ln(radius / 0.1)."""

    def __init__(self, config: TokenizerConfig, code_vectors: Tensor, width: int = 128):
        super().__init__()
        self.register_buffer("code_vectors", code_vectors.float(), persistent=False)
        self.frames = config.time_factor
        self.cells = config.grid[1] * config.grid[2]
        self.read = nn.Sequential(nn.Linear(code_vectors.shape[1], width), nn.GELU(), nn.Linear(width, width))
        self.places = nn.Parameter(torch.randn(config.tokens, width) * 0.1)
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.out = nn.Linear(self.cells * width, 3 * self.frames)

    def forward(self, codes: Tensor) -> Tensor:
        hidden = self.layers(self.read(self.code_vectors[codes.flatten(1)]) + self.places)
        time_steps = hidden.unflatten(1, (-1, self.cells)).flatten(2)
        return by_frames(self.out(time_steps), self.frames)


def encode_clips(tokenizer: TrajectoryTokenizer, settings: SceneSettings, seed: int, count: int) -> Coded:
    """Codes and true tracks of the first `count` clips of the stream of that seed."""
    codes, targets = [], []
    for first in tqdm(range(0, count, _CHUNK), desc="tokens", leave=False):
        scenes = [draw_scene(settings, seed, first + k) for k in range(min(_CHUNK, count - first))]
        with torch.no_grad():
            codes.append(tokenizer.encode_codes(render(scenes)))
        targets.append(track(scenes).places)
    return Coded(torch.cat(codes), torch.cat(targets))


@dataclass(frozen=True)
class ProbeTraining:
    """How a probe is trained."""

    minutes: float
    batch: int = 128
    learning_rate: float = 2e-3

    steps: ClassVar[int] = 0
    """Not read: minutes count."""

    def rate(self, step: int, steps: float) -> float:
        """Learning rate at a step of so many, relative to its peak: up to it in 5 % of the time, and down to zero."""
        done = step / steps
        return min(1.0, 20 * done + 0.01) * (1 - done)


def train_probe(tokenizer: TrajectoryTokenizer, coded: Coded, minutes: float, batch: int = 128) -> Probe:
    """A probe trained on coded clips for so many minutes."""
    torch.manual_seed(0)
    settings = ProbeTraining(minutes, batch)
    probe = Probe(tokenizer.config, tokenizer.code_vectors)
    optimizer = torch.optim.AdamW(probe.parameters(), lr=settings.learning_rate, weight_decay=0.05)

    def batches(progress: Progress) -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            chosen = torch.randint(len(coded.codes), (settings.batch,))
            yield coded.codes[chosen], coded.target[chosen]

    def loss(probe: nn.Module, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, dict]:
        codes, target = batch
        return F.smooth_l1_loss(probe(codes), target, beta=0.02), {}

    for _ in steps(probe, optimizer, batches, loss, settings, max_norm=None):
        pass
    return probe.eval()


@torch.no_grad()
def probe_measures(probe: Probe, coded: Coded) -> dict[str, float]:
    """Error of the centre in pixels of 64 (median and 95th percentile) and relative error of the radius (median)."""
    found = torch.cat([probe(codes) for codes in coded.codes.split(500)])
    error = (found[..., :2] - coded.target[..., :2]).norm(dim=-1) * 32
    radius = (found[..., 2] - coded.target[..., 2]).exp().sub(1).abs()
    return {
        "probe_centre_px_median": error.median().item(),
        "probe_centre_px_p95": error.quantile(0.95).item(),
        "probe_radius_median": radius.median().item(),
    }


def training_codes(tokenizer: TrajectoryTokenizer, clips: int) -> Coded:
    """The clips that probes are trained on, the first of the training stream, encoded by the fast encoder."""
    return encode_clips(fast_encoder(tokenizer), SceneSettings(strength=(0.0, 0.6)), TRAINING_SEED, clips)


def probe_tokenizer(
    tokenizer: TrajectoryTokenizer,
    training: Coded,
    minutes: float,
    suites: dict[str, SceneSettings],
    test_clips: int = 500,
) -> dict[str, dict[str, float]]:
    """Train a probe on `training_codes` and measure it on test clips of each suite."""
    probe = train_probe(tokenizer, training, minutes)
    return {
        name: probe_measures(probe, encode_clips(tokenizer, settings, TEST_SEED, test_clips))
        for name, settings in suites.items()
    }


def main(
    tokenizer: Annotated[Path, typer.Option(help="Folder of the trained tokenizer.")] = SHIPPED,
    clips: Annotated[int, typer.Option(help="Training clips.")] = 8000,
    minutes: Annotated[float, typer.Option(help="Training time of each probe.")] = 4.0,
    untrained: Annotated[bool, typer.Option(help="Also probe an untrained tokenizer.")] = True,
):
    """Print what a probe recovers from a tokenizer's codes, as JSON."""
    trained = TrajectoryTokenizer.from_pretrained(tokenizer)
    suites = {"clean": SceneSettings(strength=(0, 0)), "half": SceneSettings(exactly=Nuisances.all_at(0.5))}
    systems = {"trained": trained}
    if untrained:
        torch.manual_seed(0)
        systems["untrained"] = TrajectoryTokenizer(trained.config).eval()
    for name, model in systems.items():
        print(json.dumps({name: probe_tokenizer(model, training_codes(model, clips), minutes, suites)}))


if __name__ == "__main__":
    typer.run(main)
