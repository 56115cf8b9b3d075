"""How far draws are from a distribution function: sup |F_n - F|, and what it says of the law behind them.

The Dvoretzky-Kiefer-Wolfowitz inequality with Massart's constant, P(sup |F_n - F*| > e) <= 2 exp(-2 n e²), holds for n
independent draws of any law F* and at every n. By the triangle inequality the distance sup |F* - F| then lies within e
of sup |F_n - F|. No normal approximation enters, nor the shape of the law.

D_n = max_i max(i/n - F(x_i), F(x_i) - (i-1)/n) over the sorted draws. F is costly and monotone, so two evaluated draws
bound all terms between them, and only gaps that may still hold the maximum are halved: a million draws take some
thousand evaluations.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
_FIRST = 257
TOLERANCE = 1e-5
"""Width at which the bracket of D_n is narrow enough; the interval allows for it."""


@dataclass(frozen=True)
class SupDistance:
    """The bracket low <= D_n <= high, from ``draws`` draws, where F itself is good to ``error``."""

    low: float
    high: float
    draws: int
    error: float = 0.0
    enough = True
    """A verdict may be read off the interval at every number of draws."""

    def interval(self, level: float) -> tuple[float, float]:
        """For the true sup distance between the draws' law and F; misses with probability at most ``level``."""
        reach = math.sqrt(math.log(2 / level) / (2 * self.draws)) + self.error
        return max(0.0, self.low - reach), min(1.0, self.high + reach)

    @property
    def estimate(self) -> float:
        """D_n."""
        return self.low

    def p_equal(self, value: float = 0.0) -> float:
        """Two-sided p-value of a true distance of exactly ``value``.

        Of 0 it is Kolmogorov and Smirnov's, less the error that F may have; else the inequality's bound.
        """
        if value == 0.0:
            from scipy.stats import kstwo  # a third of a second, which a plan does not need

            return float(kstwo.sf(max(0.0, self.low - self.error), self.draws))
        return min(self.p_at_least(value), self.p_at_most(value))

    def p_at_least(self, value: float) -> float:
        """Bound on the one-sided p-value of a true distance of ``value`` or more: small speaks for agreement."""
        return self._tail(value - self.high - self.error)

    def p_at_most(self, value: float) -> float:
        """Bound on the one-sided p-value of a true distance of ``value`` or less: small speaks against agreement."""
        return self._tail(self.low - self.error - value)

    def detectable(self, margin: float, level: float, power: float, relative: bool = False) -> float:
        """Smallest true distance that gets ``disagree`` with at least this probability.

        D_n falls short of the truth by e or more with probability at most exp(-2 n e²), Hoeffding's bound at the point
        of the largest distance.
        """
        assert not relative
        steps = math.sqrt(math.log(2 / level)) + math.sqrt(-math.log1p(-power))
        return margin + self.error + steps / math.sqrt(2 * self.draws)

    def _tail(self, reach: float) -> float:
        return min(1.0, 2 * math.exp(-2 * self.draws * max(0.0, reach) ** 2))


def sup_distance(draws: Float, cdf: Callable[[Float], Float], error: float = 0.0) -> SupDistance:
    """D_n of a column of draws, shape (n,), to ``TOLERANCE``.

    Args:
        draws: independent draws, in any order; ties are no harm.
        cdf: F at values of shape (m,), monotone up to ``error``.
        error: the largest error of F.

    >>> middle = (np.arange(1000) + 0.5) / 1000
    >>> round(sup_distance(middle, lambda x: x).low, 12)
    0.0005
    """
    values = np.sort(draws)
    n = len(values)
    at = np.unique(np.linspace(0, n - 1, min(n, _FIRST)).astype(np.int64))
    exact = cdf(values[at])
    while True:
        F = np.maximum.accumulate(exact)  # a running maximum of what is good to ``error`` is as good
        low = float(np.maximum((at + 1) / n - F, F - at / n).max())
        bound = np.maximum(at[1:] / n - F[:-1], F[1:] - (at[:-1] + 1) / n)  # of all terms strictly between
        halve = (np.diff(at) > 1) & (bound > low + TOLERANCE)
        if not halve.any():
            return SupDistance(low, max(low, float(bound[np.diff(at) > 1].max(initial=0.0))), n, error)
        middle = (at[:-1][halve] + at[1:][halve]) // 2
        place = np.flatnonzero(halve) + 1
        at, exact = np.insert(at, place, middle), np.insert(exact, place, cdf(values[middle]))
