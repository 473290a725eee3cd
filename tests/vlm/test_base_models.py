"""Other base models: a list of kinds that can be used, and those that can't are refused with a sentence."""

import shutil

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    FalconConfig,
    Gemma2Config,
    GPT2Config,
    GPTJConfig,
    GPTNeoXConfig,
    LlamaConfig,
    MambaConfig,
    MistralConfig,
    MptConfig,
    OPTConfig,
    PhiConfig,
    PretrainedConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
)

from tests.conftest import TINY_TOKENIZER
from tests.vlm.test_model import some, some_codes
from trajvlm.data.errors import UserError
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered.render import track
from trajvlm.data.rendered.scene import SceneSettings, draw_scene
from trajvlm.tokenizer.model import TrajectoryTokenizer
from trajvlm.tokenizer.precision import half_precision
from trajvlm.vlm import base_model
from trajvlm.vlm.config import VLMConfig
from trajvlm.vlm.model import TrajectoryLM
from trajvlm.vlm.train import ReadingObjective, VLMTraining, optimizer_of

WORDS = 13 + len(FAMILIES)
NAMED = dict(vocab_size=WORDS, hidden_size=32, num_hidden_layers=3, num_attention_heads=4, pad_token_id=0)
NAMED |= dict(bos_token_id=0, eos_token_id=0)
WIDE = NAMED | dict(intermediate_size=64)
USED = [
    LlamaConfig(**WIDE),
    MistralConfig(**WIDE, num_key_value_heads=2),
    Qwen2Config(**WIDE, num_key_value_heads=2),
    Qwen3Config(**WIDE, num_key_value_heads=2, head_dim=8),
    Gemma2Config(**WIDE, num_key_value_heads=2, head_dim=8),
    PhiConfig(**WIDE),
    GPT2Config(vocab_size=WORDS, n_embd=32, n_layer=3, n_head=4, bos_token_id=0, eos_token_id=0),
    GPTJConfig(vocab_size=WORDS, n_embd=32, n_layer=3, n_head=4, rotary_dim=4, bos_token_id=0, eos_token_id=0),
    GPTNeoXConfig(**WIDE),
    OPTConfig(**NAMED, ffn_dim=64, word_embed_proj_dim=32),
    FalconConfig(**NAMED, new_decoder_architecture=False, alibi=False),
]
REFUSED = [
    BloomConfig(vocab_size=WORDS, hidden_size=32, n_layer=3, n_head=4, bos_token_id=0, eos_token_id=0),
    MptConfig(vocab_size=WORDS, d_model=32, n_layers=3, n_heads=4),
    MambaConfig(vocab_size=WORDS, hidden_size=32, num_hidden_layers=3, state_size=4),
    OPTConfig(**NAMED, ffn_dim=64, word_embed_proj_dim=16),
]
CONFIG = VLMConfig(layers=2, lora_rank=4, codebook_size=60)


def kind(config: PretrainedConfig) -> str:
    return config.model_type


@pytest.fixture(scope="module")
def vectors():
    return TrajectoryTokenizer(TINY_TOKENIZER).code_vectors


@pytest.fixture()
def folder(tmp_path, tiny_base):
    """The folder of a small model of a configuration, with the tests' words."""

    def made(config: PretrainedConfig) -> str:
        shutil.copytree(tiny_base, tmp_path / "base", ignore=shutil.ignore_patterns("*.safetensors", "config.json"))
        torch.manual_seed(0)
        AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / "base")
        return str(tmp_path / "base")

    return made


@pytest.mark.parametrize("config", USED, ids=kind)
def test_a_base_model_of_this_kind_can_be_trained_and_answers(config, folder, vectors, monkeypatch):
    # What splits words in the tests is no kind's own.
    monkeypatch.setattr(base_model, "AutoTokenizer", PreTrainedTokenizerFast)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    model = TrajectoryLM(CONFIG, vectors, folder(config)).train()
    assert {len(part) for part in model.decoder.children() if isinstance(part, torch.nn.ModuleList)} == {2}
    objective = ReadingObjective(model, VLMTraining())
    optimizer = optimizer_of(objective, "cpu")
    seen, before = track([draw_scene(SceneSettings(), 21, k) for k in range(2)]), model.rows.marks.clone()
    with half_precision("cpu"):
        losses = objective(some(model, 2), seen.centre, seen.radius)
    losses["loss"].backward()
    optimizer.step()
    assert losses["loss"].isfinite() and not torch.equal(model.rows.marks, before)
    with half_precision("cpu"):
        [answer] = model.eval().answer(some_codes(1))
    assert answer.constants.shape == (FAMILIES[answer.family].size,)


@pytest.mark.parametrize("config", REFUSED, ids=kind)
def test_a_base_model_of_that_kind_is_refused_with_a_sentence(config, folder, vectors):
    with pytest.raises(UserError, match=rf"\({config.model_type}\) can't be used: it has to take .*; choose another"):
        TrajectoryLM(CONFIG, vectors, folder(config))


def test_a_model_with_fewer_layers_than_are_asked_for_keeps_those_it_has(tiny_base, vectors):
    model = TrajectoryLM(VLMConfig(layers=10, lora_rank=4, codebook_size=60), vectors, tiny_base)
    seen = track([draw_scene(SceneSettings(), 21, 0)])
    losses = ReadingObjective(model, VLMTraining())(some(model, 1), seen.centre, seen.radius)
    assert len(model.decoder.layers) == 3 and losses["reading"].isfinite()


def test_weights_that_belong_to_another_base_model_tokenizer_or_nothing_end_with_a_sentence(
    folder, tiny_base, vectors, tmp_path
):
    trained = tmp_path / "trained"
    TrajectoryLM(CONFIG, vectors, tiny_base).save_pretrained(trained)
    wider = folder(LlamaConfig(**WIDE | dict(hidden_size=64)))
    with pytest.raises(UserError, match="trained on another base model than .*base; name the one.* --base-model"):
        TrajectoryLM.from_pretrained(vectors, trained, wider)
    with pytest.raises(UserError, match="reads other codes than this tokenizer writes"):
        TrajectoryLM.from_pretrained(vectors[:, :2], trained, tiny_base)
    (trained / "rows.safetensors").write_bytes(b"not at all")
    with pytest.raises(UserError, match="rows.safetensors is damaged"):
        TrajectoryLM.from_pretrained(vectors, trained, tiny_base)
    (trained / "config.json").write_text('{"vocab_size": 3}')
    with pytest.raises(UserError, match="holds no settings of a language model"):
        TrajectoryLM.from_pretrained(vectors, trained, tiny_base)
