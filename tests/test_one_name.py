"""Every module is loaded under one name: a second copy has classes of its own, which are not those of the first."""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {"agents", "data", "eval", "tokenizer", "ui", "vlm"}
PROGRAM = """
import importlib, json, pkgutil, sys
import trajvlm
for found in pkgutil.walk_packages(trajvlm.__path__, "trajvlm."):
    importlib.import_module(found.name)
print(json.dumps([[name, module.__file__] for name, module in list(sys.modules.items())
                  if getattr(module, "__file__", None)]))
"""


@pytest.fixture(scope="module")
def loaded() -> dict[str, str]:
    """The file of each module that is loaded once every module of the package is, links followed."""
    # From the checkout's root, where `import data` would find the folder.
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {name: str(Path(file).resolve()) for name, file in json.loads(done.stdout.splitlines()[-1])}


@pytest.mark.slow
def test_no_module_is_loaded_under_two_names(loaded):
    names = defaultdict(list)
    for name, file in loaded.items():
        names[file].append(name)
    ours = {file: found for file, found in names.items() if any(name.split(".")[0] == "trajvlm" for name in found)}
    assert len(ours) > 100
    assert {file: found for file, found in ours.items() if len(found) > 1} == {}


@pytest.mark.slow
def test_no_folder_is_a_package_of_its_own(loaded):
    assert FOLDERS & {name.split(".")[0] for name in loaded} == set()
