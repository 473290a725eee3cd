"""How much a clip's codes weigh, beside its pixels and beside H.264."""

from dataclasses import dataclass
from math import log2

from trajvlm.data.clip import Clip
from trajvlm.data.rendered.export import encode_video, to_frames
from trajvlm.tokenizer.config import TokenizerConfig

_RATE = 16
_CRF = 23


@dataclass(frozen=True)
class Size:
    """Bits of one canonical clip, three ways."""

    tokens: int
    code_bits: float
    pixel_bits: int
    """17 frames of 64 x 64 pixels of 24 bits."""
    h264_bits: int
    """The same frames as an mp4 file of x264 at its default quality (crf 23), the file's header counted."""

    @property
    def against_pixels(self) -> float:
        return self.pixel_bits / self.code_bits

    @property
    def against_h264(self) -> float:
        return self.h264_bits / self.code_bits


def clip_size(clip: Clip, config: TokenizerConfig) -> Size:
    """The size of a clip as codes, as pixels and as H.264. The codes keep the motion alone, the others the picture."""
    frames = to_frames(clip.frames)
    return Size(
        config.tokens,
        config.tokens * log2(config.codebook_size),
        8 * frames.size,
        8 * len(encode_video(frames, _RATE, _CRF)),
    )
