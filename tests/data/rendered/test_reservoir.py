"""What processes draw is kept, and taken again."""

from itertools import count

import pytest
import torch

from trajvlm.data.errors import UserError
from trajvlm.data.rendered.reservoir import Reservoir


def numbers(first, size):
    each = torch.arange(first, first + size)
    return {"number": each, "square": each**2}


def refused(first, size):
    raise UserError("there is nothing to draw")


def chunks(size):
    return ((first, size) for first in count(0, size))


def test_samples_are_whole_and_come_from_the_last_ones_drawn():
    reservoir = Reservoir(numbers, chunks(4), "cpu", capacity=10)
    for _ in range(20):
        sample = reservoir.sample(10)
        assert torch.equal(sample["square"], sample["number"] ** 2)
        assert reservoir.drawn - 10 <= sample["number"].min() and sample["number"].max() < reservoir.drawn
    assert reservoir.drawn > 10


def test_what_was_drawn_is_prepared_once():
    reservoir = Reservoir(numbers, chunks(4), "cpu", 8, prepare=lambda sample: {"twice": 2 * sample["number"]})
    assert set(reservoir.sample(4)) == {"twice"}


def test_a_mistake_in_drawing_reaches_who_asks():
    with pytest.raises(UserError, match="nothing to draw"):
        Reservoir(refused, chunks(4), "cpu", capacity=8).sample(4)
