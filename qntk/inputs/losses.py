"""Losses that users bring as functions of outputs and labels, with their slopes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_STEP, _WIDE = 2e-4, 1e-3
"""Steps of the differences: of the loss, to fourth order, and of its slope, to second."""
_NOTHING = 1e-7
"""Curvature below this, of the loss and its slope, is rounding."""
_ALIKE = 1e-4
"""A slope that is given agrees with the differences to this, of its largest element, or it is refused."""


@dataclass(frozen=True)
class OwnLoss:
    """A loss by a function of one's own.

    Args:
        function: from outputs and labels of the M training points, both of shape (M,), to one number: the loss of all,
            summed or averaged as one likes.
        given: ∂loss/∂outputs of the same arguments, shape (M,); by differences where it is None, to about 1e-11 where
            the loss is smooth.

    What the functions return is checked at each call: ``ValueError`` for other shapes and numbers that are not finite.

    >>> OwnLoss(lambda f, y: np.sum((f - y) ** 4)).slope(np.array([1.0, 0.5]), np.zeros(2)).round(9)
    array([4. , 0.5])
    """

    function: Callable[[Array, Array], Any]
    given: Callable[[Array, Array], Any] | None = None

    @cached_property
    def name(self) -> str:
        """Of the function."""
        name = str(getattr(self.function, "__name__", type(self.function).__name__))
        return "of one's own" if name == "<lambda>" else name

    def __str__(self) -> str:
        """The name, as results tell it."""
        return self.name

    def value(self, outputs: Array, labels: Array) -> Array:
        """The loss of outputs of shape (..., M), shape (...)."""
        rows = np.asarray(outputs, dtype=float).reshape(-1, outputs.shape[-1])
        return np.array([self._one(row, labels) for row in rows]).reshape(outputs.shape[:-1])

    def slope(self, outputs: Array, labels: Array) -> Array:
        """∂loss/∂outputs, shape (M,)."""
        if self.given is None:
            return self._by_differences(outputs, labels)
        with np.errstate(all="ignore"):
            found = np.asarray(self.given(outputs.copy(), labels.copy()))
        if found.shape != outputs.shape:
            raise ValueError(f"the gradient of loss {self.name} has shape {found.shape}; return {outputs.shape}")
        return self._real(found, "the gradient of loss", outputs)

    def curvature(self, outputs: Array, labels: Array) -> Array:
        """∂²loss/∂outputs², shape (M, M), to about 1e-6; what differences cannot tell from nothing is nothing."""
        step = _WIDE * np.eye(len(outputs))
        rows = [self.slope(outputs + h, labels) - self.slope(outputs - h, labels) for h in step]
        matrix = np.array(rows) / (2 * _WIDE)
        matrix = (matrix + matrix.T) / 2
        size = abs(self._one(outputs, labels)) + np.abs(self.slope(outputs, labels)).max()
        return np.where(np.abs(matrix) < _NOTHING * size, 0.0, matrix)

    def check(self, outputs: Array, labels: Array) -> None:
        """Refuse a slope that is not the slope of the loss, at these outputs."""
        found, right = self.slope(outputs, labels), self._by_differences(outputs, labels)
        off = np.abs(found - right)
        if off.max() > _ALIKE * max(np.abs(right).max(), 1e-6):
            at = int(off.argmax())
            raise ValueError(
                f"the gradient given is not that of loss {self.name}: for training point {at} it is {found[at]:.6g}, "
                f"by differences {right[at]:.6g}"
            )

    def _by_differences(self, outputs: Array, labels: Array) -> Array:
        found = np.empty(len(outputs))
        for at in range(len(outputs)):
            step = np.zeros(len(outputs))
            step[at] = _STEP
            near = self._one(outputs + step, labels) - self._one(outputs - step, labels)
            far = self._one(outputs + 2 * step, labels) - self._one(outputs - 2 * step, labels)
            found[at] = (8 * near - far) / (12 * _STEP)
        return found

    def _one(self, outputs: Array, labels: Array) -> float:
        with np.errstate(all="ignore"):  # what is not finite is told below
            found = np.asarray(self.function(outputs.copy(), labels.copy()))
        if found.shape:
            raise ValueError(
                f"loss {self.name} has shape {found.shape}; return one number, a sum or a mean over points"
            )
        return float(self._real(found, "loss", outputs))

    def _real(self, found: NDArray[Any], what: str, outputs: Array) -> Array:
        if found.dtype.kind not in "fiu":
            raise TypeError(f"{what} {self.name} is made of {found.dtype}; return real numbers")
        if not np.isfinite(found).all():
            span = f"outputs from {outputs.min():.6g} to {outputs.max():.6g}"
            hint = "" if self.given is not None else f" (differences step {2 * _STEP:g} beyond; a gradient does not)"
            raise ValueError(f"{what} {self.name} is not finite at {span}{hint}")
        return np.asarray(found, dtype=float)


def own_loss(loss: Any) -> OwnLoss | None:
    """A loss that is given as a function, or as a pair of one and its gradient; None for anything else."""
    if isinstance(loss, OwnLoss):
        return loss
    if callable(loss):
        return OwnLoss(loss)
    if isinstance(loss, tuple) and len(loss) == 2 and all(callable(part) for part in loss):
        return OwnLoss(*loss)
    return None
