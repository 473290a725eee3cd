"""Videos with a rest before and after the motion: their times are known, and a window is judged against them."""

import math
from types import SimpleNamespace

import pytest

from trajvlm.data.cameras.camera import project
from trajvlm.data.clip import Placement
from trajvlm.data.filmed.canonical import canonical_clip
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered.splits import find_split
from trajvlm.eval.windows import film, judged, overlap


@pytest.fixture(scope="module")
def scene():
    return next(scene for scene in find_split("test-clean").scenes() if scene.family == "parabolic")


def placement(start, end):
    return Placement(128, 128, 128, start, end - start, 256, 256)


def said(scene, start, end, script=True):
    """A description that says the truth about a scene whose motion lasts from `start` to `end`."""
    family = FAMILIES[scene.family]
    truth = SimpleNamespace(family=scene.family, equation=family.equation(scene.constants).with_time(0.0, end - start))
    window = placement(start, end)

    def pixels(equation, t):
        return window.to_pixels(project(equation.positions(t)))

    return SimpleNamespace(
        family=truth.family,
        best=truth.equation,
        without_networks=lambda: truth if script else None,
        clip=SimpleNamespace(placement=window),
        pixels=pixels,
    )


def test_the_object_rests_before_and_after_its_motion(scene, tmp_path):
    start, end = film(tmp_path / "video.mp4", scene, 3)
    found = canonical_clip(tmp_path / "video.mp4").placement
    assert 0.2 <= start <= 1.0 and end - start == pytest.approx(1.5)
    inside, covered = overlap(found, start, end)
    assert inside > 0.9 and covered > 0.9


def test_rests_differ_from_video_to_video_and_not_from_run_to_run(scene, tmp_path):
    starts = [film(tmp_path / "video.mp4", scene, index)[0] for index in (0, 1, 2, 0)]
    assert len(set(starts[:3])) > 1 and starts[0] == starts[3]


@pytest.mark.parametrize(
    ("window", "inside", "covered"),
    [((1, 2), 1, 1), ((1, 1.5), 1, 0.5), ((0, 2), 0.5, 1), ((0.5, 1.5), 0.5, 0.5), ((3, 4), 0, 0)],
)
def test_a_window_is_judged_by_what_it_holds_of_the_motion(window, inside, covered):
    assert overlap(placement(*window), 1.0, 2.0) == pytest.approx((inside, covered))


def test_the_truth_has_no_error_and_no_answer_an_infinite_one(scene):
    assert judged(said(scene, 0.5, 2.0), scene, 0.5, 2.0)["ours"] == (True, pytest.approx(0, abs=1e-12))
    assert judged(None, scene, 0.5, 2.0)["ours"] == (False, math.inf)
    assert judged(said(scene, 0.5, 2.0, script=False), scene, 0.5, 2.0)["script"] == (False, math.inf)


def test_an_answer_for_another_time_is_wrong(scene):
    late = judged(said(scene, 0.8, 2.3), scene, 0.5, 2.0)
    assert late["ours"][1] > 0.05
