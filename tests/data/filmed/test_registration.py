"""A camera that shakes is no motion: frames are laid on the background that they share, and on nothing else."""

import numpy as np
import pytest
import torch

from trajvlm.data.filmed.background_subtraction import subtract_background
from trajvlm.data.filmed.registration import frame_shifts, registered
from trajvlm.data.rendered.nuisances import Nuisances
from trajvlm.data.rendered.render import render
from trajvlm.data.rendered.scene import SceneSettings, draw_scene
from trajvlm.data.rendered.sensor import record


def clips(count: int = 8, **strengths):
    settings = SceneSettings(exactly=Nuisances(**strengths))
    return render([draw_scene(settings, 11, k) for k in range(count)])


def shaken(video: torch.Tensor, strength: float = 0.5) -> torch.Tensor:
    """Clips as a shaking camera would have taken them."""
    return torch.stack([record(clip.clone(), Nuisances(shake=strength), seed) for seed, clip in enumerate(video)])


def offsets_px(count: int, strength: float = 0.5) -> torch.Tensor:
    """The shifts of `shaken` in pixels, about their mean: what is left of the frame's place goes the other way."""
    drawn = [np.random.default_rng([seed, 10]).normal(size=(17, 2)) for seed in range(count)]
    offsets = torch.tensor(np.array(drawn)).float() * 0.04 * strength * 32
    return -(offsets - offsets.mean(dim=1, keepdim=True))


def test_the_shifts_of_a_shaking_camera_are_found():
    found = frame_shifts(shaken(clips(texture=0.6)))
    error = found - found.mean(dim=1, keepdim=True) - offsets_px(8)
    assert offsets_px(8).norm(dim=-1).median() > 0.6
    assert error.norm(dim=-1).median() < 0.05


def test_frames_moved_by_whole_pixels_come_back():
    video = clips(2, texture=0.8)
    moved = video.clone()
    for frame, (down, right) in {3: (2, -1), 8: (0, 3), 12: (-2, -2)}.items():
        moved[:, :, frame] = video[:, :, frame].roll((down, right), dims=(-2, -1))
        there = frame_shifts(moved)[:, frame]
        assert torch.allclose(there, torch.tensor([right, down]).float().expand(2, 2), atol=0.2)
    inner = (..., slice(6, -6), slice(6, -6))
    assert (registered(moved) - video)[inner].abs().mean() < 0.1 * (moved - video)[inner].abs().mean()


@pytest.mark.parametrize("strengths", [{}, {"texture": 0.6}, {"texture": 0.6, "exposure": 0.8}, {"noise": 0.5}])
def test_a_camera_that_stands_still_is_left_alone(strengths):
    # The ball moves, and the light may flicker or the sensor be noisy, but the background stays.
    assert frame_shifts(clips(**strengths)).abs().quantile(0.95) < 0.1


def test_what_moves_is_the_same_whether_the_camera_shakes_or_not():
    still = clips(texture=0.6)
    without = subtract_background(still)[:, 3].flatten(1)
    like = [
        torch.cosine_similarity(without, subtract_background(x)[:, 3].flatten(1)).median()
        for x in (shaken(still), still)
    ]
    assert like[0] > 0.8 and like[1] == pytest.approx(1)


def test_a_clip_in_which_nothing_is_to_be_seen_stays_as_it_is():
    for level in (0.0, 0.5, 1.0):
        video = torch.full((1, 3, 17, 64, 64), level)
        assert torch.equal(registered(video), video)
