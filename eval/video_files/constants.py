"""The constants of a true motion as a video shows them, in pixels and seconds, by the names that an answer uses.

A camera shows lengths along its line of sight only by how they change the size. So lengths are those in the picture
plane, at the scale of the motion's mean depth: a vector (x, y, z) in space is seen there as

    ((x, y) + z (x0, y0) / (f - z0)) f / (f - z0)

with (x0, y0, z0) the path's mean and f the focal length in pixels. Each length is also given in space, at the same
scale, for who wants to know what the line of sight hides.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.terms import flights
from trajvlm.data.rendered.sums import TERMS

OF_FAMILY: dict[str, tuple[str, ...]] = {
    "linear": ("speed",),
    "parabolic": ("acceleration",),
    "oscillating": ("period", "amplitude"),
    "damped": ("period", "amplitude", "decay"),
    "circular": ("period", "radius"),
    "helical": ("period", "radius", "climb"),
    "spiral": ("period", "radius", "growth"),
    "bouncing": ("acceleration", "restitution"),
}
"""What is asked for of each family. An amplitude or a radius that changes is told for the time at which the answer's
motion begins; the radius of a circle seen aslant is half the longer axis of the ellipse."""
_DENSE = 65


@dataclass(frozen=True)
class TrueConstant:
    """One constant of a motion."""

    value: float
    """As the picture shows it."""
    in_space: float
    """The same with what lies along the line of sight; equal for what is no length."""


@dataclass(frozen=True, eq=False)
class Law:
    """One phase's law: terms of clip time, each with a vector in space, in pixels."""

    family: str
    start_s: float
    """When clip time is 0, in seconds of the file."""
    lasts_s: float
    """How long clip time 0 to 1 takes."""
    inner: dict[str, float]
    """The constants inside the terms, in clip time."""
    vectors: dict[str, np.ndarray]
    """(3,) of each term."""
    focal_px: float

    @classmethod
    def of(cls, phase: dict, focal_px: float) -> "Law":
        """The law of a phase of `truth.jsonl` that has one. Its vectors follow exactly from its equation, as the terms
        are known."""
        start, lasts = phase["clip_s"]
        first, last = phase["holds_s"]
        tau = (np.linspace(first, last, _DENSE) - start) / lasts
        inner = phase["constants"]
        design = np.stack([_values(term, tau, inner) for term in phase["terms"]], axis=-1)
        places = Equation.from_text(phase["equation"]).positions(start + lasts * tau - phase["t0_s"])
        vectors = np.linalg.lstsq(design, places, rcond=None)[0]
        return cls(phase["family"], start, lasts, inner, dict(zip(phase["terms"], vectors)), focal_px)

    def positions(self, t: np.ndarray) -> np.ndarray:
        """(T, 3) pixels at seconds (T,) of the file."""
        tau = (t - self.start_s) / self.lasts_s
        return sum(_values(term, tau, self.inner)[:, None] * vector for term, vector in self.vectors.items())

    def constants(self, window: tuple[float, float], at_s: float) -> dict[str, TrueConstant]:
        """The constants that are asked for of this family.

        Args:
            window: seconds of the file between which the mean depth is taken.
            at_s: the time at which a size that changes is told, in seconds of the file.
        """
        view = View(self.positions(np.linspace(window[0], window[1], _DENSE)).mean(axis=0), self.focal_px)
        return {name: self._constant(name, view, at_s) for name in OF_FAMILY[self.family]}

    def impacts(self, phase: dict) -> list[float]:
        """When it hits the floor during the phase, in seconds of the file."""
        if phase["impacts_s"] or self.family != "bouncing":
            return list(phase["impacts_s"])
        inner = (np.array(self.inner[name]) for name in ("flight", "impact", "restitution"))
        ends = self.start_s + self.lasts_s * flights(*inner)[1]
        return [float(t) for t in ends if phase["start_s"] <= t <= phase["stop_s"]]

    @property
    def first_flight_s(self) -> float:
        """How long the flight before the first impact takes; only of what bounces."""
        return self.inner["flight"] * self.lasts_s

    def _constant(self, name: str, view: "View", at_s: float) -> TrueConstant:
        match name:
            case "speed" | "climb":
                return view.length(2 * self.vectors["s"] / self.lasts_s)
            case "acceleration" if self.family == "bouncing":
                return view.length(8 * self.vectors["hop"] / (self.inner["flight"] * self.lasts_s) ** 2)
            case "acceleration":
                return view.length(8 * self.vectors["s2"] / self.lasts_s**2)
            case "period":
                value = self.lasts_s / self.inner["turns"]
            case "decay":
                value = self._fading
            case "growth":
                value = -self._fading
            case "restitution":
                value = self.inner["restitution"]
            case "radius" | "amplitude":
                size = np.exp(-self._fading * (at_s - self.start_s - self.lasts_s / 2))
                return view.length(size * self._wave)
            case _:
                raise ValueError(f"no constant {name!r}")
        return TrueConstant(value, value)

    @property
    def _fading(self) -> float:
        """Per second."""
        return self.inner.get("fading", 0.0) / self.lasts_s

    @cached_property
    def _wave(self) -> np.ndarray:
        """(2, 3) vectors of the cosine and the sine."""
        return np.stack([vector for term, vector in self.vectors.items() if term.endswith(("cos", "sin"))])


@dataclass(frozen=True, eq=False)
class View:
    """How vectors near one place are seen."""

    place: np.ndarray
    """(3,) pixels."""
    focal_px: float

    def length(self, vectors: np.ndarray) -> TrueConstant:
        """Of a vector (3,), or the longer half axis of the ellipse that two (2, 3) span, at the scale of the place."""
        away = self.focal_px - self.place[2]
        scale = self.focal_px / away
        seen = vectors[..., :2] + vectors[..., 2:] * self.place[:2] / away
        return TrueConstant(*(float(scale * np.linalg.norm(part, 2)) for part in (seen, vectors)))


def _values(term: str, tau: np.ndarray, inner: dict[str, float]) -> np.ndarray:
    function = TERMS[term]
    return np.broadcast_to(function.values(tau, *(np.full(1, inner[name]) for name in function.shape)), tau.shape)
