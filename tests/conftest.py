"""Tiny models for the tests: the true architecture at a size that is built in a moment, with nothing learned."""

import pytest
from hypothesis import settings
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from trajvlm.data.motions.families import FAMILIES
from trajvlm.tokenizer.config import TokenizerConfig

# How long an example takes says how busy the machine is, and nothing of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

TINY_TOKENIZER = TokenizerConfig(
    init_dim=8,
    layers=(
        "residual",
        ("compress_space", 8),
        "residual",
        ("compress_time", 8),
        ("compress_space", 8),
        ("compress_space", 16),
        "attend_space",
    ),
    fsq_levels=(5, 4, 3),
)


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory) -> str:
    """A folder with a small Llama of three layers whose vocabulary is the families' names, signs and digits."""
    folder = tmp_path_factory.mktemp("base")
    words = {word: k for k, word in enumerate(["<unk>", *FAMILIES, *"+-0123456789"])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>").save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return str(folder)
