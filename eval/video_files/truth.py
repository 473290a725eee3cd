"""What is true of a file that `trajvlm data make --as videos` wrote, in the form that answers are held against.

A line of `truth.jsonl` (`trajvlm.data.rendered.videos.truth`) tells phases as they were drawn. An answer may divide
them otherwise and be as right: a throw and the bounces after it are one bouncing motion, or a throw and bounces.
So a `TruePhase` has several stretches of time, each with the family that it has as a whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path

import numpy as np

from trajvlm.data.errors import UserError
from trajvlm.data.rendered.videos.writer import read_truth
from trajvlm.eval.video_files.constants import Law

SINGLE = ("clean", "light", "half", "slow")
"""Suites of files with one motion each, of one family."""
LEAST_PHASE_S = 0.3
"""Phases that are seen for less are not asked for."""


@dataclass(frozen=True)
class Stretch:
    """A part of the file in which the thing moves by one law."""

    family: str
    start_s: float
    stop_s: float

    def overlap(self, window: tuple[float, float]) -> float:
        """Intersection over union, in time, with a window in seconds."""
        return overlap((self.start_s, self.stop_s), window)


@dataclass(frozen=True, eq=False)
class TruePhase:
    """One phase with a law of its own."""

    stretches: tuple[Stretch, ...]
    """What may be said of it; the first is the phase as it was drawn, as far as it is seen."""
    law: Law
    impacts_s: tuple[float, ...]
    """When it hits the floor while it is seen."""

    @property
    def family(self) -> str:
        return self.stretches[0].family

    @property
    def seen(self) -> tuple[float, float]:
        """From when to when it is in the picture, in seconds."""
        return self.stretches[0].start_s, self.stretches[0].stop_s

    @property
    def seen_s(self) -> float:
        """For how long."""
        return self.seen[1] - self.seen[0]

    def nearest(self, window: tuple[float, float]) -> tuple[float, Stretch]:
        """The stretch that overlaps a window most, and how much."""
        return max(((stretch.overlap(window), stretch) for stretch in self.stretches), key=lambda found: found[0])


@dataclass(frozen=True, eq=False)
class TrueFile:
    """The truth of one file."""

    path: Path
    line: dict
    """As it was written."""

    @property
    def name(self) -> str:
        return self.line["file"]

    @property
    def suite(self) -> str:
        return self.line["suite"]

    @property
    def large(self) -> bool:
        """Whether it has 1080 x 1920 pixels or more."""
        return self.line["width"] * self.line["height"] >= 1080 * 1920

    @property
    def to_refuse(self) -> bool:
        """Whether it shows anything but one motion: several things, an irregular motion, or nothing."""
        return self.line["shows"] != "one"

    @cached_property
    def times(self) -> np.ndarray:
        """(T,) seconds of each frame."""
        return np.array(self.line["times_s"])

    @cached_property
    def path_px(self) -> np.ndarray:
        """(T, 2) pixels of the only mover's middle in a still camera's picture, x to the right and y down; NaN where
        the file shows the frame before again, and where the mover is out of the picture."""
        mover, camera = self.line["movers"][0], self.line["camera"]
        path = np.array([mover["x_px"], mover["y_px"]]).T
        radius, size = np.array(mover["radius_px"])[:, None], np.array([self.line["width"], self.line["height"]])
        hidden = ((path < -radius) | (path > size + radius)).any(axis=1)
        if camera["x_px"]:
            path = path - np.array([camera["x_px"], camera["y_px"]]).T
        path[hidden] = np.nan
        path[self.line["repeated"]] = np.nan
        return path

    @property
    def camera_moves(self) -> bool:
        return bool(self.line["camera"]["x_px"])

    @property
    def radius_px(self) -> float:
        """Median of the only mover's."""
        return float(np.median(self.line["movers"][0]["radius_px"]))

    @cached_property
    def phases(self) -> tuple[TruePhase, ...]:
        """The only mover's phases that have a law and are seen; none where the file is one to refuse."""
        return () if self.to_refuse else tuple(_phases(self.line))

    @property
    def main(self) -> TruePhase | None:
        """The phase with a law that is seen longest."""
        return max(self.phases, key=lambda phase: phase.seen_s, default=None)


def read_files(folder: Path, suites: list[str], number: int | None = None) -> list[TrueFile]:
    """The files of suites, each in a folder of its name, in order and so many of each.

    Args:
        suites: all that the folder holds where none is named.
        number: of each suite; all where not given.

    Raises:
        UserError: there is no such suite, its truth can't be read, or a file is missing.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}; make one with `trajvlm data make --as videos --out {folder}`")
    suites = suites or sorted(truth.parent.name for truth in folder.glob("*/truth.jsonl"))
    if not suites:
        raise UserError(f"{folder} holds no suites; make them with `trajvlm data make --as videos --out {folder}`")
    files = []
    for suite in suites:
        lines = read_truth(folder / suite)[:number]
        if not lines:
            raise UserError(f"{folder / suite} holds no files yet; wait until they are made, or leave the suite out")
        files += [TrueFile(folder / suite / line["file"], line) for line in lines]
    if missing := [file.path for file in files if not file.path.is_file()]:
        raise UserError(f"{missing[0]} is not there, but its truth is; put it back or make the suite again")
    return files


def overlap(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Intersection over union of two spans of time."""
    common = min(first[1], second[1]) - max(first[0], second[0])
    union = max(first[1], second[1]) - min(first[0], second[0])
    return max(0.0, common) / union if union > 0 else 0.0


def _phases(line: dict) -> Iterator[TruePhase]:
    """Bounces that follow each other are one phase, told in pieces because an equation holds five flights."""
    phases = line["movers"][0]["phases"]
    groups = [list(group) for _, group in groupby(phases, _same_motion())]
    for number, group in enumerate(groups):
        seen = [phase["seen_s"] for phase in group if phase["seen_s"]]
        first = group[0]
        if first["family"] in (None, "sum") or not seen:
            continue
        start, stop = seen[0][0], seen[-1][1]
        stretches = [Stretch(first["family"], start, stop)]
        before = groups[number - 1][-1] if number else None
        if _belongs(before, first):
            assert before is not None and before["seen_s"]
            stretches.append(Stretch(first["family"], before["seen_s"][0], stop))
        after = groups[number + 1] if number + 1 < len(groups) else None
        if after and _belongs(first, after[0]) and (ends := [phase["seen_s"] for phase in after if phase["seen_s"]]):
            stretches.append(Stretch(after[0]["family"], start, ends[-1][1]))
        law = Law.of(first, line["frame"]["focal_px"])
        impacts = {round(t, 5) for phase in group for t in Law.of(phase, line["frame"]["focal_px"]).impacts(phase)}
        yield TruePhase(tuple(stretches), law, tuple(sorted(t for t in impacts if start <= t <= stop)))


def _same_motion():
    """A key for `groupby` under which only bounces that follow each other are alike."""
    number = 0
    bounced = False

    def key(phase: dict) -> int:
        nonlocal number, bounced
        again = phase["kind"] == "bounced"
        number += not (again and bounced)
        bounced = again
        return number

    return key


def _belongs(before: dict | None, bounce: dict) -> bool:
    """Whether a throw ends in a bounce, whose first flight it then is; an impact may change the speed along the floor
    too."""
    return before is not None and bool(before["seen_s"]) and (before["kind"], bounce["kind"]) == ("thrown", "bounced")
