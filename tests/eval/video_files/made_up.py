"""Truths and answers written by hand, of files that nobody drew."""

import copy
import json
from pathlib import Path

import numpy as np

from trajvlm.eval.video_files.answer import Answer
from trajvlm.eval.video_files.truth import TrueFile

WIDTH, HEIGHT, FOCAL, RATE = 400, 300, 1000.0, 50

# Twice round in 2 s; 40 pixels wide; it fills the time from 1 to 3 s.
CIRCLE = {
    "kind": "circular",
    "family": "circular",
    "terms": ["1", "cos", "sin"],
    "constants": {"turns": 2.0},
    "equation": {"x": "40*cos(6.2831853*t)", "y": "40*sin(6.2831853*t) + 10", "z": "0"},
}
# Falls for 0.5 s, from rest, at 800 px/s^2: 100 px.
FALL = {
    "kind": "thrown",
    "family": "parabolic",
    "terms": ["1", "s2", "s"],
    "constants": {},
    "equation": {"x": "0", "y": "60 - 400*t**2", "z": "0"},
}
# The fall was the flight's second half: the whole of it takes 1 s. Then 0.5 s and 0.25 s.
BOUNCE = {
    "kind": "bounced",
    "family": "bouncing",
    "terms": ["1", "s", "hop"],
    "constants": {"flight": 0.5, "impact": 0.5, "restitution": 0.5},
    "equation": {
        "x": "0",
        "y": "100*max(0, 4*t*(1 - t), 4*(t - 1)*(1.5 - t), 4*(t - 1.5)*(1.75 - t)) - 40",
        "z": "0",
    },
    "impacts_s": [1.5, 2.0],
}


def phase(law: dict | None, start: float, stop: float, clip: tuple[float, float] | None = None, **more) -> dict:
    """One phase of the truth, seen from its start to its end; at rest where there is no law."""
    told = {"start_s": start, "stop_s": stop, "seen_s": [start, stop]}
    if law is None:
        return {"kind": "at rest", "family": None} | told | more
    first, lasts = clip or (start, stop - start)
    clock = {"clip_s": [first, lasts], "t0_s": first, "holds_s": [start, stop], "impacts_s": []}
    return told | clock | copy.deepcopy(law) | more


def line(phases: list[dict], lasts: float = 4.0, suite: str = "clean", shows: str = "one", **more) -> dict:
    """A line of the truth; the path is that of the equations, and before and after them at rest at the middle."""
    times = np.arange(round(lasts * RATE) + 1) / RATE
    path = np.tile([WIDTH / 2, HEIGHT / 2], (len(times), 1))
    told = {
        "file": "made-up.mp4",
        "suite": suite,
        "sha256": "0",
        "width": WIDTH,
        "height": HEIGHT,
        "frames": len(times),
        "times_s": times.tolist(),
        "repeated": [],
        "shows": shows,
        "camera": {"moves": "stands", "x_px": [], "y_px": []},
        "frame": {"centre_x_px": WIDTH / 2, "centre_y_px": HEIGHT / 2, "focal_px": FOCAL},
    }
    for one in phases:
        if one["family"] == "circular":
            during = (times >= one["start_s"]) & (times <= one["stop_s"])
            angle = 2 * np.pi * (times[during] - one["t0_s"])
            path[during] += 40 * np.stack([np.cos(angle), -np.sin(angle)], axis=-1) + [0, -10]
    movers = [{"x_px": path[:, 0].tolist(), "y_px": path[:, 1].tolist(), "radius_px": [8.0] * len(times)}]
    return told | {"movers": [mover | {"phases": phases} for mover in movers]} | more


def true_file(*phases: dict, **more) -> TrueFile:
    """A file of which nothing but the truth is there."""
    return TrueFile(Path("made-up.mp4"), json.loads(json.dumps(line(list(phases), **more))))


def circle_file(**more) -> TrueFile:
    """Rests for a second, goes round twice in two seconds, rests."""
    return true_file(phase(None, 0.0, 1.0), phase(CIRCLE, 1.0, 3.0), phase(None, 3.0, 4.0), **more)


def said(start: float = 1.0, stop: float = 3.0, family: str = "circular", **more) -> dict:
    """An answer in pixels from the picture's middle; the circle's own equation unless told."""
    placement = {
        "centre_x_px": WIDTH / 2,
        "centre_y_px": HEIGHT / 2,
        "half_width_px": 1.0,
        "t0_s": start,
        "duration_s": stop - start,
        "video_width_px": WIDTH,
        "video_height_px": HEIGHT,
    }
    return {
        "family": family,
        "known": True,
        "confidence": 0.8,
        "measured": CIRCLE["equation"],
        "frame": {"focal_length": FOCAL, "clip_to_pixels": placement},
    } | more


def answer(*window: float, **more) -> Answer:
    return Answer.of({"answer": json.loads(json.dumps(said(*window, **more)))})


def refusal(reason: str | None = None) -> Answer:
    return Answer.of({"error": "nothing moves in it; give another file", "reason": reason})
