"""Suites are what their names say, the same everywhere, and found by name or group."""

from itertools import islice

import numpy as np
import pytest
import torch

from trajvlm.data.errors import UserError
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered.nuisances import NAMES, Nuisances
from trajvlm.data.rendered.render import render
from trajvlm.data.rendered.splits import find_split, scene_sha256
from trajvlm.eval.results_file import letters
from trajvlm.eval.suites import STRENGTHS, SUITES, find_suites


def first(name, count=5):
    return list(islice(SUITES[name].scenes(), count))


def test_the_main_suites_are_the_fixed_splits():
    assert [suite.name for suite in find_suites(["main"])] == ["clean", "light", "half"]
    for name in ("clean", "light", "half"):
        split = list(islice(find_split(f"test-{name}").scenes(), 2))
        assert [scene_sha256(s) for s in split] == [scene_sha256(s) for s in first(name, 2)]


def test_every_nuisance_has_every_strength_alone():
    for name in NAMES:
        found = find_suites([name])
        assert [suite.name for suite in found] == [f"{name}-{strength:g}" for strength in STRENGTHS]
        assert [next(suite.scenes()).nuisances for suite in found] == [Nuisances(**{name: s}) for s in STRENGTHS]


def test_suites_outside_the_training_ranges_are_outside():
    assert max(s.radius for s in first("small-ball")) < 0.05
    assert max(s.focal for s in first("wide-lens")) < 2 and min(s.focal for s in first("long-lens")) > 10
    assert max(s.constants[-1] for s in first("few-turns")) < 0.6
    assert min(s.constants[-1] for s in first("many-turns")) > 2
    assert not np.allclose(SUITES["photographs"].pictures(first("photographs", 2)), render(first("light", 2)), atol=0.1)
    for name in ("few-turns", "many-turns"):
        assert all(FAMILIES[s.family].periodic and np.abs(s.constants[:-1]).max() < 2 for s in first(name))
        assert [scene_sha256(s) for s in first(name, 2)] == [scene_sha256(s) for s in first(name, 2)]
        assert not {scene_sha256(s) for s in first(name, 2)} & {scene_sha256(s) for s in first("clean", 2)}


def test_unknown_words_are_refused_with_the_known_ones():
    with pytest.raises(UserError, match="clean, light, half.*noise-0.5.*outside"):
        find_suites(["rain"])
    assert len(find_suites([])) == len(SUITES)


def test_every_family_has_a_letter_of_its_own():
    assert len(set(letters([*FAMILIES, None]))) == len(FAMILIES) + 1


def test_at_a_low_frame_rate_every_other_frame_is_the_one_before_it():
    video = SUITES["low-frame-rate"].pictures(first("low-frame-rate", 1))
    assert [bool((video[:, :, k] == video[:, :, k + 1]).all()) for k in range(16)] == [True, False] * 8


def test_photographs_stand_behind_the_ball_and_are_the_same_each_time():
    scenes = first("photographs", 3)
    video = SUITES["photographs"].pictures(scenes)
    assert torch.equal(video, SUITES["photographs"].pictures(scenes))
    # Backdrops that are drawn are smoother from one pixel to the next.
    rough = [v[:, :, :, 1:].sub(v[:, :, :, :-1]).abs().mean() for v in (video, render(scenes))]
    assert rough[0] > 1.5 * rough[1]
