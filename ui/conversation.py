"""One person's chat: its messages for the page, and answers that grow step by step.

A conversation owns its session, its agent and its folder, so people share nothing but the networks. Its questions are
answered one after the other.
"""

import shutil
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trajvlm.agents.agent import Agent, Said, Step, ToolEnded, ToolStarted
from trajvlm.agents.session import Describes, Result, Session
from trajvlm.agents.tools import choose_window, describe_video, equation, point_at, refine
from trajvlm.data.errors import UserError
from trajvlm.data.motions.readable import capitalised
from trajvlm.data.rendered.export import write_sample
from trajvlm.ui.answer_card import before_and_after, card, equations, follow_ups, media
from trajvlm.ui.turn_queue import Line, Turn
from trajvlm.ui.upload_limits import refuse_long

if TYPE_CHECKING:
    from trajvlm.vlm.described import Described
    from trajvlm.vlm.scale import Scale


MOST_MESSAGES = 120
"""Kept for the page: about ten described videos, or sixty short questions with their answers."""
MOST_WAITING = 8
"""Questions in one chat at a time, the one that is answered among them."""


class Conversation:
    """Messages so far (`history`, gradio's ChatMessages), and the agent that continues them."""

    def __init__(self, describer: Describes, model: str | None = None, parent: Path | None = None):
        """Its folder is made in `parent`, or where temporary files go.

        Raises UserError where the named chat model can't be used.
        """
        self._describer, self._model, self._parent = describer, model, parent
        self._line = Line()
        self._era = 0
        """Counts restarts and the closing; a turn that came before the last one stops."""
        self._begin()

    def _begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="trajvlm-chat-", dir=self._parent))
        self.session = Session(self._describer, self.folder)
        self.agent = Agent(self.session, self._model)
        self.history: list = []
        self.calls: list[ToolEnded] = []
        """What the tools answered in the last turn."""
        self.window_shown_of: Described | None = None
        """The description whose window the page's sliders show."""
        self.on_stage: tuple[Described, Scale | None] | None = None
        """The description and the scale of what the page's stage shows."""
        self.film_on_stage: tuple[Path, float | None] | None = None
        """The video and its frame rate of the film that the page's stage has,"""
        self.film_times = np.empty(0)
        """and the seconds of its frames."""
        self.stage_lock = threading.Lock()

    @property
    def busy(self) -> bool:
        """Whether something is answered or waits."""
        return len(self._line) > 0

    def ask(self, text: str, files: Sequence[str | Path] = (), whole: bool = True) -> Turn[list]:
        """Answer one message; yields the history each time it has grown.

        Args:
            files: videos that came with it; the last one is talked about.
            whole: whether a described video is followed by its pictures, plots and tables.

        Raises UserError where too many wait already.
        """
        return self._next(lambda: self._answer(text, files, whole))

    def ask_about(self, make: Callable[[], Path], text: str = "") -> Turn[list]:
        """As `ask`, with a video that `make` (by `sample` or `keep`) makes when its turn has come."""

        def steps():
            try:
                video = make()
            except OSError as error:
                raise UserError(f"the clip can't be kept ({error.strerror}); make room on the disk") from error
            yield from self._answer(text, [video], whole=True)

        return self._next(steps)

    def reply(self, text: str, files: Sequence[str | Path] = ()) -> Turn[dict | None]:
        """As `ask`, for a program: yields None while the answer grows, then the whole of it as plain values."""

        def steps():
            for _ in self._answer(text, files, whole=False):
                yield None
            yield self._as_dict()

        return self._next(steps)

    def restart(self) -> Turn[list]:
        """Forget everything. An answer that grows ends at its next step; what waits is not answered."""
        self._era += 1

        def steps():
            self._delete()
            self._begin()
            yield self.history

        return self._turn(steps)

    def close(self) -> None:
        """Answer nothing more, and delete the folder once the answer that grows has ended; returns at once."""
        self._era += 1
        place = self._line.join()

        def closed(_):
            self._delete()
            self._line.leave(place)

        place.add_done_callback(closed)

    def _next(self, steps: Callable[[], Generator]) -> Turn:
        if len(self._line) >= MOST_WAITING:
            raise UserError("This chat has not answered yet what was asked before; wait until it has.")
        return self._turn(steps)

    def _turn(self, steps: Callable[[], Generator]) -> Turn:
        era = self._era

        def current():
            if era != self._era:
                return
            for step in steps():
                yield step
                if era != self._era:
                    return

        return Turn(self._line, current)

    def _delete(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def sample(self, family: str, seed: int) -> Path:
        """Render a clip of a family, and make it the current video with the field of view it was rendered with."""
        path = self.session.new_file(f"rendered-{family}", ".mp4")
        scene = write_sample(path, family, seed)
        self.session.add_video(path, scene.field_of_view)
        return path

    def keep(self, recorded: str | Path) -> Path:
        """Copy a recorded clip into the folder, under a new name."""
        return Path(shutil.copy(recorded, self.session.new_file("webcam", Path(recorded).suffix)))

    def _answer(self, text: str, files: Sequence[str | Path], whole: bool) -> Generator[list]:
        import gradio as gr

        text, videos = text.strip(), [Path(file) for file in files]
        self.calls = []
        for message in self.history:
            message.options = []
        for content in [*map(media, videos), *([text] if text else [])]:
            self.history.append(gr.ChatMessage(content, role="user"))
        yield self.history
        try:
            if not text and not videos:
                raise UserError("ask a question, or give a video")
            for file in videos:
                # A sample is the current video already, with its field of view.
                if not self.session.videos or self.session.video != file:
                    refuse_long(file)
                    self.session.add_video(file)
            new = videos[-1].name if videos else None
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
        finally:
            self._settle()
        self._forget_oldest()
        self.history[-1].options = follow_ups(self.session)
        yield self.history

    @property
    def answer(self) -> str:
        """The text of the last answer, without the tool calls and what is folded away."""
        return "\n\n".join(message.content for message in self._said())

    def _said(self) -> list:
        """The messages of the last answer that are text and not folded away."""
        last = takewhile(lambda message: message.role != "user", reversed(self.history))
        return [m for m in last if isinstance(m.content, str) and not m.metadata][::-1]

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
        """Add what belongs under the answer: the card of a new description, an equation, the files that tools wrote."""
        import gradio as gr

        names = {call.name for call in self.calls if call.result}
        results = [call.result for call in self.calls if call.result]
        if whole and names & {describe_video.__name__, choose_window.__name__, point_at.__name__}:
            folded = {"title": "Notes and limits", "status": "done"}
            self.history.append(gr.ChatMessage(self._without_caveats(results), metadata=folded))
            yield
            for title, part in card(self.session):
                closed = {"title": title, "status": "done"} if title else {}
                self.history.append(gr.ChatMessage(part, metadata=closed))
                yield
        elif refine.__name__ in names:
            [description] = self.session.description().views
            self._say(before_and_after(description, self.session.metres_per_unit))
            yield
        elif equation.__name__ in names or (whole and any("metres_per_unit" in result.values for result in results)):
            [description] = self.session.description().views
            self._say(equations(description, self.session.metres_per_unit, self.answer))
            yield
        for result in results:
            for path in result.files:
                self.history.append(gr.ChatMessage(media(path)))
                yield

    def _without_caveats(self, results: list[Result]) -> str:
        """Take the caveats of the results out of the answer; returns them as a Markdown list."""
        caveats = list(filter(None, dict.fromkeys(result.caveats for result in results)))
        for message in self._said():
            for said in caveats:
                message.content = message.content.replace(said, "").strip()
        return "\n".join(f"- {capitalised(one)}" for said in caveats for one in said.split(" Note: "))

    def _settle(self) -> None:
        """Show tool calls as done that an error, or a listener who left, kept from ending; they would spin on."""
        for message in self.history:
            if message.metadata.get("status") == "pending":
                message.metadata["status"] = "done"

    def _forget_oldest(self) -> None:
        """Keep at most the last `MOST_MESSAGES`, and delete files that only older ones show; the agent forgets too."""
        self.agent.forget_oldest()
        excess = len(self.history) - MOST_MESSAGES
        if excess <= 0:
            return
        roles = [message.role for message in self.history]
        questions = [k for k in range(1, len(roles)) if roles[k] == "user" != roles[k - 1]]
        first = next((k for k in questions if k >= excess), 0)
        old, self.history = self.history[:first], self.history[first:]
        kept = set(_files(self.history)) | set(self.session.videos)
        for path in set(_files(old)) - kept:
            if path.is_relative_to(self.folder):
                path.unlink(missing_ok=True)

    def _as_dict(self) -> dict:
        """The last answer for a program."""
        session = self.session
        return {
            "text": self.answer,
            "model": self.agent.model_name,
            "calls": [
                {
                    "tool": call.name,
                    "failed": call.failed,
                    "seconds": round(call.seconds, 3),
                    "text": call.result.text if call.result else call.text,
                    "values": call.result.values if call.result else {},
                }
                for call in self.calls
            ],
            "video": session.video.name if session.videos else None,
            "metres_per_unit": session.metres_per_unit if session.described else None,
        }


def _files(messages: list) -> Iterator[Path]:
    """The files that messages show."""
    for message in messages:
        for part in message.content if isinstance(message.content, list) else [message.content]:
            if isinstance(part, dict) and "path" in part:
                yield Path(part["path"])
