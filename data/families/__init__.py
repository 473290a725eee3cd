"""The families of motion that are known here; a new one is one file and one line."""

from data.families import circular, helical, linear, oscillating, parabolic
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

__all__ = ["FAMILIES", "Family"]
