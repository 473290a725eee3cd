"""The ablations: digits and number tokens write the same numbers, and each variation differs as its name says."""

from functools import partial

import numpy as np
import pytest
import torch

from trajvlm.data.rendered.scene import draw_scene
from trajvlm.eval import ablations
from trajvlm.eval.ablations import SCENES, VARIATIONS, DigitVocabulary, FreeRows, Variation, table
from trajvlm.tokenizer.model import TrajectoryTokenizer
from trajvlm.vlm.config import VLMConfig
from trajvlm.vlm.model import TrajectoryLM
from trajvlm.vlm.sample import render_samples
from trajvlm.vlm.train import VLMTraining, questions

SIGNS, DIGITS = (100, 101), tuple(range(10))


@pytest.fixture(scope="module")
def tokenizer():
    return TrajectoryTokenizer.from_pretrained()


@pytest.fixture()
def tiny(monkeypatch, tiny_base):
    """All models are built upon the tiny base model, which has two layers."""
    monkeypatch.setattr(ablations, "unpacked", lambda layers: tiny_base)
    monkeypatch.setattr(ablations, "VLMTraining", partial(VLMTraining, reader_layer=1))
    build = ablations.TrajectoryLM.__init__
    monkeypatch.setattr(
        ablations.TrajectoryLM, "__init__", lambda self, config, vectors: build(self, config, vectors, tiny_base)
    )


def training_of(variation, tokenizer, clips=16):
    scenes = [draw_scene(SCENES, 5, k) for k in range(clips)]
    codes = torch.randint(tokenizer.config.codebook_size, (clips, *tokenizer.config.grid))
    return ablations._Training(variation, tokenizer, scenes, codes, step_count=4)


def test_a_number_is_a_sign_and_the_digits_of_its_hundredths():
    vocabulary = DigitVocabulary(1000, 60, SIGNS, DIGITS)
    assert vocabulary.number_ids(np.array([1.27, -0.05, 7.0])).tolist() == [100, 1, 2, 7, 101, 0, 0, 5, 100, 2, 0, 0]


def test_what_is_written_in_digits_is_read_back(tokenizer, tiny, monkeypatch):
    training = training_of(VARIATIONS["numbers as digits"], tokenizer)
    model, scene = training.model.eval(), training.scenes[0]
    asked = questions(model, scene, 1, np.random.default_rng(0))
    samples = render_samples(model.vocabulary, training.codes[:1], [asked])
    assert samples.supervised.sum() == 1 + 4 * len(scene.constants) + 4 * 3
    forced = iter(asked[0].tokens[2:])

    def scores(hidden, symbols):
        wanted = next(forced)
        return (symbols == wanted).float()[None]

    monkeypatch.setattr(model, "_scores", scores)
    monkeypatch.setattr(
        model,
        "_family_scores",
        lambda hidden: torch.tensor([[float(name == scene.family) for name in model.family_ids]]),
    )
    with torch.autocast("cpu", torch.bfloat16):
        answer = model.answer(training.codes[:1])[0]
    assert answer.family == scene.family
    assert np.abs(answer.constants - scene.constants.clip(-2, 2)).max() <= 0.0051


@pytest.mark.parametrize("name", VARIATIONS)
def test_every_variation_learns_and_answers(name, tokenizer, tiny):
    training = training_of(VARIATIONS[name], tokenizer)
    before = [p.detach().clone() for p in training.model.lm.parameters() if p.requires_grad]
    next(training.steps)
    after = [p for p in training.model.lm.parameters() if p.requires_grad]
    moved = any(not torch.equal(*pair) for pair in zip(before, after))
    assert moved == (name != "no LoRA, new rows alone")
    found = training.measured(training.scenes[:4], training.codes[:4])
    assert 0 <= found["family_accuracy"] <= 1 and found["curve_nmse_median"] > 0


def test_rows_of_their_own_start_where_they_are_said_to(tokenizer, tiny):
    model = TrajectoryLM(VLMConfig(codebook_size=tokenizer.config.codebook_size), tokenizer.code_vectors)
    ablations._rows_mean(model)
    assert isinstance(model.rows, FreeRows)
    rows = model.rows.codes(torch.tensor([0, 5]))
    assert torch.equal(rows[0], rows[1])


def test_shuffling_keeps_each_clips_codes_and_changes_their_places(tokenizer, tiny):
    training = training_of(Variation(shuffled=True), tokenizer)
    shown = training._shown(training.codes, 0)
    assert not torch.equal(shown, training.codes)
    assert torch.equal(shown.flatten(1).sort().values, training.codes.flatten(1).sort().values)


def test_the_table_has_a_line_a_variation():
    cell = {"steps": 3, "family_accuracy": 0.5, "constant_error_median": 0.1, "curve_nmse_median": 0.2}
    settings = {"minutes": 6, "clips": 100, "held_out": 10}
    text = table({"settings": settings, "variations": {name: cell for name in VARIATIONS}})
    assert sum(line.startswith("| ") for line in text.splitlines()) == 1 + len(VARIATIONS)
    assert "6 minutes each" in text


def test_codes_of_another_tokenizer_are_not_taken_from_the_cache(tokenizer, tmp_path, monkeypatch):
    cache = tmp_path / "codes.safetensors"
    first = ablations._codes(tokenizer, 2, 1, cache)
    monkeypatch.setattr(ablations, "fast_encoder", lambda tokenizer: pytest.fail("encoded again"))
    assert torch.equal(ablations._codes(tokenizer, 2, 1, cache)["training"], first["training"])
    monkeypatch.setattr(ablations, "weights_sha256", lambda: "another")
    with pytest.raises(pytest.fail.Exception, match="encoded again"):
        ablations._codes(tokenizer, 2, 1, cache)
