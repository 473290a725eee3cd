import numpy as np
import pytest
import torch

from trajvlm.vlm.vocabulary import MARKS, NUMBERS, Vocabulary, number_geometry

VOCABULARY = Vocabulary(base_size=100, codebook_size=60)


def test_codes_become_ids_and_come_back():
    codes = torch.arange(60).view(3, 20)
    ids = VOCABULARY.code_ids(codes)
    assert torch.equal(VOCABULARY.codes(ids), codes)
    assert VOCABULARY.is_code(ids).all()
    assert ids.min() == 100 and VOCABULARY.text(ids[0, 5].item()) == "<|v_00005|>"


def test_no_two_new_tokens_share_an_id_or_a_text():
    texts = [VOCABULARY.text(token) for token in range(100, VOCABULARY.size)]
    assert len(set(texts)) == len(texts) == 60 + len(MARKS) + len(NUMBERS)
    assert [VOCABULARY.text(VOCABULARY.mark(mark)) for mark in MARKS] == list(MARKS)


def test_ids_of_the_base_model_stay_its_own():
    for token in (0, 99, VOCABULARY.size):
        with pytest.raises(ValueError):
            VOCABULARY.text(token)
    assert not VOCABULARY.is_code(torch.tensor([0, 99, 160])).any()


def test_codes_outside_the_codebook_are_refused():
    for wrong in (torch.tensor([60]), torch.tensor([-1])):
        with pytest.raises(ValueError):
            VOCABULARY.code_ids(wrong)
    with pytest.raises(ValueError):
        VOCABULARY.codes(torch.tensor([5]))


def test_numbers_are_rounded_to_the_nearest_token_and_clipped():
    values = np.array([-9.0, -2.0, -0.004, 0.006, 1.237, 2.0, 7.0])
    texts = [VOCABULARY.text(token) for token in VOCABULARY.number_ids(values)]
    assert texts == ["-2.00", "-2.00", "+0.00", "+0.01", "+1.24", "+2.00", "+2.00"]


def test_neighbouring_numbers_start_alike():
    rows = number_geometry(64)
    similarity = torch.nn.functional.cosine_similarity(rows[200], rows[[201, 210, 400]])
    assert similarity[0] > similarity[1] > similarity[2]
