"""The page: a chat about videos, served on this machine.

    trajvlm ui

The page is up at once, and the networks load in the background. Everything it needs comes with gradio; it fetches
nothing from the network. `POST /chat` (api_name "chat") answers programs: `{"text": ..., "files": [...]}` or a text in,
the answer out.
"""

import os
import sys
from pathlib import Path

# Set before gradio is imported, which would otherwise report its start to its makers.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr
from gradio.components.multimodal_textbox import MultimodalData
from gradio_client.utils import is_http_url_like
from pydantic import ValidationError
from starlette.middleware import Middleware

from trajvlm.agents.agent import Agent
from trajvlm.agents.session import Describes, Session
from trajvlm.data.errors import UserError
from trajvlm.ui.chat_registry import DAY_S, MOST_CHATS, Chats
from trajvlm.ui.conversation import Conversation
from trajvlm.ui.events import Events
from trajvlm.ui.login import People
from trajvlm.ui.network_loading import BackgroundDescriber
from trajvlm.ui.scratch_folder import own_folder
from trajvlm.ui.stage import Stage
from trajvlm.ui.theme import CSS, SCROLL, THEME
from trajvlm.ui.upload_limits import LARGEST_UPLOAD_MB, LONGEST_S
from trajvlm.ui.upload_quota import UploadTotal
from trajvlm.ui.webcam import add_recorder
from trajvlm.ui.window_and_scale import WindowAndScale

_VIDEOS = ["video", ".gif", ".mkv", ".avi"]
_WELCOME = f"""### Give a video of one moving object, or try a rendered one below
Up to {LARGEST_UPLOAD_MB} MB and {LONGEST_S / 60:g} minutes, half a second of motion is enough. Then ask:
*what motion is it? where will it be half a second after the end? the ball is 6.7 cm wide, what was g?*"""
_SAMPLES = {
    "a throw": "parabolic",
    "a circle": "circular",
    "a helix": "helical",
    "a swing": "oscillating",
    "a bounce": "bouncing",
}

_BEHIND_ANOTHER = {"queue": False, "api_visibility": "private", "show_progress": "hidden"}
"""Options of events that the page starts by itself, which may follow another event at once. Outside of gradio's queue
each is a request with its own response. Queued events share one stream, which the server ends after the last of them:
the page would wait for ever for one that it adds before it learns of the end."""


class _Said(MultimodalData):
    """A program's message: text and files, either of which may be left out, or the text alone."""

    @classmethod
    def model_validate(cls, message, **options) -> "_Said":
        """Raises gr.Error, which gradio returns to the caller, for a message of another shape."""
        whole = {"text": message} if isinstance(message, str) else message
        try:
            if not whole.keys() <= {"text", "files"}:
                raise TypeError
            return super().model_validate({"text": "", **whole}, **options)
        except (AttributeError, TypeError, ValidationError) as error:
            sentence = 'a message is {"text": ..., "files": [...]}, or a text alone'
            raise gr.Error(sentence, print_exception=False) from error


def build(describer: Describes, model: str | None = None, folder: Path | None = None) -> gr.Blocks:
    """The page over a describer; `model` is a chat model's name, None for the intent router.

    Chats keep their files in `folder`, or where temporary files go. Raises UserError where the named chat model can't
    be used.
    """
    model_name = Agent(Session(describer, "."), model).model_name
    events = Events(Chats(lambda: Conversation(describer, model, folder)))

    def status() -> str:
        state = getattr(describer, "status", "The networks are ready.")
        return f"Answers by: **{model_name}**. {state}"

    with gr.Blocks(title="trajvlm", analytics_enabled=False, fill_height=True, delete_cache=(DAY_S, DAY_S)) as page:
        with gr.Row(elem_id="head"):
            gr.Markdown("## trajvlm")
            restart = gr.Button("New chat", size="sm", scale=0, min_width=100)
        shown_status = gr.Markdown(status(), elem_id="status")
        stage = Stage()
        chatbot = _add_chatbot()
        with gr.Row(elem_id="samples"):
            samples = {family: gr.Button(f"Try {name}", size="sm", min_width=80) for name, family in _SAMPLES.items()}
        box = gr.MultimodalTextbox(
            show_label=False,
            placeholder="Ask, or add a video",
            file_types=_VIDEOS,
            sources=["upload"],
            max_plain_text_length=4000,
        )
        controls = WindowAndScale()
        webcam, recorder, use = add_recorder()
        _take_no_addresses(box)
        _take_no_addresses(recorder)
        wiring = [
            (box.submit, events.send, [box], [chatbot, box]),
            (chatbot.option_select, events.click, [], [chatbot]),
            (controls.look.click, events.look, [controls.start, controls.end], [chatbot]),
            (controls.scale.click, events.scale, [controls.length, controls.kind], [chatbot]),
            (controls.length.submit, events.scale, [controls.length, controls.kind], [chatbot]),
            (controls.set_rate.click, events.frame_rate, [controls.rate], [chatbot]),
            (controls.rate.submit, events.frame_rate, [controls.rate], [chatbot]),
            (stage.part.submit, events.gesture, [], [chatbot]),
            (use.click, events.use_recorded, [recorder], [chatbot, recorder, webcam]),
            *((button.click, events.sample(family), [], [chatbot]) for family, button in samples.items()),
            (restart.click, events.restart, [], [chatbot]),
            (chatbot.clear, events.restart, [], [chatbot]),
        ]
        for event, run, given, changed in wiring:
            event(run, given, changed, api_visibility="private").then(
                events.shown(controls), None, controls.parts, **_BEHIND_ANOTHER
            ).then(events.staged(stage), None, [stage.part], **_BEHIND_ANOTHER)
        _add_api(events)
        _keep_up_to_date(shown_status, status, lambda: getattr(describer, "loading", False))
        page.load(None, js=SCROLL)
    # No limit here: events that wait for their chat's turn hold no thread, and `trajvlm.ui.turn_queue` limits the steps
    # that run at a time.
    return page.queue(max_size=32, default_concurrency_limit=None)


def _add_chatbot() -> gr.Chatbot:
    return gr.Chatbot(
        show_label=False,
        height=None,
        scale=1,
        layout="panel",
        # `trajvlm.ui.theme.SCROLL` scrolls to each new question instead.
        autoscroll=False,
        placeholder=_WELCOME,
        buttons=[],
        allow_file_downloads=False,
        elem_id="chat",
        feedback_options=None,
        allow_tags=False,
    )


def _add_api(events: Events) -> None:
    """For programs: the same chat without the page."""
    request, reply = gr.MultimodalTextbox(visible=False, label="message"), gr.JSON(visible=False, label="answer")
    request.data_model = _Said
    _take_no_addresses(request)
    gr.Button(visible=False).click(events.answer, [request], [reply], api_name="chat")


def _take_no_addresses(part: gr.components.Component) -> None:
    """Refuse a web address in place of a file, which gradio would fetch, however large it is."""
    keep = part.async_move_resource_to_block_cache

    async def keep_file(path: str | Path | None) -> str | None:
        if is_http_url_like(str(path)):
            raise gr.Error("this page fetches nothing from the web; upload the file itself", print_exception=False)
        return await keep(path)

    part.async_move_resource_to_block_cache = keep_file


def _keep_up_to_date(shown: gr.Markdown, status, loading) -> None:
    """Show the status each second while the networks load."""
    timer = gr.Timer(1.0)

    def tick():
        still = loading()
        return status(), gr.Timer(active=still)

    timer.tick(tick, None, [shown, timer], **_BEHIND_ANOTHER)


def serve(
    model: str | None = None,
    base_model: str | None = None,
    host: str | None = None,
    port: int | None = None,
    describer: Describes | None = None,
    wait: bool = True,
    open_browser: bool = False,
    device: str = "cpu",
    login: Path | None = None,
) -> gr.Blocks:
    """Put the page up and, with `wait`, stay until it is stopped.

    Without a host it listens on this machine alone (or on GRADIO_SERVER_NAME), without a port on GRADIO_SERVER_PORT or
    the first free one from 7860 on. With a `login` file of names and hashes only these people get in.

    Raises UserError where the port is taken, or the chat model or the login file can't be used.
    """
    people = None if login is None else People(login)
    if describer is None:
        from trajvlm.ui.network_loading import load_describer

        describer = BackgroundDescriber(lambda: load_describer(base_model, device))
    folder = own_folder()
    # Gradio's folder for uploads and for copies of what it shows; read while the page is built.
    os.environ.setdefault("GRADIO_TEMP_DIR", str(folder / "uploads"))
    page = build(describer, model, folder)
    try:
        page.launch(
            server_name=host,
            server_port=_port() if port is None else port,
            auth=people and people.admit,
            auth_message="For the people of this trajvlm page.",
            max_file_size=f"{LARGEST_UPLOAD_MB}mb",
            state_session_capacity=MOST_CHATS,
            app_kwargs={"middleware": [Middleware(UploadTotal)]},
            share=False,
            ssr_mode=False,
            inbrowser=open_browser,
            prevent_thread_lock=True,
            quiet=True,
            footer_links=[],
            theme=THEME,
            css=CSS,
        )
    except OSError as error:
        raise UserError(f"the page can't be served ({error}); choose another port with --port") from error
    if wait:
        _stay(page)
    return page


def _port() -> int | None:
    """GRADIO_SERVER_PORT, None where it is not set; raises UserError where it is no number.

    Gradio reads it at import, which may have been before it was set.
    """
    named = os.environ.get("GRADIO_SERVER_PORT")
    if named and not named.isdigit():
        raise UserError(f"GRADIO_SERVER_PORT has to be a number, not {named!r}; set it anew or unset it")
    return int(named) if named else None


def _stay(page: gr.Blocks) -> None:
    """Say where the page is, on standard error, and return when it was stopped."""
    # Standard output is redirected while the networks load.
    print(f"The page is at {page.local_url} (Ctrl-C stops it).", file=sys.stderr, flush=True)
    try:
        page.server.thread.join()
    except KeyboardInterrupt:
        page.close(verbose=False)
