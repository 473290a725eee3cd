"""The file of results: one cell for each suite and system, written when it is measured, kept while it still holds.

    {"identities": {hash: what a system's results hang on}, "machines": {hash: where it ran}, "suites": {suite: {system:
    cell}}}

A cell is `{"refused": sentence}` for a system that lacks what it needs, or `clips`, `scenes_sha256`, `identity`,
`measures` (their version), `machine`, `seconds_per_clip`, `rows` {label: measures}, and, on the main suites, `truth`
and `said` (a letter a clip, see `letters`) and `curve_db` (10 log10 of each clip's curve error; null for a failure).
"""

import hashlib
import json
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import torch

from trajvlm.data.errors import UserError
from trajvlm.data.files import atomic_write
from trajvlm.data.motions.families import FAMILIES
from trajvlm.eval.registry import ENTRIES, Entry

SHIPPED = Path(__file__).parent / "results" / "systems.json"
_LETTERS = {name: name[0] for name in FAMILIES} | {None: "-"}
_PACKAGES = ("torch", "numpy", "scipy", "opencv-python", "transformers")
_INDENTED = 5
_LEAST_DB = -150


@dataclass(frozen=True)
class Row:
    """One line of a table: a row of a system, or why there is none."""

    system: Entry
    label: str
    cell: dict

    @property
    def measures(self) -> dict:
        """Empty where the system could not be measured."""
        return self.cell.get("rows", {}).get(self.label, {})

    @property
    def refused(self) -> str | None:
        """The sentence that says what the system lacks."""
        return self.cell.get("refused")


def rows(data: dict, suite: str) -> Iterator[Row]:
    """All rows of a suite, in the registry's order."""
    cells = data["suites"].get(suite, {})
    for name, entry in ENTRIES.items():
        if name in cells:
            yield from (Row(entry, label, cells[name]) for label in cells[name].get("rows", [entry.label]))


class Results:
    """The cells of one file."""

    def __init__(self, path: Path):
        """Reads the file where it exists; raises UserError where that is something else."""
        self.path = path
        self.data: dict[str, dict] = {"identities": {}, "machines": {}, "suites": {}}
        if path.exists():
            try:
                self.data = {key: dict(json.loads(path.read_text())[key]) for key in self.data}
            except (KeyError, TypeError, ValueError) as error:
                raise UserError(f"{path} does not hold results; give another file with --out") from error

    def cell(self, suite: str, system: str) -> dict | None:
        """The kept cell; None where there is none."""
        return self.data["suites"].get(suite, {}).get(system)

    def holds(self, suite: str, system: str, key: dict) -> bool:
        """Whether there is a measured cell that agrees with `key` in all that its results hang on."""
        cell = self.cell(suite, system)
        return cell is not None and "rows" in cell and all(cell[name] == value for name, value in key.items())

    def put(self, suite: str, system: str, cell: dict, identity: dict | None = None) -> None:
        """Keep a cell in the place of the one before, and write the file."""
        cell = rounded(cell)
        if identity is not None:
            machine = machine_of()
            self.data["identities"][digest(identity)] = identity
            self.data["machines"][digest(machine)] = machine
            cell |= {"machine": digest(machine)}
        self.data["suites"].setdefault(suite, {})[system] = cell
        self.write()

    def write(self) -> None:
        """Write the file at once or not at all, without identities and machines that no cell names."""
        cells = [cell for systems in self.data["suites"].values() for cell in systems.values()]
        for table, field in (("identities", "identity"), ("machines", "machine")):
            named = {cell.get(field) for cell in cells}
            self.data[table] = {key: value for key, value in self.data[table].items() if key in named}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(self.path) as draft:
            draft.write_text(_text(self.data, _INDENTED) + "\n")


def digest(value: dict) -> str:
    """The first twelve digits of the SHA-256 of plain JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def machine_of() -> dict:
    """Where and with what results are measured."""
    return {
        "processor": platform.machine(),
        "threads": torch.get_num_threads(),
        "opencv_threads": cv2.getNumThreads(),
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }


def letters(families: list[str | None]) -> str:
    """A letter for each family (its first), a dash for none."""
    return "".join(_LETTERS[name] for name in families)


def decibels(errors: np.ndarray) -> list[int | None]:
    """10 log10 of errors (N,) as whole numbers; null where there is none. 1 % is -20."""
    return [None if not np.isfinite(e) else max(_LEAST_DB, round(10 * np.log10(max(float(e), 1e-15)))) for e in errors]


def rounded(value):
    """Three significant digits, a tenth of a percent; what is not finite becomes null, as JSON has no word for it."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.3g}") if np.isfinite(value) else None
    return value


def number(value: float | None) -> str:
    """Three significant digits; an error that is infinite for most clips has no number."""
    return "none" if value is None else f"{value:.3g}"


def _text(value, levels: int, indent: str = "") -> str:
    """JSON with so many levels of objects spread over lines, so that changes of results can be read as differences."""
    if not isinstance(value, dict) or not value or not levels:
        return json.dumps(value)
    inner = ",\n".join(f"{indent} {json.dumps(k)}: {_text(v, levels - 1, indent + ' ')}" for k, v in value.items())
    return "{\n" + inner + "\n" + indent + "}"
