"""A general vision-language model, shown the frames and asked for the equation: what a user would try first.

The environment variable TRAJVLM_EXTERNAL_VLM names it as LangChain's `init_chat_model` does, say
`ollama:qwen2.5vl:7b` or `openai:gpt-5`; its integration package and its key are the user's.
"""

import base64
import hashlib
import os
from typing import Literal

import cv2
import numpy as np
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from pydantic import BaseModel, Field
from torch import Tensor

from trajvlm.data.errors import UserError
from trajvlm.data.motions.families import BASIC, FAMILIES
from trajvlm.data.rendered.export import to_frames
from trajvlm.vlm.answer import Answer

MODEL = "TRAJVLM_EXTERNAL_VLM"
_SHOWN_PX = 256
_TERMS = {"1": "1", "s": "s", "s2": "s^2", "cos": "cos(a)", "sin": "sin(a)"}


def prompt() -> str:
    """What is asked, with the frame of reference and every basic family's form."""
    forms = "\n".join(
        f"- {family.name} ({family.meaning}): p(t) = "
        + " + ".join(f"v{k + 1} {_TERMS[name]}" for k, name in enumerate(family.basis))
        for family in (FAMILIES[name] for name in BASIC)
    )
    return (
        "These 17 frames of a video show one moving object at equal steps of time t from 0 (first) to 1 (last). Name "
        "the family of its motion in space and the constants of its equation.\n"
        "Coordinates: x to the right and y upwards, from -1 to 1 over the width and height of the picture at the depth "
        "z = 0, the object's mean depth; z towards the camera, which stands at z = 4 and looks along -z.\n"
        f"Families, with s = 2 t - 1 and a = 2 pi turns (t - 1/2):\n{forms}\n"
        "Give the vectors v1, v2, ... in this order, each as [x, y, z], and the number of turns in the clip where the "
        "form has an angle a (0 where it has none)."
    )


class Reply(BaseModel):
    """The motion in the video."""

    # Pydantic reads the names at run time, where a type checker can't.
    family: Literal[BASIC] = Field(  # type: ignore[valid-type]
        description="the family of the motion"
    )
    vectors: list[list[float]] = Field(description="the vectors of the family's form in order, each [x, y, z]")
    turns: float = Field(description="turns in the clip; 0 for a family without an angle")


class ExternalVLM:
    """One call of a chat model a clip. See `trajvlm.eval.system.System`."""

    name = "external-vlm"
    gives_equations = True

    def __init__(self, model: BaseChatModel, named: str):
        self.rows = (f"{named}, frames as pictures",)
        self.identity = {"model": named, "prompt_sha256": hashlib.sha256(prompt().encode()).hexdigest()}
        self.model = model.with_structured_output(Reply, include_raw=True)

    def answer(self, video: Tensor) -> dict[str, list[Answer | None]]:
        """See `trajvlm.eval.system.System`; a reply that does not keep to the form is no answer."""
        replies = [self._reply(to_frames(clip)) for clip in video]
        return {self.rows[0]: [None if reply is None else answer_of(reply) for reply in replies]}

    def _reply(self, frames: np.ndarray) -> Reply | None:
        try:
            return self.model.invoke([message(frames)])["parsed"]
        except Exception as error:  # each provider's package raises its own kinds
            raise UserError(
                f"the external model {self.identity['model']} could not answer ({_reason(error)})"
            ) from error


def message(frames: np.ndarray) -> HumanMessage:
    """The question with the frames (17, 64, 64, 3), uint8, enlarged fourfold, as PNG."""
    pictures = []
    for frame in frames:
        shown = cv2.resize(frame[..., ::-1], (_SHOWN_PX, _SHOWN_PX), interpolation=cv2.INTER_NEAREST)
        data = base64.b64encode(cv2.imencode(".png", shown)[1].tobytes()).decode()
        pictures.append({"type": "image", "base64": data, "mime_type": "image/png"})
    return HumanMessage(content=[{"type": "text", "text": prompt()}, *pictures])


def answer_of(reply: Reply) -> Answer | None:
    """The reply as an answer, sure of itself; None where its vectors are not those of its family."""
    family = FAMILIES[reply.family]
    if [len(vector) for vector in reply.vectors] != [3] * len(family.basis):
        return None
    constants = np.array([*sum(reply.vectors, []), *[reply.turns] * family.periodic])
    return Answer(reply.family, constants, {name: float(name == reply.family) for name in BASIC})


def load() -> ExternalVLM:
    """The model that TRAJVLM_EXTERNAL_VLM names; raises UserError where it names none that can be called."""
    named = os.environ.get(MODEL)
    if not named:
        raise UserError(f"no external model is configured; name one for LangChain's init_chat_model in {MODEL}")
    # A second and more, that other systems need not wait for.
    from langchain.chat_models import init_chat_model

    try:
        return ExternalVLM(init_chat_model(named), named)
    except Exception as error:  # each provider's package raises its own kinds
        raise UserError(f"the external model {named} can't be used ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip() or 'no reason given'}".splitlines()[0][:200]
