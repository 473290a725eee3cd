"""The whole path with the shipped weights: a video file in, an equation out, and nothing that hides a missing part."""

import json
import shutil

import numpy as np
import pytest
import torch

from trajvlm.data.cameras.camera import project
from trajvlm.data.clip import Picture, Placement
from trajvlm.data.errors import UserError
from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered.export import write_sample
from trajvlm.data.rendered.scene import SceneSettings
from trajvlm.data.rendered.stream import draw_batch
from trajvlm.tokenizer.model import SHIPPED as TOKENIZER
from trajvlm.vlm.describe import Describer
from trajvlm.vlm.model import SHIPPED
from trajvlm.vlm.tta import FOUR_FLIPS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def describer():
    return Describer()


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "sample.mp4"
    return path, write_sample(path, "circular", 1)


@pytest.fixture(scope="module")
def description(describer, sample):
    return describer.describe(sample[0])


def test_the_json_object_holds_the_promised_keys(description):
    found = json.loads(json.dumps(description.to_dict()))
    assert found["family"] in FAMILIES and 0 <= found["confidence"] <= 1
    assert set(found["equation"]) == set(found["refined"]) == {"x", "y", "z"}
    assert {"origin", "axes", "length_unit", "t0_s", "duration_s", "clip_to_pixels"} <= set(found["frame"])
    flips = found["visual_tokens_of_looks"]
    assert list(flips) == [flip.name for flip in FOUR_FLIPS] and found["visual_tokens"] == flips[FOUR_FLIPS[0].name]
    assert all(len(tokens) == 36 and min(tokens) >= 49152 for tokens in flips.values())
    assert len(found["tokenizer"]["sha256"]) == len(found["model"]["adapter_sha256"]) == 64
    assert set(found["timings_s"]) == {"clip", "tokens", "answer", "refine"}
    assert np.isfinite(Equation.from_text(found["equation"]).positions(np.linspace(0, 1, 5))).all()


def test_a_video_with_fewer_frames_than_the_clip_is_fitted_at_their_own_times(describer, tmp_path):
    scene = write_sample(tmp_path / "few.mp4", "circular", 1, Picture(frames=15, size=256))
    found = describer.describe(tmp_path / "few.mp4", 0.0, 14 / 30)
    assert found.clip.repeated.sum() == 2 and found.to_dict()["clip_frames"]["repeated"]
    placement = Placement(128, 128, 128, 0.0, 14 / 30, 256, 256)
    tau = np.linspace(0, 1, 33)
    truth = placement.to_pixels(project(FAMILIES["circular"].positions(scene.constants, tau)))
    away = {
        name: np.linalg.norm(found.pixels(equation, tau * 14 / 30) - truth, axis=1).mean()
        for name, equation in (("ours", found.best), ("script", found.without_networks().equation))
    }
    # Taken for even, the frames' times put both curves 9 to 11 pixels off.
    assert max(away.values()) < 2.5, away


def test_the_refined_curve_lies_on_the_ball_in_the_source_video(description, sample):
    scene = sample[1]
    clip = description.clip.placement
    seconds = np.linspace(0, clip.duration_s, 17)
    drawn = description.pixels(description.best, seconds)
    tau = (clip.t0_s + seconds) / (48 / 30)
    family = FAMILIES[scene.family]
    uv = project(family.positions(scene.constants, tau))
    truth = np.stack([128 + 128 * uv[:, 0], 128 - 128 * uv[:, 1]], axis=1)
    # A sixteenth of the picture's width.
    assert np.median(np.linalg.norm(drawn - truth, axis=1)) < 16


def test_the_answer_comes_from_the_visual_tokens(describer):
    """Control: blank or shuffled tokens change the answer, and the blank one is the same for every clip."""
    batch = draw_batch(SceneSettings(strength=(0, 0.3)), 41, 0, 24)
    codes = describer.tokenizer.encode_codes(batch.video)
    blank = describer.tokenizer.encode_codes(torch.zeros(1, 3, 17, 64, 64)).expand_as(codes)
    order = torch.randperm(codes[0].numel(), generator=torch.Generator().manual_seed(0))
    shuffled = codes.flatten(1)[:, order].view_as(codes)
    read, blind, mixed = (describer.lm.answer(c) for c in (codes, blank, shuffled))
    truth = [scene.family for scene in batch.scenes]

    def right(answers):
        return np.mean([answer.family == family for answer, family in zip(answers, truth)])

    assert len({a.family for a in blind}) == 1 and np.ptp([a.constants for a in blind], axis=0).max() < 0.05
    assert right(read) > right(blind) + 0.2 and right(read) > right(mixed)
    changed = [a.family != b.family or np.abs(a.constants - b.constants).max() > 0.1 for a, b in zip(read, mixed)]
    assert np.mean(changed) > 0.9


def test_a_second_opinion_stands_beside_the_answer(describer, description):
    other = description.second_opinion
    assert other.family in FAMILIES and np.isclose(sum(other.probabilities.values()), 1)
    assert description.to_dict()["second_opinion"]["family"] == other.family
    assert "no language model" in description.to_dict()["second_opinion"]["by"]
    t = np.linspace(0, description.clip.placement.duration_s, 9)
    assert description.doubt is None or other.family in description.doubt
    # It has seen the same tokens, so in the picture it runs where the refined answer of the right family runs.
    assert np.isfinite(description.pixels(other.equation, t)).all()
    assert describer.describe_clip(description.clip, refine=False).second_opinion is None


def test_missing_parts_stop_with_a_sentence_that_names_them(tmp_path):
    for source, name, arguments in (
        (TOKENIZER, "tokenizer.safetensors", lambda p: {"tokenizer_folder": p}),
        (SHIPPED, "adapter.safetensors", lambda p: {"adapter_folder": p}),
        (SHIPPED, "rows.safetensors", lambda p: {"adapter_folder": p}),
    ):
        folder = tmp_path / name
        shutil.copytree(source, folder)
        (folder / name).unlink()
        with pytest.raises(UserError, match=name):
            Describer(**arguments(folder))


def test_a_model_is_not_used_with_another_tokenizer(tmp_path, describer):
    other = tmp_path / "tokenizer"
    with torch.no_grad():
        changed = type(describer.tokenizer).from_pretrained(TOKENIZER)
        changed.conv_in.conv.bias.add_(1)
    changed.save_pretrained(other)
    with pytest.raises(UserError, match="another tokenizer"):
        Describer(tokenizer_folder=other)


def test_depth_scales_with_the_assumed_lens_and_the_picture_stays(describer, description):
    narrow = describer.describe_clip(description.clip, field_of_view=20.0)
    t = np.linspace(0, 1, 5)
    wide, deep = (d.equation.positions(t) for d in (description, narrow))
    assert np.allclose(wide[:, :2], deep[:, :2])
    assert np.allclose(deep[:, 2] / wide[:, 2], narrow.focal / description.focal, rtol=1e-3)
    assert np.allclose(narrow.pixels(narrow.equation, t), description.pixels(description.equation, t), atol=1e-3)


def test_where_the_object_is_can_be_asked(describer):
    batch = draw_batch(SceneSettings(strength=(0, 0)), 51, 0, 8)
    times = np.array([0.1, 0.5, 0.9])
    found = describer.lm.position(describer.tokenizer.encode_codes(batch.video), times)
    truth = np.stack([FAMILIES[s.family].positions(s.constants, times) for s in batch.scenes])
    assert np.median(np.abs(found - truth)[..., :2]) < 0.1
