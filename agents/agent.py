"""An agent over one chat's tools: a chat model picks tools, reads what they find, and answers.

    agent = Agent(Session(Describer(), "out/chat", ["throw.mp4"]))
    for step in agent.stream("what was g? the ball is 6.7 cm wide"):
        print(step)

Any chat model that LangChain knows by name works ("openai:...", "ollama:..."), if its package and key are there.
Without a name the intent router of `trajvlm.agents.local_model` runs, which is rules and no language model.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import uuid4

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ToolCallLimitMiddleware
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphRecursionError

from trajvlm.agents.langchain_tools import bound_tools
from trajvlm.agents.local_model import NAME as ROUTER
from trajvlm.agents.local_model import IntentRouter
from trajvlm.agents.session import Result, Session
from trajvlm.data.errors import UserError

MOST_CHARACTERS = 1000
"""Of one message; a longer one keeps the router busy for seconds, in which nobody else is answered."""
MOST_TOOL_CALLS = 8
"""Tool calls in one turn; after that the model is told to stop."""
MOST_TURNS = 20
"""Turns of a chat that `forget_oldest` keeps."""

_INSTRUCTIONS = """You answer questions about a video of one moving object, with tools that measure it.
Take every number from a tool, never from memory, and give its unit. Call one tool at a time where one needs another.
Lengths are in u, half the width of the crop, unless a scale was set or the tools name another unit. One camera that
nobody calibrated can't tell size, distance or depth; say so where it matters. Spin, mass and forces are not measured.
If a tool reports an error, tell the person in one sentence what would help. If no tool serves, say so in one
sentence and do not guess. Answer in short plain sentences."""


@dataclass(frozen=True)
class ToolStarted:
    """The model asked for a tool."""

    id: str
    name: str
    arguments: dict


@dataclass(frozen=True)
class ToolEnded:
    """A tool answered."""

    id: str
    name: str
    text: str
    """What the model reads."""
    seconds: float
    failed: bool
    result: Result | None = None
    """None where the tool failed."""


@dataclass(frozen=True)
class Said:
    """A piece of the answer; the whole answer is all pieces in order."""

    text: str


Step = ToolStarted | ToolEnded | Said


@dataclass(frozen=True)
class Reply:
    """One turn: the answer, and the tool calls that it rests on."""

    text: str
    model: str
    calls: tuple[ToolEnded, ...] = field(default_factory=tuple)


class Agent:
    """One chat's agent, with the chat's memory."""

    def __init__(
        self,
        session: Session,
        model: str | BaseChatModel | None = None,
        checkpointer: BaseCheckpointSaver | None = None,
        thread: str | None = None,
    ):
        """`model` is a name for LangChain's `init_chat_model`, a chat model, or None for the intent router.

        Agents that share a `checkpointer` and a `thread` continue one chat. Raises UserError where the named model
        can't be used.
        """
        chat_model, self.model_name = _chat_model(model)
        self.session = session
        self.thread = thread or uuid4().hex
        self._checkpointer = checkpointer or InMemorySaver()
        self._graph = create_agent(
            chat_model,
            bound_tools(session),
            system_prompt=_INSTRUCTIONS,
            middleware=[
                ToolCallLimitMiddleware(run_limit=MOST_TOOL_CALLS, exit_behavior="continue"),
                _ModelErrors(self.model_name),
            ],
            checkpointer=self._checkpointer,
        )

    def stream(self, text: str, new_video: str | None = None) -> Iterator[Step]:
        """Answer one message step by step; `new_video` is the name of a video that came with it.

        Raises UserError where the message is too long, or the chat model can't be reached or does not come to an end.
        """
        if len(text) > MOST_CHARACTERS:
            raise UserError(
                f"a message has at most {MOST_CHARACTERS} characters, this one has {len(text)}; say it shorter"
            )
        if new_video is not None:
            text = f"[new video: {new_video}]\n{text}".strip()
        # Each call takes a step of the model and one of the tool; calls that the limit refuses take some too.
        config = {"configurable": {"thread_id": self.thread}, "recursion_limit": 4 * MOST_TOOL_CALLS + 8}
        messages = {"messages": [{"role": "user", "content": text}]}
        started: dict[str, float] = {}
        spoken: set[str] = set()
        try:
            for kind, update in self._graph.stream(messages, config, stream_mode=["messages", "updates"]):
                if kind == "messages":
                    message, _ = update
                    if isinstance(message, AIMessageChunk) and (said := message.text):
                        spoken.add(message.id)
                        yield Said(said)
                else:
                    yield from _steps(update, started, spoken)
        except GraphRecursionError as error:
            raise UserError(f"{self.model_name} did not come to an answer; ask in another way") from error

    def ask(self, text: str, new_video: str | None = None) -> Reply:
        """As `stream`, but returns the whole answer at its end."""
        steps = list(self.stream(text, new_video))
        said = "".join(step.text for step in steps if isinstance(step, Said))
        return Reply(said, self.model_name, tuple(step for step in steps if isinstance(step, ToolEnded)))

    def forget_oldest(self) -> None:
        """Forget all turns but the last `MOST_TURNS`, and every state of the chat but the latest."""
        config = {"configurable": {"thread_id": self.thread}}
        messages = self._graph.get_state(config).values.get("messages", [])
        asked = [k for k, message in enumerate(messages) if isinstance(message, HumanMessage)]
        kept = messages[asked[-MOST_TURNS] :] if len(asked) > MOST_TURNS else messages
        self._checkpointer.delete_thread(self.thread)
        self._graph.update_state(config, {"messages": kept}, as_node="__start__")


class _ModelErrors(AgentMiddleware):
    """Turns an error of the chat model (no key, no network) into a UserError; errors of tools pass through."""

    def __init__(self, model_name: str):
        super().__init__()
        self.model_name = model_name

    def wrap_model_call(self, request, handler):
        try:
            return handler(request)
        except Exception as error:  # each provider's package raises its own kinds
            if self.model_name == ROUTER:
                raise
            reason = f"{type(error).__name__}: {str(error).strip() or 'no reason given'}".splitlines()[0][:200]
            raise UserError(
                f"the chat model {self.model_name} could not answer ({reason}); check its key and the network, or "
                f"leave the model out"
            ) from error


def _chat_model(model: str | BaseChatModel | None) -> tuple[BaseChatModel, str]:
    """The model and the name that people are shown."""
    if model is None:
        return IntentRouter(), ROUTER
    if isinstance(model, BaseChatModel):
        name = getattr(model, "model_name", None) or getattr(model, "model", None) or model._llm_type
        return model, ROUTER if isinstance(model, IntentRouter) else str(name)
    from langchain.chat_models import init_chat_model

    try:
        return init_chat_model(model), model
    except Exception as error:  # each provider's package raises its own kinds
        reason = str(error).splitlines()[0]
        raise UserError(
            f"the chat model {model!r} can't be used ({reason}); install its package and set its key, or leave the "
            f"model out"
        ) from error


def _steps(update: dict, started: dict[str, float], spoken: set[str]) -> Iterator[Step]:
    """The steps in an update of the graph: tool calls, tool answers, and text that was not streamed."""
    for change in update.values():
        for message in (change or {}).get("messages", []):
            if isinstance(message, AIMessage):
                if message.text and message.id not in spoken:
                    spoken.add(message.id)
                    yield Said(message.text)
                for call in message.tool_calls:
                    started[call["id"]] = time.perf_counter()
                    yield ToolStarted(call["id"], call["name"], call["args"])
            elif isinstance(message, ToolMessage):
                began = started.get(message.tool_call_id, time.perf_counter())
                yield ToolEnded(
                    message.tool_call_id,
                    message.name or "",
                    str(message.content),
                    time.perf_counter() - began,
                    message.status == "error",
                    message.artifact,
                )
