"""What is told of a motion in equations is what is drawn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trajvlm.data.clip import CANONICAL
from trajvlm.data.motions.families import FAMILIES, MOTIONS
from trajvlm.data.rendered.nuisances import Nuisances
from trajvlm.data.rendered.paths import NEVER_TRAINED, OPEN, TIMES, TOLD, WIDER, draw_path
from trajvlm.data.rendered.phases import SCRIPTS, Course, Telling
from trajvlm.data.rendered.sums import TERMS, Sum, draw_sum, held_back
from trajvlm.data.rendered.world import WorldSettings, draw_world

DENSE = np.linspace(0, 1, 65)
seeds = st.integers(0, 2**31)


def drawn(seed: int) -> Sum:
    return draw_sum(np.random.default_rng(seed))


@given(seeds)
def test_the_equation_of_a_sum_is_its_path(seed):
    found = drawn(seed)
    assert found.equation().positions(DENSE) == pytest.approx(found.positions(DENSE), abs=1e-9)


@given(seeds)
def test_trainings_draw_no_sum_that_is_held_back(seed):
    found = drawn(seed)
    assert held_back(found) is None
    assert all(np.linalg.norm(v) > 0 for v in found.vectors[1:])


def test_sums_have_every_term_and_many_combinations():
    found = [drawn(seed) for seed in range(400)]
    assert {term for one in found for term in one.terms} == set(TERMS)
    assert len({one.terms for one in found}) > 25
    assert sum(np.ptp(one.positions(DENSE)[:, 2]) < 1e-9 for one in found) > 100


@pytest.mark.parametrize("name", MOTIONS)
def test_a_family_is_a_sum_that_is_known_as_that_family(name):
    for seed in range(20):
        constants = MOTIONS[name].draw(np.random.default_rng(seed))
        found = Sum.of_family(name, constants)
        assert found.positions(DENSE) == pytest.approx(MOTIONS[name].positions(constants, DENSE), abs=1e-12)
        assert found.family == (name if name in FAMILIES else None)
        assert held_back(found) == (name if name in NEVER_TRAINED else None)


def vectors(*rows: tuple[float, float, float]) -> np.ndarray:
    return np.array(rows, dtype=float)


@pytest.mark.parametrize(
    "terms, rows, inner, kind",
    [
        (("1", "s", "cos", "sin"), [(0, 0, 0), (3, 0, 0), (1, 0, 0), (0, 1, 0)], {"turns": 1.2}, "cycloid"),
        (("1", "s", "cos", "sin"), [(0, 0, 0), (0, 0, 3), (1, 0, 0), (0, 1, 0)], {"turns": 1.2}, None),
        (("1", "s", "cos", "sin"), [(0, 0, 0), (0, 2, 0), (1, 0, 0), (2, 0, 0)], {"turns": 1.2}, None),
        (
            ("1", "s", "fading cos", "fading sin"),
            [(0, 0, 0), (0, 0, 3), (1, 0, 0), (0, 1, 0)],
            {"turns": 1.2, "fading": 1.0},
            "fading drifting circle",
        ),
        (
            ("1", "cos", "second cos"),
            [(0, 0, 0), (1, 0, 0), (1, 0, 0)],
            {"turns": 1.0, "multiple": 1.6},
            "two frequencies",
        ),
        (("1", "sin", "second sin"), [(0, 0, 0), (1, 0, 0), (0, 1, 0)], {"turns": 1.0, "multiple": 2}, "figure-eight"),
        (("1", "sin", "second sin"), [(0, 0, 0), (1, 0, 0), (2, 0, 0)], {"turns": 1.0, "multiple": 2}, None),
    ],
)
def test_what_is_held_back_is_known_by_its_terms_and_vectors(terms, rows, inner, kind):
    assert held_back(Sum(terms, vectors(*rows), inner)) == kind


def test_a_sum_is_written_in_one_way_only():
    with pytest.raises(ValueError, match="in the order"):
        Sum(("1", "sin", "cos"), np.ones((3, 3)), {"turns": 1.0})
    with pytest.raises(ValueError, match="as many vectors"):
        Sum(("1", "s"), np.ones((3, 3)), {})


@pytest.mark.parametrize("name", SCRIPTS)
def test_phases_follow_each_other_without_a_jump_and_have_the_equations_they_say(name):
    for seed in range(25):
        course = SCRIPTS[name](np.random.default_rng(seed))
        for before, after in zip(course.phases, course.phases[1:]):
            assert after.start == pytest.approx(before.stop)
            gap = before.positions(np.array([before.stop])) - after.positions(np.array([after.start]))
            assert np.abs(gap).max() < 1e-5, (before.kind, after.kind)
        for phase in course.phases:
            if phase.free:
                t = np.linspace(*phase.holds, 33)
                assert phase.equation().positions(t) == pytest.approx(course.positions(t), abs=1e-5), phase.kind
        assert any(phase.free for phase in course.phases)


def test_a_bounce_loses_what_its_restitution_says_at_its_impacts():
    told = Telling((0.0, 1.2)).stays("held", 0.5).falls_to(0.0).bounces(0.7, 0.001)
    bounce = next(phase for phase in told.phases if phase.kind == "bounced")
    step = 1e-6
    for impact in bounce.impacts[:-1]:
        near = told.course.positions(np.array([impact - step, impact, impact + step]))[:, 1]
        assert near[1] == pytest.approx(0, abs=1e-6)
        assert (near[2] - near[1]) / (near[0] - near[1]) == pytest.approx(0.7, rel=1e-3)
    assert bounce.holds[0] == pytest.approx(0.5)
    assert len(bounce.impacts) == 5


def test_a_course_is_the_same_on_another_clock_and_in_another_frame():
    course = SCRIPTS["thrown to the floor"](np.random.default_rng(3))
    t = np.linspace(course.start, course.stop, 200)
    other = course.moved(2.0, np.array([1.0, 2.0, 3.0])).retimed(0.5, 4.0)
    assert other.positions((t - 0.5) / 4) == pytest.approx(2 * course.positions(t) + [1, 2, 3])
    held = course.by_hand
    assert held == [(0.0, course.phases[1].stop)]
    assert other.by_hand[0] == pytest.approx([(s - 0.5) / 4 for s in held[0]])


def test_what_is_at_rest_stays_there():
    course = Course.of(Sum.polynomial(np.zeros(3), np.ones(3), np.zeros(3)), 0.25, 0.75)
    assert course.positions(np.array([0.0, 0.25, 0.5, 0.75, 1.0]))[:, 0] == pytest.approx([0, 0, 0.5, 1, 1])


def test_a_course_is_cut_and_filled_with_rest():
    course = SCRIPTS["tossed and caught"](np.random.default_rng(3)).cut(0.3, 0.9)
    assert (course.start, course.stop) == (0.3, 0.9)
    filled = course.filled(0.0, 2.0)
    assert filled.phases[0].kind == filled.phases[-1].kind == "at rest"
    t = np.linspace(0, 2, 50)
    assert filled.positions(t) == pytest.approx(course.positions(t))


@pytest.mark.parametrize("kind", [*WIDER, *NEVER_TRAINED])
def test_a_course_is_the_path_it_belongs_to(kind):
    path, course = draw_path(kind, np.random.default_rng(5))
    if course is not None:
        assert course.positions(TIMES) == pytest.approx(path)
    assert (course is not None) == (kind in (*FAMILIES, *OPEN, *TOLD, "figure-eight"))


def test_what_a_mover_is_said_to_do_is_what_it_does():
    settings = WorldSettings(
        movers=(0, 0.5, 0.5), paths=(*FAMILIES, *OPEN, *TOLD), pausing=0.5, exactly=Nuisances(), jitter=0.0
    )
    seen = set()
    for index in range(80):
        for mover in draw_world(settings, 4, index).movers:
            places = mover.course.positions(CANONICAL.times)
            focal, u, v = mover.view
            found = places[:, :2] / (1 - places[:, 2:] / focal) + [u, v]
            # Where it turns at once, the table of a path is off by what it goes in a part of a step.
            assert np.abs(found - mover.at(CANONICAL.times)[:, :2]).max() < 0.03
            assert np.median(np.abs(found - mover.at(CANONICAL.times)[:, :2])) < 1e-3
            seen.add(mover.kind)
    assert len(seen & set(TOLD)) > 5 and "sum" in seen and "collision" in seen
