"""An answer against the truth of its file: each measure on truths and answers written by hand."""

import json

import numpy as np
import pytest

from tests.eval.video_files.made_up import (
    BOUNCE,
    CIRCLE,
    FALL,
    answer,
    circle_file,
    phase,
    refusal,
    said,
    true_file,
)
from trajvlm.eval.video_files.answer import NO_REASON, Answer
from trajvlm.eval.video_files.measures import judge


def test_the_truth_is_right_and_has_no_error():
    given = {"period": {"value": 1.0, "sd": 0.01}, "radius": {"value": 40.0, "sd": 1.0}}
    row = judge(circle_file(), answer(constants=given))
    assert row["right"] and row["family_right"] and row["refused"] is None
    assert row["window_overlap"] == 1.0
    assert row["paths"]["measured"]["rms_px"] < 1e-4
    assert max(one["error"] for one in row["constants"].values()) < 1e-6


def test_another_family_is_wrong_whatever_its_window():
    row = judge(circle_file(), answer(family="helical"))
    assert not row["right"] and not row["family_right"] and row["window_overlap"] == 1.0


def test_errors_are_relative_and_in_standard_deviations():
    given = {"period": {"value": 1.1, "sd": 0.05}, "radius": {"value": 38.0, "sd": None}}
    found = judge(circle_file(), answer(constants=given))["constants"]
    assert found["period"]["error"] == pytest.approx(0.1) and found["period"]["in_sd"] == pytest.approx(2.0, rel=1e-5)
    assert found["radius"]["error"] == pytest.approx(0.05) and found["radius"]["in_sd"] is None


def test_the_answers_time_is_that_of_its_main_phase_where_it_has_phases():
    phases = [
        {"kind": "rest", "start_s": 0.0, "stop_s": 1.0, "main": False},
        {"kind": "motion", "start_s": 1.0, "stop_s": 3.0, "main": True},
    ]
    assert judge(circle_file(), answer(0.0, 4.0))["window_overlap"] == 0.5
    # The equation's time is still that of the answer's frame.
    later = {"x": "40*cos(6.2831853*(t - 0.75))", "y": "40*sin(6.2831853*(t - 0.75)) + 10", "z": "0"}
    row = judge(circle_file(), answer(0.25, 4.0, phases=phases, measured=later))
    assert row["window_overlap"] == 1.0 and row["paths"]["measured"]["rms_px"] < 1e-4


def test_a_spiral_that_is_told_to_decay_has_a_growth():
    spiral = answer(family="spiral", constants={"decay": {"value": 0.4, "sd": 0.1}})
    assert (
        spiral.constants["growth"].value == -0.4 and "growth" not in answer(constants={"decay": {"value": 1}}).constants
    )


def test_a_constant_that_is_missing_has_no_error_and_is_still_asked_for():
    found = judge(circle_file(), answer(constants={"speed": {"value": 3}}))["constants"]
    assert set(found) == {"period", "radius"} and all(one["error"] is None for one in found.values())


def test_an_answer_of_an_older_program_is_judged_by_what_it_has():
    old = said() | {"refined": CIRCLE["equation"]}
    del old["measured"], old["known"]
    row = judge(circle_file(), Answer.of({"answer": old}))
    assert row["right"] and row["phase_overlaps"] is None and row["paths"]["measured"] is None
    assert row["paths"]["refined"]["rms_px"] < 1e-4


@pytest.mark.parametrize("broken", [{"frame": None}, {"frame": {"focal_length": 4}}, {"measured": {"x": "import os"}}])
def test_what_means_nothing_is_not_given(broken):
    assert judge(circle_file(), answer(**broken))["paths"]["measured"] is None


def test_a_curve_that_is_off_is_off_by_pixels_radii_and_extents():
    shifted = CIRCLE["equation"] | {"x": "40*cos(6.2831853*t) + 4"}
    path = judge(circle_file(), answer(measured=shifted))["paths"]["measured"]
    assert path["rms_px"] == pytest.approx(4, rel=1e-4) and path["median_px"] == pytest.approx(4, rel=1e-4)
    assert path["of_radius"] == pytest.approx(0.5, rel=1e-4)
    assert path["of_extent"] == pytest.approx(4 / np.hypot(80, 80), rel=0.01)


def test_where_the_camera_moves_only_its_still_picture_may_lie_elsewhere():
    count = len(circle_file().times)
    camera = {"moves": "shakes", "x_px": np.sin(np.arange(count)).tolist(), "y_px": [1.0] * count}
    file = circle_file(camera=camera)
    mover = file.line["movers"][0]
    for axis in ("x_px", "y_px"):
        mover[axis] = (np.array(mover[axis]) + camera[axis]).tolist()
    shifted = CIRCLE["equation"] | {"x": "40*cos(6.2831853*t) + 4"}
    assert judge(file, answer(measured=shifted))["paths"]["measured"]["rms_px"] < 1e-4
    wider = CIRCLE["equation"] | {"x": "50*cos(6.2831853*t)"}
    assert judge(file, answer(measured=wider))["paths"]["measured"]["rms_px"] == pytest.approx(10 / 2**0.5, rel=0.02)


def test_a_refusal_of_a_motion_is_wrong_and_has_nothing():
    for one in (
        refusal("camera_moves"),
        answer(known=False, reason="camera_moves", constants={"period": {"value": 1}}),
    ):
        row = judge(circle_file(), one)
        assert not row["right"] and row["refused"] == "camera_moves" and row["window_overlap"] == 0
        assert row["paths"] == {"measured": None, "refined": None}
        assert all(constant["said"] is None for constant in row["constants"].values())
    assert judge(circle_file(), refusal())["refused"] == NO_REASON


@pytest.mark.parametrize("shows", ["several", "irregular", "nothing"])
def test_only_a_refusal_is_right_where_no_single_motion_is(shows):
    file = circle_file(suite="movers", shows=shows)
    assert judge(file, refusal("several_move"))["right"]
    assert not judge(file, answer())["right"]


def two_phases():
    return true_file(
        phase(FALL, 0.5, 1.0),
        phase(CIRCLE, 1.0, 3.0),
        phase(None, 3.0, 3.5),
        phase(FALL, 3.5, 4.0),
        suite="phases",
    )


def test_of_several_phases_the_one_that_is_meant_is_the_one_that_the_window_overlaps_most():
    row = judge(two_phases(), answer(3.5, 4.0, family="parabolic"))
    assert row["right"] and row["window_overlap"] == 1.0 and set(row["constants"]) == {"acceleration"}
    row = judge(two_phases(), answer(0.6, 2.4))
    assert row["right"] and row["window_overlap"] == pytest.approx(1.4 / 2.4)


def test_a_throw_that_is_told_as_the_first_flight_of_a_bounce_is_measured_as_a_bounce():
    file = true_file(phase(FALL, 1.0, 1.5), phase(BOUNCE, 1.5, 2.25, clip=(0.5, 2.0)), suite="phases")
    row = judge(file, answer(1.0, 2.25, family="bouncing"))
    assert row["right"] and row["window_overlap"] == 1.0 and set(row["constants"]) == {"acceleration", "restitution"}


def test_the_right_family_in_another_place_is_wrong():
    row = judge(two_phases(), answer(2.2, 3.4))
    assert row["family_right"] and row["window_overlap"] == pytest.approx(0.8 / 2.4) and not row["right"]
    # With one motion in the file, its family is enough.
    assert judge(circle_file(), answer(2.2, 3.4))["right"]


def test_each_true_phase_is_looked_for_among_the_answers_phases():
    phases = [
        {"kind": "motion", "start_s": 0.5, "stop_s": 1.0},
        {"kind": "rest", "start_s": 3.5, "stop_s": 4.0},
        {"kind": "motion", "start_s": 1.0, "stop_s": 2.0},
    ]
    row = judge(two_phases(), answer(phases=phases))
    assert row["phase_overlaps"] == pytest.approx([1.0, 0.5, 0.0])


def test_phases_that_are_hardly_seen_are_not_looked_for():
    file = true_file(phase(CIRCLE, 1.0, 3.0), phase(FALL, 3.0, 3.5, seen_s=[3.0, 3.2]), suite="phases")
    assert judge(file, answer(phases=[]))["phase_overlaps"] == [0.0]


@pytest.mark.parametrize("where", ["phases", "bounce"])
def test_impacts_are_off_by_parts_of_the_first_flight(where):
    file = true_file(phase(BOUNCE, 0.5, 2.25, clip=(0.5, 2.0), impacts_s=[]))
    told = {
        "phases": {"phases": [{"kind": "motion", "start_s": 0, "stop_s": 2, "main": True, "impacts_s": [1.52, 2.0]}]},
        # Older programs count from the answer's own zero.
        "bounce": {"bounce": {"impacts_s": [1.02, 1.5]}},
    }[where]
    row = judge(file, answer(0.5, 2.25, family="bouncing", **told))
    assert [one["true_s"] for one in row["impacts"]] == pytest.approx([1.5, 2.0, 2.25])
    assert [one["error"] for one in row["impacts"]] == pytest.approx([0.02, 0.0, 0.25], abs=1e-6)


def test_a_row_is_plain_json():
    for file in (circle_file(), two_phases(), circle_file(shows="several")):
        for one in (answer(), refusal()):
            assert json.loads(json.dumps(judge(file, one)))["file"] == "made-up.mp4"
