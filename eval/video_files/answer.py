"""What a system says of one file: the JSON that `trajvlm describe --json` prints, read with care.

A field that an answer lacks, or that means nothing, is "not given": older programs print less.
"""

from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Any

import numpy as np

from trajvlm.data.cameras.camera import project
from trajvlm.data.clip import Placement
from trajvlm.data.motions.equation import Equation

NO_REASON = "no reason given"
_PLACEMENT = (
    "centre_x_px", "centre_y_px", "half_width_px", "t0_s", "duration_s", "video_width_px", "video_height_px"
)  # fmt: skip


@dataclass(frozen=True)
class Said:
    """One constant of an answer."""

    value: float
    sd: float | None
    """Its standard deviation; None where it is not given."""


@dataclass(frozen=True)
class SaidPhase:
    """One of an answer's phases."""

    kind: str
    family: str | None
    window: tuple[float, float]
    """In seconds of the file."""
    impacts_s: tuple[float, ...] | None
    main: bool


@dataclass(frozen=True, eq=False)
class Answer:
    """A system's answer for one file: `told`, or the sentence that refuses it."""

    told: dict[str, Any]
    """Empty where there is none."""
    error: str | None = None
    """The sentence in its place."""
    reason: str | None = None
    """Which of the known reasons that is."""

    @classmethod
    def of(cls, row: dict) -> "Answer":
        """From a kept row with "answer", or "error" and "reason"."""
        return cls(row.get("answer") or {}, row.get("error"), row.get("reason"))

    @property
    def refused(self) -> str | None:
        """The reason for which nothing is claimed; None where a family is."""
        if self.error is None and self.told.get("known", True) and self.family is not None:
            return None
        reason = self.reason if self.error is not None else self.told.get("reason")
        return str(reason) if reason else NO_REASON

    @property
    def family(self) -> str | None:
        """What it is called, also where that is only the nearest one."""
        family = self.told.get("family")
        return family if isinstance(family, str) else None

    @property
    def confidence(self) -> float | None:
        return _number(self.told.get("confidence"))

    @property
    def sentence(self) -> str:
        """What was said, in a few words."""
        if self.error is not None:
            return self.error
        said = f"{self.family}" if self.confidence is None else f"{self.family}, {self.confidence:.0%}"
        if self.window is not None:
            said += f", {self.window[0]:.2f} to {self.window[1]:.2f} s"
        return f"refused ({self.refused}): {said}; {self.told.get('doubt')}" if self.refused else said

    @cached_property
    def placement(self) -> Placement | None:
        """Where the answer's frame lies in the file."""
        frame = self.told.get("frame")
        given = frame.get("clip_to_pixels") if isinstance(frame, dict) else None
        values = [_number(given.get(name)) for name in _PLACEMENT] if isinstance(given, dict) else [None]
        try:
            return Placement(*values) if None not in values else None
        except ValueError:
            return None

    @property
    def zero_s(self) -> float | None:
        """The second of the file at which the equations' time is 0."""
        return self.placement.t0_s if self.placement else None

    @property
    def window(self) -> tuple[float, float] | None:
        """From when to when the answer's motion is, in seconds of the file: its main phase, or its clip where no phases
        are given."""
        for phase in self.phases or ():
            if phase.main:
                return phase.window
        if self.placement is None:
            return None
        return self.placement.t0_s, self.placement.t0_s + self.placement.duration_s

    @property
    def begins_s(self) -> float | None:
        """When the answer's motion begins, for which an amplitude or radius that changes is told."""
        return None if self.window is None else self.window[0]

    def path_px(self, name: str, t: np.ndarray) -> np.ndarray | None:
        """(T, 2) pixels at seconds (T,) of the file of one of the answer's equations; None where it is not given."""
        text, focal = self.told.get(name), _number((self.told.get("frame") or {}).get("focal_length"))
        if self.placement is None or focal is None or not isinstance(text, dict):
            return None
        try:
            places = Equation.from_text(text).positions(t - self.placement.t0_s)
        except (KeyError, ValueError):
            return None
        path = self.placement.to_pixels(project(places, focal))
        return path if np.isfinite(path).all() else None

    @cached_property
    def constants(self) -> dict[str, Said]:
        """The constants that are given, by name. A spiral that is told to decay grows by as much less than nothing."""
        given = self.told.get("constants")
        found = {}
        for name, one in given.items() if isinstance(given, dict) else ():
            value = _number(one.get("value")) if isinstance(one, dict) else None
            if value is not None:
                found[name] = Said(value, _number(one.get("sd")))
        if self.family == "spiral" and "decay" in found:
            found.setdefault("growth", Said(-found["decay"].value, found["decay"].sd))
        return found

    @cached_property
    def phases(self) -> tuple[SaidPhase, ...] | None:
        """The answer's phases; None where none are given."""
        given = self.told.get("phases")
        if not isinstance(given, list):
            return None
        return tuple(
            SaidPhase(
                str(one.get("kind")),
                one.get("family"),
                (float(one["start_s"]), float(one["stop_s"])),
                _times(one.get("impacts_s")),
                bool(one.get("main")),
            )
            for one in given
        )

    @property
    def impacts_s(self) -> tuple[float, ...] | None:
        """When the thing hits the floor, in seconds of the file; None where that is not given."""
        for phase in self.phases or ():
            if phase.main and phase.impacts_s is not None:
                return phase.impacts_s
        bounce = self.told.get("bounce")
        times = _times(bounce.get("impacts_s")) if isinstance(bounce, dict) else None
        return None if times is None or self.zero_s is None else tuple(self.zero_s + t for t in times)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and isfinite(value) else None


def _times(given: object) -> tuple[float, ...] | None:
    return tuple(float(t) for t in given) if isinstance(given, list) else None
