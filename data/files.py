"""Files that are written completely or not at all, also through a crash or a power cut, and the hash of a file."""

import hashlib
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_DRAFT = ".part-"


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yield the path of a draft to write: when the block ends well, the draft replaces `path`.

    The draft has the same name, in a hidden folder beside `path`: encoders choose a format by the suffix, and a pattern
    such as `*.tar` doesn't match a draft. The draft and the folder of `path` are flushed to the disk, so `path` holds
    the old content or all of the new. Where the block or the flush fails, the draft is removed and `path` stays as it
    was; a killed process leaves its draft (see `remove_drafts`).

    Raises:
        OSError: the draft can't be written or put in its place, or the block wrote none.
    """
    path = Path(path)
    # Process and thread in the name: two that write the same file don't mix their drafts.
    folder = path.parent / f"{_DRAFT}{os.getpid()}-{threading.get_ident()}"
    folder.mkdir(exist_ok=True)
    draft = folder / path.name
    try:
        yield draft
        flush_to_disk(draft)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
        # Not empty while another file is written within the block.
        with suppress(OSError):
            folder.rmdir()
    flush_to_disk(path.parent)


def remove_drafts(folder: str | Path) -> None:
    """Remove the drafts that killed processes left in a folder; only for a folder that no other process writes to."""
    for drafts in Path(folder).glob(f"{_DRAFT}*"):
        shutil.rmtree(drafts, ignore_errors=True)


def flush_to_disk(path: str | Path) -> None:
    """Wait until a file, or the list of files of a folder, outlasts a power cut (fsync).

    Does nothing for a folder where the system can't open one.
    """
    if Path(path).is_dir():
        if not hasattr(os, "O_DIRECTORY"):
            return
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    else:
        # Windows flushes only what is open for writing.
        handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
