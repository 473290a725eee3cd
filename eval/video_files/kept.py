"""Answers that are kept as they come, a line of JSON each, so that a run that was stopped goes on.

The first line says what the answers hang on, such as the hashes of the weights. A file that has changed since is asked
about again, and so is one at which the program crashed.
"""

import json
from pathlib import Path

from trajvlm.data.errors import UserError
from trajvlm.data.files import atomic_write
from trajvlm.eval.video_files.truth import TrueFile

CRASHED = "crashed"
"""The reason of a row that is no answer at all."""


class Kept:
    """The answers in one file."""

    def __init__(self, path: Path, settings: dict, again: bool = False):
        """
        Args:
            settings: what the answers hang on, as plain JSON.
            again: whether to begin anew.

        Raises:
            UserError: the file holds something else, or answers with other settings, or can't be written.
        """
        self._path, self._settings = path, settings
        self._rows: dict[tuple[str, str], dict] = {}
        try:
            kept = [] if again or not path.exists() else self._read()
            path.parent.mkdir(parents=True, exist_ok=True)
            # Written anew, without what was torn in the middle of a line.
            with atomic_write(path) as draft:
                draft.write_text("".join(_line(row) for row in (settings, *kept)), encoding="utf-8")
        except OSError as error:
            raise self._unwritable(error) from error
        for row in kept:
            self._rows[row["suite"], row["file"]] = row

    def row(self, file: TrueFile) -> dict | None:
        """The kept row of a file; None where there is none of the file as it is now."""
        row = self._rows.get((file.suite, file.name))
        return None if row is None or row["sha256"] != file.line["sha256"] else row

    def lacks(self, file: TrueFile) -> bool:
        """Whether a file is to be asked about."""
        row = self.row(file)
        return row is None or row.get("reason") == CRASHED

    def keep(self, file: TrueFile, row: dict) -> dict:
        """Write down what was said of a file, and return it; raises UserError where that can't be done."""
        row = {"suite": file.suite, "file": file.name, "sha256": file.line["sha256"], **row}
        try:
            with self._path.open("a", encoding="utf-8") as lines:
                lines.write(_line(row))
        except OSError as error:
            raise self._unwritable(error) from error
        self._rows[file.suite, file.name] = row
        return row

    def _read(self) -> list[dict]:
        found = []
        for line in self._path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                # The run ended in the middle of it.
                continue
        if found and found[0] != json.loads(json.dumps(self._settings)):
            raise UserError(
                f"{self._path} holds answers of another program or other weights; give --again to begin anew, or "
                f"another folder with --out"
            )
        return found[1:]

    def _unwritable(self, error: OSError) -> UserError:
        return UserError(f"{self._path} can't be written ({error.strerror}); choose another place with --out")


def _line(row: dict) -> str:
    return json.dumps(row) + "\n"
