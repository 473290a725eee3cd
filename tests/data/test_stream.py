"""The training stream: what a process of its own draws ahead is what is drawn on the spot."""

from functools import partial

import torch

from data.scene import SceneSettings
from data.stream import TRAINING_SEED, draw_batch, drawn_ahead


def test_clips_drawn_ahead_are_those_of_the_stream_and_come_in_order():
    draw = partial(draw_batch, SceneSettings(), TRAINING_SEED)
    wanted = [(6, 2), (0, 3), (4, 1)]
    for (first, size), batch in zip(wanted, drawn_ahead(draw, wanted), strict=True):
        here = draw(first, size)
        assert len(batch.scenes) == size
        assert torch.equal(batch.video, here.video) and torch.equal(batch.clean, here.clean)
        assert torch.equal(batch.track.centre, here.track.centre)
