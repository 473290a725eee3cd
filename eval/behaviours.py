"""What a viewer of the video tokenizer's decoded layers would say: is all there, where it is, and nothing else.

    python -m trajvlm.eval.behaviours --tokenizer tokenizer/weights/next --clips 200

Each behaviour has worlds of its own, clean ones and ones with all nuisances at half strength; where things are counted,
without arms, rods and what sways, which are in the layer too. Beside the tokenizer stand one that was never trained, an
empty picture and the true layer.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from scipy import ndimage
from torch import Tensor

from trajvlm.data.clip import CANONICAL
from trajvlm.data.errors import exit_with_a_sentence
from trajvlm.data.filmed.background import background
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered.nuisances import Nuisances
from trajvlm.data.rendered.paths import SUMS, WIDER
from trajvlm.data.rendered.shapes import DRAWN, ONLY_TESTED
from trajvlm.data.rendered.stream import VALIDATION_SEED
from trajvlm.data.rendered.world import World, WorldSettings, draw_world
from trajvlm.data.rendered.world_render import draw
from trajvlm.eval.markdown import markdown, write_between
from trajvlm.tokenizer.video import model
from trajvlm.tokenizer.video.losses import near
from trajvlm.tokenizer.video.metrics import components, overlap
from trajvlm.tokenizer.video.model import LayerTokenizer, weights_sha256

RESULTS = Path(__file__).parent / "results" / "behaviours.json"
DOCUMENT = Path(model.__file__).parents[1] / "README.md"
CLEAN, HALF = Nuisances(), Nuisances.all_at(0.5)
COUNTED = replace(HALF, hand=0.0, tether=0.0, distractors=0.0)
"""Without what would have to be counted too."""
_FREE = tuple(FAMILIES) + tuple(SUMS)
_ONE = WorldSettings(movers=(0.0, 1.0), paths=_FREE, leaving=0.0, jitter=0.0, pausing=0.0)
_NEAR_PX, _FAR_PX = 3.0, 5.0
_SEEN_AREA = 2.0
"""Pixels of coverage from which on something is there."""
_JITTER = 2 / 32
"""Standard deviation of a white error of the place, in half widths: 2 pixels."""


@dataclass(frozen=True)
class Clips:
    """Drawn worlds and their pictures."""

    worlds: list[World]
    video: Tensor
    layer: Tensor


def settings_of(level: Nuisances) -> dict[str, WorldSettings]:
    """The worlds of each behaviour at a level of nuisances."""
    counted = CLEAN if level == CLEAN else COUNTED
    ball = replace(_ONE, balls=1.0)
    several = replace(_ONE, movers=(0.0, 0.0, 0.5, 0.5))
    return {
        "nothing": replace(_ONE, movers=(1.0,), exactly=counted),
        "several": replace(several, exactly=counted),
        "four": replace(several, movers=(0.0, 0.0, 0.0, 0.0, 1.0), exactly=counted),
        "leaving": replace(_ONE, leaving=1.0, exactly=counted),
        "shapes": replace(_ONE, balls=0.0, shapes=tuple(s for s in DRAWN if s != "ball"), exactly=counted),
        "unseen shapes": replace(_ONE, balls=0.0, shapes=tuple(ONLY_TESTED), exactly=counted),
        "jitter": replace(ball, exactly=counted),
        "ball": replace(ball, exactly=level),
        "ball alone": replace(ball, exactly=counted),
        "worlds": WorldSettings(paths=tuple(WIDER), exactly=level),
    }


def drawn(name: str, settings: WorldSettings, clips: int) -> Clips:
    """So many worlds of a behaviour, of a stream of its own."""
    seed = VALIDATION_SEED + 1000 * (1 + sorted(settings_of(CLEAN)).index(name))
    worlds = list(_worlds(name, settings, seed, clips))
    videos, layers = zip(*(draw(world) for world in worlds))
    return Clips(worlds, torch.stack(videos), torch.stack(layers))


def _worlds(name: str, settings: WorldSettings, seed: int, clips: int) -> Iterator[World]:
    found = 0
    for index in count():
        world = draw_world(settings, seed, index)
        if name not in ("ball", "worlds") and (world.arms or world.rods):
            continue
        if name == "jitter":
            world = replace(world, movers=tuple(replace(mover, jitter=_JITTER) for mover in world.movers))
        yield world
        found += 1
        if found == clips:
            return


def measured(name: str, clips: Clips, layer: Tensor, level: float) -> dict[str, float]:
    """The figures of a behaviour, of decoded layers (B, 2, 17, 64, 64) that show something from the coverage `level`
    on."""
    found, true = layer[:, 0], clips.layer[:, 0]
    match name:
        case "nothing":
            return {"still": float((found.mean(dim=(1, 2, 3)) < 0.005).float().mean())}
        case "several" | "four":
            return _counted(found, true, level)
        case "leaving":
            there = true.sum(dim=(2, 3)) >= _SEEN_AREA
            seen = torch.tensor([[len(centres) > 0 for centres in components(clip, level)] for clip in found])
            return {"presence": float((there == seen).float().mean())}
        case "shapes" | "unseen shapes":
            return {"overlap": float(overlap(found, true).median())}
        case "jitter":
            return {"slope": _slope(clips, found, level)}
        case "ball" | "ball alone":
            return _placed(clips, found, level)
        case "worlds":
            return _pictures(clips, layer) | {"overlap": float(overlap(found, true)[true.sum((1, 2, 3)) > 9].median())}
    raise ValueError(f"there is no behaviour {name}")


def _counted(found: Tensor, true: Tensor, level: float) -> dict[str, float]:
    right, phantoms = [], []
    for a, b in zip(found, true):
        for seen, wanted, picture in zip(components(a, level), components(b), b.numpy()):
            around = ndimage.distance_transform_edt(picture < 0.1)
            rows, columns = np.rint(seen[:, ::-1]).astype(int).T if len(seen) else (np.zeros(0, int), np.zeros(0, int))
            phantoms.append(int((around[rows, columns] > _FAR_PX).sum()))
            _, apart = ndimage.label(ndimage.binary_dilation(picture > 0.1, np.ones((3, 3))), np.ones((3, 3)))
            if len(wanted) == 0 or apart != len(wanted):
                continue
            distance = np.linalg.norm(seen[:, None] - wanted[None], axis=-1)
            right.append(len(seen) == len(wanted) and bool((distance.min(axis=0) < _NEAR_PX).all()))
    return {"as many": float(np.mean(right)), "phantoms": float(np.mean(phantoms))}


def _pixels(uv: np.ndarray) -> np.ndarray:
    """Column and row of image coordinates (..., 2)."""
    return (np.stack([1 + uv[..., 0], 1 - uv[..., 1]], axis=-1)) * 32 - 0.5


def _nearest(centres: list[np.ndarray], places: np.ndarray) -> np.ndarray:
    """(T, 2) the component's centre that is nearest to each place (T, 2), infinite where there is none."""
    out = np.full(places.shape, np.inf)
    for k, (seen, place) in enumerate(zip(centres, places)):
        if len(seen):
            out[k] = seen[np.linalg.norm(seen - place, axis=-1).argmin()]
    return out


def _placed(clips: Clips, found: Tensor, level: float) -> dict[str, float]:
    errors = []
    for world, clip, layer in zip(clips.worlds, found, clips.layer[:, 0]):
        mover = world.movers[0]
        true = _pixels(mover.at(CANONICAL.times)[:, :2])
        radius = mover.at(CANONICAL.times)[:, 2]
        there = (layer.sum(dim=(1, 2)).numpy() > 0.5 * np.pi * (32 * radius) ** 2) & (np.abs(true - 31.5) < 31.5).all(1)
        distance = np.linalg.norm(_nearest(components(clip, level), true) - true, axis=-1)
        errors += distance[there].tolist()
    return {
        "centre": float(np.median(errors)),
        "centre p95": float(np.quantile(np.minimum(errors, 99.0), 0.95)),
        "lost": float((np.array(errors) > _FAR_PX).mean()),
    }


def _slope(clips: Clips, found: Tensor, level: float) -> float:
    true_away, found_away = [], []
    for world, clip, layer in zip(clips.worlds, found, clips.layer[:, 0]):
        smooth = _pixels(world.movers[0].at(CANONICAL.times)[:, :2])
        true, seen = _nearest(components(layer), smooth), _nearest(components(clip, level), smooth)
        both = np.isfinite(true).all(1) & np.isfinite(seen).all(1)
        both[both] = np.linalg.norm(true[both] - seen[both], axis=-1) < 8
        true_away += (true - smooth)[both].ravel().tolist()
        found_away += (seen - smooth)[both].ravel().tolist()
    return float(np.polyfit(true_away, found_away, 1)[0]) if true_away else 0.0


def _pictures(clips: Clips, layer: Tensor) -> dict[str, float]:
    """PSNR where something moves: of the coverage, of another clip's and of the mean one; of the layer over the still
    background, and of the background alone."""
    where = near(clips.layer[:, 0])
    kept = where.sum((1, 2, 3)) > 50
    found, true, where = layer[kept], clips.layer[kept], where[kept]
    grey = clips.video[kept].mean(dim=1)
    ground = background(clips.video[kept]).mean(dim=1).expand_as(grey)
    over = ground * (1 - found[:, 0]) + found[:, 0] * found[:, 1]
    mean = found[:, 0].mean(dim=0, keepdim=True).expand_as(found[:, 0])

    def psnr(a: Tensor, b: Tensor) -> float:
        error = ((a - b).square() * where).sum((1, 2, 3)) / where.sum((1, 2, 3))
        return float((-10 * error.clamp_min(1e-8).log10()).median())

    own = psnr(found[:, 0], true[:, 0])
    return {
        "psnr": own,
        "other clip": own - psnr(found[:, 0].roll(1, 0), true[:, 0]),
        "mean picture": own - psnr(mean, true[:, 0]),
        "gain over background": psnr(over, grey) - psnr(ground, grey),
    }


def evaluate(tokenizer: LayerTokenizer, clips: int) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """Figures by level, behaviour and system: `tokenizer`, `untrained`, `empty`, and the true layer itself, `exact`."""
    torch.manual_seed(0)
    untrained = LayerTokenizer(tokenizer.config).eval()
    results: dict = {}
    for level, nuisances in (("clean", CLEAN), ("half", HALF)):
        results[level] = {}
        for name, settings in settings_of(nuisances).items():
            seen = drawn(name, settings, clips)
            layers = {
                "tokenizer": _decoded(tokenizer, seen.video),
                "untrained": _decoded(untrained, seen.video),
                "empty": torch.zeros_like(seen.layer),
                "exact": seen.layer,
            }
            results[level][name] = {
                system: {
                    key: float(f"{value:.4g}")
                    for key, value in measured(name, seen, layer, tokenizer.config.seen).items()
                }
                for system, layer in layers.items()
            }
    return results


def _decoded(tokenizer: LayerTokenizer, video: Tensor) -> Tensor:
    return torch.cat([tokenizer.decode_codes(tokenizer.encode_codes(part)) for part in video.split(20)])


_ROWS = (
    ("nothing", "still", "nothing moves, and next to nothing is drawn: clips", "{:.0%}"),
    ("several", "as many", "two or three movers: as many, each within 3 pixels: frames", "{:.0%}"),
    ("four", "as many", "four movers, which no training drew: the same", "{:.0%}"),
    ("several", "phantoms", "phantoms at a time, beside two or three", "{:.2f}"),
    ("leaving", "presence", "one that leaves or enters: there or not is right: frames", "{:.0%}"),
    ("shapes", "overlap", "shapes: overlap (IoU), median", "{:.2f}"),
    ("unseen shapes", "overlap", "shapes that no training drew", "{:.2f}"),
    ("jitter", "slope", "a place that jumps by 2 pixels: slope of the decoded jumps", "{:.2f}"),
    ("ball", "centre", "one ball: centre, median error, pixels of 64", "{:.2f}"),
    ("ball", "centre p95", "its 95th percentile", "{:.1f}"),
    ("ball", "lost", "lost", "{:.1%}"),
    ("ball alone", "lost", "lost, without arms, strings and what sways", "{:.1%}"),
    ("worlds", "overlap", "worlds of all kinds: overlap, median", "{:.2f}"),
    ("worlds", "other clip", "PSNR lost with another clip's codes, dB", "{:.1f}"),
    (
        "worlds",
        "gain over background",
        "the layer over the background: PSNR gained on it alone, dB",
        "{:.1f}",
    ),
)
_COLUMNS = tuple((level, system) for level in ("clean", "half") for system in ("tokenizer", "untrained", "exact"))


def table(results: dict) -> str:
    """The figures as Markdown."""
    lines = [["", *(f"{level}: {system}" for level, system in _COLUMNS)]]
    for name, figure, label, form in _ROWS:
        values = [results[level][name][system][figure] for level, system in _COLUMNS]
        lines.append([label, *(form.format(value) if np.isfinite(value) else "none" for value in values)])
    return markdown(lines, f"{results['clips']} validation worlds a row and level. Exact: the true layer itself.")


def main(
    tokenizer: Annotated[Path, typer.Option(help="Folder of the trained tokenizer.")],
    clips: Annotated[int, typer.Option(help="Worlds of each behaviour and level.", min=2)] = 200,
    out: Annotated[Path, typer.Option(help="A file for the figures, as JSON.")] = RESULTS,
):
    """Measure a video tokenizer's behaviours on validation worlds."""
    with exit_with_a_sentence():
        results: dict = evaluate(LayerTokenizer.from_pretrained(tokenizer), clips)
        results = {"tokenizer": weights_sha256(tokenizer), "clips": clips} | results
        out.write_text(json.dumps(results, indent=1) + "\n")
        if out == RESULTS:
            write_between(DOCUMENT, table(results), "behaviours")


if __name__ == "__main__":
    typer.run(main)
