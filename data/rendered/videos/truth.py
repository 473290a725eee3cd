"""What is written beside the videos of a suite: one line of JSON for each file, in `truth.jsonl`.

Pixels are those of the upright picture, x to the right and y downwards, (0, 0) the upper left corner of the upper left
pixel; times are seconds from the first frame. `movers` have their place and radius in each frame, as it is shown: where
`repeated` says that a frame shows the one before it again, it is that one's. Their `phases` follow each other; one that
has a law has its `family` (or "sum") and its `equation`, right within `holds_s`: x, y, z in pixels with y upwards and z
towards the camera, of t = time - `t0_s`, seen in a still picture at

    centre_x_px + x f / (f - z),  centre_y_px - y f / (f - z),  f = focal_px

to which `camera`'s own movement is added. `seen_s` is when the thing is in the picture during the phase.
"""

import numpy as np

from trajvlm.data.rendered.nuisances import NAMES
from trajvlm.data.rendered.phases import Phase
from trajvlm.data.rendered.videos.shots import Mover, Shot

_DIGITS = 8
"""Of an equation's numbers: a swing of a minute goes through hundreds of radians."""


def truth_of(shot: Shot) -> dict:
    """The truth of one file as plain JSON."""
    moves = bool(np.any(shot.offsets))
    return {
        "file": shot.name,
        "suite": shot.suite,
        "seed": shot.seed,
        "index": shot.index,
        "width": shot.width,
        "height": shot.height,
        "fps": round(shot.rate, 4),
        "frames": len(shot.ticks),
        "duration_s": _seconds(shot.times[-1] + 1 / shot.rate),
        "even": bool(len(shot.ticks) < 3 or np.ptp(np.diff(shot.ticks)) == 0),
        "times_s": [_seconds(t) for t in shot.times],
        "repeated": np.flatnonzero(shot.shown != np.arange(len(shot.shown))).tolist(),
        "shows": shot.shows,
        "camera": {
            "moves": shot.camera,
            "x_px": _pixels(shot.offsets[shot.shown, 0]) if moves else [],
            "y_px": _pixels(shot.offsets[shot.shown, 1]) if moves else [],
        },
        "frame": {
            "centre_x_px": shot.width / 2,
            "centre_y_px": shot.height / 2,
            "focal_px": round(float(shot.focal), 3),
        },
        "movers": [_mover(shot, mover) for mover in shot.movers],
        "nuisances": {name: round(float(getattr(shot.nuisances, name)), 4) for name in NAMES},
        "crf": shot.crf,
    }


def _mover(shot: Shot, mover: Mover) -> dict:
    there = shot.seen(mover)
    lasts = float(shot.times[-1])
    course = mover.course.filled(0.0, lasts).cut(0.0, lasts)
    return {
        "shape": mover.shape.name,
        "x_px": _pixels(there[:, 0]),
        "y_px": _pixels(there[:, 1]),
        "radius_px": _pixels(there[:, 2]),
        "hangs": mover.pivot is not None,
        "hands_s": [[_seconds(max(t, 0.0)) for t in span] for span in mover.course.by_hand if span[1] > 0],
        "phases": [_phase(shot, phase, in_picture(shot, there)) for phase in course.phases],
    }


def in_picture(shot: Shot, there: np.ndarray) -> np.ndarray:
    """(T,) whether any of a thing at (T, 3) x, y, radius is in the picture."""
    x, y, radius = there.T
    return (x > -radius) & (x < shot.width + radius) & (y > -radius) & (y < shot.height + radius)


def _phase(shot: Shot, phase: Phase, seen: np.ndarray) -> dict:
    during = shot.times[seen & (shot.times >= phase.start - 1e-9) & (shot.times <= phase.stop + 1e-9)]
    written = {
        "kind": phase.kind,
        "start_s": _seconds(phase.start),
        "stop_s": _seconds(phase.stop),
        "seen_s": [_seconds(during[0]), _seconds(during[-1])] if len(during) else None,
        "family": phase.family,
    }
    if not phase.free:
        return written
    start, lasts = (float(value) for value in phase.clock)
    return written | {
        "terms": list(phase.law.terms),
        "constants": {name: float(value) for name, value in phase.law.inner.items()},
        "clip_s": [_seconds(start), _seconds(lasts)],
        "t0_s": _seconds(start),
        "equation": phase.law.equation().with_time(0.0, lasts).to_text(_DIGITS),
        "holds_s": [_seconds(max(phase.holds[0], 0.0)), _seconds(phase.holds[1])],
        "impacts_s": [_seconds(t) for t in phase.impacts if phase.start - 1e-9 <= t <= phase.stop + 1e-9],
    }


def _seconds(value: float) -> float:
    return round(float(value), 6) + 0.0


def _pixels(values: np.ndarray) -> list[float]:
    return [round(value, 3) + 0.0 for value in values.tolist()]
