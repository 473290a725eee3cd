"""A clip and its moving layer are mirrored, laid on their side and played backwards together."""

import torch

from trajvlm.data.rendered.symmetries import mirrored


def test_pictures_of_one_clip_change_alike_and_each_of_the_sixteen_ways_occurs():
    torch.manual_seed(0)
    clip = torch.rand(1, 1, 3, 4, 4)
    found = mirrored({"video": clip.expand(400, -1, -1, -1, -1), "layer": 2 * clip.expand(400, -1, -1, -1, -1)})
    assert torch.equal(found["layer"], 2 * found["video"])
    ways = {tuple(x.flatten().tolist()) for x in found["video"]}
    assert len(ways) == 16
    assert all(sorted(way) == sorted(clip.flatten().tolist()) for way in ways)
