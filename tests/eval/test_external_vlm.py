"""The external model is asked once a clip, shown all frames, and held to the form of an answer."""

import base64

import cv2
import numpy as np
import pytest
import torch
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from trajvlm.data.errors import UserError
from trajvlm.data.motions.families import BASIC, FAMILIES
from trajvlm.eval.systems import external_vlm
from trajvlm.eval.systems.external_vlm import MODEL, ExternalVLM, Reply, answer_of, message, prompt

LINE = {"family": "linear", "vectors": [[0, 0, 0], [0.5, 0.25, 0]], "turns": 0}


class Scripted(BaseChatModel):
    """Replies with the same arguments every time, and keeps what it was asked."""

    arguments: dict | None
    asked: list = []

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools, **kwargs):
        return self

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        self.asked.append(messages)
        if self.arguments is None:
            raise ConnectionError("no server")
        call = {"name": "Reply", "args": self.arguments, "id": "1"}
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content="", tool_calls=[call]))])


def test_a_reply_becomes_an_answer():
    model = Scripted(arguments=LINE)
    system = ExternalVLM(model, "some:model")
    (answers,) = system.answer(torch.rand(2, 3, 17, 64, 64)).values()
    assert len(answers) == len(model.asked) == 2
    assert answers[0].family == "linear" and np.allclose(answers[0].positions(np.array([1.0])), [[0.5, 0.25, 0]])
    assert system.identity["model"] == "some:model" and "some:model" in system.rows[0]


def test_it_is_shown_every_frame_in_its_true_colours():
    frames = np.random.default_rng(0).integers(0, 256, (17, 64, 64, 3), dtype=np.uint8)
    text, *pictures = message(frames).content
    assert text["text"] == prompt() and len(pictures) == 17
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(pictures[3]["base64"]), np.uint8), cv2.IMREAD_COLOR)
    assert (shown[::4, ::4, ::-1] == frames[3]).all()


def test_the_question_names_every_family():
    assert all(f"- {name} (" in prompt() for name in BASIC)


@pytest.mark.parametrize("wrong", [{"family": "spiral"}, {"vectors": [[0, 0, 0]]}, {"vectors": [[0], [0]]}])
def test_a_reply_that_does_not_keep_to_the_form_is_no_answer(wrong):
    system = ExternalVLM(Scripted(arguments=LINE | wrong), "some")
    assert system.answer(torch.rand(1, 3, 17, 64, 64)) == {system.rows[0]: [None]}


def test_turns_are_the_last_constant_of_a_family_that_turns():
    reply = Reply(family="circular", vectors=[[0, 0, 0], [1, 0, 0], [0, 1, 0]], turns=1.5)
    answer = answer_of(reply)
    assert answer.constants.shape == (FAMILIES["circular"].size,) and answer.constants[-1] == 1.5


def test_a_model_that_is_missing_or_silent_is_the_users_to_mend(monkeypatch):
    monkeypatch.delenv(MODEL, raising=False)
    with pytest.raises(UserError, match=MODEL):
        external_vlm.load()
    monkeypatch.setenv(MODEL, "nobody:nothing")
    with pytest.raises(UserError, match="nobody:nothing"):
        external_vlm.load()
    with pytest.raises(UserError, match="no server"):
        ExternalVLM(Scripted(arguments=None), "some").answer(torch.rand(1, 3, 17, 64, 64))
