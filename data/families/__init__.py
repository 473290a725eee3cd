"""The families of motion that are known here; a new one is one file and one line.

`FAMILIES` are those that an answer can name, `MOTIONS` all that can be drawn: the others are there to be refused.
"""

from data.families import circular, helical, linear, oscillating, parabolic
from data.families.family import Family
from data.families.others import OTHERS

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
MOTIONS: dict[str, Family] = FAMILIES | {family.name: family for family in OTHERS}

__all__ = ["FAMILIES", "MOTIONS", "Family"]
