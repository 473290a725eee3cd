"""An installed copy has what it needs, and writes nothing into itself."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The wheel's files, in a folder outside the checkout."""
    pytest.importorskip("setuptools")
    scratch = tmp_path_factory.mktemp("wheel")
    # Built from a copy: setuptools leaves a folder `build` behind.
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("there is no git here that says what belongs to the project")
    for name in filter(None, tracked.stdout.split("\0")):
        copy = scratch / "source" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).exists():
            copy.symlink_to((ROOT / name).readlink() if (ROOT / name).is_symlink() else ROOT / name)
    command = ["-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", scratch, scratch / "source"]
    subprocess.run([sys.executable, *map(str, command)], check=True, capture_output=True)
    with zipfile.ZipFile(next(scratch.glob("*.whl"))) as wheel:
        wheel.extractall(scratch / "unpacked")
    return scratch / "unpacked"


def tracked_beside(package: str, *endings: str) -> set[str]:
    """What of a package is no code and belongs into the wheel."""
    found = (path for ending in endings for path in (ROOT / package).glob(ending))
    return {f"trajvlm/{path.relative_to(ROOT)}" for path in found if path.is_file()}


@pytest.mark.slow
def test_a_wheel_holds_results_readmes_weights_and_examples(unpacked):
    there = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    for package in ("data", "tokenizer", "vlm", "eval", "agents", "ui"):
        wanted = tracked_beside(package, "*.py", "README.md", "weights/*")
        wanted |= tracked_beside(package, "results/*.json") if package == "eval" else set()
        wanted |= tracked_beside(package, "*.jsonl") if package == "agents" else set()
        assert wanted and wanted <= there
    assert "trajvlm/eval/report/index.html" in there and "trajvlm/py.typed" in there
    assert {name.split("/")[0] for name in there} == {"trajvlm", "trajvlm-0.1.0.dist-info"}


@pytest.mark.slow
def test_the_report_is_written_from_an_installed_copy_into_the_users_folder(unpacked, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in unpacked.rglob("*") if path.is_file()}
    environment = os.environ | {"PYTHONPATH": str(unpacked), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "trajvlm.ui.cli", "eval", "report"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    page = tmp_path / "trajvlm-results" / "report" / "index.html"
    assert page.stat().st_size > 100_000 and "trajvlm-results/report/index.html" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in unpacked.rglob("*") if path.is_file()} == before
