"""Results as tables in Markdown, and the files that went worst, with what was said and what is true."""

from collections.abc import Callable

from trajvlm.eval.markdown import markdown

NOT_GIVEN = "not given"


def tables(results: dict) -> str:
    """All tables, one below the other."""
    parts = [
        _table(results, "what is named", _NAMES, _named),
        _table(results, "constants", _CONSTANTS, _constants),
        _table(results, "curves", _CURVES, _curves),
        _confidence(results["confidence"]),
    ]
    if results["half_rate"]:
        parts.append(_half_rate(results["half_rate"]))
    if results["memory"]:
        parts.append(_memory(results["memory"]))
    return "\n".join(parts)


_NAMES = ["files", "right", "family right", "refused", "overlap in time", "overlap of the true phases", "s a file"]
_CONSTANTS = [
    "given", "within 2 %, family right", "within 5 %", "within 2 %, all", "within 5 %", "within 2 sd", "error / sd",
    "impacts within 2 % of a flight", "impacts, ms off",
]  # fmt: skip
_CURVES = [
    f"{name}: {what}"
    for name in ("measured", "refined")
    for what in ("RMS, px", "median, px", "RMS / radius", "RMS / extent")
]


def _table(results: dict, title: str, heads: list[str], cells: Callable[[dict], list[str]]) -> str:
    lines = [[title, "", *heads]]
    for suite, systems in results["suites"].items():
        lines += [[suite, system, *cells(figures)] for system, figures in systems.items()]
    return markdown(lines)


def _named(figures: dict) -> list[str]:
    reasons = ", ".join(f"{count} {reason}" for reason, count in figures["reasons"].items())
    return [
        str(figures["files"]),
        _share(figures["right"]),
        _share(figures["family_right"]),
        _share(figures["refused"]) + (f": {reasons}" if reasons else ""),
        _median(figures["window_overlap"]),
        _median(figures["phase_overlap"]),
        _median(figures["seconds"]),
    ]


def _constants(figures: dict) -> list[str]:
    told = figures["constants"]
    impacts = figures["impacts"]
    ours = [NOT_GIVEN] * 7
    if told:
        together = told["together"]
        ours = [f"{together['all']['given']} of {together['all']['within_0.02']['count']}"]
        ours += [_share(together[of][bound]) for of in ("right_family", "all") for bound in _BOUNDS]
        ours += [_share(together["covered"]), _median(together["in_sd"])]
    hit = [_share(impacts["all"]["within_0.02"]), _median(impacts["error_s"], 1e3)] if impacts else [NOT_GIVEN] * 2
    return ours + hit


_BOUNDS = ("within_0.02", "within_0.05")


def _curves(figures: dict) -> list[str]:
    cells = []
    for name in ("measured", "refined"):
        told = figures["paths"][name]
        cells += [
            _median(told[what]) if told else NOT_GIVEN for what in ("rms_px", "median_px", "of_radius", "of_extent")
        ]
    return cells


def _confidence(confidence: dict) -> str:
    heads = ["answers", "right", "calibration error", "AUROC", "sure (> 90 %) and wrong, of all files"]
    lines = [["confidence, all suites", *heads]]
    for system, told in confidence.items():
        cells = [_share(told["right_of_answers"]), _value(told["calibration_error"]), _value(told["auroc"])]
        lines.append([system, str(told["answers"]), *cells, _share(told["sure_and_wrong"])])
    return markdown(lines)


def _half_rate(told: dict) -> str:
    heads = ["half the frame rate", "same family", "constants that agree within 2 sd"]
    return markdown([heads, [f"{told['files']} files", _share(told["same_family"]), _share(told["agree"])]])


def _memory(rows: list[dict]) -> str:
    lines = [["memory", "picture", "frames", "networks loaded, MB", "peak, MB", "s"]]
    for row in rows:
        size = f"{row['width']} x {row['height']}"
        figures = [f"{row[name]:.0f}" for name in ("loaded_mb", "peak_mb", "seconds")]
        lines.append([row["file"], size, str(row["frames"]), *figures])
    return markdown(lines)


def worst(rows: list[dict], number: int) -> str:
    """So many of the worst files of each suite: what was said, what is true, and how far that is apart."""
    lines = [["file", "true", "said", "curve, RMS", "worst constant"]]
    for suite in dict.fromkeys(row["suite"] for row in rows):
        own = sorted((row for row in rows if row["suite"] == suite), key=_badness, reverse=True)
        lines += [[row["file"], row.get("target", row["true"]), row["said"], *_apart(row)] for row in own[:number]]
    return markdown(lines)


def _badness(row: dict) -> tuple[int, float]:
    """A wrong claim is worse the surer it is, worse than a refusal, and that than an inaccurate curve."""
    if row["refused"] is None and not row["right"]:
        return 3, row["confidence"] or 0.0
    if not row["right"]:
        return 2, 0.0
    path = (row.get("paths") or {}).get("measured") or (row.get("paths") or {}).get("refined")
    return 1, path["of_extent"] if path else 0.0


def _apart(row: dict) -> list[str]:
    paths = row.get("paths") or {}
    path = next((paths[name] for name in ("measured", "refined") if paths.get(name)), None)
    told = [(one["error"], name, one) for name, one in row.get("constants", {}).items() if one["error"] is not None]
    curve = f"{path['rms_px']:.3g} px, {path['of_extent']:.1%} of the path" if path else ""
    if not told:
        return [curve, ""]
    error, name, one = max(told, key=lambda found: found[0])
    return [curve, f"{name} {one['said']:.4g} for {one['true']:.4g} ({error:.1%} off)"]


def _share(told: dict | None) -> str:
    if told is None:
        return ""
    low, high = told["interval"]
    return f"{told['share']:.0%} ({low:.0%} to {high:.0%})"


def _median(told: dict | None, times: float = 1.0) -> str:
    """With its interval; where most have none, the median of those that have it, and how many."""
    if not told:
        return NOT_GIVEN
    if told["median"] is None:
        return f"none; {told['median_of_given'] * times:.3g} of {told['given']} of {told['count']}"
    low, high = (f"{end * times:.3g}" if end is not None else "none" for end in told["interval"])
    return f"{told['median'] * times:.3g} ({low} to {high})"


def _value(told: dict | None) -> str:
    return _median({"median": told["value"], "interval": told["interval"]}) if told else ""
