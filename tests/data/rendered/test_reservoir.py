"""What processes draw is kept, and taken again."""

from contextlib import closing
from itertools import count
from multiprocessing import active_children

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
    with closing(Reservoir(numbers, chunks(4), "cpu", capacity=10)) as reservoir:
        while reservoir.drawn < 30:
            sample = reservoir.sample(10)
            assert torch.equal(sample["square"], sample["number"] ** 2)
            assert reservoir.drawn - 10 <= sample["number"].min() and sample["number"].max() < reservoir.drawn


def test_no_more_is_drawn_than_is_taken_but_for_a_few_ahead():
    with closing(Reservoir(numbers, chunks(4), "cpu", capacity=1000)) as reservoir:
        for _ in range(200):
            reservoir.sample(1)
            assert reservoir.drawn <= reservoir.taken + 3


def test_what_was_drawn_is_prepared():
    with closing(Reservoir(numbers, chunks(4), "cpu", 8, prepare=lambda sample: {"twice": sample["number"]})) as one:
        assert set(one.sample(4)) == {"twice"}


def test_the_processes_end_with_it():
    before = set(active_children())
    reservoir = Reservoir(numbers, chunks(4), "cpu", capacity=8)
    reservoir.sample(4)
    drawing = set(active_children()) - before
    reservoir.close()
    assert drawing and not any(one.is_alive() for one in drawing)


def test_a_mistake_in_drawing_reaches_who_asks():
    with pytest.raises(UserError, match="nothing to draw"):
        Reservoir(refused, chunks(4), "cpu", capacity=8).sample(4)
