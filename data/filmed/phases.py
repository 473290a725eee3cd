"""A track cut into phases: parts in which the object follows one law, rests, or neither.

First the track is cut into quadratic pieces by dynamic programming (optimal partitioning: Jackson et al., 2005), whose
ends are where it is let go, hits something or stops. Then the runs of pieces that one family explains best are taken,
the best first. A run gains for each observation that its curve passes near, and pays for each constant.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from trajvlm.data.filmed.plane_fit import DEEP, PlaneFit, fit_in_plane, free_in_plane
from trajvlm.data.filmed.track import Track
from trajvlm.data.motions.families import FAMILIES, WAVES_AND_LINES

_LAWS = (None, *WAVES_AND_LINES, FAMILIES["bouncing"])
_HIDDEN_ERROR = 1.0
"""Error of a place as a part of what the radius lacks where the object is hidden in part."""
_DEEP = tuple(FAMILIES[name] for name in DEEP)


@dataclass(frozen=True)
class CutSettings:
    """How a track is cut; losses are those of `trajvlm.data.filmed.plane_fit.soft_l1`."""

    piece: float = 7.0
    """What a further quadratic piece costs."""
    longest_piece: int = 90
    """Observations of a piece at most."""
    observation: float = 2.0
    """What an observation near the curve gains; one far away costs as much again."""
    constant: float = 1.25
    """What a free constant costs."""
    size_error: float = 0.02
    """Error of a place that is always assumed, as a part of the object's radius: light and blur move it."""
    path_error: float = 0.004
    """The same as a part of the path's extent: a lens bends, a ball is not what it is taken for."""
    piece_error: float = 0.001
    """The same for pieces, which are short."""
    least_growth: float = 0.2
    """Change of the radius's logarithm from which the sizes have to show what the perspective of a fit says."""
    lasting_error: float = 0.12
    """Largest error of a place that may last, as a part of the object's radius."""
    events: int = 12
    """Ends of pieces that are tried as ends of phases, those first at which most changes."""
    least: int = 6
    """Observations of a phase."""
    observations: int = 160
    """Observations, evenly chosen, by which a long run is judged."""


@dataclass(frozen=True)
class Phase:
    """Observations `first` to `stop` - 1 of a track, which one curve explains."""

    first: int
    stop: int
    fit: PlaneFit
    gain: float

    @property
    def rests(self) -> bool:
        """Whether the object stands still."""
        return self.fit.family is None

    def __len__(self) -> int:
        return self.stop - self.first


def cut(track: Track, settings: CutSettings | None = None) -> list[Phase]:
    """The phases of a track in the order of time; what lies between them follows no known law."""
    if len(track) < CutSettings.least:
        return []
    return _Cutting(track, settings or CutSettings()).phases()


def place_noise(times: np.ndarray, places: np.ndarray) -> float:
    """Standard error of a place along one axis, from how far each lies from the quadratic through its four neighbours.

    Each outlier spoils five of these, so the third decile is taken, which for normal errors is 0.385 of them. What is
    wrong for longer is not seen.
    """
    if len(times) < 6:
        return float(np.ptp(places, axis=0).max()) * 0.01
    left = []
    for k in range(2, len(times) - 2):
        around = np.array([k - 2, k - 1, k + 1, k + 2])
        design = np.vander((times[around] - times[k]) / (times[k + 2] - times[k - 2]), 3)
        row = np.linalg.pinv(design)[-1]
        left.append((places[k] - row @ places[around]) / np.sqrt(1 + row @ row))
    return float(np.quantile(np.abs(left), 0.3)) / 0.385


class _Cutting:
    def __init__(self, track: Track, settings: CutSettings):
        self.track, self.settings = track, settings
        self.t, self.places = track.times_s, track.centres_px
        extent = float(np.ptp(self.places, axis=0).max())
        noise = place_noise(self.t, self.places)
        floor = np.hypot(settings.size_error * track.radii_px, settings.path_error * extent)
        hidden = _HIDDEN_ERROR * track.hidden_px
        self.errors = np.sqrt(noise**2 + floor**2 + hidden**2)
        fine = np.hypot(settings.size_error * track.radii_px, settings.piece_error * extent)
        sharp = np.sqrt(noise**2 + fine**2 + hidden**2)
        self.ends = quadratic_pieces(self.t, self.places, 1.5 * sharp, settings)
        self.changes = self._changes()
        self._tried: dict[tuple[int, int], Phase | None] = {}

    def phases(self) -> list[Phase]:
        found: list[Phase] = []
        self._take_errors_of_one_curve()
        spans = [(0, len(self.t))]
        while spans:
            low, high = spans.pop()
            best = self._best_between(low, high)
            if best is not None:
                found.append(best)
                spans += [(low, best.first), (best.stop, high)]
        return self._joined(sorted(found, key=lambda phase: phase.first))

    def _take_errors_of_one_curve(self) -> None:
        """Where one curve goes through all of the track, its distances are the errors: those that last, as of a bob
        before a textured wall or a ball with a shadow, are not seen from one observation to the next."""
        self._tried.clear()
        whole = self._explained(0, len(self.t), -np.inf)
        if whole is None or whole.fit.family is None:
            return
        away, error = float(np.median(whole.fit.distances)), float(np.median(self.errors))
        extent = float(np.ptp(self.places, axis=0).max())
        swings = "turns" in whole.fit.family.shape and abs(whole.fit.inside[0]) >= 2
        near = away * error < self.settings.lasting_error * np.median(self.track.radii_px)
        if 1 < away and away * error < 0.03 * extent and (swings or near):
            self.errors = self.errors * away

    def _joined(self, phases: list[Phase]) -> list[Phase]:
        """Neighbours of one family made one phase where one curve explains both about as well as each its own.

        Errors that last, as those of a bob before a textured wall, make a long swing fall into parts.
        """
        k = 0
        while k + 1 < len(phases):
            one, other = phases[k : k + 2]
            joined = self._joint(one, other) if one.fit.name == other.fit.name and not one.rests else None
            if joined is None:
                k += 1
            else:
                phases[k : k + 2] = [joined]
                k = max(0, k - 1)
        return phases

    def _joint(self, one: Phase, other: Phase) -> Phase | None:
        family = one.fit.family
        assert family is not None
        if other.first - one.stop > 0.1 * (other.stop - one.first) or family.name == "bouncing":
            return None
        step = max(1, (other.stop - one.first) // self.settings.observations)
        chosen = slice(one.first, other.stop, step)
        turns = 3.0
        if family.shape:
            rates = [abs(phase.fit.inside[0]) / (phase.fit.stop - phase.fit.start) for phase in (one, other)]
            if max(rates) > 1.05 * min(rates):
                return None
            turns = 1.2 * max(rates) * (self.t[other.stop - 1] - self.t[one.first]) + 1
        fit = fit_in_plane(family, self.t[chosen], self.places[chosen], self.errors[chosen], most_turns=turns)
        if fit is None or np.median(fit.distances) > 1.3 * max(np.median(p.fit.distances) for p in (one, other)):
            return None
        return Phase(one.first, other.stop, fit, one.gain + other.gain)

    def _changes(self) -> np.ndarray:
        """How much is lost at each inner end of a piece if both sides of it are one."""
        ends = self.ends
        lost = []
        for before, end, after in zip(ends, ends[1:], ends[2:]):
            part = slice(max(before, end - 20), min(after, end + 20))
            if part.stop - part.start < 5:
                lost.append(0.0)
                continue
            fit = fit_in_plane(FAMILIES["parabolic"], self.t[part], self.places[part], self.errors[part])
            lost.append(float(fit.losses.sum()) if fit else 0.0)
        return np.array(lost)

    def _best_between(self, low: int, high: int) -> Phase | None:
        settings = self.settings
        if high - low < settings.least:
            return None
        inner = [k for k, end in enumerate(self.ends[1:-1]) if low < end < high]
        inner = sorted(sorted(inner, key=lambda k: -self.changes[k])[: settings.events])
        ends = [low, *(self.ends[k + 1] for k in inner), high]
        spans = [(a, b) for i, a in enumerate(ends) for b in ends[i + 1 :] if b - a >= settings.least]
        best: Phase | None = None
        for first, stop in sorted(spans, key=lambda span: span[0] - span[1]):
            if best and best.gain >= settings.observation * (stop - first):
                break
            phase = self._explained_once(first, stop, best.gain if best else 0.0)
            if phase and phase.gain > (best.gain if best else 0.0):
                best = phase
        return self._with_true_ends(best, low, high) if best else None

    def _explained_once(self, first: int, stop: int, wanted: float) -> Phase | None:
        """As `_explained`; a run that was tried before, when the rest of the track was cut, is not tried again."""
        if (first, stop) not in self._tried:
            self._tried[first, stop] = self._explained(first, stop, wanted)
        return self._tried[first, stop]

    def _explained(self, first: int, stop: int, wanted: float) -> Phase | None:
        """The curve that explains a run best; None where none gains more than is wanted."""
        settings = self.settings
        step = max(1, (stop - first) // settings.observations)
        chosen = slice(first, stop, step)
        t, places, errors = self.t[chosen], self.places[chosen], self.errors[chosen]
        count = stop - first
        pieces = 1 + sum(first < end < stop for end in self.ends)
        inner = np.array([self.t[end] for end in self.ends[1:-1] if first < end < stop])
        most_turns = min(len(t) / 3, pieces / 1.5 + 1)
        best: Phase | None = None
        for family, deep in (*((law, False) for law in _LAWS), *((law, True) for law in _DEEP)):
            free = free_in_plane(family) + (2 if deep else 0)
            most = settings.observation * count - settings.constant * free
            if 2 * len(t) < free + 4 or most <= wanted or (best and most <= best.gain):
                continue
            if family is not None and family.name == "bouncing" and not len(inner):
                continue
            if family is not None and family.shape and pieces < 2:
                continue
            if deep and best and best.gain > 0.8 * settings.observation * count:
                break
            fit = fit_in_plane(family, t, places, errors, inner, most_turns, deep)
            if fit is None or fit.runs_away or (deep and not self._sizes_agree(fit, chosen)):
                continue
            lost = np.minimum(fit.losses, 2 * settings.observation)
            gain = float((settings.observation - lost).mean()) * count - settings.constant * fit.free
            if gain > wanted and (best is None or gain > best.gain):
                best = Phase(first, stop, fit, gain)
        return best

    def _sizes_agree(self, fit: PlaneFit, chosen: slice) -> bool:
        """Whether the sizes change as the perspective of a fit says, or it says that they hardly change."""
        told = np.log(np.clip(fit.magnification(self.t[chosen]), 0.1, 10))
        seen = ndimage.median_filter(np.log(self.track.radii_px[chosen]), 5, mode="nearest")
        if np.ptp(told) < self.settings.least_growth:
            return True
        told, seen = told - np.median(told), seen - np.median(seen)
        # What is hidden for a while looks small.
        lost, still = (np.sort(np.abs(one))[: round(0.8 * len(one))] for one in (seen - told, seen))
        return bool((lost**2).sum() < 0.7 * (still**2).sum())

    def _with_true_ends(self, phase: Phase, low: int, high: int) -> Phase:
        """The phase with each observation at its ends that lies on its curve, and none that doesn't."""

        def near(k: int) -> bool:
            away = np.linalg.norm(phase.fit.at(self.t[k]) - self.places[k])
            return bool(away < 3 * self.errors[k])

        first, stop = phase.first, phase.stop
        while first > low and near(first - 1):
            first -= 1
        while stop < high and near(stop):
            stop += 1
        while stop - first > self.settings.least and not near(first):
            first += 1
        while stop - first > self.settings.least and not near(stop - 1):
            stop -= 1
        return Phase(first, stop, phase.fit, phase.gain)


def quadratic_pieces(
    times: np.ndarray, places: np.ndarray, errors: np.ndarray, settings: CutSettings | None = None
) -> list[int]:
    """Ends of the pieces, polynomials of second degree or less, that explain places (N, 2) best: 0, ..., N."""
    settings = settings or CutSettings()
    count, step = len(times), float(np.median(np.diff(times)))
    best, back = np.full(count + 1, np.inf), np.zeros(count + 1, dtype=int)
    best[0] = -settings.piece
    for stop in range(1, count + 1):
        low = max(0, stop - settings.longest_piece)
        losses = _losses_back((times[low:stop] - times[stop - 1]) / step, places[low:stop], errors[low:stop])
        total = best[low:stop] + losses + settings.piece
        chosen = int(np.argmin(total))
        best[stop], back[stop] = total[chosen], low + chosen
    ends = [count]
    while ends[-1] > 0:
        ends.append(int(back[ends[-1]]))
    return ends[::-1]


def _losses_back(t: np.ndarray, places: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """(L,) of each piece that begins at one of (L,) times and ends at the last: half its squares, and its constants."""
    weights = 1 / errors**2
    powers = np.vander(t, 5, increasing=True)
    moments = np.cumsum((powers * weights[:, None])[::-1], axis=0)[::-1]
    right = np.cumsum((powers[:, :3, None] * (places * weights[:, None])[:, None])[::-1], axis=0)[::-1]
    squares = np.cumsum(((places**2).sum(1) * weights)[::-1])[::-1]
    length = np.arange(len(t), 0, -1)
    out = np.full(len(t), np.inf)
    for degree in range(3):
        enough = length >= degree + 2
        if not enough.any():
            break
        index = np.add.outer(np.arange(degree + 1), np.arange(degree + 1))
        normal = moments[enough][:, index] + 1e-9 * moments[enough, :1, None] * np.eye(degree + 1)
        told = right[enough, : degree + 1]
        left = squares[enough] - (told * np.linalg.solve(normal, told)).sum((1, 2))
        out[enough] = np.minimum(out[enough], np.maximum(left, 0) / 2 + 2.3 * (degree + 1))
    # A single observation, as an outlier is, explains nothing.
    return np.where(length == 1, 8.0, out)
