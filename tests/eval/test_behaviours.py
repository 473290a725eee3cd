"""The behaviours' figures are full for the true layer, and at the floor for an empty one."""

import pytest
import torch

from trajvlm.eval.behaviours import CLEAN, drawn, measured, settings_of

PERFECT = {
    "nothing": {"still": 1.0},
    "several": {"as many": 1.0, "phantoms": 0.0},
    "four": {"as many": 1.0, "phantoms": 0.0},
    "leaving": {"presence": 1.0},
    "shapes": {"overlap": 1.0},
    "unseen shapes": {"overlap": 1.0},
    "jitter": {"slope": 1.0},
}
FLOOR = {"several": "as many", "shapes": "overlap", "jitter": "slope"}


@pytest.fixture(scope="module")
def clips():
    settings = settings_of(CLEAN)
    return {name: drawn(name, settings[name], 3) for name in (*PERFECT, "ball", "worlds")}


@pytest.mark.parametrize("name", PERFECT)
def test_the_true_layer_has_full_marks(name, clips):
    found = measured(name, clips[name], clips[name].layer, 0.5)
    assert found == pytest.approx(PERFECT[name], abs=0.02)


@pytest.mark.parametrize("name", FLOOR)
def test_an_empty_picture_has_none(name, clips):
    assert measured(name, clips[name], torch.zeros_like(clips[name].layer), 0.5)[FLOOR[name]] == 0.0


def test_a_ball_beside_its_place_is_lost(clips):
    seen = clips["ball"]
    assert measured("ball", seen, seen.layer, 0.5)["centre"] < 0.2
    aside = measured("ball", seen, seen.layer.roll(8, dims=-1), 0.5)
    assert aside["centre"] == pytest.approx(8, abs=0.5) and aside["lost"] > 0.9


def test_pictures_of_another_clip_are_worse_than_the_own(clips):
    found = measured("worlds", clips["worlds"], clips["worlds"].layer, 0.5)
    assert found["other clip"] > 8 and found["gain over background"] > 3
