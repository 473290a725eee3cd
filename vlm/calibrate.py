"""Tune on validation clips the settings that lie beside a language model's weights in `calibration.json`.

    python -m trajvlm.vlm.calibrate runs/vlm --tokenizer runs/tokenizer

Tuned are the temperature, the criteria that weigh fits to the decoded track, the bound of a known motion, and, on pairs
of views, the three bounds of `trajvlm.vlm.stereo`. The assumed errors are taken over as they are. A training does the
same at its end, but for the pairs.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from scipy.optimize import minimize_scalar
from torch import Tensor
from tqdm import tqdm

from trajvlm.data.cameras.stereo import StereoPair
from trajvlm.data.clip import SIZE, Clip
from trajvlm.data.errors import UserError, exit_with_a_sentence
from trajvlm.data.fit import Criterion, Fit, fit_all, probabilities
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered.nuisances import Nuisances
from trajvlm.data.rendered.render import render
from trajvlm.data.rendered.scene import Scene, SceneSettings, draw_scene
from trajvlm.data.rendered.stream import TRAINING_SCENES, VALIDATION_SEED
from trajvlm.data.rendered.views import draw_views
from trajvlm.tokenizer.checkpoint import write_files
from trajvlm.tokenizer.model import SHIPPED as TOKENIZER
from trajvlm.vlm.answer import Answer
from trajvlm.vlm.calibration import FILE, Calibration
from trajvlm.vlm.describe import Describer
from trajvlm.vlm.model import TrajectoryLM
from trajvlm.vlm.refine import miss_px, product_of_experts, seen_in
from trajvlm.vlm.stereo import View, fit_lateness, fit_views, least_misfit, pair_tracks
from trajvlm.vlm.tta import FOUR_FLIPS, decode_flips, encode_flips

_CHUNK = 50
_TEMPERATURES = (0.2, 5.0)
_PENALTIES = (4.0, 6.0, 8.0, 10.0, 12.0, 16.0, 20.0, 25.0, 32.0, 40.0)
_SHARPNESSES = (0.1, 0.15, 0.2, 0.25, 0.35, 0.5, 0.7, 1.0)
_KNOWN_SHARE = 0.99
"""Share of validation clips whose true family has to count as known."""
_PAIR_SCENES = (
    SceneSettings(families=tuple(FAMILIES), strength=(0.0, 0.3)),
    SceneSettings(families=tuple(FAMILIES), exactly=Nuisances.all_at(0.5)),
)
_WRONG_OFFSET = 1 / 8
"""Clip time."""


@dataclass(frozen=True)
class FittedClip:
    """A validation clip in whose decoded tokens the ball is seen often enough to be fitted."""

    family: str
    """The true one."""
    model: dict[str, float]
    """The language model's probabilities at temperature 1."""
    fits: dict[str, Fit]
    miss_px: float
    """Median distance of the true family's fit from the decoded track, in pixels of 64."""


def calibrate(
    model: TrajectoryLM,
    encode: Callable[[Tensor], Tensor],
    decode: Callable[[Tensor], Tensor],
    scenes: SceneSettings,
    count: int,
) -> None:
    """Set temperature, criteria and the bound of a known motion in `model.calibration` by the first `count` validation
    clips. Values that need clips with a visible track stay as they are where no clip has one.

    Args:
        encode: clips (N, 3, 17, 64, 64) to codes (N, times, rows, columns).
        decode: codes on the processor to clean scenes (N, 3, 17, 64, 64).
        scenes: what the model was trained on.
    """
    kept = model.calibration = replace(model.calibration, temperature=1.0)
    drawn = [draw_scene(scenes, VALIDATION_SEED, k) for k in range(count)]
    answers: list[Answer] = []
    fitted: list[FittedClip] = []
    for first in tqdm(range(0, count, _CHUNK), desc=f"calibrating on {count} clips"):
        chunk = drawn[first : first + _CHUNK]
        codes = encode_flips(encode, render(chunk))
        found = model.answer(codes.to(model.rows.marks.device), flips=FOUR_FLIPS)
        answers += found
        clips = zip(chunk, found, codes.cpu().unflatten(0, (len(FOUR_FLIPS), -1)).unbind(dim=1))
        fitted += filter(None, (_fitted(scene, answer, decode, of_clip, kept) for scene, answer, of_clip in clips))
    temperature = round(fit_temperature(answers, drawn), 3)
    on = f"the first {count} validation clips of the training's scenes"
    tuned_on = {"temperature": f"{on}: the true families are likeliest"}
    values: dict[str, Any] = {"temperature": temperature}
    if fitted:
        on = f"{len(fitted)} of {on}"
        values["joint_criterion"] = tune_criterion(fitted, temperature)
        values["fit_criterion"] = tune_criterion(fitted, None)
        values["known_miss_px"] = max(0.01, round(float(np.quantile([c.miss_px for c in fitted], _KNOWN_SHARE)), 2))
        tuned_on["joint_criterion"] = f"{on}: the true families are likeliest by the model and the fits together"
        tuned_on["fit_criterion"] = f"{on}: the true families are likeliest by the fits alone"
        tuned_on["known_miss_px"] = f"{on}: {_KNOWN_SHARE:.0%} of the true families' fits lie within"
    model.calibration = replace(kept, **values, tuned_on=kept.tuned_on | tuned_on)


def _fitted(
    scene: Scene, answer: Answer, decode: Callable[[Tensor], Tensor], codes: Tensor, calibration: Calibration
) -> FittedClip | None:
    # A training's autocast would read the track in half precision.
    with torch.autocast("cpu", enabled=False):
        readout = decode_flips(decode, codes, calibration=calibration)[1]
    seen = seen_in(readout, calibration=calibration)
    fits = fit_all(seen, tuple(answer.probabilities))
    if fits is None:
        return None
    path = FAMILIES[scene.family].positions(fits[scene.family].constants, seen.t)
    return FittedClip(scene.family, answer.probabilities, fits, miss_px(path, seen))


def fit_temperature(answers: list[Answer], scenes: list[Scene]) -> float:
    """The temperature, 0.2 to 5, at which the true families of held-out scenes are likeliest, given answers at
    temperature 1 (Guo et al., 2017)."""
    scores = np.array([[np.log(max(a.probabilities[n], 1e-12)) for n in a.probabilities] for a in answers])
    names = list(answers[0].probabilities)
    truth = np.array([names.index(scene.family) for scene in scenes])

    def loss(temperature: float) -> float:
        scaled = scores / temperature
        highest = scaled.max(axis=1, keepdims=True)
        total = highest[:, 0] + np.log(np.exp(scaled - highest).sum(axis=1))
        return float((total - scaled[np.arange(len(truth)), truth]).mean())

    return float(minimize_scalar(loss, bounds=_TEMPERATURES, method="bounded").x)


def tune_criterion(clips: list[FittedClip], temperature: float | None) -> Criterion:
    """The criterion at which the clips' true families are likeliest, of those on a grid.

    Args:
        temperature: of the language model, whose probabilities the fits' are multiplied by; None for the fits alone.
    """

    def log_likelihood(criterion: Criterion) -> float:
        found = []
        for clip in clips:
            opinions = [probabilities(clip.fits, criterion)]
            if temperature is not None:
                opinions.append({name: p ** (1 / temperature) for name, p in clip.model.items()})
            found.append(np.log(max(product_of_experts(*opinions)[clip.family], 1e-12)))
        return float(np.mean(found))

    return max((Criterion(*values) for values in product(_PENALTIES, _SHARPNESSES)), key=log_likelihood)


def calibrate_pairs(describer: Describer, count: int) -> Calibration:
    """The describer's calibration with the bounds of pairs set by `count` validation pairs, every other one with all
    nuisances at half strength; unchanged where no pair can be fitted, or right and wrong ones can't be told apart."""
    kept, exchanged, offset_right, offset_wrong, losses = describer.lm.calibration, [], [], [], []
    for index in tqdm(range(count), desc=f"calibrating on {count} pairs"):
        rig, scenes = draw_views(_PAIR_SCENES[index % 2], VALIDATION_SEED, index, 2)
        left, right = (describer.describe_clip(Clip.from_frames(video), refine=False) for video in render(scenes))
        pair = StereoPair.from_rig(rig, SIZE)
        views = pair_tracks(left, right, pair)
        late = [views[0], replace(views[1], t=views[1].t + _WRONG_OFFSET)]
        try:
            least, gain = _offset_gain(views, pair)
            wrong_gain = _offset_gain(late, pair)[1]
        except UserError:
            continue
        exchanged.append(least_misfit(pair_tracks(right, left, pair), pair) - least)
        offset_right.append(gain)
        offset_wrong.append(wrong_gain)
        losses.append(np.exp(least / (4 * sum(len(view.t) for view in views))))
    if not losses or min(exchanged) <= 0 or min(offset_wrong) <= max(offset_right):
        return kept
    on = f"{len(losses)} validation pairs"
    values: dict[str, Any] = {"max_pair_loss": round(1.125 * float(max(losses)), 2)}
    tuned_on = {"max_pair_loss": f"{on}: an eighth above the largest of right pairs, {max(losses):.2g}"}
    if np.isfinite(min(exchanged)):
        values["exchanged_gain"] = round(float(min(exchanged)) / 2, 1)
        tuned_on["exchanged_gain"] = f"{on}: half the least gain where the videos were exchanged, {min(exchanged):.3g}"
    least_wrong, most_right = min(offset_wrong), max(*offset_right, 1.0)
    values["offset_gain"] = round(float(np.sqrt(most_right * least_wrong)), 1)
    tuned_on["offset_gain"] = (
        f"{on}: geometric mean of the largest gain with the right offset, {max(offset_right):.3g}, and the least with "
        f"one that is wrong by an eighth of the clip, {least_wrong:.3g}"
    )
    return replace(kept, **values, tuned_on=kept.tuned_on | tuned_on)


def _offset_gain(views: list[View], pair: StereoPair) -> tuple[float, float]:
    """The best family's misfit, and by how much another offset lowers it."""
    fits = fit_views(views, pair)
    name = min(fits, key=lambda family: fits[family].misfit)
    least = fits[name].misfit
    return least, least - fit_lateness(FAMILIES[name], fits[name].constants, views, pair)[1]


def main(
    weights: Annotated[Path, typer.Argument(help="Folder of the trained language model.")],
    tokenizer: Annotated[Path, typer.Option(help="Folder of the tokenizer that it was trained on.")] = TOKENIZER,
    base_model: Annotated[str | None, typer.Option(help="Another base model: a local folder or a hub id.")] = None,
    out: Annotated[Path | None, typer.Option(help="Another folder for the file than that of the weights.")] = None,
    clips: Annotated[int, typer.Option(help="Validation clips.", min=1)] = 400,
    pairs: Annotated[int, typer.Option(help="Validation pairs of views; 0 leaves their bounds.", min=0)] = 30,
    overwrite: Annotated[bool, typer.Option(help="Replace a calibration that is there.")] = False,
):
    """Tune a language model's calibration on validation clips."""
    with exit_with_a_sentence():
        folder = out or weights
        if (folder / FILE).exists() and not overwrite:
            raise UserError(f"{folder / FILE} exists; replace it with --overwrite, or name a folder with --out")
        describer = Describer(base_model, tokenizer, weights)
        scenes = replace(TRAINING_SCENES, families=describer.lm.config.families)
        codec = describer.tokenizer
        calibrate(describer.lm, codec.encode_codes, codec.decode_codes, scenes, clips)
        describer.lm.calibration = calibrate_pairs(describer, pairs)
        write_files(folder, describer.lm.calibration.save)
        typer.echo((folder / FILE).read_text())


if __name__ == "__main__":
    typer.run(main)
