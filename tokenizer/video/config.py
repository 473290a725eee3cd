"""Settings of the video tokenizer, saved beside its weights."""

import json
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Any

WINDOW = 2
"""Rows and columns of cells that a token stands for."""


@dataclass(frozen=True)
class VideoTokenizerConfig:
    """The layers of the encoder in magvit2-pytorch's own words (the decoder mirrors them), tokens and quantizer."""

    image_size: int = 64
    frames: int = 17
    patch: int = 4
    """Pixels of a patch's side: patches become channels before the first layer, for convolutions at full resolution
    are most of a step's cost."""
    init_dim: int = 64
    layers: tuple[str | tuple[str, int], ...] = (
        "residual",
        ("compress_space", 96),
        "residual",
        ("compress_time", 128),
        "residual",
        "residual",
        ("compress_space", 192),
    )
    grid: tuple[int, int] = (2, 3)
    """Rows and columns of tokens of each latent time step, which is two frames long; each stands for a window of two by
    two cells of the map. Windows overlap where there are fewer cells than twice the tokens."""
    read_layers: int = 2
    """Layers of the encoder in which all cells of a clip's maps attend to each other, before there are tokens."""
    context_layers: int = 2
    """Layers of the decoder in which all tokens of a clip attend to each other."""
    write_layers: int = 2
    """Layers of the decoder in which all cells do."""
    heads: int = 6
    fsq_levels: tuple[int, ...] = (8, 8, 8, 8)
    """Levels per dimension; their product is the codebook."""
    seen: float = 0.5
    """Decoded coverage from which on a pixel shows something, as chosen on validation worlds: what is small is drawn
    faintly rather than in a wrong place."""

    def __post_init__(self):
        if (self.frames - 1) % self.time_factor or self.image_size % self.space_factor:
            raise ValueError(f"{self.frames} frames of {self.image_size} pixels can't be divided evenly: {self}")
        for count in self.grid:
            if count < 2 or (self.side - WINDOW) % (count - 1):
                raise ValueError(f"windows of {WINDOW} cells can't be laid evenly over {self.side}: {self.grid}")
        if self.width % self.heads:
            raise ValueError(f"{self.width} channels can't be shared by {self.heads} heads")

    def _count(self, kind: str) -> int:
        return sum(1 for layer in self.layers if layer == kind or layer[0] == kind)

    @property
    def width(self) -> int:
        """Channels of the encoder's map."""
        return [layer[1] for layer in self.layers if not isinstance(layer, str)][-1]

    @property
    def time_factor(self) -> int:
        return 2 ** self._count("compress_time")

    @property
    def space_factor(self) -> int:
        return self.patch * 2 ** self._count("compress_space")

    @property
    def steps(self) -> int:
        """Latent time steps; step k stands for frame k * time_factor and what lies about it."""
        return 1 + (self.frames - 1) // self.time_factor

    @property
    def side(self) -> int:
        """Rows and columns of the encoder's map."""
        return self.image_size // self.space_factor

    @property
    def stride(self) -> tuple[int, int]:
        """Cells from one token's window to the next, down and to the right."""
        rows, columns = ((self.side - WINDOW) // (count - 1) for count in self.grid)
        return rows, columns

    @property
    def tokens_per_step(self) -> int:
        return prod(self.grid)

    @property
    def tokens(self) -> int:
        """Tokens a clip."""
        return self.steps * self.tokens_per_step

    @property
    def codebook_size(self) -> int:
        return prod(self.fsq_levels)

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> "VideoTokenizerConfig":
        fields = json.loads(path.read_text())
        fields["layers"] = tuple(tuple(layer) if isinstance(layer, list) else layer for layer in fields["layers"])
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
        return cls(**values)
