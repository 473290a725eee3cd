"""The controls look at anything but the clip that they answer."""

from types import SimpleNamespace

import torch

from eval.systems.ours import Controls


def test_each_control_is_given_other_tokens_than_the_clips_own():
    own = torch.arange(3 * 36).view(3, 9, 2, 2)
    given = {}
    describer = SimpleNamespace(
        tokenizer=SimpleNamespace(encode_codes=lambda video: own if len(video) == 3 else torch.full((1, 9, 2, 2), 999)),
        lm=SimpleNamespace(
            answer=lambda codes: given.update({len(given): codes}) or [None] * len(codes), config=SimpleNamespace()
        ),
    )
    controls = Controls.__new__(Controls)
    controls.describer, controls.blank = describer, describer.tokenizer.encode_codes(torch.zeros(1, 3, 17, 64, 64))
    assert list(controls.answer(torch.zeros(3, 3, 17, 64, 64))) == list(Controls.rows)
    other, shuffled, blank = given.values()
    assert all(not set(a.flatten().tolist()) & set(b.flatten().tolist()) for a, b in zip(other, own))
    assert set(other.flatten().tolist()) == set(own.flatten().tolist())
    for mixed, clip in zip(shuffled, own):
        assert not torch.equal(mixed, clip) and torch.equal(mixed.flatten().sort().values, clip.flatten())
    assert (blank == 999).all() and len(blank) == 3
