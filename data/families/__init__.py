"""The families of motion that are known here; a new one is one file and one line.

`FAMILIES` are those that an answer can name, `OTHERS` those that are drawn only to be refused, `MOTIONS` all of them. A
path that bends one way and then the other is not among the others: a slow helix of large radius passes through it to a
fiftieth of a pixel.
"""

from data.families import bouncing, circular, damped, figure_eight, helical, linear, oscillating, parabolic, spiral
from data.families.family import Family

FAMILIES: dict[str, Family] = {
    module.FAMILY.name: module.FAMILY
    for module in (
        linear,
        parabolic,
        circular,
        helical,
        oscillating,
    )
}
BASIC = ("linear", "parabolic", "circular", "helical", "oscillating")
"""The five that the main suites and the learned baselines are about."""
OTHERS: dict[str, Family] = {module.FAMILY.name: module.FAMILY for module in (damped, spiral, bouncing, figure_eight)}
MOTIONS: dict[str, Family] = FAMILIES | OTHERS

__all__ = ["BASIC", "FAMILIES", "MOTIONS", "OTHERS", "Family"]
