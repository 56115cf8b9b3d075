"""Regression data for quantum neural networks: points, labels, and which of them are for training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qntk.sampling.learning.ising import Direction, magnetisation

Array = NDArray[np.float64]
FIELDS = tuple(-5 + 0.5 * k for k in range(20))
"""Transverse fields -5 … 4.5 of arXiv 2503.01966."""
TRAINING_FIELDS = (-5.0, -3.5, -2.5, -1.0, -0.5, 0.0, 0.5, 1.5, 4.0, 4.5)
REACH = 0.95
"""Inputs are scaled to [-0.95, 0.95]."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Points with labels.

    Attributes:
        name: for reports.
        x: what the circuit is given, shape (points, features).
        labels: y, shape (points,).
        training: which points are trained on, boolean, shape (points,).
        shown: the quantity that plots show on their horizontal axis, shape (points,).
        axes: what the horizontal and the vertical axis mean.
        notes: what was done to the data before, for who reads a result.

    Raises ``ValueError`` for shapes that do not fit, numbers that are not finite, two points with the same input, or
    fewer than two points to train on.
    """

    name: str
    x: Array
    labels: Array
    training: NDArray[np.bool_]
    shown: Array
    axes: tuple[str, str] = ("x", "label")
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be learned."""
        points = len(self.labels)
        if self.x.ndim != 2 or not len(self.x) == len(self.training) == len(self.shown) == points:
            raise ValueError(f"data set {self.name}: x has shape {self.x.shape} for {points} labels")
        for what, values in (("inputs", self.x), ("labels", self.labels)):
            if not np.isfinite(values).all():
                bad = np.flatnonzero(~np.isfinite(values.reshape(points, -1)).all(axis=1))[0]
                raise ValueError(f"data set {self.name}: {what} must be finite; point {bad} is not")
        if self.training.sum() < 2:
            raise ValueError(f"data set {self.name}: {self.training.sum()} points to train on; give at least 2")
        first: dict[tuple[float, ...], int] = {}
        for index, row in enumerate(map(tuple, self.x.tolist())):
            if row in first:
                raise ValueError(
                    f"data set {self.name}: points {first[row]} and {index} have the same input {list(row)}; "
                    "the kernel would be singular, merge them"
                )
            first[row] = index

    @property
    def features(self) -> int:
        """Number of features of a point."""
        return int(self.x.shape[1])

    def unreachable(self, lowest: float, highest: float) -> str:
        """A warning if training labels lie outside the observable's spectrum [lowest, highest], else empty."""
        y = self.labels[self.training]
        outside = int(((y < lowest) | (y > highest)).sum())
        if not outside:
            return ""
        return (
            f"{outside} of {len(y)} training labels of {self.name} lie outside [{lowest:g}, {highest:g}], the "
            "observable's spectrum: no circuit reaches them, and the frozen kernel does not know"
        )


def ising(
    qubits: int = 6,
    fields: ArrayLike = FIELDS,
    training: ArrayLike = TRAINING_FIELDS,
    coupling: float = 1.0,
    periodic: bool = True,
    symmetry_breaking: float = 0.0,
    direction: Direction = "x",
) -> Dataset:
    """Ising magnetisation against the field, the fields rescaled to [-0.95, 0.95] (``qntk.sampling.learning.ising``).

    ``training`` are the fields to train on, each one of ``fields``; the others are for testing.
    """
    h, chosen = np.atleast_1d(np.asarray(fields, float)), np.atleast_1d(np.asarray(training, float))
    if not np.isfinite(h).all() or len(h) < 2 or h.max() == h.min():
        raise ValueError("fields must be at least two different finite numbers")
    missing = [f for f in chosen if not np.isclose(h, f, rtol=0, atol=1e-9).any()]
    if missing:
        raise ValueError(f"training field {missing[0]:g} is not among the fields")
    return Dataset(
        name=f"Ising magnetisation, N = {qubits}, {'periodic' if periodic else 'open'}",
        x=_rescaled(h)[:, None],
        labels=magnetisation(h, qubits, coupling, periodic, symmetry_breaking, direction),
        training=np.isclose(h[:, None], chosen, rtol=0, atol=1e-9).any(axis=1),
        shown=h,
        axes=("transverse field h/J", f"magnetisation along {direction}"),
    )


def fourier(degree: int = 3, points: int = 20, seed: int = 0) -> Dataset:
    """A random Fourier series Σ_{k=1..degree} a_k cos(πkx) + b_k sin(πkx), scaled to a largest value of 0.8.

    A circuit can fit it only if its encoding has the frequencies πk, and generalises only if it has few others.
    Points are equidistant in [-0.95, 0.95], every other one for training.
    """
    if not 1 <= degree <= 100:
        raise ValueError(f"degree is {degree}; give 1 to 100")
    a, b = np.random.default_rng(seed).normal(size=(2, degree))
    k = np.pi * np.arange(1, degree + 1)

    def series(x: Array) -> Array:
        return np.asarray(np.cos(x[:, None] * k) @ a + np.sin(x[:, None] * k) @ b)

    x = _grid(points)
    y = 0.8 * series(x) / np.abs(series(np.linspace(-1, 1, 2001))).max()
    return Dataset(f"Fourier series of degree {degree}", x[:, None], y, alternate(points), x)


def kink(points: int = 20) -> Dataset:
    """0.8·(2|x| - 1), a function with a corner and so with every frequency; every other point for training."""
    x = _grid(points)
    return Dataset("kink", x[:, None], 0.8 * (2 * np.abs(x) - 1), alternate(points), x)


def _rescaled(values: Array) -> Array:
    low, high = values.min(), values.max()
    return np.asarray(REACH * (2 * (values - low) / (high - low) - 1))


def _grid(points: int) -> Array:
    if not 4 <= points <= 10_000:
        raise ValueError(f"points is {points}; give 4 to 10000")
    return np.linspace(-REACH, REACH, points)


def alternate(points: int) -> NDArray[np.bool_]:
    """The first, the third, …: every other point."""
    return np.asarray(np.arange(points) % 2 == 0)
