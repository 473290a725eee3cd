"""An intent router in place of a chat model: rules, which need no key, no download and hardly any time.

It reads a request by the patterns of `trajvlm.agents.intents`, calls the tools one after the other, and answers with
the tools' own sentences. It says so where it does not understand a request.
"""

import re
from typing import Any
from uuid import uuid4

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from trajvlm.agents import phrases
from trajvlm.agents.intents import Call, plan
from trajvlm.agents.quantity_parsing import plain
from trajvlm.data.errors import UserError
from trajvlm.data.motions.readable import capitalised

NAME = "intent router (no language model)"

ABILITIES = (
    "I can describe the motion, list its phases, take a place at which the object is that is meant, give the equation, "
    "say what refining and measuring changed, where the object is at a time or after the end, derive speed, "
    "acceleration, radius, period, g and the like, say why it moves so and what is known of an error, take a scale, a "
    "window of time or a frame rate, plot, draw the curve over the video, show the tokens, save a table, and work out "
    "arithmetic."
)
_UNKNOWN = f"None of my tools answers that. {ABILITIES}"
_SPIN = (
    "Whether the object turns about itself is not measured: only where its middle is and how large it looks are read "
    "from the picture, so it may spin or not."
)
_NEW_VIDEO = re.compile(r"^\[new video: (.*)\]\n?")


class IntentRouter(BaseChatModel):
    """Emits the planned tool calls one at a time, then the tools' sentences as its answer."""

    @property
    def _llm_type(self) -> str:
        return NAME

    def bind_tools(self, tools, **kwargs: Any) -> "IntentRouter":
        """Returns itself: the router knows the tools."""
        return self

    def _generate(self, messages: list[BaseMessage], stop=None, run_manager=None, **kwargs: Any) -> ChatResult:
        last = max(k for k, message in enumerate(messages) if isinstance(message, HumanMessage))
        text = str(messages[last].content)
        try:
            calls = requested(text, _previous(messages[:last]))
        except UserError as error:
            return _said(f"{capitalised(str(error))}.")
        answers = [message for message in messages[last + 1 :] if isinstance(message, ToolMessage)]
        failed = any(message.status == "error" for message in answers)
        if len(answers) < len(calls) and not failed:
            call = calls[len(answers)]
            tool_call = {"name": call.tool, "args": call.arguments, "id": uuid4().hex}
            return _said("", [tool_call])
        return _said(_sentences(answers) or unserved(text))


def _said(text: str, calls: list[dict] | None = None) -> ChatResult:
    return ChatResult(generations=[ChatGeneration(message=AIMessage(content=text, tool_calls=calls or []))])


def unserved(text: str) -> str:
    """The answer where no tool can help."""
    return _SPIN if re.search(phrases.SPIN, plain(text)) else _UNKNOWN


def requested(text: str, previous: Call | None = None) -> list[Call]:
    """The calls for one message; a new video is described first."""
    new = _NEW_VIDEO.match(text)
    text = _NEW_VIDEO.sub("", text)
    calls = plan(text, previous) if text else []
    if new and not any(call.tool in ("describe_video", "choose_window", "point_at") for call in calls):
        calls = [Call("describe_video"), *calls]
    return calls


def _previous(messages: list[BaseMessage]) -> Call | None:
    """The last call before this message, to which a follow-up refers; None where there was none."""
    calls = [call for message in messages if isinstance(message, AIMessage) for call in message.tool_calls]
    return Call(calls[-1]["name"], calls[-1]["args"]) if calls else None


def _sentences(answers: list[ToolMessage]) -> str:
    """What the tools said, each sentence once; the caveats come as a paragraph of their own."""
    results = [message.artifact for message in answers]
    errors = [str(message.content).removeprefix("Error: ") for message in answers if not message.artifact]
    said = _once([result.text for result in results if result] + errors)
    caveats = _once([result.caveats for result in results if result])
    return "\n\n".join(filter(None, (said, caveats)))


def _once(texts: list[str]) -> str:
    sentences = [sentence for text in texts for sentence in re.split(r"(?<=\.) (?=[A-Z])", text)]
    return " ".join(dict.fromkeys(filter(None, sentences)))
