"""The README's Python lines lead from a path to a family and an equation, with the shipped weights."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from trajvlm.data.motions.equation import Equation
from trajvlm.data.rendered.export import write_sample

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.slow
def test_the_readmes_python_lines_name_a_family_and_an_equation(tmp_path):
    lines = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)[1]
    (video,) = re.findall(r'"(.*\.mp4)"', lines)
    scene = write_sample(tmp_path / video, "parabolic", 0)
    done = subprocess.run([sys.executable, "-c", lines], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    family, equation = done.stdout.strip().split(" ", 1)
    assert family == scene.family
    path = Equation.from_text(ast.literal_eval(equation)).positions(np.linspace(0, 1, 4))
    # Constant acceleration that is not none.
    assert path.shape == (4, 3) and np.allclose(np.diff(path, 3, axis=0), 0, atol=1e-2)
    assert np.abs(np.diff(path, 2, axis=0)).max() > 0.01
