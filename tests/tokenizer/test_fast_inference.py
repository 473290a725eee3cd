"""The fast encoder gives the tokenizer's codes, and leaves the tokenizer itself alone."""

import torch

from trajvlm.data.rendered.splits import find_split
from trajvlm.data.rendered.stream import TEST_SEED, draw_batch
from trajvlm.tokenizer.bench import implementations
from trajvlm.tokenizer.fast_inference import fast_encoder
from trajvlm.tokenizer.model import TrajectoryTokenizer


def test_the_fast_encoder_gives_the_same_codes_but_for_one_in_fifty_and_neighbours_there():
    model = TrajectoryTokenizer.from_pretrained()
    video = draw_batch(find_split("test-light").settings, TEST_SEED, 0, 64).video
    before = model.encode_codes(video)
    fast = fast_encoder(model)
    after = fast.encode_codes(video)
    assert (after == before).float().mean() >= 0.98
    away = (model.code_vectors[after] - model.code_vectors[before]).abs()
    # A level is 2 / 255.
    assert away[after != before].median() < 0.01 and away.mean() < 5e-4
    assert torch.equal(model.encode_codes(video), before)


def test_every_way_of_the_bench_gives_codes_of_the_grid():
    torch.manual_seed(0)
    model = TrajectoryTokenizer.from_pretrained()
    video = torch.rand(2, 3, 17, 64, 64)
    for name, encode, _ in implementations(model, [2]):
        if "compiled" not in name:
            assert encode(video).shape == (2, *model.config.grid), name
