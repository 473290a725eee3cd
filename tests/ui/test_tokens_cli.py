"""`trajvlm tokens`: what it prints, its picture, its sentences."""

import json

import pytest
import torch
from typer.testing import CliRunner

from tests.conftest import TINY_TOKENIZER
from tests.ui.fake import write_video
from trajvlm.data.filmed.canonical import canonical_clip
from trajvlm.tokenizer.bits_per_clip import clip_size
from trajvlm.tokenizer.model import TrajectoryTokenizer
from trajvlm.ui.cli import app
from trajvlm.ui.token_figure import mosaic


@pytest.fixture()
def tiny(monkeypatch):
    model = TrajectoryTokenizer(TINY_TOKENIZER).eval()
    monkeypatch.setattr(TrajectoryTokenizer, "from_pretrained", classmethod(lambda cls: model))
    return model


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("video") / "helix.mp4")


def test_codes_and_sizes_are_printed_and_a_picture_is_drawn(tiny, video, tmp_path):
    found = CliRunner().invoke(app, ["tokens", str(video), "--out", str(tmp_path)])
    assert found.exit_code == 0, found.output
    assert found.output.count("<|v_") == 36 and "36 tokens of 60 codes: 213 bits" in found.output
    assert (tmp_path / "helix-tokens.png").stat().st_size > 10_000


def test_json_holds_the_codes_of_the_clip(tiny, video):
    found = json.loads(CliRunner().invoke(app, ["tokens", str(video), "--json"]).stdout)
    codes = tiny.encode_codes(canonical_clip(video).frames[None])[0]
    assert found["codes"] == codes.tolist() and found["tokens"] == 36
    assert found["pixel_bits"] == 17 * 64 * 64 * 24 > found["h264_bits"] > found["bits"]


def test_a_missing_file_is_one_sentence(tiny, tmp_path):
    found = CliRunner().invoke(app, ["tokens", str(tmp_path / "nothing.mp4")])
    assert found.exit_code == 1 and "nothing.mp4" in found.output and "Traceback" not in found.output


def test_bits_follow_from_the_codebook(video):
    size = clip_size(canonical_clip(video), TINY_TOKENIZER)
    assert size.code_bits == pytest.approx(36 * 5.907, abs=0.1)
    assert size.against_pixels > size.against_h264 > 1


def test_like_codes_have_like_colours(tiny):
    codes = torch.arange(8).view(2, 2, 2)
    picture = mosaic(codes, tiny.code_vectors)
    assert picture.shape == (4, 9, 3) and picture.min() >= 0 and picture.max() <= 1
    assert (picture[:, 4] == 1).all() and (mosaic(codes * 0, tiny.code_vectors)[:, :4] == picture[0, 0]).all()
