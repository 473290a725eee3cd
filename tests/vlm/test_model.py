"""The language model: samples, masks, grammar, weights, and that it reads its visual tokens."""

import json

import numpy as np
import pytest
import torch

from data.equation import Equation
from data.errors import UserError
from data.families import FAMILIES
from data.scene import SceneSettings, draw_scene
from tests.conftest import TINY_TOKENIZER
from tokenizer.model import TrajectoryTokenizer
from vlm import train
from vlm.base_model import load_base
from vlm.config import VLMConfig
from vlm.measures import answer_measures
from vlm.model import TrajectoryLM
from vlm.sample import EQUATION, PROMPT, TRACK, render_samples
from vlm.train import VLMTraining, fit
from vlm.vocabulary import NUMBERS

CONFIG = VLMConfig(layers=2, lora_rank=4, codebook_size=60, grid=(9, 2, 2))


@pytest.fixture(scope="module")
def vectors():
    return TrajectoryTokenizer(TINY_TOKENIZER).code_vectors


@pytest.fixture()
def model(tiny_base, vectors):
    torch.manual_seed(0)
    return TrajectoryLM(CONFIG, vectors, tiny_base).eval()


def some(count, families=tuple(FAMILIES)):
    scenes = [draw_scene(SceneSettings(families=families), 21, k) for k in range(count)]
    codes = torch.randint(0, 60, (count, 9, 2, 2), generator=torch.Generator().manual_seed(0))
    return codes, [s.family for s in scenes], [s.constants for s in scenes]


def test_a_sample_holds_the_clip_the_family_and_the_constants(model):
    codes, families, constants = some(4)
    vocabulary = model.vocabulary
    samples = render_samples(vocabulary, model.family_ids, codes, families, constants)
    for k in range(4):
        prompt = samples.ids[k][samples.part[k] == PROMPT]
        assert vocabulary.text(prompt[0].item()) == "<|clip|>" and vocabulary.text(prompt[-1].item()) == "<|/clip|>"
        assert torch.equal(vocabulary.codes(prompt[1:-1]), codes[k].flatten())
        answer = samples.ids[k][(samples.part[k] == EQUATION) & samples.supervised[k]].tolist()
        assert answer[0] == model.family_ids[families[k]]
        written = np.array([float(vocabulary.text(token)) for token in answer[1:]])
        assert np.abs(written - constants[k]).max() <= 0.0051
        assert ((samples.part[k] == TRACK) & samples.supervised[k]).sum() == 15
        assert not samples.supervised[k][samples.part[k] == PROMPT].any()


def test_the_two_questions_do_not_see_each_other(model):
    samples = render_samples(model.vocabulary, model.family_ids, *some(3))
    allowed, part = samples.attention[:, 0], samples.part
    for k in range(3):
        equation, track, prompt = (part[k] == kind for kind in (EQUATION, TRACK, PROMPT))
        assert not allowed[k][track][:, equation].any() and not allowed[k][equation][:, track].any()
        assert allowed[k][track][:, prompt].all() and allowed[k][equation][:, prompt].all()
        assert not allowed[k].triu(1).any()
        assert samples.positions[k][equation][0] == samples.positions[k][track][0] == prompt.sum()


def test_what_is_trained_is_what_is_asked(model):
    """The scores along a teacher-forced sample equal those of step-by-step decoding with a cache."""
    codes, families, constants = some(2)
    samples = render_samples(model.vocabulary, model.family_ids, codes, families, constants)
    from vlm.model import _additive

    with torch.no_grad():
        whole = model.decoder(
            inputs_embeds=model.embed(samples.ids),
            attention_mask=_additive(samples.attention),
            position_ids=samples.positions,
        ).last_hidden_state
        for kind in (EQUATION, TRACK):
            k = 0
            mine = samples.part[k] == kind
            from transformers import DynamicCache

            prompt = samples.ids[k][samples.part[k] == PROMPT][None]
            hidden, cache = model._extend(torch.cat([prompt, samples.ids[k][mine][None, :1]], dim=1), DynamicCache())
            assert torch.allclose(hidden[0], whole[k][mine][0], atol=1e-4)
            hidden, cache = model._extend(samples.ids[k][mine][None, 1:2], cache)
            assert torch.allclose(hidden[0], whole[k][mine][1], atol=1e-4)


def test_every_answer_is_an_equation_that_parses(model):
    codes, *_ = some(16)
    for answer in model.answer(codes):
        family = FAMILIES[answer.family]
        assert answer.constants.shape == (family.size,)
        assert np.isin(answer.constants, NUMBERS).all()
        assert np.isclose(sum(answer.probabilities.values()), 1, atol=1e-5)
        again = Equation.from_text(answer.equation.to_text())
        assert np.isfinite(again.positions(np.linspace(0, 1, 5))).all()


def test_one_answer_does_not_depend_on_the_others_in_its_batch(model):
    codes, *_ = some(6)
    together = model.answer(codes)
    for k in range(6):
        alone = model.answer(codes[k : k + 1])[0]
        assert alone.family == together[k].family
        assert np.allclose(alone.constants, together[k].constants, atol=0.011)


def test_gradients_reach_the_adapter_and_the_new_rows_alone(model):
    model.train()
    model(render_samples(model.vocabulary, model.family_ids, *some(4)))["loss"].backward()
    for name, parameter in model.named_parameters():
        moved = parameter.grad is not None and parameter.grad.abs().sum() > 0
        trained = name.startswith("rows.") or "lora_B" in name
        if "lora_A" not in name and "lm_head" not in name:
            assert moved == trained, name


def test_a_few_clips_can_be_learned_by_heart(model):
    model.train()
    batch = render_samples(model.vocabulary, model.family_ids, *some(4))
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=1e-2)
    losses = []
    for _ in range(60):
        loss = model(batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_saved_weights_come_back(model, vectors, tiny_base, tmp_path):
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.05 * torch.randn_like(parameter))
    model.save_pretrained(tmp_path)
    again = TrajectoryLM.from_pretrained(vectors, tmp_path, tiny_base)
    codes, *_ = some(4)
    for mine, theirs in zip(model.answer(codes), again.answer(codes)):
        assert mine.family == theirs.family
        assert mine.probabilities == pytest.approx(theirs.probabilities, abs=0.02)
    assert sum(f.stat().st_size for f in tmp_path.iterdir()) < 2e5


def test_missing_weights_and_base_models_stop_with_a_sentence(vectors, tiny_base, tmp_path):
    with pytest.raises(UserError, match="config.json is missing"):
        TrajectoryLM.from_pretrained(vectors, tmp_path, tiny_base)
    with pytest.raises(UserError, match="could not be loaded"):
        load_base(str(tmp_path / "nowhere"), 2)


def test_only_the_first_layers_are_kept(tiny_base):
    base, ids = load_base(tiny_base, 2)
    assert len(base.get_decoder().layers) == 2 and list(ids) == list(FAMILIES)


@pytest.mark.slow
def test_an_interrupted_training_ends_as_an_uninterrupted_one(tmp_path, tiny_base, monkeypatch):
    TrajectoryTokenizer(TINY_TOKENIZER).save_pretrained(tmp_path / "tokenizer")
    settings = VLMTraining(steps=4, batch=2, validate_every=2, validation_clips=2)

    def run(name):
        fit(tmp_path / name, settings, SceneSettings(), tmp_path / "tokenizer", base_model=tiny_base, config=CONFIG)

    run("whole")

    class Stopped(Exception):
        pass

    def drawing(scenes, seed, index):
        if seed == train.TRAINING_SEED and index >= 4:
            raise Stopped
        return draw_scene(scenes, seed, index)

    with monkeypatch.context() as patch:
        patch.setattr(train, "draw_scene", drawing)
        with pytest.raises(Stopped):
            run("parts")
    run("parts")
    whole, parts = (
        [json.loads(line) for line in (tmp_path / name / "curve.jsonl").read_text().splitlines()]
        for name in ("whole", "parts")
    )
    assert [line["step"] for line in parts] == [2, 4]
    assert parts[-1]["number"] == pytest.approx(whole[-1]["number"], rel=0.02)


def test_validation_judges_decoded_answers(model):
    codes, *_ = some(4)
    scenes = [draw_scene(SceneSettings(), 21, k) for k in range(4)]
    measures = answer_measures(model.answer(codes), scenes)
    assert 0 <= measures["family_accuracy"] <= 1 and measures["curve_nmse_median"] > 0
