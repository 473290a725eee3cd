"""Flip test-time augmentation: flipped pictures, flipped constants, and averages over flips."""

import numpy as np
import pytest
import torch

from tests.conftest import TINY_TOKENIZER
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered.render import render_clean, track
from trajvlm.data.rendered.scene import SceneSettings, draw_scene
from trajvlm.tokenizer.model import TrajectoryTokenizer
from trajvlm.tokenizer.readout import read_track
from trajvlm.vlm.answer import Answer
from trajvlm.vlm.config import VLMConfig
from trajvlm.vlm.model import TrajectoryLM
from trajvlm.vlm.tta import FOUR_FLIPS, NO_FLIPS, UNFLIPPED, Flip, decode_flips, encode_flips

SCENES = [draw_scene(SceneSettings(families=tuple(FAMILIES)), 23, k) for k in range(24)]
MIRRORED = FOUR_FLIPS[1]


@pytest.mark.parametrize("flip", FOUR_FLIPS, ids=lambda flip: flip.name)
def test_a_flipped_motion_is_one_of_its_family_with_other_signs(flip: Flip):
    t = np.linspace(0, 1, 9)
    for scene in SCENES:
        family = FAMILIES[scene.family]
        mirrored = scene.constants * flip.constant_signs(family).numpy()
        expected = family.positions(scene.constants, t) * flip.signs.numpy()
        assert np.allclose(family.positions(mirrored, t), expected)
        assert np.allclose(family.nearest(mirrored), mirrored)


@pytest.mark.parametrize("flip", FOUR_FLIPS, ids=lambda flip: flip.name)
def test_a_flip_shows_the_ball_where_it_says(flip: Flip):
    clean, truth = render_clean(SCENES), track(SCENES).centre
    assert torch.equal(flip.apply(flip.apply(clean)), clean)
    found = read_track(flip.apply(clean)).track.centre
    assert (found - truth * flip.signs[:2]).abs().max() < 0.02


def test_the_decoded_track_is_the_mean_over_the_flips_that_show_the_ball():
    clean = render_clean(SCENES[:2])
    seen = encode_flips(lambda video: video, clean)
    empty, off = torch.full_like(clean[0, :, 5], 0.1), len(SCENES[:2])
    seen[off, :, 5] = empty  # the second flip of the first clip
    seen[:: len(SCENES[:2]), :, 9] = empty[None]  # every flip of the first clip
    # Four pixels to the left in the second flip, as by a decoder that errs there.
    seen[off + 1] = seen[off + 1].roll(-4, dims=-1)
    scenes, found = decode_flips(lambda pictures: pictures, seen)
    once = read_track(clean)
    assert torch.equal(scenes[1], clean[1]) and scenes.shape == clean.shape
    assert found.seen[0].sum() == 16 and not found.seen[0, 9] and found.seen[1].all()
    assert (found.track.centre[0] - once.track.centre[0])[found.seen[0]].abs().max() < 1e-4
    assert (found.track.radius[0] - once.track.radius[0])[found.seen[0]].abs().max() < 1e-4
    # In the clip as it is that is four pixels of 64 to the right, of which the mean over four flips keeps one.
    away = (found.track.centre[1] - once.track.centre[1])[2:15]
    assert torch.allclose(away.median(dim=0).values, torch.tensor([2 / 64, 0.0]), atol=2e-3)
    # Three at 0 and one at 0.125 along one axis of two: a variance of 0.125^2 / 4 over both.
    apart = found.centre_spread[1, 2:15].median()
    assert apart == pytest.approx(0.125 / 2 / 2**0.5, abs=2e-3) and found.centre_spread[0].max() < 1e-4


def test_a_frame_that_one_flip_alone_shows_is_doubted():
    clean = render_clean(SCENES[:1])
    seen = encode_flips(lambda video: video, clean)
    seen[:3, :, 7] = 0.1
    found = decode_flips(lambda pictures: pictures, seen)[1]
    assert found.seen.all() and found.centre_spread[0, 7] > 0.05 > 10 * found.centre_spread[0, 6]
    assert found.log_radius_spread[0, 7] > 0.2
    alone = decode_flips(lambda pictures: pictures, clean, NO_FLIPS)[1]
    assert alone.seen.all() and not alone.centre_spread.any()


@pytest.fixture(scope="module")
def model(tiny_base):
    torch.manual_seed(0)
    vectors = TrajectoryTokenizer(TINY_TOKENIZER).code_vectors
    return TrajectoryLM(VLMConfig(layers=2, lora_rank=4, codebook_size=60, grid=(9, 2, 2)), vectors, tiny_base).eval()


def some_codes(count):
    return torch.randint(0, 60, (count, 9, 2, 2), generator=torch.Generator().manual_seed(0))


def test_the_answer_to_a_mirrored_clip_is_the_mirrored_answer(model):
    codes = some_codes(4 * 5)
    as_they_are, left_right, top_bottom, both = codes.chunk(4)
    answers = model.answer(codes, flips=FOUR_FLIPS)
    # The flips of a mirrored clip are those of the clip itself in another order.
    mirrored = model.answer(torch.cat([left_right, as_they_are, both, top_bottom]), flips=FOUR_FLIPS)
    for one, other in zip(answers, mirrored, strict=True):
        assert other.family == one.family and other.probabilities == pytest.approx(one.probabilities, abs=1e-5)
        signs = MIRRORED.constant_signs(FAMILIES[one.family]).numpy()
        assert np.allclose(other.constants, one.constants * signs, atol=0.011)


def test_flips_that_say_the_same_say_together_what_each_says(model):
    codes = some_codes(3)
    once, thrice = model.answer(codes), model.answer(codes.repeat(3, 1, 1, 1), flips=(UNFLIPPED,) * 3)
    for one, other in zip(once, thrice, strict=True):
        assert other.family == one.family and other.probabilities == pytest.approx(one.probabilities, abs=1e-5)
        assert np.allclose(other.constants, one.constants, atol=0.011)


def test_the_family_is_that_of_the_mean_over_the_flips(model, monkeypatch):
    names = list(model.family_ids)
    # The first flip is torn between two; the other is sure of the second of them.
    scores = torch.full((2, len(names)), -9.0)
    scores[0, :2], scores[1, 1] = torch.tensor([0.1, 0.0]), 0.0
    monkeypatch.setattr(model, "_family_scores", lambda hidden: scores[: len(hidden)])
    [alone] = model.answer(some_codes(1), flips=NO_FLIPS)
    [together] = model.answer(some_codes(2), flips=FOUR_FLIPS[:2])
    assert (alone.family, together.family) == (names[0], names[1])
    assert isinstance(together, Answer) and together.probabilities[names[1]] == pytest.approx(0.737, abs=0.01)
