"""Levels that stand in for a spectrum of which the first eight traces are known, and no more.

The moments Tr A^k/D up to the eighth fix the orthogonal polynomials of the spectral measure up to the fourth,

    x p_n = b_{n+1} p_{n+1} + a_n p_n + b_n p_{n-1},      a_0 … a_3, b_1 … b_4,

and a measure with these coefficients and any others has these moments. For a sum of local strings b_n² rises with n, as
in a binomial law, n (N + 1 - n), and levels off where the ends of the spectrum are felt: beyond the fourth both
coefficients are held at their last values. What that leaves open is seen by moving them all by the last step, or by the
change of the last two where that is larger. Moments beyond the eighth enter the law of v only in its fifth moment and
beyond, in corrections so small at large D that a percent of them will do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_LEVELS = 12
_KNOWN = 4


class StandIn(NamedTuple):
    """A spectral measure: levels in units of ``unit``, the root of the second moment, and their shares of D."""

    levels: NDArray[np.float64]
    shares: NDArray[np.float64]
    unit: float

    def moment(self, power: int) -> Fraction:
        """Tr A^power / D."""
        return Fraction(float(self.shares @ self.levels**power)) * Fraction(self.unit) ** power


def stand_ins(moments: Sequence[Fraction]) -> list[StandIn]:
    """The measure taken, and others that the moments allow as well; one alone where they leave nothing open.

    Args:
        moments: Tr A^k/D for k = 0 … 8, the first of them 0.

    >>> (binomial,) = stand_ins([Fraction(m) for m in (1, 0, 2, 0, 8, 0, 32, 0, 128)])  # levels -2, 0, 2
    >>> (binomial.levels * binomial.unit).round(6).tolist(), binomial.shares.round(6).tolist()
    ([-2.0, 0.0, 2.0], [0.25, 0.5, 0.25])
    """
    unit = math.sqrt(moments[2])
    a, b = _recurrence(moments, unit)
    if len(a) < _KNOWN or len(b) < _KNOWN:
        return [_measure(a, b, unit)]
    held = _LEVELS - _KNOWN
    skew, width = _step(a), _step(b)
    return [
        _measure([*a, *[a[-1] + da] * held], [*b, *[b[-1] + db] * (held - 1)], unit)
        for da, db in ((0.0, 0.0), (skew, 0.0), (0.0, width))
    ]


def _step(values: Sequence[float]) -> float:
    """The last step, or the change of the last two where that is larger."""
    steps = np.diff(values)
    return float(max(abs(steps[-1]), abs(steps[-1] - steps[-2])))


def _recurrence(moments: Sequence[Fraction], unit: float) -> tuple[list[float], list[float]]:
    """a_n and b_n² in the unit given, by Chebyshev's algorithm in fractions; fewer where the levels are few."""
    before, row = [Fraction(0)] * 9, list(moments)
    a: list[Fraction] = [Fraction(0)]
    b: list[Fraction] = []
    for n in range(1, _KNOWN + 1):
        above = b[-1] if b else Fraction(0)
        following = [Fraction(0)] * 9
        for k in range(n, 9 - n):
            following[k] = row[k + 1] - a[-1] * row[k] - above * before[k]
        square = following[n] / row[n - 1]
        if square == 0:
            break
        b.append(square)
        if n < _KNOWN:
            a.append(following[n + 1] / following[n] - row[n] / row[n - 1])
        before, row = row, following
    return [float(x) / unit for x in a], [float(x) / unit**2 for x in b]


def _measure(a: Sequence[float], b: Sequence[float], unit: float) -> StandIn:
    """Gauss's rule of the recurrence (Golub and Welsch)."""
    off = np.sqrt(b[: len(a) - 1])
    levels, vectors = np.linalg.eigh(np.diag(a) + np.diag(off, 1) + np.diag(off, -1))
    return StandIn(levels, vectors[0] ** 2, unit)
