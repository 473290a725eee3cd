"""Latent grids and quantizers beside each other, each trained for the same time.

    trajvlm eval grids

Every variation starts from the shipped tokenizer's layers wherever their shapes fit, so that what is compared is what
the codes can hold and not who learns to see first; with `--from-nothing` none does. Results are kept one by one in
`eval/results/grids.json`, and the table goes into `docs/results.md`. `trajvlm.eval.variations` says what the same
time is.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from math import log2
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from trajvlm.data.rendered.splits import find_split
from trajvlm.data.rendered.stream import TRAINING_SCENES, TRAINING_SEED, Batch, draw_batch
from trajvlm.eval.markdown import TABLES, markdown, write_between
from trajvlm.eval.tokenizer import SUITES, measure_split
from trajvlm.eval.variations import compare_variations
from trajvlm.tokenizer.config import TokenizerConfig
from trajvlm.tokenizer.model import SHIPPED, WEIGHTS, TrajectoryTokenizer, weights_sha256
from trajvlm.tokenizer.precision import half_precision
from trajvlm.tokenizer.probe import probe_tokenizer, training_codes
from trajvlm.tokenizer.train import TokenizerObjective, TokenizerTraining, fit, optimizer_of, training_loss
from trajvlm.tokenizer.training_loop import Progress, steps

RESULTS = Path(__file__).parent / "results" / "grids.json"
DOCUMENT = TABLES
_BASE = TokenizerConfig(fsq_levels=(16,) * 4, context=(), painting=False)
_TRUNK, _ATTENTION = _BASE.layers[:-3], _BASE.layers[-2:]
VARIATIONS = {
    "FSQ 16-16-16-16": _BASE,
    "FSQ 8-8-8-8": replace(_BASE, fsq_levels=(8,) * 4),
    "FSQ 8-8-8-5-5-5": replace(_BASE, fsq_levels=(8, 8, 8, 5, 5, 5)),
    "FSQ 8-5-5-5": replace(_BASE, fsq_levels=(8, 5, 5, 5)),
    "LFQ, 16 bits": replace(_BASE, quantizer="lfq", fsq_levels=(2,) * 16),
    "LFQ, 12 bits": replace(_BASE, quantizer="lfq", fsq_levels=(2,) * 12),
    "FSQ 16-16-16-16, no attention": replace(_BASE, layers=_BASE.layers[:-2]),
    "FSQ 16-16-16-16, 80 tokens": replace(_BASE, layers=(*_TRUNK, ("compress_time", 192), *_ATTENTION)),
    "FSQ 16-16-16-16, 20 tokens": replace(
        _BASE, layers=(*_TRUNK, ("compress_space", 192), ("compress_time", 192), *_ATTENTION)
    ),
}


def compare(
    minutes: float, clips: int, probe_clips: int, from_nothing: bool, names: list[str], out: Path | None = None
) -> dict:
    """Train and measure the variations of those names that are not in the results yet; all results.

    Args:
        out: another file of results than the committed one.
    """
    settings: dict[str, Any] = {
        "minutes": minutes,
        "clips": clips,
        "probe_clips": probe_clips,
        "from_nothing": from_nothing,
    }
    settings["start_sha256"] = None if from_nothing else weights_sha256()
    return compare_variations(
        out or RESULTS,
        settings,
        names,
        lambda: {name: _timed_steps(config) for name, config in VARIATIONS.items()},
        lambda name, step_count: _measured(VARIATIONS[name], step_count, minutes, clips, probe_clips, from_nothing),
    )


def table(results: dict) -> str:
    """The variations as Markdown."""
    counts, centre = ("tokens", "bits", "steps"), ("centre_px_median", "probe_centre_px_median")
    errors = ("clean: centre, px", "probe", "half: centre, px", "probe", "radius")
    lines = [["", "grid", "tokens", "bits a clip", "steps", *errors, "codes seen"]]
    for name, found in results["variations"].items():
        clean, half = found["clean"], found["half"]
        lines.append(
            [
                name,
                " x ".join(map(str, found["grid"])),
                *(str(found[key]) for key in counts),
                *(f"{part[key]:.2f}" for part in (clean, half) for key in centre),
                f"{clean['radius_median']:.1%}",
                f"{clean['codes_used']:.0f}",
            ]
        )
    settings = results["settings"]
    start = "nothing" if settings["from_nothing"] else "the shipped layers that fit"
    note = (
        f"{settings['minutes']:g} minutes each, from {start}; medians over {settings['clips']} clips of each split; "
        f"probes saw {settings['probe_clips']} clips."
    )
    return markdown(lines, note)


def save(results: dict) -> None:
    """Write the table."""
    write_between(DOCUMENT, table(results), "grids")


def _timed_steps(config: TokenizerConfig) -> Iterator[dict]:
    """Training steps of such a tokenizer, to be timed."""
    training = TokenizerTraining()
    objective = TokenizerObjective(TrajectoryTokenizer(config).train(), training)

    def batches(progress: Progress) -> Iterator[tuple[Batch, Tensor]]:
        for first in count(0, training.batch):
            yield draw_batch(TRAINING_SCENES, TRAINING_SEED, first, training.batch), torch.tensor(1.0)

    def loss(objective: nn.Module, batch: tuple[Batch, Tensor]) -> tuple[Tensor, dict]:
        with half_precision("cpu"):
            return training_loss(objective, batch)

    return steps(objective, optimizer_of(objective, training), batches, loss, training)


def _measured(
    config: TokenizerConfig, step_count: int, minutes: float, clips: int, probe_clips: int, from_nothing: bool
) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        out, start = Path(folder) / "run", None
        if not from_nothing:
            start = Path(folder) / "start"
            _fitting(config).save_pretrained(start)
        settings = TokenizerTraining(steps=step_count, validate_every=step_count, validation_clips=8)
        fit(out, settings, TRAINING_SCENES, config, start)
        trained = TrajectoryTokenizer.from_pretrained(out)
    suites = {suite: find_split(split).settings for suite, split in SUITES.items()}
    probed = probe_tokenizer(trained, training_codes(trained, probe_clips), minutes / 10, suites, clips)
    found = {suite: measure_split(trained, split, clips) | probed[suite] for suite, split in SUITES.items()}
    bits = round(config.tokens * log2(config.codebook_size))
    return {"grid": list(config.grid), "tokens": config.tokens, "bits": bits, "steps": step_count, **found}


def _fitting(config: TokenizerConfig) -> TrajectoryTokenizer:
    """A tokenizer with the shipped weights wherever their shapes fit."""
    torch.manual_seed(0)
    tokenizer = TrajectoryTokenizer(config)
    mine = tokenizer.state_dict()
    shipped = load_file(SHIPPED / WEIGHTS)
    fitting = {name: value for name, value in shipped.items() if name in mine and mine[name].shape == value.shape}
    tokenizer.load_state_dict(fitting, strict=False)
    return tokenizer
