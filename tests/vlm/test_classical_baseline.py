"""The afternoon script is a fair opponent: on plain clips it finds the ball and the family."""

import numpy as np

from trajvlm.data.clip import CANONICAL
from trajvlm.data.rendered.nuisances import Nuisances
from trajvlm.data.rendered.render import render, track
from trajvlm.data.rendered.scene import SceneSettings, draw_scene
from trajvlm.vlm.classical_baseline import track_and_fit, track_blobs
from trajvlm.vlm.metrics import curve_nmse

PLAIN = {"exactly": Nuisances(), "radius": (0.1, 0.15)}


def pixels(scene):
    return render([scene])[0].permute(1, 2, 3, 0).mul(255).round().byte().numpy()


def test_the_blob_is_the_ball():
    errors, radii = [], []
    for k in range(8):
        scene = draw_scene(SceneSettings(families=("parabolic",), **PLAIN), 8, k)
        seen, truth = track_blobs(pixels(scene)), track([scene])
        assert len(seen.t) == 17
        errors.append(np.median(np.linalg.norm(seen.centre - truth.centre[0].numpy(), axis=1)) * 32)
        radii.append(np.median(np.abs(seen.radius / truth.radius[0].numpy() - 1)))
    # A ball lit from the side is seen a little to that side.
    assert np.median(errors) < 0.5 and max(errors) < 1.5 and np.median(radii) < 0.25


def test_plain_clips_get_their_family():
    for family in ("linear", "oscillating"):
        scene = draw_scene(SceneSettings(families=(family,), **PLAIN), 9, 1)
        answer = track_and_fit(pixels(scene))
        assert answer.family == family and np.isclose(sum(answer.probabilities.values()), 1)
        assert curve_nmse(answer, scene) < 1


def test_frames_count_at_their_own_times_and_those_without_one_not_at_all():
    scene = draw_scene(SceneSettings(families=("parabolic",), **PLAIN), 8, 0)
    times = CANONICAL.times**1.2
    times[[3, 9]] = np.nan
    assert np.allclose(track_blobs(pixels(scene), times).t, np.delete(times, [3, 9]))


def test_a_clip_without_motion_gets_no_answer():
    assert track_and_fit(np.full((17, 64, 64, 3), 90, dtype=np.uint8)) is None
