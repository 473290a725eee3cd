"""The families of motion that are known here; a new one is one file and one line.

`FAMILIES` are those that an answer can name, `STRANGERS` those that are drawn only to be refused, `MOTIONS` all. A path
that bends one way and then the other is no stranger: a slow helix of large radius passes through it to a fiftieth of a
pixel.
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
        damped,
        spiral,
        bouncing,
    )
}
BASIC = ("linear", "parabolic", "circular", "helical", "oscillating")
"""Those that the main suites and the learned baselines are about."""
FURTHER = tuple(name for name in FAMILIES if name not in BASIC)
"""The others that an answer can name; they have suites of their own."""
STRANGERS: dict[str, Family] = {module.FAMILY.name: module.FAMILY for module in (figure_eight,)}
MOTIONS: dict[str, Family] = FAMILIES | STRANGERS

__all__ = ["BASIC", "FAMILIES", "FURTHER", "MOTIONS", "STRANGERS", "Family"]
