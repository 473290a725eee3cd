"""The comparison of latent grids goes on where it stopped, and starts each grid from the layers that fit it."""

import json

import pytest
import torch
from safetensors.torch import load_file

from trajvlm.eval import grids, variations
from trajvlm.eval.grids import VARIATIONS, compare, table
from trajvlm.tokenizer.model import SHIPPED, WEIGHTS


@pytest.fixture()
def measured(monkeypatch, tmp_path):
    """Names of the variations that were measured, by their configurations, with made-up figures."""
    done = []

    def measure(config, step_count, minutes, *settings):
        assert step_count == 2 * minutes
        done.append(next(name for name, known in VARIATIONS.items() if known == config))
        suite = {"centre_px_median": 0.5, "probe_centre_px_median": 0.6, "radius_median": 0.04, "codes_used": 100.0}
        cell = {"grid": list(config.grid), "tokens": config.tokens, "bits": 1, "steps": 2}
        return {**cell, "clean": suite, "half": suite}

    monkeypatch.setattr(grids, "_measured", measure)
    monkeypatch.setattr(variations, "seconds_per_step", lambda trainings: dict.fromkeys(trainings, 30.0))
    monkeypatch.setattr(grids, "RESULTS", tmp_path / "grids.json")
    return done


def test_what_was_measured_is_not_measured_again(measured):
    first, second = list(VARIATIONS)[:2]
    compare(1.0, 2, 3, False, [first])
    results = compare(1.0, 2, 3, False, [first, second])
    assert measured == [first, second] and list(results["variations"]) == [first, second]
    assert json.loads(grids.RESULTS.read_text()) == results


def test_other_settings_are_another_comparison(measured):
    name = next(iter(VARIATIONS))
    compare(1.0, 2, 3, False, [name])
    results = compare(2.0, 2, 3, False, [name])
    assert measured == [name, name] and results["settings"]["minutes"] == 2.0


def test_the_table_has_a_line_a_variation_and_says_what_it_is_of(measured):
    text = table(compare(1.5, 2, 3, True, list(VARIATIONS)))
    lines = [line for line in text.splitlines() if line.startswith("| ")][1:]
    assert [line.split(" | ")[0][2:] for line in lines] == list(VARIATIONS)
    assert "1.5 minutes each, from nothing" in text


def test_a_grid_starts_from_the_shipped_layers_that_fit():
    shipped = load_file(SHIPPED / WEIGHTS)
    same = grids._fitting(VARIATIONS["FSQ 8-8-8-8"]).state_dict()
    fitting = {name: value for name, value in shipped.items() if name in same and same[name].shape == value.shape}
    assert all(torch.equal(same[name], value) for name, value in fitting.items()) and len(fitting) > len(same) / 2
    wider = VARIATIONS["FSQ 16-16-16-16, 80 tokens"]
    begun = grids._fitting(wider).state_dict()
    taken = [name for name, value in begun.items() if name in shipped and torch.equal(shipped[name], value)]
    assert len(begun) / 2 < len(taken) < len(begun)
