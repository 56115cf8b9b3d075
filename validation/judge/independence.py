"""Are the draws independent? A check of their order and of repeated values, with a stated false-alarm rate.

No interval of a verdict can see dependence between draws: it would only be too short. This check takes any column of
draws from a continuous law, in the order in which they were made.

* Order: the lag-1 serial correlation of the ranks. Under independence every order is equally likely, so its mean and
  variance are exact for any law, heavy tails included (Wald and Wolfowitz, Ann. Math. Stat. 14, 378 (1943)); its
  p-value is normal in n.
* Repeats: equal values. Two independent draws of a continuous law meet on a double with probability at most 2^-48 as
  long as log K has a density below 16, that is down to a relative spread of about 2.5 %.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

MINIMUM_DRAWS = 30
_MEET = 2.0**-48


@dataclass(frozen=True)
class Independence:
    """What the order and the repeats of a column say.

    Attributes:
        draws: number of draws n.
        correlation: lag-1 serial correlation of the ranks, first and last draw taken as neighbours.
        repeats: draws that equal another one, less one for each value.
        p_value: of independence, two-sided. Below a level with probability at most that level plus n²/2^49.
    """

    draws: int
    correlation: float
    repeats: int
    p_value: float


def check_independence(draws: NDArray[np.float64]) -> Independence:
    """Check a column of draws, shape (n,), of a continuous law.

    Raises ``ValueError`` for fewer than 30 draws, values that are not finite, or a constant column.
    """
    values = np.asarray(draws, dtype=float).ravel()
    n = len(values)
    if n < MINIMUM_DRAWS:
        raise ValueError(f"{n} draws are too few for a check of independence; give at least {MINIMUM_DRAWS}")
    if not np.isfinite(values).all():
        raise ValueError("some draws are not finite; a kernel is a finite number")
    if np.ptp(values) == 0:
        raise ValueError("all draws are equal; a constant column has no order to test")
    ranks = rankdata(values)
    correlation, mean, std = serial_correlation(ranks - ranks.mean())
    order = float(2 * norm.sf(abs(correlation - mean) / std))
    repeats = n - len(np.unique(values))
    coincidence = min(1.0, n * (n - 1) / 2 * _MEET) if repeats else 1.0
    return Independence(n, correlation, repeats, min(order, coincidence))


def serial_correlation(centred: NDArray[np.float64]) -> tuple[float, float, float]:
    """Circular lag-1 correlation of values that sum to zero, with its mean and deviation over all their orders."""
    n = len(centred)
    s2, s4 = float((centred**2).sum()), float((centred**4).sum())
    variance = (s2**2 - s4) / (n - 1) + (s2**2 - 2 * s4) / ((n - 1) * (n - 2)) - (s2 / (n - 1)) ** 2
    return float(centred @ np.roll(centred, -1)) / s2, -1 / (n - 1), math.sqrt(variance) / s2
