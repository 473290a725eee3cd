"""A stand-in for the networks: it knows the answer, because it drew the video.

The video is a ball on a helix before a plain wall; `FakeDescriber` answers any file that can be decoded with that
helix, and refuses a file as the real one does, by `UserError`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType

import av
import cv2
import numpy as np
import torch

from trajvlm.data.cameras.camera import CANONICAL_FOCAL, magnification, project
from trajvlm.data.clip import FRAMES, SIZE, Clip, Placement
from trajvlm.data.errors import UserError
from trajvlm.data.filmed.decode import frames, open_video
from trajvlm.data.filmed.track import Track
from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.motions.families.bouncing import with_impacts
from trajvlm.data.rendered.export import to_frames
from trajvlm.tokenizer.readout import Readout, read_track
from trajvlm.vlm.classical_baseline import track_and_fit
from trajvlm.vlm.describe import Description, PhaseFound, SecondOpinion
from trajvlm.vlm.measure import Measured, Measurement
from trajvlm.vlm.stereo import StereoDescription

RATE, SECONDS = 30, 1.6
TRUE = Equation.from_text(
    {
        "x": "-0.5 + 0.62*t + 0.05*cos(7.85*t)",
        "y": "0.45*cos(7.85*t + 0.4) + 0.02",
        "z": "0.45*sin(7.85*t + 0.4) - 0.3 + 0.38*t",
    }
)
RAW = Equation.from_text(
    {
        "x": "-0.46 + 0.58*t + 0.08*cos(7.8*t)",
        "y": "0.41*cos(7.7*t + 0.5) + 0.04",
        "z": "0.4*sin(7.7*t + 0.5) - 0.2 + 0.3*t",
    }
)


THROW = Equation.from_text({"x": "-0.7 + 0.9*t", "y": "-0.6 + 2.4*t - 1.5*t**2", "z": "0.1*t"})
SWING = Equation.from_text({"x": "0.1 + 0.6*cos(5*t)", "y": "0.2*cos(5*t)", "z": "0"})
FADING = Equation.from_text(
    {"x": "0.1 + 0.6*exp(-0.7*t)*cos(5*t)", "y": "0.2*exp(-0.7*t)*cos(5*t)", "z": "0.05"},
)
GROWING = Equation.from_text({"x": "0.3*exp(0.7*t)*cos(5*t)", "y": "0.3*exp(0.7*t)*sin(5*t) - 0.1", "z": "0"})
BOUNCES = Equation.from_text(
    {"x": "-0.5 + 0.6*t", "y": "-0.6 + 0.5*max(0, 5*(t + 0.3)*(0.7 - t), 5*(t - 0.7)*(1.5 - t))", "z": "0"}
)
STRAIGHT = Equation.from_text({"x": "-0.8 + t", "y": "0.5 - 0.6*t", "z": "0"})
ROUND = Equation.from_text({"x": "0.6*cos(5*t)", "y": "0.6*sin(5*t)", "z": "0"})
PATHS = {
    "linear": STRAIGHT,
    "circular": ROUND,
    "helical": TRUE,
    "parabolic": THROW,
    "oscillating": SWING,
    "damped": FADING,
    "spiral": GROWING,
    "bouncing": BOUNCES,
}
RADIUS = 0.12
"""Of the ball, in units of the equation."""


def placement(width: int = 480, height: int = 270, start: float = 0.0, end: float = SECONDS) -> Placement:
    """A square of 0.9 of the picture's shorter side in its middle, over the whole of the video unless told."""
    return Placement(width / 2, height / 2, 0.45 * min(width, height), start, end - start, width, height)


def write_video(path: Path, width: int = 480, height: int = 270, path_of_ball: Equation = TRUE) -> Path:
    """The helix, or another path, as an mp4."""
    place = placement(width, height)

    def ball(t: float) -> tuple[float, float, float]:
        position = path_of_ball.positions(np.array([t]))[0]
        x, y = place.to_pixels(project(position[None]))[0]
        return x, y, RADIUS * place.half_width_px * CANONICAL_FOCAL / (CANONICAL_FOCAL - position[2])

    return _film(path, ball, width, height)


def _film(path: Path, ball: Callable[[float], tuple[float, float, float]], width: int, height: int) -> Path:
    """A ball before a wall; `ball` is its middle and its radius in pixels at each time in seconds."""
    wall = np.linspace(70, 130, height)[:, None, None] * np.array([0.9, 1.0, 1.1]) + np.zeros((height, width, 3))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=RATE)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = width, height, "yuv420p", 4_000_000
        for index in range(round(SECONDS * RATE) + 1):
            x, y, radius = ball(index / RATE)
            picture = wall.astype(np.uint8).copy()
            cv2.circle(picture, (round(16 * x), round(16 * y)), round(16 * radius), (235, 225, 90), -1, cv2.LINE_AA, 4)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


FREE_FLIGHT = Equation.from_text({"x": "-2 + 2.4*t", "y": "-2.5 + 7.8*t - 4.905*t**2", "z": "-12 + 0.5*t"})
"""In metres from the left camera of `write_pair`."""
_OFFSET_S = 0.1


def write_pair(folder: Path, unit: str = "m") -> tuple[Path, Path, Path]:
    """The free flight as a left and a right camera two metres beside it film it, and the cameras' file; the right clock
    is a tenth of a second ahead."""
    camera = {"focal_px": [500, 500], "centre_px": [240, 135]}
    rig = {"left": camera, "right": camera, "rotation": np.eye(3).tolist(), "translation": [-2, 0, 0]}
    (folder / "rig.json").write_text(json.dumps(rig | {"unit": unit, "offset_s": _OFFSET_S}))
    for side, beside, late in (("left", 0.0, 0.0), ("right", 2.0, _OFFSET_S)):

        def ball(t: float, beside: float = beside, late: float = late) -> tuple[float, float, float]:
            x, y, z = FREE_FLIGHT.positions(np.array([t - late]))[0]
            return 240 - 500 * (x - beside) / z, 135 + 500 * y / z, -500 * 0.3 / z

        _film(folder / f"{side}.mp4", ball, 480, 270)
    return folder / "left.mp4", folder / "right.mp4", folder / "rig.json"


def describe_pair(describer, left, right, pair, start=None, end=None, fps=None) -> StereoDescription:
    """In place of `trajvlm.vlm.stereo.describe_pair`: the free flight, with the numbers of `write_pair` in any unit."""
    views = [describer.describe(video, start, end, fps) for video in (left, right)]
    equation = FREE_FLIGHT.with_time(-start, 1.0) if start else FREE_FLIGHT
    return StereoDescription(*views, "parabolic", {"parabolic": 0.9, "linear": 0.1}, equation, pair, (1.5, 2.5))


@dataclass(frozen=True)
class FakeDescription:
    """What `trajvlm.vlm.describe.Description` promises."""

    clip: Clip
    family: str = "helical"
    meaning: str = "a circle at constant speed that moves along at constant velocity"
    probabilities: dict[str, float] = field(
        default_factory=lambda: {"circular": 0.06, "helical": 0.93, "linear": 0.002, "parabolic": 0.008}
    )
    confidence: float = 0.93
    equation: Equation = RAW
    refined: Equation | None = TRUE
    codes: torch.Tensor = field(default_factory=lambda: torch.arange(0, 14400, 100).view(4, 9, 2, 2))
    focal: float = CANONICAL_FOCAL
    field_of_view: float = 60.0
    second_opinion: None = None
    doubt: str | None = None
    known: bool = True
    miss_px: float | None = 0.3
    measurement: Measurement | None = None
    phases: tuple[PhaseFound, ...] = ()
    filmed_track: Track | None = None
    refused: tuple[str, str] | None = None
    objects: tuple[tuple[float, float, float], ...] = ()
    camera_moves: bool = False

    finding, measured, constants = Description.finding, Description.measured, Description.constants

    @property
    def model_probabilities(self) -> dict[str, float]:
        return self.probabilities

    unit, metres_per_unit = Description.unit, Description.metres_per_unit
    lasts_s = Description.lasts_s
    clip_notes, miss = Description.clip_notes, Description.miss
    calibrated, views, projections = Description.calibrated, Description.views, Description.projections

    model_family: str = "helical"
    timings_s: dict[str, float] = field(default_factory=lambda: {"decode": 0.1})

    @property
    def reconstruction(self) -> torch.Tensor:
        """A light disc on a dark ground, where and as large as the equation says."""
        grid = (torch.arange(SIZE) + 0.5) * (2 / SIZE) - 1
        scene = torch.full((FRAMES, SIZE, SIZE), 0.1)
        t = np.linspace(0, self.clip.placement.duration_s, FRAMES)
        positions = self.best.positions(t)
        for picture, (u, v), nearer in zip(scene, project(positions), magnification(positions)):
            distance = torch.hypot(grid[None, :] - u, -grid[:, None] - v)
            picture += (0.73 * ((RADIUS * nearer - distance) * SIZE / 2 + 0.5).clamp(0, 1)).float()
        return scene.expand(3, -1, -1, -1)

    @property
    def track(self) -> Readout:
        return read_track(self.reconstruction[None])

    def without_networks(self) -> SecondOpinion | None:
        found = track_and_fit(to_frames(self.clip.frames), self.clip.fit_times)
        if found is None:
            return None
        equation = found.equation.with_time(0.0, self.clip.placement.duration_s)
        return SecondOpinion(found.family, found.probabilities, equation)

    @property
    def best(self) -> Equation:
        return self.measured or self.refined or self.equation

    def pixels(self, equation: Equation, t: np.ndarray) -> np.ndarray:
        return self.clip.placement.to_pixels(project(equation.positions(t)))

    def to_dict(self) -> dict:
        place = self.clip.placement
        return {
            "family": self.family,
            "confidence": self.confidence,
            "probabilities": self.probabilities,
            "equation": self.equation.to_text(),
            "refined": self.refined.to_text() if self.refined else None,
            "measured": self.measured.to_text() if self.measured else None,
            "phases": [phase.to_dict(self.focal) for phase in self.phases],
            "frame": {"t0_s": place.t0_s, "duration_s": place.duration_s, "length_unit": "half the clip's width"},
            "notes": list(self.clip.notes),
        }


MOVES_S = 1.4
"""How long the measured ball moves; then it is said to rest."""
_RATES = {
    "circular": (5 / (2 * np.pi),),
    "oscillating": (5 / (2 * np.pi),),
    "damped": (5 / (2 * np.pi), 0.7),
    "spiral": (5 / (2 * np.pi), -0.7),
    "helical": (7.85 / (2 * np.pi),),
}
"""Of `PATHS` per second: the constants inside the functions of time."""
_IMPACT_S = 0.7
NOISE_PX = 0.2
"""Of the places that are measured."""


def measure(description: FakeDescription) -> FakeDescription:
    """The description with the measured stage: a track on the video's pixels, a curve that is the path of its family,
    and two phases, the motion and rest."""
    place, name = description.clip.placement, description.family
    start, stop = place.t0_s, place.t0_s + min(MOVES_S, place.duration_s)
    lasts = stop - start
    family, inside = FAMILIES[name], np.multiply(_RATES.get(name, ()), lasts)
    if name == "bouncing":
        family, inside = with_impacts(1), np.array([(_IMPACT_S - start) / lasts])
    t = np.arange(0, lasts, 1 / RATE)
    told = PATHS[name].positions(start + t)
    vectors = np.linalg.lstsq(family.design(inside, t / lasts), told)[0]
    constants = np.concatenate([np.where(np.abs(vectors) < 1e-9, 0, vectors).ravel(), inside])
    rng = np.random.default_rng(0)
    away = rng.normal(0, NOISE_PX, (len(t), 2))
    track = Track(
        np.arange(len(t)),
        start + t,
        place.to_pixels(project(told)) + away,
        RADIUS * place.half_width_px * magnification(told),
        np.ones(len(t), dtype=bool),
    )
    covariance = np.eye(family.size) * 1e-6
    best = Measured(family, constants, bool(np.ptp(told[:, 2])), covariance, start, stop, place, away)
    measurement = Measurement(best, description.probabilities, NOISE_PX, float(track.radii_px.mean()), 200.0)
    phases = (
        PhaseFound(start, stop, measurement, False, True),
        PhaseFound(stop, start + SECONDS, None, True, False),
    )
    return replace(description, measurement=measurement, phases=phases, filmed_track=track)


class FakeDescriber:
    """What `trajvlm.vlm.describe.Describer` promises; the base model `missing` can't be loaded."""

    def __init__(self, base_model: str | None = None, family: str = "helical", measures: bool = False, **folders):
        self.family, self.known, self.measures = family, True, measures
        if missing := [folder for folder in folders.values() if not folder.is_dir()]:
            raise UserError(f"there are no weights in {missing[0]}; give the folder of a model")
        if base_model == "missing":
            raise UserError("there are no weights in missing; give the folder of a model")
        print("some library says hello")  # what a library may well do, and what --json has to survive

    def describe(
        self, video, start=None, end=None, fps=None, refine=True, field_of_view=60.0, at=None
    ) -> FakeDescription:
        found = self._unmeasured(video, start, end, refine)
        return measure(found) if self.measures and refine else found

    def _unmeasured(self, video, start, end, refine) -> FakeDescription:
        info = open_video(video)
        start, end = start or 0.0, min(end or SECONDS, SECONDS)
        if end - start < 0.1:
            raise UserError(
                f"the motion in {video} from {start:.2f} to {end:.2f} s is too short; give a longer stretch"
            )
        pictures = [picture for _, picture in frames(video, start=start, end=end)]
        side = round(0.9 * min(info.width, info.height))
        left, top = (info.width - side) // 2, (info.height - side) // 2
        crops = [p[top : top + side, left : left + side] for p in pictures]
        chosen = [crops[round(k)] for k in np.linspace(0, len(crops) - 1, FRAMES)]
        small = np.stack([cv2.resize(p, (SIZE, SIZE), interpolation=cv2.INTER_AREA) for p in chosen])
        pixels = torch.from_numpy(small).permute(3, 0, 1, 2).float() / 255
        notes = ("more than one object moves, and the clearer one was taken",)
        clip = Clip(pixels, placement(info.width, info.height, start, end), str(video), notes)
        # The equations are in seconds of the video; a description's are in seconds of its clip.
        raw, true = (e.with_time(-start, 1.0) if start else e for e in (RAW, PATHS[self.family]))
        if self.family == "helical":
            return FakeDescription(clip, equation=raw, refined=true if refine else None, known=self.known)
        found = {self.family: 0.9, "linear": 0.1}
        refined = true if refine else None
        return FakeDescription(clip, self.family, "as a test", found, 0.9, true, refined, model_family=self.family)


def module() -> ModuleType:
    """In place of `trajvlm.vlm.describe`."""
    fake = ModuleType("trajvlm.vlm.describe")
    fake.Describer, fake.Description = FakeDescriber, FakeDescription
    return fake
