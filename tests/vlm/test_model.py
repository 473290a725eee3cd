"""The language model: samples, masks, grammar, weights, and that it reads its visual tokens."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import DynamicCache

from tests.conftest import TINY_TOKENIZER
from tests.launch import in_two_processes
from trajvlm.data.errors import UserError
from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered.render import track
from trajvlm.data.rendered.scene import SceneSettings, draw_scene
from trajvlm.data.rendered.stream import draw_clips
from trajvlm.tokenizer.checkpoint import latest_checkpoint
from trajvlm.tokenizer.model import TrajectoryTokenizer
from trajvlm.vlm import train
from trajvlm.vlm.answer import Answer, writing_order
from trajvlm.vlm.base_model import load_base
from trajvlm.vlm.calibrate import fit_temperature
from trajvlm.vlm.calibration import Calibration
from trajvlm.vlm.config import VLMConfig
from trajvlm.vlm.decoding import MEDIAN, sampling
from trajvlm.vlm.metrics import validation_metrics
from trajvlm.vlm.model import TrajectoryLM
from trajvlm.vlm.sample import PROMPT, max_sample_length, render_samples
from trajvlm.vlm.show_samples import lines
from trajvlm.vlm.train import ReadingObjective, VLMTraining, fit, questions
from trajvlm.vlm.vocabulary import NUMBERS

CONFIG = VLMConfig(layers=2, lora_rank=4, codebook_size=60, grid=(9, 2, 2))


@pytest.fixture(scope="module")
def vectors():
    return TrajectoryTokenizer(TINY_TOKENIZER).code_vectors


@pytest.fixture()
def model(tiny_base, vectors):
    torch.manual_seed(0)
    return TrajectoryLM(CONFIG, vectors, tiny_base).eval()


def drawn(count):
    return [draw_scene(SceneSettings(), 21, k) for k in range(count)]


def some_codes(count):
    return torch.randint(0, 60, (count, 9, 2, 2), generator=torch.Generator().manual_seed(0))


def some(model, count, positions=1):
    asked = [questions(model, scene, positions, np.random.default_rng(0)) for scene in drawn(count)]
    return render_samples(model.vocabulary, some_codes(count), asked)


def test_a_sample_holds_the_clip_the_family_the_constants_and_a_position(model):
    vocabulary, codes, samples = model.vocabulary, some_codes(4), some(model, 4)
    for k, scene in enumerate(drawn(4)):
        prompt = samples.ids[k][samples.part[k] == PROMPT]
        assert vocabulary.text(prompt[0].item()) == "<|clip|>" and vocabulary.text(prompt[-1].item()) == "<|/clip|>"
        assert torch.equal(vocabulary.codes(prompt[1:-1]), codes[k].flatten())
        assert not samples.supervised[k][samples.part[k] == PROMPT].any()
        answer = samples.ids[k][(samples.part[k] == 1) & samples.supervised[k]].tolist()
        assert answer[0] == model.family_ids[scene.family]
        written = np.array([float(vocabulary.text(token)) for token in answer[1:]])
        family = FAMILIES[scene.family]
        assert np.abs(written - scene.constants[writing_order(family)]).max() <= 0.0051
        if family.periodic:
            assert abs(written[0] - family.inside(scene.constants)[0]) <= 0.0051
        mark, t, *position = samples.ids[k][samples.part[k] == 2].tolist()
        assert vocabulary.text(mark) == "<|position|>"
        there = family.positions(scene.constants, np.array([float(vocabulary.text(t))]))[0]
        assert np.abs(np.array([float(vocabulary.text(token)) for token in position]) - there).max() < 0.12
        assert samples.supervised[k][samples.part[k] == 2].tolist() == [False, False, True, True, True]


def test_questions_do_not_see_each_other(model):
    samples = some(model, 3, positions=2)
    allowed, part = samples.attention[:, 0], samples.part
    for k in range(3):
        first, second, third, prompt = (part[k] == number for number in (1, 2, 3, PROMPT))
        for one, other in ((first, second), (second, first), (second, third), (third, first)):
            assert not allowed[k][one][:, other].any()
        assert allowed[k][second][:, prompt].all() and allowed[k][first][:, prompt].all()
        assert not allowed[k].triu(1).any()
        assert samples.positions[k][first][0] == samples.positions[k][third][0] == prompt.sum()


def test_no_sample_is_longer_than_the_maximum(model):
    asked = [questions(model, scene, 2, np.random.default_rng(0)) for scene in drawn(30)]
    length = max_sample_length(model.vocabulary, 38, 2)
    assert max(38 + sum(len(q.tokens) for q in qs) for qs in asked) <= length
    assert render_samples(model.vocabulary, some_codes(30), asked, length).ids.shape == (30, length)


def test_what_is_trained_is_what_is_asked(model):
    """The scores along a teacher-forced sample equal those of step-by-step decoding with a cache."""
    samples = some(model, 2)
    with torch.no_grad():
        whole = model(samples)[-1]
        for number in (1, 2):
            mine = samples.part[0] == number
            prompt = samples.ids[0][samples.part[0] == PROMPT][None]
            hidden, cache = model._extend(torch.cat([prompt, samples.ids[0][mine][None, :1]], dim=1), DynamicCache())
            assert torch.allclose(hidden[0], whole[0][mine][0], atol=1e-4)
            hidden, cache = model._extend(samples.ids[0][mine][None, 1:2], cache)
            assert torch.allclose(hidden[0], whole[0][mine][1], atol=1e-4)


def test_a_printed_sample_shows_each_question_with_its_supervised_tokens_in_green(model):
    names = {token: family for family, token in model.family_ids.items()}
    prompt, equation, position = lines(some(model, 1), 0, lambda t: names.get(t) or model.vocabulary.text(t))
    assert prompt.plain.startswith("<|clip|> <|v_") and not prompt.spans
    written = [equation.plain[span.start : span.end].strip() for span in equation.spans if span.style == "green"]
    assert written[0] == drawn(1)[0].family and len(written) == 1 + len(drawn(1)[0].constants)
    assert len([span for span in position.spans if span.style == "green"]) == 3


def test_positions_are_asked_one_by_one(model):
    codes = some_codes(3)
    found = model.position(codes, np.array([0.0, 0.5]))
    assert found.shape == (3, 2, 3) and np.isin(found, NUMBERS).all()
    assert np.array_equal(model.position(codes, np.array([0.5])), found[:, 1:])


def test_a_number_is_the_median_of_the_models_distribution(model, monkeypatch):
    # Likeliest is 1.5, but two thirds of the weight lie round -0.5, no number of them with as much.
    chances = torch.zeros(len(NUMBERS))
    chances[350], chances[100:200] = 1 / 3, 1 / 150
    monkeypatch.setattr(model, "_number_scores", lambda hidden: chances.log().expand(len(hidden), -1))
    value, ids, _ = model._decode_number(
        model.vocabulary.code_ids(some_codes(2)).flatten(1),
        DynamicCache(),
        MEDIAN.number,
        torch.zeros(1, 2, dtype=torch.bool),
    )
    assert value == pytest.approx(-0.26, abs=0.011)
    assert (NUMBERS[ids[:, 0] - model.vocabulary.first_number] == value).all()


def test_an_answer_can_be_drawn_and_the_seed_decides_it(model):
    codes = some_codes(8)
    first, again, other = (model.answer(codes, sampling(seed)) for seed in (1, 1, 2))
    for one, same in zip(first, again):
        assert one.family == same.family and np.array_equal(one.constants, same.constants)
    assert any(not np.array_equal(one.constants, else_.constants) for one, else_ in zip(first, other))
    # What is stated of each family is the model's distribution, whatever was drawn of it.
    assert all(one.probabilities == pytest.approx(else_.probabilities) for one, else_ in zip(first, other))


def test_every_answer_is_an_equation_that_parses(model):
    codes = some_codes(16)
    for answer in model.answer(codes):
        family = FAMILIES[answer.family]
        assert answer.constants.shape == (family.size,)
        assert np.isin(answer.constants, NUMBERS).all()
        assert np.isclose(sum(answer.probabilities.values()), 1, atol=1e-5)
        again = Equation.from_text(answer.equation.to_text())
        assert np.isfinite(again.positions(np.linspace(0, 1, 5))).all()


def test_one_answer_does_not_depend_on_the_others_in_its_batch(model):
    codes = some_codes(6)
    together = model.answer(codes)
    for k in range(6):
        alone = model.answer(codes[k : k + 1])[0]
        assert alone.family == together[k].family
        assert np.allclose(alone.constants, together[k].constants, atol=0.011)


def losses_of(model, count):
    torch.manual_seed(0)
    seen = track(drawn(count))
    objective = ReadingObjective(model, VLMTraining(reader_layer=1))
    return objective(some(model, count), seen.centre, seen.radius)


def test_gradients_reach_the_adapter_and_the_new_rows_alone(model):
    model.train()
    losses_of(model, 4)["loss"].backward()
    for name, parameter in model.named_parameters():
        moved = parameter.grad is not None and parameter.grad.abs().sum() > 0
        trained = name.startswith("rows.") or "lora_B" in name
        if "lora_A" not in name and "lm_head" not in name:
            assert moved == trained, name


def test_a_few_clips_can_be_learned_by_heart(model):
    model.train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=1e-2)
    losses = []
    for _ in range(90):
        loss = losses_of(model, 4)["number"]
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
    codes = some_codes(4)
    for mine, theirs in zip(model.answer(codes), again.answer(codes)):
        assert mine.family == theirs.family
        assert mine.probabilities == pytest.approx(theirs.probabilities, abs=0.02)
    assert sum(f.stat().st_size for f in tmp_path.iterdir()) < 2e5


def test_a_model_that_goes_on_with_codes_of_other_levels_keeps_all_but_their_rows(model, vectors, tiny_base, tmp_path):
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.05 * torch.randn_like(parameter))
    model.save_pretrained(tmp_path)
    same, other = (TrajectoryLM(CONFIG, codes, tiny_base) for codes in (vectors, vectors[:, :2]))
    fresh = other.rows.code_net[0].weight.clone()
    same.start_from(tmp_path)
    other.start_from(tmp_path)
    assert torch.allclose(same.rows.code_net[0].weight, model.rows.code_net[0].weight, atol=1e-3)
    assert torch.equal(other.rows.code_net[0].weight, fresh)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and "code_net" not in name:
            assert torch.allclose(dict(other.named_parameters())[name], parameter, atol=1e-3), name


def test_missing_weights_and_base_models_stop_with_a_sentence(vectors, tiny_base, tmp_path):
    with pytest.raises(UserError, match="config.json is missing"):
        TrajectoryLM.from_pretrained(vectors, tmp_path, tiny_base)
    with pytest.raises(UserError, match="could not be loaded"):
        load_base(str(tmp_path / "nowhere"), 2, CONFIG.families)


def test_only_the_first_layers_are_kept(tiny_base):
    base, ids = load_base(tiny_base, 2, CONFIG.families)
    assert len(base.get_decoder().layers) == 2 and list(ids) == list(CONFIG.families)


class Stopped(Exception):
    pass


def stop_after_two_steps(scenes, seed, first, size):
    """`draw_clips` that fails where the third training step would draw its clips."""
    if first >= 4:
        raise Stopped
    return draw_clips(scenes, seed, first, size)


@pytest.mark.slow
def test_an_interrupted_training_ends_as_an_uninterrupted_one(tmp_path, tiny_base, monkeypatch):
    TrajectoryTokenizer(TINY_TOKENIZER).save_pretrained(tmp_path / "tokenizer")
    settings = VLMTraining(steps=4, batch=2, reader_layer=1, validate_every=2, validation_clips=2, calibration_clips=2)

    def run(name, **changed):
        how = replace(settings, **changed)
        fit(tmp_path / name, how, SceneSettings(), tmp_path / "tokenizer", base_model=tiny_base, config=CONFIG)

    run("whole")

    with monkeypatch.context() as patch:
        patch.setattr(train, "draw_clips", stop_after_two_steps)
        with pytest.raises(Stopped):
            run("parts")
    with pytest.raises(UserError, match="batch was 2 and is now 4; resume it"):
        run("parts", batch=4)
    run("parts")
    whole, parts = (
        [json.loads(line) for line in (tmp_path / name / "curve.jsonl").read_text().splitlines()]
        for name in ("whole", "parts")
    )
    assert [line["step"] for line in parts] == [2, 4]
    assert parts[-1]["number"] == pytest.approx(whole[-1]["number"], rel=0.02)


def test_validation_judges_decoded_answers(model):
    codes = some_codes(4)
    scenes = drawn(4)
    measures = validation_metrics(model.answer(codes), scenes)
    assert 0 <= measures["family_accuracy"] <= 1 and measures["curve_nmse_median"] > 0


@pytest.mark.slow
def test_two_processes_train_one_model_on_clips_of_their_own_and_resume_when_one_was_killed(tiny_base, tmp_path):
    TrajectoryTokenizer(TINY_TOKENIZER).save_pretrained(tmp_path / "tokenizer")
    script = Path(__file__).parent / "two_processes.py"
    assert in_two_processes(script, tmp_path, tiny_base).returncode
    assert latest_checkpoint(tmp_path / "out").name == "2"
    resumed = in_two_processes(script, tmp_path, tiny_base)
    assert resumed.returncode == 0, resumed.stderr[-2000:]
    given = {
        when: [(tmp_path / f"clips-{when}-{rank}.txt").read_text().split()[:2] for rank in range(2)]
        for when in ("before", "after")
    }
    assert given == {"before": [["0", "4"], ["2", "6"]], "after": [["8", "12"], ["10", "14"]]}
    curve = (tmp_path / "out" / "curve.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in curve] == [2, 4, 5]
    assert "2 validation clips" in Calibration.load(tmp_path / "out").tuned_on["temperature"]
    assert "calibrating on 2 clips" in resumed.stderr


def test_the_temperature_makes_an_oversure_model_modest():
    scenes = drawn(40)
    names = list(FAMILIES)

    def saying(scene, k):
        said = scene.family if k % 4 else names[names.index(scene.family) - 1]
        sure = {name: 0.99 if name == said else 0.01 / (len(names) - 1) for name in names}
        return Answer(said, np.zeros(FAMILIES[said].size), sure)

    temperature = fit_temperature([saying(scene, k) for k, scene in enumerate(scenes)], scenes)
    scores = np.array([0.99] + [0.01 / (len(names) - 1)] * (len(names) - 1)) ** (1 / temperature)
    assert abs(scores[0] / scores.sum() - 0.75) < 0.02
