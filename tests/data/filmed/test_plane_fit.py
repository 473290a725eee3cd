"""A path in the plane is the nearest of its family, whatever short cuts lead to it."""

import numpy as np
import pytest

from trajvlm.data.filmed.plane_fit import DEEP, PlaneFit, fit_in_plane, runs_away, soft_l1
from trajvlm.data.motions.families import FAMILIES, WAVES_AND_LINES
from trajvlm.data.motions.families.bouncing import with_impacts

COUNT = 60
TIMES = 2 + np.arange(COUNT) / 30
TAU = np.linspace(0, 1, COUNT)
INSIDE = {"turns": 1.3, "fading": 1.1, "impact 1": 0.31, "impact 2": 0.72}
VECTORS = np.array([[300, 200, 0], [90, 30, 0.15], [-120, -40, 0.1], [25, -60, -0.1], [-20, 50, 0.05]])
BOUNCE = np.array([[300, 200, 0], [80, 440, 0], [0, 250, 0], [0, -455, 0], [0, -365, 0]])


def seen(path: np.ndarray) -> np.ndarray:
    return path[:, :2] / (1 - path[:, 2:])


def observed(family, perspective: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Places (N, 2) on a path of a family, with noise and two wrong ones, and their errors (N,)."""
    rng = np.random.default_rng(len(family.basis))
    vectors = BOUNCE.copy() if family.name == "bouncing" else VECTORS[: len(family.basis)] * [1, 1, perspective]
    places = seen(family.design(np.array([INSIDE[name] for name in family.shape]), TAU) @ vectors)
    errors = rng.uniform(0.3, 0.8, COUNT)
    places = places + rng.normal(size=(COUNT, 2)) * errors[:, None]
    places[[9, 40]] += [[25, -10], [-8, 30]]
    return places, errors


def solved(family, inside, places, errors, perspective: bool = False, rounds: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (basis, 3) and distances (N,), each step as the books write it, with numpy's own least squares."""
    design = family.design(inside, TAU)
    weights, vectors = 1 / errors**2, np.zeros((len(family.basis), 3))
    for k in range(rounds):
        if perspective:
            depth = np.zeros(COUNT)
            for _ in range(2):
                roots, nothing = np.sqrt(weights)[:, None] / (1 - depth)[:, None], np.zeros_like(design)
                left = np.hstack([design, nothing, places[:, :1] * design[:, 1:]]) * roots
                right = np.hstack([nothing, design, places[:, 1:] * design[:, 1:]]) * roots
                found = np.linalg.lstsq(np.vstack([left, right]), (places * roots).T.ravel(), rcond=None)[0]
                found = np.insert(found, -(design.shape[1] - 1), 0.0).reshape(3, -1).T
                depth = design @ found[:, 2]
            vectors = found
        else:
            roots = np.sqrt(weights)[:, None]
            vectors[:, :2] = np.linalg.lstsq(design * roots, places * roots, rcond=None)[0]
            if family.bound:
                line = np.linalg.svd(vectors[1:3, :2])[2][0]
                across = np.array([-line[1], line[0]])
                rest = [0, *range(3, design.shape[1])]
                vectors[:, :2] = np.outer(vectors[:, :2] @ line, line)
                other = np.linalg.lstsq(design[:, rest] * roots, (places @ across) * roots[:, 0], rcond=None)[0]
                vectors[rest, :2] += np.outer(other, across)
        distances = np.linalg.norm(places - seen(design @ vectors), axis=1) / errors
        if k < rounds - 1:
            weights = 1 / (errors**2 * np.sqrt(1 + distances**2))
    return vectors, distances


def assert_nearest(fit: PlaneFit, places: np.ndarray, errors: np.ndarray, perspective: bool = False) -> None:
    vectors, distances = solved(fit.family, fit.inside, places, errors, perspective)
    path = fit.family.design(fit.inside, TAU) @ vectors
    np.testing.assert_allclose(fit.at(TIMES), seen(path), atol=1e-4)
    np.testing.assert_allclose(fit.magnification(TIMES), 1 / (1 - path[:, 2]), atol=1e-6)
    np.testing.assert_allclose(fit.distances, distances, atol=1e-3)
    least = soft_l1(solved(fit.family, fit.inside, places, errors, perspective, 2)[1]).sum()
    for k in range(len(fit.inside)):
        for step in (-0.01, 0.01):
            beside = fit.inside.copy()
            beside[k] += step
            assert soft_l1(solved(fit.family, beside, places, errors, perspective, 2)[1]).sum() > least


@pytest.mark.parametrize("family", WAVES_AND_LINES, ids=lambda family: f"{family.name}-{len(family.basis)}")
def test_a_flat_path_is_the_nearest_of_its_family(family):
    places, errors = observed(family)
    fit = fit_in_plane(family, TIMES, places, errors)
    assert fit is not None
    assert_nearest(fit, places, errors)


@pytest.mark.parametrize("name", DEEP)
def test_a_path_in_perspective_is_the_nearest_of_its_family(name):
    places, errors = observed(FAMILIES[name], perspective=True)
    fit = fit_in_plane(FAMILIES[name], TIMES, places, errors, perspective=True)
    assert fit is not None
    assert_nearest(fit, places, errors, perspective=True)


def test_a_flight_with_impacts_is_the_nearest_one():
    family = with_impacts(2)
    places, errors = observed(family)
    fit = fit_in_plane(FAMILIES["bouncing"], TIMES, places, errors, impacts=TIMES[[17, 44]])
    assert fit is not None
    assert_nearest(fit, places, errors)
    np.testing.assert_allclose(fit.impacts_s, TIMES[0] + np.array([0.31, 0.72]) * np.ptp(TIMES), atol=0.01)


@pytest.mark.parametrize(
    ("name", "turns", "fading", "runs"),
    [
        ("damped", 3.0, 1.5, False),
        ("damped", 3.0, -0.5, True),
        ("spiral", 2.0, -1.6, False),
        ("spiral", 3.0, -3.2, False),
        ("spiral", 0.5, 4.1, True),
        ("spiral", 0.55, -3.9, True),
    ],
)
def test_a_wave_that_dies_or_grows_before_it_has_turned_is_none(name, turns, fading, runs):
    assert runs_away(FAMILIES[name], np.array([turns, fading])) == runs
