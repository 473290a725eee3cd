"""Encoders that a user supplies, on small random weights of the true structure."""

import pickle

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPConfig, CLIPModel, VideoMAEConfig, VideoMAEModel

from trajvlm.data.errors import UserError
from trajvlm.data.motions.families import BASIC
from trajvlm.eval.open_magvit2 import OpenMagvit2Encoder, OpenMagvit2Settings, load_encoder
from trajvlm.eval.systems import frozen_encoders
from trajvlm.eval.systems.frozen_encoders import (
    CLIPFeatures,
    OpenMagvit2Features,
    VideoMAEFeatures,
    linear_classifier,
    resized,
)

TINY = OpenMagvit2Settings(width=32, blocks=1, size=32)


def checkpoint(path, encoder, averaged=None):
    """A file laid out as Lightning leaves it: the encoder, a decoder, and averages under names without dots."""
    state = {f"encoder.{name}": value for name, value in encoder.state_dict().items()}
    state["decoder.conv_in.conv_1.weight"] = torch.zeros(1)
    for name, value in averaged.state_dict().items() if averaged else ():
        state["model_ema." + f"encoder.{name}".replace(".", "")] = value
    torch.save({"state_dict": state, "epoch": 3}, path)
    return path


def test_the_true_structure_has_the_checkpoints_names_and_shapes():
    with torch.device("meta"):
        shapes = {
            name: tuple(value.shape) for name, value in OpenMagvit2Encoder(OpenMagvit2Settings()).state_dict().items()
        }
    assert shapes["conv_in.conv_1.weight"] == (128, 3, 3, 3, 3)
    assert shapes["down.0.block.3.conv2.conv_1.weight"] == (128, 128, 3, 3, 3)
    assert shapes["down.1.block.0.nin_shortcut.conv_1.weight"] == (256, 128, 1, 1, 1)
    assert shapes["down.2.downsample.conv_1.bias"] == (256,)
    assert shapes["mid_block.3.norm1.weight"] == (512,)
    assert shapes["conv_out.conv_1.weight"] == (18, 512, 1, 1, 1)
    assert "conv_in.conv_1.bias" not in shapes and "down.3.downsample.conv_1.weight" not in shapes


def test_seventeen_frames_become_five_steps_of_signs_an_eighth_the_size():
    with torch.no_grad():
        codes = OpenMagvit2Encoder(TINY)(torch.rand(1, 3, 17, 32, 32) * 2 - 1)
    assert codes.shape == (1, 18, 5, 4, 4) and set(codes.unique().tolist()) <= {-1.0, 1.0}


def test_a_checkpoint_and_the_safetensors_of_it_give_the_same_encoder(tmp_path):
    encoder = OpenMagvit2Encoder(TINY)
    save_file(encoder.state_dict(), tmp_path / "encoder.safetensors")
    for path in (checkpoint(tmp_path / "a.ckpt", encoder), tmp_path / "encoder.safetensors"):
        loaded = load_encoder(path, TINY)
        assert all(torch.equal(value, loaded.state_dict()[name]) for name, value in encoder.state_dict().items())
        assert not any(parameter.requires_grad for parameter in loaded.parameters())


def test_averaged_weights_come_first(tmp_path):
    averaged = OpenMagvit2Encoder(TINY)
    loaded = load_encoder(checkpoint(tmp_path / "a.ckpt", OpenMagvit2Encoder(TINY), averaged), TINY)
    assert torch.equal(loaded.conv_in.conv_1.weight, averaged.conv_in.conv_1.weight)


class Evil:
    def __reduce__(self):
        return (print, ("unpickled",))


def test_a_file_that_is_no_encoder_is_refused_and_never_unpickled(tmp_path, capsys):
    (tmp_path / "evil.ckpt").write_bytes(pickle.dumps({"state_dict": Evil()}))
    torch.save({"state_dict": Evil()}, tmp_path / "evil2.ckpt")
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"no")
    for name in ("evil.ckpt", "evil2.ckpt", "other.safetensors", "broken.safetensors", "missing.ckpt"):
        with pytest.raises(UserError):
            load_encoder(tmp_path / name, TINY)
    assert "unpickled" not in capsys.readouterr().out


def test_open_magvit2_features_say_where_the_codes_lie(tmp_path):
    features = OpenMagvit2Features(checkpoint(tmp_path / "a.ckpt", OpenMagvit2Encoder(TINY)), TINY)
    assert features(torch.rand(2, 3, 17, 64, 64)).shape == (2, features.width) == (2, 18 * 5 * 16)
    assert len(features.identity["open_magvit2_sha256"]) == 64


def test_transformers_encoders_are_read_from_a_folder(tmp_path):
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    VideoMAEModel(VideoMAEConfig(image_size=32, num_frames=16, **small)).save_pretrained(tmp_path / "mae")
    vision = small | {"image_size": 32, "patch_size": 16}
    text = small | {"vocab_size": 8, "bos_token_id": 0, "eos_token_id": 1}
    CLIPModel(CLIPConfig(vision_config=vision, text_config=text, projection_dim=6)).save_pretrained(tmp_path / "clip")
    video = torch.rand(2, 3, 17, 64, 64)
    for features, width in ((VideoMAEFeatures(tmp_path / "mae"), 16), (CLIPFeatures(tmp_path / "clip"), 12)):
        found = features(video)
        assert found.shape == (2, features.width) == (2, width) and found.isfinite().all()
        classifier = linear_classifier("some", "", features)
        loss, _ = classifier.loss(classifier.network, (found, torch.tensor([0, 1])))
        loss.backward()
        assert classifier.probabilities(found).shape == (2, len(BASIC))
    with pytest.raises(UserError, match="model.safetensors"):
        CLIPFeatures(tmp_path)
    kept = load_file(tmp_path / "mae" / "model.safetensors")
    kept.pop(next(iter(kept)))
    save_file(kept, tmp_path / "mae" / "model.safetensors", {"format": "pt"})
    with pytest.raises(UserError, match="lacks 1 of the weights"):
        VideoMAEFeatures(tmp_path / "mae")


def test_clips_are_enlarged_frame_by_frame():
    video = torch.arange(2 * 3 * 17).view(2, 3, 17, 1, 1).expand(-1, -1, -1, 64, 64).float()
    larger = resized(video, 128)
    assert larger.shape == (2, 3, 17, 128, 128) and torch.allclose(larger[..., ::2, ::2], video)


def test_without_weights_it_says_so(monkeypatch, tmp_path):
    for variable in ("TRAJVLM_OPEN_MAGVIT2", "TRAJVLM_VIDEOMAE", "TRAJVLM_CLIP"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(UserError, match="weights not supplied"):
        frozen_encoders.load()
    with pytest.raises(UserError, match="weights not supplied"):
        frozen_encoders.build_clip(tmp_path)
    monkeypatch.setenv("TRAJVLM_CLIP", str(tmp_path))
    monkeypatch.setenv("TRAJVLM_BASELINES", str(tmp_path))
    with pytest.raises(UserError, match="--system clip"):
        frozen_encoders.load()
