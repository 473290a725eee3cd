"""Tar files in the WebDataset format: members whose names share what stands before the first dot make one sample.

A shard gets its name only when all of it is on the disk, so a killed program leaves no torn one. The same samples give
the same bytes: no dates, no owner, members in the order they come.
"""

import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

from trajvlm.data.files import atomic_write

Sample = tuple[str, dict[str, bytes]]
"""A sample's key and its files by extension, as ("00000012", {"mp4": ..., "json": ...})."""


def write_shard(path: str | Path, samples: Iterable[Sample]) -> None:
    """Write a shard; raises OSError, and leaves nothing behind, where it can't be."""
    with atomic_write(path) as draft, tarfile.open(draft, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for key, files in samples:
            for extension, content in files.items():
                # A TarInfo made by hand has no date, no owner and the mode 644.
                member = tarfile.TarInfo(f"{key}.{extension}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
