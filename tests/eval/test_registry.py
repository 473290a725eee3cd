"""Every system that can be named can be loaded, or says what it lacks."""

import importlib.util

import pytest

from trajvlm.data.errors import UserError
from trajvlm.eval.registry import ENTRIES, find_entries
from trajvlm.eval.systems import majority


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=lambda entry: entry.name)
def test_every_system_has_its_file(entry):
    assert importlib.util.find_spec(entry.module) is not None


def test_systems_come_in_the_registry_s_order_and_unknown_ones_are_refused():
    assert [entry.name for entry in find_entries(["track-and-fit", "ours"])] == ["ours", "track-and-fit"]
    with pytest.raises(UserError, match="ours, decoded-fit, decoded-trees, controls, floor"):
        find_entries(["theirs"])


def test_the_floor_says_the_same_of_every_clip():
    import torch

    system = majority.load()
    (answers,) = system.answer(torch.zeros(3, 3, 17, 64, 64)).values()
    assert len(answers) == 3 and len({answer.family for answer in answers}) == 1
    assert abs(sum(answers[0].probabilities.values()) - 1) < 1e-9
    assert find_entries(["floor"])[0].load().rows == system.rows
