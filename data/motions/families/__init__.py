"""The families of motion; a new one is one file and one line here.

`FAMILIES` are those that an answer can name, `OUT_OF_DISTRIBUTION` those that are used only in evaluation, `MOTIONS`
both. An S-shaped path would not be out of distribution: a slow helix of large radius fits it to a fiftieth of a pixel.
"""

from trajvlm.data.motions.families import (
    bouncing,
    circular,
    damped,
    figure_eight,
    helical,
    linear,
    oscillating,
    parabolic,
    spiral,
)
from trajvlm.data.motions.families.family import Family

FAMILIES: dict[str, Family] = {
    module.FAMILY.name: module.FAMILY
    for module in (
        linear,
        parabolic,
        circular,
        helical,
        oscillating,
        damped,
        spiral,
        bouncing,
    )
}
BASIC = ("linear", "parabolic", "circular", "helical", "oscillating")
"""The families of the main suites and of the learned baselines."""
FURTHER = tuple(name for name in FAMILIES if name not in BASIC)
"""The other families that an answer can name; they have suites of their own."""
OUT_OF_DISTRIBUTION: dict[str, Family] = {module.FAMILY.name: module.FAMILY for module in (figure_eight,)}
MOTIONS: dict[str, Family] = FAMILIES | OUT_OF_DISTRIBUTION

WAVES_AND_LINES: tuple[Family, ...] = (
    linear.FAMILY,
    parabolic.FAMILY,
    oscillating.FAMILY,
    oscillating.ON_AN_ARC,
    damped.FAMILY,
    damped.ON_AN_ARC,
    circular.FAMILY,
    spiral.FAMILY,
    helical.FAMILY,
)
"""What a track on a video's pixels is compared with, but for bounces (`bouncing.with_impacts`); simple ones first."""

__all__ = ["BASIC", "FAMILIES", "FURTHER", "MOTIONS", "OUT_OF_DISTRIBUTION", "WAVES_AND_LINES", "Family"]
