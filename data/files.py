"""Files that are written whole or not at all."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path beside `path`, of the same suffix, to write to: at the end it takes the place of `path`, and where
    something fails it is removed and `path` stays as it was."""
    draft = path.with_name(f".part-{os.getpid()}-{threading.get_ident()}{path.suffix}")
    try:
        yield draft
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
