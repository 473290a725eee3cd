"""What the documents name is there: files, links, modules to run, commands."""

import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.main import get_command

from trajvlm.ui.cli import app

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("*/*.md")])
TODAY = [path for path in DOCUMENTS if path.name != "log.md"]
"""The log names what there was on its day."""


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=relative)
def test_a_link_leads_to_a_file(document):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", TODAY, ids=relative)
def test_a_file_that_is_named_is_there(document):
    named = set(re.findall(r"`((?:[\w.-]+/)*\w+\.(?:py|md))`", document.read_text()))
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("there is no git here that says what belongs to the project")
    files = [f"/{name}" for name in listed.stdout.splitlines()]
    assert {name for name in named if not any(file.endswith(f"/{name}") for file in files)} == set()


@pytest.mark.parametrize("document", TODAY, ids=relative)
def test_a_module_that_is_named_is_there(document):
    named = set(re.findall(r"-m (trajvlm[\w.]*\w)", document.read_text()))
    assert {name for name in named if find_spec(name) is None} == set()


@pytest.mark.parametrize("document", TODAY, ids=relative)
def test_a_command_that_is_named_is_there(document):
    commands = get_command(app).commands
    command = re.compile(r"(?:^ +|`)(?:\.venv/bin/)?trajvlm ([a-z]+)(?: ([a-z]+))?", re.MULTILINE)
    named = set(command.findall(document.read_text()))
    for name, below in named:
        assert name in commands, name
        if below and hasattr(commands[name], "commands"):
            assert below in commands[name].commands, below
