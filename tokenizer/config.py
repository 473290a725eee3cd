"""Settings of the tokenizer, saved beside its weights."""

import json
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Any

_TOO_MANY_LEVELS = 1000
"""The bound of the library's quantizer lies a thousandth of the range beyond the last level: half a level, from so many
on."""


@dataclass(frozen=True)
class TokenizerConfig:
    """The layers of the encoder in magvit2-pytorch's own words (the decoder mirrors them), and the quantizer."""

    image_size: int = 64
    frames: int = 17
    patch: int = 4
    """Pixels of a patch's side: patches become channels before the first layer, for convolutions at full resolution
    are most of a step's cost."""
    init_dim: int = 32
    layers: tuple[str | tuple[str, int], ...] = (
        "residual",
        ("compress_space", 64),
        "residual",
        ("compress_time", 64),
        "residual",
        ("compress_space", 128),
        "residual",
        "residual",
        ("compress_space", 192),
        "attend_space",
        "attend_time",
    )
    input_kernel: tuple[int, int, int] = (3, 3, 3)
    quantizer: str = "fsq"
    """"fsq", finite scalar quantisation (Mentzer et al., 2023), or "lfq", look-up-free (MAGVIT-2, Yu et al., 2024)."""
    fsq_levels: tuple[int, ...] = (256, 256)
    """Levels per dimension; their product is the codebook. Look-up-free quantisation has two in every dimension. Few
    dimensions of many levels keep numbers that are written into them."""
    context: tuple[int, ...] = (2, 2)
    """Rounds behind the encoder's last layer, each a `trajvlm.tokenizer.glimpse` and what takes up what it saw: a layer
    of `trajvlm.tokenizer.context`, and in the last round a `trajvlm.tokenizer.regression` and the
    `trajvlm.tokenizer.numbers` that write the codes; how many time steps each reaches on both sides. Without any, the
    layers are the library's alone, and nothing looks ahead."""
    painting: bool = True
    """Whether the decoder's last layer is a `trajvlm.tokenizer.painting`."""

    def __post_init__(self):
        if (self.frames - 1) % self.time_factor:
            raise ValueError(f"{self.frames} frames are not 1 + a multiple of {self.time_factor}")
        if self.image_size % self.space_factor:
            raise ValueError(f"pictures of {self.image_size} pixels can't be divided by {self.space_factor}")
        if max(self.fsq_levels) >= _TOO_MANY_LEVELS:
            raise ValueError(f"the library's bound has room for fewer than {_TOO_MANY_LEVELS} levels a dimension")
        if self.quantizer not in ("fsq", "lfq") or (self.quantizer == "lfq" and set(self.fsq_levels) != {2}):
            raise ValueError(f"a quantizer is fsq, or lfq with two levels; {self.quantizer} {self.fsq_levels} is not")

    def _count(self, kind: str) -> int:
        return sum(1 for layer in self.layers if layer == kind or layer[0] == kind)

    @property
    def time_factor(self) -> int:
        return 2 ** self._count("compress_time")

    @property
    def space_factor(self) -> int:
        return self.patch * 2 ** self._count("compress_space")

    @property
    def grid(self) -> tuple[int, int, int]:
        """The latent grid: (times, rows, columns) of codes for one clip."""
        side = self.image_size // self.space_factor
        return 1 + (self.frames - 1) // self.time_factor, side, side

    @property
    def tokens(self) -> int:
        """Codes per clip."""
        return prod(self.grid)

    @property
    def codebook_size(self) -> int:
        return prod(self.fsq_levels)

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> "TokenizerConfig":
        fields = json.loads(path.read_text())
        fields["layers"] = tuple(tuple(layer) if isinstance(layer, list) else layer for layer in fields["layers"])
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
        return cls(**values)
