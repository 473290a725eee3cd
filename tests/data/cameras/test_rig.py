"""Several cameras: what one of them sees is carried exactly into another's frame, and both see the same motion."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trajvlm.data.cameras.camera import CANONICAL_FOCAL, canonical, project
from trajvlm.data.cameras.rig import Pose, Rig
from trajvlm.data.errors import UserError
from trajvlm.data.motions.equation import Equation
from trajvlm.data.motions.families import FAMILIES
from trajvlm.data.motions.families.family import random_rotation
from trajvlm.data.rendered.backdrop import mean_colour
from trajvlm.data.rendered.scene import SceneSettings, draw_scene
from trajvlm.data.rendered.splits import scene_sha256
from trajvlm.data.rendered.views import draw_views, view

TIMES = np.linspace(0, 1, 17)
seeds = st.integers(0, 2**31)
names = st.sampled_from(sorted(FAMILIES))


def inverse(pose: Pose) -> Pose:
    """From the camera's frame back into the world."""
    return Pose(pose.rotation.T, -pose.rotation.T @ pose.translation)


def random_pose(seed: int) -> Pose:
    rng = np.random.default_rng(seed)
    return Pose(random_rotation(rng), rng.normal(size=3))


@settings(deadline=None)
@given(names, seeds)
def test_there_and_back_is_the_same(name, seed):
    family, pose = FAMILIES[name], random_pose(seed)
    constants = family.draw(np.random.default_rng(seed))
    points = family.positions(constants, TIMES)
    back = inverse(pose)
    assert np.allclose(back.to_camera(pose.to_camera(points)), points, atol=1e-9)
    assert np.allclose(back.to_camera(pose.to_camera(constants, family), family), constants, atol=1e-9)
    equation = back.to_camera(pose.to_camera(family.equation(constants)))
    assert np.allclose(equation.positions(TIMES), points, atol=1e-9)


@settings(deadline=None)
@given(names, seeds)
def test_points_constants_and_equations_are_carried_alike(name, seed):
    family, pose = FAMILIES[name], random_pose(seed)
    constants = family.draw(np.random.default_rng(seed))
    seen = pose.to_camera(family.positions(constants, TIMES))
    assert np.allclose(family.positions(pose.to_camera(constants, family), TIMES), seen, atol=1e-9)
    assert np.allclose(pose.to_camera(family.equation(constants)).positions(TIMES), seen, atol=1e-9)


def test_a_moved_equation_is_written_out():
    equation = Equation.from_text({"x": "t", "y": "t**2", "z": "1"})
    quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    assert equation.moved(quarter, np.array([0.0, 0.5, 2.0])).to_text() == {
        "x": "-1.0*t**2",
        "y": "1.0*t + 0.5",
        "z": "3.0",
    }


def triangulated(rig: Rig, pictures: list[np.ndarray]) -> np.ndarray:
    """World points (T, 3) that lie nearest to the rays through the image points (T, 2) of all cameras."""
    normal, right = 0.0, 0.0
    for pose, uv in zip(rig.poses, pictures):
        start = inverse(pose).to_camera(np.array([0.0, 0.0, rig.focal]))
        ray = np.column_stack([uv, np.full(len(uv), -rig.focal)]) @ pose.rotation
        ray /= np.linalg.norm(ray, axis=1, keepdims=True)
        across = np.eye(3) - ray[:, :, None] * ray[:, None, :]
        normal, right = normal + across, right + across @ start
    return np.linalg.solve(normal, right[..., None])[..., 0]


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 5000), st.integers(2, 3))
def test_the_motion_is_found_again_from_the_pictures(index, cameras):
    rig, scenes = draw_views(SceneSettings(), 9, index, cameras)
    family = FAMILIES[scenes[0].family]
    pictures = [project(family.positions(scene.constants, TIMES), CANONICAL_FOCAL) for scene in scenes]
    truth = family.positions(scenes[0].path, TIMES)
    assert np.abs(triangulated(rig, pictures) - truth).max() < 1e-6


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 5000))
def test_only_the_camera_differs_between_views(index):
    rig, (left, right) = draw_views(SceneSettings(), 9, index, 2)
    family, (here, there) = FAMILIES[left.family], rig.poses
    assert np.array_equal(here.rotation, np.eye(3)) and not here.translation.any()
    assert np.allclose(family.positions(right.path, TIMES), there.to_camera(family.positions(left.path, TIMES)))
    assert np.allclose(right.constants, canonical(family, right.path, rig.focal))
    # The unit of length is that at the path's mean depth, so it has to be the same depth for both.
    dense = np.linspace(0, 1, 65)
    assert abs(family.positions(right.path, dense)[:, 2].mean()) < 1e-6
    assert np.allclose(there.rotation.T @ right.light, left.light, atol=1e-6)
    for same in ("family", "focal", "radius", "nuisances", "ambient"):
        assert getattr(left, same) == getattr(right, same)
    assert left.nuisance_seed != right.nuisance_seed and left.backdrop_seed != right.backdrop_seed
    contrast = [np.abs(s.ball - mean_colour(s.backdrop_seed)).mean() for s in (left, right)]
    # Of 32 backdrops the one of the likest contrast; a ball of a strong colour seldom finds its like.
    assert abs(contrast[0] - contrast[1]) < 0.2


def test_a_camera_at_ninety_degrees_stands_on_the_right():
    (_, side) = Rig.ring((0.0, 90.0), 4.0, np.zeros(3)).poses
    assert np.allclose(inverse(side).to_camera(np.array([0.0, 0.0, 4.0])), [4, 0, 0])
    assert np.allclose(side.to_camera(np.array([0.0, 0.0, 1.0])), [-1, 0, 0])


def test_all_cameras_of_a_ring_see_its_centre_at_one_place():
    centre = np.array([0.2, -0.1, 0.3])
    for pose in Rig.ring((0.0, 40.0, 170.0, -65.0), 3.0, centre).poses:
        assert np.allclose(pose.to_camera(centre), centre)


def test_one_view_is_the_plain_scene_and_each_camera_has_its_own_noise():
    scenes = SceneSettings(strength=(0.5, 0.5))
    rig, (alone,) = draw_views(scenes, 4, 7, 1)
    plain = draw_scene(scenes, 4, 7)
    assert scene_sha256(alone) == scene_sha256(plain)
    pose = Rig.ring((30.0,), plain.focal, np.zeros(3)).poses[0]
    assert view(plain, pose, 1).nuisance_seed != view(plain, pose, 2).nuisance_seed


def test_views_are_the_same_each_time_and_keep_the_families_even():
    (first, a), (second, b) = (draw_views(SceneSettings(), 4, 11, 2) for _ in range(2))
    assert first.to_dict() == second.to_dict()
    assert [scene_sha256(s) for s in a] == [scene_sha256(s) for s in b]
    for index in range(30):
        expected = draw_scene(SceneSettings(), 4, index).family
        assert draw_views(SceneSettings(), 4, index, 2)[1][0].family == expected


def test_a_rig_is_read_back(tmp_path):
    rig = Rig.ring((0.0, 30.0), 2.5, np.array([0.1, 0.2, 0.0]))
    rig.save(tmp_path / "rig.json")
    assert Rig.load(tmp_path / "rig.json").to_dict() == rig.to_dict()


@pytest.mark.parametrize("text", ["", "[]", '{"focal": 2}', '{"focal": 2, "poses": [{"rotation": 1}]}', "{}"])
def test_a_file_that_is_no_rig_is_refused(tmp_path, text):
    (tmp_path / "rig.json").write_text(text)
    with pytest.raises(UserError, match="does not describe cameras"):
        Rig.load(tmp_path / "rig.json")
    with pytest.raises(UserError, match="can't be read"):
        Rig.load(tmp_path / "none.json")


def test_a_mirror_is_not_a_pose():
    with pytest.raises(ValueError, match="not a rotation"):
        Pose(np.diag([1.0, 1.0, -1.0]), np.zeros(3))
    with pytest.raises(ValueError, match="shift"):
        Pose(np.eye(2), np.zeros(3))
