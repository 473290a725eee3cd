"""A person's sentence as tool calls, by patterns for the words and parsers for the numbers. No language model.

`plan` turns one sentence into the calls that answer it, in the order in which they have to run.
"""

import re
from dataclasses import asdict, dataclass, field

from trajvlm.agents import phrases
from trajvlm.agents.known_length import CLAUSE, known_length
from trajvlm.agents.length_parsing import Marked, agreed, densities, marked
from trajvlm.agents.number_parsing import MINUS, PLAIN, decimals, value
from trajvlm.agents.quantity_parsing import bare_span, expression, plain, seconds, span, times
from trajvlm.agents.stick import stick
from trajvlm.agents.units import asked_unit
from trajvlm.data.errors import UserError


@dataclass(frozen=True)
class Call:
    """One tool and its arguments."""

    tool: str
    arguments: dict = field(default_factory=dict)


def plan(text: str, previous: Call | None = None) -> list[Call]:
    """The calls that answer a sentence; none where no tool serves.

    `previous` is the call that a follow-up such as `and at 0.8 s?` refers to. Raises UserError for numbers that can't
    be read, or that contradict each other.
    """
    # Before commas are read as decimal points.
    if (pointed := re.search(phrases.POINTED, text.lower())) and not re.search(r"\bwhere\b", text.lower()):
        x, y, t = pointed.groups()
        place = {"x_px": float(x), "y_px": float(y)} | ({"t_s": float(t)} if t else {})
        others = plan(f"{text[: pointed.start()]}it{text[pointed.end() :]}")
        # To point is to describe.
        return [Call("point_at", place), *(call for call in others if call != Call("describe_video"))]
    if (laid := stick(text)) is not None:
        given = {} if laid.length_m is None else {"length_m": laid.length_m}
        measured = Call("measure_length", dict(zip(("x1_px", "y1_px", "x2_px", "y2_px"), laid.ends)) | given)
        others = plan(laid.rest) if laid.rest else []
        # A scale that is given comes before what is measured by it, one by the stick before what is asked.
        return [measured, *others] if given else [*others, measured]
    text = plain(text)
    if re.search(phrases.WHY, text) and not re.search(phrases.GENERAL, text):
        return [Call("explain", {"topic": "family"})]
    if re.search(phrases.ELSEWHERE, text):
        return []
    words = marked(text)
    rest = densities(words)[1]
    # The numbers in arithmetic stay as they are written.
    text = text if _only_sum(text) else decimals(text)
    # A scale is computed from the window that is looked at, so it comes last.
    settings = [*_lens(text), *_window(text), *_scale(words)]
    questions = _of_pendulum(_questions(text, settings, rest), rest)
    unit = asked_unit(rest.text)
    if not settings and not questions and previous is not None:
        return _again(text, previous, unit)
    questions = _in_unit(questions, unit)
    return settings + questions


def _scale(words: Marked) -> list[Call]:
    if re.search(phrases.FORGET_SCALE, words.text):
        return [Call("set_scale", {"forget": True})]
    scale = known_length(words)
    if scale is None:
        return []
    given = {name: value for name, value in asdict(scale).items() if value is not None}
    return [Call("set_scale", {"object_diameter_m" if name == "diameter_m" else name: given[name] for name in given})]


def _of_pendulum(questions: list[Call], rest: Marked) -> list[Call]:
    """The questions, with the length of the string for g where one is given."""
    lengths = [
        metres
        for clause in re.split(CLAUSE, rest.text)
        if re.search(phrases.STRING, clause) and not re.search(phrases.SIZE, clause)
        for metres in rest.metres(clause)
    ]
    length = agreed(lengths, "the length of the pendulum")
    if length is None:
        return questions
    g = Call("quantity", {"name": "g", "pendulum_length_m": length})
    return [g if call == Call("quantity", {"name": "g"}) else call for call in questions] or [g]


def _window(text: str) -> list[Call]:
    if re.search(phrases.WHOLE, text) and not re.search(phrases.DESCRIBE + "|" + phrases.DRAW, text):
        return [Call("choose_window")]
    if ends := _ends(text):
        return [Call("choose_window", ends)]
    if both := span(text) or bare_span(text):
        return [Call("choose_window", {"start_s": both[0], "end_s": both[1]})]
    if not re.search(phrases.WINDOW, text) or re.search(phrases.PLOT + "|" + phrases.FORECAST, text):
        return []
    amount = rf"({PLAIN}\s*(?:ms|milliseconds?|s|secs?|seconds?)?)"
    away = re.search(phrases.AWAY, text)
    if found := re.search(rf"first {amount}\b", text):
        return [Call("choose_window", {"start_s" if away else "end_s": seconds(found[1])})]
    if found := re.search(rf"{phrases.EARLY} (?:second )?{amount}", text):
        return [Call("choose_window", {"start_s" if away else "end_s": seconds(found[1])})]
    if found := re.search(rf"{phrases.LATE} (?:second )?{amount}", text):
        return [Call("choose_window", {"end_s" if away else "start_s": seconds(found[1])})]
    if (at := times(text)) and (found := re.search(phrases.EARLY + "|" + phrases.LATE, text)):
        early = bool(re.match(phrases.EARLY, found[0]))
        return [Call("choose_window", {"end_s" if early != bool(away) else "start_s": at[0]})]
    return []


def _ends(text: str) -> dict[str, float]:
    """Start and end where each is named by itself: `start at 0.2 s`, `it lands at 1.1 s, stop before that`."""
    ends: dict[str, float] = {}
    for argument, at_words, there_words in (
        ("start_s", phrases.BEGIN, r"\b(?:start|begin)"),
        ("end_s", phrases.STOP, r"\b(?:stop|end|finish)"),
    ):
        there = rf"{there_words}\w*(?: it)?(?: just)?(?: before| right)? {phrases.THERE}"
        found = re.search(at_words + rf" (?:second |t ?= ?)?({PLAIN} ?(?:ms|millisec)?)", text)
        if found and (time := seconds(found[1])) is not None:
            ends[argument] = time
        elif re.search(there, text) and (at := times(text)):
            ends[argument] = at[0]
    return ends


def _lens(text: str) -> list[Call]:
    arguments = {}
    rate = r"(?:fps|frame ?rate|(?:frames?|pictures|images) (?:per|a|1|each|every) second|frames/s|hz camera)"
    number = rf"({PLAIN})"
    filmed = r"slow.?mo|camera|film|record|shot\b|phone|captur|high.?speed|frame"
    if (
        (found := re.search(rf"{number} ?{rate}", text))
        or (found := re.search(rf"{rate}[^\d{MINUS}]{{0,30}}{number}", text))
        or (re.search(filmed, text) and (found := re.search(rf"{number} ?hz\b", text)))
    ):
        arguments["frames_per_second"] = value(found[1])
    else:
        arguments |= _slow_motion(text)
    view = r"field of view|\bfov\b|angle of view|view(?:ing)? angle|\blens\b|horizontal(?:ly)? (?:angle|view)"
    if re.search(view, text) and (found := re.search(rf"{number} ?(?:degrees?|deg|°)", text)):
        arguments["field_of_view_deg"] = value(found[1])
    return [Call("describe_video", arguments)] if arguments else []


def _slow_motion(text: str) -> dict[str, float]:
    if re.search(phrases.OWN_RATE, text):
        return {"slow_motion": 1.0}
    if not re.search(phrases.SLOW_MOTION, text):
        return {}
    if found := re.search(phrases.SHARE_OF_SPEED, text):
        share, percent = found.groups()[:2] if found[1] else found.groups()[2:]
        part = value(share) / (100 if percent or "percent" in found[0] else 1)
        if not 0 < part <= 1:
            raise UserError(f"a video plays at a part of the real speed, between 0 and 1, not at {part:g}")
        return {"slow_motion": 1 / part}
    if not (found := re.search(phrases.TIMES_SLOWER, text)):
        raise UserError(
            "say how many times slower than the motion the video plays ('slow motion, 8 times'), or at how many frames "
            "a second it was filmed"
        )
    assert found.lastindex is not None  # each of the ways to say it has its number in a group
    return {"slow_motion": value(found[found.lastindex])}


def _questions(text: str, settings: list[Call], rest: Marked) -> list[Call]:
    """What is asked for apart from settings; the first kind that fits, with all quantities in the order of the text.

    `rest` is the text with its lengths as marks.
    """
    windowed = any(call.tool == "choose_window" for call in settings)
    scaled = any(call.tool == "set_scale" for call in settings)
    if not settings and (sum_ := _only_sum(text)):
        return [Call("evaluate", {"expression": sum_})]
    if re.search(phrases.ERROR, text):
        return [Call("explain", {"topic": "error"})]
    if not settings and re.search(phrases.PHASES, text) and not times(text):
        return [Call("phases")]
    if re.search(phrases.TOKENS, text):
        return [Call("show_tokens")]
    if re.search(phrases.RIVAL, text):
        return [Call("compare_with_track_and_fit")]
    if re.search(phrases.REFINE, text):
        return [Call("refine")]
    if re.search(phrases.DRAW, text) and not re.search(r"\bgraph|\bchart|\bdiagram|(?:over|against) time", text):
        return [Call("draw_curve")]
    if re.search(phrases.TABLE, text):
        return [Call("save_table", {"file_type": "json" if "json" in text else "csv"})]
    if re.search(phrases.PLOT, text):
        if other := re.search(phrases.AGAINST_OTHERS, text):
            raise UserError(
                f"a plot {other[0]!r} is not offered: position, velocity and acceleration are plotted against time; "
                f"the path itself is seen in the drawn video, and a table holds what another plot needs"
            )
        return [Call("plot", {"what": _plotted(text)})]
    if not windowed and not scaled and (place := _place(text)):
        return place
    asked = _without_scale(decimals(rest.text)) if scaled else text
    if re.search(phrases.EQUATION, asked) and not re.search(r"\band\b", asked):
        return [Call("equation", {"which": _which(asked)})]
    if any(call.tool == "describe_video" for call in settings):
        asked = re.sub(rf"[\d.]+ ?hz\b|high.?speed|{phrases.SLOW_MOTION}", "", asked)
    if found := _quantities(asked):
        at = times(asked) if not windowed else []
        if not at and not windowed and re.search(r"\binitial|(?:at|in) the (?:very )?(?:start|beginning)\b", asked):
            at = [0.0]
        when = {"t_s": at[0]} if at else {}
        return [
            Call("quantity", {"name": name} | (when if name in ("speed", "acceleration") else {})) for name in found
        ]
    if re.search(phrases.EQUATION, text):
        return [Call("equation", {"which": _which(text)})]
    if settings:
        return []
    if sum_ := expression(text):
        return [Call("evaluate", {"expression": sum_})]
    return [Call("describe_video")] if re.search(phrases.DESCRIBE, text) else []


def _only_sum(text: str) -> str | None:
    """The arithmetic in a sentence that asks for nothing else, so that 9.81 in it is no question about g."""
    sum_ = expression(text)
    if sum_ is None:
        return None
    words = set(re.findall(r"[a-z]+", text)) - set(re.findall(r"[a-z]+", sum_)) - _SUM_WORDS
    return None if words else sum_


_SUM_WORDS = set(
    "what whats s is are how much many does do calculate compute work out evaluate solve equals equal the please value "
    "of result tell me find give can could you i for me makes make times divided multiplied by over plus minus squared "
    "cubed square root to power sum and a it so".split()
)


def _place(text: str) -> list[Call]:
    at = times(text)
    wanted = re.search(phrases.POSITION, text)
    # `where is it at 3 s` asks for a position, even beyond the clip; `3 s after the end` asks for a forecast.
    clock = rf"\bat (?:t ?=? ?|time |second )?{PLAIN}"
    on_the_clock = wanted and re.search(clock, text) and not re.search(phrases.FROM_THE_END, text)
    if not on_the_clock and re.search(phrases.FORECAST, text) and (at or re.search(phrases.LANDING, text) or wanted):
        if not (wanted and re.search(phrases.AT_END, text) and not at):
            return [Call("forecast", {"seconds_after_end": at[0] if at else 0.5})]
    if not wanted:
        return []
    if at:
        if re.search(phrases.AT_END, text):
            return [Call("forecast", {"seconds_after_end": at[0]})]
        video = bool(re.search(phrases.VIDEO_CLOCK, text))
        return [Call("position_at", {"t_s": at[0], "clock": "video" if video else "clip"})]
    if re.search(phrases.AT_END, text):
        return [Call("forecast", {"seconds_after_end": 0.0})]
    if re.search(phrases.AT_START, text):
        return [Call("position_at", {"t_s": 0.0, "clock": "clip"})]
    return []


def _quantities(text: str) -> list[str]:
    """Names in the order of the text, without those whose words belong to another one (`phrases.STRONGER`)."""
    found = [(match.start(), name) for name, pattern in phrases.QUANTITIES if (match := re.search(pattern, text))]
    names = [name for _, name in sorted(found)]
    if re.search(r"\band\b|,|&|\bplus\b|\balso\b", text):
        return names
    covered = {weaker for name in names for weaker in phrases.STRONGER.get(name, ())}
    return [name for name in names if name not in covered]


def _without_scale(text: str) -> str:
    """The sentence without the object's size, whose words (radius, height) are also names of quantities."""
    name = r"(?:radius|diameter|width|size|height|distance)"
    before = rf"{name}(?: (?:of|from|to))?(?: (?:the|my|its|that) \w+)?[\s=:]*(?:is |of )?\s*⟦m\d+⟧"
    return re.sub(rf"{before}|⟦m\d+⟧,? (?:in |of )?{name}", "", text)


def _plotted(text: str) -> str:
    for name, pattern in phrases.PLOTTED:
        if re.search(pattern, text):
            return name
    return "all"


def _which(text: str) -> str:
    if re.search(phrases.REFINED_TOO, text):
        return "both"
    if re.search(phrases.RAW, text):
        return "raw"
    return "refined" if re.search(phrases.REFINED, text) else "measured"


def _in_unit(questions: list[Call], unit: str | None) -> list[Call]:
    """The quantities among the questions in a unit; raises UserError where something else is wanted in it."""
    if unit is None:
        return questions
    if any(call.tool in _IN_METRES for call in questions):
        raise UserError(
            f"{unit} is offered for quantities such as speed, height or g alone; places, equations, plots and tables "
            f"are in metres where the scale is known, and in the equation's own unit otherwise"
        )
    return [Call(q.tool, {**q.arguments, "unit": unit}) if q.tool == "quantity" else q for q in questions]


_IN_METRES = ("equation", "refine", "position_at", "forecast", "plot", "save_table")


def _again(text: str, previous: Call, unit: str | None) -> list[Call]:
    """A follow-up such as `and at 0.8 s?` or `and in feet?`, asked of the same tool."""
    if unit is not None and previous.tool == "quantity":
        return _in_unit([previous], unit)
    at = times(text)
    bare = re.fullmatch(rf"(?:and|what about|how about)?\s*{PLAIN}\s*\??", text)
    if not at and bare and (time := seconds(text)) is not None:
        at = [time]
    if not at or not re.match(r"(?:and|what about|how about|then|also|ok,? and|same|now|at|t\b|[\d−])", text):
        return []
    argument = {"position_at": "t_s", "forecast": "seconds_after_end", "quantity": "t_s"}.get(previous.tool)
    return [Call(previous.tool, {**previous.arguments, argument: at[0]})] if argument else []
