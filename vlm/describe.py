"""The whole path: a video file in, a family and an equation out.

file -> canonical clip, its four flips -> tokenizer -> codes -> language model -> family and constants -> equation in
seconds. Then every family is fitted to the track that the codes decode to, and the answer weighs the model's and the
fits' probabilities.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Real
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch
from torch import Tensor

from trajvlm.data.cameras.camera import CANONICAL_FOCAL, project
from trajvlm.data.clip import Clip, Placement
from trajvlm.data.errors import UserError
from trajvlm.data.filmed.candidates import Candidate, candidates
from trajvlm.data.filmed.canonical import clips_of
from trajvlm.data.filmed.find import find_tracks
from trajvlm.data.filmed.track import Track as FilmedTrack
from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.motions.readable import bounce, lines
from trajvlm.data.rendered.export import to_frames
from trajvlm.tokenizer.model import SHIPPED as TOKENIZER
from trajvlm.tokenizer.model import TrajectoryTokenizer, weights_sha256
from trajvlm.tokenizer.readout import Readout
from trajvlm.vlm.answer import Answer
from trajvlm.vlm.base_model import DEFAULT_NAME
from trajvlm.vlm.calibration import DEFAULTS, Calibration
from trajvlm.vlm.check import CheckSettings, best, is_irregular, measured, refusal, rivals
from trajvlm.vlm.classical_baseline import track_and_fit
from trajvlm.vlm.described import NEAREST, Projection
from trajvlm.vlm.measure import Measured, Measurement
from trajvlm.vlm.model import SHIPPED, TrajectoryLM, adapter_sha256
from trajvlm.vlm.refine import combine
from trajvlm.vlm.tta import FOUR_FLIPS, decode_flips, encode_flips

TOKENIZER_NAME = "MAGVIT-2's encoder (magvit2-pytorch), glimpses, a regression: place and size of one ball as FSQ codes"


_FADING = {"oscillating": "damped", "circular": "spiral"}
"""Families with what they are where they fade: too slowly, often, for the clip that the networks see to show it."""
_NO_FAMILY = "none of the known families; nearest:"
_NOT_BELIEVED = {
    "several_move": "several objects move; the clearest is",
    "held": "refused, as it does not move freely; nearest:",
    "too_short": "refused, as the motion is too short; nearest:",
    "camera_moves": "refused, as the camera moves; nearest:",
}
"""What stands before a family's name where an answer is refused, by its reason."""


@dataclass(frozen=True)
class SecondOpinion:
    """What fits say of the same clip without the language model."""

    family: str
    probabilities: dict[str, float]
    """Of each family; they sum to 1."""
    equation: Equation
    """In seconds from the clip's first frame."""


@dataclass(frozen=True)
class PhaseFound:
    """One phase of the object's track: a motion, or rest."""

    start_s: float
    """Seconds of the video."""
    stop_s: float
    measurement: Measurement | None
    """None where the object rests, moves irregularly, or is seen too seldom to be measured."""
    rests: bool
    is_answer: bool
    irregular: bool = False
    """Whether no curve runs where the object was seen, of a phase that the answer is not about."""

    @property
    def name(self) -> str:
        """The family, "at rest", "irregular", or "too short to measure"."""
        if self.rests:
            return "at rest"
        if self.irregular:
            return "irregular"
        return self.measurement.best.family.name if self.measurement else "too short to measure"

    def to_dict(self, focal: float) -> dict:
        """The phase as plain values, for JSON."""
        found = self.measurement
        best = found and found.best
        return {
            "start_s": round(self.start_s, 4),
            "stop_s": round(self.stop_s, 4),
            "kind": "rest" if self.rests else "motion",
            "family": best.family.name if best else None,
            "measured": best.equation(focal).to_text() if best else None,
            "constants": _constants(best) if best else {},
            "impacts_s": [round(time, 4) for time in best.impacts_s] if best else [],
            "residual_px": round(best.residual_px, 3) if best else None,
            "main": self.is_answer,
        }


def _constants(measured: Measured) -> dict[str, dict[str, float | str]]:
    return {
        name: {"value": float(f"{value:.7g}"), "sd": float(f"{sd:.3g}"), "unit": unit}
        for name, (value, sd, unit) in measured.values.items()
    }


@dataclass(frozen=True, repr=False)
class Description:
    """What was found in one clip. Equations are in seconds from the clip's first frame."""

    clip: Clip
    family: str
    probabilities: dict[str, float]
    """Of each family: the language model's and the fits' together, or the language model's where there was no fit."""
    model_family: str
    model_probabilities: dict[str, float]
    """The language model's own."""
    model_text: str
    """The language model's answer as its tokens read, in clip time, for the canonical camera."""
    equation: Equation
    """From the language model alone, of its own family. The model takes the clip's frames as evenly spaced in time;
    only the fits use the frames' true times."""
    refined: Equation | None
    """After the fit to the track that the visual tokens decode to; None where that was off or impossible."""
    codes: Tensor
    """(4, 9, 2, 2), of each flip of the clip, in the order of `trajvlm.vlm.tta.FOUR_FLIPS`; the first is the clip as
    it is."""
    visual_tokens: dict[str, tuple[int, ...]]
    """For each flip by its name, token ids of the codes in the language model's vocabulary, in reading order."""
    reconstruction: Tensor
    """(3, 17, 64, 64) in [0, 1]: the clean scene that the codes of the clip as it is stand for."""
    track: Readout
    """Of a batch of one: where the object is in the scenes that the codes of the four flips stand for, on average."""
    focal: float
    """Focal length assumed for the crop, in half widths."""
    field_of_view: float
    """Horizontal field of view assumed for the whole picture, in degrees."""
    models: dict[str, dict[str, str]]
    timings_s: dict[str, float]
    second_opinion: SecondOpinion | None = None
    """What fits the decoded tokens' track best; None where the fit was off or impossible."""
    miss_px: float | None = None
    """Median distance of the refined curve from the decoded track, in pixels of 64; None without a fit."""
    calibration: Calibration = DEFAULTS
    """Of the weights that the description comes from."""
    measurement: Measurement | None = None
    """The answer's constants, fitted to the object's place on the video's own pixels in all frames of its phase; None
    for clips that are no video, and where fits are off."""
    phases: tuple[PhaseFound, ...] = ()
    """All phases of the object, in the order of time."""
    filmed_track: FilmedTrack | None = None
    """Of the object, on the video's own pixels."""
    refused: tuple[str, str] | None = None
    """A reason, of `trajvlm.data.errors.REASONS`, and a sentence; None where the answer is believed."""
    objects: tuple[tuple[float, float, float], ...] = ()
    """Where several objects move: x and y in pixels, and seconds, at which each is first seen, the answer's first."""
    camera_moves: bool = False
    """Whether places are those that a camera would have seen that stood still."""

    def __repr__(self) -> str:
        place = self.clip.placement
        found = f"{self.finding}, confidence {self.confidence:.0%}"
        window = f"{place.t0_s:.2f} to {place.t0_s + place.duration_s:.2f} s"
        return f"Description({self.clip.source!r}: {found}, {window}; {', '.join(lines(self.best, 3))})"

    def without_networks(self) -> SecondOpinion | None:
        """What `trajvlm.vlm.classical_baseline` says of the same clip; None where it finds the object in too few
        frames."""
        found = track_and_fit(to_frames(self.clip.frames), self.clip.fit_times)
        if found is None:
            return None
        equation = _in_seconds(found, self.clip.placement, self.focal)
        return SecondOpinion(found.family, found.probabilities, equation)

    @property
    def known(self) -> bool:
        """False where even the answer's curve misses the decoded track by more than `known_miss_px` of the calibration:
        the motion is then none of the families, and `family` is the nearest one. True without a fit."""
        if self.measurement is not None or self.refused is not None:
            return self.refused is None
        return self.miss_px is None or self.miss_px <= self.calibration.known_miss_px

    @property
    def measured(self) -> Equation | None:
        """The measured equation in the frame of the others; None where nothing was measured."""
        return self.measurement.best.equation(self.focal) if self.measurement else None

    @property
    def constants(self) -> dict[str, tuple[float, float, str]]:
        """Measured constants: value, standard error and unit, in pixels of the video and seconds."""
        return self.measurement.best.values if self.measurement else {}

    @property
    def finding(self) -> str:
        """The family, or that it is none of them, or why none is believed."""
        if self.known:
            return self.family
        return f"{_NOT_BELIEVED.get(self.refused[0] if self.refused else '', _NO_FAMILY)} {self.family}"

    @property
    def meaning(self) -> str:
        """What moves like this, in a person's words."""
        return FAMILIES[self.family].meaning

    @property
    def confidence(self) -> float:
        """Probability of `family`, 0 to 1."""
        return self.probabilities[self.family]

    @property
    def doubt(self) -> str | None:
        """A sentence where no family fits, or where language model, fit and measurement name different ones."""
        other = self.second_opinion
        if self.refused is not None:
            return self.refused[1]
        if not self.known:
            return (
                f"even the nearest curve, {self.family}, misses the decoded track by {self.miss_px:.1f} pixels of the "
                f"clip's 64"
            )
        if other is None or other.family == self.model_family:
            same = self.family in (self.model_family, _FADING.get(self.model_family))
            if self.measurement is None or same:
                return None
            told = "the language model says" if other is None else "the language model and the fit to its tokens say"
            return f"{told} {self.model_family}, what was measured on the video's own pixels is {self.family}"
        return (
            f"the language model alone says {self.model_family} ({self.model_probabilities[self.model_family]:.0%}), "
            f"the fit to its tokens alone {other.family} ({other.probabilities[other.family]:.0%})"
        )

    @property
    def best(self) -> Equation:
        """The measured equation where there is one, else the refined one."""
        return self.measured or self.refined or self.equation

    @property
    def lasts_s(self) -> float:
        """Seconds from t = 0 to the end of the measured phase, or of the clip where nothing was measured."""
        place = self.clip.placement
        return self.measurement.best.stop_s - place.t0_s if self.measurement else place.duration_s

    @property
    def unit(self) -> str:
        """Half the width of the crop at the path's mean depth."""
        return "u"

    @property
    def metres_per_unit(self) -> None:
        """One camera that nobody calibrated can't tell."""
        return None

    @property
    def clip_notes(self) -> tuple[str, ...]:
        """What to know about what was filmed."""
        return tuple(self.clip.notes)

    @property
    def miss(self) -> str | None:
        """How far the refined curve runs from the decoded track, in words; None without a fit."""
        if self.miss_px is None:
            return None
        size = self.clip.frames.shape[-1]
        of_video = self.miss_px * self.clip.placement.half_width_px / (size / 2)
        return f"{self.miss_px:.2g} pixels of the clip's {size} ({of_video:.2g} of the video)"

    @property
    def calibrated(self) -> bool:
        """False: depth rests on the assumed field of view."""
        return False

    @property
    def views(self) -> tuple["Description"]:
        """Itself, as two views have two."""
        return (self,)

    @property
    def projections(self) -> tuple[Projection]:
        """The best curve in the video."""
        place = self.clip.placement

        def pixels(t: np.ndarray) -> np.ndarray:
            found = np.full((len(t), 2), np.nan)
            before = self.best.positions(t)[:, 2] < NEAREST * self.focal
            found[before] = self.pixels(self.best, t[before])
            return found

        return (Projection(self.clip, place.t0_s, self.lasts_s, pixels),)

    def pixels(self, equation: Equation, t: np.ndarray) -> np.ndarray:
        """Pixels (N, 2) of the source video at which an equation puts the object, t (N,) seconds into the clip."""
        return self.clip.placement.to_pixels(project(equation.positions(t), self.focal))

    def to_dict(self) -> dict:
        """The description as plain values, for JSON."""
        placement, told = self.clip.placement, bounce(self.best)
        return {
            "video": self.clip.source,
            "family": self.family,
            "known": self.known,
            **({"reason": self.refused[0]} if self.refused else {}),
            **({"objects": [{"x_px": x, "y_px": y, "t_s": t} for x, y, t in self.objects]} if self.objects else {}),
            "doubt": self.doubt,
            "confidence": round(self.confidence, 4),
            "probabilities": {name: round(p, 4) for name, p in self.probabilities.items()},
            "model_family": self.model_family,
            "model_text": self.model_text,
            "model_probabilities": {name: round(p, 4) for name, p in self.model_probabilities.items()},
            "equation": self.equation.to_text(),
            "refined": self.refined.to_text() if self.refined else None,
            "measured": self.measured.to_text() if self.measured else None,
            "constants": _constants(self.measurement.best) if self.measurement else {},
            "residual_px": round(self.measurement.best.residual_px, 3) if self.measurement else None,
            "depth_seen": self.measurement.best.depth_seen if self.measurement else None,
            "phases": [phase.to_dict(self.focal) for phase in self.phases],
            "bounce": told and told.to_dict(self.lasts_s),
            "miss_px": None if self.miss_px is None else round(self.miss_px, 3),
            "second_opinion": self.second_opinion
            and {
                "by": "least squares on the decoded track, no language model",
                "family": self.second_opinion.family,
                "probabilities": {name: round(p, 4) for name, p in self.second_opinion.probabilities.items()},
                "equation": self.second_opinion.equation.to_text(),
            },
            "frame": {
                "origin": "on the optical axis of the crop, at the path's mean depth",
                "axes": "x right, y up, z towards the camera",
                "length_unit": "half the width of the square crop at the path's mean depth "
                f"({placement.half_width_px:.4g} pixels of the video)",
                "scale_known": False,
                "t0_s": placement.t0_s,
                "duration_s": placement.duration_s,
                "focal_length": self.focal,
                "assumed_field_of_view_deg": self.field_of_view,
                "clip_to_pixels": {
                    **placement.to_dict(),
                    "formula": "u = x*f/(f - z), v = y*f/(f - z), with f = focal_length; "
                    "px = centre_x_px + half_width_px*u, py = centre_y_px - half_width_px*v",
                },
            },
            "clip_frames": self.clip.frame_times(),
            "notes": list(self.clip.notes),
            "visual_tokens": list(self.visual_tokens[FOUR_FLIPS[0].name]),
            "visual_tokens_of_looks": {flip: list(tokens) for flip, tokens in self.visual_tokens.items()},
            **self.models,
            "timings_s": {name: round(value, 3) for name, value in self.timings_s.items()},
        }


class Folders(TypedDict, total=False):
    """Folders of trained weights, as arguments of `Describer`."""

    tokenizer_folder: Path
    adapter_folder: Path


class Describer:
    """The trained models, loaded once."""

    def __init__(
        self,
        base_model: str | None = None,
        tokenizer_folder: str | Path = TOKENIZER,
        adapter_folder: str | Path = SHIPPED,
    ):
        """
        Args:
            base_model: a local folder or a Hugging Face id; SmolLM2 from its package where left out.
            tokenizer_folder, adapter_folder: trained weights, as the two trainings write them.

        Raises:
            UserError: weights or the base model are missing, or do not belong together.
        """
        tokenizer_folder, adapter_folder = Path(tokenizer_folder), Path(adapter_folder)
        self.tokenizer = TrajectoryTokenizer.from_pretrained(tokenizer_folder)
        self.lm = TrajectoryLM.from_pretrained(self.tokenizer.code_vectors, adapter_folder, base_model)
        sha256 = weights_sha256(tokenizer_folder)
        if self.lm.config.tokenizer_sha256 != sha256:
            raise UserError(
                f"The language model in {adapter_folder} was trained on another tokenizer than the one in "
                f"{tokenizer_folder}; restore the pair or train the model again with "
                "`accelerate launch -m trajvlm.vlm.train`."
            )
        self.device = "cpu"
        self.models = {
            "tokenizer": {"name": TOKENIZER_NAME, "sha256": sha256},
            "model": {
                "base": f"{base_model or DEFAULT_NAME}, first {self.lm.config.layers} layers",
                "adapter_sha256": adapter_sha256(adapter_folder),
            },
        }

    def to(self, device: str) -> "Describer":
        """Move the networks to a torch device and return self. A description's tensors are always on the processor."""
        self.tokenizer.to(device)
        self.lm.to(device)
        self.device = device
        return self

    def describe(
        self,
        video: str | Path,
        start: float | None = None,
        end: float | None = None,
        fps: float | None = None,
        refine: bool = True,
        field_of_view: float = 60.0,
        at: tuple[float, ...] | None = None,
    ) -> Description:
        """Name the motion in a video and write its equation.

        Args:
            start, end: seconds of the video between which to look; found where not given.
            fps: frames a second, above 0, that override the file's, for slow motion and animations.
            refine: whether to weigh the answer against fits to the decoded track, and to measure and check it.
            field_of_view: of the whole picture's width, in degrees, 0 to 180; it scales z alone.
            at: (x, y) or (x, y, t) in pixels of the upright picture and seconds, where the object is seen that is
                meant.

        Raises:
            UserError: the video can't be described, or a setting is none; the sentence says why.
        """
        began = time.perf_counter()
        _check_numbers(start=start, end=end, fps=fps)
        _check_field_of_view(field_of_view)
        found = find_tracks(video, start, end, fps, at)
        pointed = found if at is None else replace(found, tracks=found.tracks[:1])
        tried, clips = zip(*clips_of(candidates(pointed), found, video, fps, (start, end)))
        clips_at = time.perf_counter()
        codes = self._encoded(clips)
        tokens_at = time.perf_counter()
        answers = self.lm.answer(codes, flips=FOUR_FLIPS)
        answers_at = time.perf_counter()
        timings = {"clip": clips_at - began, "tokens": tokens_at - clips_at, "answer": answers_at - tokens_at}
        measurements = [
            measured(candidate, clip.placement, answer) if refine else None
            for candidate, clip, answer in zip(tried, clips, answers)
        ]
        chosen = best(list(zip(tried, measurements))) if refine else 0
        timings["refine"] = time.perf_counter() - answers_at
        own = codes.unflatten(0, (len(FOUR_FLIPS), -1))[:, chosen]
        description = self._described(clips[chosen], own, answers[chosen], refine, field_of_view, timings)
        if not refine:
            return description
        candidate, measurement = tried[chosen], measurements[chosen]
        refused = refusal(candidate, measurement, tried if at is None else [candidate])
        return replace(
            description,
            family=measurement.best.family.name if measurement else description.family,
            probabilities=measurement.probabilities if measurement else description.probabilities,
            measurement=measurement,
            phases=_phases(candidate, measurement, clips[chosen].placement),
            filmed_track=candidate.track,
            camera_moves=found.poses is not None,
            refused=refused,
            objects=tuple(_first_place(one) for one in (candidate, *rivals(candidate, tried)))
            if refused and refused[0] == "several_move"
            else (),
        )

    def describe_clip(self, clip: Clip, refine: bool = True, field_of_view: float = 60.0) -> Description:
        """Name the motion in a canonical clip.

        Args:
            refine: whether to weigh the answer against fits to the decoded track.
            field_of_view: as for `describe`.

        Raises:
            UserError: the field of view is none.
        """
        _check_field_of_view(field_of_view)
        began = time.perf_counter()
        codes = self._encoded((clip,))
        tokens_at = time.perf_counter()
        answer = self.lm.answer(codes, flips=FOUR_FLIPS)[0]
        timings = {"clip": 0.0, "tokens": tokens_at - began, "answer": time.perf_counter() - tokens_at}
        return self._described(clip, codes, answer, refine, field_of_view, timings)

    def _encoded(self, clips: Sequence[Clip]) -> torch.Tensor:
        """Codes of each clip's four looks."""
        frames = torch.stack([clip.frames for clip in clips]).to(self.device)
        return encode_flips(self.tokenizer.encode_codes, frames)

    def _described(
        self,
        clip: Clip,
        codes: torch.Tensor,
        answer: Answer,
        refine: bool,
        field_of_view: float,
        timings_s: dict[str, float],
    ) -> Description:
        """The description of one clip, of which codes and answer are known."""
        began = time.perf_counter()
        calibration = self.lm.calibration
        reconstruction, track = decode_flips(self.tokenizer.decode_codes, codes, calibration=calibration)
        codes, reconstruction, track = codes.cpu(), reconstruction[0].cpu(), track.cpu()
        ids = self.lm.vocabulary.code_ids(codes)
        combined = combine(answer, track, clip.fit_times, calibration) if refine else None
        final = answer if combined is None else combined.answer
        other = None if combined is None else combined.second_opinion

        placement = clip.placement
        focal = (placement.video_width_px / 2) / math.tan(math.radians(field_of_view) / 2) / placement.half_width_px
        return Description(
            clip=clip,
            family=final.family,
            probabilities=final.probabilities,
            model_family=answer.family,
            model_probabilities=answer.probabilities,
            model_text=answer.text,
            equation=_in_seconds(answer, placement, focal),
            refined=None if combined is None else _in_seconds(final, placement, focal),
            codes=codes,
            visual_tokens={flip.name: tuple(part.flatten().tolist()) for flip, part in zip(FOUR_FLIPS, ids)},
            reconstruction=reconstruction,
            track=track,
            focal=focal,
            field_of_view=field_of_view,
            models=self.models,
            timings_s={**timings_s, "refine": timings_s.get("refine", 0.0) + time.perf_counter() - began},
            second_opinion=None
            if other is None
            else SecondOpinion(other.family, other.probabilities, _in_seconds(other, placement, focal)),
            miss_px=None if combined is None else combined.miss_px,
            calibration=calibration,
        )


def _first_place(candidate: Candidate) -> tuple[float, float, float]:
    """x and y in pixels, and seconds, at which a candidate's phase begins."""
    x, y = candidate.part.centres_px[0].tolist()
    return round(x, 1), round(y, 1), round(float(candidate.part.times_s[0]), 3)


def _phases(candidate: Candidate, measurement: Measurement | None, placement: Placement) -> tuple[PhaseFound, ...]:
    """All phases of a candidate's object, each measured in the units of the answer's clip."""
    out = []
    for phase in candidate.phases:
        is_answer = phase is candidate.phase
        one = replace(candidate, phase=phase)
        told = dict.fromkeys(FAMILIES, 1 / len(FAMILIES))
        by_itself = None if phase.rests or is_answer else measured(one, placement, Answer("", np.empty(0), told))
        irregular = by_itself is not None and (is_irregular(by_itself, CheckSettings()) or _explains_nothing(by_itself))
        found = None if irregular else by_itself
        shown = measurement if is_answer else found
        start, stop = one.part.times_s[[0, -1]].tolist()
        if shown is not None:
            start, stop = shown.best.start_s, shown.best.stop_s
        out.append(PhaseFound(start, stop, shown, phase.rests, is_answer, irregular))
    return tuple(out)


def _explains_nothing(measurement: Measurement) -> bool:
    """Whether the curve's extent in the picture is smaller than its distance from the object."""
    best = measurement.best
    path = best.pixels(np.linspace(best.start_s, best.stop_s, 200))
    return float(np.ptp(path, axis=0).max()) < best.residual_px


def _check_numbers(**settings: object) -> None:
    """Raises UserError for a setting that is given and is no number. Ranges are checked where the setting is used."""
    for name, value in settings.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, Real)):
            raise UserError(f"{name} has to be a number, not {value!r}; give one, or leave it out")


def _check_field_of_view(degrees: float | None) -> None:
    _check_numbers(field_of_view=degrees)
    if degrees is None or not 0 < degrees < 180:
        raise UserError(f"a field of view lies between 0 and 180 degrees, not at {degrees}; leave it out to assume 60")


def _in_seconds(answer: Answer, placement: Placement, focal: float) -> Equation:
    """An answer's equation with t in seconds. Its path has the depth of the canonical camera; the assumed lens gives
    the true one."""
    family = FAMILIES[answer.family]
    deep = family.moved(answer.constants, np.array([1.0, 1.0, focal / CANONICAL_FOCAL]))
    return family.equation(deep).with_time(0.0, placement.duration_s)
