"""Commands print nothing that the libraries say, and their threads sleep while they wait."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trajvlm.data.rendered.export import write_sample

ROOT = Path(__file__).parents[2]


def run(*arguments, **environment):
    """A fresh process in which OpenMP's settings are those that are given, and no other."""
    here = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "GOMP_"))}
    here |= {"PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=here, stdin=subprocess.DEVNULL)


@pytest.mark.slow
def test_describe_says_nothing_but_the_answer(tmp_path):
    write_sample(tmp_path / "throw.mp4", "parabolic", 1)
    # Where nothing is unpacked yet, that is done first, and has bars of its own.
    done = run("-m", "trajvlm.ui.cli", "describe", tmp_path / "throw.mp4", XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 0 and done.stderr == ""
    first, second, *others = done.stdout.splitlines()
    assert first == str(tmp_path / "throw.mp4") and second.startswith("  parabolic: ")
    assert all(line.startswith("  ") for line in others)


@pytest.mark.slow
def test_the_tools_for_other_programs_say_nothing_that_nobody_asked():
    done = run("-m", "trajvlm.ui.cli", "mcp")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


_STOPPED_AT_TORCH = """
import os, sys
from importlib.abc import MetaPathFinder

class Stop(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "torch":
            sys.exit(os.environ.get("OMP_WAIT_POLICY", "nothing"))

sys.meta_path.insert(0, Stop())
"""
PROGRAMS = (
    "import sys; sys.argv = ['trajvlm', 'describe', 'a.mp4']; from trajvlm.ui.cli import app; app()",
    "import trajvlm.ui.cli; from trajvlm.ui.network_loading import load_describer; load_describer()",
    *(
        f"import {module}"
        for module in (
            "trajvlm.vlm.describe",
            "trajvlm.tokenizer.train",
            "trajvlm.eval.run",
            "trajvlm.agents.tools",
            "trajvlm.data.rendered.render",
        )
    ),
)


@pytest.mark.parametrize("program", PROGRAMS)
def test_threads_sleep_from_before_torch_is_loaded(program):
    assert run("-c", _STOPPED_AT_TORCH + program).stderr.strip() == "passive"


def test_what_the_user_says_of_threads_stays():
    assert run("-c", _STOPPED_AT_TORCH + PROGRAMS[1], OMP_WAIT_POLICY="active").stderr.strip() == "active"
