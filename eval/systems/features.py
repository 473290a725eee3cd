"""Kinematic and statistical features of the tracked blob, and boosted trees that name the family from them.

The features are those that hand-made classifiers of motion use: how fast the object goes and how that changes, how its
path bends, how far it spreads along its axes, how well polynomials fit it, and how much of it swings at which rate.
"""

from pathlib import Path

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from torch import Tensor, nn

from trajvlm.data.clip import CANONICAL, FRAMES
from trajvlm.data.fit import Observations
from trajvlm.data.motions.families import BASIC
from trajvlm.data.rendered.export import to_frames
from trajvlm.eval.classifiers import TrainedSystem, trained_system
from trajvlm.eval.replay_buffer import ReplayBuffer
from trajvlm.vlm.classical_baseline import track_blobs

_LEAST_FRAMES = 5
_RATES = 5
_SUMMARIES = ("mean", "deviation", "least", "greatest")
FEATURES = (
    "frames_seen",
    *(f"{name}_{summary}" for name in ("speed", "acceleration", "jerk", "turning", "radius") for summary in _SUMMARIES),
    *("path_over_displacement", "path_length", "turning_total", "turning_signed", "stops"),
    *("spread_along", "spread_across", "skew_along", "kurtosis_along", "turns_along", "turns_across"),
    *(f"{axis}_{what}" for axis in ("along", "across", "size") for what in ("line_error", "parabola_error", "bend")),
    *(f"{axis}_rate{rate}" for axis in ("along", "across", "size") for rate in range(1, _RATES)),
    *(f"{axis}_recurrence{lag}" for axis in ("along", "across") for lag in (4, 8)),
    "swing_with_size",
)


def track_features(seen: Observations) -> np.ndarray:
    """The features (len(FEATURES),) of a track; all NaN but the first where it has fewer than five frames."""
    if len(seen.t) < _LEAST_FRAMES:
        return np.array([len(seen.t), *[np.nan] * (len(FEATURES) - 1)])
    u, v, size = (np.interp(CANONICAL.times, seen.t, values) for values in (*seen.centre.T, np.log(seen.radius)))
    centred = np.column_stack([u, v]) - [u.mean(), v.mean()]
    along, across = (centred @ np.linalg.svd(centred, full_matrices=False)[2].T).T
    velocity = np.diff(np.column_stack([u, v]), axis=0) * (FRAMES - 1)
    speed = np.linalg.norm(velocity, axis=1)
    acceleration = np.linalg.norm(np.diff(velocity, axis=0), axis=1) * (FRAMES - 1)
    jerk = np.linalg.norm(np.diff(velocity, n=2, axis=0), axis=1) * (FRAMES - 1) ** 2
    heading = np.arctan2(velocity[:, 1], velocity[:, 0])
    turning = (np.diff(heading) + np.pi) % (2 * np.pi) - np.pi
    length = speed.sum() / (FRAMES - 1)
    deviation = along.std() + 1e-6
    axes = {"along": along, "across": across, "size": size}
    return np.array(
        [
            len(seen.t),
            *(f(values) for values in (speed, acceleration, jerk, np.abs(turning), seen.radius) for f in _SUMMARISE),
            length / (np.hypot(u[-1] - u[0], v[-1] - v[0]) + 1e-3),
            length,
            np.abs(turning).sum(),
            abs(turning.sum()),
            (speed < 0.2 * speed.mean()).mean(),
            along.std(),
            across.std() / deviation,
            (along**3).mean() / deviation**3,
            (along**4).mean() / deviation**4,
            _reversals(along),
            _reversals(across),
            *(value for values in axes.values() for value in _polynomials(values)),
            *(value for values in axes.values() for value in _spectrum(values)),
            *(_recurrence(values, lag) for values in (along, across) for lag in (4, 8)),
            abs((along * (size - size.mean())).mean()) / (deviation * size.std() + 1e-6),
        ]
    )


_SUMMARISE = (np.mean, np.std, np.min, np.max)


def _reversals(values: np.ndarray) -> int:
    """How often a coordinate turns round."""
    return int((np.diff(np.sign(np.diff(values))) != 0).sum())


def _polynomials(values: np.ndarray) -> tuple[float, float, float]:
    """What a straight line and a parabola leave of a coordinate (standard deviations), and the parabola's bend."""
    line, parabola = (np.polynomial.Polynomial.fit(CANONICAL.times, values, degree) for degree in (1, 2))
    bend = parabola.coef[2] if len(parabola.coef) > 2 else 0.0
    return (values - line(CANONICAL.times)).std(), (values - parabola(CANONICAL.times)).std(), abs(bend)


def _spectrum(values: np.ndarray) -> np.ndarray:
    """Share of a coordinate's power at 1 to 4 turns in the clip."""
    power = np.abs(np.fft.rfft(values - values.mean())) ** 2
    return power[1:_RATES] / (power.sum() + 1e-9)


def _recurrence(values: np.ndarray, lag: int) -> float:
    """How much a coordinate repeats itself after so many frames."""
    values = values - values.mean()
    return (values[lag:] * values[:-lag]).sum() / ((values**2).sum() + 1e-9)


class BoostedTrees:
    """Gradient-boosted trees on the features (Friedman, 2001); see `trajvlm.eval.classifiers.Classifier`.

    Its weights are the features and labels of all training clips. The trees are fitted to them again, with the same
    seed, wherever they are needed: scikit-learn saves trees only as pickles.
    """

    name, row = "features", "features of the track, boosted trees"
    families: tuple[str, ...] = BASIC
    settings = {"features": list(FEATURES), "max_iter": 200, "learning_rate": 0.08, "l2_regularization": 1.0, "seed": 0}
    steps_per_batch = 1

    def __init__(self):
        self.network = nn.Module()
        self.replay = ReplayBuffer()
        self._trees: HistGradientBoostingClassifier | None = None
        self._fitted_to = 0

    def prepare(self, video: Tensor) -> Tensor:
        """Features (B, len(FEATURES)), float64."""
        return torch.from_numpy(np.stack([track_features(track_blobs(to_frames(clip))) for clip in video]))

    def optimizer(self) -> None:
        """See `trajvlm.eval.classifiers.Classifier`; trees are not trained by gradients."""

    def loss(self, network: nn.Module, batch: tuple[Tensor, Tensor]) -> tuple[None, dict]:
        """See `trajvlm.eval.classifiers.Classifier`; trees are not trained by gradients."""
        return None, {}

    def probabilities(self, inputs: Tensor) -> Tensor:
        """See `trajvlm.eval.classifiers.Classifier`; fits the trees where there are new clips."""
        if self._trees is None or self._fitted_to != len(self.replay):
            options = {key: self.settings[key] for key in ("max_iter", "learning_rate", "l2_regularization")}
            trees = HistGradientBoostingClassifier(random_state=self.settings["seed"], early_stopping=False, **options)
            clips, labels = self.replay.inputs, self.replay.labels
            assert clips is not None and labels is not None, "the trees have seen no clips yet"
            self._trees = trees.fit(clips.numpy(), labels.numpy())
            self._fitted_to = len(self.replay)
        found = torch.zeros(len(inputs), len(self.families))
        found[:, torch.from_numpy(self._trees.classes_)] = torch.from_numpy(
            self._trees.predict_proba(inputs.numpy())
        ).float()
        return found

    def weights(self) -> dict[str, Tensor]:
        """See `trajvlm.eval.classifiers.Classifier`."""
        return {"features": self.replay.inputs, "labels": self.replay.labels}

    def load_weights(self, tensors: dict[str, Tensor]) -> None:
        """See `trajvlm.eval.classifiers.Classifier`."""
        self.replay.load_state_dict({"inputs": tensors["features"], "labels": tensors["labels"]})
        self._trees = None


def build(folder: Path) -> BoostedTrees:
    """The untrained trees."""
    return BoostedTrees()


CLASSIFIERS = {"features": build}


def load() -> TrainedSystem:
    """The trained trees; raises UserError where they are not trained."""
    return trained_system("features", CLASSIFIERS)
