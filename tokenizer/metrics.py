"""What the codes keep of a clip, measured on the reconstruction. Lengths are in pixels of 64.

The ground is most of every picture, so no measure here is taken over whole frames: an empty one has 32 dB.
"""

import numpy as np
import torch
from skimage.metrics import structural_similarity
from torch import Tensor

from trajvlm.data.rendered.render import Track
from trajvlm.data.rendered.stream import Batch
from trajvlm.tokenizer.model import TrajectoryTokenizer
from trajvlm.tokenizer.readout import Readout, read_track

_LOST_PX = 4.0
_BOX_MARGIN_PX = 3


@torch.no_grad()
def reconstruction_measures(tokenizer: TrajectoryTokenizer, batch: Batch) -> dict[str, float]:
    """`track_measures` of the reconstruction, and `code_measures`, over a batch."""
    codes = tokenizer.encode_codes(batch.video)
    return track_measures(tokenizer.decode_codes(codes), batch.track) | code_measures(codes, tokenizer)


def track_measures(picture: Tensor, truth: Track) -> dict[str, float]:
    """`readout_measures` of the track as read from clean scenes (B, 3, T, 64, 64)."""
    return readout_measures(read_track(picture), truth)


def readout_measures(found: Readout, truth: Track) -> dict[str, float]:
    """Error of the ball's centre and radius, and the share of frames in which it is lost: more than 4 pixels off, or
    not there."""
    error = (found.track.centre - truth.centre).norm(dim=-1) * 32
    radius = (found.track.radius / truth.radius - 1).abs()
    return {
        "centre_px_median": error.median().item(),
        "centre_px_p95": error.quantile(0.95).item(),
        "lost": ((error > _LOST_PX) | ~found.seen).float().mean().item(),
        "radius_median": radius.median().item(),
    }


def code_measures(codes: Tensor, tokenizer: TrajectoryTokenizer) -> dict[str, float]:
    """How many codes occur, which share of the codebook that is, and the perplexity of their distribution."""
    share = torch.bincount(codes.flatten(), minlength=tokenizer.config.codebook_size).float() / codes.numel()
    used = (share > 0).sum().item()
    return {
        "codes_used": used,
        "codebook_share": used / tokenizer.config.codebook_size,
        "perplexity": torch.exp(torch.special.entr(share).sum()).item(),
    }


def box_measures(picture: Tensor, clean: Tensor, truth: Track) -> dict[str, float]:
    """PSNR in dB (of the mean squared error over all boxes) and mean SSIM (Wang et al., 2004, 7 x 7 window) inside the
    square round the ball, three pixels wider than it on each side; clean scenes (B, 3, T, 64, 64), grey."""
    squared, likeness = [], []
    for b in range(len(picture)):
        for t in range(picture.shape[2]):
            u, v = truth.centre[b, t].tolist()
            half = float(truth.radius[b, t]) * 32 + _BOX_MARGIN_PX
            half = max(half, 4.0)
            rows, columns = (slice(max(0, round(c - half)), round(c + half) + 1) for c in (32 - 32 * v, 32 + 32 * u))
            mine, true = (x[b, 0, t, rows, columns].numpy() for x in (picture, clean))
            squared.append(((mine - true) ** 2).ravel())
            if min(mine.shape) >= 7:
                likeness.append(structural_similarity(mine, true, data_range=1.0))
    return {
        "box_psnr_db": float(-10 * np.log10(np.concatenate(squared).mean())),
        "box_ssim": float(np.mean(likeness)),
    }
