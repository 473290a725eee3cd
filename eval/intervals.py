"""How sure a figure is, given how few clips it comes from: 95 % intervals."""

import numpy as np

_RESAMPLES = 1000


def wilson(successes: int, count: int) -> list[float]:
    """Wilson's interval of a share (Wilson, 1927)."""
    p, z = successes / count, 1.96
    middle, spread = p + z * z / (2 * count), z * np.sqrt(p * (1 - p) / count + z * z / (4 * count * count))
    # Shares of 0 and 1 reach the ends but for the last bit.
    return [float(np.clip(v / (1 + z * z / count), 0, 1)) for v in (middle - spread, middle + spread)]


def bootstrap_median(values: np.ndarray, seed: int = 0) -> list[float]:
    """Percentile bootstrap of the median of values (N,), infinities among them (Efron, 1979)."""
    picks = np.random.default_rng(seed).integers(len(values), size=(_RESAMPLES, len(values)))
    medians = np.sort(np.median(np.asarray(values)[picks], axis=1))
    # Taken by rank: to interpolate between infinities gives no number.
    return [float(medians[round(q * (_RESAMPLES - 1))]) for q in (0.025, 0.975)]


def summary(right: list[bool], errors: list[float], measure: str) -> dict:
    """What a row of a small table tells of clips: the share whose family is right, and the median of a measure in which
    no answer counts as infinite, each with its interval, rounded for JSON."""
    return {
        "family_accuracy": round(sum(right) / len(right), 4),
        "family_accuracy_interval": [round(bound, 3) for bound in wilson(sum(right), len(right))],
        f"{measure}_median": float(f"{np.median(errors):.3g}"),
        f"{measure}_median_interval": [float(f"{v:.3g}") for v in bootstrap_median(np.array(errors))],
    }
