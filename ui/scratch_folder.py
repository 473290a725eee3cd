"""This process's folder for chats and uploads: deleted at its end or, if it was killed, by the next process."""

import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock, Timeout

_PREFIX = "trajvlm-page-"
_LOCK = "in-use"


class OwnFolder:
    """A new temporary folder with a lock that is held for as long as the process lives, however it ends."""

    def __init__(self, parent: Path | None = None):
        """Make it in `parent`, or where temporary files go, and delete those of the same user's dead processes."""
        self._made = TemporaryDirectory(prefix=_PREFIX, dir=parent, ignore_cleanup_errors=True)
        self.path = Path(self._made.name)
        self._lock = FileLock(self.path / _LOCK)
        self._lock.acquire()
        owner = self.path.stat().st_uid
        for folder in self.path.parent.glob(f"{_PREFIX}*"):
            if folder != self.path:
                _sweep(folder, owner)

    def close(self) -> None:
        self._lock.release()
        self._made.cleanup()


@cache
def own_folder() -> Path:
    """The folder of this process, the same at each call."""
    return _kept().path


@cache
def _kept() -> OwnFolder:
    return OwnFolder()


def _sweep(folder: Path, owner: int) -> None:
    """Delete a folder whose lock nobody holds, unless it has no lock or belongs to another user."""
    try:
        if folder.is_symlink() or folder.stat().st_uid != owner or not (folder / _LOCK).is_file():
            return
        with FileLock(folder / _LOCK).acquire(blocking=False):
            shutil.rmtree(folder, ignore_errors=True)
    except (Timeout, OSError):
        return
