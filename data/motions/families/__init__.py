"""The families of motion that are known here; a new one is one file and one line.

`FAMILIES` are those that an answer can name, `OUT_OF_DISTRIBUTION` those that are drawn in evaluation alone, `MOTIONS`
all. A path that bends one way and then the other is none of the second: a slow helix of large radius passes through it
to a fiftieth of a pixel.
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
"""Those that the main suites and the learned baselines are about."""
FURTHER = tuple(name for name in FAMILIES if name not in BASIC)
"""The others that an answer can name; they have suites of their own."""
OUT_OF_DISTRIBUTION: dict[str, Family] = {module.FAMILY.name: module.FAMILY for module in (figure_eight,)}
MOTIONS: dict[str, Family] = FAMILIES | OUT_OF_DISTRIBUTION

__all__ = ["BASIC", "FAMILIES", "FURTHER", "MOTIONS", "OUT_OF_DISTRIBUTION", "Family"]
