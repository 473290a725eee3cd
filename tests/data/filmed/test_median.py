import numpy as np
import pytest

from trajvlm.data.filmed.median import median, median_picture


@pytest.mark.parametrize("count", [1, 2, 3, 6, 7, 24, 25, 41])
def test_median_picture_is_the_middle_of_each_pixel(count):
    pictures = np.random.default_rng(count).integers(0, 256, (count, 83, 71, 3), dtype=np.uint8)
    kept = pictures.copy()
    assert np.array_equal(median_picture(pictures), np.sort(pictures, axis=0)[count // 2])
    assert np.array_equal(pictures, kept)


@pytest.mark.parametrize("count", [1, 2, 9, 10])
def test_median_is_that_of_numpy(count):
    values = np.random.default_rng(count).normal(size=(3, count)).astype(np.float32)
    assert np.allclose(median(values), np.median(values, axis=-1))
