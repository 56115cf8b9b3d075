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
MOST = 1 << 22
"""Draws from the first on whose order is looked at; what repeats is looked for among all."""
_MEET = 2.0**-48


@dataclass(frozen=True)
class Independence:
    """What the order and the repeats of a column say.

    Attributes:
        draws: number of draws n.
        correlation: lag-1 serial correlation of the ranks, first and last draw taken as neighbours.
        repeats: draws that equal another one, less one for each value.
        coincidence: bound on the probability of so many repeats.
        p_value: of independence, two-sided. Below a level with probability at most that level plus n²/2^49.
    """

    draws: int
    correlation: float
    repeats: int
    coincidence: float
    p_value: float


def check_independence(draws: NDArray[np.float64]) -> Independence:
    """Check a column of draws, shape (n,), of a continuous law.

    Raises ``ValueError`` for fewer than 30 draws, values that are not finite, or a constant column.
    """
    values = np.asarray(draws, dtype=float).ravel()
    n = len(values)
    if n < MINIMUM_DRAWS:
        raise ValueError(f"{n} draws are too few for a check of independence; give at least {MINIMUM_DRAWS}")
    ordered = np.sort(values)
    if not (math.isfinite(ordered[0]) and math.isfinite(ordered[-1])):
        raise ValueError("some draws are not finite; a kernel is a finite number")
    if ordered[0] == ordered[-1]:
        raise ValueError("all draws are equal; a constant column has no order to test")
    repeats = sum(
        int((ordered[start + 1 : start + 1 + MOST] == ordered[start : start + MOST][: n - 1 - start]).sum())
        for start in range(0, n - 1, MOST)
    )
    del ordered
    ranks = rankdata(values[:MOST])
    correlation, mean, std = serial_correlation(ranks - ranks.mean())
    order = float(2 * norm.sf(abs(correlation - mean) / std))
    # Markov's inequality: so many pairs are expected at most.
    coincidence = min(1.0, n * (n - 1) / 2 * _MEET / repeats) if repeats else 1.0
    return Independence(n, correlation, repeats, coincidence, min(order, coincidence))


def doubt(draws: NDArray[np.float64], level: float = 1e-6, order: bool = True) -> str | None:
    """One sentence if the draws do not look independent, at a false-alarm rate of ``level``; None if they do.

    Fewer than 30 draws say nothing. Without ``order`` only what repeats is looked for. Raises ``ValueError`` for values
    that are not finite, or a constant column.
    """
    if len(draws) < MINIMUM_DRAWS:
        return None
    found = check_independence(draws)
    if found.p_value > level:
        return None
    if found.repeats and found.coincidence <= level:
        return (
            f"{found.repeats:,} of {found.draws:,} draws repeat another: copies are not independent, and every "
            "interval is then too short; give each draw once, or, if they were rounded or take few values, read them so"
        )
    if not order:
        return None
    return (
        f"neighbouring draws are correlated (rank correlation {found.correlation:.2g}, p = {found.p_value:.1g}): they "
        "are not independent, and every interval is then too short; thin them, or draw anew"
    )


def serial_correlation(centred: NDArray[np.float64]) -> tuple[float, float, float]:
    """Circular lag-1 correlation of values that sum to zero, with its mean and deviation over all their orders."""
    n = len(centred)
    s2, s4 = float((centred**2).sum()), float((centred**4).sum())
    variance = (s2**2 - s4) / (n - 1) + (s2**2 - 2 * s4) / ((n - 1) * (n - 2)) - (s2 / (n - 1)) ** 2
    return float(centred @ np.roll(centred, -1)) / s2, -1 / (n - 1), math.sqrt(variance) / s2
