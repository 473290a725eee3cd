"""The same scene as each camera of a rig sees it."""

from dataclasses import replace

import numpy as np

from trajvlm.data.cameras.camera import canonical, image_bounds
from trajvlm.data.cameras.rig import Pose, Rig
from trajvlm.data.motions.families import MOTIONS
from trajvlm.data.rendered.scene import Scene, SceneSettings, backdrop_mean, draw_scene

_TRIES = 200
_DENSE = np.linspace(0.0, 1.0, 65)
_MARGIN = 0.97
_DEEPEST = 0.45
_LARGEST_CONSTANT = 2.0
_BACKDROPS = 32
# Offset of the index for another attempt: no data set has so many samples.
_NEXT_TRY = 2**40


def view(scene: Scene, pose: Pose, camera: int = 1) -> Scene:
    """The same scene seen by another camera of the rig.

    The motion, the ball, the light and the strengths of the nuisances are the same; the backdrop and the random numbers
    of the nuisances are the camera's own.

    Args:
        scene: as the first camera sees it.
        pose: of the other camera.
        camera: its number, from 1, which seeds its backdrop and nuisances.
    """
    family = MOTIONS[scene.family]
    path = pose.to_camera(scene.path, family)
    rng = np.random.default_rng([scene.nuisance_seed, scene.backdrop_seed, camera])
    return replace(
        scene,
        constants=canonical(family, path, scene.focal),
        path=path,
        backdrop_seed=_backdrop_of_same_contrast(scene, rng),
        light=(pose.rotation @ scene.light).astype(scene.light.dtype),
        nuisance_seed=int(rng.integers(2**31)),
    )


def draw_views(
    settings: SceneSettings, seed: int, index: int, views: int, turn: tuple[float, float] = (15.0, 90.0)
) -> tuple[Rig, list[Scene]]:
    """Scene `index` of the stream `seed` as `views` cameras see it, the whole ball in every frame of each.

    The first camera's frame is the world's, and with one view its scene is that of `draw_scene`. The others stand on a
    ring about the path's centre, at an angle to the right or left that is uniform in `turn`, in degrees.

    Raises:
        ValueError: there is to be no view.
        UserError: as `draw_scene`.
        RuntimeError: no scene was found that all cameras see.
    """
    if views < 1:
        raise ValueError(f"a rig has at least one camera, not {views}")
    family = draw_scene(settings, seed, index).family
    # Of the same family in every attempt, or those that seldom fit two pictures would become rarer.
    settings = replace(settings, families=settings.families if views == 1 else (family,))
    for attempt in range(_TRIES):
        scene = draw_scene(settings, seed, index + attempt * _NEXT_TRY)
        rng = np.random.default_rng([scene.nuisance_seed, scene.backdrop_seed])
        angles = rng.uniform(*turn, size=views - 1) * rng.choice([-1.0, 1.0], size=views - 1)
        centre = MOTIONS[scene.family].positions(scene.path, _DENSE).mean(axis=0)
        rig = Rig.ring((0.0, *angles.tolist()), scene.focal, centre)
        scenes = [scene] + [view(scene, pose, k) for k, pose in enumerate(rig.poses[1:], 1)]
        if all(_fits(s) for s in scenes[1:]):
            return rig, scenes
    raise RuntimeError(f"no {family} path is seen by {views} cameras in {_TRIES} tries with {settings}")


def _fits(scene: Scene) -> bool:
    """Whether the whole ball is always in the picture, its depth limited, and its constants in their range."""
    positions = MOTIONS[scene.family].positions(scene.path, _DENSE)
    if np.abs(positions[:, 2]).max() > _DEEPEST * scene.focal or np.abs(scene.constants).max() > _LARGEST_CONSTANT:
        return False
    low, high = image_bounds(positions, scene.focal, scene.radius)
    return bool(low.min() > -_MARGIN and high.max() < _MARGIN)


def _backdrop_of_same_contrast(scene: Scene, rng: np.random.Generator) -> int:
    """Seed of a new backdrop with about the same contrast to the ball as the scene's own."""

    def contrast(seed: int) -> float:
        return float(np.abs(scene.ball - backdrop_mean(seed, scene.filmed)).mean())

    wanted = contrast(scene.backdrop_seed)
    return min(rng.integers(2**31, size=_BACKDROPS).tolist(), key=lambda seed: abs(contrast(seed) - wanted))
