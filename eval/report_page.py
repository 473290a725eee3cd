"""The report: one page that needs nothing beside itself, made of the results and of nothing else."""

import base64
import json
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, cast

from trajvlm.data.errors import UserError
from trajvlm.data.motions.families import FAMILIES
from trajvlm.eval.comparison import OURS, RIVAL, verdict
from trajvlm.eval.output_folder import write
from trajvlm.eval.pictures import Picture, belongs, pictures, worst
from trajvlm.eval.registry import ENTRIES
from trajvlm.eval.report import clips_phrase, compared_cells, trainings_cells
from trajvlm.eval.report_figures import distributions, strengths
from trajvlm.eval.results_file import Row, letters, number, rows
from trajvlm.eval.suites import FURTHER_FAMILIES, MAIN, Suite, suites_in

if TYPE_CHECKING:
    from trajvlm.eval.systems.ours import Ours

_SHOWN = {"clean": (3, 2), "half": (3, 4)}
"""Suite -> how many of its first clips and of its worst are shown."""

Column = tuple[str, Callable[[dict], str]]


def page_of(results: Path) -> Path:
    """Where the page of a file of results stands."""
    return results.parent / "report" / "index.html"


def write_page(data: dict, out: Path) -> str:
    """Write the page; returns a sentence that says where it is. Raises UserError where it can't be written."""
    return f"report: {write(out, page(data, *_pictures(data), tokenizer=_tokenizer()))}"


def page(data: dict, first: list[Picture], worst_cases: list[Picture], remark: str = "", tokenizer: str = "") -> str:
    """The page as HTML, without anything fetched from elsewhere."""
    kept = suites_in(data, MAIN) + suites_in(data, FURTHER_FAMILIES)
    sections = [
        *(_suite(data, suite) for suite in kept),
        _strengths(data),
        _elsewhere(data),
        _gallery("The first clips", first, remark),
        _gallery("The worst clips", worst_cases, remark),
        tokenizer,
        _trainings(data),
        _provenance(data),
    ]
    return _PAGE.format(verdict=_verdict(data), clips=clips_phrase(data, kept), body="\n".join(sections))


def _tokenizer() -> str:
    """The figures of `trajvlm.eval.tokenizer`, which has results of its own."""
    from trajvlm.eval.tokenizer import RESULTS, cells, note

    results = json.loads(RESULTS.read_text())
    digest = f"<p>{escape(note(results))} Weights <code>{results['sha256'][:12]}</code>.</p>"
    return _section(["<h2>What the visual tokens keep</h2>", _lines(cells(results)), digest])


def _verdict(data: dict) -> str:
    first, *others = verdict(data)
    return "\n".join([f'<p class="lead">{escape(first)}</p>', *(f"<p>{escape(text)}</p>" for text in others)])


def _pictures(data: dict) -> tuple[list[Picture], list[Picture], str]:
    """Pictures of clips that were measured; none, and why, where the shipped model is not the measured one."""
    chosen = {name: worst(data, name, count) for name, (_, count) in _SHOWN.items()}
    if not any(chosen.values()):
        return [], [], "No clips are kept one by one in these results."
    try:
        system = cast("Ours", ENTRIES["ours"].load())  # its module is imported only where pictures are drawn
    except UserError as error:
        return [], [], str(error)
    if not belongs(data, system):
        return [], [], "These results belong to other weights than the shipped ones."
    shown = [name for name in _SHOWN if chosen[name]]
    first = [p for name in shown for p in pictures(system, name, list(range(_SHOWN[name][0])))]
    return first, [p for name in shown for p in pictures(system, name, chosen[name])], ""


def _suite(data: dict, suite: Suite) -> str:
    found = list(rows(data, suite.name))
    parts = [f"<h2>{escape(suite.label.capitalize())}</h2>", "<h3>Families</h3>", _table(found, _FAMILY)]
    parts += ["<h3>Equations</h3>", _table([r for r in found if "curve_nmse_median" in r.measures], _EQUATION)]
    kept = [row for row in found if "said" in row.cell]
    if kept:
        parts.append('<div class="grid">')
        parts += [_confusion(row) for row in _compared(kept)]
        parts.append("</div>")
    if any("curve_db" in row.cell for row in found):
        parts.append("<h3>How the curve's error is spread</h3>")
        parts.append("<p>The share of clips whose error lies below a bound; the line marks R² = 0.99.</p>")
        parts.append(f'<figure class="chart">{distributions(data, suite.name)}</figure>')
    return _section(parts)


def _compared(found: list[Row]) -> list[Row]:
    """Ours, the script, and the learned baseline with the most right families: one confusion matrix each."""
    learned = sorted((r for r in found if r.system.learned), key=lambda row: -row.measures["family_accuracy"])
    return [r for r in found if r.label == OURS or r.system.name == RIVAL] + learned[:1]


def _confusion(row: Row) -> str:
    """How often each true family (rows) was called what (columns)."""
    true, said, names = row.cell["truth"], row.cell["said"][row.label], [*FAMILIES, None]
    lines = ["<tr><th></th>" + "".join(f"<th>{escape(n[:3] if n else '–')}</th>" for n in names) + "</tr>"]
    for name in (name for name in FAMILIES if letters([name]) in true):
        pairs = [s for t, s in zip(true, said) if t == letters([name])]
        counts = [pairs.count(letters([other])) for other in names]
        shades = [
            ("31,95,191" if name == other else "209,102,26", 0.75 * c / max(len(pairs), 1))
            for other, c in zip(names, counts)
        ]
        cells = [
            f'<td style="background:rgba({hue},{share:.2f})">{c or ""}</td>' for (hue, share), c in zip(shades, counts)
        ]
        lines.append(f"<tr><th>{name}</th>{''.join(cells)}</tr>")
    table = f'<table class="confusion">{"".join(lines)}</table>'
    return f"<figure><figcaption>{escape(row.label)}</figcaption>{table}</figure>"


def _strengths(data: dict) -> str:
    found = strengths(data)
    if not found:
        return ""
    text = (
        '<p><b class="ours">This project</b>, model and fit together, and <b class="rival">track and fit</b>: families '
        "named and median curve error against the strength of one nuisance alone, with 95 % intervals. A gap stands "
        "for an error without bound: no answer for most of the clips.</p>"
    )
    figures = [f"<figure><figcaption>{name}</figcaption>{svg}</figure>" for name, svg in found.items()]
    return _section(["<h2>One nuisance at a time</h2>", text, '<div class="grid">', *figures, "</div>"])


def _elsewhere(data: dict) -> str:
    """Outside the training's ranges."""
    suites = suites_in(data, "outside")
    return _section(["<h2>Outside the training's ranges</h2>", _lines(compared_cells(data, suites))]) if suites else ""


def _gallery(title: str, found: list[Picture], remark: str) -> str:
    text = (
        "<p>Above what the camera saw, below what the visual tokens decode to; at the right the path in the picture: "
        'grey the true one, <b class="ours">this project</b>, <b class="rival">track and fit</b>.</p>'
    )
    figures = [
        f'<figure class="wide"><img alt="{escape(p.caption)}" src="data:image/jpeg;base64,'
        f'{base64.b64encode(p.jpeg).decode()}"><figcaption>{escape(p.caption)}</figcaption></figure>'
        for p in found
    ]
    return _section([f"<h2>{title}</h2>", text if found else f"<p>{escape(remark)}</p>", *figures])


def _trainings(data: dict) -> str:
    """How each learned baseline was trained."""
    cells = trainings_cells(data)
    return _section(["<h2>How long the learned baselines had</h2>", _lines(cells)]) if cells else ""


def _provenance(data: dict) -> str:
    parts = ["<h2>What this rests on</h2>", "<h3>Systems</h3>", "<dl>"]
    for key, identity in data["identities"].items():
        parts.append(f"<dt><code>{key}</code></dt><dd>{_plain(identity)}</dd>")
    parts += ["</dl>", "<h3>Machines and versions</h3>", "<dl>"]
    for key, machine in data["machines"].items():
        parts.append(f"<dt><code>{key}</code></dt><dd>{_plain(machine)}</dd>")
    parts += ["</dl>", "<h3>Cells</h3>", '<div class="scroll"><table>']
    parts.append("<tr><th>suite</th><th>system</th><th>clips</th><th>scenes</th><th>identity</th><th>machine</th></tr>")
    for suite, cells in data["suites"].items():
        for system, cell in cells.items():
            values = (cell.get("clips"), cell.get("scenes_sha256", "")[:12], cell.get("identity"), cell.get("machine"))
            row = "".join(f"<td>{'' if v is None else v}</td>" for v in values)
            parts.append(f"<tr><th>{escape(suite)}</th><th>{escape(system)}</th>{row}</tr>")
    return _section(["<details><summary>Weights, versions, hashes</summary>", *parts, "</table></div>", "</details>"])


def _plain(value, name: str = "") -> str:
    """Nested plain values as one line of text."""
    if isinstance(value, dict):
        return ", ".join(_plain(item, f"{name} {key}".strip()) for key, item in value.items() if item is not None)
    return f"{escape(name)} <code>{escape(str(value))}</code>"


def _table(found: list[Row], columns: tuple[Column, ...]) -> str:
    lines = ["<tr><th></th>" + "".join(f"<th>{escape(name)}</th>" for name, _ in columns) + "</tr>"]
    for row in found:
        if row.refused:
            cells = f'<td class="refused" colspan="{len(columns)}">{escape(row.refused)}</td>'
        else:
            cells = "".join(f"<td>{value(row.measures | {'cell': row.cell})}</td>" for _, value in columns)
        lines.append(f"<tr{' class=own' if row.label == OURS else ''}><th>{escape(row.label)}</th>{cells}</tr>")
    return f'<div class="scroll"><table>{"".join(lines)}</table></div>'


def _lines(cells: list[list[str]]) -> str:
    """Lines of text as a table, the first one the heads of the columns, the first cell of each its own head."""
    heads, *lines = cells
    rows = ["<tr>" + "".join(f"<th>{escape(head)}</th>" for head in heads) + "</tr>"]
    for first, *others in lines:
        rows.append(f"<tr><th>{escape(first)}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in others)}</tr>")
    return f'<div class="scroll"><table>{"".join(rows)}</table></div>'


def _percent(*names: str) -> Callable[[dict], str]:
    """Shares as percents, side by side; a measure that a result lacks is left blank."""
    return lambda m: " / ".join("" if m.get(name) is None else f"{m[name]:.0%}" for name in names)


def _share(m: dict) -> str:
    low, high = m["family_accuracy_interval"]
    value = m["family_accuracy"]
    drawn = (
        f'<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<path d="M0 5H100" stroke="#ddd"/>'
        f'<path d="M{100 * low:.1f} 5H{100 * high:.1f}" stroke="#7aa6e0" stroke-width="4"/>'
        f'<path d="M{100 * value:.1f} 1V9" stroke="#1f5fbf" stroke-width="2"/></svg>'
    )
    return f"{value:.1%} <small>{low:.1%} to {high:.1%}</small>{drawn}"


def _error(name: str) -> Callable[[dict], str]:
    def write(m: dict) -> str:
        interval = m.get(f"{name}_interval")
        return number(m.get(name)) + (
            f" <small>{number(interval[0])} to {number(interval[1])}</small>" if interval else ""
        )

    return write


def _seconds(m: dict) -> str:
    seconds = m["cell"].get("seconds_per_clip")
    return "" if seconds is None else f"{1000 * seconds:.0f}"


def _calibration(m: dict) -> str:
    return "" if m.get("calibration_error") is None else f"{m['calibration_error']:.2f}"


_FAMILY: tuple[Column, ...] = (
    ("family right (95 %)", _share),
    ("answered", _percent("parsed")),
    ("calibration error", _calibration),
    ("ms a clip", _seconds),
)
_EQUATION: tuple[Column, ...] = (
    (
        "all constants within 1 / 5 / 10 %",
        _percent("constants_within_0.01", "constants_within_0.05", "constants_within_0.1"),
    ),
    ("terms right, axis / all", _percent("skeleton_axis", "skeleton_joint")),
    ("same equation, axis / all", _percent("symbolic_axis", "symbolic_joint")),
    ("relative accuracy", _percent("mean_relative_accuracy")),
    ("curve NMSE", _error("curve_nmse_median")),
    ("R² > 0.9 / 0.99 / 0.999", _percent("curve_r2_over_0.9", "curve_r2_over_0.99", "curve_r2_over_0.999")),
    ("in the picture", _error("image_nmse_median")),
    ("forecast", _error("extrapolation_nmse_median")),
)


def _section(parts: list[str]) -> str:
    return "<section>\n" + "\n".join(parts) + "\n</section>"


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>trajvlm, measured</title>
<style>
:root {{ --ink: #1c2430; --soft: #5d6878; --line: #dfe3e8; --ours: #1f5fbf; --rival: #d1661a; }}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; max-width: 1180px; padding: 2rem 1.25rem 4rem; color: var(--ink); background: #fff;
  font: 16px/1.5 system-ui, sans-serif; }}
h1 {{ font-size: 1.8rem; margin: 0 0 .75rem; }}
h2 {{ font-size: 1.3rem; margin: 2.5rem 0 .5rem; padding-top: 1rem; border-top: 1px solid var(--line); }}
h3 {{ font-size: 1rem; margin: 1.25rem 0 .4rem; color: var(--soft); }}
p {{ max-width: 75ch; margin: .4rem 0; }}
.lead {{ font-size: 1.08rem; }}
.ours {{ color: var(--ours); }} .rival {{ color: var(--rival); }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }}
.scroll table {{ min-width: 100%; }}
th, td {{ padding: .35rem .6rem; text-align: right; border-bottom: 1px solid var(--line); vertical-align: top; }}
th {{ font-weight: 500; }} tr > th:first-child {{ text-align: left; min-width: 9rem; }}
td {{ white-space: nowrap; }} td.refused {{ white-space: normal; }}
tr:first-child th {{ color: var(--soft); vertical-align: bottom; }}
tr.own {{ background: #f0f5fc; }} tr.own th {{ font-weight: 700; }}
td small {{ display: block; color: var(--soft); white-space: nowrap; }}
td.refused {{ text-align: left; color: var(--soft); font-style: italic; }}
.bar {{ display: block; width: 100%; min-width: 7rem; height: 10px; margin-top: .2rem; }}
.grid {{ display: grid; gap: 1rem; margin: 1rem 0;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); }}
figure {{ margin: 0; }} figure.wide {{ margin: 1rem 0; max-width: 800px; }}
figure.chart {{ max-width: 600px; }}
figure svg:not(.bar), figure img {{ width: 100%; height: auto; display: block; }}
figcaption {{ font-size: .85rem; color: var(--soft); margin: .2rem 0; }}
.confusion {{ width: 100%; table-layout: fixed; font-size: .75rem; }}
.confusion th, .confusion td {{ text-align: center; padding: .3rem .1rem; }}
.confusion tr > th:first-child {{ width: 5.5rem; min-width: 0; text-align: left; }}
code {{ font-size: .8rem; overflow-wrap: anywhere; }}
dt {{ margin-top: .5rem; }} dd {{ margin: 0 0 0 1rem; font-size: .85rem; }}
summary {{ cursor: pointer; margin-top: 2.5rem; font-weight: 600; }}
@media (max-width: 600px) {{ body {{ padding: 1.25rem .9rem 3rem; }} h1 {{ font-size: 1.5rem; }} }}
</style>
<h1>trajvlm, measured</h1>
{verdict}
<p>{clips} of each main suite, rendered from fixed seeds that no training draws from. No answer counts as wrong and as
an error without bound; neither an offset nor a scale is forgiven. Medians and shares stand above their 95 % intervals.
Every measure is defined where it is computed, in <code>eval/metrics.py</code>.</p>
{body}
</html>
"""
