"""Intervals whose values are known."""

import numpy as np
import pytest

from trajvlm.eval.intervals import bootstrap_median, wilson


def test_wilson_interval():
    assert wilson(0, 10)[0] == pytest.approx(0, abs=1e-9) and wilson(10, 10)[1] == pytest.approx(1)
    assert wilson(50, 100) == pytest.approx([0.4038, 0.5962], abs=1e-3)


def test_the_bootstrap_covers_the_median_as_theory_says():
    """For a median of n values the ranks n/2 -+ 1.96 sqrt(n)/2 bound it (binomial); 1..101 gives about 41 and 61."""
    low, high = bootstrap_median(np.arange(1, 102))
    assert low == pytest.approx(41, abs=2) and high == pytest.approx(61, abs=2)
    assert bootstrap_median(np.full(5, 3.0)) == [3, 3]


def test_failures_make_the_upper_bound_endless():
    low, high = bootstrap_median(np.array([1.0] * 6 + [np.inf] * 4))
    assert low == 1 and high == np.inf
