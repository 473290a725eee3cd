"""What a person asks for, as tool calls: patterns for the words, readings for the numbers. No language model.

`plan` turns one sentence into the calls that answer it, in the order in which they have to run.
"""

import re
from dataclasses import dataclass, field

from agents import phrases
from agents.readings import bare_span, expression, length, pixels_per_metre, plain, seconds, span, times


@dataclass(frozen=True)
class Call:
    """One tool and its arguments."""

    tool: str
    arguments: dict = field(default_factory=dict)


def plan(text: str, previous: Call | None = None) -> list[Call]:
    """The calls that answer a sentence; none where no tool serves.

    `previous` is the call that a follow-up such as `and at 0.8 s?` refers to.
    """
    text = plain(text)
    if re.search(phrases.ELSEWHERE, text):
        return []
    settings = [*_scale(text), *_window(text), *_lens(text)]
    questions = _questions(text, settings)
    if not settings and not questions and previous is not None:
        return _again(text, previous)
    return settings + questions


def _scale(text: str) -> list[Call]:
    if (density := pixels_per_metre(text)) is not None:
        return [Call("set_scale", {"pixels_per_metre": density})]
    metres = length(text)
    if metres is None or re.search(phrases.NOT_SIZE, text):
        return []
    # Nothing but the object's size is ever given as a length.
    radius = re.search(r"\bradius(?: \w+)?(?: of| is)?\s*[=:]?\s*[\d.]+|[\d.]+\s*[a-z]+\s+(?:in )?radius", text)
    return [Call("set_scale", {"object_diameter_m": metres * (2 if radius else 1)})]


def _window(text: str) -> list[Call]:
    if re.search(phrases.WHOLE, text) and not re.search(phrases.DESCRIBE + "|" + phrases.DRAW, text):
        return [Call("choose_window")]
    for argument, words in (("start_s", phrases.BEGIN), ("end_s", phrases.STOP)):
        if found := re.search(words + r" (?:second )?([\d.]+)", text):
            return [Call("choose_window", {argument: float(found[1])})]
    if re.search(phrases.PLOT + "|" + phrases.FORECAST, text) or not re.search(phrases.WINDOW, text):
        return []
    if both := span(text) or bare_span(text):
        return [Call("choose_window", {"start_s": both[0], "end_s": both[1]})]
    amount = r"(\d*\.?\d+\s*(?:ms|milliseconds?|s|secs?|seconds?)?)"
    if found := re.search(rf"(?:skip|ignore|leave out|cut(?: off| out)?|without|drop) (?:the )?first {amount}", text):
        return [Call("choose_window", {"start_s": seconds(found[1])})]
    if found := re.search(rf"first {amount}\b", text):
        return [Call("choose_window", {"end_s": seconds(found[1])})]
    away = re.search(phrases.AWAY, text)
    if found := re.search(rf"{phrases.EARLY} (?:second )?{amount}", text):
        return [Call("choose_window", {"start_s" if away else "end_s": seconds(found[1])})]
    if found := re.search(rf"{phrases.LATE} (?:second )?{amount}", text):
        return [Call("choose_window", {"end_s" if away else "start_s": seconds(found[1])})]
    if (at := times(text)) and (found := re.search(phrases.EARLY + "|" + phrases.LATE, text)):
        early = bool(re.match(phrases.EARLY, found[0]))
        return [Call("choose_window", {"end_s" if early != bool(away) else "start_s": at[0]})]
    return []


def _lens(text: str) -> list[Call]:
    arguments = {}
    if found := re.search(r"(\d+(?:\.\d+)?) ?(?:fps|frames? (?:per|a) second|frames/s|hz camera)", text):
        arguments["frames_per_second"] = float(found[1])
    angle = r"(\d+(?:\.\d+)?) ?(?:degrees?|deg|°)"
    if re.search(r"field of view|\bfov\b|angle of view|\blens\b", text) and (found := re.search(angle, text)):
        arguments["field_of_view_deg"] = float(found[1])
    return [Call("describe_video", arguments)] if arguments else []


def _questions(text: str, settings: list[Call]) -> list[Call]:
    """What is asked for apart from settings; the first kind that fits, with all quantities in the order of the text."""
    windowed = any(call.tool == "choose_window" for call in settings)
    scaled = any(call.tool == "set_scale" for call in settings)
    if re.search(phrases.TOKENS, text):
        return [Call("show_tokens")]
    if re.search(phrases.DRAW, text) and not re.search(r"\bplot|\bgraph|\bchart", text):
        return [Call("draw_curve")]
    if re.search(phrases.TABLE, text):
        return [Call("save_table", {"file_type": "json" if "json" in text else "csv"})]
    if re.search(phrases.PLOT, text):
        return [Call("plot", {"what": _plotted(text)})]
    if not windowed and not scaled and (place := _place(text)):
        return place
    if found := _quantities(_without_scale(text) if scaled else text):
        at = times(text) if not windowed else []
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


def _place(text: str) -> list[Call]:
    at = times(text)
    if re.search(phrases.FORECAST, text) and (at or re.search(phrases.POSITION + "|" + phrases.LANDING, text)):
        return [Call("forecast", {"seconds_after_end": at[0] if at else 0.5})]
    if not re.search(phrases.POSITION, text):
        return []
    if re.search(phrases.AT_END, text):
        return [Call("forecast", {"seconds_after_end": 0.0})]
    if at:
        video = bool(re.search(phrases.VIDEO_CLOCK, text))
        return [Call("position_at", {"t_s": at[0], "clock": "video" if video else "clip"})]
    if re.search(phrases.AT_START, text):
        return [Call("position_at", {"t_s": 0.0, "clock": "clip"})]
    return []


def _quantities(text: str) -> list[str]:
    found = [(match.start(), name) for name, pattern in phrases.QUANTITIES if (match := re.search(pattern, text))]
    return [name for _, name in sorted(found)]


def _without_scale(text: str) -> str:
    """The sentence without the object's size, whose words (radius, height) are also names of quantities."""
    size = r"(?:radius|diameter|width|size|height)(?: of)?(?: (?:the|my|its|that) \w+)?(?: (?:is|of|=))?\s*[\d.]+"
    return re.sub(size, "", text)


def _plotted(text: str) -> str:
    for name, pattern in phrases.PLOTTED:
        if re.search(pattern, text):
            return name
    return "all"


def _which(text: str) -> str:
    if re.search(phrases.BOTH, text):
        return "both"
    return "raw" if re.search(phrases.RAW, text) else "refined"


def _again(text: str, previous: Call) -> list[Call]:
    """A follow-up such as `and at 0.8 s?`, asked of the same tool."""
    at = times(text) or ([seconds(text)] if re.fullmatch(r"(?:and|what about|how about)?\s*[\d.]+\s*\??", text) else [])
    if not at or not re.match(r"(?:and|what about|how about|then|also|ok,? and|same|now|at|t\b|\d)", text):
        return []
    argument = {"position_at": "t_s", "forecast": "seconds_after_end", "quantity": "t_s"}.get(previous.tool)
    return [Call(previous.tool, {**previous.arguments, argument: at[0]})] if argument else []
