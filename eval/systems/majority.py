"""What anything has to beat: the commonest family and the mean of its constants, whatever is in the picture."""

from collections import Counter

import numpy as np
from torch import Tensor

from trajvlm.data.motions.families import BASIC
from trajvlm.data.rendered.scene import SceneSettings, draw_scene
from trajvlm.data.rendered.stream import TRAINING_SEED
from trajvlm.vlm.answer import Answer

_SCENES = 500


class Floor:
    """One answer for every clip."""

    name = "floor"
    rows = ("floor: commonest family, mean constants",)
    gives_equations = True

    def __init__(self):
        self.same = commonest_answer()
        self.identity = {"family": self.same.family, "scenes": _SCENES, "seed": TRAINING_SEED}

    def answer(self, video: Tensor) -> dict[str, list[Answer]]:
        """See `trajvlm.eval.system.System`."""
        return {self.rows[0]: [self.same] * len(video)}


def load() -> Floor:
    """The floor; needs nothing."""
    return Floor()


def commonest_answer(count: int = _SCENES) -> Answer:
    """The commonest family of the training stream with the mean of its constants; every family equally likely."""
    scenes = [draw_scene(SceneSettings(), TRAINING_SEED, k) for k in range(count)]
    family = Counter(scene.family for scene in scenes).most_common(1)[0][0]
    mean = np.mean([scene.constants for scene in scenes if scene.family == family], axis=0)
    return Answer(family, mean, dict.fromkeys(BASIC, 1 / len(BASIC)))
