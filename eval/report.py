"""The tables of results, written between two marks of a README."""

import re
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"
_BETWEEN = re.compile(r"(<!-- results -->\n).*?(<!-- /results -->)", re.DOTALL)


def table(results: dict) -> str:
    """A Markdown table for each suite, a row for each system."""
    parts = []
    for suite, found in results["suites"].items():
        rows = [
            f"| {suite} | family right (95 % interval) | all constants within 10 % | curve NMSE, in space | in the "
            "picture | picture R2 > 0.99 | forecast NMSE |",
            "|---|---|---|---|---|---|---|",
        ]
        for system, m in found["systems"].items():
            low, high = m["family_accuracy_interval"]
            rows.append(
                f"| {system} | {m['family_accuracy']:.1%} ({low:.1%} to {high:.1%}) | {m['constants_all_near']:.0%} | "
                f"{_number(m['curve_nmse_median'])} | {_number(m['image_nmse_median'])} | "
                f"{m['image_r2_over_0.99']:.0%} | {_number(m['extrapolation_nmse_median'])} |"
            )
        parts.append("\n".join(rows))
    note = f"{results['clips_per_suite']} clips a suite; NMSE are medians; the forecast is half a clip beyond its end."
    return "\n\n".join([*parts, note]) + "\n"


def write_readme(results: dict, readme: Path = README) -> None:
    """Put the table between the README's marks."""
    write_between(readme, table(results))


def write_between(readme: Path, text: str) -> None:
    """Put a text between the marks of a Markdown file."""
    readme.write_text(_BETWEEN.sub(lambda found: found[1] + text + found[2], readme.read_text()))


def written_table(readme: Path = README) -> str:
    """What stands between the README's marks."""
    return _BETWEEN.search(readme.read_text())[0].removeprefix("<!-- results -->\n").removesuffix("<!-- /results -->")


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3g}"
