"""The tables of results, written between two marks of a README."""

import re
import textwrap
from pathlib import Path

from eval.results import Row, number, rows
from eval.suites import SUITES
from eval.verdict import verdict

_WIDTH = 120
README = Path(__file__).parent.parent / "README.md"
_COLUMNS = (
    "family right (95 % interval)",
    "all constants within 10 %",
    "curve NMSE, in space",
    "in the picture",
    "picture R2 > 0.99",
    "forecast NMSE",
)


def table(data: dict) -> str:
    """A Markdown table for each main suite, a row for each row of each system."""
    parts = []
    for suite in (suite for suite in SUITES.values() if suite.main and suite.name in data["suites"]):
        lines = [f"| {suite.label} | " + " | ".join(_COLUMNS) + " |", "|---" * (1 + len(_COLUMNS)) + "|"]
        lines += [f"| {row.label} | " + " | ".join(_cells(row)) + " |" for row in rows(data, suite.name)]
        parts.append("\n".join(lines))
    note = f"{clips_phrase(data)} a suite; NMSE are medians; the forecast is half a clip beyond its end."
    return "\n\n".join([*parts, note]) + "\n"


def clips_phrase(data: dict) -> str:
    """How many clips the main suites had, in words."""
    counts = sorted(
        {
            cell["clips"]
            for name, cells in data["suites"].items()
            if name in SUITES and SUITES[name].main
            for cell in cells.values()
            if "clips" in cell
        }
    )
    return f"{' or '.join(map(str, counts)) or 'no'} clips"


def write_readme(data: dict, readme: Path = README) -> None:
    """Put the tables and what they say between the README's marks."""
    write_between(readme, text(data))


def text(data: dict) -> str:
    """The tables, and what they say in sentences."""
    said = [textwrap.fill(sentence, _WIDTH, break_on_hyphens=False) for sentence in verdict(data)]
    return table(data) + "\n" + "\n\n".join(said) + "\n"


def write_between(readme: Path, written: str, mark: str = "results") -> None:
    """Put a text between the marks `<!-- mark -->` and `<!-- /mark -->` of a Markdown file."""
    readme.write_text(_between(mark).sub(lambda found: found[1] + written + found[3], readme.read_text()))


def written_table(readme: Path = README, mark: str = "results") -> str:
    """What stands between a README's marks."""
    return _between(mark).search(readme.read_text())[2]


def _between(mark: str) -> re.Pattern:
    return re.compile(rf"(<!-- {mark} -->\n)(.*?)(<!-- /{mark} -->)", re.DOTALL)


def _cells(row: Row) -> list[str]:
    if row.refused:
        return [row.refused, *[""] * (len(_COLUMNS) - 1)]
    m = row.measures
    low, high = m["family_accuracy_interval"]
    family = f"{m['family_accuracy']:.1%} ({low:.1%} to {high:.1%})"
    if "curve_nmse_median" not in m:
        return [family, "no equation", *[""] * (len(_COLUMNS) - 2)]
    return [
        family,
        f"{m['constants_within_0.1']:.0%}",
        number(m["curve_nmse_median"]),
        number(m["image_nmse_median"]),
        f"{m['image_r2_over_0.99']:.0%}",
        number(m["extrapolation_nmse_median"]),
    ]
