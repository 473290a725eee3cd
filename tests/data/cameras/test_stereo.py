"""Two calibrated cameras: OpenCV's convention in, this project's axes out, and nonsense refused."""

import json

import numpy as np
import pytest

from trajvlm.data.cameras.camera import project
from trajvlm.data.cameras.stereo import CalibratedCamera, StereoPair
from trajvlm.data.clip import CANONICAL
from trajvlm.data.errors import UserError
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.rendered.nuisances import Nuisances
from trajvlm.data.rendered.scene import SceneSettings
from trajvlm.data.rendered.views import draw_views

CAMERA = {"focal_px": [800, 810], "centre_px": [320, 240], "distortion": [-0.2, 0.05, 0.001, -0.001, 0.0]}
# What OpenCV calls a right camera a tenth of a metre to the right of the left one.
SIDE_BY_SIDE = {"left": CAMERA, "right": CAMERA, "rotation": np.eye(3).tolist(), "translation": [-0.1, 0, 0]}


def test_a_point_ahead_of_the_left_camera_is_seen_further_left_by_the_right_one():
    pair = StereoPair.from_dict(SIDE_BY_SIDE)
    ahead = np.array([[0.0, 0.0, -2.0]])
    assert np.allclose(pair.rays(ahead, right=False), [[0, 0]])
    assert np.allclose(pair.rays(ahead, right=True), [[-0.05, 0]])
    above = pair.rays(np.array([[0.0, 0.5, -2.0]]), right=False)
    assert above[0, 1] < 0, "a picture's rows run downwards"


def test_points_come_back_from_where_both_cameras_see_them():
    turned = SIDE_BY_SIDE | {"rotation": [[0.8, 0, 0.6], [0, 1, 0], [-0.6, 0, 0.8]], "translation": [-1.5, 0.1, 0.4]}
    pair = StereoPair.from_dict(turned)
    points = np.random.default_rng(0).uniform([-1, -1, -5], [1, 1, -3], (20, 3))
    assert np.allclose(pair.triangulate(pair.rays(points, False), pair.rays(points, True)), points, atol=1e-9)


def test_distortion_is_taken_away_and_put_back():
    camera = StereoPair.from_dict(SIDE_BY_SIDE).left
    pixels = np.random.default_rng(1).uniform([60, 60], [580, 420], (30, 2))
    assert np.allclose(camera.pixels(camera.rays(pixels)), pixels, atol=0.01)
    plain = CalibratedCamera(camera.focal_px, camera.centre_px)
    assert np.abs(plain.rays(pixels) - camera.rays(pixels)).max() > 1e-3


def test_a_rig_of_rendered_views_sees_what_was_rendered():
    rig, scenes = draw_views(SceneSettings(exactly=Nuisances()), 5, 0, 2)
    pair = StereoPair.from_rig(rig, 64)
    family = FAMILIES[scenes[0].family]
    world = family.positions(scenes[0].path, CANONICAL.times) - [0, 0, rig.focal]
    for right, (camera, scene) in enumerate(zip((pair.left, pair.right), scenes)):
        uv = project(family.positions(scene.path, CANONICAL.times), scene.focal)
        rendered = np.column_stack([32 + 32 * uv[:, 0], 32 - 32 * uv[:, 1]])
        assert np.allclose(camera.pixels(pair.rays(world, bool(right))), rendered, atol=1e-9)


def test_what_is_written_can_be_read(tmp_path):
    pair = StereoPair.from_dict(SIDE_BY_SIDE | {"unit": "cm", "offset_s": 0.02})
    path = tmp_path / "rig.json"
    path.write_text(json.dumps(pair.to_dict()))
    again = StereoPair.load(path)
    assert again.left == pair.left and (again.unit, again.offset_s) == ("cm", 0.02)
    assert np.allclose(again.pose.translation, pair.pose.translation)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rotation": (2 * np.eye(3)).tolist()},
        {"rotation": np.diag([1.0, 1.0, -1.0]).tolist()},
        {"translation": [0, 0, 0]},
        {"translation": [float("nan"), 0, 0]},
        {"left": {"focal_px": [0, 800], "centre_px": [320, 240]}},
        {"left": {"focal_px": [800], "centre_px": [320, 240]}},
        {"right": {**CAMERA, "distortion": [0.1]}},
        {"right": None},
        {"offset_s": "late"},
        {"offset_s": float("inf")},
        {"translation": [-0.1, 0]},
        {"translation": [[-0.1, 0], [0]]},
        {"rotation": [[1, 0], [0, 1]]},
        {"rotation": None},
        {"unit": 1},
    ],
)
def test_a_file_that_is_no_calibration_is_refused_with_a_sentence(tmp_path, wrong):
    path = tmp_path / "rig.json"
    path.write_text(json.dumps(SIDE_BY_SIDE | wrong))
    with pytest.raises(UserError, match=r"rig.json does not describe two cameras") as raised:
        StereoPair.load(path)
    # The sentence is ours, and no library's.
    assert not any(
        word in str(raised.value) for word in ("matmul", "shape", "subscriptable", "inhomogeneous", "argument")
    )


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"ofset_s": 0.2}, "ofset_s"),
        ({"left": {**CAMERA, "distorsion": [0.1, 0, 0, 0]}}, "distorsion"),
        ({"Translation": [0, 0, 1]}, "Translation"),
    ],
)
def test_a_key_that_means_nothing_is_refused_by_its_name(tmp_path, wrong, key):
    path = tmp_path / "rig.json"
    path.write_text(json.dumps(SIDE_BY_SIDE | wrong))
    with pytest.raises(UserError, match=f"'{key}' in .* means nothing here"):
        StereoPair.load(path)


def test_opencvs_columns_and_rows_are_read_as_they_are():
    camera = {**CAMERA, "distortion": [CAMERA["distortion"]]}
    pair = StereoPair.from_dict(SIDE_BY_SIDE | {"left": camera, "translation": [[-0.1], [0], [0]]})
    assert pair.left == StereoPair.from_dict(SIDE_BY_SIDE).left and np.allclose(pair.pose.translation, [-0.1, 0, 0])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere.json can't be read"):
        StereoPair.load(tmp_path / "nowhere.json")
