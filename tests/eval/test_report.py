import json
from dataclasses import asdict

import pytest

from tests.eval.marks import text_between
from trajvlm.eval import ablations, grids
from trajvlm.eval.markdown import TABLES
from trajvlm.eval.report import FRONT, README, compared, gist, table, text, trainings_table, write_documents
from trajvlm.eval.results_file import SHIPPED, rows
from trajvlm.eval.suites import FURTHER_FAMILIES, SUITES


def test_the_documents_say_what_the_results_hold():
    results = json.loads(SHIPPED.read_text())
    assert text_between(README) == text(results)
    assert text_between(TABLES) == table(results)
    assert text_between(TABLES, "further") == table(results, FURTHER_FAMILIES)
    assert text_between(TABLES, "compared") == compared(results)
    assert text_between(TABLES, "baselines") == trainings_table(results)
    assert text_between(FRONT) == gist(results)
    assert text_between(FRONT, "further") == gist(results, FURTHER_FAMILIES)


@pytest.mark.parametrize("system", ["ours", "controls"])
def test_the_results_belong_to_the_shipped_weights(system):
    from trajvlm.tokenizer.model import weights_sha256
    from trajvlm.vlm.calibration import Calibration
    from trajvlm.vlm.model import SHIPPED as WEIGHTS
    from trajvlm.vlm.model import adapter_sha256

    calibration = Calibration.load(WEIGHTS)
    results = json.loads(SHIPPED.read_text())
    for name in (suite.name for suite in SUITES.values() if suite.main):
        identity = results["identities"][results["suites"][name][system]["identity"]]
        assert identity["tokenizer"]["sha256"] == weights_sha256()
        assert identity["model"]["adapter_sha256"] == adapter_sha256()
        assert identity["temperature"] == calibration.temperature
        assert identity.get("criterion") == (asdict(calibration.joint_criterion) if system == "ours" else None)


def test_rows_about_our_tokens_belong_to_the_shipped_tokenizer():
    from trajvlm.tokenizer.model import weights_sha256
    from trajvlm.vlm.calibration import Calibration
    from trajvlm.vlm.model import SHIPPED as WEIGHTS

    results = json.loads(SHIPPED.read_text())
    learned = {"transformer on our tokens": "tokens", "trees on the decoded track": "decoded_trees"}
    for suite in (suite.name for suite in SUITES.values() if suite.main):
        for row in rows(results, suite):
            identity = results["identities"].get(row.cell.get("identity"), {})
            if row.label in learned:
                identity = identity[learned[row.label]]["classifier"]["encoder"]
            if row.label in learned or row.system.name == "decoded-fit":
                assert identity["tokenizer_sha256"] == weights_sha256(), row.label
            if row.system.name == "decoded-fit":
                assert identity["criterion"] == asdict(Calibration.load(WEIGHTS).fit_criterion)


@pytest.mark.parametrize("module", [ablations, grids], ids=["ablations", "grids"])
def test_the_tables_of_variations_say_what_their_results_hold(module):
    results = json.loads(module.RESULTS.read_text())
    assert text_between(module.DOCUMENT, module.RESULTS.stem) == module.table(results)


def test_writing_the_tables_leaves_the_rest_of_the_documents(tmp_path):
    documents = tmp_path / "eval.md", tmp_path / "front.md", tmp_path / "tables.md"
    for document in documents:
        marks = [
            f"<!-- {mark} -->\nold\n<!-- /{mark} -->\n" for mark in ("results", "baselines", "compared", "further")
        ]
        document.write_text("".join(["before\n", *marks, "after\n"]))
    results = json.loads(SHIPPED.read_text())
    write_documents(results, *documents)
    write_documents(results, *documents)
    for document in documents:
        whole = document.read_text()
        assert whole.startswith("before\n") and whole.endswith("\nafter\n") and "results -->\nold" not in whole
    assert [text_between(document) for document in documents] == [text(results), gist(results), table(results)]


def test_the_tokenizers_readme_says_what_its_results_hold():
    from trajvlm.eval import tokenizer
    from trajvlm.tokenizer.model import weights_sha256

    results = json.loads(tokenizer.RESULTS.read_text())
    assert text_between(tokenizer.DOCUMENT) == tokenizer.table(results)
    assert text_between(tokenizer.DOCUMENT, "levels") == tokenizer.levels_table(results)
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
    assert "| Open-MAGVIT2, VideoMAE, CLIP, frozen | weights not supplied | | | | | |" in written
    assert "| small 3D CNN | 50.0% (15.0% to 85.0%) | no equation | | | | |" in written
    assert "4 clips a suite" in written


def test_the_gist_leaves_out_what_was_not_measured_and_marks_what_has_no_equation():
    row = {"family_accuracy": 0.5, "family_accuracy_interval": [0.15, 0.85]}
    cells = {"cnn3d": {"clips": 4, "rows": {"small 3D CNN": row}}, "sindy": {"refused": "no package"}}
    fitted = {"floor": {"clips": 4, "rows": {"floor": {**row, "curve_nmse_median": 0.25}}}}
    written = gist({"identities": {}, "machines": {}, "suites": {"clean": cells, "half": cells | fitted}})
    assert "| small 3D CNN | 50% (15 to 85) | 50% (15 to 85) | - | - |" in written
    assert "| floor | | 50% (15 to 85) | | 0.25 |" in written
    assert gist({"identities": {}, "machines": {}, "suites": {"clean": cells}}, FURTHER_FAMILIES) == ""
    assert "no package" not in written and "track and PySINDy" in written.split("Not measured")[1]


def test_the_trainings_table_tells_whether_a_baseline_still_rose():
    curve = [
        {"minutes": minutes, "accuracy": accuracy, "log_chance": chance}
        for minutes, accuracy, chance in ((2, 0.5, -1.0), (4, 0.7, -0.8), (8, 0.8, -0.5), (10, 0.81, -0.6))
    ]
    trained = {"minutes": 10.0, "clips": 1600, "stopped": "time was up", "curve": curve}
    cell = {"clips": 4, "identity": "1", "rows": {"some": {}}}
    written = trainings_table({"identities": {"1": {"cnn3d": trained}}, "suites": {"clean": {"cnn3d": cell}}})
    assert written.endswith("| cnn3d | 10 | 1,600 | 70.0% | 80.0% (minute 8) | time was up |\n")
    assert trainings_table({"identities": {}, "suites": {"clean": {"floor": cell}}}) == ""
