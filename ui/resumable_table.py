"""Keep the rows of a table as they come, so that a stopped run can be continued.

Until `results.csv` is whole, each process writes a `results.csv.0.part` with its number: a line of JSON with the
settings, then a line for each row.
"""

import json
import os
from pathlib import Path

from trajvlm.data.errors import UserError
from trajvlm.data.files import atomic_write


class Journal:
    """The rows of one process, and those that a stopped run kept."""

    def __init__(self, table: Path, settings: dict, videos: list[Path], process: int):
        """
        Args:
            videos: those that the table is to hold.

        Raises:
            UserError: the table is there already, the run that was stopped had other settings or other videos, or
                nothing can be written there.
        """
        self.table, self._settings = table, settings
        self._path = table.with_name(f"{table.name}.{process}.part")
        parts = self._parts()
        if table.exists() and not parts:
            raise UserError(f"{table} is there already; give --out another name, or move it away")
        self._rows: dict[str, dict] = {}
        mine: list[dict] = []
        wanted = set(map(str, videos))
        for part in parts:
            rows = self._read(part)
            if others := [row["video"] for row in rows if row["video"] not in wanted]:
                raise UserError(
                    f"{part} holds other videos, such as {others[0]}; give the same ones to go on, or --out another "
                    f"name, or remove it"
                )
            # A video that could not be described is tried again: the reason may be gone.
            self._rows |= {row["video"]: row for row in rows if row["error"] is None}
            mine = rows if part == self._path else mine
        try:
            table.parent.mkdir(parents=True, exist_ok=True)
            if not mine:
                # It holds no whole row.
                self._path.unlink(missing_ok=True)
            else:
                # Written anew without a last line that was cut off.
                with atomic_write(self._path) as draft:
                    draft.write_text("".join(json.dumps(line) + "\n" for line in (settings, *mine)), encoding="utf-8")
        except OSError as error:
            raise self._unwritable(error) from error
        if not os.access(table.parent, os.W_OK):
            raise UserError(f"{table} can't be written; choose another folder, or change its permissions")

    def row(self, video: Path) -> dict | None:
        """The row of a video that was described already."""
        return self._rows.get(str(video))

    def keep(self, row: dict) -> dict:
        """Write down a row and return it; raises UserError where that can't be done."""
        try:
            first = not self._path.exists()
            with self._path.open("a", encoding="utf-8") as file:
                file.write("".join(json.dumps(line) + "\n" for line in ([self._settings] if first else []) + [row]))
        except OSError as error:
            raise self._unwritable(error) from error
        return row

    def remove(self) -> None:
        """Delete the parts, because the table is whole."""
        for part in self._parts():
            part.unlink(missing_ok=True)

    def _parts(self) -> list[Path]:
        numbered = self.table.parent.glob("*.part") if self.table.parent.is_dir() else ()
        ours = (part for part in numbered if part.name.startswith(f"{self.table.name}."))
        return sorted(part for part in ours if part.name[len(self.table.name) + 1 : -len(".part")].isdigit())

    def _read(self, part: Path) -> list[dict]:
        found = []
        for line in part.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                # The run was stopped in the middle of this line.
                continue
        if found and found[0] != json.loads(json.dumps(self._settings)):
            raise UserError(
                f"{part} was begun with other options; give the same ones to go on, or --out another name, or remove it"
            )
        return found[1:]

    def _unwritable(self, error: OSError) -> UserError:
        return UserError(f"{self.table} can't be written ({error.strerror}); choose another file, or make room")
