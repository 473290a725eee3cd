"""The afternoon script (`trajvlm.vlm.classical_baseline`) as a system: no network, OpenCV and least squares.

It gets the clips as they are; and, in a second row, with the camera's shaking taken away as it is for this project's
tokens, so that nobody need ask what that alone is worth.
"""

from dataclasses import asdict

import cv2
import scipy
from torch import Tensor

from trajvlm.data.filmed.background_subtraction import PREPROCESSING
from trajvlm.data.filmed.registration import registered
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered.export import to_frames
from trajvlm.vlm.answer import Answer
from trajvlm.vlm.classical_baseline import BLOB_CRITERION, track_and_fit


class TrackAndFit:
    """The afternoon script, clip by clip."""

    name = "track-and-fit"
    rows = ("track and fit (OpenCV, least squares)", "track and fit, on registered frames")
    gives_equations = True
    identity = {
        "opencv": cv2.__version__,
        "scipy": scipy.__version__,
        "criterion": asdict(BLOB_CRITERION),
        "families": [*FAMILIES],
        "second_row": PREPROCESSING,
    }

    def answer(self, video: Tensor) -> dict[str, list[Answer | None]]:
        """See `trajvlm.eval.system.System`."""
        given = (video, registered(video))
        return {row: [track_and_fit(to_frames(clip)) for clip in clips] for row, clips in zip(self.rows, given)}


def load() -> TrackAndFit:
    """The script; needs nothing."""
    return TrackAndFit()
