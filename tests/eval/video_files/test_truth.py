"""What a line of the truth says of a file: its phases, what may be said of them, and their constants."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.eval.video_files.made_up import BOUNCE, CIRCLE, FALL, FOCAL, circle_file, phase, true_file
from trajvlm.data.errors import UserError
from trajvlm.data.motions.equation import Equation
from trajvlm.data.rendered.stream import VALIDATION_SEED
from trajvlm.data.rendered.videos.shots import draw_shot
from trajvlm.data.rendered.videos.suites import find_video_suite
from trajvlm.data.rendered.videos.truth import truth_of
from trajvlm.eval.video_files.constants import OF_FAMILY, Law, View
from trajvlm.eval.video_files.truth import TrueFile, read_files


def drawn(suite, index, **changes):
    shot = draw_shot(replace(find_video_suite(suite), **changes), VALIDATION_SEED, index)
    return TrueFile(None, truth_of(shot))


def constants(law, window=(1.0, 3.0), zero=1.0):
    return {name: one.value for name, one in law.constants(window, zero).items()}


def test_a_circle_has_its_period_and_its_radius():
    assert constants(circle_file().main.law) == pytest.approx({"period": 1.0, "radius": 40.0}, rel=1e-6)


def test_lengths_are_told_at_the_scale_of_the_mean_depth():
    near = CIRCLE | {"equation": CIRCLE["equation"] | {"z": "200"}}
    law = Law.of(phase(near, 1.0, 3.0), FOCAL)
    # Where the lens magnifies by 1000 / 800.
    assert constants(law) == pytest.approx({"period": 1.0, "radius": 50.0}, rel=1e-6)


def test_a_length_along_the_line_of_sight_is_not_seen_but_told_in_space():
    toward = View(np.zeros(3), FOCAL).length(np.array([3.0, 0.0, 4.0]))
    assert (toward.value, toward.in_space) == pytest.approx((3.0, 5.0))


def test_aside_of_the_axis_depth_is_seen_as_much_as_the_lens_shows_it():
    place, step = np.array([300.0, -100.0, 50.0]), np.array([0.2, 0.1, 3.0])

    def seen(p):
        return p[:2] * FOCAL / (FOCAL - p[2])

    assert View(place, FOCAL).length(step).value == pytest.approx(
        np.linalg.norm(seen(place + step / 2) - seen(place - step / 2)), rel=1e-3
    )


@pytest.mark.parametrize("index", range(8))
def test_constants_are_those_of_the_equation(index):
    """By differences of the written equation, without its terms."""
    file = drawn("clean", index)
    [true] = file.phases
    law, (start, stop) = true.law, true.seen
    [told] = [p for p in file.line["movers"][0]["phases"] if p["family"]]
    equation = Equation.from_text(told["equation"])
    t = np.linspace(start, stop, 401)

    def positions(times):
        return equation.positions(times - told["t0_s"])

    assert np.abs(law.positions(t) - positions(t)).max() < 1e-3
    found = law.constants((start, stop), start)
    assert set(found) == set(OF_FAMILY[true.family])
    step = 1e-3
    velocity = (positions(t + step) - positions(t - step)) / (2 * step)
    scale = focal_of(file) / (focal_of(file) - positions(t)[:, 2].mean())
    if "period" in found and true.family != "helical":
        fading = np.exp(-law.inner.get("fading", 0.0) / law.lasts_s * found["period"].value)
        middle = law.vectors["1"]
        assert positions(t + found["period"].value) - middle == pytest.approx((positions(t) - middle) * fading, abs=0.1)
    if true.family == "linear":
        assert found["speed"].in_space == pytest.approx(np.linalg.norm(velocity[0]) * scale, rel=0.01)
    if true.family == "parabolic":
        bend = np.linalg.norm(positions(t + step) - 2 * positions(t) + positions(t - step), axis=1) / step**2
        assert found["acceleration"].in_space == pytest.approx(np.median(bend) * scale, rel=0.01)
    if true.family == "bouncing":
        bend = np.linalg.norm(positions(t + step) - 2 * positions(t) + positions(t - step), axis=1) / step**2
        assert found["acceleration"].in_space == pytest.approx(np.median(bend) * scale, rel=0.01)
        for hit in true.impacts_s:
            after, before = ((positions(np.array([hit + way, hit])) @ [0, 1, 0]) for way in (2e-3, -2e-3))
            assert after[0] > after[1] and before[0] > before[1]


def focal_of(file):
    return file.line["frame"]["focal_px"]


def test_an_amplitude_that_fades_is_told_for_the_answers_own_zero():
    file = next(found for found in (drawn("clean", k) for k in range(8)) if found.main.family == "damped")
    law, (start, stop) = file.main.law, file.main.seen
    early, late = (constants(law, (start, stop), zero) for zero in (start, start + 0.5))
    assert late["amplitude"] == pytest.approx(early["amplitude"] * np.exp(-0.5 * early["decay"]), rel=1e-9)


def test_a_throw_and_its_bounces_may_be_told_as_one_motion_or_as_two():
    file = true_file(
        phase(None, 0.0, 1.0),
        phase(FALL, 1.0, 1.5),
        phase(BOUNCE, 1.5, 2.25, clip=(0.5, 2.0), holds_s=[1.0, 2.25]),
        suite="phases",
    )
    fall, bounce = file.phases
    told = [[(s.family, s.start_s, s.stop_s) for s in one.stretches] for one in (fall, bounce)]
    whole = ("bouncing", 1.0, 2.25)
    assert told == [[("parabolic", 1.0, 1.5), whole], [("bouncing", 1.5, 2.25), whole]]
    assert bounce.impacts_s == (1.5, 2.0)
    assert constants(bounce.law, (1.5, 2.25)) == pytest.approx({"acceleration": 800.0, "restitution": 0.5}, rel=1e-6)
    assert constants(fall.law, (1.0, 1.5)) == pytest.approx({"acceleration": 800.0}, rel=1e-6)


def test_bounces_told_in_pieces_are_one_phase():
    pieces = [phase(BOUNCE, 1.5, 2.0, (0.5, 2.0), impacts_s=[1.5]), phase(BOUNCE, 2.0, 2.25, impacts_s=[2.0])]
    [bounce] = true_file(*pieces, suite="phases").phases
    assert bounce.seen == (1.5, 2.25) and bounce.impacts_s == (1.5, 2.0)


def test_what_shows_no_single_motion_has_no_phases():
    for shows in ("several", "irregular", "nothing"):
        assert circle_file(shows=shows).main is None


def test_the_path_leaves_out_repeated_frames_and_the_cameras_motion():
    still = circle_file().path_px
    count = len(still)
    camera = {"moves": "shakes", "x_px": [3.0] * count, "y_px": [-2.0] * count}
    moved = circle_file(camera=camera, repeated=[7]).path_px
    assert np.isnan(moved[7]).all()
    assert still[8] - moved[8] == pytest.approx([3.0, -2.0])


def test_files_are_read_suite_by_suite_and_so_many_of_each(tmp_path):
    for suite in ("clean", "phases"):
        (tmp_path / suite).mkdir()
        lines = [circle_file(suite=suite).line | {"file": f"{suite}-{k}.mp4"} for k in range(3)]
        (tmp_path / suite / "truth.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
        for one in lines:
            (tmp_path / suite / one["file"]).touch()
    assert [file.name for file in read_files(tmp_path, [], 1)] == ["clean-0.mp4", "phases-0.mp4"]
    assert len(read_files(tmp_path, ["phases"])) == 3
    (tmp_path / "phases" / "phases-2.mp4").unlink()
    with pytest.raises(UserError, match="phases-2.mp4 is not there, but its truth is"):
        read_files(tmp_path, ["phases"])
    assert len(read_files(tmp_path, ["phases"], 2)) == 2
    with pytest.raises(UserError, match="truth.jsonl can't be read"):
        read_files(tmp_path, ["half"])
    with pytest.raises(UserError, match="there is no folder"):
        read_files(tmp_path / "none", [])
