"""What the intent router understands: measured on requests that it was not written on."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from trajvlm.agents.fuzzy_match import mended
from trajvlm.agents.intents import Call, plan
from trajvlm.agents.langchain_tools import arguments_of
from trajvlm.agents.local_model import requested, unserved
from trajvlm.agents.tools import TOOLS
from trajvlm.data.errors import UserError

HELD_OUT = Path(__file__).parent / "requests.jsonl"
WRITTEN_ON = Path(requested.__code__.co_filename).parent / "examples.jsonl"


def load(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def right(example):
    calls = requested(example["text"])
    wanted = [tuple(call) for call in example["calls"]]
    return [call.tool for call in calls] == [name for name, _ in wanted] and all(
        call.arguments == pytest.approx(arguments, rel=1e-3) if _numbers(arguments) else call.arguments == arguments
        for call, (_, arguments) in zip(calls, wanted)
    )


def _numbers(arguments):
    return all(isinstance(value, float | int) for value in arguments.values())


def rate(examples):
    return sum(map(right, examples)) / len(examples)


def test_held_out_requests():
    # Measured when the router was finished: 180 of 189 with every tool and argument right (95.2%), and 30 of 31 that no
    # tool serves declined (96.8%); all 31 since questions about spin are told apart, which one of these is. Both these
    # requests and those that the router was written on are by its author; three of these came up among the others too,
    # and are left out there. What is wrong here changed nothing.
    examples = load(HELD_OUT)
    served = [example for example in examples if example["calls"]]
    unserved = [example for example in examples if not example["calls"]]
    assert len(served) >= 150 and len(unserved) >= 30
    assert rate(served) >= 0.95
    assert rate(unserved) >= 0.93


def test_the_sets_share_no_request():
    known = {example["text"].lower() for example in load(WRITTEN_ON)}
    assert not [example for example in load(HELD_OUT) if example["text"].lower() in known]


def test_the_requests_it_was_written_on():
    assert rate(load(WRITTEN_ON)) >= 0.99


@pytest.mark.parametrize("path", [HELD_OUT, WRITTEN_ON], ids=lambda path: path.stem)
def test_every_expected_call_fits_the_tools(path):
    schemas = {function.__name__: arguments_of(function) for function in TOOLS}
    for example in load(path):
        for name, arguments in example["calls"]:
            try:
                schemas[name](**arguments)
            except ValidationError as error:
                pytest.fail(f"{example['text']}: {error}")


def test_a_follow_up_asks_the_same_tool():
    before = Call("position_at", {"t_s": 0.3, "clock": "clip"})
    assert plan("and at 0.8 s?", before) == [Call("position_at", {"t_s": 0.8, "clock": "clip"})]
    assert plan("what about 0.5?", before) == [Call("position_at", {"t_s": 0.5, "clock": "clip"})]
    assert plan("and at 0.8 s?") == [] and plan("thanks", before) == []


def test_a_new_video_is_described_before_it_is_asked_about():
    calls = requested("[new video: throw.mp4]\nhow fast is it?")
    assert calls == [Call("describe_video"), Call("quantity", {"name": "speed"})]
    assert requested("[new video: throw.mp4]") == [Call("describe_video")]


def test_slips_of_the_keyboard_are_mended_and_other_words_are_left_alone():
    assert requested("what is the velocty?") == [Call("quantity", {"name": "speed"})]
    assert requested("giv me the equaton") == [Call("equation", {"which": "measured"})]
    for sentence in ("what is the weight of the tablet", "a windy secondary station", "the right speech of the nation"):
        assert mended(sentence) == sentence


@pytest.mark.parametrize(
    "text, call",
    [
        ("what did the refinement change?", Call("refine")),
        ("How far apart are the raw and the refined curve?", Call("refine")),
        ("Please refine the equation.", Call("refine")),
        ("the equation before refinement", Call("equation", {"which": "raw"})),
        ("raw and refined equation", Call("equation", {"which": "both"})),
        ("does the curve fit? show it in the video", Call("draw_curve")),
    ],
)
def test_what_refinement_did_is_told_from_the_equations_themselves(text, call):
    assert requested(text) == [call]


@pytest.mark.parametrize(
    "text",
    [
        "What would track and fit say?",
        "compare it with a simple script",
        "does OpenCV agree?",
        "what do you get without any neural network?",
        "Check it against a classical tracker.",
    ],
)
def test_the_script_without_networks_is_asked_for_in_many_words(text):
    assert requested(text) == [Call("compare_with_track_and_fit")]


def g_of(length):
    return Call("quantity", {"name": "g", "pendulum_length_m": pytest.approx(length)})


@pytest.mark.parametrize(
    "text, calls",
    [
        ("the string is 1.7 m long, what is g?", [g_of(1.7)]),
        ("What is g? The pendulum is 62 cm long.", [g_of(0.62)]),
        ("the thread measures 0.5 m", [g_of(0.5)]),
        (
            "the bob is 3 cm wide and the string 62 cm long, what is g?",
            [Call("set_scale", {"object_diameter_m": pytest.approx(0.03)}), g_of(0.62)],
        ),
        ("a 1 m rod is 410 pixels long", [Call("set_scale", {"pixels_per_metre": 410.0})]),
    ],
)
def test_the_length_of_a_string_is_for_g_and_no_scale(text, calls):
    assert requested(text) == calls


@pytest.mark.parametrize(
    "text, arguments",
    [
        ("the video is in slow motion, 8 times", {"slow_motion": 8.0}),
        ("8x slow motion", {"slow_motion": 8.0}),
        ("the clip was slowed down by a factor of 4", {"slow_motion": 4.0}),
        ("it plays at 1/8 of the speed", {"slow_motion": 8.0}),
        ("it plays at a quarter of the real speed", {"slow_motion": 4.0}),
        ("it plays at 25 % of the real speed", {"slow_motion": 4.0}),
        ("the video plays in real time", {"slow_motion": 1.0}),
        ("it is four times slower than real", {"slow_motion": 4.0}),
        ("the video is 8x slow motion, shot at 240 fps", {"frames_per_second": 240.0}),
        ("it is not in slow motion", {"slow_motion": 1.0}),
        ("forget the frame rate", {"slow_motion": 1.0}),
    ],
)
def test_slow_motion_is_heard(text, arguments):
    assert requested(text) == [Call("describe_video", arguments)]


def test_slow_motion_without_a_number_is_asked_for_one():
    with pytest.raises(UserError, match="how many times slower"):
        requested("the video is in slow motion, what is g?")
    assert requested("where did it slow down?") != []


def test_the_scale_is_set_in_the_window_and_at_the_rate_that_were_chosen():
    calls = requested("it was filmed at 60 fps. look from 0.35 to 1.0 s. 1 m is 398.7 pixels. what is g?")
    assert [call.tool for call in calls] == ["describe_video", "choose_window", "set_scale", "quantity"]


@pytest.mark.parametrize(
    "text, call",
    [
        ("forget the scale", Call("set_scale", {"forget": True})),
        ("what was the launch angle?", Call("quantity", {"name": "launch_angle"})),
        ("at what angle was it thrown?", Call("quantity", {"name": "launch_angle"})),
        ("explain to my pupils why it is a parabola", Call("explain", {"topic": "family"})),
        ("why is it a circle?", Call("explain", {"topic": "family"})),
        ("what is the error bar of g?", Call("explain", {"topic": "error"})),
        ("how accurate is the period?", Call("explain", {"topic": "error"})),
    ],
)
def test_questions_about_the_answer_itself(text, call):
    assert requested(text) == [call]


@pytest.mark.parametrize("text", ["is the ball spinning?", "does it spin?", "how much spin does it have?"])
def test_spin_is_not_measured_and_that_is_said(text):
    assert requested(text) == [] and "not measured" in unserved(text)
    assert requested("how fast does it spin, in turns per second?") != []


@pytest.mark.parametrize("text", ["plot x against y", "plot the speed versus the height", "an x-y plot please"])
def test_a_plot_against_another_thing_than_time_is_refused_in_words(text):
    with pytest.raises(UserError, match="against time"):
        requested(text)
    assert requested("plot x against time") == [Call("plot", {"what": "position"})]
