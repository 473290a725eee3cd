import av
import numpy as np
import pytest

from trajvlm.data.filmed.decode import pictures

_BOXES = [(0, 0, 20, 20), (7, 5, 36, 24), (33, 21, 64, 48), (-9, -3, 12, 10), (50, 40, 80, 70), (70, 60, 90, 75)]


def _video(path, layout: str, codec: str, width: int = 64, height: int = 48):
    """Two pictures of noise."""
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = width, height, layout
        for _ in range(2):
            picture = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    "layout, codec, width, height",
    [
        ("yuv420p", "libx264", 64, 48),
        ("yuv422p", "libx264", 64, 48),
        ("yuv444p", "libx264", 64, 48),
        ("yuv420p10le", "ffv1", 64, 48),
        ("yuv420p", "ffv1", 65, 49),
    ],
)
def test_a_part_is_what_the_whole_picture_shows_there(tmp_path, layout, codec, width, height):
    for _, picture in pictures(_video(tmp_path / "noise.mkv", layout, codec, width, height)):
        whole = picture.whole()
        for left, top, right, bottom in _BOXES:
            rows, columns = np.arange(top, bottom).clip(0, height - 1), np.arange(left, right).clip(0, width - 1)
            assert np.array_equal(picture.part(left, top, right, bottom), whole[rows[:, None], columns])


def test_a_steadied_part_lies_where_its_pose_says(tmp_path):
    (_, picture), *_ = pictures(_video(tmp_path / "noise.mkv", "yuv420p", "libx264"))
    pose = np.array([[1.0, 0.0, 5.0], [0.0, 1.0, -3.0]])
    for left, top, right, bottom in _BOXES:
        there = picture.steadied(pose, left, top, right, bottom)
        assert np.array_equal(there, picture.part(left - 5, top + 3, right - 5, bottom + 3))
