"""Tables in Markdown, and the marks of a document between which they are written."""

import re
from pathlib import Path

TABLES = Path(__file__).resolve().parents[1] / "docs" / "results.md"
"""The tables that are too long for a README."""


def markdown(cells: list[list[str]], note: str = "") -> str:
    """Lines of text as a table, the first one the heads of its columns, and a note below."""
    heads, *lines = ["|" + "|".join(f" {cell} " if cell else " " for cell in line) + "|" for line in cells]
    return "\n".join([heads, "|---" * len(cells[0]) + "|", *lines, *(["", note] if note else [])]) + "\n"


def write_between(document: Path, written: str, mark: str = "results") -> None:
    """Put a text between the marks `<!-- mark -->` and `<!-- /mark -->` of a Markdown file."""
    document.write_text(_between(mark).sub(lambda found: found[1] + written + found[3], document.read_text()))


def _between(mark: str) -> re.Pattern:
    return re.compile(rf"(<!-- {mark} -->\n)(.*?)(<!-- /{mark} -->)", re.DOTALL)
