"""Who wins where, in plain sentences that are worked out from the results and from nothing else.

Two systems are told apart where the 95 % intervals of their shares of right families do not overlap; otherwise the
sentence says that they do.
"""

from trajvlm.eval.registry import ENTRIES
from trajvlm.eval.results_file import Row, number, rows
from trajvlm.eval.suites import MAIN, STRENGTHS, SUITES, Suite, suites_in

OURS = "ours, model and fit together"
RIVAL = "track-and-fit"
_AHEAD = {True: "is ahead", False: "is ahead, but the intervals overlap"}


def verdict(data: dict) -> list[str]:
    """A paragraph on each main suite, on the controls, on nuisances, and on what was not measured."""
    paragraphs = [_families(data, suite) + _curves(data, suite) for suite in suites_in(data, MAIN)]
    paragraphs += [controls(data), _strengths(data), missing(data)]
    return [" ".join(sentences) for sentences in paragraphs if sentences]


def ours(data: dict, suite: str) -> Row | None:
    """The row of this project that is compared: what a user gets."""
    return next((row for row in rows(data, suite) if row.label == OURS), None)


def rival(data: dict, suite: str) -> Row | None:
    """The row of the script that this project is compared with."""
    return next((row for row in rows(data, suite) if row.system.name == RIVAL), None)


def _others(data: dict, suite: str) -> list[Row]:
    return [row for row in rows(data, suite) if not row.system.own and row.measures]


def _families(data: dict, suite: Suite) -> list[str]:
    mine = ours(data, suite.name)
    if mine is None:
        return []
    sentences = [f"{_place(suite)} this project names the family in {share(mine)} of the clips."]
    for kind, learned in (("learned baseline", True), ("other system", False)):
        found = [row for row in _others(data, suite.name) if row.system.learned == learned]
        if not found:
            sentences.append(f"No {kind} was measured.")
            continue
        best = max(found, key=lambda row: row.measures["family_accuracy"])
        sentences.append(f"The best {kind}, {best.label}, names it in {share(best)}: {_who(mine, best)}.")
    return sentences


def _who(mine: Row, best: Row) -> str:
    a, b = mine.measures["family_accuracy"], best.measures["family_accuracy"]
    if a == b:
        return "a tie"
    low, high = sorted((mine, best), key=lambda row: row.measures["family_accuracy"])
    clear = low.measures["family_accuracy_interval"][1] < high.measures["family_accuracy_interval"][0]
    return f"{'this project' if a > b else 'it'} {_AHEAD[clear]}"


def _curves(data: dict, suite: Suite) -> list[str]:
    mine = ours(data, suite.name)
    found = [row for row in _others(data, suite.name) if "curve_nmse_median" in row.measures]
    if mine is None or not found:
        return []
    best = min(found, key=_error)
    a, b = mine.measures["curve_nmse_median"], best.measures["curve_nmse_median"]
    who = "lower" if _error(mine) < _error(best) else "higher" if _error(mine) > _error(best) else "the same"
    return [f"The median error of this project's curve is {who}: {number(a)} against {number(b)} of {best.label}."]


def controls(data: dict) -> list[str]:
    """Whether the blinded model is no better than the floor."""
    sentences, measured = [], False
    for suite in suites_in(data, MAIN):
        floor = next((row for row in rows(data, suite.name) if row.system.name == "floor"), None)
        for row in rows(data, suite.name):
            if row.system.name == "controls" and row.measures and floor is not None:
                measured = True
                chance = floor.measures["family_accuracy_interval"][1]
                if row.measures["family_accuracy_interval"][0] > chance:
                    sentences.append(
                        f"{_place(suite)} the {row.label} names {share(row)}, which is above the floor's "
                        f"{share(floor)}: what it is given still tells something."
                    )
    if sentences or not measured:
        return sentences
    return ["No control names more families than the floor beyond what the intervals allow."]


def _strengths(data: dict) -> list[str]:
    """Which nuisances, at full strength, one or the other of the two withstands better."""
    ahead: dict[str, list[str]] = {"mine": [], "theirs": [], "neither": []}
    nearer: dict[str, list[str]] = {"mine": [], "theirs": []}
    clips, right = 0, [0, 0]
    for suite in SUITES.values():
        if not suite.name.endswith(f"-{STRENGTHS[-1]:g}"):
            continue
        mine, theirs = ours(data, suite.name), rival(data, suite.name)
        if mine is None or theirs is None or not (mine.measures and theirs.measures):
            continue
        pair = mine, theirs
        (a, b), (c, d) = (row.measures["family_accuracy_interval"] for row in pair)
        ahead["mine" if a > d else "theirs" if c > b else "neither"].append(suite.group)
        if pair[0].cell["clips"] == pair[1].cell["clips"]:
            clips += pair[0].cell["clips"]
            right = [count + _right(row) for count, row in zip(right, pair)]
        my_error, their_error = map(_error, pair)
        if my_error != their_error:
            nearer["mine" if my_error < their_error else "theirs"].append(suite.group)
    if not any(ahead.values()):
        return []
    words = {name: ", ".join(found) or "none" for name, found in ahead.items()}
    curves = {name: ", ".join(found) or "none" for name, found in nearer.items()}
    together = f"Of all {clips} such clips together, this project names {right[0]} and the script {right[1]}."
    return [
        f"With one nuisance alone at full strength, this project names more families than the script under: "
        f"{words['mine']}; fewer under: {words['theirs']}; the intervals overlap under: {words['neither']}.",
        *([together] if clips else []),
        f"The median error of its curve is lower under: {curves['mine']}; the script's under: {curves['theirs']}.",
    ]


def _right(row: Row) -> int:
    """How many families are right."""
    return round(row.measures["family_accuracy"] * row.cell["clips"])


def missing(data: dict) -> list[str]:
    """Which systems have no figures."""
    measured = {row.system.name for suite in suites_in(data, MAIN) for row in rows(data, suite.name) if row.measures}
    missing = [entry.label for name, entry in ENTRIES.items() if name not in measured]
    return [f"Not measured: {'; '.join(missing)}."] if missing else []


def _place(suite: Suite) -> str:
    return {"clean": "On clean clips", "light": "With light nuisances"}.get(suite.name, f"With {suite.label}")


def share(row: Row) -> str:
    """The share of right families with its interval, in words."""
    low, high = row.measures["family_accuracy_interval"]
    return f"{row.measures['family_accuracy']:.1%} ({low:.1%} to {high:.1%})"


def _error(row: Row) -> float:
    """Infinite where the results hold null."""
    value = row.measures["curve_nmse_median"]
    return float("inf") if value is None else value
