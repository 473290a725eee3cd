"""The MAGVIT-2 tokenizer: `magvit2_pytorch.VideoTokenizer` with finite scalar quantisation, and its traps mended.

Mends, each with a test in tests/tokenizer/test_model.py:

1. The library's LayerNorm before the quantizer never runs (`encode` zips it away); without a norm all clips fall into
   one or two codes. Here a BatchNorm without affine parameters stands behind the quantizer's own projection, where it
   spreads each dimension evenly over its levels.
2. Every residual unit ends in a squeeze-and-excite gate whose bias starts at -10, which closes it to 5e-5 and leaves
   the unit dead for thousands of steps. Here the gates start half open.
3. The library's temporal downsampling pads one frame too many in front, so that each latent time step misses the last
   frame that it stands for (and the first step sees nothing at all): every other frame had to be guessed from the past,
   and the first was lost in 98 % of the clips. Here it pads one frame less.
4. The discriminator, which is built whether used or not, is removed; so are pickled checkpoints: weights are
   safetensors, settings JSON.

Where the configuration has `context`, the codes are not the encoder's latents but numbers written from what glimpses
saw where these latents put the ball (`glimpse`, `context`, `regression`, `numbers`), and the norm of the first mend has
nothing to do; where it has `painting`, the decoder's picture is drawn on by distance (`painting`).

It is trained to reconstruct the *clean* scene: a grey ball on a dark ground that moves as the object did. Colours,
light and background are left out of the tokens on purpose; they say nothing about the motion.
"""

from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import torch
from einops import rearrange
from magvit2_pytorch.magvit2_pytorch import CausalConv3d, VideoTokenizer
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from trajvlm.data.errors import UserError
from trajvlm.data.files import file_sha256
from trajvlm.data.filmed.background_subtraction import subtract_background
from trajvlm.tokenizer.checkpoint import write_weights
from trajvlm.tokenizer.config import TokenizerConfig
from trajvlm.tokenizer.context import TwoWayContext
from trajvlm.tokenizer.glimpse import Glimpse, Glimpsed
from trajvlm.tokenizer.latent_steps import by_frames, by_steps
from trajvlm.tokenizer.numbers import Numbers
from trajvlm.tokenizer.painting import Painting
from trajvlm.tokenizer.regression import LocalRegression

SHIPPED = Path(__file__).parent / "weights"
_INPUT, _OUTPUT = 4, 1
CONFIG = "config.json"
WEIGHTS = "tokenizer.safetensors"
_ADDED = "glimpses.", "encoder_context.", "regression.", "writing.", "painting."
"""Weights that a trained tokenizer may lack that one with them starts from."""
_ROUND_THE_CODES = "quantizers.", "latent_norm."
"""Weights that hang on how many numbers a code has, and on what writes them."""
_NORMS = "latent_norm.", "writing.norm.", "painting.where.norm."
"""Statistics, which half precision is too coarse for."""


class Encoded(NamedTuple):
    """What the encoder makes of a clip."""

    projected: Tensor
    """(B, 9, 2, 2, dims): what is rounded to codes."""
    places: list[Tensor]
    """What each glimpse, and the regression, took centre and radius to be: each (B, versions, T, 3), as `Glimpsed` has
    it."""


class Quantized(NamedTuple):
    """What the quantizer makes of (B, ..., dims)."""

    codes: Tensor
    """(B, ...), whole numbers below the codebook's size."""
    vectors: Tensor
    """(B, ..., dims), the codes' vectors within [-1, 1]."""
    penalty: Tensor
    """(): what look-up-free quantisation adds to the loss; 0 for finite scalar quantisation."""


class TrajectoryTokenizer(VideoTokenizer):
    """Video (B, 3, 17, 64, 64) in [0, 1] <-> codes (B, 9, 2, 2), whole numbers below the codebook's size."""

    conv_in: nn.Module  # the library's, until __init__ replaces it

    def __init__(self, config: TokenizerConfig):
        super().__init__(
            image_size=config.image_size // config.patch,
            channels=_OUTPUT * config.patch**2,
            layers=config.layers,
            init_dim=config.init_dim,
            input_conv_kernel_size=config.input_kernel,
            **_quantizer(config),
            perceptual_loss_weight=0.0,
            use_gan=False,
        )
        self.config = config
        del self.discr, self.encoder_layers[-1]
        # In: the moving part with its magnitude. Out: the clean scene, which is grey.
        stem = self.conv_in
        self.conv_in = CausalConv3d(
            _INPUT * config.patch**2, config.init_dim, config.input_kernel, pad_mode=stem.pad_mode
        )
        width, grid = self.quantizers.dim, config.grid
        reaches = config.context
        self.glimpses = nn.ModuleList(Glimpse(width, grid, config.time_factor, config.image_size) for _ in reaches)
        told = self.glimpses[0].told if reaches else 0
        corrected = 3 * LocalRegression.corrected * config.time_factor
        self.encoder_context = nn.ModuleList(TwoWayContext(width, grid, reach, told) for reach in reaches[:-1])
        numbers = grid[1] * grid[2] * len(config.fsq_levels)
        self.regression = LocalRegression(told // config.time_factor) if reaches else None
        self.writing = Numbers(told + corrected, numbers, reaches[-1]) if reaches else None
        self.painting = Painting(numbers, config.time_factor, config.image_size) if config.painting else None
        self.latent_norm = None if reaches else nn.BatchNorm1d(len(config.fsq_levels), affine=False)
        # A tanh would leave next to nothing between the outer levels of numbers that are written as they are.
        self.quantizers.bound_hard_clamp = bool(reaches)
        for module in self.modules():
            if type(module).__name__ == "SqueezeExcite":
                nn.init.zeros_(module.net[-2].bias)
            elif type(module).__name__ == "TimeDownsample2x":
                module.time_causal_padding = (module.conv.kernel_size[0] - 2, 0)

    def parameters(self, recurse: bool = True):
        # The library returns a list without the discriminator; that is gone here, and a norm has come.
        return nn.Module.parameters(self, recurse)

    def projected(self, video: Tensor) -> Tensor:
        """Clips in the quantizer's dimensions, before quantisation: (B, 9, 2, 2, dims)."""
        return self.encoded(video).projected

    def encoded(self, video: Tensor) -> Encoded:
        """The same, and what was on the way to it."""
        moving = subtract_background(video)
        latents = self.convolved(moving)
        if self.latent_norm:
            projected = self.quantizers.project_in(latents.movedim(1, -1)).float()
            return Encoded(self.latent_norm(projected.flatten(0, -2)).view(projected.shape), [])
        looks = self.looks(latents, moving)
        written, corrected = self.written(looks[-1])
        return Encoded(written, [*(look.places for look in looks), corrected])

    def convolved(self, moving: Tensor) -> Tensor:
        """What the library's encoder makes of the moving part (B, 4, 17, 64, 64) of clips: (B, C, 9, 2, 2)."""
        p = self.config.patch
        return super().encode(rearrange(moving, "b c t (h p) (w q) -> b (c p q) t h w", p=p, q=p))

    def looks(self, latents: Tensor, moving: Tensor) -> list[Glimpsed]:
        """What each glimpse sees of clips."""
        looks = []
        for glimpse, context in zip_longest(self.glimpses, self.encoder_context):
            looks.append(glimpse(latents, moving))
            if context:
                latents = context(latents, looks[-1].seen)
        return looks

    def written(self, look: Glimpsed) -> tuple[Tensor, Tensor]:
        """The numbers (B, 9, 2, 2, dims) that a look is written in, and its places as they were corrected before, as
        `LocalRegression` has them."""
        _, rows, columns = self.config.grid
        # A tokenizer with a latent norm has neither, and writes nothing from looks.
        assert self.regression is not None and self.writing is not None
        corrected = self.regression(by_frames(look.seen, self.config.time_factor), look.places[:, -1])
        written = self.writing(self.told(look, corrected))
        return rearrange(written, "b t (h w n) -> b t h w n", h=rows, w=columns), corrected

    def told(self, look: Glimpsed, corrected: Tensor) -> Tensor:
        """What is written is computed from this: (B, 9, numbers), what a look saw, then its corrected places."""
        places = rearrange(corrected, "b k t n -> b t (k n)")
        return torch.cat([look.seen, by_steps(places, self.config.time_factor)], dim=-1)

    def reconstruct(self, vectors: Tensor) -> Tensor:
        """Codes' vectors (B, 9, 2, 2, dims) to the clean scene (B, 3, 17, 64, 64), not clipped."""
        return self.picture_and_places(vectors)[0]

    def picture_and_places(self, vectors: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The same, and where the painting took the ball to be, if there is one: (B, T, 3), as `Painting` tells it."""
        p, places = self.config.patch, []
        latents = self.quantizers.project_out(vectors).movedim(-1, 1)
        grey = rearrange(self.decode(latents), "b (c p q) t h w -> b c t (h p) (w q)", p=p, q=p)
        if self.painting:
            grey, place = self.painting(grey, vectors)
            places.append(place)
        return grey.expand(-1, 3, -1, -1, -1), places

    def quantize(self, projected: Tensor, hardness: Tensor | None = None) -> "Quantized":
        """Quantise clips in the quantizer's dimensions (B, 9, 2, 2, dims).

        Args:
            hardness: () in [0, 1], the share of the clips that is quantised while the others are only bounded, so that
                training can go over gradually; all of them where it is left out.
        """
        quantizer = self.quantizers
        if self.config.quantizer == "fsq":
            vectors = quantizer.quantize(projected)
            codes, penalty = quantizer.codes_to_indices(vectors), projected.new_zeros(())
        else:
            vectors, codes, penalty = self._signs(projected)
        if hardness is not None:
            keep = torch.rand(len(projected), *[1] * (projected.ndim - 1), device=projected.device) < hardness
            vectors = torch.where(keep, vectors, projected.clamp(-1, 1) if self.writing else torch.tanh(projected))
        return Quantized(codes, vectors, penalty)

    def _signs(self, projected: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Look-up-free: the sign in each dimension, passed straight through by the gradient; codes; penalty."""
        signs = torch.where(projected > 0, 1.0, -1.0)
        bits = 2 ** torch.arange(projected.shape[-1] - 1, -1, -1, device=projected.device)
        return projected + (signs - projected).detach(), ((signs > 0) * bits).sum(-1), self._entropy(projected)

    def _entropy(self, projected: Tensor) -> Tensor:
        """MAGVIT-2's entropy penalty: sure of each code, and all codes in use.

        The dimensions are taken as independent, as in Open-MAGVIT2 (Luo et al., 2024): 2^16 probabilities a token are
        too many otherwise.
        """
        scores = 4 * projected.flatten(0, -2)
        chance = torch.sigmoid(scores)
        # Entropy from the scores: from the probabilities, its gradient is 0 times infinity where one of them is 0.
        sure = F.binary_cross_entropy_with_logits(scores, chance, reduction="none").sum(-1).mean()
        entropy = torch.special.entr
        even = (entropy(mean := chance.mean(0)) + entropy(1 - mean)).sum()
        return 0.02 * (sure - even)

    @torch.no_grad()
    def encode_codes(self, video: Tensor) -> Tensor:
        """Codes (B, 9, 2, 2), int64, of clips (B, 3, 17, 64, 64) in [0, 1]."""
        return self.quantize(self.projected(video)).codes.long()

    @torch.no_grad()
    def decode_codes(self, codes: Tensor) -> Tensor:
        """The clean scene (B, 3, 17, 64, 64) that codes (B, 9, 2, 2) stand for, clipped to [0, 1]."""
        return self.reconstruct(self.code_vectors[codes]).clamp(0, 1)

    @property
    def code_vectors(self) -> Tensor:
        """The codes' own geometry: (codebook, dims) within [-1, 1]."""
        return self.quantizers.implicit_codebook if self.config.quantizer == "fsq" else self.quantizers.codebook

    def save_pretrained(self, folder: Path) -> None:
        """Write `tokenizer.safetensors` (half precision, but for the norm's statistics) and `config.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        state = {
            name: (value if name.startswith(_NORMS) else value.half()).contiguous()
            for name, value in self.state_dict().items()
        }
        write_weights(state, folder / WEIGHTS)
        self.config.save(folder / CONFIG)

    @classmethod
    def from_pretrained(cls, folder: Path = SHIPPED, config: TokenizerConfig | None = None) -> "TrajectoryTokenizer":
        """The trained tokenizer in a folder, in evaluation mode.

        Args:
            config: instead of the folder's own. It may have another quantizer, and `context` and `painting` where the
                folder's has none; weights that don't fit it are then untrained.

        Raises:
            UserError: a file is missing or damaged, or they do not belong together.
        """
        model = cls(config or trained_config(folder))
        try:
            wanted, found = model.state_dict(), load_file(folder / WEIGHTS)
        except SafetensorError as error:
            raise UserError(f"{folder / WEIGHTS} is damaged or holds no weights; name another folder.") from error
        fitting = {k: v for k, v in found.items() if k in wanted and wanted[k].shape == v.shape}
        untrained = [name for name in wanted if name not in fitting]
        unused = [name for name in found if name not in fitting]
        may_start, may_go = (_ADDED + _ROUND_THE_CODES, _ROUND_THE_CODES) if config else ((), ())
        if any(not n.startswith(may_start) for n in untrained) or any(not n.startswith(may_go) for n in unused):
            first = (untrained + unused)[0]
            raise UserError(
                f"the tokenizer's weights in {folder} are of other layers than the settings (the first is {first}); "
                "name another folder"
            )
        model.load_state_dict(fitting, strict=False)
        return model.eval()


def _quantizer(config: TokenizerConfig) -> dict:
    """The quantizer in the library's words."""
    if config.quantizer == "fsq":
        return {"use_fsq": True, "fsq_levels": list(config.fsq_levels)}
    return {"use_fsq": False, "codebook_size": config.codebook_size}


def trained_config(folder: Path) -> TokenizerConfig:
    """Settings of the trained tokenizer in a folder; raises UserError where a file of it is missing or not
    what it should be."""
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise UserError(
                f"The tokenizer's trained file {folder / name} is missing; "
                "restore it or train one with `accelerate launch -m trajvlm.tokenizer.train`."
            )
    try:
        return TokenizerConfig.load(folder / CONFIG)
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{folder / CONFIG} holds no tokenizer's settings; name another folder.") from error


def weights_sha256(folder: Path = SHIPPED) -> str:
    """Hash of a trained tokenizer's weights file."""
    return file_sha256(folder / WEIGHTS)
