"""Training on stored clips: what learns, what stays, and how the numbers begin."""

from dataclasses import replace

import torch
from safetensors.torch import load_file

from tests.conftest import TINY_TOKENIZER
from trajvlm.data.rendered.scene import SceneSettings
from trajvlm.tokenizer import stored
from trajvlm.tokenizer.glimpse import Glimpsed
from trajvlm.tokenizer.model import TrajectoryTokenizer
from trajvlm.tokenizer.stored import StoredTraining, fit

FINE = replace(TINY_TOKENIZER, fsq_levels=(256, 256))


def test_what_finds_writes_and_reads_is_trained_and_the_convolutions_stay(tmp_path):
    torch.manual_seed(0)
    TrajectoryTokenizer(replace(FINE, context=(), painting=False)).save_pretrained(tmp_path / "first")
    settings = StoredTraining(glimpse_clips=20, glimpse_steps=3, numbers_clips=20, numbers_steps=3)
    fit(tmp_path / "second", settings, SceneSettings(), tmp_path / "first", FINE)
    before, after = (load_file(tmp_path / name / "tokenizer.safetensors") for name in ("first", "second"))
    assert all(torch.equal(before[name], after[name]) for name in before if not name.startswith("latent_norm"))
    TrajectoryTokenizer.from_pretrained(tmp_path / "second")
    moved = "glimpses.0.nearer.bias", "encoder_context.0.out.weight", "regression.sure.6.bias", "writing.out.weight"
    assert all(after[name].any() for name in moved)
    assert (tmp_path / "second" / "stored.json").is_file()


def test_a_code_says_the_places_before_anything_is_learned():
    torch.manual_seed(0)
    model = TrajectoryTokenizer(FINE).eval()
    places = torch.randn(300, 17, 3).mul(0.2).cumsum(dim=1).sub(0.1).clamp(-0.9, 0.9)
    look = Glimpsed(torch.randn(300, 9, model.glimpses[-1].told), torch.stack([places] * 2, dim=1))
    with torch.no_grad():
        # The place itself counts for all in the mean of it and its fits.
        model.regression.sure[-1].bias[model.regression.corrected - 1] = 9.0
        stored._lay_straight_ways(model, look.seen, look.places, places)
        written = model.written(look)[0]
        read = model.painting.places(model.quantize(written).vectors)
    assert (written.abs() > 1).float().mean() < 0.05
    assert (read - places).abs().median() < 0.01
