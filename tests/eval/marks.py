"""What stands between the marks of a document, for the tests of the tables that are written there."""

import re
from pathlib import Path


def text_between(document: Path, mark: str = "results") -> str:
    """The text between `<!-- mark -->` and `<!-- /mark -->`."""
    return re.search(rf"<!-- {mark} -->\n(.*?)<!-- /{mark} -->", document.read_text(), re.DOTALL)[1]
