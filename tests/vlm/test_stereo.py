"""Two views of one motion give its true equation in space, and views that do not belong together are refused."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from tests.vlm.made_up import description
from trajvlm.data.cameras.stereo import StereoPair
from trajvlm.data.clip import CANONICAL, Picture
from trajvlm.data.errors import UserError
from trajvlm.data.fit import CENTRE_ERROR, probabilities
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered.export import to_frames, write_video
from trajvlm.data.rendered.nuisances import Nuisances
from trajvlm.data.rendered.render import render
from trajvlm.data.rendered.scene import SceneSettings
from trajvlm.data.rendered.views import draw_views
from trajvlm.vlm.calibration import Calibration
from trajvlm.vlm.describe import Describer
from trajvlm.vlm.stereo import View, check_views, describe_pair, fit_views, pair_tracks

TIMES = CANONICAL.times


def seen(name: str, noise: float = 0.0):
    """Two exact tracks, the pair that sees them, and the true path (17, 3)."""
    rig, scenes = draw_views(SceneSettings(families=(name,), exactly=Nuisances()), 11, 0, 2)
    pair = StereoPair.from_rig(rig, 64)
    truth = FAMILIES[name].positions(scenes[0].path, TIMES) - [0, 0, rig.focal]
    error = CENTRE_ERROR / rig.focal
    rng = np.random.default_rng(0)
    views = [View(TIMES, pair.rays(truth, right) + noise * error * rng.normal(size=(17, 2)), error) for right in (0, 1)]
    return views, pair, truth


@pytest.mark.parametrize("name", FAMILIES)
def test_exact_tracks_give_the_true_path(name):
    views, pair, truth = seen(name)
    fits = fit_views(views, pair)
    assert np.allclose(FAMILIES[name].positions(fits[name].constants, TIMES), truth, atol=1e-4)


@pytest.mark.parametrize("name", FAMILIES)
def test_tracks_with_errors_still_name_the_family(name):
    views, pair, truth = seen(name, noise=1.0)
    chances = probabilities(fit_views(views, pair), Calibration().joint_criterion)
    assert max(chances, key=chances.get) == name


def as_exchanged(views, pair):
    """The left view taken for the right one, and the other way round."""
    left, right = views
    return [
        replace(right, rays=pair.left.rays(pair.right.pixels(right.rays))),
        replace(left, rays=pair.right.rays(pair.left.pixels(left.rays))),
    ]


def test_each_frame_of_a_view_counts_at_its_own_time_and_a_repeated_one_not_at_all():
    _, pair, _ = seen("linear")
    found = description("linear")
    late, repeated = TIMES + np.where(TIMES > 0, 0.01, 0.0), np.arange(17) == 5
    found = replace(found, clip=replace(found.clip, times=late, repeated=repeated))
    assert np.allclose(pair_tracks(found, found, pair)[0].t, late[~repeated])


def test_views_of_different_times_are_refused():
    (left, right), pair, _ = seen("helical")
    with pytest.raises(UserError, match="at the same time"):
        fit_views([left, replace(right, t=right.t + 2)], pair)


def test_exchanged_views_are_refused():
    camera = {"focal_px": [500, 500], "centre_px": [320, 240]}
    plain = {"left": camera, "right": camera, "rotation": np.eye(3).tolist(), "translation": [-0.5, 0, 0]}
    pair = StereoPair.from_dict(plain)
    truth = np.column_stack([TIMES - 0.5, TIMES * (1 - TIMES), np.full(17, -3.0)])
    views = [View(TIMES, pair.rays(truth, right), 0.002) for right in (False, True)]
    fit_views(views, pair)
    with pytest.raises(UserError, match="which video is the left one"):
        fit_views(views[::-1], pair)


def objected(views, pair, exchanged=None):
    """What is objected to views of a clip of two seconds."""
    return check_views(views, pair, fit_views(views, pair), 2.0, exchanged or views[::-1])


def test_views_of_two_motions_are_refused():
    (left, _), pair, _ = seen("helical")
    (_, other), _, _ = seen("parabolic")
    with pytest.raises(UserError, match="no one motion is seen by both"):
        objected([left, other], pair)


@pytest.mark.parametrize("name", ["linear", "circular", "bouncing"])
def test_views_that_belong_together_are_not_objected_to(name):
    views, pair, _ = seen(name, noise=1.0)
    assert objected(views, pair, as_exchanged(views, pair)) == ()


@pytest.mark.parametrize(("name", "late"), [("linear", -0.03), ("parabolic", 0.1), ("oscillating", 0.03)])
def test_a_wrong_offset_is_said_with_the_right_one(name, late):
    (left, right), pair, _ = seen(name, noise=0.1)
    try:
        [said] = objected([left, replace(right, t=right.t + late)], pair)
    except UserError as error:
        said = str(error)
    offset = float(re.search(r"offset_s of (-?[\d.]+)", said)[1])
    assert offset == pytest.approx(2.0 * late, abs=0.02)


@pytest.mark.parametrize("name", ["parabolic", "circular"])
def test_exchanged_videos_are_refused_where_their_lines_of_sight_meet_too(name):
    views, pair, _ = seen(name, noise=0.1)
    with pytest.raises(UserError, match="exchanged|do not meet"):
        objected(as_exchanged(views, pair), pair, views)


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    """Two rendered videos, their calibration, and the true path at clip times."""
    folder = tmp_path_factory.mktemp("pair")
    settings = SceneSettings(families=("helical",), strength=(0.2, 0.4), radius=(0.09, 0.15), focal=(2.5, 4.0))
    rig, scenes = draw_views(settings, 77, 3, 2)
    for name, scene in zip(("left", "right"), scenes):
        write_video(folder / f"{name}.mp4", to_frames(render([scene], Picture(frames=49, size=256))[0]), 30)
    (folder / "rig.json").write_text(json.dumps(StereoPair.from_rig(rig, 256).to_dict()))

    def truth(seconds):
        return FAMILIES["helical"].positions(scenes[0].path, seconds / (48 / 30)) - [0, 0, rig.focal]

    return folder, truth


def test_the_same_video_twice_is_refused_before_anything_is_looked_at(filmed):
    folder, _ = filmed
    shutil.copy(folder / "left.mp4", folder / "copy.mp4")
    with pytest.raises(UserError, match="are the same video"):
        describe_pair(None, folder / "left.mp4", folder / "copy.mp4", StereoPair.load(folder / "rig.json"))


@pytest.mark.slow
def test_two_videos_give_depth_in_the_cameras_unit(filmed):
    folder, truth = filmed
    pair = StereoPair.load(folder / "rig.json")
    found = describe_pair(Describer(), folder / "left.mp4", folder / "right.mp4", pair)
    assert found.family == "helical" and found.to_dict()["frame"]["scale_known"]
    place = found.left.clip.placement
    t = np.linspace(0, place.duration_s, 30)
    true = truth(place.t0_s + t)
    # Depth from the camera too, which one view can't tell: within a twentieth of the path's extent.
    assert np.abs(found.equation.positions(t) - true).mean() < 0.05 * np.ptp(true, axis=0).max()
    # The curve is drawn where the ball is, in both videos: 256 pixels wide.
    assert max(found.reprojection_px) < 4
    assert found.notes == () and found.to_dict()["notes"] == []
