"""Real clips, of which a person wrote down what is true: is the family right, and are the known quantities met?

    trajvlm eval clips FOLDER

The folder holds videos and `clips.yaml`, an entry for each video:

    throw.mp4:
      family: parabolic
      known: {g: 9.81}            # quantities by the names that the chat knows, in metres and seconds
      scale: {diameter_m: 0.067}  # or pixels_per_metre, or distance_m; needed for lengths
      start: 0.4                  # all of the following may be left out
      end: 1.3
      fps: 240
      field_of_view: 70

Of each clip, three answers are judged: the language model alone, the model and the fit together, and the script without
networks (`trajvlm.vlm.classical_baseline`), all on the same canonical clip.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from trajvlm.data.errors import UserError
from trajvlm.data.motions.families import FAMILIES, MOTIONS
from trajvlm.eval.markdown import markdown
from trajvlm.vlm.quantities import NAMES, derive
from trajvlm.vlm.scale import Scale

if TYPE_CHECKING:
    from trajvlm.vlm.describe import Describer, Description

TRUTH = "clips.yaml"
_NUMBERS = ("start", "end", "fps", "field_of_view")
_FIELDS = ("family", "known", "scale", *_NUMBERS)
_SCALES = ("diameter_m", "pixels_per_metre", "distance_m")


@dataclass(frozen=True)
class TrueClip:
    """What is true of a video."""

    video: Path
    family: str
    """One of the families, or another word for a motion that is none of them."""
    known: dict[str, float] = field(default_factory=dict)
    """Quantities (see `trajvlm.vlm.quantities.NAMES`) in metres and seconds."""
    scale: Scale | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    """Further arguments of `Describer.describe`."""


def read_truth(folder: Path) -> list[TrueClip]:
    """The clips of a folder; raises UserError with one sentence for what is missing or not understood."""
    path = folder / TRUTH
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"there is no {TRUTH} in {folder}; write down there what is true of each video") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path} can't be read as YAML; give an entry for each video, with its family") from error
    if not isinstance(entries, dict) or not entries:
        raise UserError(f"{path} holds no videos; give an entry for each of them, with its family")
    return [_true_clip(path, str(name), entry) for name, entry in entries.items()]


def _true_clip(path: Path, name: str, entry: object) -> TrueClip:
    if not isinstance(entry, dict) or not isinstance(entry.get("family"), str):
        raise UserError(f"{path} does not say of which family {name} is; give it as `family:`")
    if unknown := sorted(set(map(str, entry)) - set(_FIELDS)):
        raise UserError(
            f"{path} says {unknown[0]!r} of {name}, which means nothing here; there are {', '.join(_FIELDS)}"
        )
    known, scale = entry.get("known") or {}, entry.get("scale") or {}
    if not isinstance(known, dict) or not all(key in NAMES and _is_number(value) for key, value in known.items()):
        raise UserError(f"what {path} knows of {name} has to be numbers, by these names: {', '.join(NAMES)}")
    if not isinstance(scale, dict) or not all(key in _SCALES and _is_number(value) for key, value in scale.items()):
        raise UserError(f"the scale of {name} in {path} has to be one of {', '.join(_SCALES)}, and a number")
    settings = {key: entry[key] for key in _NUMBERS if entry.get(key) is not None}
    if not all(map(_is_number, settings.values())):
        raise UserError(f"{', '.join(_NUMBERS)} of {name} in {path} have to be numbers")
    clip = TrueClip(path.parent / name, entry["family"], known, Scale(**scale) if scale else None, settings)
    _check_meant(path, clip)
    return clip


def _check_meant(path: Path, clip: TrueClip) -> None:
    """Raises UserError for what would count as a wrong answer, and is a slip of the pen."""
    if not clip.video.exists():
        raise UserError(f"{path} names {clip.video.name}, which is not beside it; put it there or correct the name")
    meant = get_close_matches(clip.family.lower(), FAMILIES, n=1, cutoff=0.7)
    if meant and clip.family not in MOTIONS:
        raise UserError(
            f"{path} calls the motion of {clip.video.name} {clip.family!r}; write {meant[0]} if that is meant, and for "
            f"none of the families a word less like theirs"
        )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def judge(describer: "Describer", clips: list[TrueClip]) -> Iterator[dict]:
    """For each clip: its name, its true family, and for each of the three answers its family, whether that is right,
    and of each known quantity what was said and by which share it is off; or the sentence that says why there is
    none."""
    for clip in clips:
        row = {"video": clip.video.name, "family": clip.family}
        try:
            found = describer.describe(clip.video, **clip.settings)
        except UserError as error:
            yield row | {"error": str(error)}
            continue
        # Only what a user gets may be "none of the families".
        answers = {name: _judged(answer, clip) for name, answer in _others(found).items()}
        yield row | {"answers": {"together": _judged(found, clip, refused=not found.known), **answers}}


def _others(found: "Description") -> dict[str, "Description | None"]:
    """The description as the language model alone and the script would have it."""
    rival = found.without_networks()
    return {
        "model alone": replace(found, family=found.model_family, refined=None),
        "track and fit": None if rival is None else replace(found, family=rival.family, refined=rival.equation),
    }


def _judged(answer: "Description | None", clip: TrueClip, refused: bool = False) -> dict:
    if answer is None:
        return {"family": None, "right": False}
    right = clip.family not in FAMILIES if refused else answer.family == clip.family
    judged = {"family": "none" if refused else answer.family, "right": right}
    for name, true in clip.known.items():
        try:
            said = _said(name, answer, clip.scale)
        except UserError as error:
            judged[name] = {"true": true, "said": None, "why": str(error)}
        else:
            judged[name] = {"true": true, "said": float(f"{said:.4g}"), "off": float(f"{abs(said / true - 1):.3g}")}
    return judged


def _said(name: str, answer: "Description", scale: Scale | None) -> float:
    """The first quantity of that name, in metres and seconds."""
    quantity = derive(name, answer)[0]
    if not quantity.length_power:
        return quantity.value
    if scale is None:
        raise UserError(f"{name} in metres needs a scale")
    return quantity.value * scale.metres_per_unit(answer) ** quantity.length_power


def table(rows: list[dict]) -> str:
    """The answers as Markdown, and how many families are right."""
    names = next((list(row["answers"]) for row in rows if "answers" in row), [])
    lines = [["video", "true", *names]]
    for row in rows:
        if "error" in row:
            said = [row["error"]] + [""] * (len(names) - 1)
        else:
            said = [_cell(row["answers"][name]) for name in names]
        lines.append([row["video"], row["family"], *said])
    right = [sum(row.get("answers", {}).get(name, {}).get("right", False) for row in rows) for name in names]
    lines.append(["families right", "", *(f"{count} of {len(rows)}" for count in right)])
    return markdown(lines)


def _cell(judged: dict) -> str:
    parts = [f"{judged['family'] or 'nothing found'}{'' if judged['right'] else ' (wrong)'}"]
    for name, one in judged.items():
        if isinstance(one, dict):
            said = "none" if one["said"] is None else f"{one['said']:.3g}, {one['off']:.0%} off"
            parts.append(f"{name} {said} ({one['true']:g})")
    return "; ".join(parts)
