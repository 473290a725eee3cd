import json

import pytest

from eval.report import table, text, write_readme, written_table
from eval.results import SHIPPED
from eval.suites import SUITES


def test_the_readme_says_what_the_results_hold():
    assert written_table() == text(json.loads(SHIPPED.read_text()))


@pytest.mark.parametrize("system", ["ours", "controls"])
def test_the_results_belong_to_the_shipped_weights(system):
    from tokenizer.model import weights_sha256
    from vlm.model import adapter_sha256

    results = json.loads(SHIPPED.read_text())
    for name in (suite.name for suite in SUITES.values() if suite.main):
        identity = results["identities"][results["suites"][name][system]["identity"]]
        assert identity["tokenizer"]["sha256"] == weights_sha256()
        assert identity["model"]["adapter_sha256"] == adapter_sha256()


def test_writing_the_table_leaves_the_rest_of_the_readme(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- results -->\nold\n<!-- /results -->\nafter\n")
    results = json.loads(SHIPPED.read_text())
    write_readme(results, readme)
    write_readme(results, readme)
    whole = readme.read_text()
    assert whole.startswith("before\n") and whole.endswith("\nafter\n") and "old" not in whole
    assert written_table(readme) == text(results)


def test_the_tokenizers_readme_says_what_its_results_hold():
    from eval import tokenizer
    from tokenizer.model import weights_sha256

    results = json.loads(tokenizer.RESULTS.read_text())
    assert written_table(tokenizer.README) == tokenizer.table(results)
    assert results["sha256"] == weights_sha256()


def test_what_could_not_be_measured_says_why_and_nothing_else():
    cells = {
        "frozen-encoders": {"refused": "weights not supplied"},
        "cnn3d": {
            "clips": 4,
            "rows": {"small 3D CNN": {"family_accuracy": 0.5, "family_accuracy_interval": [0.15, 0.85]}},
        },
    }
    written = table({"identities": {}, "machines": {}, "suites": {"clean": cells}})
    assert "| Open-MAGVIT2, VideoMAE, CLIP, frozen | weights not supplied |  |  |  |  |  |" in written
    assert "| small 3D CNN | 50.0% (15.0% to 85.0%) | no equation |  |  |  |  |" in written
    assert "4 clips a suite" in written
