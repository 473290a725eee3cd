"""The systems that can be measured, by the word that names them on the command line.

A system's module stands under `eval/systems/`, is imported when the system is asked for, and has a `load()` without
arguments.
"""

from dataclasses import dataclass
from importlib import import_module

from trajvlm.data.errors import UserError
from trajvlm.eval.system import System


@dataclass(frozen=True)
class Entry:
    """Where a system comes from."""

    name: str
    label: str
    """What it is, for a table in which it could not be measured."""
    module: str
    loader: str = "load"
    own: bool = False
    """Whether it is this project, or a part of it."""
    learned: bool = False
    """Whether it was trained on the same clips, as ours was, and is not ours."""
    everywhere: bool = False
    """Whether it is measured on every suite, not on the main ones alone."""

    def load(self) -> System:
        """Build the system.

        Raises:
            UserError: something that it needs (weights, a package, a key) was not supplied.
        """
        return getattr(import_module(self.module), self.loader)()


ENTRIES = {
    entry.name: entry
    for entry in (
        Entry("ours", "this project", "trajvlm.eval.systems.ours", own=True, everywhere=True),
        Entry("decoded-fit", "decoded tokens, fitted", "trajvlm.eval.systems.decoded_track", "load_fit", own=True),
        Entry(
            "decoded-trees",
            "trees on the decoded track",
            "trajvlm.eval.systems.decoded_track",
            "load_trees",
            learned=True,
        ),
        Entry("controls", "this project, blinded", "trajvlm.eval.systems.ours", "load_controls", own=True),
        Entry("floor", "commonest family, mean constants", "trajvlm.eval.systems.majority"),
        Entry("track-and-fit", "OpenCV track, least squares", "trajvlm.eval.systems.track_and_fit", everywhere=True),
        Entry("features", "features of the track, scikit-learn", "trajvlm.eval.systems.features", learned=True),
        Entry("cnn3d", "small 3D CNN on pixels", "trajvlm.eval.systems.cnn3d", learned=True),
        Entry("r3d18", "R3D-18 on pixels", "trajvlm.eval.systems.resnets", "load_r3d18", learned=True),
        Entry(
            "resnet18",
            "ResNet18 on each frame, mean over time",
            "trajvlm.eval.systems.resnets",
            "load_resnet18",
            learned=True,
        ),
        Entry("token-classifier", "classifier on tokens", "trajvlm.eval.systems.token_classifier", learned=True),
        Entry("sindy", "track and PySINDy", "trajvlm.eval.systems.sindy"),
        Entry("pysr", "track and PySR", "trajvlm.eval.systems.pysr"),
        Entry("external-vlm", "an external vision-language model", "trajvlm.eval.systems.external_vlm"),
        Entry(
            "frozen-encoders",
            "Open-MAGVIT2, VideoMAE, CLIP, frozen",
            "trajvlm.eval.systems.frozen_encoders",
            learned=True,
        ),
    )
}


def find_entries(words: list[str]) -> list[Entry]:
    """The systems of those names, each once, in the registry's order; raises UserError for any other name."""
    for word in words:
        if word not in ENTRIES:
            raise UserError(f"there is no system {word!r}; there are {', '.join(ENTRIES)}")
    return [entry for name, entry in ENTRIES.items() if name in words]
