"""This project: clip -> tokens -> language model -> equation; and the same path blinded, which has to fail.

Raw is the language model's answer to four flips of a clip, or to the clip as it is alone. Refined is the answer after
the fit, in the family that the model named, to the track that the tokens of these flips decode to. Together is what a
user gets: the family by the model's and the fits' probabilities. The decoded tokens are also fitted without the
language model. The controls answer the same clips, in four flips too, with the visual tokens of another one of them,
with their own in another order, drawn anew for each flip, or with those of a blank clip. Another order keeps which
codes occur, and that tells a little; another clip's tokens and a blank one's tell nothing.
"""

from dataclasses import asdict
from functools import cache

import torch
from torch import Tensor

from trajvlm.data.filmed.background_subtraction import PREPROCESSING
from trajvlm.vlm.answer import Answer
from trajvlm.vlm.describe import Describer, Folders
from trajvlm.vlm.refine import combine
from trajvlm.vlm.tta import FOUR_FLIPS, decode_flips, encode_flips

FOLDERS: Folders = {}
"""Of other weights than the shipped ones; set before anything is loaded."""


class Ours:
    """The shipped models, as a user gets them."""

    name = "ours"
    rows = (
        "ours, raw, one look",
        "ours, raw",
        "ours, constants refined",
        "ours, model and fit together",
        "decoded tokens, fitted (no language model)",
    )
    gives_equations = True

    def __init__(self, describer: Describer):
        self.describer = describer
        self.identity = _identity(describer) | {"criterion": asdict(describer.lm.calibration.joint_criterion)}

    def answer(self, video: Tensor) -> dict[str, list[Answer | None]]:
        """See `trajvlm.eval.system.System`."""
        tokenizer, lm = self.describer.tokenizer, self.describer.lm
        codes = encode_flips(tokenizer.encode_codes, video)
        once, answers = lm.answer(codes[: len(video)]), lm.answer(codes, flips=FOUR_FLIPS)
        of_clips = codes.unflatten(0, (len(FOUR_FLIPS), -1)).unbind(dim=1)
        tracks = [decode_flips(tokenizer.decode_codes, of_clip, calibration=lm.calibration)[1] for of_clip in of_clips]
        combined = [combine(answer, track, calibration=lm.calibration) for answer, track in zip(answers, tracks)]
        refined = [answer if both is None else both.model for answer, both in zip(answers, combined)]
        together = [answer if both is None else both.answer for answer, both in zip(answers, combined)]
        alone = [both and both.second_opinion for both in combined]
        return dict(zip(self.rows, (once, answers, refined, together, alone)))


class Controls:
    """The language model without the clip's own tokens."""

    name = "controls"
    rows = ("control: tokens of another clip", "control: tokens shuffled", "control: tokens of a blank clip")
    gives_equations = True

    def __init__(self, describer: Describer):
        self.describer = describer
        self.identity = _identity(describer)
        self.blank = encode_flips(describer.tokenizer.encode_codes, torch.zeros(1, 3, 17, 64, 64))

    def answer(self, video: Tensor) -> dict[str, list[Answer | None]]:
        """See `trajvlm.eval.system.System`."""
        codes = encode_flips(self.describer.tokenizer.encode_codes, video)
        another = codes.unflatten(0, (len(FOUR_FLIPS), -1)).roll(1, dims=1).flatten(0, 1)
        blind = (another, shuffled(codes), self.blank.repeat_interleave(len(video), dim=0))
        return {row: self.describer.lm.answer(given, flips=FOUR_FLIPS) for row, given in zip(self.rows, blind)}


def load() -> Ours:
    """The shipped models; raises UserError where weights are missing."""
    return Ours(_describer())


def load_controls() -> Controls:
    """The shipped models, blinded; raises UserError where weights are missing."""
    return Controls(_describer())


def shuffled(codes: Tensor) -> Tensor:
    """The codes (N, ...) of each clip in an order of its own."""
    generator = torch.Generator().manual_seed(0)
    return torch.stack([c.flatten()[torch.randperm(c.numel(), generator=generator)].view_as(c) for c in codes])


@cache
def _describer() -> Describer:
    return Describer(**FOLDERS)


def _identity(describer: Describer) -> dict:
    # The weights' hashes leave the calibration out.
    temperature = describer.lm.calibration.temperature
    return describer.models | {"temperature": temperature, "looks": len(FOUR_FLIPS), "input": PREPROCESSING}
