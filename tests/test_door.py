"""The README's Python lines lead from a path to a family and an equation, with the shipped weights."""

import re
from pathlib import Path

import numpy as np
import pytest

from trajvlm.data.motions.equation import Equation
from trajvlm.data.rendered.export import write_sample

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.slow
def test_the_readmes_python_lines_name_a_family_and_an_equation(tmp_path, monkeypatch, capsys):
    lines = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)[1]
    (video,) = re.findall(r'"(.*\.mp4)"', lines)
    scene = write_sample(tmp_path / video, "parabolic", 0)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(lines, str(README), "exec"), names)
    family, text = capsys.readouterr().out.strip().split(" ", 1)
    assert family == scene.family
    described = names["description"]
    t = np.linspace(0, described.clip.placement.duration_s, 5)
    printed = Equation.from_text(dict(re.findall(r"'([xyz])': '(.*?)'", text)))
    assert np.allclose(printed.positions(t), described.best.positions(t), atol=1e-2)
