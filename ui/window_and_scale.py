"""The page's way to a window and a scale without words: sliders and a number, which become messages of the chat.

What is pressed here is asked in the chat, so the chat shows it, remembers it, and can be told otherwise.
"""

import math

import gradio as gr
import numpy as np

from data.errors import UserError
from ui.conversation import Conversation
from ui.extent import duration_s

_NOTHING_YET = "Give a video first. Once it was described, a stretch of it and a scale can be chosen here."
KINDS_OF_LENGTH = ("the object's diameter, in cm", "one metre, in pixels")
"""What a known length may be."""
_STEP_S = 0.01


class WindowAndScale:
    """The accordion, put on the page that is being built."""

    def __init__(self):
        with gr.Accordion("Window and scale", open=False, elem_id="window-and-scale"):
            self._note = gr.Markdown(_NOTHING_YET)
            with gr.Column(visible=False) as self._body:
                with gr.Row():
                    self.start = gr.Slider(0, 1, 0, step=_STEP_S, label="Start, in seconds", buttons=[])
                    self.end = gr.Slider(0, 1, 1, step=_STEP_S, label="End, in seconds", buttons=[])
                self.look = gr.Button("Look at this stretch", size="sm")
                with gr.Row():
                    self.length = gr.Textbox(
                        label="Known length", placeholder="such as 6.7", max_lines=1, min_width=200
                    )
                    self.kind = gr.Radio(
                        KINDS_OF_LENGTH, value=KINDS_OF_LENGTH[0], label="It is", scale=2, min_width=300
                    )
                self.scale = gr.Button("Set the scale", size="sm")
        self.parts = [self._note, self._body, self.start, self.end]
        """What `shown` gives the new values of."""

    def shown(self, conversation: Conversation | None) -> list:
        """The parts as they fit the video that is talked about; as they are, where no other description was made.

        Whoever moves a slider while an answer grows keeps it where it was moved to.
        """
        described = conversation is not None and conversation.session.described
        found = conversation.session.description() if described else None
        if found is None:
            return [_NOTHING_YET, gr.update(visible=False), gr.skip(), gr.skip()]
        if found is conversation.window_shown_of:
            return [gr.skip()] * len(self.parts)
        conversation.window_shown_of = found
        session, place = conversation.session, found.clip.placement
        first, last = place.t0_s, place.t0_s + place.duration_s
        # Down to a step of the slider, so that its end is not past the video's.
        longest = max(duration_s(session.video, session.fps), last)
        longest = max(round(math.floor(longest / _STEP_S + 1e-6) * _STEP_S, 2), _STEP_S)
        note = f"**{session.video.name}** lasts {longest:.2f} s; {first:.2f} to {last:.2f} s were looked at."
        ends = [gr.update(maximum=longest, value=min(round(time, 2), longest)) for time in (first, last)]
        return [note, gr.update(visible=True), *ends]


def window_in_words(start: float, end: float) -> str:
    """The message that asks for a window; seconds of the video."""
    return f"Look at the stretch from {start:g} to {end:g} s."


def scale_in_words(length: str, kind: str) -> str:
    """The message that sets a scale; `kind` is one of `KINDS_OF_LENGTH`. Raises UserError for no positive number."""
    try:
        value = float(length.strip().replace(",", "."))
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise UserError("A scale is a positive number: type the object's diameter, or the pixels in a metre.")
    number = np.format_float_positional(value, trim="-")
    return f"The object is {number} cm wide." if kind == KINDS_OF_LENGTH[0] else f"One metre is {number} pixels."
