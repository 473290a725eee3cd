"""The page: a chat about videos, served on this machine.

    trajvlm ui

The page is up at once and the networks load behind it. Everything it needs comes with gradio; it fetches nothing from
the network. `POST /chat` (api_name "chat") answers programs: `{"text": ..., "files": [...]}` in, the answer out.
"""

import os
from pathlib import Path

# Before gradio is imported anywhere: it would report its start to its makers.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr

from agents.agent import Agent
from agents.session import Describes, Session
from data.errors import UserError
from ui.conversation import Conversation
from ui.extent import LARGEST_UPLOAD_MB, LONGEST_S
from ui.loader import BackgroundDescriber
from ui.login import People
from ui.look import CSS, THEME
from ui.webcam import add_recorder
from ui.window_and_scale import WindowAndScale, scale_in_words, window_in_words

DAY_S = 86_400
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


def build(describer: Describes, model: str | None = None) -> gr.Blocks:
    """The page over a describer; `model` is a chat model's name, None for the intent router.

    Raises UserError where the named chat model can't be used.
    """
    model_name = Agent(Session(describer, "."), model).model_name

    def begun(conversation: Conversation | None) -> Conversation:
        return conversation or Conversation(describer, model)

    def send(message: dict, conversation: Conversation | None):
        conversation = begun(conversation)
        cleared = None
        for history in conversation.ask(message["text"] or "", message["files"]):
            yield history, cleared, conversation
            # Once: what is typed while the answer grows stays.
            cleared = gr.skip()

    def click(conversation: Conversation | None, event: gr.SelectData):
        conversation = begun(conversation)
        for history in conversation.ask(str(event.value)):
            yield history, conversation

    def sample(family: str):
        def run(conversation: Conversation | None):
            conversation = begun(conversation)
            try:
                video = conversation.sample(family, seed=1)
            except OSError as error:
                raise gr.Error(f"the sample can't be written ({error.strerror})") from error
            for history in conversation.ask(f"A rendered clip; in truth it is {family}. Describe it.", [video]):
                yield history, conversation

        return run

    def look(start: float, end: float, conversation: Conversation | None):
        conversation = begun(conversation)
        for history in conversation.ask(window_in_words(start, end)):
            yield history, conversation

    def scale(length: str, kind: str, conversation: Conversation | None):
        conversation = begun(conversation)
        try:
            words = scale_in_words(length, kind)
        except UserError as error:
            # A warning and no error, which gradio would write across the chat.
            gr.Warning(str(error))
            yield gr.skip(), conversation
            return
        for history in conversation.ask(words):
            yield history, conversation

    def use_recorded(recorded: str | None, conversation: Conversation | None):
        conversation = begun(conversation)
        if recorded is None:
            gr.Warning("Nothing was recorded yet: start the camera and record some seconds.")
            yield gr.skip(), gr.skip(), gr.skip(), conversation
            return
        try:
            video = conversation.keep(recorded)
        except OSError as error:
            raise gr.Error(f"the clip can't be kept ({error.strerror})") from error
        for history in conversation.ask("", [video]):
            yield history, None, gr.Accordion(open=False), conversation

    def answer(message: dict, conversation: Conversation | None):
        """Answer one message: {"text": ..., "files": [...]}. A client's calls are one chat."""
        conversation = begun(conversation)
        for _ in conversation.ask(message["text"] or "", message["files"], whole=False):
            pass
        return _as_dict(conversation), conversation

    def restart(conversation: Conversation | None):
        if conversation is not None:
            conversation.close()
        return [], None

    with gr.Blocks(title="trajvlm", analytics_enabled=False, fill_height=True, delete_cache=(DAY_S, DAY_S)) as page:
        state = gr.State(None, time_to_live=DAY_S, delete_callback=lambda chat: chat and chat.close())
        with gr.Row(elem_id="head"):
            gr.Markdown("## trajvlm")
            restart_button = gr.Button("New chat", size="sm", scale=0, min_width=100)
        status = gr.Markdown(f"Answers by: **{model_name}**. {_status(describer)}", elem_id="status")
        chatbot = gr.Chatbot(
            show_label=False,
            height=None,
            scale=1,
            layout="panel",
            placeholder=_WELCOME,
            buttons=[],
            allow_file_downloads=False,
            elem_id="chat",
            feedback_options=None,
            allow_tags=False,
        )
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
        # For programs: the same chat without the page.
        request, reply = gr.MultimodalTextbox(visible=False, label="message"), gr.JSON(visible=False, label="answer")
        gr.Button(visible=False).click(answer, [request, state], [reply, state], api_name="chat")

        grown, known = [chatbot, state], [controls.length, controls.kind, state]
        events = [
            (box.submit, send, [box, state], [chatbot, box, state]),
            (chatbot.option_select, click, [state], grown),
            (controls.look.click, look, [controls.start, controls.end, state], grown),
            (controls.scale.click, scale, known, grown),
            (controls.length.submit, scale, known, grown),
            (use.click, use_recorded, [recorder, state], [chatbot, recorder, webcam, state]),
            *((button.click, sample(family), [state], grown) for family, button in samples.items()),
            (restart_button.click, restart, [state], grown),
            (chatbot.clear, restart, [state], grown),
        ]
        for event, run, given, changed in events:
            event(run, given, changed, api_visibility="private").then(
                controls.shown, state, controls.parts, api_visibility="private", show_progress="hidden"
            )

        timer = gr.Timer(1.0)

        def tick():
            loading = getattr(describer, "loading", False)
            return f"Answers by: **{model_name}**. {_status(describer)}", gr.Timer(active=loading)

        timer.tick(tick, None, [status, timer], api_visibility="private", show_progress="hidden")
    return page.queue(max_size=32, default_concurrency_limit=4)


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
        from ui.loader import load_describer

        describer = BackgroundDescriber(lambda: load_describer(base_model, device))
    page = build(describer, model)
    # Gradio reads this when it is imported, which may have been before it was set.
    named = os.environ.get("GRADIO_SERVER_PORT")
    if port is None and named:
        if not named.isdigit():
            raise UserError(f"GRADIO_SERVER_PORT has to be a number, not {named!r}; set it anew or unset it")
        port = int(named)
    try:
        page.launch(
            server_name=host,
            server_port=port,
            auth=people and people.admit,
            auth_message="For the people of this trajvlm page.",
            max_file_size=f"{LARGEST_UPLOAD_MB}mb",
            share=False,
            ssr_mode=False,
            inbrowser=open_browser,
            prevent_thread_lock=not wait,
            footer_links=[],
            theme=THEME,
            css=CSS,
        )
    except OSError as error:
        raise UserError(f"the page can't be served ({error}); choose another port with --port") from error
    return page


def _status(describer: Describes) -> str:
    return getattr(describer, "status", "The networks are ready.")


def _as_dict(conversation: Conversation) -> dict:
    """The last answer for a program."""
    session = conversation.session
    return {
        "text": conversation.answer,
        "model": conversation.agent.model_name,
        "calls": [
            {
                "tool": call.name,
                "failed": call.failed,
                "seconds": round(call.seconds, 3),
                "text": call.result.text if call.result else call.text,
                "values": call.result.values if call.result else {},
            }
            for call in conversation.calls
        ],
        "video": session.video.name if session.videos else None,
        "metres_per_unit": session.metres_per_unit if session.described else None,
    }
