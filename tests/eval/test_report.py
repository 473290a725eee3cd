import json

from eval.report import table, write_readme, written_table
from eval.run import RESULTS


def test_the_readme_says_what_the_results_hold():
    assert written_table() == table(json.loads(RESULTS.read_text()))


def test_the_results_belong_to_the_shipped_weights():
    from tokenizer.model import weights_sha256
    from vlm.model import adapter_sha256

    results = json.loads(RESULTS.read_text())
    assert results["tokenizer"]["sha256"] == weights_sha256()
    assert results["model"]["adapter_sha256"] == adapter_sha256()


def test_writing_the_table_leaves_the_rest_of_the_readme(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- results -->\nold\n<!-- /results -->\nafter\n")
    results = json.loads(RESULTS.read_text())
    write_readme(results, readme)
    write_readme(results, readme)
    text = readme.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text
    assert written_table(readme) == table(results)


def test_the_tokenizers_readme_says_what_its_results_hold():
    from eval import tokenizer
    from tokenizer.model import weights_sha256

    results = json.loads(tokenizer.RESULTS.read_text())
    assert written_table(tokenizer.README) == tokenizer.table(results)
    assert results["sha256"] == weights_sha256()
