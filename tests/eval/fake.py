"""Systems that answer at once, for tests of what is built about systems."""

import numpy as np

from trajvlm.data.errors import UserError
from trajvlm.data.motions.families import FAMILIES
from trajvlm.eval.registry import ENTRIES, Entry
from trajvlm.eval.system import FamilyOnly
from trajvlm.vlm.answer import Answer


class Fake:
    """Answers every clip with the same line; counts how often it is asked."""

    def __init__(self, name="floor", rows=("a line",), identity=None, equations=True):
        self.name, self.rows, self.identity, self.gives_equations = name, rows, identity or {"weights": 1}, equations
        self.clips = 0

    def answer(self, video):
        self.clips += len(video)
        chances = {name: 0.6 if name == "linear" else 0.1 for name in FAMILIES}
        line = Answer("linear", np.array([0, 0, 0, 0.5, 0.2, 0]), chances)
        return {
            row: [line if self.gives_equations else FamilyOnly("linear", chances)] * len(video) for row in self.rows
        }


class Refusing(Fake):
    """Finds out that it lacks something when it is asked."""

    def answer(self, video):
        raise UserError("weights not supplied")


def refuse():
    raise UserError("package not supplied")


def register(monkeypatch, systems) -> list[Entry]:
    """Put these (name -> what makes a system) in the place of the registered ones."""
    monkeypatch.setattr(Entry, "load", lambda entry: systems[entry.name]())
    return [ENTRIES[name] for name in systems]
