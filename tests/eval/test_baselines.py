"""Learned baselines: what they promise to whoever trains them and to whoever reads their row."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from tests.conftest import TINY_TOKENIZER
from trajvlm.data.errors import UserError
from trajvlm.data.fit import Observations
from trajvlm.data.motions.families import BASIC, FAMILIES
from trajvlm.data.rendered.render import render, render_clean
from trajvlm.data.rendered.scene import SceneSettings, draw_scene
from trajvlm.data.rendered.stream import TRAINING_SEED
from trajvlm.eval.baseline_training import BUILDERS, BaselineTraining, fit
from trajvlm.eval.classifiers import NetworkClassifier, NetworkTraining, predict, trained_system
from trajvlm.eval.systems import cnn3d, decoded_track, features, resnets, token_classifier
from trajvlm.eval.systems.features import FEATURES, BoostedTrees, track_features
from trajvlm.tokenizer.model import TrajectoryTokenizer
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


def test_a_network_learns_what_can_be_learned():
    inputs, labels = torch.eye(51)[:5].repeat(8, 1), torch.arange(5).repeat(8)
    classifier = tiny()
    for _ in range(300):
        classifier.learn(inputs, labels, 30.0)
    assert (classifier.chances(inputs).argmax(dim=1) == labels).all()


def test_clips_that_cost_more_than_a_step_are_met_again():
    classifier = tiny(steps_per_batch=3)
    for _ in range(2):
        classifier.learn(torch.rand(4, 51), torch.zeros(4, dtype=torch.long), 1.0)
    assert classifier.steps == 6 and len(classifier.met[0]) == 8


@pytest.mark.parametrize("steps_per_batch", [1, 2])
def test_an_interrupted_training_goes_on_as_if_it_had_not_been(steps_per_batch):
    inputs, labels = torch.rand(4, 8, 51), torch.randint(5, (4, 8))
    whole, before, after = (tiny(steps_per_batch=steps_per_batch) for _ in range(3))
    for k in range(4):
        whole.learn(inputs[k], labels[k], 1.0)
    for k in range(2):
        before.learn(inputs[k], labels[k], 1.0)
    after.load_weights(before.weights())
    after.load_memory(before.memory())
    for k in range(2, 4):
        after.learn(inputs[k], labels[k], 1.0)
    assert same(whole.weights(), after.weights())


def test_mirrored_clips_are_answered_alike():
    torch.manual_seed(0)
    network, video = nn.Linear(51, len(BASIC)), torch.rand(3, 3, 17, 64, 64)
    classifier = NetworkClassifier("corner", "", network, NetworkTraining(), lambda v: v[..., 0, 0].flatten(1))
    said, of_mirrored = predict(classifier, video), predict(classifier, video.flip(-1))
    for one, other in zip(said, of_mirrored, strict=True):
        assert other.probabilities == pytest.approx(one.probabilities, abs=1e-6)


def test_training_is_resumed_from_its_folder_and_ends_with_its_time(tmp_path):
    first = fit(tmp_path, tiny(), MOMENT, SCENES)
    assert first.clips == 4 and first.stopped == "time was up"
    assert fit(tmp_path, tiny(), MOMENT, SCENES) == first
    longer = BaselineTraining(minutes=first.minutes + 1e-6, batch=4, validations=1, validation_clips=4)
    second = fit(tmp_path, tiny(), longer, SCENES)
    record = json.loads((tmp_path / "training.json").read_text())
    assert second.clips == 8 and second.minutes > first.minutes
    assert [entry["clips"] for entry in record["curve"]] == [4, 8]
    with pytest.raises(UserError, match="other settings"):
        fit(tmp_path, tiny(steps_per_batch=2), longer, SCENES)


def test_a_resumed_training_goes_on_behind_the_clips_that_it_has_met(tmp_path):
    class Remembering(NetworkClassifier):
        def learn(self, inputs, labels, rate):
            met.append(inputs)
            super().learn(inputs, labels, rate)

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
        def learn(self, inputs, labels, rate):
            """Learns nothing."""

    torch.manual_seed(0)
    stubborn = Stubborn("stubborn", "", nn.Linear(51, len(BASIC)), NetworkTraining(), brightness)
    settings = BaselineTraining(minutes=5, batch=1, validations=10**9, patience=2, validation_clips=4)
    progress = fit(tmp_path, stubborn, settings, SCENES)
    assert progress.stopped == "validation no longer rose" and progress.clips == 3


def test_the_learning_rate_falls_to_nothing_over_the_time():
    settings = BaselineTraining(minutes=10)
    rates = [settings.rate(minutes) for minutes in (0, 0.3, 5, 10, 12)]
    assert 0 < rates[0] < 0.1 and rates[1] > 0.95 and abs(rates[2] - 0.5) < 0.01 and rates[3:] == [0, 0]


def test_a_trained_system_answers_with_its_best_weights_and_says_how_long_it_had(tmp_path, monkeypatch):
    monkeypatch.setenv("TRAJVLM_BASELINES", str(tmp_path))
    (tmp_path / "tiny").mkdir()
    classifier = tiny()
    fit(tmp_path / "tiny", classifier, MOMENT, SCENES)
    system = trained_system("some", {"tiny": lambda folder: tiny()})
    video = torch.rand(3, 3, 17, 64, 64)
    assert system.answer(video) == {"a tiny one": predict(classifier, video)}
    prediction = system.answer(video)["a tiny one"][0]
    assert prediction.family == max(prediction.probabilities, key=prediction.probabilities.get)
    assert list(prediction.probabilities) == list(BASIC) and abs(sum(prediction.probabilities.values()) - 1) < 1e-5
    assert system.identity["tiny"]["clips"] == 4 and system.identity["tiny"]["minutes"] > 0
    with pytest.raises(UserError, match="other settings"):
        trained_system("some", {"tiny": lambda folder: tiny(steps_per_batch=2)})


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
    trees.learn(inputs, labels, 1.0)
    again.load_weights(trees.weights())
    found = trees.chances(inputs)
    assert torch.equal(found, again.chances(inputs)) and found.shape == (30, len(BASIC))
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
