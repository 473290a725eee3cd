"""Looks at a clip: as it is, and mirrored left to right, top to bottom, and both.

A mirrored motion is a motion of the same family, some of whose constants have the other sign. So the same networks can
be given each look, and what they say of all of them, taken back to the clip as it is, errs less than what they say of
one: the language model's distributions are averaged (`trajvlm.vlm.model.TrajectoryLM.answer`), and so are the tracks
that the codes decode to.
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
class Look:
    """A clip, mirrored or not."""

    name: str
    x: int = 1
    """-1 where left and right are exchanged."""
    y: int = 1
    """-1 where top and bottom are exchanged."""

    @property
    def signs(self) -> Tensor:
        """(3,) the signs of x, y and z as they appear in this look."""
        return torch.tensor([self.x, self.y, 1])

    def of(self, clips: Tensor) -> Tensor:
        """Clips (..., times, rows, columns) as they appear in this look; and back again."""
        return clips.flip([axis for axis, sign in ((-1, self.x), (-2, self.y)) if sign < 0])

    def constant_signs(self, family: Family) -> Tensor:
        """(family.size,) the signs of a family's constants as they appear in this look."""
        return torch.cat([self.signs.repeat(len(family.basis)), torch.ones(len(family.shape), dtype=torch.long)])


AS_IT_IS = Look("as it is")
ONE = (AS_IT_IS,)
FOUR = (
    AS_IT_IS,
    Look("left and right exchanged", x=-1),
    Look("top and bottom exchanged", y=-1),
    Look("both exchanged", x=-1, y=-1),
)


def coded(encode: Callable[[Tensor], Tensor], video: Tensor, looks: Sequence[Look] = FOUR) -> Tensor:
    """Codes (looks * B, times, rows, columns) of clips (B, 3, 17, 64, 64): of all clips in the first look, then of all
    in the second, and so on."""
    return encode(torch.cat([look.of(video) for look in looks]))


def decoded(
    decode: Callable[[Tensor], Tensor],
    codes: Tensor,
    looks: Sequence[Look] = FOUR,
    calibration: Calibration = DEFAULTS,
) -> tuple[Tensor, Readout]:
    """The clean scenes (B, 3, 17, 64, 64) that codes (looks * B, times, rows, columns) stand for in the first look, and
    the track in the clips as they are: in each frame the mean over those looks in which the ball is seen, and how far
    these lie apart."""
    scenes = decode(codes)
    found = read_track(scenes)
    signs = torch.stack([look.signs[:2] for look in looks]).to(codes.device)[:, None, None]
    centre, radius, shown = (
        torch.stack(values.chunk(len(looks))) for values in (found.track.centre, found.track.radius, found.seen)
    )
    centre = centre * signs
    seen = shown.any(dim=0)
    # Where no look shows it, the mean over all of them stands there, and counts for nothing.
    weight = torch.where(seen, shown, True).float()
    track = Track(_mean(centre, weight[..., None]), _mean(radius, weight))
    if len(looks) == 1:
        return looks[0].of(scenes), Readout(track, seen)
    count = weight.sum(dim=0)
    bessel = count / (count - 1).clamp_min(1)
    # Squared over both axes and halved, it is the variance along one.
    apart = _mean((centre - track.centre).square().sum(dim=-1) / 2, weight) * bessel
    unlike = _mean((radius / track.radius).log().square(), weight) * bessel
    alone = calibration.single_flip_centre_spread, calibration.single_flip_log_radius_spread
    spreads = [torch.where(count < 2, lone, part.sqrt()) for part, lone in zip((apart, unlike), alone)]
    return looks[0].of(scenes[: len(seen)]), Readout(track, seen, *spreads)


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    """Over the first axis."""
    return (values * weight).sum(dim=0) / weight.sum(dim=0)
