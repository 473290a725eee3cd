"""What happens on the page: each method answers one kind of event with the new values of the page's parts."""

from collections.abc import AsyncIterator, Callable
from uuid import uuid4

import gradio as gr

from trajvlm.data.errors import UserError
from trajvlm.ui.chat_registry import Chats
from trajvlm.ui.conversation import Conversation
from trajvlm.ui.stage import Stage, in_words
from trajvlm.ui.turn_queue import Turn
from trajvlm.ui.window_and_scale import WindowAndScale, frame_rate_in_words, scale_in_words, window_in_words


class Events:
    """The events of everybody's pages, each answered in the chat that it came from."""

    def __init__(self, chats: Chats):
        self._chats = chats

    def _chat(self, request: gr.Request) -> Conversation:
        return self._chats.of(request.session_hash or uuid4().hex)

    async def _grown(self, request: gr.Request, ask: Callable[[Conversation], Turn]) -> AsyncIterator:
        """What `ask` yields. The page stays as it is where that is nothing, or a UserError, which becomes a warning:
        gradio would empty the chat if nothing were yielded.
        """
        came = False
        try:
            async for step in ask(self._chat(request)):
                came = True
                yield step
        except UserError as error:
            # Gradio would write an error across the chat.
            gr.Warning(str(error))
        if not came:
            yield gr.skip()

    async def send(self, message: dict, request: gr.Request):
        """A message from the box. Yields the chat, and the box emptied."""
        cleared = None
        async for history in self._grown(request, lambda chat: chat.ask(message["text"] or "", message["files"])):
            yield history, cleared
            # Clear the box only on the first yield.
            cleared = gr.skip()

    async def click(self, event: gr.SelectData, request: gr.Request):
        """A click on a question under an answer. Yields the chat."""
        async for history in self._grown(request, lambda chat: chat.ask(str(event.value))):
            yield history

    def sample(self, family: str) -> Callable:
        """The event of a button that renders a clip and asks about it; yields the chat."""
        words = f"A rendered clip; in truth it is {family}. Describe it."

        def ask(chat: Conversation) -> Turn:
            return chat.ask_about(lambda: chat.sample(family, seed=1), words)

        async def run(request: gr.Request):
            async for history in self._grown(request, ask):
                yield history

        return run

    async def look(self, start: float, end: float, request: gr.Request):
        """A window from the sliders. Yields the chat."""
        async for history in self._grown(request, lambda chat: chat.ask(window_in_words(start, end))):
            yield history

    async def scale(self, length: str, kind: str, request: gr.Request):
        """A known length. Yields the chat."""

        def ask(chat: Conversation) -> Turn:
            return chat.ask(scale_in_words(length, kind, chat.session.found))

        async for history in self._grown(request, ask):
            yield history

    async def frame_rate(self, rate: str, request: gr.Request):
        """The true frame rate. Yields the chat."""

        def ask(chat: Conversation) -> Turn:
            # Without a scale there is no g to ask for anew.
            found = chat.session.found if chat.session.scale else None
            return chat.ask(frame_rate_in_words(rate, found))

        async for history in self._grown(request, ask):
            yield history

    async def gesture(self, event: gr.EventData, request: gr.Request):
        """A gesture on the stage. Yields the chat."""

        def ask(chat: Conversation) -> Turn:
            return chat.ask(in_words(event._data or {}, chat.session.found))

        async for history in self._grown(request, ask):
            yield history

    async def use_recorded(self, recorded: str | None, request: gr.Request):
        """A recorded clip. Yields the chat, and the recorder emptied and closed."""
        if recorded is None:
            gr.Warning("Nothing was recorded yet: start the camera and record some seconds.")
            yield gr.skip(), gr.skip(), gr.skip()
            return
        async for history in self._grown(request, lambda chat: chat.ask_about(lambda: chat.keep(recorded))):
            yield history, None, gr.Accordion(open=False)

    async def restart(self, request: gr.Request):
        """A new chat. Yields the chat, emptied."""
        async for history in self._grown(request, lambda chat: chat.restart()):
            yield history

    async def answer(self, message: dict, request: gr.Request):
        """Answer one message: {"text": ..., "files": [...]}, or the text alone. A client's calls are one chat."""
        try:
            reply = None
            async for step in self._chat(request).reply(message["text"], message["files"]):
                reply = step
        except UserError as error:
            raise gr.Error(str(error), print_exception=False) from error
        return reply

    def staged(self, stage: Stage) -> Callable:
        """The event after every other one, which returns a new value for the stage."""

        def run(request: gr.Request):
            return stage.shown(self._chats.begun(request.session_hash))

        return run

    def shown(self, controls: WindowAndScale) -> Callable:
        """The event after every other one, which returns new values for the parts of the window and scale."""

        def run(request: gr.Request):
            return controls.shown(self._chats.begun(request.session_hash))

        return run
