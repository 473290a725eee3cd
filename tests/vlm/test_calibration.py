"""What was set on validation clips lies beside the weights that it belongs to, and what is said follows from it."""

import json
from dataclasses import asdict, fields, replace

import numpy as np
import pytest
import torch

from tests.conftest import TINY_TOKENIZER
from tests.vlm.made_up import description
from trajvlm.data.errors import UserError
from trajvlm.data.fit import Criterion, Fit
from trajvlm.data.rendered.render import render_clean, track
from trajvlm.data.rendered.scene import SceneSettings, draw_scene
from trajvlm.data.rendered.stream import VALIDATION_SEED
from trajvlm.tokenizer.model import TrajectoryTokenizer
from trajvlm.tokenizer.readout import Readout
from trajvlm.vlm.answer import Answer
from trajvlm.vlm.calibrate import FittedClip, calibrate, fit_temperature, main, tune_criterion
from trajvlm.vlm.calibration import Calibration
from trajvlm.vlm.config import VLMConfig
from trajvlm.vlm.model import SHIPPED, TrajectoryLM
from trajvlm.vlm.refine import combine
from trajvlm.vlm.tta import FOUR_FLIPS

OTHER = Calibration(temperature=0.7, joint_criterion=Criterion(3.0, 0.9), tuned_on={"temperature": "four clips"})


def test_the_shipped_values_say_where_they_come_from():
    shipped = Calibration.load(SHIPPED)
    assert shipped.temperature != Calibration().temperature
    assert set(shipped.tuned_on) == {field.name for field in fields(Calibration)} - {"tuned_on"}


def test_a_calibration_comes_back_and_a_damaged_one_is_refused_with_a_sentence(tmp_path):
    OTHER.save(tmp_path)
    assert Calibration.load(tmp_path) == Calibration.load(str(tmp_path)) == OTHER
    values = asdict(OTHER)
    for damaged in ("{", "[]", '{"warmth": 1}', json.dumps(values | {"temperature": 0.0}), '{"joint_criterion": 3}'):
        (tmp_path / "calibration.json").write_text(damaged)
        with pytest.raises(UserError, match="calibration.json holds no calibration"):
            Calibration.load(tmp_path)


def test_weights_without_a_calibration_have_the_defaults_and_their_own_temperature(tmp_path):
    assert Calibration.load(tmp_path) == Calibration()
    VLMConfig().save(tmp_path / "config.json")
    assert Calibration.load(tmp_path) == Calibration()
    old = json.loads((tmp_path / "config.json").read_text()) | {"temperature": 0.55}
    (tmp_path / "config.json").write_text(json.dumps(old))
    assert Calibration.load(tmp_path) == Calibration(temperature=0.55)
    assert VLMConfig.load(tmp_path / "config.json") == VLMConfig()


def test_the_calibration_decides_whether_a_motion_is_known():
    found = description()
    assert found.known
    assert not replace(found, calibration=Calibration(known_miss_px=found.miss_px / 2)).known


def test_the_calibration_decides_how_fits_are_weighed():
    scene = draw_scene(SceneSettings(families=("circular",)), 31, 1)
    readout = Readout(track([scene]), torch.ones(1, 17, dtype=torch.bool))
    answer = Answer("linear", np.zeros(6), {"linear": 0.5, "circular": 0.5})
    chances = [
        combine(
            answer, readout, calibration=Calibration(joint_criterion=Criterion(20.0, sharpness))
        ).answer.probabilities
        for sharpness in (1e-6, 0.2)
    ]
    assert chances[0]["circular"] == pytest.approx(0.5, abs=1e-3) and chances[1]["circular"] > 0.9


@pytest.fixture()
def model(tiny_base):
    torch.manual_seed(0)
    config = VLMConfig(layers=2, lora_rank=4, codebook_size=60, families=("linear", "circular"))
    return TrajectoryLM(config, TrajectoryTokenizer(TINY_TOKENIZER).code_vectors, tiny_base).eval()


def test_a_model_is_saved_with_its_calibration_and_answers_with_it(model, tiny_base, tmp_path):
    codes = torch.zeros(1, 9, 2, 2, dtype=torch.long)
    [plain] = model.answer(codes)
    model.calibration = OTHER
    model.save_pretrained(tmp_path)
    vectors = TrajectoryTokenizer(TINY_TOKENIZER).code_vectors
    again = TrajectoryLM.from_pretrained(vectors, tmp_path, tiny_base)
    assert again.calibration == OTHER
    assert max(model.answer(codes)[0].probabilities.values()) > max(plain.probabilities.values())


def test_a_model_is_calibrated_on_validation_clips_and_says_so(model):
    settings = SceneSettings(families=("linear", "circular"))
    scenes = [draw_scene(settings, VALIDATION_SEED, k) for k in range(4)]
    expected = fit_temperature(model.answer(torch.zeros(4, 9, 2, 2, dtype=torch.long)), scenes)
    model.calibration = replace(OTHER, centre_error=0.02)
    clean = render_clean(scenes)
    # A tokenizer that loses nothing, but whose codes mean nothing to this model.
    shown = iter(clean)

    def decode(codes):
        scene = next(shown)
        return torch.stack([flip.apply(scene) for flip in FOUR_FLIPS])

    calibrate(model, lambda video: torch.zeros(len(video), 9, 2, 2, dtype=torch.long), decode, settings, 4)
    found = model.calibration
    assert found.temperature == pytest.approx(expected, abs=0.05)
    assert 0 < found.known_miss_px < 0.5
    assert set(found.tuned_on) == {"temperature", "joint_criterion", "fit_criterion", "known_miss_px"}
    assert "4 of the first 4 validation clips" in found.tuned_on["known_miss_px"]
    assert found.centre_error == 0.02 and found.offset_gain == Calibration().offset_gain


def test_the_criterion_is_that_at_which_the_true_families_are_likeliest():
    # The richer family fits better by 30, whatever the truth; a constant more is to cost more than that.
    fits = {"linear": Fit(np.zeros(6), 0.0, 6), "parabolic": Fit(np.zeros(9), -30.0, 9)}
    even = {"linear": 0.5, "parabolic": 0.5}
    clips = [FittedClip("linear", even, fits, 0.1)] * 3 + [FittedClip("parabolic", even, fits, 0.1)]
    found = tune_criterion(clips, temperature=1.0)
    score = found.sharpness * (-30.0 + 3 * found.penalty) / 2
    assert 1 / (1 + np.exp(score)) == pytest.approx(0.25, abs=0.05)
    assert tune_criterion(clips[-1:], None).penalty < 10 < tune_criterion(clips[:1], None).penalty


def test_a_calibration_that_is_there_is_not_replaced_unasked(tmp_path, capsys):
    OTHER.save(tmp_path)
    with pytest.raises(SystemExit):
        main(tmp_path)
    assert "exists; replace it with --overwrite" in capsys.readouterr().err
    assert Calibration.load(tmp_path) == OTHER
