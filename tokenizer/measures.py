"""What the codes keep of a clip, measured on the reconstruction. Lengths are in pixels of 64."""

import torch

from data.stream import Batch
from tokenizer.model import TrajectoryTokenizer
from tokenizer.readout import read_track

_LOST_PX = 4.0


@torch.no_grad()
def reconstruction_measures(tokenizer: TrajectoryTokenizer, batch: Batch) -> dict[str, float]:
    """Error of the ball's centre and radius as read from the reconstruction, share of frames in which it is lost (more
    than 4 pixels off, or not there), and use of the codebook, over a batch."""
    codes = tokenizer.encode_codes(batch.video)
    found = read_track(tokenizer.decode_codes(codes))
    error = (found.track.centre - batch.track.centre).norm(dim=-1) * 32
    radius = (found.track.radius / batch.track.radius - 1).abs()
    share = torch.bincount(codes.flatten(), minlength=tokenizer.config.codebook_size).float() / codes.numel()
    return {
        "centre_px_median": error.median().item(),
        "centre_px_p95": error.quantile(0.95).item(),
        "lost": ((error > _LOST_PX) | ~found.seen).float().mean().item(),
        "radius_median": radius.median().item(),
        "codes_used": (share > 0).sum().item(),
        "perplexity": torch.exp(torch.special.entr(share).sum()).item(),
    }
