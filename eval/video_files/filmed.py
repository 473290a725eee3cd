"""Clips that people filmed: what the program and the script say of each, held against what is known of it.

A folder holds the clips and `truth.yaml`, a list with, for each clip: `file`; `accept`, the names that are right, among
them `refuse` where none is; `constants`, from a name to a value and the relative error that is allowed, or null; and
`given`, for constants in metres `pixels_per_metre`, or null. Constants are `period` (s), `ay_px_s2`, `vx_px_s`
(acceleration downwards and speed across the picture), `g` (m/s²) and `speed_x` (m/s).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from trajvlm.data.errors import UserError
from trajvlm.eval.video_files.answer import Answer
from trajvlm.eval.video_files.summary import auroc

REFUSE = "refuse"
_SURE = 0.9
_PATHS = ("measured", "refined", "equation")
"""Curves of an answer, the best first."""
_NAMES = ("period", "ay_px_s2", "vx_px_s", "g", "speed_x")


@dataclass(frozen=True)
class FilmedClip:
    """What is known of a filmed clip."""

    path: Path
    accept: tuple[str, ...]
    constants: dict[str, tuple[float, float]]
    """Value, and the relative error that is allowed."""
    pixels_per_metre: float | None


def read_clips(folder: Path) -> list[FilmedClip]:
    """The clips of a folder with `truth.yaml`.

    Raises:
        UserError: the file is not there or does not say what it has to, or a clip is missing.
    """
    path = folder / "truth.yaml"
    try:
        lines = yaml.safe_load(path.read_text(encoding="utf-8"))
        clips = [_clip(folder, line) for line in lines]
    except OSError as error:
        raise UserError(f"{path} can't be read ({error.strerror}); give a folder of clips with what is true") from error
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(
            f"{path} has to be a list of clips, each with file, accept, constants and given, as eval/README.md says"
        ) from error
    for clip in clips:
        if not clip.path.is_file():
            raise UserError(f"{path} names {clip.path.name}, which is not beside it")
    return clips


def _clip(folder: Path, line: dict) -> FilmedClip:
    given = (line.get("given") or {}).get("pixels_per_metre")
    constants = {
        str(name): (float(value), float(error)) for name, (value, error) in (line.get("constants") or {}).items()
    }
    if not set(constants) <= set(_NAMES):
        raise ValueError(constants)
    accept = tuple(str(name) for name in line["accept"])
    return FilmedClip(folder / str(line["file"]), accept, constants, None if given is None else float(given))


def judge(clip: FilmedClip, answer: Answer) -> dict[str, Any]:
    """One row: what was said, whether it is right, and each constant beside its value. An error without a reason is no
    refusal."""
    said = answer.family
    if answer.refused is not None:
        said = REFUSE if answer.error is None or answer.reason else "error"
    confidence = None if answer.refused else answer.confidence
    constants = {}
    for name, (value, allowed) in clip.constants.items():
        found = None if answer.refused else _constant(name, clip, answer)
        good = said in clip.accept and found is not None and abs(found / value - 1) <= allowed
        constants[name] = {"value": found, "true": value, "within": bool(good)}
    right = said in clip.accept
    return {
        "file": clip.path.name,
        "said": said,
        "reason": answer.refused,
        "confidence": confidence,
        "accept": list(clip.accept),
        "right": right,
        "constants": constants,
    }


def _constant(name: str, clip: FilmedClip, answer: Answer) -> float | None:
    if name == "period":
        period = answer.constants.get("period")
        return None if period is None else period.value
    window = answer.window
    if window is None:
        return None
    t = np.linspace(*window, 200)
    path = next((path for curve in _PATHS if (path := answer.path_px(curve, t)) is not None), None)
    if path is None:
        return None
    per_metre = clip.pixels_per_metre or np.nan
    acceleration = 2 * float(np.polyfit(t, path[:, 1], 2)[0])
    speed = abs(float(np.polyfit(t, path[:, 0], 1)[0]))
    told = {
        "ay_px_s2": acceleration,
        "vx_px_s": speed,
        "g": acceleration / per_metre,
        "speed_x": speed / per_metre,
    }
    return told[name] if np.isfinite(told[name]) else None


def figures(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How many of how many: named (of the clips that some family describes), refused (of the others), constants, and
    answers of more than 90 % confidence that are wrong or right."""
    named = [row for row in rows if row["accept"] != [REFUSE]]
    refused = [row for row in rows if row["accept"] == [REFUSE]]
    constants = [one["within"] for row in rows for one in row["constants"].values()]
    claims = [row for row in rows if row["confidence"] is not None]
    sure = [row["right"] for row in claims if row["confidence"] > _SURE]
    return {
        "named": [sum(row["right"] for row in named), len(named)],
        "refused": [sum(row["right"] for row in refused), len(refused)],
        "constants": [sum(constants), len(constants)],
        "sure_and_wrong": [len(sure) - sum(sure), len(sure)],
        "sure_and_right": [sum(sure), len(sure)],
        "auroc": auroc(
            np.array([row["confidence"] for row in claims]), np.array([row["right"] for row in claims], bool)
        )
        if claims
        else None,
    }


def table(results: dict[str, dict[str, Any]]) -> str:
    """Markdown: the figures of each system, then each clip."""
    heads = ["", "named", "refused", "constants", "sure and wrong", "sure and right"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for system, told in results.items():
        cells = [
            f"{told['figures'][name.replace(' ', '_')][0]} of {told['figures'][name.replace(' ', '_')][1]}"
            for name in heads[1:]
        ]
        lines.append(f"| {system} | " + " | ".join(cells) + " |")
    lines += ["", "| clip | right | " + " | ".join(results) + " |", "|---|---|" + "---|" * len(results)]
    for rows in zip(*(told["clips"] for told in results.values()), strict=True):
        cells = [_told(row) for row in rows]
        lines.append(f"| {rows[0]['file']} | {' or '.join(rows[0]['accept'])} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _told(row: dict[str, Any]) -> str:
    said = f"refused ({row['reason']})" if row["said"] == REFUSE else str(row["said"])
    if row["confidence"] is not None:
        said += f" {row['confidence']:.0%}"
    for name, one in row["constants"].items():
        if one["value"] is not None:
            said += f"; {name} {one['value']:.4g} ({one['true']:.4g}){'' if one['within'] else ' off'}"
    return said if row["right"] else f"**{said}**"
