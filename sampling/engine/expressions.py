"""Nonlinear parameter expressions, evaluated for whole batches of draws with their first and second derivatives.

Qiskit evaluates a ``ParameterExpression`` one assignment at a time. Its text is an arithmetic formula; here it is
parsed with Python's own grammar, restricted to arithmetic and Qiskit's functions, and evaluated on arrays. Each
formula is checked once against Qiskit's evaluation. Derivatives are Qiskit's.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import Parameter, ParameterExpression
from qiskit.circuit.exceptions import CircuitError

from qntk.sampling.arithmetic.elementary import FUNCTIONS

Array = NDArray[np.float64]
_NODES = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.Call, ast.Name, ast.Constant, ast.Load,
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.USub, ast.UAdd,
)  # fmt: skip


@dataclass(frozen=True)
class Nonlinear:
    """An angle that is not linear in the parameters.

    Attributes:
        columns: the parameters it depends on, as columns of the batch.
        value: the angle, from arrays of those columns.
        slopes: ∂ angle / ∂ column, one function for each column.
        curvatures: ∂² angle / ∂ column ∂ column, row by row.
        points: some at which it has a value, shape (columns, points).
    """

    columns: tuple[int, ...]
    value: Callable[[Array], Array]
    slopes: tuple[Callable[[Array], Array], ...]
    curvatures: tuple[tuple[Callable[[Array], Array], ...], ...]
    points: Array


def nonlinear(expression: ParameterExpression, column: Mapping[Parameter, int]) -> Nonlinear:
    """Compile an expression.

    Raises ``ValueError`` if Qiskit cannot differentiate it, if it does not evaluate as it is printed, or if a slope of
    Qiskit's is not that of Qiskit's own values: both are looked at where the expression has a value. The functions
    themselves raise it where the angle, or a derivative, leaves its domain.
    """
    parameters = sorted(expression.parameters, key=lambda p: column[p])
    try:
        slopes = [_derivative(expression, p) for p in parameters]
        curvatures = [[_derivative(slope, p) for p in parameters] for slope in slopes]
    except RuntimeError as error:
        raise ValueError(f"angle {expression} has no derivative: {error}") from error

    points = _points(expression, parameters)

    def function(e: ParameterExpression | float) -> Callable[[Array], Array]:
        return _function(e, parameters, points, str(expression))

    made = Nonlinear(
        tuple(column[p] for p in parameters),
        function(expression),
        tuple(map(function, slopes)),
        tuple(tuple(map(function, row)) for row in curvatures),
        points,
    )
    for place, parameter in enumerate(parameters):
        rows = [(made.value, made.slopes[place])]
        rows += [(made.slopes[one], made.curvatures[one][place]) for one in range(len(parameters))]
        for value, slope in rows:
            _check_slope(value, slope, place, points, f"angle {expression}: Qiskit's slope by {parameter.name}")
    return made


def _points(expression: ParameterExpression, parameters: list[Parameter]) -> Array:
    """Up to four points at which the expression has a real value, shape (parameters, points); ``ValueError`` if none
    is found."""
    found: list[Array] = []
    rng = np.random.default_rng(len(parameters))
    for size in (0.3, 1.0, 3.0, 10.0, 100.0):
        for shift in (1.0, 0.0, -1.0):
            point = size * (shift + rng.uniform(0.1, 0.4, len(parameters)) * rng.choice((-1, 1), len(parameters)))
            near = [point * factor for factor in (1.0, 1 - 1e-3, 1 + 1e-3)]
            if len(found) < 4 and all(_real_at(expression, parameters, p) is not None for p in near):
                found.append(point)
    if not found:
        raise ValueError(f"angle {expression} has no real value at any of the points that were tried; simplify it")
    return np.stack(found, axis=1)


def _real_at(expression: ParameterExpression, parameters: list[Parameter], point: Array) -> float | None:
    """Qiskit's own value, or None where it has none that is real and finite."""
    try:
        value = complex(
            expression.bind({p: float(v) for p, v in zip(parameters, point, strict=True) if p in expression.parameters})
        )
    except (CircuitError, ZeroDivisionError, RuntimeError, TypeError):
        return None
    return value.real if np.isfinite(value) and abs(value.imag) < 1e-12 * (1 + abs(value)) else None


def _check_slope(
    value: Callable[[Array], Array], slope: Callable[[Array], Array], place: int, points: Array, what: str
) -> None:
    """A derivative against central differences of two widths, to 1e-5 of the larger of the two."""
    step = np.zeros_like(points)
    step[place] = 1e-4 * np.abs(points).max(axis=0)
    try:
        wide, narrow = ((value(points + s) - value(points - s)) / (2 * s[place]) for s in (2 * step, step))
        expected, found = (4 * narrow - wide) / 3, slope(points)
    except ValueError:  # at the edge of the domain; evaluation itself will say so
        return
    scale = np.abs(expected) + np.abs(found) + np.abs(value(points)) * 1e-3
    if (np.abs(found - expected) > 1e-5 * scale + 1e-9).any():
        raise ValueError(f"{what} is not that of its own values; write the angle in another way, or upgrade Qiskit")


class _Powers(ast.NodeTransformer):
    """Powers as calls of our own function: NumPy's depends on the processor."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Pow):
            return node
        return ast.Call(ast.Name("power", ast.Load()), [node.left, node.right], [])


def _derivative(expression: ParameterExpression | float, parameter: Parameter) -> ParameterExpression | float:
    if not isinstance(expression, ParameterExpression) or parameter not in expression.parameters:
        return 0.0
    slope: ParameterExpression | float = expression.gradient(parameter)
    return slope


def _function(
    expression: ParameterExpression | float, parameters: list[Parameter], points: Array, angle: str
) -> Callable[[Array], Array]:
    """The function of arrays of shape (len(parameters), draws) that an expression stands for."""
    if not isinstance(expression, ParameterExpression) or not expression.parameters:
        constant = complex(expression).real
        return lambda values: np.full(values.shape[1], constant)
    names = {p: Parameter(f"v{i}") for i, p in enumerate(parameters)}
    text = str(expression.subs({p: names[p] for p in expression.parameters}))
    tree = ast.parse(text, mode="eval")
    if not all(isinstance(node, _NODES) for node in ast.walk(tree)):
        raise ValueError(f"angle {expression} holds a function that the sampler does not know")
    code = compile(ast.fix_missing_locations(_Powers().visit(tree)), "expression", "eval")

    def evaluate(values: Array) -> Array:
        scope = {"__builtins__": {}} | FUNCTIONS | {f"v{i}": row for i, row in enumerate(values)}
        with np.errstate(all="ignore"):
            result: Array = np.broadcast_to(np.asarray(eval(code, scope), dtype=float), values.shape[1:])
        bad = np.flatnonzero(~np.isfinite(result))
        if len(bad):
            at = ", ".join(f"{p.name} = {row[bad[0]]:.6g}" for p, row in zip(parameters, values, strict=True))
            raise ValueError(f"angle {angle} leaves its domain at {at}")
        return result

    for point in points.T:
        expected = _real_at(expression, parameters, point)
        if expected is not None and not np.isclose(evaluate(point[:, None])[0], expected, rtol=1e-12, atol=1e-12):
            raise ValueError(f"angle {expression} does not evaluate as it is printed; simplify it")
    return evaluate
