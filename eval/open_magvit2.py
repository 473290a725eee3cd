"""The encoder of Open-MAGVIT2's video tokenizer (Luo et al., 2024), for weights that a user supplies.

    python -m trajvlm.eval.open_magvit2 video_128_262144.ckpt encoder.safetensors

writes the encoder alone, a tenth of the file, so that the checkpoint, which is a pickled Lightning file, has to be read
once only. Names of the modules are those of the checkpoint (TencentARC/SEED-Voken). Causal convolutions over 17 x 128 x
128 pixels give 5 x 16 x 16 codes of 18 bits, the signs of the last layer.
"""

from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Annotated

import torch
import typer
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from trajvlm.data.errors import UserError
from trajvlm.tokenizer.checkpoint import write_weights

_GROUPS = 32


@dataclass(frozen=True)
class OpenMagvit2Settings:
    """Those of `video_128_262144.ckpt`. Widths have to be multiples of 32."""

    width: int = 128
    factors: tuple[int, ...] = (1, 2, 2, 4)
    """Width of each level relative to the first. A level of factor 1 is followed by halving space, any other but the
    last by halving space and time."""
    blocks: int = 4
    """Residual blocks of each level."""
    bits: int = 18
    size: int = 128
    """Pixels of a picture's side."""


class CausalConv(nn.Module):
    """A convolution of (B, C, T, H, W) that sees no later frame; what it lacks in front and at the edges is zero."""

    def __init__(self, before: int, after: int, kernel: int, stride: tuple[int, int, int] = (1, 1, 1), bias=False):
        super().__init__()
        self.padding = (kernel // 2,) * 4 + (kernel - 1, 0)
        self.conv_1 = nn.Conv3d(before, after, kernel, stride, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_1(F.pad(x, self.padding))


class ResidualBlock(nn.Module):
    def __init__(self, before: int, after: int):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(_GROUPS, before, 1e-6), nn.GroupNorm(_GROUPS, after, 1e-6)
        self.conv1, self.conv2 = CausalConv(before, after, 3), CausalConv(after, after, 3)
        self.nin_shortcut = CausalConv(before, after, 1) if before != after else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        inner = self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))
        return inner + self.nin_shortcut(x)


class OpenMagvit2Encoder(nn.Module):
    """Clips (B, 3, T, size, size) in [-1, 1] to codes (B, bits, T', size / 8, size / 8) of -1 and 1."""

    def __init__(self, settings: OpenMagvit2Settings):
        super().__init__()
        self.settings = settings
        self.conv_in = CausalConv(3, settings.width, 3)
        self.down = nn.ModuleList()
        before = settings.width
        for level, factor in enumerate(settings.factors):
            after = settings.width * factor
            stage = nn.Module()
            stage.block = nn.ModuleList(
                ResidualBlock(before if k == 0 else after, after) for k in range(settings.blocks)
            )
            if level < len(settings.factors) - 1:
                stage.downsample = CausalConv(after, after, 3, (1 if factor == 1 else 2, 2, 2), bias=True)
            self.down.append(stage)
            before = after
        self.mid_block = nn.ModuleList(ResidualBlock(before, before) for _ in range(settings.blocks))
        self.norm_out = nn.GroupNorm(_GROUPS, before, 1e-6)
        self.conv_out = CausalConv(before, settings.bits, 1, bias=True)

    def forward(self, video: Tensor) -> Tensor:
        x = self.conv_in(video)
        for stage in self.down:
            for block in stage.block:
                x = block(x)
            if hasattr(stage, "downsample"):
                x = stage.downsample(x)
        for block in self.mid_block:
            x = block(x)
        return torch.where(self.conv_out(F.silu(self.norm_out(x))) > 0, 1.0, -1.0)


def load_encoder(path: Path, settings: OpenMagvit2Settings | None = None) -> OpenMagvit2Encoder:
    """The encoder of a checkpoint (`.ckpt`), or of the file that `python -m trajvlm.eval.open_magvit2` made of it.

    Raises:
        UserError: the file is missing, is none of both, or needs unpickling of more than tensors.
    """
    encoder = OpenMagvit2Encoder(settings or OpenMagvit2Settings())
    try:
        encoder.load_state_dict(load_file(path) if path.suffix == ".safetensors" else _of_checkpoint(path, encoder))
    except FileNotFoundError as error:
        raise UserError(f"there is no file {path} with Open-MAGVIT2's weights") from error
    except (KeyError, RuntimeError, SafetensorError, UnpicklingError) as error:
        raise UserError(f"{path} does not hold Open-MAGVIT2's video encoder as tensors alone") from error
    return encoder.eval().requires_grad_(False)


def _of_checkpoint(path: Path, encoder: OpenMagvit2Encoder) -> dict[str, Tensor]:
    """The encoder's tensors; averaged ones where the file has them, as Open-MAGVIT2 itself encodes with those."""
    held = torch.load(path, map_location="cpu", weights_only=True, mmap=True)["state_dict"]
    averaged = any(name.startswith("model_ema.encoder") for name in held)
    # The average is kept under the parameter's name without its dots.
    names = {
        name: "model_ema." + f"encoder.{name}".replace(".", "") if averaged else f"encoder.{name}"
        for name in encoder.state_dict()
    }
    return {name: held[kept].float() for name, kept in names.items()}


def main(
    checkpoint: Annotated[Path, typer.Argument(help="video_128_262144.ckpt")],
    out: Annotated[Path, typer.Argument(help="A new file, .safetensors")],
):
    """Write the encoder of a checkpoint as safetensors."""
    try:
        encoder = load_encoder(checkpoint)
    except UserError as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from error
    write_weights({name: value.contiguous() for name, value in encoder.state_dict().items()}, out)


if __name__ == "__main__":
    typer.run(main)
