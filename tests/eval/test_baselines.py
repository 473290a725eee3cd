"""Learned baselines: what they promise to whoever trains them and to whoever reads their row."""

import json
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tests.conftest import TINY_TOKENIZER
from trajvlm.data.errors import UserError
from trajvlm.data.fit import Observations
from trajvlm.data.motions.families import BASIC, FAMILIES
from trajvlm.data.rendered.render import render, render_clean
from trajvlm.data.rendered.scene import SceneSettings, draw_scene
from trajvlm.data.rendered.stream import TRAINING_SEED
from trajvlm.eval import baseline_training
from trajvlm.eval.baseline_training import BUILDERS, BaselineTraining, fit
from trajvlm.eval.classifiers import NetworkClassifier, NetworkTraining, classify, trained_system
from trajvlm.eval.systems import cnn3d, decoded_track, features, resnets, token_classifier
from trajvlm.eval.systems.features import FEATURES, BoostedTrees, track_features
from trajvlm.tokenizer.checkpoint import write_weights
from trajvlm.tokenizer.model import TrajectoryTokenizer
from trajvlm.tokenizer.training_loop import steps
from trajvlm.vlm.calibration import Calibration

SCENES = SceneSettings(strength=(0.0, 0.0))
MOMENT = BaselineTraining(minutes=1e-6, batch=4, validations=1, validation_clips=4)


def brightness(video):
    return video.mean(dim=(3, 4)).flatten(1)


def tiny(folder=None, steps_per_batch=1, name="tiny") -> NetworkClassifier:
    torch.manual_seed(0)
    training = NetworkTraining(steps_per_batch=steps_per_batch)
    return NetworkClassifier(name, "a tiny one", nn.Linear(51, len(BASIC)), training, brightness)


def same(one, other) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def arc(turns=1.0, noise=0.0, frames=17):
    t = np.linspace(0, 1, frames)
    angle = 2 * np.pi * turns * t
    centre = 0.5 * np.column_stack([np.cos(angle), np.sin(angle)])
    return Observations(t, centre + noise * np.random.default_rng(0).normal(size=centre.shape), np.full(frames, 0.1))


@pytest.fixture()
def scores(monkeypatch):
    """The validation scores to come, one after every step; an exception among them is raised."""
    to_come = []

    def score(*arguments):
        value = to_come.pop(0)
        if isinstance(value, BaseException):
            raise value
        return value, 0.5

    monkeypatch.setattr(baseline_training, "_scores", score)
    # Rates that do not depend on the time, and clips drawn here.
    monkeypatch.setattr(BaselineTraining, "rate", lambda self, step, steps: 0.5)
    monkeypatch.setattr(baseline_training, "prefetch", lambda draw, wanted: (draw(*one) for one in wanted))
    return to_come


def often(patience: int) -> BaselineTraining:
    """A training that is validated after every step."""
    return BaselineTraining(minutes=60, batch=4, validations=10**9, patience=patience, validation_clips=1)


def test_a_network_learns_what_can_be_learned():
    inputs, labels = torch.eye(51)[:5].repeat(8, 1), torch.arange(5).repeat(8)
    classifier = tiny()
    schedule = SimpleNamespace(steps=300, minutes=None, rate=lambda step, steps: 30.0)
    batches = [(inputs, labels)] * schedule.steps
    for _ in steps(
        classifier.network, classifier.optimizer(), lambda progress: iter(batches), classifier.loss, schedule
    ):
        pass
    assert (classifier.probabilities(inputs).argmax(dim=1) == labels).all()


def test_clips_that_cost_more_than_a_step_are_met_again(tmp_path, scores):
    classifier, scores[:] = tiny(steps_per_batch=3), [-1, -2, -2, -2, -2, -2]
    progress = fit(tmp_path, classifier, often(patience=5), SCENES)
    assert progress.step == 6 and progress.clips == 8 == len(classifier.replay)


@pytest.mark.parametrize("steps_per_batch", [1, 2])
def test_an_interrupted_training_goes_on_as_if_it_had_not_been(steps_per_batch, tmp_path, scores):
    whole, interrupted, resumed = (tiny(steps_per_batch=steps_per_batch) for _ in range(3))
    scores[:] = [-1, -2, -2, -2, -2, -2, -2]
    first = fit(tmp_path / "whole", whole, often(patience=6), SCENES)
    scores[:] = [-1, -2, -2, InterruptedError()]
    with pytest.raises(InterruptedError):
        fit(tmp_path / "interrupted", interrupted, often(patience=6), SCENES)
    scores[:] = [-2, -2, -2, -2]
    second = fit(tmp_path / "interrupted", resumed, often(patience=6), SCENES)
    assert (second.step, second.clips) == (first.step, first.clips) == (7, 28 if steps_per_batch == 1 else 16)
    assert same(whole.weights(), resumed.weights())
    curves = [
        [point["clips"] for point in json.loads((tmp_path / name / "progress.json").read_text())["curve"]]
        for name in ("whole", "interrupted")
    ]
    assert curves[0] == curves[1] and len(curves[0]) == 7


def test_the_weights_with_the_best_validation_score_are_kept(tmp_path, scores):
    best = {}

    class Watched(NetworkClassifier):
        def weights(self):
            best.update({name: value.clone() for name, value in super().weights().items()})
            return super().weights()

    torch.manual_seed(0)
    classifier = Watched("watched", "", nn.Linear(51, len(BASIC)), NetworkTraining(), brightness)
    scores[:] = [-3, -1, -2, -2]
    progress = fit(tmp_path, classifier, often(patience=2), SCENES)
    assert progress.best == -1 and progress.step == 4
    found = load_file(tmp_path / "weights.safetensors")
    assert same(found, best) and not same(found, classifier.weights())


def test_mirrored_clips_are_answered_alike():
    torch.manual_seed(0)
    network, video = nn.Linear(51, len(BASIC)), torch.rand(3, 3, 17, 64, 64)
    classifier = NetworkClassifier("corner", "", network, NetworkTraining(), lambda v: v[..., 0, 0].flatten(1))
    said, of_mirrored = classify(classifier, video), classify(classifier, video.flip(-1))
    for one, other in zip(said, of_mirrored, strict=True):
        assert other.probabilities == pytest.approx(one.probabilities, abs=1e-6)


def test_training_is_resumed_from_its_folder_and_ends_with_its_time(tmp_path):
    first = fit(tmp_path, tiny(), MOMENT, SCENES)
    assert first.clips == 4 and first.stopped(MOMENT) == "time was up"
    assert fit(tmp_path, tiny(), MOMENT, SCENES) == first
    longer = BaselineTraining(minutes=first.minutes + 1e-6, batch=4, validations=1, validation_clips=4)
    second = fit(tmp_path, tiny(), longer, SCENES)
    record = json.loads((tmp_path / "progress.json").read_text())
    assert record["training"] == asdict(longer) and record["minutes"] == second.minutes
    assert second.clips == 8 and second.minutes > first.minutes
    assert [entry["clips"] for entry in record["curve"]] == [4, 8]
    with pytest.raises(UserError, match="other settings"):
        fit(tmp_path, tiny(steps_per_batch=2), longer, SCENES)


def test_a_resumed_training_goes_on_behind_the_clips_that_it_has_met(tmp_path):
    class Remembering(NetworkClassifier):
        def loss(self, network, batch):
            met.append(batch[0])
            return super().loss(network, batch)

    met, minutes = [], 0.0
    for _ in range(2):
        torch.manual_seed(0)
        one = Remembering("one", "", nn.Linear(51, len(BASIC)), NetworkTraining(), brightness)
        settings = BaselineTraining(minutes=minutes + 1e-6, batch=3, validations=1, validation_clips=4)
        minutes = fit(tmp_path, one, settings, SCENES).minutes
    stream = render([draw_scene(SCENES, TRAINING_SEED, index) for index in range(6)])
    assert torch.allclose(torch.cat(met), brightness(stream))


def test_training_ends_where_validation_no_longer_rises(tmp_path):
    class Stubborn(type(tiny())):
        def loss(self, network, batch):
            """Learns nothing."""
            return None, {}

    torch.manual_seed(0)
    stubborn = Stubborn("stubborn", "", nn.Linear(51, len(BASIC)), NetworkTraining(), brightness)
    settings = BaselineTraining(minutes=5, batch=1, validations=10**9, patience=2, validation_clips=4)
    progress = fit(tmp_path, stubborn, settings, SCENES)
    assert progress.stopped(settings) == "validation no longer rose" and progress.clips == 3


def test_the_learning_rate_falls_to_nothing_over_the_time():
    settings = BaselineTraining()
    rates = [settings.rate(step, 100) for step in (0, 3, 50, 100, 120)]
    assert 0 < rates[0] < 0.1 and rates[1] > 0.95 and abs(rates[2] - 0.5) < 0.01 and rates[3:] == [0, 0]


def test_a_trained_system_answers_with_its_best_weights_and_says_how_long_it_had(tmp_path, monkeypatch):
    monkeypatch.setenv("TRAJVLM_BASELINES", str(tmp_path))
    (tmp_path / "tiny").mkdir()
    classifier = tiny()
    fit(tmp_path / "tiny", classifier, MOMENT, SCENES)
    system = trained_system("some", {"tiny": lambda folder: tiny()})
    video = torch.rand(3, 3, 17, 64, 64)
    assert system.answer(video) == {"a tiny one": classify(classifier, video)}
    verdict = system.answer(video)["a tiny one"][0]
    assert verdict.family == max(verdict.probabilities, key=verdict.probabilities.get)
    assert list(verdict.probabilities) == list(BASIC) and abs(sum(verdict.probabilities.values()) - 1) < 1e-5
    assert system.identity["tiny"]["clips"] == 4 and system.identity["tiny"]["minutes"] > 0
    with pytest.raises(UserError, match="other settings"):
        trained_system("some", {"tiny": lambda folder: tiny(steps_per_batch=2)})


def test_a_training_of_an_earlier_version_is_evaluated_but_not_resumed(tmp_path, monkeypatch):
    """Those wrote all that they knew into training.json, and what they resumed from into state.safetensors."""
    monkeypatch.setenv("TRAJVLM_BASELINES", str(tmp_path))
    classifier, folder = tiny(), tmp_path / "tiny"
    folder.mkdir()
    write_weights(classifier.weights(), folder / "weights.safetensors")
    write_weights({"memory.steps": torch.tensor(1)}, folder / "state.safetensors")
    curve = [{"clips": 4, "minutes": 0.5, "log_chance": -1.5, "accuracy": 0.25}]
    progress = {"minutes": 0.5, "clips": 4, "best": -1.5, "since_best": 0, "stopped": "time was up", "curve": curve}
    record = {"classifier": classifier.settings, "training": asdict(MOMENT), "scenes": asdict(SCENES)} | progress
    (folder / "training.json").write_text(json.dumps(record))
    system = trained_system("some", {"tiny": lambda folder: tiny()})
    video = torch.rand(2, 3, 17, 64, 64)
    assert system.answer(video) == {"a tiny one": classify(classifier, video)}
    assert system.identity["tiny"]["curve"] == curve and system.identity["tiny"]["stopped"] == "time was up"
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(UserError, match="an earlier version, which can be evaluated but not resumed"):
        fit(folder, tiny(), MOMENT, SCENES)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("load", "baseline"),
    [
        (features.load, "features"),
        (cnn3d.load, "cnn3d"),
        (resnets.load_r3d18, "r3d18"),
        (resnets.load_resnet18, "resnet18"),
        (token_classifier.load, "tokens"),
    ],
)
def test_an_untrained_baseline_says_how_to_train_it(load, baseline, tmp_path, monkeypatch):
    monkeypatch.setenv("TRAJVLM_BASELINES", str(tmp_path))
    with pytest.raises(UserError, match=f"python -m trajvlm.eval.baseline_training --system {baseline} "):
        load()


def test_every_baseline_is_trained_under_the_name_of_its_folder():
    assert list(BUILDERS) == [
        *("features", "cnn3d", "r3d18", "resnet18", "tokens", "tokens_untrained"),
        *("decoded_trees", "open_magvit2", "videomae", "clip"),
    ]


@pytest.mark.parametrize("network", [cnn3d.SmallCNN, resnets.FrameResNet, resnets.VideoResNet])
def test_networks_on_pixels_give_a_number_for_each_family(network):
    # Shapes without numbers: R3D-18 alone has 33 million weights.
    with torch.device("meta"):
        assert network()(torch.empty(2, 3, 17, 64, 64)).shape == (2, len(BASIC))


def test_the_mean_over_frames_does_not_know_their_order():
    network, video = resnets.FrameResNet().eval(), torch.rand(1, 3, 17, 64, 64)
    with torch.no_grad():
        assert torch.allclose(network(video), network(video.flip(2)), atol=1e-4)


def test_the_token_classifier_sees_where_a_code_stands():
    codes = torch.arange(TINY_TOKENIZER.tokens).view(1, *TINY_TOKENIZER.grid) % TINY_TOKENIZER.codebook_size
    vectors = torch.rand(TINY_TOKENIZER.codebook_size, 3)
    network = token_classifier.TokenTransformer(TINY_TOKENIZER, vectors, width=16).eval()
    with torch.no_grad():
        assert not torch.allclose(network(codes), network(codes.flip(1)), atol=1e-4)


@pytest.mark.parametrize("config", [TINY_TOKENIZER, replace(TINY_TOKENIZER, context=(), painting=False)])
def test_the_untrained_tokenizer_is_random_but_does_not_collapse(monkeypatch, config):
    monkeypatch.setattr(token_classifier, "_NORM_BATCHES", 2)
    monkeypatch.setattr(token_classifier, "_NORM_CLIPS", 8)
    before = torch.get_rng_state()
    tokenizer = token_classifier.untrained_tokenizer(config)
    assert torch.equal(torch.get_rng_state(), before)
    plain = TrajectoryTokenizer(config).eval()
    video = torch.rand(8, 3, 17, 64, 64)
    norm, fresh = (model.latent_norm or model.writing.norm for model in (tokenizer, plain))
    assert norm.running_var.median() < 1 and fresh.running_var.eq(1).all()
    assert tokenizer.encode_codes(video).unique().numel() > 3


def test_features_tell_a_circle_from_a_line():
    named = dict(zip(FEATURES, track_features(arc()), strict=True))
    assert named["turning_signed"] == pytest.approx(2 * np.pi * 15 / 16, rel=0.01)
    assert named["spread_across"] > 0.9 and named["path_over_displacement"] > 100
    line = Observations(t := np.linspace(0, 1, 17), np.column_stack([t, 0.3 * t]), np.full(17, 0.1))
    named = dict(zip(FEATURES, track_features(line), strict=True))
    assert named["turning_total"] < 1e-6 and named["along_line_error"] < 1e-9
    assert named["path_over_displacement"] == pytest.approx(1, abs=0.01)


def test_a_track_with_too_few_frames_is_missing_and_not_zero():
    found = track_features(arc(frames=3))
    assert found[0] == 3 and np.isnan(found[1:]).all()
    resting = Observations(np.linspace(0, 1, 17), np.zeros((17, 2)), np.full(17, 0.1))
    assert np.isfinite(track_features(resting)).all()


def test_trees_grow_the_same_from_what_they_met():
    tracks = [arc(turns, 0.01 * k) for k in range(15) for turns in (0.2, 1.5)]
    inputs = torch.from_numpy(np.stack([track_features(track) for track in tracks]))
    labels = torch.tensor([0, 3]).repeat(15)
    trees, again = BoostedTrees(), BoostedTrees()
    trees.settings = again.settings = trees.settings | {"max_iter": 5}
    trees.replay.add(inputs, labels)
    again.load_weights(trees.weights())
    found = trees.probabilities(inputs)
    assert torch.equal(found, again.probabilities(inputs)) and found.shape == (30, len(BASIC))
    assert (found[:, [1, 2, 4]] == 0).all()


class KeepsPictures:
    """A tokenizer whose codes are the clip itself."""

    def encode_codes(self, video):
        return video

    def decode_codes(self, codes):
        return codes


def test_trees_on_the_decoded_track_choose_among_all_families(tmp_path, monkeypatch):
    monkeypatch.setenv("TRAJVLM_BASELINES", str(tmp_path))

    def build(folder):
        trees = decoded_track.DecodedTrees(KeepsPictures(), "a" * 64)
        trees.settings = trees.settings | {"max_iter": 2}
        return trees

    folder = tmp_path / "decoded_trees"
    folder.mkdir()
    fit(folder, build(folder), replace(MOMENT, batch=8), SCENES)
    record = json.loads((folder / "training.json").read_text())
    assert record["scenes"]["families"] == record["classifier"]["families"] == list(FAMILIES)
    system = trained_system("decoded-trees", {"decoded_trees": build})
    (found,) = system.answer(render([draw_scene(SCENES, 9, 0)])).values()
    assert list(found[0].probabilities) == list(FAMILIES)


def test_fits_to_the_decoded_track_have_a_penalty_of_their_own():
    system = decoded_track.DecodedFit(KeepsPictures(), "a" * 64, Calibration())
    assert system.identity["criterion"]["penalty"] == 25 != Calibration().joint_criterion.penalty
    clean = render_clean([draw_scene(SceneSettings(families=("linear",), strength=(0.0, 0.0)), 9, 0)])
    ((found,),) = system.answer(clean).values()
    assert found.family == "linear" and list(found.probabilities) == list(FAMILIES)
