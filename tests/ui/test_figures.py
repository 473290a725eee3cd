import cv2
import numpy as np
import pytest

from tests.ui import fake
from ui.figures import draw


@pytest.mark.parametrize("refine", [True, False])
def test_the_picture_shows_the_video_the_curve_and_the_strips(tmp_path, refine):
    video = fake.write_video(tmp_path / "throw $1.mp4")
    description = fake.FakeDescriber().describe(video, refine=refine)
    draw(description, tmp_path / "picture.png")
    picture = cv2.imread(str(tmp_path / "picture.png"))[..., ::-1].astype(int)
    assert picture.shape[1] >= 1200
    # The curve's colour and the wall's both take up some of it.
    curve = np.abs(picture - (0xE4, 0x57, 0x2E)).max(axis=2) < 25
    assert curve.mean() > 0.002
    assert 0.2 < (picture.min(axis=2) < 200).mean() < 0.8
