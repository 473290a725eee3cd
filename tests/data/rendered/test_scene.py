"""The rendered world: families, cameras, pictures."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trajvlm.data.cameras.camera import CANONICAL_FOCAL, canonical, image_bounds, magnification, project
from trajvlm.data.clip import CANONICAL
from trajvlm.data.filmed.background import background
from trajvlm.data.filmed.background_subtraction import subtract_background
from trajvlm.data.motions.equation import Equation, T
from trajvlm.data.motions.families import FAMILIES, MOTIONS
from trajvlm.data.motions.families.family import random_rotation
from trajvlm.data.motions.terms import FLIGHTS, FUNCTIONS, flights
from trajvlm.data.rendered import layers
from trajvlm.data.rendered.nuisances import NAMES, Nuisances
from trajvlm.data.rendered.render import _ball, render, render_clean, track
from trajvlm.data.rendered.scene import SceneSettings, draw_scene

DENSE = np.linspace(0, 1, 65)
seeds = st.integers(0, 2**31)
names = st.sampled_from(sorted(MOTIONS))


@given(names, seeds)
def test_positions_equal_the_symbolic_equation(name, seed):
    family = MOTIONS[name]
    constants = family.draw(np.random.default_rng(seed))
    assert np.allclose(family.equation(constants).positions(DENSE), family.positions(constants, DENSE), atol=1e-9)


@given(names, seeds)
def test_any_numbers_written_with_two_decimals_read_as_the_path(name, seed):
    family = MOTIONS[name]
    constants = np.random.default_rng(seed).choice(np.arange(-200, 201) / 100, family.size)
    read = Equation.from_text(family.written(constants))
    assert np.allclose(read.positions(DENSE), family.positions(constants, DENSE), atol=1e-9)


@given(names, seeds)
def test_moving_the_constants_moves_the_path(name, seed):
    family, rng = MOTIONS[name], np.random.default_rng(seed)
    constants, rotation, shift = family.draw(rng), random_rotation(rng), rng.normal(size=3)
    moved = family.moved(constants, rotation, shift)
    assert np.allclose(family.positions(moved, DENSE), family.positions(constants, DENSE) @ rotation.T + shift)
    back = family.moved(family.moved(moved, 1.0, -shift), rotation.T)
    assert np.allclose(back, constants, atol=1e-9)


@given(names, seeds)
def test_the_canonical_camera_sees_the_same_picture(name, seed):
    scene = draw_scene(SceneSettings(families=(name,)), seed, 0)
    family = MOTIONS[name]
    true, rewritten = (family.positions(c, DENSE) for c in (scene.path, scene.constants))
    assert np.allclose(scene.constants, canonical(family, scene.path, scene.focal))
    assert np.allclose(project(true, scene.focal), project(rewritten, CANONICAL_FOCAL))
    assert np.allclose(magnification(true, scene.focal), magnification(rewritten, CANONICAL_FOCAL))


def test_circles_are_round_and_helices_climb_along_their_axis():
    rng = np.random.default_rng(0)
    for _ in range(50):
        c, a, b = FAMILIES["circular"].vectors(FAMILIES["circular"].draw(rng))
        assert np.isclose(a @ a, b @ b) and np.isclose(a @ b, 0)
        c, u, a, b = FAMILIES["helical"].vectors(FAMILIES["helical"].draw(rng))
        assert np.isclose(a @ a, b @ b) and np.allclose(np.cross(u, np.cross(a, b)), 0)


def test_a_bouncing_ball_loses_what_its_restitution_says_and_then_rests():
    hop = FUNCTIONS["hop"]
    t = np.linspace(0, 2, 200_001)
    height = hop.values(t, *np.array([[0.5], [0.2], [0.8]]))
    tops = height[1:-1][(height[1:-1] > height[:-2]) & (height[1:-1] >= height[2:])]
    # The first top lies before the clip; each is lower than the one before by the square of the restitution.
    assert np.allclose(tops, 0.8 ** (2 * np.arange(1, FLIGHTS)), atol=1e-6)
    start, end = flights(*np.array([0.5, 0.2, 0.8]))
    assert np.allclose(end[:-1], start[1:]) and np.isclose(end[0], 0.2) and height[t > end[-1]].max() == 0
    assert np.allclose(hop.symbolic(0.5, 0.2, 0.8).subs(T, 0.3), height[t == 0.3])


def test_spirals_shrink_or_grow_and_damped_swings_stay_on_their_line():
    rng = np.random.default_rng(0)
    for _ in range(50):
        family = MOTIONS["spiral"]
        constants = family.draw(rng)
        radius = np.linalg.norm(family.positions(constants, DENSE), axis=1)
        assert np.allclose(np.log(radius[-1] / radius[0]), -constants[-1])
        family = MOTIONS["damped"]
        constants = family.draw(rng)
        assert constants[-1] > 0 and np.linalg.matrix_rank(family.positions(constants, DENSE), tol=1e-9) == 1


def test_every_frame_shows_the_whole_ball():
    for index in range(300):
        scene = draw_scene(SceneSettings(), 5, index)
        low, high = image_bounds(MOTIONS[scene.family].positions(scene.path, DENSE), scene.focal, scene.radius)
        assert low.min() > -1 and high.max() < 1
        assert np.abs(scene.constants).max() <= 2


@settings(deadline=None, max_examples=25)
@given(names, seeds)
def test_the_ball_is_drawn_where_the_equation_puts_it(name, seed):
    settings = SceneSettings(families=(name,), focal=(8, 10), radius=(0.1, 0.15), exactly=Nuisances())
    scene = draw_scene(settings, seed, 0)
    truth = track([scene])
    coverage, _ = _ball(scene, CANONICAL)
    axis = (torch.arange(64) + 0.5) / 32 - 1
    mass = coverage.sum(dim=(1, 2))
    u, v = (coverage.sum(dim=1) * axis).sum(dim=1) / mass, -(coverage.sum(dim=2) * axis).sum(dim=1) / mass
    # The outline of a ball is an ellipse; its centre lies further out than the ball's own, by d^2 / (d^2 - r^2).
    depth = scene.focal - MOTIONS[name].positions(scene.path, CANONICAL.times)[:, 2]
    outward = torch.from_numpy(depth**2 / (depth**2 - scene.radius**2)).float()
    assert ((torch.stack([u, v], dim=-1) - truth.centre[0] * outward[:, None]).abs() * 32).max() < 0.1
    assert ((mass / torch.pi).sqrt() / 32 / truth.radius[0] - 1).abs().max() < 0.05


def test_the_same_seed_and_index_give_the_same_bytes_in_another_process():
    code = (
        "import hashlib; from trajvlm.data.rendered.scene import *; from trajvlm.data.rendered.render import render;"
        "s = [draw_scene(SceneSettings(), 7, k) for k in (3, 4)];"
        "print(hashlib.sha256(render(s).numpy().tobytes()).hexdigest())"
    )
    runs = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout for _ in range(2)}
    assert len(runs) == 1 and runs != {""}


def test_a_scene_is_drawn_the_same_whatever_else_is_in_the_batch():
    scenes = [draw_scene(SceneSettings(strength=(k % 2, k % 2)), 8, k) for k in range(4)]
    alone = [render([scene])[0] for scene in scenes]
    assert all(torch.equal(a, b) for a, b in zip(render(scenes), alone, strict=True))
    assert torch.equal(render_clean(scenes)[1:], render_clean(scenes[1:]))


@pytest.mark.parametrize("name", ["shadow", "distractors", "tether", "hand"])
def test_things_are_drawn_as_if_the_whole_picture_were_computed(name, monkeypatch):
    settings = SceneSettings(exactly=Nuisances(**{name: 0.7}), filmed=0.5)
    scenes = [draw_scene(settings, 6, k) for k in range(20)]
    drawn = render(scenes)
    monkeypatch.setattr(layers._Layers, "_window_around", lambda self, uv, reach: (layers._WHOLE, self.u, self.v))
    monkeypatch.setattr(layers.np, "count_nonzero", len)
    assert torch.allclose(drawn, render(scenes), atol=1e-4)


def test_strength_zero_has_no_nuisances():
    scene = draw_scene(SceneSettings(strength=(0, 0)), 0, 0)
    assert scene.nuisances == Nuisances()
    colours = render([scene])[0, :, :, 0, :2].flatten(1)
    assert (colours == colours[:, :1]).all()


@pytest.mark.parametrize("name", NAMES)
def test_each_nuisance_changes_the_picture_and_leaves_the_truth(name):
    plain, marred = (
        [draw_scene(SceneSettings(exactly=Nuisances(**{name: s})), 6, k) for k in range(6)] for s in (0.0, 1.0)
    )
    assert torch.equal(track(plain).centre, track(marred).centre)
    assert torch.equal(render_clean(plain), render_clean(marred))
    # Where and when a nuisance strikes is chance, so one clip may be spared.
    assert (render(plain) - render(marred)).abs().amax(dim=(1, 2, 3, 4)).median() > 0.02


def test_nuisances_are_drawn_up_to_their_level():
    for level in (0.0, 0.5):
        drawn = [Nuisances.draw(np.random.default_rng(k), level) for k in range(200)]
        strengths = np.array([[getattr(n, name) for name in NAMES] for n in drawn])
        assert strengths.min() == 0 and np.allclose(strengths.max(axis=0), level, atol=0.05)
    with pytest.raises(ValueError, match="between 0 and 1"):
        Nuisances(noise=1.5)


def test_crowded_scenes_have_all_nuisances_at_once():
    settings = SceneSettings(strength=(0.6, 0.6), crowded=0.5)
    drawn = [draw_scene(settings, 0, k).nuisances for k in range(60)]
    least = np.array([min(getattr(n, name) for name in NAMES) for n in drawn])
    greatest = max(getattr(n, name) for n in drawn for name in NAMES)
    assert 0.3 < (least >= 0.3).mean() < 0.7 and greatest <= 0.6
    with pytest.raises(ValueError, match="crowded"):
        SceneSettings(crowded=1.5)


def test_filmed_scenes_look_otherwise_and_move_the_same():
    plain, filmed = (
        [draw_scene(SceneSettings(strength=(0, 0.4), filmed=share), 9, k) for k in range(8)] for share in (0.0, 1.0)
    )
    assert not any(scene.filmed for scene in plain) and all(scene.filmed for scene in filmed)
    assert torch.equal(render_clean(plain), render_clean(filmed))
    assert (render(plain) - render(filmed)).abs().mean() > 0.05
    mixed = [draw_scene(SceneSettings(filmed=0.5), 9, k).filmed for k in range(60)]
    assert 20 < sum(mixed) < 40
    with pytest.raises(ValueError, match="filmed"):
        SceneSettings(filmed=-0.1)


def test_the_ball_of_a_filmed_scene_stands_out_from_its_room():
    for k in range(40):
        scene = draw_scene(SceneSettings(strength=(0, 0), filmed=1.0), 10, k)
        assert np.abs(scene.ball - scene.backdrop_mean).mean() > 0.1
        picture = render([scene])[0]
        assert (picture - picture.median(dim=1, keepdim=True).values).abs().amax() > 0.1


def test_unknown_families_and_strengths_are_refused():
    with pytest.raises(ValueError, match="unknown families"):
        SceneSettings(families=("zigzag",))
    with pytest.raises(ValueError, match="strengths"):
        SceneSettings(strength=(0.0, 2.0))


def test_the_background_is_the_temporal_median_and_is_taken_away():
    video = torch.rand(2, 3, 17, 8, 8)
    assert torch.equal(background(video)[:, :, 0], video[:, :, ::2].median(dim=2).values)
    still = torch.rand(2, 3, 1, 8, 8).expand(-1, -1, 17, -1, -1)
    assert subtract_background(still).abs().max() == 0
    scene = [draw_scene(SceneSettings(strength=(0.7, 0.7)), 0, k) for k in range(4)]
    brighter = render(scene) * 0.5 + 0.2
    assert torch.allclose(subtract_background(brighter), subtract_background(render(scene)), atol=1e-3)


def test_frames_of_a_canonical_picture():
    assert render([draw_scene(SceneSettings(), 0, 0)]).shape == (1, 3, CANONICAL.frames, CANONICAL.size, CANONICAL.size)
