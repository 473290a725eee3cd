"""Half precision is for processors that have it."""

import torch

from tests.conftest import TINY_TOKENIZER
from trajvlm.data.rendered.scene import SceneSettings
from trajvlm.data.rendered.stream import draw_batch
from trajvlm.tokenizer.fast_inference import fast_encoder
from trajvlm.tokenizer.model import TrajectoryTokenizer
from trajvlm.tokenizer.precision import half_precision, has_bf16


def _processor(monkeypatch, *names: str) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: dict.fromkeys(("avx2", *names), True))


def test_a_processor_that_would_emulate_bf16_is_not_asked_for_it(monkeypatch):
    weights = torch.ones(2, 2)
    for names, kind in ((), torch.float32), (("avx512_bf16",), torch.bfloat16):
        _processor(monkeypatch, *names)
        assert has_bf16("cpu") == bool(names)
        with half_precision("cpu"):
            assert (weights @ weights).dtype is kind


def test_the_fast_encoder_of_such_a_processor_computes_in_single_precision(monkeypatch):
    fast = fast_encoder(TrajectoryTokenizer(TINY_TOKENIZER).eval())
    kinds = []
    fast.conv_in.conv.register_forward_hook(lambda module, inputs, output: kinds.append(output.dtype))
    video = draw_batch(SceneSettings(), 3, 0, 1).video
    for names in ((), ("avx512_bf16",)):
        _processor(monkeypatch, *names)
        fast.encode_codes(video)
    assert kinds == [torch.float32, torch.bfloat16]
