"""The value of an expression that a person or a model wrote, by the parser for equations; nothing is executed."""

import math

import numpy as np

from data.equation import evaluate, parse
from data.errors import UserError

_LONGEST = 200
# Powers of powers of whole numbers are worked out exactly, and a tower of them would fill the memory.
_MOST_POWERS = 3


def evaluate_text(expression: str, t: float = 0.0) -> float:
    """The value of an expression in `t`; raises UserError where it is not one, or has no finite real value."""
    if len(expression) > _LONGEST or expression.count("**") > _MOST_POWERS:
        raise UserError(
            f"the expression is too long; write it with at most {_LONGEST} characters and {_MOST_POWERS} powers"
        )
    try:
        with np.errstate(all="ignore"):
            value = float(evaluate(parse(expression), np.array(t, dtype=float)))
    except (ValueError, TypeError, OverflowError, ZeroDivisionError) as error:
        reason = str(error) if isinstance(error, ValueError) else f"{expression!r} has no value"
        raise UserError(
            f"{reason}; write numbers, t, pi, + - * / ** and sin, cos, exp, sqrt, such as 2*pi/1.3"
        ) from error
    if not math.isfinite(value):
        raise UserError(f"{expression!r} has no finite value at t = {t:g}; change it or the time")
    return value
