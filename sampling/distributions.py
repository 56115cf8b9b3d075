"""Distributions of a circuit's angles: functions of a random generator and a shape (draws, parameters)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Distribution = Callable[[np.random.Generator, tuple[int, int]], NDArray[np.float64]]
"""Any such function will do; it must draw from the generator it is given and nothing else."""


@dataclass(frozen=True)
class Uniform:
    """Uniform on [low, high), the whole circle by default."""

    low: float = 0.0
    high: float = 2 * np.pi

    def __call__(self, rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
        """Angles of the given shape."""
        return rng.uniform(self.low, self.high, shape)


@dataclass(frozen=True)
class Normal:
    """Normal with a mean and a standard deviation, in radians."""

    mean: float = 0.0
    std: float = 1.0

    def __call__(self, rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
        """Angles of the given shape."""
        return rng.normal(self.mean, self.std, shape)


@dataclass(frozen=True)
class Beta:
    """Beta(a, b), scaled to [low, high]."""

    a: float
    b: float
    low: float = 0.0
    high: float = 2 * np.pi

    def __call__(self, rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
        """Angles of the given shape."""
        return self.low + (self.high - self.low) * rng.beta(self.a, self.b, shape)
