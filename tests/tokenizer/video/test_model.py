"""The video tokenizer draws what moves, and its library's traps stay mended."""

from dataclasses import replace

import pytest
import torch

from trajvlm.data.rendered.world import WorldSettings
from trajvlm.data.rendered.world_stream import draw_worlds
from trajvlm.tokenizer.video.config import VideoTokenizerConfig
from trajvlm.tokenizer.video.losses import layer_loss
from trajvlm.tokenizer.video.metrics import layer_measures
from trajvlm.tokenizer.video.model import LayerTokenizer, prepared
from trajvlm.tokenizer.video.train import Objective, VideoTokenizerTraining, fit

TINY = VideoTokenizerConfig(
    init_dim=8,
    layers=("residual", ("compress_space", 16), ("compress_time", 16), ("compress_space", 16)),
    read_layers=1,
    context_layers=1,
    write_layers=1,
    heads=2,
)


@pytest.fixture(scope="module")
def batch():
    return draw_worlds(WorldSettings(), 1, 0, 4)


@pytest.fixture
def tiny():
    torch.manual_seed(0)
    return LayerTokenizer(TINY).eval()


def test_clips_become_codes_and_codes_become_layers(tiny, batch):
    codes = tiny.encode_codes(batch.video)
    assert codes.shape == (4, 9, 6) and codes.dtype == torch.int64
    assert codes.min() >= 0 and codes.max() < TINY.codebook_size == 4096
    layer = tiny.decode_codes(codes)
    assert layer.shape == (4, 2, 17, 64, 64) and layer.min() >= 0 and layer.max() <= 1


def test_codes_and_vectors_are_each_others_inverse(tiny):
    codes = torch.arange(TINY.codebook_size)[None, None]
    vectors = tiny.code_vectors[codes]
    assert torch.equal(tiny.quantizers.codes_to_indices(vectors).long(), codes)


def test_every_weight_gets_a_gradient(batch):
    """Otherwise a training of several processes fails at its second step."""
    objective = Objective(LayerTokenizer(TINY).train())
    loss, _, _ = objective(prepared(batch.video), batch.layer, torch.tensor(1.0), torch.tensor(1.0))
    loss.backward()
    assert [name for name, p in objective.named_parameters() if p.grad is None] == []


def test_the_layers_see_both_ways_in_time_and_not_far(tiny):
    """What the map of frame 8 is made of, by the gradient: a window about it, as far back as ahead."""
    video = torch.rand(1, 3, 17, 64, 64)
    given = prepared(video).requires_grad_()
    p = TINY.patch
    x = given.view(1, 5, 17, 64 // p, p, 64 // p, p).permute(0, 1, 4, 6, 2, 3, 5).flatten(1, 3)
    x = tiny.conv_in(x)
    for layer in tiny.encoder_layers:
        x = layer(x)
    x[:, :, 4].square().sum().backward()
    seen = (given.grad.abs().sum((0, 1, 3, 4)) > 0).nonzero()[:, 0]
    assert seen.min() + seen.max() == 16 and 4 <= seen.min() < 8


def test_finer_times_lie_half_way_between_steps(tiny):
    finer = next(layer for layer in tiny.decoder_layers if type(layer).__name__ == "_FinerTime")
    out = finer(torch.rand(1, 16, 9, 2, 2))
    assert out.shape[2] == 17
    assert torch.allclose(out[:, :, 1::2], (out[:, :, :-1:2] + out[:, :, 2::2]) / 2)


def test_nothing_moves_gives_nothing_to_the_encoder():
    still = torch.rand(1, 3, 1, 64, 64).expand(-1, -1, 17, -1, -1)
    assert prepared(still)[:, :4].abs().max() < 1e-3


def test_the_loss_is_least_where_the_picture_is_right(batch):
    def loss(layer):
        return float(sum(layer_loss(torch.logit(layer, 1e-4), batch.layer).values()))

    right, empty = loss(batch.layer), loss(torch.zeros_like(batch.layer))
    beside = loss(batch.layer.roll(4, dims=-1))
    assert right < 0.02 and right < 0.1 * beside and right < 0.1 * empty


def test_measures_tell_a_phantom_and_a_loss(batch):
    true = batch.layer
    assert layer_measures(true, true)["centre_px"] == 0
    assert layer_measures(torch.zeros_like(true), true)["lost"] == 1
    phantom = true.clone()
    phantom[:, 0, :, :6, :6] = 1
    assert layer_measures(phantom, true)["phantoms_a_frame"] > 0.5


def test_weights_come_back_as_they_were(tiny, batch, tmp_path):
    tiny.save_pretrained(tmp_path)
    again = LayerTokenizer.from_pretrained(tmp_path)
    tiny.half().float()
    assert torch.equal(again.encode_codes(batch.video), tiny.encode_codes(batch.video))


def test_a_training_leaves_weights_and_a_curve(tmp_path):
    settings = VideoTokenizerTraining(steps=2, batch=2, reservoir=16, validate_every=2, validation_clips=2)
    fit(tmp_path / "run", settings, WorldSettings(), TINY)
    assert LayerTokenizer.from_pretrained(tmp_path / "run").config == TINY
    assert '"step": 2,' in (tmp_path / "run" / "curve.jsonl").read_text()
    # A further training starts from them, pictures alone.
    again = replace(settings, steps=1, validate_every=1, short_until=0.0)
    fit(tmp_path / "next", again, WorldSettings(), TINY, start_from=tmp_path / "run")
