"""The wider world is drawn where it is said to be, and its moving layer holds what moves and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from trajvlm.data.clip import CANONICAL
from trajvlm.data.rendered.nuisances import Nuisances
from trajvlm.data.rendered.paths import NEVER_TRAINED, TIMES, TRAINED, draw_path
from trajvlm.data.rendered.shapes import DRAWN, ONLY_TESTED, REACH, Shape, draw_shape, polygon_distance, rectangle
from trajvlm.data.rendered.world import Arm, Mover, Rod, World, WorldSettings, _held, draw_world, framed
from trajvlm.data.rendered.world_render import _without_long_gaps, draw
from trajvlm.data.rendered.world_stream import draw_worlds

PX = 2 / 64


def mover(shape: Shape, path: np.ndarray | None = None, turn: float = 0.0, **changes) -> Mover:
    """A white thing that crosses the picture, apparent radius 0.2, unless said otherwise."""
    if path is None:
        path = np.stack([-0.6 + 1.2 * TIMES, 0.1 + 0 * TIMES, 0.2 + 0 * TIMES], axis=-1)
    even = np.ones((64, 64), np.float32)
    made = Mover("linear", shape, path, np.full(513, turn), np.ones(3), even, light=None, ambient=1.0)
    return replace(made, **changes)


def world(*movers: Mover, **changes) -> World:
    """A world without nuisances, unless said otherwise."""
    made = World(movers, (), (), (), Nuisances(), backdrop_seed=3, filmed=False, nuisance_seed=4)
    return replace(made, **changes)


def coverage(*movers: Mover, **changes) -> torch.Tensor:
    """(17, 64, 64), in double precision."""
    return draw(world(*movers, **changes))[1][0].double()


def moments(layer: torch.Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each frame of a coverage (T, H, W): area in pixels, centre (T, 2) and second moments (T, 2), half widths."""
    axis = (torch.arange(64).double() + 0.5) * PX - 1
    area = layer.sum((1, 2))
    u, v = (layer.sum(1) * axis).sum(1) / area, -(layer.sum(2) * axis).sum(1) / area
    spread = torch.stack(
        [
            (layer.sum(1) * (axis - u[:, None]) ** 2).sum(1) / area,
            (layer.sum(2) * (axis + v[:, None]) ** 2).sum(1) / area,
        ],
        dim=-1,
    )
    return area.numpy(), torch.stack([u, v], dim=-1).numpy(), spread.numpy()


@pytest.mark.parametrize("name, area", [("ball", np.pi * 0.2**2), ("bar", None), ("triangle", None)])
def test_a_thing_covers_what_its_outline_says_where_its_path_says(name, area):
    if name == "ball":
        shape = draw_shape("ball", np.random.default_rng(0))
        middle = np.zeros(2)
    else:
        corners = rectangle(0.3) if name == "bar" else np.array([[0.9, -0.4], [0.0, 0.8], [-0.8, -0.5]])
        shape = Shape(name, polygon_distance(corners).astype(np.float32))
        x, y = corners.T
        cross = x * np.roll(y, -1) - np.roll(x, -1) * y
        area = 0.2**2 * abs(cross.sum()) / 2
        middle = 0.2 * np.array([((c + np.roll(c, -1)) * cross).sum() / (3 * cross.sum()) for c in (x, y)])
    found, centre, _ = moments(coverage(mover(shape)))
    path = mover(shape).at(CANONICAL.times)[:, :2]
    assert found == pytest.approx(area / PX**2, rel=0.02)
    assert np.abs(centre - (path + middle)).max() < 0.05 * PX


def test_a_turned_bar_lies_as_it_is_turned():
    bar = Shape("bar", polygon_distance(rectangle(0.25)).astype(np.float32))
    level, upright = (moments(coverage(mover(bar, turn=turn)))[2] for turn in (0.0, np.pi / 2))
    assert (level[:, 0] > 6 * level[:, 1]).all()
    assert upright[:, ::-1] == pytest.approx(level, rel=0.1, abs=2e-4)


@pytest.mark.parametrize("turn", [0.0, 0.7])
def test_distances_to_polygons_are_exact(turn):
    square = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * 0.5
    turned = square @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    found = polygon_distance(turned)
    axis = ((np.arange(64) + 0.5) / 32 - 1) * REACH
    u, v = np.meshgrid(axis, -axis)
    x, y = np.cos(turn) * u + np.sin(turn) * v, np.cos(turn) * v - np.sin(turn) * u
    over = np.stack([np.abs(x), np.abs(y)]) - 0.5
    true = np.linalg.norm(np.maximum(over, 0), axis=0) + np.minimum(over.max(axis=0), 0)
    assert found == pytest.approx(true, abs=1e-9)


@pytest.mark.parametrize("name", [*DRAWN, *ONLY_TESTED])
def test_every_shape_fits_into_its_circle_and_covers_something(name):
    for seed in range(5):
        distance = draw_shape(name, np.random.default_rng(seed)).distance
        axis = ((np.arange(64) + 0.5) / 32 - 1) * REACH
        out = np.hypot(*np.meshgrid(axis, axis)) > 1.08
        assert (distance[out] > 0).all(), name
        assert (distance < 0).mean() > 0.02, name


def test_layers_of_several_movers_add_up():
    ball = draw_shape("ball", np.random.default_rng(0))
    high = np.stack([0.6 - 1.2 * TIMES, 0.6 + 0 * TIMES, 0.15 + 0 * TIMES], axis=-1)
    low = high * [-1, -1, 1]
    together = coverage(mover(ball, high), mover(ball, low))
    assert torch.allclose(together, coverage(mover(ball, high)) + coverage(mover(ball, low)), atol=1e-6)
    # Where one hides the other nothing is counted twice, and the front one's brightness shows.
    dark = mover(ball, high, colour=np.full(3, 0.25))
    over = draw(world(dark, mover(ball, high)))[1]
    assert torch.allclose(over[0].double(), coverage(mover(ball, high)), atol=0.26)
    assert over[1][over[0] > 0.99].median() == pytest.approx(0.25, abs=0.01)


def test_the_layer_over_the_backdrop_is_the_video():
    settings = WorldSettings(exactly=Nuisances(), filmed=0.0)
    for index in range(12):
        drawn = draw_world(settings, 5, index)
        video, layer = draw(drawn)
        backdrop = draw(replace(drawn, movers=(), arms=(), rods=(), swaying=()))[0].mean(dim=0)
        laid = layer[0] * layer[1] + (1 - layer[0]) * backdrop
        assert (laid - video.mean(dim=0)).abs().max() < 1e-3


def test_shadows_posts_noise_and_shaking_are_not_in_the_layer():
    ball = mover(draw_shape("ball", np.random.default_rng(0)))
    plain = draw(world(ball))[1]
    assert torch.equal(draw(world(ball, nuisances=Nuisances(shadow=1, noise=1, shake=1, texture=1)))[1], plain)
    assert draw(world(nuisances=Nuisances(shadow=1, noise=1, shake=1, occlusion=1, exposure=1)))[1].max() == 0


def test_arms_and_rods_are_in_the_layer():
    ball = mover(draw_shape("ball", np.random.default_rng(0)))
    alone = coverage(ball).sum()
    assert coverage(ball, rods=(Rod(0, (0.0, 0.9), 0.02, (0.2,) * 3),)).sum() > alone + 17 * 10
    arm = Arm(0, np.pi, 0.1, (-1.0, 0.1), (0.8, 0.6, 0.5), in_front=False)
    held = coverage(ball, arms=(arm,)).sum((1, 2)) - coverage(ball).sum((1, 2))
    assert held[0] > 20 and held[-1] < 1


def test_short_gaps_are_filled_and_long_ones_are_not():
    ball = draw_shape("ball", np.random.default_rng(0))

    def seen(speed: float, width: float) -> list[float]:
        path = np.stack([speed * (TIMES - 0.5), 0 * TIMES, 0.12 + 0 * TIMES], axis=-1)
        shown = coverage(mover(ball, path), nuisances=Nuisances(occlusion=width)).sum((1, 2))
        return (shown / coverage(mover(ball, path)).sum((1, 2))).tolist()

    # The post stands somewhere on the path; a fast ball is behind it for a frame or two, a slow one for many.
    assert min(seen(1.7, 0.5)) > 0.99
    assert min(seen(0.4, 1.0)) < 0.3


@pytest.mark.parametrize(
    "hidden, kept",
    [
        ((5, 6, 7), True),
        ((5, 6, 7, 8), False),
        ((0, 1), False),
        ((15, 16), False),
        ((3, 4, 9, 10, 11), True),
    ],
)
def test_a_gap_is_filled_where_it_is_three_frames_at_most_and_has_two_ends(hidden, kept):
    cover, post = torch.zeros(17, 8, 8), torch.zeros(17, 8, 8)
    cover[:, 2:6, 2:6] = 1
    post[list(hidden), :, :5] = 1
    shown = _without_long_gaps(cover, post).sum((1, 2))
    expected = torch.full((17,), 16.0)
    if not kept:
        expected[list(hidden)] = 4
    assert torch.equal(shown, expected)


def test_what_is_hidden_by_less_than_half_is_not_hidden():
    cover, post = torch.ones(17, 8, 8), torch.zeros(17, 8, 8)
    post[4:12, :, :3] = 1
    assert torch.equal(_without_long_gaps(cover, post), cover)


def test_brightness_is_that_of_the_exposed_picture():
    ball = mover(draw_shape("ball", np.random.default_rng(0)), colour=np.full(3, 0.5))
    drawn = world(ball, nuisances=Nuisances(exposure=1.0))
    video, layer = draw(drawn)
    inside = layer[0] > 0.99
    assert (video.mean(dim=0)[inside] - layer[1][inside]).median().abs() < 0.03
    assert (layer[1][inside].median() - 0.5).abs() > 0.05


def test_a_path_fills_what_it_is_told_to():
    for seed in range(8):
        rng = np.random.default_rng(seed)
        path = framed(draw_path("ellipse", rng)[0], radius=0.1, focal=5.0, fill=0.8)
        if path is not None:
            low, high = (path[:, :2] - path[:, 2:]).min(axis=0), (path[:, :2] + path[:, 2:]).max(axis=0)
            assert (high - low).max() == pytest.approx(1.6, abs=0.2)
            assert (low + high) / 2 == pytest.approx(np.zeros(2), abs=0.05)


def test_a_hand_lets_go_of_what_is_thrown_when_it_begins_to_move():
    settings = WorldSettings(paths=("thrown",), movers=(0, 1.0), exactly=Nuisances(hand=0.5))
    worlds = [draw_world(settings, 3, k) for k in range(40)]
    letting_go = [(arm.holds[1], w.movers[0]) for w in worlds for arm in w.arms if arm.holds[1] < 1]
    assert len(letting_go) > 5
    for when, thrown in letting_go:
        assert np.allclose(thrown.at(np.array([when - 0.08]))[0, :2], thrown.path[0, :2], atol=1e-6)


@pytest.mark.parametrize("kind", [*TRAINED, *NEVER_TRAINED])
def test_every_path_is_finite_and_goes_somewhere(kind):
    for seed in range(5):
        path, _ = draw_path(kind, np.random.default_rng(seed))
        assert path.shape == (513, 3) and np.isfinite(path).all()
        assert np.ptp(path, axis=0).max() > 0.1


def test_nothing_that_is_held_back_is_drawn_in_training():
    assert not set(NEVER_TRAINED) & set(TRAINED) and not set(ONLY_TESTED) & set(DRAWN)
    drawn = [draw_world(WorldSettings(), 7, index) for index in range(60)]
    kinds = {m.kind for w in drawn for m in w.movers} - {"collision"}
    shapes = {m.shape.name for w in drawn for m in w.movers + w.swaying}
    assert kinds <= set(TRAINED) and shapes <= set(DRAWN)
    assert {len(w.movers) for w in drawn} == {0, 1, 2, 3}


def test_the_same_number_is_the_same_world_whoever_asks():
    one, other = (draw_worlds(WorldSettings(), 1, first, 2) for first in (10, 11))
    assert torch.equal(one.video[1], other.video[0]) and torch.equal(one.layer[1], other.layer[0])
    assert not torch.equal(one.video[0], one.video[1])


def test_two_that_collide_rebound():
    settings = WorldSettings(movers=(0, 0, 1.0), colliding=1.0, exactly=Nuisances(), jitter=0)
    first, second = draw_world(settings, 2, 3).movers
    apart = np.linalg.norm(first.path[:, :2] - second.path[:, :2], axis=-1)
    touching = first.path[0, 2] + second.path[0, 2]
    assert apart.min() == pytest.approx(touching, abs=0.02)
    momentum = sum(m.path[0, 2] ** 2 * np.diff(m.path[:, :2], axis=0) for m in (first, second))
    assert momentum[0] == pytest.approx(momentum[-1], abs=1e-6)


def test_a_hand_can_hold_what_never_moves_in_the_clip():
    path = np.broadcast_to([0.1, 0.2, 0.2], (513, 3))
    still = replace(mover(draw_shape("ball", np.random.default_rng(0)), path), kind="thrown")
    held = [span for k in range(20) for span in _held(still, Nuisances(hand=1.0), np.random.default_rng(k))]
    assert held and all(start <= stop for start, stop in held)
