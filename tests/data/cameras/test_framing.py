"""Every frame of a drawn scene shows the whole object: by the exact outline of a sphere, not by an estimate of it."""

from dataclasses import replace

import numpy as np
import pytest

from trajvlm.data.errors import UserError
from trajvlm.data.motions.families import FAMILIES, MOTIONS
from trajvlm.data.rendered.scene import Scene, SceneSettings, draw_scene
from trajvlm.data.rendered.views import draw_views

# The 17 frames are among them, and the shutter is open between these.
TIMES = np.linspace(0, 1, 65)


def reach(scenes: list[Scene]) -> np.ndarray:
    """(N,) how far from the middle of the picture the outline of each scene's ball comes, in half widths.

    A sphere (x, y, d) before the camera, of radius r, is seen between the directions whose slopes u / f are
    (x d +- r sqrt(x^2 + d^2 - r^2)) / (d^2 - r^2): the tangents to its section by the plane of x and the optical axis.
    """
    far = np.zeros(len(scenes))
    for name, family in FAMILIES.items():
        chosen = [k for k, scene in enumerate(scenes) if scene.family == name]
        if not chosen:
            continue
        positions = family.positions(np.stack([scenes[k].path for k in chosen]), TIMES)
        focal, radius = (np.array([[getattr(scenes[k], a)] for k in chosen]) for a in ("focal", "radius"))
        depth = focal - positions[..., 2]
        assert (depth > radius).all(), "the ball touches the camera"
        for sideways in (positions[..., 0], positions[..., 1]):
            tangent = np.abs(sideways) * depth + radius * np.sqrt(sideways**2 + depth**2 - radius**2)
            far[chosen] = np.maximum(far[chosen], (focal * tangent / (depth**2 - radius**2)).max(axis=1))
    return far


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_every_frame_shows_the_whole_ball(count):
    scenes = [draw_scene(SceneSettings(), 5, index) for index in range(count)]
    outside = np.flatnonzero(reach(scenes) >= 1)
    assert len(outside) == 0, f"scenes {outside[:10]} of stream 5 leave the picture"


@pytest.mark.parametrize("count", [100, pytest.param(2000, marks=pytest.mark.slow)])
def test_every_frame_of_both_views_shows_the_whole_ball(count):
    scenes = [scene for index in range(count) for scene in draw_views(SceneSettings(), 5, index, 2)[1]]
    outside = np.flatnonzero(reach(scenes) >= 1)
    assert len(outside) == 0, f"views {outside[:10]} of stream 5 leave the picture"


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_the_check_sees_a_ball_that_is_cut_off(name):
    scene = draw_scene(SceneSettings(families=(name,)), 5, 0)
    aside = FAMILIES[name].moved(scene.path, 1.0, [1.0 - scene.path[0], 0.0, 0.0])
    assert reach([scene])[0] < 1 <= reach([Scene(**{**vars(scene), "path": aside})])[0]


def test_a_family_that_can_not_be_framed_is_refused_with_the_reason(monkeypatch):
    def draw(rng):
        drawn = FAMILIES["damped"].draw(rng)
        drawn[-1] = 4.0
        return drawn

    monkeypatch.setitem(MOTIONS, "damped", replace(FAMILIES["damped"], draw=draw))
    with pytest.raises(UserError, match=r"No damped path .* 200 tries: .*fading is beyond 1\.99, the largest number"):
        draw_scene(SceneSettings(families=("damped",)), 0, 0)
    monkeypatch.setitem(MOTIONS, "damped", replace(FAMILIES["damped"], visible=lambda path: False))
    with pytest.raises(UserError, match="its own `visible` refuses the framed path"):
        draw_scene(SceneSettings(families=("damped",)), 0, 0)
