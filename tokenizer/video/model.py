"""The video tokenizer: `magvit2_pytorch.VideoTokenizer`'s layers, a grid of tokens over each of their maps, FSQ.

    clip -> moving part -> MAGVIT-2's encoder layers -> 9 maps of 4 x 4 cells, which attend to each other -> 2 x 3
    tokens a map, by one convolution over windows of 2 x 2 cells -> finite scalar quantisation (Mentzer et al., 2023)
    -> all tokens attend to each other -> maps again, by one transposed convolution; they attend to each other ->
    MAGVIT-2's decoder layers -> the moving layer: coverage, brightness

It learns to draw what moves before a background that stands still: any number of things of any shape. No part of it
knows of objects, places or sizes.

What is mended in the library's layers, each with a test:

1. Its LayerNorm before the quantizer never runs, and without a norm there all clips fall into one or two codes. A
   BatchNorm without affine parameters stands behind the quantizer's projection, over each number of a step by itself.
2. The gates of its residual units start at 5e-5 and leave them dead for thousands of steps; here half open.
3. Its convolutions see the past alone, and its temporal downsampling misses a frame. A clip is given whole, so they are
   centred here, and time is made finer by interpolation between steps instead of by a convolution for each half.
4. The discriminator, which is built whether used or not, is removed; so are pickled checkpoints.
"""

from pathlib import Path
from typing import NamedTuple

import torch
from einops import rearrange
from magvit2_pytorch.magvit2_pytorch import CausalConv3d, VideoTokenizer
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from trajvlm.data.errors import UserError
from trajvlm.data.files import file_sha256
from trajvlm.data.filmed.background import background
from trajvlm.data.filmed.registration import registered
from trajvlm.tokenizer.checkpoint import write_weights
from trajvlm.tokenizer.video.config import WINDOW, VideoTokenizerConfig

CONFIG, WEIGHTS = "config.json", "tokenizer.safetensors"
_INPUT, _OUTPUT = 5, 2
_EMPTY = -3.0
"""Logit of a pixel's coverage to begin with."""


class Quantized(NamedTuple):
    """What the quantizer makes of numbers (B, steps, tokens, dims)."""

    codes: Tensor
    """(B, steps, tokens), whole numbers below the codebook's size."""
    vectors: Tensor
    """(B, steps, tokens, dims), the codes' vectors within [-1, 1]."""


def prepared(video: Tensor) -> Tensor:
    """What the encoder is given of clips (B, 3, 17, H, W) in [0, 1]: (B, 5, 17, H, W).

    Frames are laid on their common background, which is taken away; the difference in red, green and blue at a root
    mean square of 1/4 a clip, cut off at 4; its magnitude; and the frames' own brightness where there is a difference.
    A clip in which nothing changes gives zeros: a background that stays is a hundred times as much as what moves, and
    with it the encoder learns nothing.
    """
    video = registered(video)
    difference = video - background(video)
    spread = difference.square().mean(dim=(1, 2, 3, 4), keepdim=True).sqrt()
    signed = (0.25 * difference / spread.clamp_min(2e-3)).clamp(-4, 4)
    magnitude = signed.square().mean(dim=1, keepdim=True).sqrt()
    brightness = (video.mean(dim=1, keepdim=True) - 0.5) * magnitude.clamp(max=1)
    return torch.cat([signed, magnitude, brightness], dim=1)


class LayerTokenizer(VideoTokenizer):
    """Clips (B, 3, 17, 64, 64) in [0, 1] <-> codes (B, 9, 6) <-> moving layers (B, 2, 17, 64, 64) in [0, 1]."""

    # The library's, until __init__ replaces them.
    conv_in: nn.Module
    decoder_layers: nn.ModuleList

    def __init__(self, config: VideoTokenizerConfig):
        super().__init__(
            image_size=config.image_size // config.patch,
            channels=_OUTPUT * config.patch**2,
            layers=config.layers,
            init_dim=config.init_dim,
            input_conv_kernel_size=(3, 3, 3),
            use_fsq=True,
            fsq_levels=list(config.fsq_levels),
            perceptual_loss_weight=0.0,
            use_gan=False,
        )
        self.config = config
        del self.discr, self.encoder_layers[-1]
        width, places, slots = config.width, config.side**2, config.tokens_per_step
        dims = len(config.fsq_levels)
        self.conv_in = CausalConv3d(
            _INPUT * config.patch**2, config.init_dim, (3, 3, 3), pad_mode=self.conv_in.pad_mode
        )
        # The window's layer takes the place of the quantizer's own projection, which sees one cell at a time.
        self.quantizers.project_in = nn.Identity()
        self.read = _attention(width, config.heads, config.read_layers)
        self.gather = nn.Conv2d(width, dims, WINDOW, config.stride)
        self.context = _attention(width, config.heads, config.context_layers)
        self.scatter = nn.ConvTranspose2d(width, width, WINDOW, config.stride)
        self.write = _attention(width, config.heads, config.write_layers)
        self.places = nn.ParameterList(nn.Parameter(torch.randn(places, width) * 0.1) for _ in range(2))
        """Where a cell of the encoder's and of the decoder's map lies."""
        self.slots = nn.Parameter(torch.randn(slots, width) * 0.1)
        """Which of a step's tokens it is."""
        self.times = nn.ParameterList(nn.Parameter(torch.randn(config.steps, 1, width) * 0.1) for _ in range(2))
        """Which step it is, in the encoder and in the decoder."""
        self.latent_norm = nn.BatchNorm1d(slots * dims, affine=False)
        self.decoder_layers = nn.ModuleList(
            _FinerTime(layer) if type(layer).__name__ == "TimeUpsample2x" else layer for layer in self.decoder_layers
        )
        # Most pixels show nothing.
        nn.init.constant_(self.conv_out.conv.bias[: config.patch**2], _EMPTY)
        for module in self.modules():
            kind = type(module).__name__
            if kind == "SqueezeExcite":
                nn.init.zeros_(module.net[-2].bias)
            elif kind == "TimeDownsample2x":
                module.time_causal_padding = ((module.conv.kernel_size[0] - 1) // 2,) * 2
            elif kind == "CausalConv3d":
                around = module.time_pad // 2
                module.time_causal_padding = (*module.time_causal_padding[:4], around, module.time_pad - around)

    def parameters(self, recurse: bool = True):
        # The library returns a list without what was added here.
        return nn.Module.parameters(self, recurse)

    def numbers(self, video: Tensor) -> Tensor:
        """Clips in the quantizer's dimensions, before quantisation: (B, steps, tokens, dims)."""
        return self.numbers_of(prepared(video))

    def numbers_of(self, moving: Tensor) -> Tensor:
        """The same from what `prepared` makes of the clips, (B, 5, 17, 64, 64)."""
        config, p = self.config, self.config.patch
        x = self.conv_in(rearrange(moving, "b c t (h p) (w q) -> b (c p q) t h w", p=p, q=p))
        for layer in self.encoder_layers:
            x = layer(x)
        cells = rearrange(x, "b c t h w -> b t (h w) c") + self.places[0] + self.times[0]
        cells = self.read(cells.flatten(1, 2))
        numbers = self.gather(rearrange(cells, "b (t h w) c -> (b t) c h w", t=config.steps, h=config.side))
        numbers = self.latent_norm(rearrange(numbers, "n d h w -> n (h w d)").float())
        return rearrange(numbers, "(b t) (n d) -> b t n d", b=len(moving), n=config.tokens_per_step)

    def quantize(self, numbers: Tensor, hardness: Tensor | None = None) -> Quantized:
        """Round numbers (B, steps, tokens, dims) to codes.

        Args:
            hardness: () in [0, 1], the share of the clips that is quantised while the others are only bounded, so that
                training can go over gradually; all of them where it is left out.
        """
        vectors = self.quantizers.quantize(numbers)
        codes = self.quantizers.codes_to_indices(vectors)
        if hardness is not None:
            hard = torch.rand(len(numbers), 1, 1, 1, device=numbers.device) < hardness
            vectors = torch.where(hard, vectors, torch.tanh(numbers))
        return Quantized(codes, vectors)

    def drawn(self, vectors: Tensor) -> Tensor:
        """Codes' vectors (B, steps, tokens, dims) to logits of the moving layer (B, 2, 17, 64, 64)."""
        config = self.config
        told = self.quantizers.project_out(vectors) + self.slots + self.times[1]
        told = self.context(told.flatten(1, 2))
        told = rearrange(told, "b (t h w) c -> (b t) c h w", h=config.grid[0], w=config.grid[1])
        cells = rearrange(self.scatter(told), "(b t) c h w -> b t (h w) c", t=config.steps)
        cells = self.write((cells + self.places[1] + self.times[1]).flatten(1, 2))
        x = rearrange(cells, "b (t h w) c -> b c t h w", t=config.steps, h=config.side)
        for layer in self.decoder_layers:
            x = layer(x)
        p = config.patch
        return rearrange(self.conv_out(x), "b (c p q) t h w -> b c t (h p) (w q)", p=p, q=p)

    @torch.no_grad()
    def encode_codes(self, video: Tensor) -> Tensor:
        """Codes (B, steps, tokens), int64, of clips (B, 3, 17, 64, 64) in [0, 1]."""
        return self.quantize(self.numbers(video)).codes.long()

    @torch.no_grad()
    def decode_codes(self, codes: Tensor) -> Tensor:
        """The moving layer (B, 2, 17, 64, 64) in [0, 1] that codes (B, steps, tokens) stand for."""
        return self.drawn(self.code_vectors[codes]).sigmoid()

    @property
    def code_vectors(self) -> Tensor:
        """The codes' own geometry: (codebook, dims) within [-1, 1]."""
        return self.quantizers.implicit_codebook

    def save_pretrained(self, folder: Path) -> None:
        """Write `tokenizer.safetensors` (half precision, but for the norm's statistics) and `config.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        state = {
            name: (value if name.startswith("latent_norm.") else value.half()).contiguous()
            for name, value in self.state_dict().items()
        }
        write_weights(state, folder / WEIGHTS)
        self.config.save(folder / CONFIG)

    @classmethod
    def from_pretrained(cls, folder: Path) -> "LayerTokenizer":
        """The trained tokenizer in a folder, in evaluation mode; raises UserError where a file is missing."""
        for name in (CONFIG, WEIGHTS):
            if not (folder / name).is_file():
                raise UserError(f"The tokenizer's trained file {folder / name} is missing; restore it or train one.")
        model = cls(VideoTokenizerConfig.load(folder / CONFIG))
        model.load_state_dict(load_file(folder / WEIGHTS))
        return model.eval()


class _FinerTime(nn.Module):
    """The library's temporal upsampling, but symmetrical: steps 0, 1, ... become frames 0, 2, ..., with new ones half
    way, and one channel-mixing layer behind."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        conv = layer.net[0]
        self.mix = nn.Conv3d(conv.in_channels, conv.out_channels // 2, 1)
        self.act = nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.mix(x))
        between = (x[:, :, 1:] + x[:, :, :-1]) / 2
        out = x.new_empty(*x.shape[:2], 2 * x.shape[2] - 1, *x.shape[3:])
        out[:, :, ::2], out[:, :, 1::2] = x, between
        return out


def _attention(width: int, heads: int, layers: int) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(
        width, heads, 3 * width, dropout=0.0, activation=F.gelu, batch_first=True, norm_first=True
    )
    return nn.TransformerEncoder(layer, layers, norm=nn.LayerNorm(width), enable_nested_tensor=False)


def weights_sha256(folder: Path) -> str:
    """Hash of a trained tokenizer's weights file."""
    return file_sha256(folder / WEIGHTS)
