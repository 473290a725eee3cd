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
from trajvlm.data.rendered.sealed import commitment
from trajvlm.data.rendered.shapes import DRAWN, ONLY_TESTED
from trajvlm.data.rendered.stream import TRAINING_SEED
from trajvlm.data.rendered.world import WorldSettings, draw_world
from trajvlm.data.rendered.world_splits import (
    SEALED_SPLITS,
    WORLD_SPLITS,
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
    "unseen-shapes": "f5664384c05c7bdfcb54406abb85b4135c7665c2108d61fe1fd4e077059d9d35",
    "four-movers": "412381d9969ddea0340037f55c6635c12c032b9a16bc77407922ec9d3d911802",
    "never-trained": "bc7cea0a64c58a1c774a7ad48198f52119543ae7c900557cfdec15f4e8089afd",
    "sums": "1664adcecd82842491a22dc7408ba50fc0fb3c143fa937df5eedfe192515f542",
    "phases": "e64b45ce8dd87b58a24a7412e61ade7c9bdbafc35cbbdef7f24c650d58cfb6d1",
    "irregular": "e014c561dc09dec6c1f479052086242d0346c49900460c2457711a8d0a68b80b",
}
# Of what the sealed splits are drawn from. These were fixed before any result: they may not change.
COMMITTED = {
    "sealed-worlds": "814971a6e406f43627f608c78ca7d3daea8d729f164dd1a7b407034165641050",
    "sealed-worlds-clean": "707947528636bcc51acd18b4fc5e95830462fbca281c9d4b21a656b883472656",
    "sealed-worlds-half": "3a1e85c8f15e13977b04e6052c37962e2f77b176791c3f156a8c39768963d598",
    "sealed-unseen-shapes": "a69244ac8e7e694b9826bcde4d4685bd90f837175ce95ae2b754cd649f87f3d8",
    "sealed-four-movers": "b0bb9ac816119b86d5b231032c26919b4c43da2ac071c571b2d69d98b485c966",
    "sealed-never-trained": "3a484cd93a1c3dacad7feffcb5799362553e9951a9ef8d7d86bad6f6db901f08",
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
    assert {m.shape.name for world in first("unseen-shapes") for m in world.movers} <= set(ONLY_TESTED)
    assert {len(world.movers) for world in first("four-movers")} == {4}
    assert {m.kind for world in first("never-trained") for m in world.movers} <= set(NEVER_TRAINED)
    assert {m.kind for world in first("phases") for m in world.movers} <= {*PHASES, *TOLD}
    assert {m.kind for world in first("irregular") for m in world.movers} <= {*IRREGULAR}
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
