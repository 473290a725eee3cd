"""What a description says of itself, with no network asked."""

from dataclasses import replace

import numpy as np
import pytest

from tests.vlm import made_up
from trajvlm.data.errors import UserError
from trajvlm.data.motions.equation import Equation
from trajvlm.vlm.describe import Describer


def test_a_printed_description_is_short_and_says_what_was_found():
    text = repr(made_up.description("circular"))
    assert len(text) < 400 and "tensor" not in text
    assert "throw.mp4" in text and "circular, confidence 100%" in text and "x(t) = " in text


def test_json_holds_the_exact_expression_of_a_bounce_and_what_it_means():
    found = made_up.description("bouncing")
    told = found.to_dict()
    t = np.linspace(0, 1, 50)
    assert "max(0, " in told["refined"]["y"]
    assert np.allclose(Equation.from_text(told["refined"]).positions(t), found.best.positions(t), atol=1e-4)
    assert set(told["bounce"]) == {"height", "impacts_s", "restitution", "restitutions", "drift_per_s"}
    assert made_up.description("circular").to_dict()["bounce"] is None


def test_json_says_where_language_model_and_fit_disagree():
    found = made_up.description("bouncing")
    assert found.to_dict()["doubt"] is None
    other = replace(found.second_opinion, family="parabolic")
    assert "parabolic" in replace(found, second_opinion=other).to_dict()["doubt"]


def test_a_doubt_names_what_was_measured_where_the_stages_before_agree_on_another():
    found = made_up.description("oscillating")
    measured = replace(found, measurement=object(), probabilities=dict.fromkeys(found.probabilities, 0.1))
    assert measured.doubt is None and replace(measured, family="damped").doubt is None
    for other in (found.second_opinion, None):
        doubt = replace(measured, family="helical", second_opinion=other).doubt
        assert "oscillating" in doubt and "measured on the video's own pixels is helical" in doubt


@pytest.mark.parametrize("name", ["start", "end", "fps", "field_of_view"])
@pytest.mark.parametrize("wrong", ["a", [1.0], True])
def test_a_setting_that_is_no_number_is_one_sentence(name, wrong):
    with pytest.raises(UserError, match=f"{name} has to be a number"):
        Describer.__new__(Describer).describe("throw.mp4", **{name: wrong})


@pytest.mark.parametrize("wrong", [0, 180.0, float("nan"), None])
def test_a_field_of_view_that_is_none_is_one_sentence(wrong):
    with pytest.raises(UserError, match="field of view"):
        Describer.__new__(Describer).describe("throw.mp4", field_of_view=wrong)


def test_json_calls_the_tokenizer_what_it_is():
    name = made_up.description().to_dict()["tokenizer"]["name"]
    assert "place and size of one ball" in name and len(name) < 120
