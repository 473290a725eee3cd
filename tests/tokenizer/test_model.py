"""The tokenizer: the library's traps stay mended, codes mean what they say, weights come back."""

from dataclasses import replace

import pytest
import torch
from magvit2_pytorch import VideoTokenizer
from torch import nn

from tests.conftest import TINY_TOKENIZER
from trajvlm.data.errors import UserError
from trajvlm.data.rendered.scene import SceneSettings
from trajvlm.data.rendered.stream import draw_batch
from trajvlm.tokenizer.config import TokenizerConfig
from trajvlm.tokenizer.context import TwoWayContext
from trajvlm.tokenizer.glimpse import Glimpse, Glimpsed
from trajvlm.tokenizer.latent_steps import by_frames, by_steps
from trajvlm.tokenizer.metrics import reconstruction_measures, track_measures
from trajvlm.tokenizer.model import SHIPPED, TrajectoryTokenizer, weights_sha256
from trajvlm.tokenizer.numbers import Numbers
from trajvlm.tokenizer.painting import Painting
from trajvlm.tokenizer.regression import LocalRegression

TINY_LFQ = replace(TINY_TOKENIZER, quantizer="lfq", fsq_levels=(2,) * 6)


@pytest.fixture(scope="module")
def tiny():
    torch.manual_seed(0)
    return TrajectoryTokenizer(TINY_TOKENIZER).eval()


@pytest.fixture(scope="module")
def video():
    return draw_batch(SceneSettings(), 11, 0, 4).video


def test_it_is_the_librarys_tokenizer_with_its_own_layers(tiny):
    assert isinstance(tiny, VideoTokenizer)
    assert not hasattr(tiny, "discr") or tiny.discr is None
    kinds = {type(module).__name__ for module in tiny.modules()}
    assert {"CausalConv3d", "SqueezeExcite", "SpaceAttention", "FSQ"} <= kinds


def test_every_layer_of_the_encoder_runs_and_a_norm_follows(tiny):
    # The library builds one layer more than it runs; what does not run must not be there.
    assert len(tiny.encoder_layers) == len(tiny.has_cond_across_layers)
    torch.manual_seed(2)
    model = TrajectoryTokenizer(replace(TINY_TOKENIZER, context=())).train()
    seen = []
    model.latent_norm.register_forward_hook(lambda module, inputs, output: seen.append(output))
    codes = model.quantize(model.projected(draw_batch(SceneSettings(), 3, 0, 8).video)).codes
    assert seen[0].mean(dim=0).abs().max() < 1e-3
    assert (seen[0].var(dim=0, unbiased=False) - 1).abs().max() < 0.05
    # What it is for: an untrained tokenizer already uses much of its small codebook.
    assert len(codes.unique()) > 0.3 * TINY_TOKENIZER.codebook_size


def test_residual_units_are_alive_at_the_start(tiny):
    gates = [m for m in tiny.modules() if type(m).__name__ == "SqueezeExcite"]
    assert gates
    for gate in gates:
        width = gate.to_k.in_channels
        assert gate(torch.ones(1, width, 2, 4, 4)).mean() > 0.1


def test_all_parameters_are_trained(tiny):
    assert {id(p) for p in tiny.parameters()} == {id(p) for _, p in tiny.named_parameters()}


def test_codes_fill_the_latent_grid(tiny, video):
    codes = tiny.encode_codes(video)
    assert codes.shape == (4, *TINY_TOKENIZER.grid)
    assert codes.min() >= 0 and codes.max() < TINY_TOKENIZER.codebook_size


def test_decoding_codes_equals_the_reconstruction(tiny, video):
    for model in (tiny, TrajectoryTokenizer(TINY_LFQ).eval()):
        found = model.quantize(model.projected(video))
        assert torch.allclose(model.decode_codes(found.codes), model.reconstruct(found.vectors).clamp(0, 1), atol=1e-5)
        assert torch.allclose(model.code_vectors[found.codes.long()], found.vectors, atol=1e-6)


def test_every_code_survives_the_way_through_its_vector(tiny):
    codes = torch.arange(TINY_TOKENIZER.codebook_size)
    assert torch.equal(tiny.quantizers.codes_to_indices(tiny.code_vectors[codes]).long(), codes)


def test_the_convolutions_are_causal(tiny):
    # The background is taken from the whole clip before them, and the context behind them looks both ways.
    patches = torch.randn(1, 64, 17, 16, 16)
    changed = patches.clone()
    changed[:, :, 9:] = torch.randn(1, 64, 8, 16, 16)
    first, second = (super(TrajectoryTokenizer, tiny).encode(p) for p in (patches, changed))
    assert torch.allclose(first[:, :, :5], second[:, :, :5], atol=1e-5)
    assert not torch.allclose(first[:, :, 5:], second[:, :, 5:], atol=1e-2)


def test_the_context_looks_both_ways_and_adds_nothing_at_first():
    context = TwoWayContext(16, (9, 2, 2), 2, told=3)
    latents, told = torch.randn(1, 16, 9, 2, 2), torch.randn(1, 9, 3)
    assert torch.equal(context(latents, told), latents)
    torch.nn.init.normal_(context.out.weight)
    further, also = latents.clone(), told.clone()
    further[:, :, 5, 0, 0] += 1
    also[:, 5, 0] += 1
    for changed in ((further, told), (latents, also)):
        moved = (context(*changed) - changed[0] - context(latents, told) + latents).abs().amax(dim=(0, 1))
        # Two steps on either side, and in all cells of them.
        assert [time for time in range(9) if (moved[time] > 1e-4).all()] == [3, 4, 5, 6, 7]
        assert moved[[0, 1, 2, 8]].max() < 1e-6


def test_frames_that_are_not_believed_are_placed_by_those_around_them():
    regression = LocalRegression(2)
    nn.init.zeros_(regression.sure[-1].weight)
    path = torch.stack([torch.linspace(-1, 1, 17), torch.linspace(-1, 1, 17).square(), torch.zeros(17)], dim=-1)
    hidden = path.clone()
    hidden[6:8] = 0.9
    known = torch.zeros(1, 17, 2)
    believed = torch.zeros(1, regression.sure[-1].out_channels, 17)
    believed[:, : regression.corrected - 1] = 6.0
    believed[:, : regression.corrected - 1, 6:8] = -100.0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regression.sure, "forward", lambda known: believed)
        found = regression(known, hidden[None])[0]
        moved = regression(known, hidden[None] * 0.5 + 0.2)[0]
    assert (found[1:, 6:8] - path[6:8]).abs().max() < 0.02
    assert torch.allclose(found[0], torch.cat([hidden[None], found[1:]]).mean(dim=0), atol=1e-4)
    assert torch.allclose(moved, found * 0.5 + 0.2, atol=1e-3)


def test_a_glimpses_window_shows_the_place_that_it_was_laid_on_and_it_tells_that():
    # A window that is always laid on the spot at (0.5, 0.25) sees it in its middle, whichever frame it is in.
    glimpse = Glimpse(16, (9, 2, 2), 2, 64)
    nn.init.zeros_(glimpse.where[-1].weight)
    glimpse.where[-1].bias.data = torch.tensor([0.5, 0.25, 0.0]).repeat(2)
    moving = torch.zeros(1, 4, 17, 64, 64)
    moving[:, :, ::3, 23:25, 47:49] = 1
    windows = []
    glimpse.window.register_forward_pre_hook(lambda module, inputs: windows.append(inputs[0]))
    seen, places = glimpse(torch.randn(1, 16, 9, 2, 2), moving)
    frames = windows[0][:, 0]
    assert (frames[::3, 7:9, 7:9] > 0.3).all() and frames[::3, :6].max() == frames[::3, 10:].max() == 0
    assert frames[1::3].max() == 0
    assert seen.shape == (1, 9, glimpse.told)
    assert places.shape == (1, 2, 17, 3) and torch.allclose(places[:, 0], torch.tensor([0.5, 0.25, 0.0]))


def test_a_glimpse_tells_which_frames_repeat_the_one_before_them():
    glimpse = Glimpse(16, (9, 2, 2), 2, 64)
    moving = torch.randn(1, 4, 17, 64, 64)
    moving[:, :, 6] = moving[:, :, 5]
    change = by_frames(glimpse(torch.randn(1, 16, 9, 2, 2), moving).seen, 2)[0, :, -1]
    assert change[6] < -6 and change[[5, 7, 0, 16]].min() > -1


def test_codes_are_written_from_what_the_last_glimpse_saw_alone(tiny, video):
    # Whatever the convolutions say, the same glimpse gives the same codes.
    look = Glimpsed(torch.randn(2, 9, tiny.glimpses[-1].told), torch.rand(2, 2, 17, 3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiny.glimpses[-1], "forward", lambda latents, moving: look)
        first, second = (tiny.projected(video[pair]) for pair in (slice(2), slice(2, 4)))
    assert torch.equal(first, second) and not torch.equal(*(tiny.projected(video[k : k + 1]) for k in (0, 1)))


def test_numbers_arrive_exactly_by_the_straight_way_and_a_network_adds_what_stands_beside_them():
    numbers = Numbers(6, 6, 2).eval()
    nn.init.zeros_(numbers.straight.bias)
    numbers.straight.weight.data = torch.eye(6)[..., None]
    given = torch.rand(2, 9, 6)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.allclose(numbers(given), given, atol=1e-4)
    nn.init.normal_(numbers.out.weight)
    changed = given.clone()
    changed[:, 8] += 1
    moved = (numbers(changed) - numbers(given)).abs().amax(dim=(0, 2))
    assert moved[6:].min() > 1e-3 and moved[:6].max() == 0


def test_numbers_are_standardised_by_what_was_seen_before_and_not_by_their_own_batch():
    torch.manual_seed(0)
    numbers = Numbers(3, 3, 1).train()
    given = torch.randn(4, 9, 3) * 2 + 5
    alone = numbers(given[:1])
    for _ in range(1000):
        numbers(given)
    settled = numbers(given)
    assert torch.allclose(numbers(given[:1]), settled[:1], atol=0.1) and not torch.allclose(alone, settled[:1], atol=1)
    assert (numbers.norm.running_mean - 5).abs().max() < 1


def test_what_is_said_of_frames_is_told_by_time_steps_and_back():
    each = torch.randn(2, 17, 3)
    steps = by_steps(each, 2)
    assert steps.shape == (2, 9, 6) and torch.equal(by_frames(steps, 2), each)
    assert torch.equal(steps[:, 0], each[:, 0].repeat(1, 2)) and torch.equal(steps[:, 4], each[:, 7:9].flatten(1))


def test_levels_lie_evenly_over_what_is_written(tiny):
    # The library's tanh would leave the levels near the ends next to nothing.
    config = replace(TINY_TOKENIZER, fsq_levels=(16, 16))
    model = TrajectoryTokenizer(config).eval()
    steps = torch.linspace(-0.99, 0.99, 9 * 8).reshape(1, 9, 8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model.writing, "forward", lambda seen: steps)
        found = model.quantize(model.projected(torch.rand(1, 3, 17, 64, 64))).vectors.flatten()
    assert (found * 16 / 15 - steps.flatten()).abs().max() < 0.07
    far = torch.full((1, 9, 2, 2, 2), 9.0)
    for levels in (16, 256, 998):
        finer = TrajectoryTokenizer(replace(TINY_TOKENIZER, fsq_levels=(levels, levels)))
        assert finer.quantize(far).codes.max() == levels**2 - 1 and finer.quantize(-far).codes.min() == 0


def test_the_painting_adds_nothing_at_first_and_then_the_same_wherever_the_ball_is():
    torch.manual_seed(0)
    painting = Painting(8, 2, 64).eval()
    grey, vectors = torch.full((1, 1, 17, 64, 64), 0.1), torch.randn(1, 9, 2, 2, 2)
    assert torch.equal(painting(grey, vectors)[0], grey)
    nn.init.normal_(painting.out.weight)
    nn.init.zeros_(painting.where.straight.weight)
    pictures = []
    for u, v in ((0.0, 0.0), (0.25, -0.5)):
        painting.where.straight.bias.data = torch.tensor([u, v, 0.0]).repeat(2)
        picture, place = painting(grey, vectors)
        assert place.shape == (1, 17, 3) and torch.allclose(place[0, 5], torch.tensor([u, v, 0.0]))
        pictures.append(picture[0, 0])
    # A quarter of a half width to the right are 8 pixels, half of one downwards 16.
    here, there = pictures[0][:, 22:42, 22:42], pictures[1][:, 38:58, 30:50]
    assert torch.allclose(here, there, atol=1e-4) and here.std() > 0.1


def test_glimpses_and_painting_can_be_put_to_weights_that_have_none(tmp_path, video):
    torch.manual_seed(0)
    plain = TrajectoryTokenizer(replace(TINY_TOKENIZER, context=(), painting=False)).eval()
    plain.save_pretrained(tmp_path)
    kept, more, finer = (
        TrajectoryTokenizer.from_pretrained(tmp_path, config)
        for config in (None, TINY_TOKENIZER, replace(TINY_TOKENIZER, fsq_levels=(256, 256)))
    )
    assert not [name for name in kept.state_dict() if name.startswith(("glimpses", "writing", "painting"))]
    assert len(more.encoded(video).places) == len(TINY_TOKENIZER.context) + 1 and not more.latent_norm
    vectors = more.quantize(more.projected(video)).vectors
    assert torch.equal(more.reconstruct(vectors), kept.reconstruct(vectors))
    assert torch.equal(finer.conv_in.conv.weight, kept.conv_in.conv.weight)
    with pytest.raises(UserError, match="other layers"):
        more.save_pretrained(tmp_path)
        TrajectoryTokenizer.from_pretrained(tmp_path, replace(TINY_TOKENIZER, context=()))


def test_hardness_zero_leaves_latents_unquantised_and_one_does_not(tiny, video):
    latents = tiny.projected(video)
    hard, soft = (tiny.quantize(latents, torch.tensor(share)).vectors for share in (1.0, 0.0))
    assert torch.isin(hard.round(decimals=4), tiny.code_vectors.round(decimals=4)).all()
    assert not torch.isin(soft.round(decimals=4), tiny.code_vectors.round(decimals=4)).all()


def test_look_up_free_quantisation_is_asked_to_be_sure_and_to_use_all_codes():
    model = TrajectoryTokenizer(TINY_LFQ).train()
    sure, unsure = torch.tensor([[9.0], [-9.0]]).expand(2, 6), torch.zeros(2, 6)
    assert model._entropy(sure) < model._entropy(unsure) and model._entropy(sure) < model._entropy(sure[:1])
    latents = torch.randn(8, 16, 9, 2, 2)
    assert torch.isfinite(model.quantize(latents).penalty)
    with pytest.raises(ValueError, match="two levels"):
        replace(TINY_LFQ, fsq_levels=(2, 3))


def test_look_up_free_quantisation_of_far_latents_has_a_gradient():
    torch.manual_seed(0)
    model = TrajectoryTokenizer(TINY_LFQ).eval()
    width = model.quantizers.project_in.in_features
    latents = (1e3 * torch.randn(2, width, 9, 2, 2)).requires_grad_()
    model.quantize(latents).penalty.backward()
    assert latents.grad.isfinite().all()


def test_saved_weights_come_back(tiny, video, tmp_path):
    tiny.save_pretrained(tmp_path)
    first, second = (TrajectoryTokenizer.from_pretrained(tmp_path) for _ in range(2))
    assert torch.equal(first.encode_codes(video), second.encode_codes(video))
    assert first.config == TINY_TOKENIZER and not first.training
    for (name, mine), theirs in zip(tiny.state_dict().items(), first.state_dict().values()):
        assert torch.allclose(mine.float(), theirs.float(), rtol=1e-3, atol=1e-4), name
    assert len(weights_sha256(tmp_path)) == 64


def test_missing_weights_stop_with_a_sentence(tmp_path):
    with pytest.raises(UserError, match="config.json is missing"):
        TrajectoryTokenizer.from_pretrained(tmp_path)
    TINY_TOKENIZER.save(tmp_path / "config.json")
    with pytest.raises(UserError, match="tokenizer.safetensors is missing"):
        TrajectoryTokenizer.from_pretrained(tmp_path)


def test_settings_survive_their_file_and_contradictions_are_refused(tmp_path):
    TINY_TOKENIZER.save(tmp_path / "c.json")
    assert TokenizerConfig.load(tmp_path / "c.json") == TINY_TOKENIZER
    with pytest.raises(ValueError, match="frames"):
        replace(TINY_TOKENIZER, frames=16)
    with pytest.raises(ValueError, match="fewer than 1000 levels"):
        replace(TINY_TOKENIZER, fsq_levels=(1024, 1024))


def test_the_shipped_tokenizers_codes_keep_the_place_to_a_fraction_of_a_pixel():
    """On held-out clips; of shuffled codes nothing is left of it."""
    model = TrajectoryTokenizer.from_pretrained(SHIPPED)
    batch = draw_batch(SceneSettings(strength=(0, 0)), 12, 0, 16)
    found = reconstruction_measures(model, batch)
    assert found["centre_px_median"] < 0.3 and found["lost"] < 0.01 and found["radius_median"] < 0.04
    codes = model.encode_codes(batch.video)
    shuffled = codes.flatten(1)[:, torch.randperm(36)].view_as(codes)
    assert track_measures(model.decode_codes(shuffled), batch.track)["centre_px_median"] > 5
    assert model.config.tokens <= 45


def test_every_latent_time_step_sees_the_frames_that_it_stands_for(tiny):
    patches = torch.randn(1, 64, 17, 16, 16)
    for step in range(9):
        last = 2 * step
        changed = patches.clone()
        changed[:, :, last] = torch.randn(1, 64, 16, 16)
        first, second = (super(TrajectoryTokenizer, tiny).encode(p) for p in (patches, changed))
        assert not torch.allclose(first[:, :, step], second[:, :, step], atol=1e-3), step
