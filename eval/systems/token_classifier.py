"""A small transformer that names the family from the visual tokens alone, without a language model.

On the shipped tokenizer's tokens it says what the tokenizer alone gives. On the tokens of an untrained one it is the
control: what a random encoder gives. The norm in front of that one's quantizer has seen clips all the same, for without
its statistics all clips share a handful of codes; no weight of it has learned anything.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from trajvlm.data.filmed.background_subtraction import PREPROCESSING
from trajvlm.data.motions.families import BASIC
from trajvlm.data.rendered.render import render
from trajvlm.data.rendered.scene import draw_scene
from trajvlm.data.rendered.stream import TRAINING_SCENES, TRAINING_SEED
from trajvlm.eval.classifiers import NetworkClassifier, NetworkTraining, TrainedSystem, trained_system
from trajvlm.tokenizer.config import TokenizerConfig
from trajvlm.tokenizer.model import CONFIG, SHIPPED, TrajectoryTokenizer, weights_sha256

_TRAINING = NetworkTraining(steps_per_batch=4)
_NORM_BATCHES, _NORM_CLIPS = 12, 16


class TokenTransformer(nn.Module):
    """Codes (B, times, rows, columns) to logits (B, families)."""

    def __init__(self, config: TokenizerConfig, code_vectors: Tensor, width: int = 128):
        super().__init__()
        self.register_buffer("code_vectors", code_vectors.float(), persistent=False)
        self.read = nn.Sequential(nn.Linear(code_vectors.shape[1], width), nn.GELU(), nn.Linear(width, width))
        self.places = nn.Parameter(torch.randn(config.tokens, width) * 0.1)
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
        self.out = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, len(BASIC)))

    def forward(self, codes: Tensor) -> Tensor:
        hidden = self.layers(self.read(self.code_vectors[codes.flatten(1)]) + self.places)
        return self.out(hidden.mean(dim=1))


def build_tokens(folder: Path, tokenizer: Path = SHIPPED) -> NetworkClassifier:
    """The untrained classifier of the shipped tokenizer's tokens; raises UserError where its weights are missing."""
    return _classifier("tokens", "transformer on our tokens", tokenizer)


def build_tokens_untrained(folder: Path) -> NetworkClassifier:
    """The untrained classifier of an untrained tokenizer's tokens. That tokenizer is kept in the folder."""
    kept = folder / "tokenizer"
    if not kept.is_dir():
        untrained_tokenizer(TokenizerConfig.load(SHIPPED / CONFIG)).save_pretrained(kept)
    return _classifier("tokens_untrained", "transformer on an untrained tokenizer's tokens", kept)


def untrained_tokenizer(config: TokenizerConfig) -> TrajectoryTokenizer:
    """Random weights; the norms have seen the first clips of the training stream."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        tokenizer = TrajectoryTokenizer(config).eval()
        for norm in (module for module in tokenizer.modules() if isinstance(module, nn.BatchNorm1d)):
            # The plain mean over all batches, instead of a running one that remembers where it started.
            norm.train().momentum = None
        for k in range(_NORM_BATCHES):
            first = k * _NORM_CLIPS
            drawn = [draw_scene(TRAINING_SCENES, TRAINING_SEED, index) for index in range(first, first + _NORM_CLIPS)]
            tokenizer.quantize(tokenizer.projected(render(drawn)))
    return tokenizer.eval()


def _classifier(name: str, row: str, folder: Path) -> NetworkClassifier:
    tokenizer = TrajectoryTokenizer.from_pretrained(folder)
    network = TokenTransformer(tokenizer.config, tokenizer.code_vectors)
    encoder = {"tokenizer_sha256": weights_sha256(folder), "input": PREPROCESSING}
    return NetworkClassifier(name, row, network, _TRAINING, tokenizer.encode_codes, encoder)


CLASSIFIERS = {"tokens": build_tokens, "tokens_untrained": build_tokens_untrained}


def load() -> TrainedSystem:
    """Both trained classifiers; raises UserError where one is not trained."""
    return trained_system("token-classifier", CLASSIFIERS)
