"""A description of a rendered clip without any network: the answer is the truth."""

import numpy as np
import torch

from trajvlm.data.cameras.camera import CANONICAL_FOCAL
from trajvlm.data.clip import Clip
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered.render import render, render_clean
from trajvlm.data.rendered.scene import SceneSettings, draw_scene
from trajvlm.tokenizer.readout import read_track
from trajvlm.vlm.describe import TOKENIZER_NAME, Description, SecondOpinion
from trajvlm.vlm.tta import FOUR_FLIPS


def description(family: str = "bouncing") -> Description:
    scene = draw_scene(SceneSettings(families=(family,), strength=(0.0, 0.0)), 7, 0)
    clean = render_clean([scene])
    equation = FAMILIES[family].equation(scene.constants)
    chances = {name: float(name == family) for name in FAMILIES}
    codes = torch.from_numpy(np.arange(144).reshape(4, 9, 2, 2))
    return Description(
        clip=Clip.from_frames(render([scene])[0], "throw.mp4"),
        family=family,
        probabilities=chances,
        model_family=family,
        model_probabilities=chances,
        model_text=f"{family} +0.12 -0.34",
        equation=equation,
        refined=equation,
        codes=codes,
        visual_tokens={
            flip.name: tuple((49152 + of_flip.flatten()).tolist()) for flip, of_flip in zip(FOUR_FLIPS, codes)
        },
        reconstruction=clean[0],
        track=read_track(clean),
        focal=CANONICAL_FOCAL,
        field_of_view=60.0,
        models={
            "tokenizer": {"name": TOKENIZER_NAME, "sha256": "a" * 64},
            "model": {"base": "tiny", "adapter_sha256": "b" * 64},
        },
        timings_s={"clip": 0.1, "tokens": 0.2, "answer": 0.3, "refine": 0.4},
        second_opinion=SecondOpinion(family, chances, equation),
        miss_px=0.1,
    )
