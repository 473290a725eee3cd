"""The tables of results, written between marks: all of them in `docs/results.md`, what they say in `eval/README.md`,
the gist in the project's own README."""

import textwrap
from pathlib import Path

from trajvlm.eval.comparison import controls, missing, ours, rival, share, verdict
from trajvlm.eval.markdown import TABLES, markdown, write_between
from trajvlm.eval.results_file import Row, number, rows
from trajvlm.eval.suites import FURTHER_FAMILIES, MAIN, SUITES, Suite, suites_in

_WIDTH = 120
README = Path(__file__).parent / "README.md"
FRONT = Path(__file__).resolve().parents[1] / "README.md"
_COLUMNS = (
    "family right (95 % interval)",
    "all constants within 10 %",
    "curve NMSE, in space",
    "in the picture",
    "picture R2 > 0.99",
    "forecast NMSE",
)


def table(data: dict, group: str = MAIN) -> str:
    """A Markdown table for each suite of a group, a row for each row of each system."""
    parts = []
    suites = suites_in(data, group)
    if not suites:
        return ""
    for suite in suites:
        lines = [[row.label, *_cells(row)] for row in rows(data, suite.name)]
        parts.append(markdown([[suite.label, *_COLUMNS], *lines]))
    note = f"{clips_phrase(data, suites)} a suite; NMSE are medians; the forecast is half a clip beyond its end."
    return "\n".join([*parts, note]) + "\n"


def trainings_cells(data: dict) -> list[list[str]]:
    """How each learned baseline that was measured was trained, as lines of text, the first one the heads of the
    columns."""
    used = dict.fromkeys(
        row.cell["identity"]
        for suite in suites_in(data, MAIN)
        for row in rows(data, suite.name)
        if row.system.learned and "identity" in row.cell
    )
    found = [
        (name, one)
        for identity in used
        for name, one in data["identities"][identity].items()
        if isinstance(one, dict) and "stopped" in one
    ]
    lines = [["baseline", "minutes", "clips", "right at validation: half way", "at its best", "ended as"]]
    for name, one in found:
        half_way = [point for point in one["curve"] if point["minutes"] <= one["minutes"] / 2] or one["curve"]
        best = max(one["curve"], key=lambda point: point["log_chance"])
        shares = f"{half_way[-1]['accuracy']:.1%}", f"{best['accuracy']:.1%} (minute {best['minutes']:.0f})"
        lines.append([name, f"{one['minutes']:.0f}", f"{one['clips']:,}", *shares, one["stopped"]])
    return lines if found else []


def trainings_table(data: dict) -> str:
    """The same as Markdown."""
    cells = trainings_cells(data)
    return markdown(cells) if cells else ""


def compared_cells(data: dict, suites: list[Suite]) -> list[list[str]]:
    """Ours and the script on suites, as lines of text, the first one the heads of the columns."""
    heads = [f"{measure}: {who}" for measure in ("family right", "curve NMSE") for who in ("ours", "track and fit")]
    lines = [["", *heads]]
    for suite in suites:
        pair = ours(data, suite.name), rival(data, suite.name)
        lines.append([suite.label, *map(_family, pair), *map(_curve, pair)])
    return lines


def compared(data: dict) -> str:
    """Ours and the script on every suite that has no table of its own, as Markdown."""
    suites = [suite for suite in SUITES.values() if not suite.kept and suite.name in data["suites"]]
    counts = {cell["clips"] for suite in suites for cell in data["suites"][suite.name].values() if "clips" in cell}
    note = f"{' or '.join(map(str, sorted(counts)))} clips a suite"
    note += "; where one system saw fewer than the other, the first of the other's" if len(counts) > 1 else ""
    note += ". Ours is model and fit together."
    return markdown(compared_cells(data, suites), note)


def clips_phrase(data: dict, suites: list[Suite]) -> str:
    """How many clips the suites had, in words."""
    counts = sorted(
        {cell["clips"] for suite in suites for cell in data["suites"][suite.name].values() if "clips" in cell}
    )
    return f"{' or '.join(map(str, counts)) or 'no'} clips"


def gist(data: dict, group: str = MAIN) -> str:
    """One Markdown table of all suites of a group: the families that are right, and the curve's error."""
    suites = suites_in(data, group)
    if not suites:
        return ""
    names = [suite.name.removeprefix(f"{group}-") for suite in suites]
    heads = [f"family right: {names[0]}", *names[1:], f"curve NMSE: {names[0]}", *names[1:]]
    found = {suite.name: {row.label: row for row in rows(data, suite.name)} for suite in suites}
    lines = [["", *heads]]
    for label in dict.fromkeys(label for labels in found.values() for label in labels):
        here = [found[suite.name].get(label) for suite in suites]
        if any(row and row.measures for row in here):
            lines.append([label, *map(_family, here), *map(_curve, here)])
    note = (
        f"{clips_phrase(data, suites)} a suite, 95 % intervals. The error is that of the curve in space, relative to "
        f"the path's variance, median; a dash where there is no equation."
    )
    said = [" ".join(sentences) for sentences in (controls(data), missing(data)) if sentences and group == MAIN]
    return "\n".join([markdown(lines), *(_filled(part) + "\n" for part in (note, *said))])


def write_documents(data: dict, readme: Path = README, front: Path = FRONT, tables: Path = TABLES) -> None:
    """Put the tables and what they say between the documents' marks."""
    write_between(readme, text(data))
    write_between(tables, table(data))
    write_between(tables, table(data, FURTHER_FAMILIES), "further")
    write_between(tables, compared(data), "compared")
    write_between(tables, trainings_table(data), "baselines")
    write_between(front, gist(data))
    write_between(front, gist(data, FURTHER_FAMILIES), "further")


def text(data: dict) -> str:
    """What the tables say, in sentences."""
    return "\n\n".join(map(_filled, verdict(data))) + "\n"


def _filled(sentence: str) -> str:
    return textwrap.fill(sentence, _WIDTH, break_on_hyphens=False)


def _family(row: Row | None) -> str:
    if row is None or not row.measures:
        return ""
    low, high = row.measures["family_accuracy_interval"]
    return f"{row.measures['family_accuracy']:.0%} ({100 * low:.0f} to {100 * high:.0f})"


def _curve(row: Row | None) -> str:
    if row is None or not row.measures:
        return ""
    return number(row.measures["curve_nmse_median"]) if "curve_nmse_median" in row.measures else "-"


def _cells(row: Row) -> list[str]:
    if row.refused:
        return [row.refused, *[""] * (len(_COLUMNS) - 1)]
    m = row.measures
    family = share(row)
    if "curve_nmse_median" not in m:
        return [family, "no equation", *[""] * (len(_COLUMNS) - 2)]
    return [
        family,
        f"{m['constants_within_0.1']:.0%}",
        number(m["curve_nmse_median"]),
        number(m["image_nmse_median"]),
        f"{m['image_r2_over_0.99']:.0%}",
        number(m["extrapolation_nmse_median"]),
    ]
