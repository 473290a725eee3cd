"""The training stream: what processes of their own draw ahead is what is drawn on the spot."""

from functools import partial

import pytest
import torch

from trajvlm.data.errors import UserError
from trajvlm.data.rendered.scene import SceneSettings
from trajvlm.data.rendered.stream import TRAINING_SEED, draw_batch, prefetch


@pytest.mark.parametrize("processes", [1, 3])
def test_clips_drawn_ahead_are_those_of_the_stream_and_come_in_order_whatever_the_number_of_processes(processes):
    draw = partial(draw_batch, SceneSettings(), TRAINING_SEED)
    wanted = [(6, 2), (0, 3), (4, 1), (9, 1)]
    for (first, size), batch in zip(wanted, prefetch(draw, wanted, processes), strict=True):
        here = draw(first, size)
        assert len(batch.scenes) == size
        assert torch.equal(batch.video, here.video) and torch.equal(batch.clean, here.clean)
        assert torch.equal(batch.track.centre, here.track.centre)


def test_what_a_user_can_mend_comes_back_from_where_it_is_drawn_as_it_was_said():
    with pytest.raises(UserError, match=r"^clip 3 can't be drawn$"):
        list(prefetch(_refused, [(3, 1)]))


def _refused(first, size):
    raise UserError(f"clip {first} can't be drawn")
