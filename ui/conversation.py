"""One person's chat: what was said, as messages for the page, and how an answer grows.

A conversation owns its session, its agent and its folder, so no two people share anything but the networks.
"""

import shutil
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from agents.agent import Agent, Said, Step, ToolEnded, ToolStarted
from agents.session import Describes, Session
from agents.tools import equation, refine
from agents.wording import LIMIT
from data.errors import UserError
from data.export import write_sample
from ui.card import before_and_after, card, equations, follow_ups, media
from ui.extent import refuse_long

if TYPE_CHECKING:
    from vlm.describe import Description

_CARD_AFTER = ("describe_video", "choose_window")


class Conversation:
    """Messages so far (`history`, gradio's ChatMessages), and the agent that continues them."""

    def __init__(self, describer: Describes, model: str | None = None):
        """Raises UserError where the named chat model can't be used."""
        self.folder = Path(tempfile.mkdtemp(prefix="trajvlm-chat-"))
        self.session = Session(describer, self.folder)
        self.agent = Agent(self.session, model)
        self.history: list = []
        self.calls: list[ToolEnded] = []
        """What the tools answered in the last turn."""
        self.window_shown_of: Description | None = None
        """Whose window the page's sliders stand at."""

    def close(self) -> None:
        """Delete the conversation's folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def sample(self, family: str, seed: int) -> Path:
        """Render a clip of a family whose truth is known, and take it as the video that is talked about."""
        path = self.session.new_file(f"rendered-{family}", ".mp4")
        scene = write_sample(path, family, seed)
        self.session.add_video(path, scene.field_of_view)
        return path

    def keep(self, recorded: str | Path) -> Path:
        """Copy a recorded clip into the folder, under a name that tells it from the ones before."""
        return Path(shutil.copy(recorded, self.session.new_file("webcam", Path(recorded).suffix)))

    def ask(self, text: str, files: list[str | Path] = (), whole: bool = True) -> Iterator[list]:
        """Answer one message; yields the history each time it has grown.

        Args:
            files: videos that came with it; the last one is talked about.
            whole: whether a described video is followed by its pictures, plots and tables.
        """
        import gradio as gr

        text, files = text.strip(), [Path(file) for file in files]
        self.calls = []
        for message in self.history:
            message.options = []
        for content in [*map(media, files), *([text] if text else [])]:
            self.history.append(gr.ChatMessage(content, role="user"))
        yield self.history
        try:
            if not text and not files:
                raise UserError("ask a question, or give a video")
            for file in files:
                # A sample is the current video already, with its lens.
                if not self.session.videos or self.session.video != file:
                    refuse_long(file)
                    self.session.add_video(file)
            new = files[-1].name if files else None
            for step in self.agent.stream(text, new):
                self._show(step)
                yield self.history
            for _ in self._illustrate(whole):
                yield self.history
        except UserError as error:
            self._say(self.session.sentence(error))
        except Exception:
            traceback.print_exc(file=sys.stderr)
            self._say("Something broke inside trajvlm; what it was stands in the terminal that runs this page.")
        self._settle()
        self.history[-1].options = follow_ups(self.session)
        yield self.history

    @property
    def answer(self) -> str:
        """The text of the last answer, without the steps that led to it."""
        said = []
        for message in reversed(self.history):
            if message.role == "user":
                break
            if isinstance(message.content, str) and not message.metadata:
                said.append(message.content)
        return "\n\n".join(reversed(said))

    def _say(self, text: str) -> None:
        import gradio as gr

        self.history.append(gr.ChatMessage(text))

    def _show(self, step: Step) -> None:
        import gradio as gr

        match step:
            case ToolStarted():
                arguments = ", ".join(f"{name} = {value}" for name, value in step.arguments.items())
                title = f"{step.name}({arguments})"
                self.history.append(gr.ChatMessage("", metadata={"title": title, "id": step.id, "status": "pending"}))
            case ToolEnded():
                self.calls.append(step)
                for message in self.history:
                    if message.metadata.get("id") == step.id:
                        message.content = step.result.text if step.result else step.text
                        message.metadata |= {"status": "done", "duration": round(step.seconds, 2)}
            case Said():
                last = self.history[-1]
                if last.role == "assistant" and isinstance(last.content, str) and not last.metadata:
                    last.content += step.text
                else:
                    self._say(step.text)

    def _illustrate(self, whole: bool) -> Iterator[None]:
        """What belongs under the answer: the card of a new description, or the files that tools wrote."""
        import gradio as gr

        done = [call for call in self.calls if call.result]
        if whole and any(call.name in _CARD_AFTER for call in done):
            for title, part in card(self.session):
                closed = {"title": title, "status": "done"} if title else {}
                self.history.append(gr.ChatMessage(part, metadata=closed))
                yield
            if LIMIT not in self.answer:
                self._say(f"*{LIMIT}*")
        elif any(call.name == equation.__name__ for call in done):
            self._say(equations(self.session.description(), self.session.metres_per_unit))
            yield
        elif any(call.name == refine.__name__ for call in done):
            self._say(before_and_after(self.session.description(), self.session.metres_per_unit))
            yield
        for call in done:
            for path in call.result.files:
                self.history.append(gr.ChatMessage(media(path)))
                yield

    def _settle(self) -> None:
        """A step that never ended, because an error came between, does not spin for ever."""
        for message in self.history:
            if message.metadata.get("status") == "pending":
                message.metadata["status"] = "done"
