"""The README's table, made from `eval/results.json` and written between two marks."""

import re
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"
_BETWEEN = re.compile(r"(<!-- results -->\n).*?(<!-- /results -->)", re.DOTALL)


def table(results: dict) -> str:
    """A Markdown table of the main figures, a column for each suite."""
    suites = results["suites"]

    def row(label: str, cell) -> str:
        return "| " + " | ".join([label, *(cell(suite) for suite in suites.values())]) + " |"

    def family(suite: dict) -> str:
        low, high = suite["raw"]["family_accuracy_interval"]
        return f"{suite['raw']['family_accuracy']:.1%} ({low:.1%} to {high:.1%})"

    lines = [
        "| | " + " | ".join(suites) + " |",
        "|---" * (len(suites) + 1) + "|",
        row("**family right**, raw (95 % interval)", family),
        row("family right: tokens shuffled", lambda s: f"{s['tokens shuffled']['family_accuracy']:.1%}"),
        row("family right: tokens of a blank clip", lambda s: f"{s['tokens blank']['family_accuracy']:.1%}"),
        row("family right: always the commonest", lambda s: f"{s['commonest family']['family_accuracy']:.1%}"),
        row("constants, raw: median error, within 0.05", _constants),
        row("**curve**, raw: median NMSE in space", lambda s: f"{s['raw']['curve_nmse_median']:.3g}"),
        row("curve, tokens shuffled: median NMSE", lambda s: f"{s['tokens shuffled']['curve_nmse_median']:.3g}"),
        row("curve, refined: median NMSE in space", lambda s: f"{s['refined']['curve_nmse_median']:.3g}"),
        row("curve, refined: median NMSE in the picture", lambda s: f"{s['refined']['image_nmse_median']:.3g}"),
        row("tokenizer: ball's centre, median / 95 %, pixels of 64", _centre("tokenizer")),
        row("tokenizer: frames in which the ball is lost", lambda s: f"{s['tokenizer']['lost']:.1%}"),
        row("untrained tokenizer: the same", lambda s: f"{s['untrained tokenizer']['lost']:.1%}"),
        row("tokenizer: apparent radius, median error", lambda s: f"{s['tokenizer']['radius_median']:.1%}"),
    ]
    return "\n".join(lines) + f"\n\n{results['clips_per_suite']} clips a column.\n"


def write_readme(results: dict, readme: Path = README) -> None:
    """Put the table between the README's marks."""
    text = readme.read_text()
    readme.write_text(_BETWEEN.sub(lambda found: found[1] + table(results) + found[2], text))


def written_table(readme: Path = README) -> str:
    """What stands between the README's marks."""
    return _BETWEEN.search(readme.read_text())[0].removeprefix("<!-- results -->\n").removesuffix("<!-- /results -->")


def _constants(suite: dict) -> str:
    return f"{suite['raw']['constant_error_median']:.3f}, {suite['raw']['constants_within_0.05']:.0%}"


def _centre(system: str):
    return lambda suite: f"{suite[system]['centre_px_median']:.2f} / {suite[system]['centre_px_p95']:.2f}"
