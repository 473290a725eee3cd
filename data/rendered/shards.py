"""Tar files in the WebDataset format: members whose names share what stands before the first dot make one sample.

A shard appears under its own name only when all of it is on the disk, so what looks whole is whole, whenever the
program is killed. The same samples give the same bytes: no dates, no owner, members in the order they come.
"""

import hashlib
import io
import os
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

Sample = tuple[str, dict[str, bytes]]
"""A sample's key and its files by extension, as ("00000012", {"mp4": ..., "json": ...})."""

_PIECE = 2**20


def write_shard(path: Path, samples: Iterable[Sample]) -> None:
    """Write a shard; raises OSError, and leaves nothing behind, where it can't be."""
    with whole_file(path) as file, tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for key, files in samples:
            for extension, content in files.items():
                # A TarInfo made by hand has no date, no owner and the mode 644.
                member = tarfile.TarInfo(f"{key}.{extension}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))


def read_shard(path: Path) -> Iterator[Sample]:
    """The samples of a shard in order."""
    key, files = None, {}
    with tarfile.open(path) as tar:
        for member in tar:
            name, extension = member.name.split(".", 1)
            if key is not None and name != key:
                yield key, files
                files = {}
            key = name
            files[extension] = tar.extractfile(member).read()
    if key is not None:
        yield key, files


@contextmanager
def whole_file(path: Path):
    """A binary file to write that becomes `path` when the block ends well, and is removed when it does not."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def file_sha256(path: Path) -> str:
    """Hash of a file's bytes."""
    total = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            total.update(piece)
    return total.hexdigest()


def _sync_folder(folder: Path) -> None:
    """Make a new name last through a power cut, where the system can do that."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
