"""The fixed splits: the same scenes everywhere, and none that a training sees."""

import subprocess
import sys
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from trajvlm.data.errors import UserError
from trajvlm.data.rendered import splits
from trajvlm.data.rendered.nuisances import NAMES, Nuisances
from trajvlm.data.rendered.scene import SceneSettings, draw_scene
from trajvlm.data.rendered.splits import SPLITS, find_split, joined_sha256, nuisance_suite, scene_sha256, split_sha256
from trajvlm.data.rendered.stream import TRAINING_SEED

# Of the first twenty scenes. Where these change, no earlier result can be compared with a later one.
PINNED = {
    "test-clean": "68a1fe1f292d8186c7ffeaf2e8286dce1a425dd0567799db60ffadc89900c30c",
    "test-light": "100265c03627ee8746db682cda8bba62762ce9495eaeec8440566ecfe8dc56a1",
    "test-half": "b408a4ee815230af3216feb8eda689eb19fcbbf96773e003d70ec0c340dfb3e2",
    "validation": "f8c73e29a7f371c634c51de8ca5493a7460fecdde0d7da29133854c4c5ca9142",
}


@pytest.mark.parametrize("name", SPLITS)
def test_the_splits_are_those_that_results_were_reported_on(name):
    assert joined_sha256(scene_sha256(scene) for scene in islice(find_split(name).scenes(), 20)) == PINNED[name]


def test_the_hash_is_the_same_in_another_process():
    code = "from trajvlm.data.rendered.splits import split_sha256; print(split_sha256('validation'))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert other == split_sha256("validation") and len(other) == 64


def test_the_hash_tells_splits_apart(monkeypatch):
    monkeypatch.setattr(splits, "SPLITS", {name: replace(split, size=5) for name, split in SPLITS.items()})
    assert len({split_sha256(name) for name in SPLITS}) == len(SPLITS)


def test_every_recorded_field_counts():
    scene = draw_scene(SceneSettings(), 3, 0)
    changed = {
        "constants": scene.constants + 1e-6,
        "path": scene.path + 1e-6,
        "family": "other",
        "focal": scene.focal + 1e-6,
        "radius": scene.radius + 1e-6,
        "nuisances": Nuisances(noise=0.123),
        "light": -scene.light,
        "ball": 1 - scene.ball,
        "ambient": scene.ambient / 2,
        "backdrop_seed": scene.backdrop_seed + 1,
        "nuisance_seed": scene.nuisance_seed + 1,
        "filmed": True,
    }
    assert set(changed) <= set(vars(scene))
    hashes = {scene_sha256(replace(scene, **{name: value})) for name, value in changed.items()}
    assert len(hashes | {scene_sha256(scene)}) == len(changed) + 1
    # The last bit of a number is another processor's business.
    assert scene_sha256(replace(scene, constants=np.nextafter(scene.constants, 9))) == scene_sha256(scene)


def test_no_split_shares_a_seed_with_training():
    assert TRAINING_SEED not in {split.seed for split in SPLITS.values()}
    assert TRAINING_SEED != nuisance_suite("noise", 0.5).seed
    training = draw_scene(SceneSettings(), TRAINING_SEED, 0).path
    assert all(not np.array_equal(training, next(split.scenes()).path) for split in SPLITS.values())
    tests = {split.seed for name, split in SPLITS.items() if name.startswith("test")}
    assert find_split("validation").seed not in tests


def test_the_splits_are_as_hard_as_their_names_say():
    assert next(find_split("test-clean").scenes()).nuisances == Nuisances()
    assert next(find_split("test-half").scenes()).nuisances == Nuisances.all_at(0.5)
    assert find_split("test-light").settings.strength == (0.0, 0.3)
    assert find_split("validation").settings.strength == (0.0, 0.8)
    clean, half = (next(find_split(name).scenes()) for name in ("test-clean", "test-half"))
    assert np.array_equal(clean.path, half.path)


@pytest.mark.parametrize("name", NAMES)
def test_a_suite_has_one_nuisance(name):
    assert next(nuisance_suite(name, 0.4).scenes()).nuisances == Nuisances(**{name: 0.4})


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(UserError, match="test-clean, test-light, test-half, validation"):
        find_split("test")
    with pytest.raises(UserError, match="shadow"):
        nuisance_suite("rain", 0.5)
    with pytest.raises(UserError, match="between 0 and 1"):
        nuisance_suite("noise", 1.5)
