"""The controls look at anything but the clip that they answer."""

from types import SimpleNamespace

import torch

from trajvlm.eval.systems.ours import Controls


def test_each_control_is_given_other_tokens_than_the_clips_own():
    own = torch.arange(12 * 36).view(12, 9, 2, 2)
    given = {}
    describer = SimpleNamespace(
        tokenizer=SimpleNamespace(
            encode_codes=lambda video: own if len(video) == 12 else torch.full((4, 9, 2, 2), 999)
        ),
        lm=SimpleNamespace(answer=lambda codes, flips: given.update({len(given): codes}) or [None] * 3),
    )
    controls = Controls.__new__(Controls)
    controls.describer, controls.blank = describer, describer.tokenizer.encode_codes(torch.zeros(4, 3, 17, 64, 64))
    assert list(controls.answer(torch.zeros(3, 3, 17, 64, 64))) == list(Controls.rows)
    other, shuffled, blank = given.values()
    assert all(not set(a.flatten().tolist()) & set(b.flatten().tolist()) for a, b in zip(other, own))
    # The flips stay apart: each is given another clip's codes in the same flip.
    for given_flip, own_flip in zip(other.split(3), own.split(3)):
        assert set(given_flip.flatten().tolist()) == set(own_flip.flatten().tolist())
    for mixed, clip in zip(shuffled, own):
        assert not torch.equal(mixed, clip) and torch.equal(mixed.flatten().sort().values, clip.flatten())
    assert (blank == 999).all() and len(blank) == 12
