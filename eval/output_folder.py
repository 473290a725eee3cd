"""Where results go: the committed files hold whole measurements made in a checkout, a user's own folder all else."""

from pathlib import Path
from typing import Literal, overload

from trajvlm.data.errors import UserError
from trajvlm.data.files import atomic_write

_ROOT = Path(__file__).resolve().parents[1]


def in_checkout() -> bool:
    """Whether this is a copy of the repository, and no installed package."""
    return (_ROOT / "pyproject.toml").is_file()


def default_folder() -> Path:
    """A user's results, in the folder where the program was started."""
    return Path("out") / "eval" if in_checkout() else Path("trajvlm-results")


@overload
def folder_for(whole: Literal[False], out: Path | None = None) -> Path: ...


@overload
def folder_for(whole: bool, out: Path | None = None) -> Path | None: ...


def folder_for(whole: bool, out: Path | None = None) -> Path | None:
    """The folder for a measurement's results, made before anything is measured; None for the committed files.

    Args:
        whole: whether it is the measurement that is committed, with nothing left out.
        out: the folder that the user named.

    Raises:
        UserError: the folder can't be made.
    """
    if out is None and whole and in_checkout():
        return None
    folder = out or default_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"the folder {folder} can't be made ({error.strerror}); choose another one") from error
    return folder


def write(path: Path, text: str) -> Path:
    """Write a file whole, and return its path; raises UserError where that can't be done."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as draft:
            draft.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} can't be written ({error.strerror}); choose another place with --out") from error
    return path
