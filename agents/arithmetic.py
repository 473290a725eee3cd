"""Evaluate an arithmetic expression that a person or a model wrote, by walking its syntax tree in floats.

Nothing is executed. Every step is one operation on floats, so the length of an expression bounds the time it takes.
"""

import ast
import math
import warnings
from collections.abc import Callable

import numpy as np

from trajvlm.data.errors import UserError

_LONGEST = 200
_DEEPEST = 100
_MOST_DIGITS = 30
"""Of a whole number: floats keep 16."""
_GREATEST_EXPONENT = 100
_CONSTANTS = {"pi": math.pi}
_FUNCTIONS: dict[str, Callable] = {"sin": np.sin, "cos": np.cos, "exp": np.exp, "sqrt": np.sqrt}
_OPERATORS: dict[type, Callable] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
}
_SIGNS: dict[type, Callable] = {ast.UAdd: np.positive, ast.USub: np.negative}
_ALLOWED = f"write numbers, t, pi, + - * / ** and {', '.join(_FUNCTIONS)}, such as 2*pi/1.3"


def evaluate_text(expression: str, t: float = 0.0) -> float:
    """The value of an expression in `t`.

    Raises:
        UserError: it is too long or nested too deeply, holds anything but arithmetic, or has no finite real value.
    """
    if len(expression) > _LONGEST:
        raise UserError(f"the expression is too long; write it with at most {_LONGEST} characters")
    try:
        with warnings.catch_warnings():
            # Python warns of texts such as `1or 2`, which are refused below anyway.
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UserError(f"{expression!r} is not an expression; {_ALLOWED}") from error
    with np.errstate(all="ignore"):
        value = float(_value(tree.body, {**_CONSTANTS, "t": t}, 0))
    if not math.isfinite(value):
        raise UserError(f"{expression!r} has no finite value at t = {t:g}; change it or the time")
    return value


def _value(node: ast.AST, names: dict[str, float], depth: int) -> np.float64:
    if depth > _DEEPEST:
        raise UserError(f"the expression is nested more than {_DEEPEST} deep; write it in parts")
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return _number(number)
        case ast.Name(id=name) if name in names:
            return np.float64(names[name])
        case ast.UnaryOp(op=sign) if type(sign) in _SIGNS:
            return _SIGNS[type(sign)](_value(node.operand, names, depth + 1))
        case ast.BinOp(op=ast.Pow()):
            return _power(_value(node.left, names, depth + 1), _value(node.right, names, depth + 1))
        case ast.BinOp(op=operator) if type(operator) in _OPERATORS:
            return _OPERATORS[type(operator)](_value(node.left, names, depth + 1), _value(node.right, names, depth + 1))
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](_value(argument, names, depth + 1))
    raise UserError(f"{ast.unparse(node)!r} can't be worked out; {_ALLOWED}")


def _number(value: int | float) -> np.float64:
    if isinstance(value, int) and value >= 10**_MOST_DIGITS:
        raise UserError(f"a number has more than {_MOST_DIGITS} digits; write it as a power of ten, such as 1e40")
    return np.float64(value)


def _power(base: np.float64, exponent: np.float64) -> np.float64:
    if not abs(exponent) <= _GREATEST_EXPONENT:
        raise UserError(f"an exponent lies between -{_GREATEST_EXPONENT} and {_GREATEST_EXPONENT}; this one does not")
    return base**exponent
