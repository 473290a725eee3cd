"""What the language model writes reads as an equation, whatever numbers it writes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trajvlm.data.clip import CANONICAL
from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.families import FAMILIES
from trajvlm.vlm.answer import Answer
from trajvlm.vlm.vocabulary import NUMBERS, Vocabulary


@given(st.sampled_from(sorted(FAMILIES)), st.integers(0, 2**31))
def test_any_tokens_that_the_grammar_allows_read_as_the_equation(name, seed):
    constants = np.random.default_rng(seed).choice(NUMBERS, FAMILIES[name].size)
    answer = Answer(name, constants, {})
    word, axes = answer.text.split(": ", 1)
    assert word == name
    read = Equation.from_text(dict(part.split(" = ") for part in axes.split("; ")))
    assert np.allclose(read.positions(CANONICAL.times), answer.positions(CANONICAL.times), atol=1e-9)


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_every_number_stands_as_its_token_reads(name):
    constants = np.round(np.linspace(-1.5, 0.9, FAMILIES[name].size), 2)
    vocabulary = Vocabulary(100, 10)
    tokens = [vocabulary.text(int(token)) for token in vocabulary.number_ids(constants)]
    text = Answer(name, constants, {}).text
    # The number of turns stands inside the functions, without its sign.
    assert all(token.lstrip("+") in text for token in tokens)
