"""What the laws of this room accept, said in one line where it is refused."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
EDGE = 1e-12
"""Share of its largest value below which a variance counts as zero: the output stands at the spectrum's edge."""


def positive(name: str, value: ArrayLike) -> Array:
    """Finite numbers above 0, any shape."""
    numbers = finite(name, value)
    if not (numbers > 0).all():
        raise ValueError(f"{name} is {_shown(numbers)}; give a finite number above 0")
    return numbers


def scalar(name: str, value: ArrayLike) -> float:
    """One finite number above 0."""
    return float(positive(name, finite(name, value, ())))


def finite(name: str, value: ArrayLike, shape: tuple[int, ...] | None = None) -> Array:
    """Finite real numbers, of the shape if one is given."""
    try:
        numbers = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is not made of real numbers") from None
    if shape is not None and numbers.shape != shape:
        raise ValueError(f"{name} has shape {numbers.shape}; give {shape}")
    if not np.isfinite(numbers).all():
        raise ValueError(f"{name} holds numbers that are not finite")
    return numbers


def step_count(steps: int) -> int:
    """A whole number of steps, 0 or more."""
    if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)):
        raise TypeError(f"steps is {steps!r}; give a whole number of steps")
    if steps < 0:
        raise ValueError(f"steps is {steps}; give 0 or more")
    return int(steps)


def two_levels(levels: tuple[float, float]) -> tuple[float, float]:
    """Centre m and half-width h of the two eigenvalues, lower one first: O = m + hS with S² = 1."""
    pair = finite("levels", levels, (2,))
    if not pair[0] < pair[1]:
        raise ValueError(f"levels are {_shown(pair)}; give the lower eigenvalue first, and two different ones")
    return float(pair.mean()), float(pair[1] - pair[0]) / 2


def training_mask(training: ArrayLike, points: int) -> NDArray[np.bool_]:
    """Which of the points are trained on, shape (points,), at least one."""
    mask = np.asarray(training)
    if mask.dtype != bool or mask.shape != (points,):
        raise ValueError(f"training is of type {mask.dtype} and shape {mask.shape}; give {points} booleans")
    if not mask.any():
        raise ValueError("training marks no point; give at least one to train on")
    return mask


def labelled(labels: ArrayLike, training: NDArray[np.bool_]) -> Array:
    """Labels of all points, shape (points,); those that are not trained on may be NaN."""
    y = np.asarray(labels, dtype=float)
    if y.shape != training.shape:
        raise ValueError(f"labels has shape {y.shape}; give {training.shape}")
    amiss = np.flatnonzero(training & ~np.isfinite(y))
    if amiss.size:
        raise ValueError(f"label {amiss[0]} is {y[amiss[0]]}; points that are trained on need finite labels")
    return y


def inside(outputs: Array, centre: float, half: float) -> Array:
    """sin φ = (f - m)/h of initial outputs that can move: strictly inside the spectrum."""
    share = (outputs - centre) / half
    where = np.flatnonzero(np.abs(np.atleast_1d(share)) > 1 + 1e-9)
    if where.size:
        value = np.atleast_1d(outputs)[where[0]]
        raise ValueError(
            f"output {where[0]} starts at {value:g}, outside the spectrum [{centre - half:g}, {centre + half:g}]"
        )
    where = np.flatnonzero(1 - np.atleast_1d(share) ** 2 <= EDGE)
    if where.size:
        value = np.atleast_1d(outputs)[where[0]]
        raise ValueError(
            f"output {where[0]} starts at {value:g}, the edge of the spectrum, where its gradient vanishes "
            "and the law is 0/0; give a start inside"
        )
    return np.clip(share, -1, 1)


def stable(rate: float, largest: float, where: str, unstable: bool | None) -> None:
    """Refuse gradient descent at or above 2/λ_max, unless ``unstable`` asks for it; None where nothing can."""
    if not unstable and rate * largest >= 2:
        raise ValueError(
            f"rate {rate:g} is beyond stability: times the kernel's largest eigenvalue {where} it is "
            f"{rate * largest:.3g}; give a rate below {2 / largest:.3g}"
            + ("" if unstable is None else ", or unstable=True to follow it all the same")
        )


def _shown(numbers: Array) -> str:
    return np.array2string(numbers, precision=6, threshold=4, edgeitems=2)
