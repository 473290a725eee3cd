"""The drawn figures of the report, as SVG text."""

import io

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from trajvlm.data.rendered.nuisances import NAMES
from trajvlm.eval.comparison import OURS, RIVAL
from trajvlm.eval.results_file import Row, rows
from trajvlm.eval.suites import STRENGTHS

COLOURS = {OURS: "#1f5fbf", RIVAL: "#d1661a"}
# The same results give the same bytes, so the names of an SVG's parts hang on a fixed salt.
_PLAIN = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "trajvlm",
}
_PALETTE = ("#7aa6e0", "#2f9e77", "#a03c8c", "#8a8a8a", "#c9a400", "#5b5b5b", "#b5b5b5")
_LEAST = 1e-6


@matplotlib.rc_context(_PLAIN)
def distributions(data: dict, suite: str) -> str:
    """For each row with equations, the share of a main suite's clips whose curve error is below a bound."""
    kept = [row for row in rows(data, suite) if row.label in row.cell.get("curve_db", {})]
    figure = _figure(5.2, 2.8 + 0.17 * len(kept))
    axes = figure.subplots()
    for k, row in enumerate(kept):
        decibels = row.cell["curve_db"][row.label]
        errors = np.sort([10 ** (d / 10) for d in decibels if d is not None])
        # A failure is an error without bound, so a curve with failures ends below 1.
        shares = np.arange(1, len(errors) + 1) / len(decibels)
        axes.step(
            np.concatenate([[_LEAST], np.maximum(errors, _LEAST), [10.0]]),
            np.concatenate([[0], shares, shares[-1:] if len(shares) else [0]]),
            where="post",
            label=row.label,
            color=COLOURS.get(row.label) or COLOURS.get(row.system.name) or _PALETTE[k % len(_PALETTE)],
            linestyle="--" if row.system.name in ("controls", "floor") else "-",
        )
    axes.set(
        xscale="log", xlim=(_LEAST, 10), ylim=(0, 1.02), xlabel="curve NMSE in space", ylabel="share of clips below"
    )
    axes.axvline(0.01, color="0.8", zorder=0)
    axes.minorticks_off()
    figure.legend(loc="outside lower center", ncols=1, frameon=False, fontsize=8)
    return _svg(figure)


def strengths(data: dict) -> dict[str, str]:
    """For each nuisance that was measured, families and curve error against its strength; 0 is the clean suite."""
    found = {}
    for name in NAMES:
        suites = {0.0: "clean"} | {strength: f"{name}-{strength:g}" for strength in STRENGTHS}
        lines = {
            who: {s: row for s, suite in suites.items() if (row := _row(data, suite, who)) is not None}
            for who in (OURS, RIVAL)
        }
        if any(strength for line in lines.values() for strength in line):
            found[name] = _strength(lines)
    return found


@matplotlib.rc_context(_PLAIN)
def _strength(lines: dict[str, dict[float, Row]]) -> str:
    figure = _figure(4.2, 2.0)
    left, right = figure.subplots(1, 2)
    for who, line in lines.items():
        where = np.array(list(line))
        shares = np.array([[*row.measures["family_accuracy_interval"]] for row in line.values()]).reshape(-1, 2)
        left.plot(where, [row.measures["family_accuracy"] for row in line.values()], "o-", ms=3, color=COLOURS[who])
        left.fill_between(where, shares[:, 0], shares[:, 1], color=COLOURS[who], alpha=0.15, linewidth=0)
        right.plot(where, _values(line, "curve_nmse_median"), "o-", ms=3, color=COLOURS[who])
        bounds = [_values(line, "curve_nmse_median_interval", k) for k in (0, 1)]
        right.fill_between(where, *bounds, color=COLOURS[who], alpha=0.15, linewidth=0)
    left.set(ylim=(0, 1.02), xlim=(-0.04, 1.04), xticks=(0, 0.5, 1), title="family right", xlabel="strength")
    right.set(yscale="log", xlim=(-0.04, 1.04), xticks=(0, 0.5, 1), title="curve NMSE", xlabel="strength")
    # Whole decades, so that there are always two numbers at the axis.
    low, high = np.log10(right.get_ylim())
    right.set_ylim(10 ** np.floor(low), 10 ** np.ceil(high))
    right.minorticks_off()
    return _svg(figure)


def _values(line: dict[float, Row], measure: str, place: int | None = None) -> np.ndarray:
    """A measure along a line, not a number (a gap) where it is infinite or was not measured."""
    values = [row.measures.get(measure) for row in line.values()]
    if place is not None:
        values = [value and value[place] for value in values]
    return np.array([np.nan if value is None else max(value, _LEAST) for value in values], dtype=float)


def _row(data: dict, suite: str, who: str) -> Row | None:
    return next((r for r in rows(data, suite) if who in (r.label, r.system.name) and r.measures), None)


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), layout="constrained")


def _svg(figure: Figure) -> str:
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()[file.getvalue().index("<svg") :]
