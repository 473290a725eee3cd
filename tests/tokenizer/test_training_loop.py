"""The resumable loop: killed at any moment it goes on, and it does what it says."""

import multiprocessing
import os
import random
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import DistributedType
from safetensors.torch import load_file
from torch import nn

import trajvlm
from tests.tokenizer.small_training import SmallTraining, curve, error_of, run
from trajvlm.data.errors import UserError
from trajvlm.tokenizer import training_loop as loop
from trajvlm.tokenizer.checkpoint import latest_checkpoint, write_files, write_weights
from trajvlm.tokenizer.precision import half_precision
from trajvlm.tokenizer.training_loop import accelerated, steps

KILLS = 20


def without_waiting(lines):
    return [{name: value for name, value in line.items() if name != "waiting_share"} for line in lines]


def test_killed_at_twenty_random_moments_a_training_loses_nothing_but_the_steps_since_its_last_checkpoint(tmp_path):
    settings = SmallTraining(steps=300, validate_every=3)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.tokenizer.small_training"])
    moments, checkpoints = random.Random(), []
    while len(checkpoints) < KILLS:
        done = context.Array("i", [-1, -1])
        training = context.Process(target=run, args=(tmp_path / "killed", settings, done))
        training.start()
        steps = moments.randrange(7)
        while training.is_alive() and (done[0] < 0 or done[1] < done[0] + steps):
            training.join(0.001)
        training.join(moments.uniform(0, 0.02))
        training.kill()
        training.join()
        assert done[0] == (checkpoints[-1] if checkpoints else 0)
        last = latest_checkpoint(tmp_path / "killed")
        checkpoints.append(int(last.name) if last else 0)
        assert done[1] <= checkpoints[-1] + settings.validate_every
    assert sorted(checkpoints) == checkpoints and 0 < checkpoints[-1] < settings.steps, checkpoints
    assert run(tmp_path / "killed", settings) == run(tmp_path / "whole", settings)
    assert without_waiting(curve(tmp_path / "killed")) == without_waiting(curve(tmp_path / "whole"))
    weights = [load_file(tmp_path / name / "model.safetensors") for name in ("killed", "whole")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[1])


def test_a_setting_that_changed_is_refused_by_name_and_nothing_is_written_over(tmp_path):
    settings = SmallTraining()
    with pytest.raises(InterruptedError):
        run(tmp_path, settings, dying_at=4)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match="warmup was 2 and is now 3; resume it with the same") as refused:
        run(tmp_path, replace(settings, warmup=3, steps=8))
    assert "steps was 6 and is now 8" in str(refused.value)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    run(tmp_path, settings)
    assert [line["step"] for line in curve(tmp_path)] == [2, 4, 6]


def test_weights_without_a_checkpoint_are_not_written_over(tmp_path):
    write_weights({"x": torch.zeros(1)}, tmp_path / "tokenizer.safetensors")
    with pytest.raises(UserError, match="holds weights and no training to resume"):
        run(tmp_path, SmallTraining())
    assert [path.name for path in tmp_path.iterdir()] == ["tokenizer.safetensors"]


def test_a_validation_whose_checkpoint_was_cut_off_is_done_again_and_stands_in_the_curve_once(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(loop, "save_checkpoint", lambda *arguments: (_ for _ in ()).throw(InterruptedError))
        with pytest.raises(InterruptedError):
            run(tmp_path, SmallTraining())
    assert [line["step"] for line in curve(tmp_path)] == [2] and latest_checkpoint(tmp_path) is None
    run(tmp_path, SmallTraining())
    assert [line["step"] for line in curve(tmp_path)] == [2, 4, 6]


def test_a_training_of_so_many_minutes_ends_in_time_with_its_weights_and_its_rate_at_the_floor(tmp_path, monkeypatch):
    # A millisecond passes wherever the loop reads the clock: on a busy machine too.
    ticks = count()
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: next(ticks) / 1000))
    settings = SmallTraining(minutes=0.5 / 60, validate_every=10_000)
    run(tmp_path, settings)
    [line] = curve(tmp_path)
    assert line["step"] > 6 and line["rate"] == pytest.approx(0.01, rel=0.05)
    assert (tmp_path / "model.safetensors").is_file()
    again = (tmp_path / "curve.jsonl").stat().st_mtime_ns
    run(tmp_path, settings)
    assert len(curve(tmp_path)) == 1 and (tmp_path / "curve.jsonl").stat().st_mtime_ns >= again


def test_averaged_weights_lie_where_the_model_lies(tmp_path, monkeypatch):
    """On the device `meta`, in the place of a GPU: what is computed there can't be looked at."""

    def reached(averaged, model, *rest):
        raise InterruptedError(*(parameter.device.type for parameter in (averaged.weight, model.weight)))

    AcceleratorState._reset_state(reset_partial_state=True)
    with monkeypatch.context() as patch, pytest.raises(InterruptedError) as where:
        patch.setattr(loop, "has_bf16", lambda device: False)
        patch.setattr(loop, "move_average", reached)
        accelerator = accelerated(tmp_path)
        for state in PartialState, AcceleratorState:
            patch.setitem(state._shared_state, "device", torch.device("meta"))
        run(tmp_path, SmallTraining(), accelerator=accelerator)
    AcceleratorState._reset_state(reset_partial_state=True)
    assert where.value.args == ("meta", "meta")


def test_a_launch_that_would_split_the_model_is_refused(tmp_path, monkeypatch):
    split = SimpleNamespace(distributed_type=DistributedType.FSDP)
    monkeypatch.setattr(loop, "Accelerator", lambda **options: split)
    with pytest.raises(UserError, match="can't be split by FSDP; launch them with --multi_gpu"):
        accelerated(tmp_path)


def test_weights_may_be_read_by_whom_the_umask_lets(tmp_path):
    before = os.umask(0o022)
    try:
        write_files(tmp_path, lambda folder: write_weights({"x": torch.ones(2)}, folder / "x.safetensors"))
    finally:
        os.umask(before)
    assert (tmp_path / "x.safetensors").stat().st_mode & 0o777 == 0o644
    assert load_file(tmp_path / "x.safetensors")["x"].tolist() == [1, 1]


def test_steps_in_memory_train_the_same_weights_as_a_training_in_a_folder(tmp_path):
    settings = SmallTraining(averaging=None)
    resumable = run(tmp_path / "out", settings)
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    batches = (torch.rand(4, 3) for _ in range(settings.steps))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)

    def loss(model, batch):
        with half_precision("cpu"):
            return error_of(model, batch)

    figures = list(steps(model, optimizer, lambda progress: batches, loss, settings))
    assert [*model.weight.flatten().tolist(), *model.bias.tolist()] == resumable
    assert len(figures) == settings.steps and figures[0]["rate"] == pytest.approx(0.05)


class Malicious:
    def __reduce__(self):
        return os.mkdir, ("/nowhere/at/all",)


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path):
    with pytest.raises(InterruptedError):
        run(tmp_path, SmallTraining(), dying_at=4)
    torch.save(Malicious(), latest_checkpoint(tmp_path) / "custom_checkpoint_0.pkl")
    with pytest.raises(UserError, match="is no checkpoint of a training here"):
        run(tmp_path, SmallTraining())


def test_no_other_module_computes_gradients():
    package = Path(trajvlm.__file__).parent
    modules = [path for folder in package.iterdir() if folder.is_dir() for path in folder.rglob("*.py")]
    found = {path.name for path in modules if "backward(" in path.read_text()}
    assert len(modules) > 100 and found <= {"training_loop.py", "stored.py"}
