"""What the agent promises, with the router and with a scripted chat model in place of a language model."""

import json

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver

from tests.ui import fake
from tests.vlm import made_up
from trajvlm.agents.agent import MOST_CHARACTERS, MOST_TOOL_CALLS, Agent, Said, ToolEnded, ToolStarted
from trajvlm.agents.local_model import NAME
from trajvlm.agents.session import Session
from trajvlm.data.errors import UserError


class Scripted(GenericFakeChatModel):
    """Says what the script says, and keeps what it was shown."""

    seen: list = []
    disable_streaming: bool = True

    def bind_tools(self, tools, **kwargs):
        return self

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        self.seen.append(list(messages))
        return super()._generate(messages, stop, run_manager, **kwargs)


def calling(tool, call_id="1", /, **arguments):
    return AIMessage(content="", tool_calls=[{"name": tool, "args": arguments, "id": call_id}])


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return fake.write_video(tmp_path_factory.mktemp("video") / "throw.mp4")


@pytest.fixture()
def session(video, tmp_path):
    return Session(fake.FakeDescriber(family="parabolic"), tmp_path / "chat", [video])


def test_the_router_sets_the_scale_and_then_finds_g(session):
    steps = list(Agent(session).stream("what was g? the ball is 24 cm wide"))
    assert [type(step) for step in steps] == [ToolStarted, ToolEnded, ToolStarted, ToolEnded, Said]
    assert [step.name for step in steps[::2][:2]] == ["set_scale", "quantity"]
    assert steps[3].result.values["g [m/s²]"] == pytest.approx(3.0, rel=0.05)
    assert "g is 3" in steps[-1].text and all(step.seconds >= 0 for step in steps[1:4:2])


def test_the_router_says_what_it_is_and_what_it_can_not(session):
    answer = Agent(session).ask("What's the capital of France?")
    assert answer.model == NAME == "intent router (no language model)"
    assert answer.calls == () and "None of my tools" in answer.text and "describe the motion" in answer.text


def test_the_routers_answer_to_an_error_is_the_error(session):
    answer = Agent(session).ask("what is g")
    assert answer.calls[0].failed and "how wide the object is" in answer.text and not answer.text.startswith("Error")


def test_every_quantity_can_be_asked_in_a_chat_that_is_kept(session):
    agent = Agent(session)
    for question in ("how far did it fly?", "how long is the path?", "how high?", "how fast?", "launch angle?"):
        answer = agent.ask(question)
        assert answer.calls and not answer.calls[0].failed, question


def test_numbers_that_can_not_be_read_are_one_sentence_and_the_chat_goes_on(session):
    agent = Agent(session)
    answer = agent.ask("the ball is -6.7 cm wide, what was g?")
    assert answer.calls == () and "'-6.7 cm' can't be read" in answer.text
    assert "m/s²" in agent.ask("the ball is 24 cm wide, what was g?").text


def test_after_a_setting_that_was_refused_the_question_is_not_answered(session):
    answer = Agent(session).ask("it was filmed at 1e9 fps, how fast is it?")
    assert [call.name for call in answer.calls] == ["describe_video"] and answer.calls[0].failed
    assert "frame rate lies between" in answer.text and "speed" not in answer.text


def test_a_message_that_is_too_long_is_one_sentence(session):
    with pytest.raises(UserError, match="say it shorter"):
        Agent(session).ask("1" * (MOST_CHARACTERS + 1))


def test_memory_across_turns(session):
    agent = Agent(session)
    agent.ask("where is it at 0.3 s?")
    assert agent.ask("and at 0.8 s?").calls[0].result.values["t_s"] == 0.8
    agent.ask("the ball is 24 cm wide")
    assert "m/s" in agent.ask("how fast is it at 0.5 s?").text


def test_a_scripted_model_is_shown_earlier_turns_of_its_own_thread_only(session):
    memory = InMemorySaver()
    one = Scripted(messages=iter(["hello Ada", "you are Ada"]), seen=[])
    other = Scripted(messages=iter(["who knows"]), seen=[])
    first = Agent(session, one, memory, "a")
    first.ask("I am Ada")
    assert first.ask("who am I?").text == "you are Ada"
    Agent(session, other, memory, "b").ask("who am I?")
    assert any("I am Ada" in str(message.content) for message in one.seen[-1])
    assert not any("I am Ada" in str(message.content) for message in other.seen[-1])


def test_a_model_that_only_calls_tools_is_stopped(session):
    endless = (calling("quantity", str(k), name="speed") for k in range(1000))
    agent = Agent(session, Scripted(messages=endless))
    ended = []
    with pytest.raises(UserError, match="did not come to an answer"):
        ended += [step for step in agent.stream("how fast?") if isinstance(step, ToolEnded)]
    model = Scripted(messages=iter([*(calling("quantity", str(k), name="speed") for k in range(12)), "3 u/s"]))
    answer = Agent(session, model).ask("how fast?")
    assert answer.text == "3 u/s"
    assert sum(not call.failed for call in answer.calls) == MOST_TOOL_CALLS


def test_errors_reach_the_model_as_sentences_it_can_act_on(session):
    script = [
        calling("quantity", "1", name="g"),
        calling("quantity", "2", name="colour"),
        calling("open_file", "3", path="/etc/passwd"),
        calling("set_scale", "4", object_diameter_m=0.24),
        calling("quantity", "5", name="g"),
        "g is 3 m/s²",
    ]
    model = Scripted(messages=iter(script), seen=[])
    answer = Agent(session, model).ask("what is g?")
    told = [message for message in model.seen[-1] if isinstance(message, ToolMessage)]
    assert [message.status for message in told] == ["error", "error", "error", "success", "success"]
    assert "needs a scale" in told[0].content and "do not fit" in told[1].content
    assert "not a valid tool" in told[2].content and answer.text == "g is 3 m/s²"


def test_the_model_reads_values_too(session):
    model = Scripted(messages=iter([calling("describe_video"), "a throw"]), seen=[])
    Agent(session, model).ask("what is it?")
    assert '"refined": {"x"' in model.seen[-1][-1].content


def test_the_model_gets_of_a_description_what_it_can_use(session):
    session.remember(made_up.description("bouncing"))
    model = Scripted(messages=iter([calling("describe_video"), "a bounce"]), seen=[])
    Agent(session, model).ask("what is it?")
    told = model.seen[-1][-1].content
    text, values = told.rsplit("\n", 1)
    values = json.loads(values)
    assert {"family", "probabilities", "refined", "bounce", "frame", "notes"} <= set(values)
    for useless in ("visual_tokens", "49152", "sha256", "a" * 64, "timings_s", "model_text", "clip_to_pixels"):
        assert useless not in told
    assert len(told) < 4000
    # The answer first, and what it rests on behind it.
    assert text.startswith("The motion is bouncing") and text.index("restitution") < text.index("can't tell")


def test_the_routers_answer_comes_before_its_caveats(session):
    answer = Agent(session).ask("what motion is it?")
    first, rest = answer.text.split("\n\n")
    assert first.startswith("The motion is parabolic") and len(first) < 200
    assert "can't tell how large" not in first and "can't tell how large" in rest and "Note: " in rest
    assert answer.calls[0].result.caveats == rest


def test_text_is_streamed_as_it_comes(session):
    agent = Agent(session, GenericFakeChatModel(messages=iter(["one two three"])))
    agent_bindable = GenericFakeChatModel.bind_tools
    GenericFakeChatModel.bind_tools = lambda self, tools, **kwargs: self
    try:
        steps = list(agent.stream("count"))
    finally:
        GenericFakeChatModel.bind_tools = agent_bindable
    assert len(steps) > 2 and "".join(step.text for step in steps) == "one two three"


def test_a_model_that_fails_is_one_sentence_and_a_tool_that_breaks_is_not_blamed_on_it(session, monkeypatch):
    with pytest.raises(UserError, match="could not answer .*out of words"):
        Agent(session, Scripted(messages=_failing())).ask("hello")
    monkeypatch.setattr(session.describer, "describe", lambda *a, **k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Agent(session, Scripted(messages=iter([calling("describe_video")]))).ask("what is it?")


def _failing():
    raise ConnectionError("out of words")
    yield


@pytest.mark.parametrize("name", ["nobody:nothing", "nothing"])
def test_a_model_that_can_not_be_used_is_one_sentence(session, name):
    with pytest.raises(UserError, match="can't be used"):
        Agent(session, name)
