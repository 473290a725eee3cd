"""Which object's which phase a video may be about: up to four candidates, the one that is seen to do most first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trajvlm.data.filmed.phases import Phase, cut
from trajvlm.data.filmed.track import FoundTracks, Track

_MOST = 4
_LEAST_SCORE = 0.15
"""Of a candidate, as a part of the best one's."""
_LOST_FRAMES, _LOST_RADII = 3, 3.0
"""Frames between two tracks, and distance in radii, up to which one object's path goes on in the other."""
_MOST_PERIODS = 1.5
"""Periods of a wave that a canonical clip shows at most: 17 frames carry no more."""
_MOST_FLIGHTS = 2.0
"""The same of a bouncing ball, in flights."""


@dataclass(frozen=True)
class Candidate:
    """A phase of one object."""

    track: Track
    """All of the object's observations."""
    phases: tuple[Phase, ...]
    """All of the object's phases."""
    phase: Phase

    @property
    def part(self) -> Track:
        """The observations of the phase."""
        return self.track.part(slice(self.phase.first, self.phase.stop))

    @property
    def score(self) -> float:
        """How much it explains: observations, and pixels of path."""
        return score(self.track, self.phase)

    def explained(self, others: Sequence[Track] = ()) -> float:
        """Share of the object's path that lies in the phase.

        Args:
            others: further tracks, of which those count as the object's that go on where its own ends, or end where
                its own begins: what is lost for a moment is found as another.
        """
        whole = self.track.length_px + sum(one.length_px for one in others if _goes_on(self.track, one))
        return self.part.length_px / max(whole, 1e-9)

    @property
    def window_s(self) -> tuple[float, float]:
        """What a canonical clip shows of it: the phase, or its first periods."""
        part, fit = self.part, self.phase.fit
        whole = np.flatnonzero(part.whole)
        # What is cut off by the picture's edge shows no place.
        times = part.times_s[whole[0] : whole[-1] + 1] if len(whole) > 1 else part.times_s
        start, stop = float(times[0]), float(times[-1])
        lasts = stop - start
        if fit.family is not None and "turns" in fit.family.shape:
            lasts = _MOST_PERIODS * (fit.stop - fit.start) / abs(float(fit.inside[0]))
        elif len(fit.impacts_s) > 1:
            lasts = _MOST_FLIGHTS * float(np.diff(fit.impacts_s)[0])
        chosen = times[times <= start + 1.05 * lasts]
        return start, float(chosen[-1]) if len(chosen) < len(times) else stop


def _goes_on(track: Track, other: Track) -> bool:
    """Whether one of two tracks begins at the time and place at which the other ends."""
    if other is track:
        return False
    for before, after in ((track, other), (other, track)):
        wait = int(after.frames[0] - before.frames[-1])
        step = np.linalg.norm(after.centres_px[0] - before.centres_px[-1])
        if abs(wait) <= _LOST_FRAMES and step <= _LOST_RADII * max(
            np.median(before.radii_px), np.median(after.radii_px)
        ):
            return True
    return False


def score(track: Track, phase: Phase) -> float:
    """What a phase explains: its gain, times the extent of its path in pixels."""
    places = track.centres_px[phase.first : phase.stop]
    return phase.gain * float(np.ptp(places, axis=0).max())


def candidates(found: FoundTracks) -> list[Candidate]:
    """The phases that may be what a video is about, the best first; none where nothing moves by a law for a while."""
    out = []
    for track in found.tracks:
        phases = tuple(cut(track))
        out += [Candidate(track, phases, phase) for phase in phases if not phase.rests]
    out.sort(key=lambda candidate: -candidate.score)
    return [one for one in out[:_MOST] if one.score >= _LEAST_SCORE * out[0].score]
