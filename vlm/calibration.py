"""What was set on validation clips for given weights. It lies beside them in `calibration.json`.

`python -m trajvlm.vlm.calibrate` writes that file, and so does a training at its end. This file only holds the values.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from trajvlm.data.errors import UserError
from trajvlm.data.fit import CENTRE_ERROR, LOG_RADIUS_ERROR, Criterion

FILE = "calibration.json"


@dataclass(frozen=True)
class Calibration:
    """Settings that belong to a language model and the tokenizer that it was trained on.

    The defaults are the shipped weights' values, except for the temperature. They are used for weights that have no
    `calibration.json`.
    """

    temperature: float = 1.0
    """The families' scores are divided by this before they become probabilities (Guo et al., 2017); above 0."""
    joint_criterion: Criterion = Criterion(penalty=20.0, sharpness=0.2)
    """For fits to the decoded track that are weighed together with the language model."""
    fit_criterion: Criterion = Criterion(penalty=25.0, sharpness=0.2)
    """For fits to the decoded track that decide alone; used in evaluation."""
    known_miss_px: float = 1.2
    """Median distance of the answer's curve from the decoded track, in pixels of 64, up to which the motion counts as
    one of the known families."""
    centre_error: float = CENTRE_ERROR
    """Assumed standard error of a decoded centre along one axis, in half widths of the clip."""
    log_radius_error: float = LOG_RADIUS_ERROR
    """Assumed standard error of the logarithm of a decoded radius."""
    single_flip_centre_spread: float = 0.1
    """Extra error of a centre, in half widths, in a frame where only one of several flips shows the ball."""
    single_flip_log_radius_spread: float = 0.3
    """The same of the radius's logarithm."""
    constant_error: float = 1.0
    """Assumed standard error of a constant that the language model wrote: how far a fit may move it at little cost."""
    exchanged_gain: float = 12.0
    """Two views: gain in misfit from which the videos are taken to be exchanged."""
    offset_gain: float = 50.0
    """Two views: gain in misfit from which `offset_s` is taken to be wrong."""
    max_pair_loss: float = 3.5
    """Two views: root mean robust loss of the best curve, in assumed errors, up to which both tracks are taken to be of
    one motion."""
    tuned_on: dict[str, str] = field(default_factory=dict, hash=False)
    """For a value, or several, a sentence on where it comes from. Values that are not named here are defaults."""

    def __post_init__(self):
        for name, value in asdict(self).items():
            numbers = value.values() if isinstance(value, dict) else [value]
            if name != "tuned_on" and not all(_is_positive(number) for number in numbers):
                raise ValueError(f"{name} has to be a number above 0, not {value!r}")

    def save(self, folder: str | Path) -> None:
        """Write `calibration.json` into a folder."""
        (Path(folder) / FILE).write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, folder: str | Path) -> "Calibration":
        """The calibration beside the weights in a folder; the defaults where there is none.

        Raises:
            UserError: the file holds no calibration.
        """
        path = Path(folder) / FILE
        try:
            if not path.is_file():
                # Weights that were trained before there was this file have their temperature among the settings.
                settings = path.with_name("config.json")
                return cls(json.loads(settings.read_text()).get("temperature", 1.0)) if settings.is_file() else cls()
            values = json.loads(path.read_text())
            criteria = {
                name: Criterion(**values[name]) for name in ("joint_criterion", "fit_criterion") if name in values
            }
            return cls(**values | criteria)
        except (ValueError, TypeError, AttributeError) as error:
            raise UserError(
                f"{path} holds no calibration of a language model; restore it, or write it with "
                "`python -m trajvlm.vlm.calibrate`."
            ) from error


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf")


DEFAULTS = Calibration()
