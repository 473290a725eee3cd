"""What the track that the visual tokens decode to tells without a language model.

The track is the one that this project's fits see: the mean of what the tokens of a clip's four flips decode to. Two
ways from it to a family, both among all that an answer can name: every family fitted, with the criterion that suits the
fits alone (`fit_criterion` in `trajvlm.vlm.calibration`; `joint_criterion` is set for what they are worth together with
the language model); and boosted trees on features of the track, trained on clips of the training stream.
"""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from trajvlm.data.filmed.background_subtraction import PREPROCESSING
from trajvlm.data.motions.families import FAMILIES
from trajvlm.eval.classifiers import TrainedSystem, trained_system
from trajvlm.eval.systems.features import BoostedTrees, track_features
from trajvlm.tokenizer.model import SHIPPED, TrajectoryTokenizer, weights_sha256
from trajvlm.vlm.answer import Answer
from trajvlm.vlm.calibration import Calibration
from trajvlm.vlm.model import SHIPPED as LANGUAGE_MODEL
from trajvlm.vlm.refine import best_fit, seen_in
from trajvlm.vlm.tta import FOUR_FLIPS, NO_FLIPS, decode_flips, encode_flips


class DecodedFit:
    """Least squares on the decoded track."""

    name = "decoded-fit"
    rows = ("decoded tokens, fitted, penalty for the fit alone",)
    gives_equations = True

    def __init__(self, tokenizer: TrajectoryTokenizer, sha256: str, calibration: Calibration):
        self.tokenizer, self.calibration = tokenizer, calibration
        self.identity = {
            "tokenizer_sha256": sha256,
            "criterion": asdict(calibration.fit_criterion),
            "families": [*FAMILIES],
            "looks": len(FOUR_FLIPS),
            "input": PREPROCESSING,
        }

    def answer(self, video: Tensor) -> dict[str, list[Answer | None]]:
        """See `trajvlm.eval.system.System`."""
        codes = encode_flips(self.tokenizer.encode_codes, video).unflatten(0, (len(FOUR_FLIPS), -1)).unbind(dim=1)
        calibration = self.calibration
        tracks = [decode_flips(self.tokenizer.decode_codes, flips, calibration=calibration)[1] for flips in codes]
        seen = [seen_in(track, calibration=calibration) for track in tracks]
        return {self.rows[0]: [best_fit(track, calibration.fit_criterion) for track in seen]}


class DecodedTrees(BoostedTrees):
    """Boosted trees on the decoded track of the clip, without flips; see `trajvlm.eval.classifiers.Classifier`."""

    name, row = "decoded_trees", "trees on the decoded track"
    families = tuple(FAMILIES)

    def __init__(self, tokenizer: TrajectoryTokenizer, sha256: str):
        super().__init__()
        self.tokenizer = tokenizer
        encoder = {"tokenizer_sha256": sha256, "input": PREPROCESSING}
        self.settings = self.settings | {"families": [*self.families], "encoder": encoder}

    def prepare(self, video: Tensor) -> Tensor:
        """Features (B, len(FEATURES)), float64."""
        codes = self.tokenizer.encode_codes(video).split(1)
        tracks = [decode_flips(self.tokenizer.decode_codes, clip, NO_FLIPS)[1] for clip in codes]
        return torch.from_numpy(np.stack([track_features(seen_in(track)) for track in tracks]))


def build(folder: Path) -> DecodedTrees:
    """The trees before they are grown; raises UserError where the tokenizer's weights are missing."""
    return DecodedTrees(TrajectoryTokenizer.from_pretrained(SHIPPED), weights_sha256(SHIPPED))


CLASSIFIERS = {DecodedTrees.name: build}


def load_fit() -> DecodedFit:
    """The fits; raises UserError where the tokenizer's weights are missing."""
    tokenizer, calibration = TrajectoryTokenizer.from_pretrained(SHIPPED), Calibration.load(LANGUAGE_MODEL)
    return DecodedFit(tokenizer, weights_sha256(SHIPPED), calibration)


def load_trees() -> TrainedSystem:
    """The grown trees; raises UserError where they were not trained."""
    return trained_system("decoded-trees", CLASSIFIERS)
