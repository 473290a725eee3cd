"""The worlds of validation are the same everywhere; those of the final evaluation stay sealed until then."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from trajvlm.data.errors import UserError
from trajvlm.data.rendered import sealed
from trajvlm.data.rendered.nuisances import Nuisances
from trajvlm.data.rendered.paths import IRREGULAR, NEVER_TRAINED, PHASES, TOLD, WIDER
from trajvlm.data.rendered.shapes import DRAWN, ONLY_TESTED
from trajvlm.data.rendered.stream import TRAINING_SEED
from trajvlm.data.rendered.world import WorldSettings, draw_world
from trajvlm.data.rendered.world_splits import (
    SEALED_SPLITS,
    WORLD_SPLITS,
    commitment,
    find_world_split,
    joined_sha256,
    world_sha256,
)
from trajvlm.data.rendered.world_stream import draw_worlds

# Of the first twenty worlds. Where these change, no earlier result can be compared with a later one.
PINNED = {
    "worlds": "4cb0b084d7535e475f460021dea2aedcf89c8317da2809a6aa96ed480a359e82",
    "worlds-clean": "ebd7a59d325577d21b24d7e5a817d7fdf39696005defc771239c9ff9ec048827",
    "worlds-half": "ea5db84f149ffc3c0b01dedccd2b0e4d3c50b5d1418bb2dff42ccc706ad460ed",
    "unseen-shapes": "0f4b7b41e8a0ff8ddcf444c95c675a8faaa7841ef9a9fc23e076ff1ff5d93f76",
    "four-movers": "412381d9969ddea0340037f55c6635c12c032b9a16bc77407922ec9d3d911802",
    "never-trained": "987bb8848f300ddfef443ff85bc8759df00b0e02f1e89c37171db6f086443edb",
    "sums": "9528034f4aad9f5348bda5ef722ca19165dcdc70b052fd0342160c62f08d42c0",
    "phases": "77f2be9be7d1b7d418c590817a018343dc6bf51e2aeb7904d466ebc30228f4a2",
    "irregular": "8561377def18279a85b6ff7cb45d8effd373f02db6a4b0f8679cde81bdfcf7de",
}
# Of what the sealed splits are drawn from. These were fixed before any result: they may not change.
COMMITTED = {
    "sealed-worlds": "814971a6e406f43627f608c78ca7d3daea8d729f164dd1a7b407034165641050",
    "sealed-worlds-clean": "707947528636bcc51acd18b4fc5e95830462fbca281c9d4b21a656b883472656",
    "sealed-worlds-half": "3a1e85c8f15e13977b04e6052c37962e2f77b176791c3f156a8c39768963d598",
    "sealed-unseen-shapes": "f1c2be5f7eebb97db5e5a254a4c20d8abec06555164d35eea51c0ce5b8dd2b9e",
    "sealed-four-movers": "b0bb9ac816119b86d5b231032c26919b4c43da2ac071c571b2d69d98b485c966",
    "sealed-never-trained": "fd7d27c6ce5f69cb811bef5b999c80ad7437d850d81e2a75da5d1ae3b12702fd",
}
REPOSITORY = Path(__file__).parents[3]


@pytest.mark.parametrize("name", WORLD_SPLITS)
def test_the_validation_splits_are_those_that_results_were_reported_on(name):
    assert joined_sha256(world_sha256(w) for w in islice(WORLD_SPLITS[name].worlds(), 20)) == PINNED[name]


def test_the_splits_hold_what_their_names_say():
    def first(name: str) -> list:
        return list(islice(find_world_split(name).worlds(), 15))

    assert all(world.nuisances == Nuisances() for world in first("worlds-clean"))
    assert all(world.nuisances == Nuisances.all_at(0.5) for world in first("worlds-half"))
    assert {m.shape.name for world in first("unseen-shapes") for m in world.movers} - {"ball"} <= set(ONLY_TESTED)
    assert {len(world.movers) for world in first("four-movers")} == {4}
    assert {m.kind for world in first("never-trained") for m in world.movers} <= set(NEVER_TRAINED) | {"collision"}
    assert {m.kind for world in first("phases") for m in world.movers} <= {*PHASES, *TOLD, "collision"}
    assert {m.kind for world in first("irregular") for m in world.movers} <= {*IRREGULAR, "collision"}
    assert "sum" in {m.kind for world in first("sums") for m in world.movers}
    assert not set(NEVER_TRAINED) & set(WIDER) and not set(ONLY_TESTED) & set(DRAWN)


def test_what_a_world_is_counts_in_its_hash():
    world = draw_world(WorldSettings(movers=(0, 1.0)), 3, 0)
    mover = world.movers[0]
    moved = replace(mover, path=mover.path + 1e-4)
    other = [
        replace(world, movers=(moved,)),
        replace(world, movers=(replace(mover, colour=1 - mover.colour),)),
        replace(world, nuisances=Nuisances(noise=0.123)),
        replace(world, backdrop_seed=world.backdrop_seed + 1),
        replace(world, filmed=not world.filmed),
    ]
    assert len({world_sha256(w) for w in [world, *other]}) == 6
    # The last bit of a number is another processor's business.
    assert world_sha256(replace(world, movers=(replace(mover, path=np.nextafter(mover.path, 9)),))) == world_sha256(
        world
    )


@pytest.mark.parametrize("name", SEALED_SPLITS)
def test_a_sealed_split_is_what_was_committed_to(name):
    split = SEALED_SPLITS[name]
    assert commitment(name, split.seed, split.size, split.settings) == COMMITTED[name]


def test_a_commitment_tells_seeds_and_settings_apart():
    split = SEALED_SPLITS["sealed-worlds"]
    easier = replace(split.settings, strength=(0.0, 0.1))
    hashes = {
        commitment(split.name, split.seed, split.size, split.settings),
        commitment(split.name, split.seed + 1, split.size, split.settings),
        commitment(split.name, split.seed, split.size, easier),
        commitment(split.name, split.seed, split.size - 1, split.settings),
    }
    assert len(hashes) == 4


@pytest.mark.skipif(sealed.OPENED, reason="the final evaluation has begun")
@pytest.mark.parametrize("name", SEALED_SPLITS)
def test_a_sealed_split_is_not_drawn_whoever_asks(name):
    split = SEALED_SPLITS[name]
    for ask in (
        split.worlds,
        lambda: split.batch(0, 1),
        lambda: draw_world(WorldSettings(), split.seed, 0),
        lambda: draw_worlds(WorldSettings(), split.seed, 0, 1),
    ):
        with pytest.raises(UserError, match=f"{name} is sealed until the final evaluation"):
            ask()


def test_what_has_been_opened_is_drawn(monkeypatch):
    monkeypatch.setattr(sealed, "SEEDS", {123: "sealed-rehearsal"})
    with pytest.raises(UserError, match="sealed-rehearsal"):
        draw_world(WorldSettings(), 123, 0)
    monkeypatch.setattr(sealed, "OPENED", True)
    assert draw_world(WorldSettings(movers=(0, 1.0)), 123, 0).movers


def traces(text: str) -> list[str]:
    """What stands in a text that belongs to a sealed split: its name, its seed, or its hash."""
    marks = [*sealed.NAMES, *map(str, sealed.SEEDS), *COMMITTED.values()]
    return [mark for mark in marks if mark in text]


@pytest.mark.skipif(sealed.OPENED, reason="the final evaluation has begun")
def test_no_result_on_a_sealed_split_exists():
    results = [
        path
        for folder in ("eval", "tokenizer", "vlm", "data")
        for kind in ("*.json", "*.jsonl", "*.csv", "*.html")
        for path in (REPOSITORY / folder).rglob(kind)
    ]
    assert results
    assert not {path: found for path in results if (found := traces(path.read_text(encoding="utf-8")))}


def test_a_result_on_a_sealed_split_would_be_found():
    split = SEALED_SPLITS["sealed-worlds"]
    for result in ('{"suites": {"sealed-worlds": {}}}', f'{{"seed": {split.seed}}}', COMMITTED["sealed-worlds"]):
        assert traces(result)


def test_seeds_of_sealed_splits_are_their_own():
    assert len(sealed.SEEDS) == len(sealed.NAMES)
    assert not set(sealed.SEEDS) & {TRAINING_SEED, *(split.seed for split in WORLD_SPLITS.values())}
