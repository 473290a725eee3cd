"""The afternoon script (`vlm.track_and_fit`) as a system: no network, OpenCV and least squares."""

from dataclasses import asdict

import cv2
import scipy
from torch import Tensor

from data.export import to_frames
from data.families import FAMILIES
from vlm.answer import Answer
from vlm.track_and_fit import TRACKED, track_and_fit


class TrackAndFit:
    """The afternoon script, clip by clip."""

    name = "track-and-fit"
    rows = ("track and fit (OpenCV, least squares)",)
    gives_equations = True
    identity = {
        "opencv": cv2.__version__,
        "scipy": scipy.__version__,
        "criterion": asdict(TRACKED),
        "families": [*FAMILIES],
    }

    def answer(self, video: Tensor) -> dict[str, list[Answer | None]]:
        """See `eval.system.System`."""
        return {self.rows[0]: [track_and_fit(to_frames(clip)) for clip in video]}


def load() -> TrackAndFit:
    """The script; needs nothing."""
    return TrackAndFit()
