"""Flip test-time augmentation: a clip as it is, flipped left to right, top to bottom, and both.

A flipped motion is a motion of the same family, some of whose constants have the other sign. So the same networks are
given all four flips of a clip, and what they find is flipped back and averaged, which is nearer to the truth than what
they find in one: the language model's distributions (`trajvlm.vlm.model.TrajectoryLM.answer`), and the tracks that the
codes decode to.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trajvlm.data.motions.families import Family
from trajvlm.data.rendered.render import Track
from trajvlm.tokenizer.readout import Readout, read_track
from trajvlm.vlm.calibration import DEFAULTS, Calibration


@dataclass(frozen=True)
class Flip:
    """One way to flip a clip, or none."""

    name: str
    """As it stands in the JSON of a description."""
    x: int = 1
    """-1 where left and right are exchanged."""
    y: int = 1
    """-1 where top and bottom are exchanged."""

    @property
    def signs(self) -> Tensor:
        """(3,) 1 or -1: what x, y and z are multiplied by in the flipped clip."""
        return torch.tensor([self.x, self.y, 1])

    def apply(self, clips: Tensor) -> Tensor:
        """Clips (..., times, rows, columns) flipped; a flipped clip is flipped back."""
        return clips.flip([axis for axis, sign in ((-1, self.x), (-2, self.y)) if sign < 0])

    def constant_signs(self, family: Family) -> Tensor:
        """(family.size,) 1 or -1: what a family's constants are multiplied by in the flipped clip."""
        return torch.cat([self.signs.repeat(len(family.basis)), torch.ones(len(family.shape), dtype=torch.long)])


UNFLIPPED = Flip("as it is")
NO_FLIPS = (UNFLIPPED,)
"""The clip as it is alone, without augmentation."""
FOUR_FLIPS = (
    UNFLIPPED,
    Flip("left and right exchanged", x=-1),
    Flip("top and bottom exchanged", y=-1),
    Flip("both exchanged", x=-1, y=-1),
)


def encode_flips(encode: Callable[[Tensor], Tensor], video: Tensor, flips: Sequence[Flip] = FOUR_FLIPS) -> Tensor:
    """Codes of all flips of some clips.

    Args:
        encode: clips (N, 3, 17, 64, 64) to codes (N, times, rows, columns).
        video: clips (B, 3, 17, 64, 64) in [0, 1].

    Returns:
        (flips * B, times, rows, columns): of all clips in the first flip, then of all in the second, and so on.
    """
    return encode(torch.cat([flip.apply(video) for flip in flips]))


def decode_flips(
    decode: Callable[[Tensor], Tensor],
    codes: Tensor,
    flips: Sequence[Flip] = FOUR_FLIPS,
    calibration: Calibration = DEFAULTS,
) -> tuple[Tensor, Readout]:
    """The scenes that codes stand for, and the object's track in the clips as they are.

    Args:
        decode: codes (N, times, rows, columns) to clean scenes (N, 3, 17, 64, 64) in [0, 1].
        codes: (flips * B, times, rows, columns), as from `encode_flips`.
        calibration: for what is assumed of a frame in which one flip alone shows the ball.

    Returns:
        Clean scenes (B, 3, 17, 64, 64) of the first flip, flipped back. And the track of B clips: in each frame the
        mean over the flips in which the ball is seen, and how far these lie apart.
    """
    scenes = decode(codes)
    found = read_track(scenes)
    signs = torch.stack([flip.signs[:2] for flip in flips]).to(codes.device)[:, None, None]
    centre, radius, shown = (
        torch.stack(values.chunk(len(flips))) for values in (found.track.centre, found.track.radius, found.seen)
    )
    centre = centre * signs
    seen = shown.any(dim=0)
    # A frame in which no flip shows the ball gets the mean over all flips; it is not `seen` and counts for nothing.
    weight = torch.where(seen, shown, True).float()
    track = Track(_mean(centre, weight[..., None]), _mean(radius, weight))
    if len(flips) == 1:
        return flips[0].apply(scenes), Readout(track, seen)
    count = weight.sum(dim=0)
    bessel = count / (count - 1).clamp_min(1)
    # Half the squared distance over both axes is the variance along one.
    centre_variance = _mean((centre - track.centre).square().sum(dim=-1) / 2, weight) * bessel
    log_radius_variance = _mean((radius / track.radius).log().square(), weight) * bessel
    single = calibration.single_flip_centre_spread, calibration.single_flip_log_radius_spread
    variances = centre_variance, log_radius_variance
    spreads = [torch.where(count < 2, alone, variance.sqrt()) for variance, alone in zip(variances, single)]
    return flips[0].apply(scenes[: len(seen)]), Readout(track, seen, *spreads)


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean over the first axis."""
    return (values * weight).sum(dim=0) / weight.sum(dim=0)
