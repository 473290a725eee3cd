"""The page's sliders and boxes for the window, the scale and the frame rate.

What is set here becomes a message in the chat, so the chat shows it, remembers it, and can be told otherwise.
"""

import math
from typing import TYPE_CHECKING

import gradio as gr
import numpy as np

from trajvlm.data.errors import UserError
from trajvlm.ui.conversation import Conversation
from trajvlm.ui.upload_limits import duration_s

if TYPE_CHECKING:
    from trajvlm.vlm.described import Described

_NOTHING_YET = "Give a video first. Once it was described, its stretch, scale and frame rate can be set here."
KINDS_OF_LENGTH = ("the object's diameter, in cm", "one metre, in pixels")
"""What the known length is."""
_STEP_S = 0.01
_IN_FREE_FLIGHT = ("parabolic", "bouncing")


class WindowAndScale:
    """The accordion, put on the page that is being built."""

    def __init__(self) -> None:
        with gr.Accordion("Window, scale and frame rate", open=False, elem_id="window-and-scale"):
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
                self.rate = gr.Textbox(
                    label="Frames a second while filming, where the file's own are wrong (slow motion)",
                    placeholder="such as 240",
                    max_lines=1,
                )
                self.set_rate = gr.Button("Set the frame rate", size="sm")
        self.parts = [self._note, self._body, self.start, self.end]
        """The parts whose new values `shown` returns."""

    def shown(self, conversation: Conversation | None) -> list:
        """New values of `parts` for the current video; unchanged where its description is the one shown already.

        So a slider that is moved while an answer grows stays where it is.
        """
        if conversation is None or (found := conversation.session.found) is None:
            return [_NOTHING_YET, gr.update(visible=False), gr.skip(), gr.skip()]
        if found is conversation.window_shown_of:
            return [gr.skip()] * len(self.parts)
        conversation.window_shown_of = found
        session, place = conversation.session, found.clip.placement
        first, last = (time * session.slower for time in (place.t0_s, place.t0_s + place.duration_s))
        # Down to a step of the slider, so that its end is not past the video's.
        longest = max(duration_s(session.video), last)
        longest = max(round(math.floor(longest / _STEP_S + 1e-6) * _STEP_S, 2), _STEP_S)
        note = f"**{session.video.name}** lasts {longest:.2f} s; {first:.2f} to {last:.2f} s were looked at."
        ends = [gr.update(maximum=longest, value=min(round(time, 2), longest)) for time in (first, last)]
        return [note, gr.update(visible=True), *ends]


def window_in_words(start: float, end: float) -> str:
    """The message that asks for a window; seconds of the video as it plays."""
    return f"Look at the stretch from {start:g} to {end:g} s."


def scale_in_words(length: str, kind: str, found: "Described | None" = None) -> str:
    """The message that sets a scale, and asks for what it is mostly wanted for in the motion that was found.

    `kind` is one of `KINDS_OF_LENGTH`. Raises UserError for no positive number.
    """
    number = _positive(length, "A scale is a positive number: type the object's diameter, or the pixels in a metre.")
    scale = f"The object is {number} cm wide." if kind == KINDS_OF_LENGTH[0] else f"One metre is {number} pixels."
    return f"{scale} {wanted(found)}".rstrip()


def frame_rate_in_words(rate: str, found: "Described | None" = None) -> str:
    """The message that sets the true frame rate while filming, and asks as `scale_in_words` does.

    Raises UserError for no positive number.
    """
    number = _positive(rate, "A frame rate is a positive number: type the frames a second that the camera took.")
    return f"It was filmed at {number} frames per second. {wanted(found)}".rstrip()


def wanted(found: "Described | None") -> str:
    """The question that a scale or a frame rate is mostly set for, by the family; empty where none was found yet."""
    if found is None:
        return ""
    return "What was g?" if found.family in _IN_FREE_FLIGHT else "What is the equation?"


def _positive(typed: str, otherwise: str) -> str:
    """A typed number without an exponent; raises UserError with the sentence `otherwise` where it is not positive."""
    try:
        value = float(typed.strip().replace(",", "."))
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise UserError(otherwise)
    return np.format_float_positional(value, trim="-")
