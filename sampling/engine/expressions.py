"""Nonlinear parameter expressions, evaluated for whole batches of draws with their first and second derivatives.

Qiskit evaluates a ``ParameterExpression`` one assignment at a time. Its text is an arithmetic formula; here it is
parsed with Python's own grammar, restricted to arithmetic and Qiskit's functions, and evaluated on arrays. Each
formula is checked once against Qiskit's evaluation. Derivatives are Qiskit's.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import Parameter, ParameterExpression

Array = NDArray[np.float64]
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "exp": np.exp, "log": np.log, "abs": np.abs, "sign": np.sign, "conj": np.conj, "sqrt": np.sqrt,
}  # fmt: skip
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
    """

    columns: tuple[int, ...]
    value: Callable[[Array], Array]
    slopes: tuple[Callable[[Array], Array], ...]
    curvatures: tuple[tuple[Callable[[Array], Array], ...], ...]


def nonlinear(expression: ParameterExpression, column: Mapping[Parameter, int]) -> Nonlinear:
    """Compile an expression; ``ValueError`` if Qiskit cannot differentiate it or it does not evaluate as printed."""
    parameters = sorted(expression.parameters, key=lambda p: column[p])
    try:
        slopes = [_derivative(expression, p) for p in parameters]
        curvatures = [[_derivative(slope, p) for p in parameters] for slope in slopes]
    except RuntimeError as error:
        raise ValueError(f"angle {expression} has no derivative: {error}") from error

    def function(e: ParameterExpression | float) -> Callable[[Array], Array]:
        return _function(e, parameters)

    return Nonlinear(
        tuple(column[p] for p in parameters),
        function(expression),
        tuple(map(function, slopes)),
        tuple(tuple(map(function, row)) for row in curvatures),
    )


def _derivative(expression: ParameterExpression | float, parameter: Parameter) -> ParameterExpression | float:
    if not isinstance(expression, ParameterExpression) or parameter not in expression.parameters:
        return 0.0
    slope: ParameterExpression | float = expression.gradient(parameter)
    return slope


def _function(expression: ParameterExpression | float, parameters: list[Parameter]) -> Callable[[Array], Array]:
    """The function of arrays of shape (len(parameters), draws) that an expression stands for."""
    if not isinstance(expression, ParameterExpression) or not expression.parameters:
        constant = complex(expression).real
        return lambda values: np.full(values.shape[1], constant)
    names = {p: Parameter(f"v{i}") for i, p in enumerate(parameters)}
    text = str(expression.subs({p: names[p] for p in expression.parameters}))
    tree = ast.parse(text, mode="eval")
    if not all(isinstance(node, _NODES) for node in ast.walk(tree)):
        raise ValueError(f"angle {expression} holds a function that the sampler does not know")
    code = compile(tree, "expression", "eval")

    def evaluate(values: Array) -> Array:
        scope = {"__builtins__": {}} | _FUNCTIONS | {f"v{i}": row for i, row in enumerate(values)}
        result: Array = np.broadcast_to(np.asarray(eval(code, scope), dtype=float), values.shape[1:])
        return result

    point = np.linspace(0.31, 0.47, len(parameters))[:, None]
    expected = complex(
        expression.bind({p: point[i, 0] for i, p in enumerate(parameters) if p in expression.parameters})
    )
    if not np.isclose(evaluate(point)[0], expected.real, rtol=1e-12, atol=1e-12):
        raise ValueError(f"angle {expression} does not evaluate as it is printed; simplify it")
    return evaluate
