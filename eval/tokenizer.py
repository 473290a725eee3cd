"""What the shipped tokenizer's codes keep, beside a blank frame and a tokenizer that was never trained.

    trajvlm eval tokenizer

Writes `eval/results/tokenizer.json` and the table in `tokenizer/README.md`.
"""

import json
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from trajvlm.data.rendered.render import Track, render, render_clean, track
from trajvlm.data.rendered.splits import find_split, joined_sha256, scene_sha256
from trajvlm.eval.markdown import markdown, write_between
from trajvlm.tokenizer.config import TokenizerConfig
from trajvlm.tokenizer.metrics import box_measures, code_measures, readout_measures, track_measures
from trajvlm.tokenizer.model import CONFIG, SHIPPED, TrajectoryTokenizer, weights_sha256
from trajvlm.tokenizer.probe import probe_tokenizer, training_codes
from trajvlm.tokenizer.readout import Readout
from trajvlm.vlm.tta import decode_flips, encode_flips

RESULTS = Path(__file__).parent / "results" / "tokenizer.json"
DOCUMENT = SHIPPED.parent / "README.md"
SUITES = {"clean": "test-clean", "half": "test-half"}
LEVELS = (16, 64, 256, 512)
"""Levels a dimension that the latents are rounded to beside the shipped ones, with the same weights."""
_SYSTEMS = ("trained", "four looks", "untrained", "blank frame")
_CHUNK = 50
_ROWS = (
    ("lost", "frames in which the object is lost", "{:.1%}"),
    ("centre_px_median", "centre, median error, pixels of 64", "{:.2f}"),
    ("centre_px_p95", "centre, 95th percentile", "{:.2f}"),
    ("radius_median", "apparent radius, median error", "{:.1%}"),
    ("box_psnr_db", "PSNR in the object's box, dB", "{:.1f}"),
    ("box_ssim", "SSIM in the object's box", "{:.3f}"),
    ("probe_centre_px_median", "probe on the tokens: centre, median", "{:.2f}"),
    ("probe_centre_px_p95", "probe: centre, 95th percentile", "{:.2f}"),
)


@dataclass(frozen=True)
class Clips:
    """Rendered test clips of one suite."""

    video: Tensor
    clean: Tensor
    track: Track
    sha256: str


def evaluate(clips: int, probe_clips: int, probe_minutes: float, folder: Path = SHIPPED) -> dict:
    """All figures of the tokenizer in `folder`."""
    trained = TrajectoryTokenizer.from_pretrained(folder)
    torch.manual_seed(0)
    untrained = TrajectoryTokenizer(trained.config).eval()
    settings = {suite: find_split(split).settings for suite, split in SUITES.items()}
    probes, codebook = {}, {}
    for name, model in (("trained", trained), ("untrained", untrained)):
        seen = training_codes(model, probe_clips)
        codebook[name] = code_measures(seen.codes, model)
        probes[name] = probe_tokenizer(model, seen, probe_minutes, settings, clips)
    results: dict[str, Any] = {
        "sha256": weights_sha256(folder),
        "clips": clips,
        "probe": {"clips": probe_clips, "minutes": probe_minutes},
        "tokens": trained.config.tokens,
        "codebook_size": trained.config.codebook_size,
        "codebook": codebook,
        "suites": {},
        "levels": {},
    }
    finer_and_coarser = LEVELS if trained.config.quantizer == "fsq" else ()
    rounding = {str(levels): _rounding(folder, levels) for levels in finer_and_coarser}
    for suite, split in SUITES.items():
        drawn = _draw(split, clips)
        blank = {**track_measures(torch.full_like(drawn.clean, 0.1), drawn.track)}
        blank |= box_measures(torch.full_like(drawn.clean, 0.1), drawn.clean, drawn.track)
        results["suites"][suite] = {
            "split": split,
            "scenes_sha256": drawn.sha256,
            "trained": _measure(trained, drawn) | probes["trained"][suite],
            "four looks": _looked_at(trained, drawn),
            "untrained": _measure(untrained, drawn) | probes["untrained"][suite],
            "blank frame": blank,
        }
        for levels, model in rounding.items():
            found = track_measures(_recoded(model, drawn.video)[1], drawn.track)
            results["levels"].setdefault(levels, {})[suite] = _digits(found)
    return results


def _rounding(folder: Path, levels: int) -> TrajectoryTokenizer:
    """The tokenizer with the same weights and so many levels in every dimension."""
    config = TokenizerConfig.load(folder / CONFIG)
    return TrajectoryTokenizer.from_pretrained(folder, replace(config, fsq_levels=(levels,) * len(config.fsq_levels)))


def cells(results: dict) -> list[list[str]]:
    """The figures as lines of text, the first one the heads of the columns."""
    systems = [(suite, system) for suite in results["suites"] for system in _SYSTEMS]
    lines = [["", *(f"{suite}: {system}" for suite, system in systems)]]
    for key, label, form in _ROWS:
        values = [results["suites"][suite][system].get(key) for suite, system in systems]
        lines.append([label, *("" if value is None else form.format(value) for value in values)])
    return lines


def note(results: dict) -> str:
    """What the figures are of."""
    probe, (trained, untrained) = results["probe"], (results["codebook"][name] for name in ("trained", "untrained"))
    return (
        f"{results['clips']} clips of each split; {results['tokens']} tokens a clip; the probe saw {probe['clips']:,} "
        f"training clips for {probe['minutes']:g} minutes. Half: every nuisance at half strength. Four looks: the "
        f"mean of the tracks in the clip and its mirror images. Of the {results['codebook_size']:,} codes, "
        f"{trained['codebook_share']:.0%} occur in those training clips "
        f"({results['tokens'] * probe['clips']:,} tokens; perplexity {trained['perplexity']:,.0f}), and "
        f"{untrained['codebook_share']:.1%} of the untrained tokenizer's (perplexity {untrained['perplexity']:,.0f})."
    )


def table(results: dict) -> str:
    """The figures as Markdown."""
    return markdown(cells(results), note(results))


def levels_table(results: dict) -> str:
    """What finer and coarser rounding does, as Markdown."""
    heads = [f"{suite}: {what}" for suite in SUITES for what in ("centre, median px", "radius", "lost")]
    lines = [["levels a dimension", *heads]]
    for levels, found in results["levels"].items():
        cells = [
            form.format(found[suite][key])
            for suite in SUITES
            for key, form in (("centre_px_median", "{:.2f}"), ("radius_median", "{:.1%}"), ("lost", "{:.1%}"))
        ]
        lines.append([levels, *cells])
    return markdown(lines, f"{results['clips']} clips of each split, one look, without further training.")


def save(results: dict) -> None:
    """Write the results and the README's tables."""
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    write_between(DOCUMENT, table(results))
    write_between(DOCUMENT, levels_table(results), "levels")


def _draw(split: str, clips: int) -> Clips:
    scenes = list(islice(find_split(split).scenes(), clips))
    parts = [scenes[k : k + _CHUNK] for k in range(0, clips, _CHUNK)]
    with torch.no_grad():
        video = torch.cat([render(part) for part in tqdm(parts, desc=f"{split}: clips")])
        clean = torch.cat([render_clean(part) for part in parts])
    return Clips(video, clean, track(scenes), joined_sha256(scene_sha256(scene) for scene in scenes))


def measure_split(model: TrajectoryTokenizer, split: str, clips: int) -> dict[str, float]:
    """What the first clips of a split's reconstructions and codes say of a tokenizer."""
    return _measure(model, _draw(split, clips))


def _looked_at(model: TrajectoryTokenizer, clips: Clips) -> dict[str, float]:
    """The mean track over the clips and their mirror images, as whoever describes a clip sees it."""
    parts = []
    for video in clips.video.split(_CHUNK):
        parts.append(decode_flips(model.decode_codes, encode_flips(model.encode_codes, video))[1])
    track = Track(*(torch.cat([getattr(part.track, name) for part in parts]) for name in ("centre", "radius")))
    return _digits(readout_measures(Readout(track, torch.cat([part.seen for part in parts])), clips.track))


def _measure(model: TrajectoryTokenizer, clips: Clips) -> dict[str, float]:
    codes, picture = _recoded(model, clips.video)
    found = track_measures(picture, clips.track) | box_measures(picture, clips.clean, clips.track)
    return _digits(found | code_measures(codes, model))


def _recoded(model: TrajectoryTokenizer, video: Tensor) -> tuple[Tensor, Tensor]:
    """The codes of clips, and the clean scenes that these decode to."""
    codes = torch.cat([model.encode_codes(part) for part in video.split(_CHUNK)])
    return codes, torch.cat([model.decode_codes(part) for part in codes.split(_CHUNK)])


def _digits(found: dict[str, float]) -> dict[str, float]:
    """Four significant digits."""
    return {key: float(f"{value:.4g}") for key, value in found.items()}
