"""The tables of motions outside the families, of two views, of windows and of decoding hold what was measured."""

import json

import pytest

from tests.eval.marks import text_between
from trajvlm.eval import decoding, ood, views, windows
from trajvlm.tokenizer.model import weights_sha256
from trajvlm.vlm.model import adapter_sha256

TABLES = {"ood": ood, "views": views, "windows": windows, "decoding": decoding}


@pytest.mark.parametrize("mark", TABLES)
def test_the_document_says_what_the_results_of_the_shipped_weights_hold(mark):
    table = TABLES[mark]
    results = json.loads(table.RESULTS.read_text())
    assert text_between(table.DOCUMENT, mark) == table.table(results)
    assert results["tokenizer"]["sha256"] == weights_sha256()
    assert results["model"]["adapter_sha256"] == adapter_sha256()


def test_refusals_of_strangers_stand_beside_those_of_the_families():
    def level(known, others):
        cell = {"clips": 10, "interval": [0, 1], "scenes_sha256": ""}
        return {"the families": {**cell, "refused": known}, "figure-eight": {**cell, "refused": others}}

    text = ood.table({"levels": {"clean": level(0, 9), "half": level(1, 4)}})
    assert "| the families | 0 of 10 | 1 of 10 |" in text and "| figure-eight | 9 of 10 | 4 of 10 |" in text


def test_one_view_stands_beside_two():
    def cell(share, error):
        return {
            "family_accuracy": share,
            "curve_nmse_median": error,
            "curve_nmse_median_interval": [error / 2, error * 2],
        }

    levels = {"clean": {"one view": cell(0.9, 0.01), "two views": cell(1.0, 0.001)}}
    assert "| clean | 90.0% | 100.0% | 0.01 (0.005 to 0.02) | 0.001 (0.0005 to 0.002) |" in views.table(
        {"clips": 7, "levels": levels}
    )
