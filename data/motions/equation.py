"""Equations of motion: x(t), y(t), z(t) as sympy expressions, as text and as numbers.

Text is parsed over Python's syntax tree, which allows arithmetic, `t`, `pi`, and a few functions. Nothing is executed,
so the text may come from a language model or an untrusted user.
"""

import ast
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy

T = sympy.Symbol("t", real=True)


class Greatest(sympy.Function):
    """max(a, b, ...). `sympy.Max` takes seconds to search for an argument that is always the greatest."""

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        """1 where the argument is the greatest, 0 elsewhere."""
        first = self.args[argindex - 1]
        return _Leads(first, *(part for k, part in enumerate(self.args, 1) if k != argindex))

    def _sympystr(self, printer) -> str:
        return f"max({', '.join(map(printer._print, self.args))})"


class _Leads(sympy.Function):
    """1 where the first of several expressions is the greatest, 0 elsewhere; its own derivative is taken as 0."""

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return sympy.Integer(0)


_FUNCTIONS = {"sin": sympy.sin, "cos": sympy.cos, "exp": sympy.exp, "sqrt": sympy.sqrt}
_NUMPY: dict[type[sympy.Function], Callable[..., np.ndarray]] = {
    sympy.sin: np.sin,
    sympy.cos: np.cos,
    sympy.exp: np.exp,
    Greatest: lambda *values: np.maximum.reduce(values),
    _Leads: lambda first, *others: (first >= np.maximum.reduce(others)).astype(float),
}
_OPERATORS = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}
_LONGEST_TEXT = 2000
_MOST_PARTS = 8
_GREATEST = 1e300


def parse(text: str) -> sympy.Expr:
    """Read one expression in `t`.

    Allowed are numbers, `t`, `pi`, + - * /, ** with a whole exponent from 0 to 4, and sin, cos, exp, sqrt, and
    max of up to eight.

    Raises:
        ValueError: the text is anything else; the message names the part that is not allowed.
    """
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"an expression has at most {_LONGEST_TEXT} characters, this one has {len(text)}")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"not an expression: {text!r}") from error
    try:
        expression = _build(tree.body)
    except (ArithmeticError, TypeError) as error:  # infinite or complex
        raise ValueError(f"no real number in it: {text!r}") from error
    if expression.has(sympy.zoo, sympy.nan):
        raise ValueError(f"a division by zero in it: {text!r}")
    return expression


def _build(node: ast.AST) -> sympy.Expr:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool) and abs(number) < _GREATEST:
            return sympy.Integer(number) if isinstance(number, int) else sympy.Float(number)
        case ast.Name(id="t"):
            return T
        case ast.Name(id="pi"):
            return sympy.pi
        case ast.UnaryOp(op=ast.USub()):
            return -_build(node.operand)
        case ast.UnaryOp(op=ast.UAdd()):
            return _build(node.operand)
        case ast.BinOp(op=ast.Pow(), right=ast.Constant(value=int(power))) if 0 <= power <= 4:
            base = _build(node.left)
            # Exact integers of a tower of powers would fill the memory.
            return (sympy.Float(base) if base.is_number else base) ** power
        case ast.BinOp() if type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)](_build(node.left), _build(node.right))
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _FUNCTIONS:
            argument = _build(argument)
            # As a float, for the same reason: sympy would keep exact numbers of any length.
            return _number(name, argument) if argument.is_number else _FUNCTIONS[name](argument)
        case ast.Call(func=ast.Name(id="max"), args=several, keywords=[]) if 1 <= len(several) <= _MOST_PARTS:
            parts = [_build(part) for part in several]
            return Greatest(*parts) if len(parts) > 1 else parts[0]
    raise ValueError(f"not allowed in an equation: {ast.unparse(node)!r}")


def _number(name: str, argument: sympy.Expr) -> sympy.Float:
    with np.errstate(all="ignore"):
        value = getattr(np, name)(float(argument))
    if not np.isfinite(value):
        raise ValueError(f"{name}({argument}) has no finite value")
    return sympy.Float(value)


def evaluate(expression: sympy.Expr, t: np.ndarray) -> np.ndarray:
    """Values of an expression in `t` at the times `t` (any shape), in float64."""
    t = np.asarray(t, dtype=float)
    if expression == T:
        return t
    if expression.is_number:
        return np.full(t.shape, float(expression))
    values = [evaluate(argument, t) for argument in expression.args]
    if expression.is_Add:
        return sum(values, np.zeros(t.shape))
    if expression.is_Mul:
        return np.prod(values, axis=0)
    if expression.is_Pow:
        return values[0] ** values[1]
    return _NUMPY[expression.func](*values)


DIGITS = 6
"""Significant digits of numbers for programs: with 4, a bounce of five flights would be off by 0.01."""


def rounded(expression: sympy.Expr, digits: int) -> sympy.Expr:
    """The expression with its floats rounded to so many significant digits."""
    floats = {number: sympy.Float(number, digits) for number in expression.atoms(sympy.Float)}
    return expression.xreplace(floats)


@dataclass(frozen=True)
class Equation:
    """x(t), y(t), z(t): right-handed, x to the right, y up, z towards the camera."""

    x: sympy.Expr
    y: sympy.Expr
    z: sympy.Expr

    @classmethod
    def from_text(cls, text: dict[str, str]) -> "Equation":
        """Read `{"x": "...", "y": "...", "z": "..."}`; raises ValueError as `parse` does."""
        return cls(*(parse(text[axis]) for axis in "xyz"))

    @property
    def axes(self) -> tuple[sympy.Expr, sympy.Expr, sympy.Expr]:
        """x, y and z."""
        return self.x, self.y, self.z

    def to_text(self, digits: int = DIGITS) -> dict[str, str]:
        """The three expressions as text with numbers of so many significant digits; `from_text` reads it back."""
        return {axis: sympy.sstr(rounded(e, digits), full_prec=False) for axis, e in zip("xyz", self.axes)}

    def positions(self, t: np.ndarray) -> np.ndarray:
        """Positions (..., 3) at the times `t` (...)."""
        return np.stack([evaluate(expression, t) for expression in self.axes], axis=-1)

    def with_time(self, start: float, duration: float) -> "Equation":
        """The same path with clip time replaced by seconds: tau = (t - start) / duration, exactly, and simplified."""
        tau = (T - start) / duration
        return Equation(*(_tidy(expression.subs(T, tau)) for expression in self.axes))

    def scaled(self, factor: float) -> "Equation":
        """All lengths multiplied by a factor."""
        return Equation(*(sympy.expand(e * factor) for e in self.axes))

    def moved(self, matrix: np.ndarray, shift: np.ndarray) -> "Equation":
        """The path matrix @ p(t) + shift, for a matrix (3, 3) and a shift (3,)."""
        rows = zip(np.asarray(matrix, dtype=float).tolist(), np.asarray(shift, dtype=float).tolist())
        return Equation(
            *(sympy.expand(sum((c * e for c, e in zip(row, self.axes)), sympy.Float(by))) for row, by in rows)
        )


def _tidy(expression: sympy.Expr) -> sympy.Expr:
    """With numbers evaluated: `0.3*cos(6.28*t - 1.2)` instead of fractions of pi."""
    functions = {f: f.func(*map(_collected, f.args)) for f in expression.atoms(*_NUMPY)}
    return _collected(expression.xreplace(functions))


def _collected(expression: sympy.Expr) -> sympy.Expr:
    return sympy.expand(sympy.N(sympy.expand(expression)))
