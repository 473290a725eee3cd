"""Training the tokenizer: it learns, it goes on where it stopped."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.conftest import TINY_TOKENIZER
from tests.launch import in_two_processes
from trajvlm.data.errors import UserError
from trajvlm.data.rendered.render import render_clean, track
from trajvlm.data.rendered.scene import SceneSettings, draw_scene
from trajvlm.data.rendered.stream import draw_batch
from trajvlm.tokenizer import train
from trajvlm.tokenizer.checkpoint import latest_checkpoint
from trajvlm.tokenizer.model import TrajectoryTokenizer
from trajvlm.tokenizer.readout import read_track
from trajvlm.tokenizer.train import TokenizerObjective, TokenizerTraining, fit


def test_the_readout_finds_the_ball_in_a_clean_scene():
    scenes = [draw_scene(SceneSettings(), 4, k) for k in range(20)]
    truth, found = track(scenes), read_track(render_clean(scenes))
    assert found.seen.all()
    assert ((found.track.centre - truth.centre).norm(dim=-1) * 32).median() < 0.2
    assert (found.track.radius / truth.radius - 1).abs().median() < 0.05


def test_an_empty_scene_shows_no_ball():
    assert not read_track(torch.full((1, 3, 17, 64, 64), 0.1)).seen.any()


def test_one_clip_can_be_learned_by_heart():
    torch.manual_seed(0)
    batch = draw_batch(SceneSettings(), 0, 0, 2)
    settings = TokenizerTraining(soft_until=0, hard_from=0)
    objective = TokenizerObjective(TrajectoryTokenizer(TINY_TOKENIZER).train(), settings)
    optimizer = torch.optim.Adam(objective.parameters(), lr=3e-3)
    losses = []
    for _ in range(60):
        loss, *_ = objective(batch.video, batch.clean, batch.track.centre, batch.track.radius, torch.tensor(1.0))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-5:]) < 0.35 * sum(losses[:5])


def test_quantisation_begins_late_and_is_complete_in_time():
    settings = TokenizerTraining(steps=100, soft_until=0.2, hard_from=0.5)
    assert settings.hardness(10, 100) == 0 and 0 < settings.hardness(35, 100) < 1 and settings.hardness(50, 100) == 1
    with pytest.raises(ValueError, match="soft_until"):
        TokenizerTraining(soft_until=0.5, hard_from=0.2)


@pytest.mark.slow
def test_an_interrupted_training_ends_as_an_uninterrupted_one(tmp_path, monkeypatch):
    whole = TokenizerTraining(steps=4, batch=2, validate_every=2, validation_clips=2, soft_until=0, hard_from=0)
    fit(tmp_path / "whole", whole, SceneSettings(), TINY_TOKENIZER)
    with monkeypatch.context() as patch:
        patch.setattr(train, "draw_batch", stop_after_two_steps)
        with pytest.raises(Stopped):
            fit(tmp_path / "parts", whole, SceneSettings(), TINY_TOKENIZER)
    with pytest.raises(UserError, match="batch was 2 and is now 3, tokenizer.init_dim was 8 and is now 16; resume it"):
        fit(tmp_path / "parts", replace(whole, batch=3), SceneSettings(), replace(TINY_TOKENIZER, init_dim=16))
    fit(tmp_path / "parts", whole, SceneSettings(), TINY_TOKENIZER)
    first, second = (TrajectoryTokenizer.from_pretrained(tmp_path / name).state_dict() for name in ("whole", "parts"))
    assert all(torch.allclose(first[k].float(), second[k].float(), atol=1e-3) for k in first)
    steps = [json.loads(line)["step"] for line in (tmp_path / "parts" / "curve.jsonl").read_text().splitlines()]
    assert steps == [2, 4]


@pytest.mark.slow
def test_two_processes_train_one_tokenizer_and_resume_when_one_was_killed(tmp_path):
    script = Path(__file__).parent / "two_processes.py"
    assert in_two_processes(script, tmp_path).returncode
    assert latest_checkpoint(tmp_path / "out").name == "2"
    resumed = in_two_processes(script, tmp_path)
    assert resumed.returncode == 0, resumed.stderr[-2000:]
    assert "step 2 on, 2 processes on cpu" in resumed.stdout
    curve = (tmp_path / "out" / "curve.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in curve] == [2, 4, 5]
    TrajectoryTokenizer.from_pretrained(tmp_path / "out")


def test_a_training_that_goes_on_from_another_keeps_its_head(tmp_path):
    short = TokenizerTraining(steps=1, batch=2, validation_clips=2, soft_until=0, hard_from=0)
    fit(tmp_path / "first", short, SceneSettings(), TINY_TOKENIZER)
    still = replace(short, learning_rate=0.0)
    fit(tmp_path / "second", still, SceneSettings(), TINY_TOKENIZER, start_from=tmp_path / "first")
    first, second = (load_file(tmp_path / name / train.HEAD) for name in ("first", "second"))
    assert all(torch.equal(first[k], second[k]) for k in first)


def test_parts_that_are_not_trained_stay_what_they_are_and_so_do_the_norms_statistics(tmp_path):
    torch.manual_seed(0)
    TrajectoryTokenizer(replace(TINY_TOKENIZER, context=(), painting=False)).save_pretrained(tmp_path / "first")
    added = "encoder_context", "painting"
    settings = TokenizerTraining(steps=2, batch=2, validation_clips=2, soft_until=0, hard_from=0, only=added)
    fit(tmp_path / "second", settings, SceneSettings(), TINY_TOKENIZER, start_from=tmp_path / "first")
    before, after = (load_file(tmp_path / name / "tokenizer.safetensors") for name in ("first", "second"))
    kept = [name for name in before if not name.startswith("latent_norm")]
    assert all(torch.equal(before[name], after[name]) for name in kept)
    assert not after["writing.norm.running_mean"].any()
    assert any(after[name].any() for name in after if name.startswith(added) and name.endswith("out.weight"))
    with pytest.raises(UserError, match="no part 'glimps_s'.* it has .*glimpses"):
        misspelt = replace(settings, only=("glimps_s",))
        fit(tmp_path / "third", misspelt, SceneSettings(), TINY_TOKENIZER, start_from=tmp_path / "first")


def test_weights_to_start_from_that_are_missing_end_the_command_with_a_sentence(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        train.main(out=tmp_path / "out", start_from=tmp_path / "nowhere")
    assert ended.value.code == 1
    [sentence] = capsys.readouterr().err.splitlines()
    assert "nowhere" in sentence and "is missing" in sentence
    assert not (tmp_path / "out").exists()


class Stopped(Exception):
    pass


def stop_after_two_steps(settings, seed, first, size):
    """`draw_batch` that fails where the third training step would draw its clips."""
    if seed == train.TRAINING_SEED and first >= 2 * size:
        raise Stopped
    return draw_batch(settings, seed, first, size)
