"""Tables in Markdown, and the marks of a README between which they are written."""

import re
from pathlib import Path


def markdown(cells: list[list[str]], note: str = "") -> str:
    """Lines of text as a table, the first one the heads of its columns, and a note below."""
    heads, *lines = ["|" + "|".join(f" {cell} " if cell else " " for cell in line) + "|" for line in cells]
    return "\n".join([heads, "|---" * len(cells[0]) + "|", *lines, *(["", note] if note else [])]) + "\n"


def write_between(readme: Path, written: str, mark: str = "results") -> None:
    """Put a text between the marks `<!-- mark -->` and `<!-- /mark -->` of a Markdown file."""
    readme.write_text(_between(mark).sub(lambda found: found[1] + written + found[3], readme.read_text()))


def written_between(readme: Path, mark: str = "results") -> str:
    """What stands between a README's marks."""
    return _between(mark).search(readme.read_text())[2]


def _between(mark: str) -> re.Pattern:
    return re.compile(rf"(<!-- {mark} -->\n)(.*?)(<!-- /{mark} -->)", re.DOTALL)
