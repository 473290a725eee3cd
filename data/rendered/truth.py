"""What is written beside a clip of a data set: all that is known of its motion and of its picture, as plain JSON.

Every sample of a data set has the same fields with the same types, whatever its family; that is why the constants are
two lists, names and values. Numbers that can have a fraction are always written with one.
"""

import json

from trajvlm.data.cameras.rig import Rig
from trajvlm.data.motions.families import MOTIONS
from trajvlm.data.rendered.nuisances import NAMES
from trajvlm.data.rendered.render import track
from trajvlm.data.rendered.scene import Scene

_TRACK_DECIMALS = 6


def write_truth(scenes: list[Scene], rig: Rig, seed: int, index: int) -> bytes:
    """The truth of one sample as JSON, in UTF-8.

    Args:
        scenes: the scene as each camera sees it; one, or the left and the right one.
        rig: the cameras, written where there are two.
        seed, index: the stream and the place in it that the scene comes from.
    """
    first = scenes[0]
    truth = {"seed": seed, "index": index, "family": first.family, **_seen(first)}
    truth["focal"] = float(first.focal)
    truth["radius"] = float(first.radius)
    truth["nuisances"] = {name: float(getattr(first.nuisances, name)) for name in NAMES}
    truth["ball"] = [float(c) for c in first.ball]
    truth["ambient"] = float(first.ambient)
    truth["filmed"] = first.filmed
    if len(scenes) > 1:
        truth["right"] = _seen(scenes[1])
        truth["rig"] = rig.to_dict()
    return (json.dumps(truth) + "\n").encode()


def _seen(scene: Scene) -> dict:
    """What differs between two cameras."""
    family = MOTIONS[scene.family]
    ball = track([scene])
    u, v, radius = ball.centre[0, :, 0], ball.centre[0, :, 1], ball.radius[0]
    return {
        "constant_names": list(family.constant_names),
        "constants": scene.constants.tolist(),
        "path": scene.path.tolist(),
        "equation": family.equation(scene.constants).to_text(),
        "track": {
            name: [round(number, _TRACK_DECIMALS) for number in values.tolist()]
            for name, values in (("u", u), ("v", v), ("radius", radius))
        },
        "light": [float(c) for c in scene.light],
        "backdrop_seed": scene.backdrop_seed,
        "nuisance_seed": scene.nuisance_seed,
    }
