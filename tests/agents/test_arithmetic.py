"""What arithmetic that anybody may write promises: a value or a sentence, at once, wherever it is asked."""

import asyncio
import signal

import pytest
from fastmcp import Client
from hypothesis import given
from hypothesis import strategies as st

from tests.ui import fake
from trajvlm.agents.agent import MOST_CHARACTERS, Agent
from trajvlm.agents.arithmetic import evaluate_text
from trajvlm.agents.local_model import requested
from trajvlm.agents.mcp_server import build
from trajvlm.agents.session import Session
from trajvlm.data.errors import UserError
from trajvlm.data.motions.equation import evaluate, parse

LONGEST_S = 5
HOSTILE = {
    "tower of functions": "sin(exp(exp(20)))",
    "tower of powers": "9**9**9**9",
    "tower of float powers": "((9.0**9)**9)**9",
    "huge exponent": "2**999999999",
    "factorial": "factorial(10**9)",
    "factorial sign": "3*100000!",
    "deep brackets": "(" * 190 + "1" + ")" * 9,
    "deep functions": "exp(" * 39 + "1" + ")" * 39,
    "deep signs": "-" * 190 + "1",
    "huge sum": "sum(range(10**12))",
    "repeated list": "[1]*10**10",
    "repeated text": "'a'*10**10",
    "name": "open('/etc/passwd')",
    "attribute": "t.__class__",
    "lambda": "(lambda: 1)()",
    "comprehension": "[t for t in range(10**12)]",
    "digits": "9" * 10_000,
    "many digits": "1+" + "9" * 150,
    "beyond floats": "1e308*10",
    "products": "99999999*" * 18 + "99999999*1e300",
    "shift": "1<<10**10",
    "complex": "(-8)**(1/3)",
    "nothing": "",
}


@pytest.fixture(autouse=True)
def limit():
    """Ends a test that would go on for ever."""

    def stop(*_):
        raise TimeoutError(f"more than {LONGEST_S} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_S)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_expressions_are_refused_in_a_sentence_at_once(text):
    with pytest.raises(UserError):
        evaluate_text(text, 2.0)


def test_what_python_finds_odd_is_refused_without_a_word_of_its_own(recwarn):
    with pytest.raises(UserError):
        evaluate_text("1or 2")
    assert not recwarn.list


@pytest.mark.parametrize(
    "text, value",
    [
        ("2*pi/1.3", 4.83321946706122),
        ("9.81*t**2/2", 19.62),
        ("-2**2 + +3", -1.0),
        ("sqrt(2)*sin(1) - exp(-t)", 1.0546846),
        ("2**0.5", 1.41421356),
        ("1e-3/4", 0.00025),
        ("1+" * 99 + "1", 100.0),
        ("(" * 80 + "t" + ")" * 80, 2.0),
    ],
)
def test_plain_expressions_have_their_value(text, value):
    assert evaluate_text(text, 2.0) == pytest.approx(value) and type(evaluate_text(text, 2.0)) is float


@given(st.text(alphabet="0123456789.t+-*/() episncoxqr,!^'", max_size=60))
def test_any_text_is_a_number_or_a_sentence(text):
    try:
        assert abs(evaluate_text(text, 0.3)) < float("inf")
    except UserError as error:
        assert str(error)


@pytest.mark.parametrize(
    "text", ["sin(exp(exp(20)))", "exp(" * 50 + "1" + ")" * 50, "cos(" + "9" * 1500 + ")*t", "1/0*t"]
)
def test_an_equation_holds_no_function_of_a_number_that_is_worked_out_exactly(text):
    with pytest.raises(ValueError):
        evaluate(parse(text), 0.5)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return fake.write_video(tmp_path_factory.mktemp("video") / "throw.mp4")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_the_chat_answers_at_once_whatever_is_to_be_worked_out(video, tmp_path, text):
    agent = Agent(Session(fake.FakeDescriber(), tmp_path, [video]))
    question = f"what is {text}?"
    if len(question) > MOST_CHARACTERS:
        with pytest.raises(UserError, match="say it shorter"):
            agent.ask(question)
    else:
        answer = agent.ask(question)
        assert answer.text and all(call.failed for call in answer.calls if call.name == "evaluate")


@pytest.mark.parametrize("text", [HOSTILE["tower of functions"], HOSTILE["tower of powers"], HOSTILE["digits"]])
def test_an_mcp_client_is_answered_at_once(video, tmp_path, text):
    async def asked():
        async with Client(build(Session(fake.FakeDescriber(), tmp_path), video.parent)) as client:
            return await client.call_tool("evaluate", {"expression": text}, raise_on_error=False)

    assert asyncio.run(asked()).is_error


@pytest.mark.parametrize(
    "piece", ["1 m ", "distance of ", "velocty ", "first ", "sin(", "1/", "1.", "how long turn ", "x"]
)
def test_the_longest_message_is_read_soon_whatever_it_repeats(piece):
    text = (piece * MOST_CHARACTERS)[:MOST_CHARACTERS]
    try:
        requested(text)
    except UserError as error:
        assert str(error)


@pytest.mark.parametrize(
    "text, expression",
    [
        ("what is tan(1) + 2?", "tan(1) + 2"),
        ("what is 3 * 100000!", "3 * 100000!"),
        ("compute 2+3, please", "2+3"),
        ("what is factorial(10**9)?", "factorial(10**9)"),
    ],
)
def test_arithmetic_is_read_with_all_that_it_touches(text, expression):
    (call,) = requested(text)
    assert call.arguments == {"expression": expression}
