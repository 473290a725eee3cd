"""One answer held against the truth of its file: a row of plain values.

    file, suite, to_refuse, true        what there is to say: a family, or what the file shows instead
    said, family, confidence, refused   what was said; `refused` is a reason, or null
    right                               a refusal of what is to be refused; the right family; see `judge`
    window_overlap, phase_overlaps      intersection over union, in time
    constants                           {name: {true, in_space, said, sd, error, in_sd}}, errors relative
    impacts                             [{true_s, said_s, error_s, error}], errors relative to the first flight
    paths                               {"measured": {rms_px, median_px, of_radius, of_extent}, "refined": the same}

What is not given is null.
"""

from typing import Any

import numpy as np

from trajvlm.eval.video_files.answer import Answer
from trajvlm.eval.video_files.truth import LEAST_PHASE_S, SINGLE, Stretch, TrueFile, TruePhase, overlap

PATHS = ("measured", "refined")
"""The equations of an answer that are held against the true path."""
LEAST_OVERLAP = 0.5
"""Of the answer's time with a phase, to be right where a file has several."""
_LEAST_FRAMES = 3


def judge(file: TrueFile, answer: Answer) -> dict[str, Any]:
    """The row of one file.

    An answer for a file of one motion is right where the family is. Where there are several phases it also has to be in
    the right place: its time overlaps a phase of that family by more than `LEAST_OVERLAP`. Where there is no motion to
    be named, only a refusal is right.
    """
    row = {
        "file": file.name,
        "suite": file.suite,
        "to_refuse": file.to_refuse,
        "true": file.line["shows"] if file.main is None else _told(file.main.stretches[0]),
        "said": answer.sentence,
        "family": answer.family,
        "confidence": answer.confidence,
        "refused": answer.refused,
    }
    if file.main is None:
        return row | {"right": answer.refused is not None and file.to_refuse}
    common, stretch, phase = _meant(file, answer)
    named = answer.refused is None and answer.family == stretch.family
    return row | {
        "right": named and (file.suite in SINGLE or common > LEAST_OVERLAP),
        "family_right": named,
        "target": _told(stretch),
        "window_overlap": 0.0 if answer.window is None or answer.refused else common,
        "phase_overlaps": _phase_overlaps(file, answer),
        "constants": _constants(phase, answer),
        "impacts": _impacts(phase, answer),
        "paths": {name: None if answer.refused else _path(file, phase, answer, name) for name in PATHS},
    }


def _meant(file: TrueFile, answer: Answer) -> tuple[float, Stretch, TruePhase]:
    """The stretch that the answer overlaps most, how much, and its phase; the main phase's where it overlaps none, or
    where there is but one motion in a file."""
    assert file.main is not None
    window = answer.window or (0.0, 0.0)
    found = [(*phase.nearest(window), phase) for phase in ((file.main,) if file.suite in SINGLE else file.phases)]
    # A throw with its bounces is a stretch of the throw and of the bounce; the bounce is meant.
    common, stretch, phase = max(found, key=lambda one: (one[0], one[1].family == one[2].family))
    return (common, stretch, phase) if common > 0 else (0.0, file.main.stretches[0], file.main)


def _phase_overlaps(file: TrueFile, answer: Answer) -> list[float] | None:
    """Of each true phase that lasts long enough, the overlap with the best of the answer's phases."""
    if answer.phases is None:
        return None
    windows = [phase.window for phase in answer.phases if phase.kind == "motion"]
    asked = [phase for phase in file.phases if phase.seen_s >= LEAST_PHASE_S]
    return [max((phase.nearest(window)[0] for window in windows), default=0.0) for phase in asked]


def _constants(phase: TruePhase, answer: Answer) -> dict[str, dict]:
    begins = phase.seen[0] if answer.begins_s is None else answer.begins_s
    told = {}
    for name, true in phase.law.constants(_window(phase, answer), begins).items():
        said = None if answer.refused else answer.constants.get(name)
        one: dict[str, Any] = {"true": true.value, "in_space": true.in_space}
        one |= dict.fromkeys(("said", "sd", "error", "in_sd"))
        if said is not None:
            off = abs(said.value - true.value)
            one |= {"said": said.value, "sd": said.sd, "error": off / abs(true.value)}
            one["in_sd"] = off / said.sd if said.sd else None
        told[name] = one
    return told


def _window(phase: TruePhase, answer: Answer) -> tuple[float, float]:
    """The answer's time, at whose mean depth its lengths are told; that of the phase where it has none in common."""
    if answer.window is None or overlap(phase.seen, answer.window) == 0:
        return phase.seen
    return answer.window


def _impacts(phase: TruePhase, answer: Answer) -> list[dict]:
    said = None if answer.refused else answer.impacts_s
    rows = []
    for true in phase.impacts_s:
        row: dict[str, Any] = {"true_s": true, "said_s": None, "error_s": None, "error": None}
        if said:
            nearest = min(said, key=lambda t: abs(t - true))
            away = abs(nearest - true)
            row = {"true_s": true, "said_s": nearest, "error_s": away, "error": away / phase.law.first_flight_s}
        rows.append(row)
    return rows


def _path(file: TrueFile, phase: TruePhase, answer: Answer, name: str) -> dict | None:
    """How far one of the answer's curves is from the true path, over the frames of the answer's window.

    A camera that moves is taken off the true path; where the answer's still picture lies is then its own choice, so the
    median difference is taken off as well.
    """
    if answer.window is None:
        return None
    inside = (file.times >= answer.window[0] - 1e-3) & (file.times <= answer.window[1] + 1e-3)
    inside &= np.isfinite(file.path_px).all(axis=1)
    said = answer.path_px(name, file.times[inside]) if inside.sum() >= _LEAST_FRAMES else None
    if said is None:
        return None
    apart = said - file.path_px[inside]
    if file.camera_moves:
        apart = apart - np.median(apart, axis=0)
    away = np.linalg.norm(apart, axis=1)
    rms = float(np.sqrt((away**2).mean()))
    return {
        "rms_px": rms,
        "median_px": float(np.median(away)),
        "of_radius": rms / file.radius_px,
        "of_extent": rms / _extent(file, phase),
    }


def _extent(file: TrueFile, phase: TruePhase) -> float:
    """Diagonal of the rectangle that a phase's path fills, in pixels; at least 1."""
    during = (file.times >= phase.seen[0] - 1e-3) & (file.times <= phase.seen[1] + 1e-3)
    path = file.path_px[during & np.isfinite(file.path_px).all(axis=1)]
    return max(1.0, float(np.linalg.norm(np.ptp(path, axis=0)))) if len(path) else 1.0


def _told(stretch: Stretch) -> str:
    return f"{stretch.family}, {stretch.start_s:.2f} to {stretch.stop_s:.2f} s"
