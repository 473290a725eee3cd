"""What a person would measure of a motion (speed, acceleration, amplitude, turns), and how near an answer comes to it.

These do not depend on where the origin lies or how the phase is written. Lengths are canonical half widths, times are
the clip's length.
"""

import numpy as np

from trajvlm.data.motions.families import MOTIONS
from trajvlm.data.rendered.scene import Scene
from trajvlm.vlm.answer import Answer

THRESHOLDS = np.arange(0.5, 1.0, 0.05)


def canonical_quantities(family: str, constants: np.ndarray) -> dict[str, float]:
    """Speed along the straight part, acceleration, size, and what stands inside the functions of time, such as the
    number of turns: those that the family has."""
    kind, constants = MOTIONS[family], np.asarray(constants, dtype=float)
    vectors = dict(zip(kind.basis, kind.vectors(constants)))
    found = {}
    if "s" in vectors:
        found["speed"] = 2 * float(np.linalg.norm(vectors["s"]))
    if "s2" in vectors:
        found["acceleration"] = 8 * float(np.linalg.norm(vectors["s2"]))
    if waves := [vector for name, vector in vectors.items() if name.endswith(("cos", "sin"))]:
        found["amplitude"] = float(np.linalg.norm(waves))
    if "hop" in vectors:
        found["height"] = float(np.linalg.norm(vectors["hop"]))
    return found | dict(zip(kind.shape, kind.inside(constants).tolist()))


def relative_accuracy(answer: Answer | None, scene: Scene) -> float:
    """Mean relative accuracy of one clip, from 0 to 1: the share of the thresholds c = 0.5, 0.55, ..., 0.95 for which
    |said - true| / |true| < 1 - c, averaged over the quantities (VSI-Bench, Yang et al. 2025, used for kinematics by
    QuantiPhy). No answer and a wrong family have none."""
    if answer is None or answer.family != scene.family:
        return 0.0
    said, true = (canonical_quantities(found.family, found.constants) for found in (answer, scene))
    errors = np.array([abs((said[name] - true[name]) / true[name]) for name in true])
    # The slack keeps the last bit of 1 - 0.95 from deciding about an error of exactly 0.05.
    return float((errors[:, None] < 1 - THRESHOLDS - 1e-9).mean())
