"""Which object and which phase of it a video is about, and whether the answer explains what was tracked.

Neither tracker nor language model is believed alone. Up to four candidates, each a phase of one object's track, go
through tokens and language model together; each is measured on the video's own pixels; the one whose curve explains
most of the object's visible path is the answer. Where none explains enough, the video is refused with a reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trajvlm.data.clip import Placement
from trajvlm.data.filmed.candidates import Candidate
from trajvlm.vlm.answer import Answer
from trajvlm.vlm.measure import Measurement, measure
from trajvlm.vlm.quantities import constants_in_words


@dataclass(frozen=True)
class CheckSettings:
    """When an answer is believed."""

    miss: float = 4.0
    """Distance of the measured curve from the track, in errors that are to be expected, from which on the motion is
    irregular, where `relative_miss` says so too."""
    relative_miss: float = 0.006
    """The same as a part of the path's extent."""
    relative_miss_of_swings: float = 0.05
    """The same of what goes round or to and fro at least twice, which nothing irregular does."""
    misses: float = 0.014
    """Product of both from which on the motion is irregular too, where the curve misses by more than `scatter`. Of 71
    right answers about rendered files none lies beyond, of 33 wrong ones nine."""
    scatter: float = 2.2
    """Distance of the curve from the track, in errors of a place as its scatter alone shows them."""
    restitution_error: float = 0.2
    """Standard error of a restitution from which on there was no bounce."""
    relative_error: float = 0.25
    """Standard error of an acceleration or a period, as a part of it, from which on the track is too short to tell."""
    explained: float = 0.25
    """Share of the object's visible path that the answer has to explain."""
    rival: float = 0.15
    """Score of another object's phase, as a part of the answer's, from which on several objects move."""
    together: float = 0.5
    """Share of the answer's time, or of the other phase's, for which both objects have to move."""


def measured(candidate: Candidate, placement: Placement, answer: Answer) -> Measurement | None:
    """A candidate's phase measured, with the language model's probabilities."""
    fit = candidate.phase.fit
    turns = 3.0
    if fit.family is not None and "turns" in fit.family.shape:
        turns = 1.3 * abs(float(fit.inside[0])) + 1
    return measure(candidate.part, placement, answer.probabilities, fit.impacts_s, turns)


def best(tried: list[tuple[Candidate, Measurement | None]], settings: CheckSettings | None = None) -> int:
    """Which of some measured candidates explains most."""
    settings = settings or CheckSettings()
    believed = [
        candidate.score * (0.2 if measurement is None or is_irregular(measurement, settings) else 1.0)
        for candidate, measurement in tried
    ]
    return int(np.argmax(believed))


def is_irregular(measurement: Measurement, settings: CheckSettings) -> bool:
    """Whether the curve runs further from the track than errors and lenses make it."""
    best = measurement.best
    if best.family.name == "bouncing" and best.values["restitution"][1] > settings.restitution_error:
        return True
    swings = "turns" in best.family.shape and abs(best.family.inside(best.constants)[0]) >= 2
    share = settings.relative_miss_of_swings if swings else settings.relative_miss
    if measurement.miss > settings.miss and measurement.relative_miss > share:
        return True
    smooth = measurement.scatter > settings.scatter
    return not swings and smooth and measurement.miss * measurement.relative_miss > settings.misses


def rivals(chosen: Candidate, others: Sequence[Candidate], settings: CheckSettings | None = None) -> list[Candidate]:
    """Of other objects that move at the same time, and about as clearly, one phase each."""
    settings = settings or CheckSettings()
    start, stop = chosen.part.times_s[[0, -1]]
    found: list[Candidate] = []
    for other in others:
        if other.score < settings.rival * chosen.score or any(one.track is other.track for one in (chosen, *found)):
            continue
        times = other.part.times_s
        common = min(stop, times[-1]) - max(start, times[0])
        if common >= settings.together * min(stop - start, times[-1] - times[0]):
            found.append(other)
    return found


def refusal(
    chosen: Candidate,
    measurement: Measurement | None,
    others: Sequence[Candidate],
    settings: CheckSettings | None = None,
) -> tuple[str, str] | None:
    """A reason of `trajvlm.data.errors.REASONS` and a sentence for why the answer isn't believed; None where it is."""
    settings = settings or CheckSettings()
    if found := rivals(chosen, others, settings):
        return "several_move", (
            "several objects move at the same time; say which one is meant with --at X,Y: "
            + " or ".join(f"{x:.0f},{y:.0f}" for x, y in (one.part.centres_px[0] for one in (chosen, *found)))
        )
    if measurement is None:
        return "too_short", "the object moves by one law for too short a while; film it for longer"
    if is_irregular(measurement, settings):
        return "irregular", (
            f"even the nearest curve, {measurement.best.family.name}, misses the object by "
            f"{measurement.best.residual_px:.1f} pixels of the video; give --start and --end of a part in which it "
            f"moves freely"
        )
    tracks = {id(other.track): other.track for other in others}
    explained = chosen.explained(tuple(tracks.values()))
    if explained < settings.explained:
        held = 1 - chosen.track.whole.mean() > 0.4
        return ("held" if held else "irregular"), (
            f"the nearest curve, {measurement.best.family.name}, explains only {explained:.0%} of the path that "
            f"the object is seen to take; give --start and --end of a part in which it moves freely"
        )
    for name in ("acceleration", "period"):
        value, error, unit = measurement.best.values.get(name, (1.0, 0.0, ""))
        if error > settings.relative_error * abs(value):
            told = constants_in_words({name: (value, error, unit)}, measurement.best.family.name)
            return "too_short", (
                f"the object is seen for too short a while to tell its {told}; film it for longer, or at a higher "
                f"frame rate"
            )
    return None
