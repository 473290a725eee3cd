"""The command line with a describer that needs no weights."""

import sys

import pytest
from typer.testing import CliRunner

from tests.ui import fake
from trajvlm.ui.cli import app


@pytest.fixture()
def run(monkeypatch):
    """Calls `trajvlm` with arguments, in this process."""
    monkeypatch.setitem(sys.modules, "trajvlm.vlm.describe", fake.module())

    def call(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return call
