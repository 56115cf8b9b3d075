"""How far estimates of a kernel's moments will scatter, before there is a draw: from the law's own moments of K.

With z = (K - K̄)/ΔK and r = ΔK/K̄ the influence values of the estimates' logarithms are polynomials in z,

    mean: r z,      variance: z² - 1,      ΔK/K̄: (z² - 1)/2 - r z,

so that their variance, skewness and kurtosis, all that an interval takes from its draws (``judge.pivots``), follow
from E z^k up to k = 8.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.polynomial import polynomial

from qntk.theory import KernelLaw
from qntk.theory.haar.shape import known_order, sum_moments, variance_moments
from qntk.theory.haar.state import relative_variance
from qntk.theory.operators import OperatorMoments
from qntk.validation.judge.estimates import MINIMUM_DRAWS, Moment
from qntk.validation.judge.pivots import Pivot

_ORDER = 8


@dataclass(frozen=True)
class Spread:
    """What decides how far the estimates of a kernel's moments scatter.

    Attributes:
        relative_std: ΔK/K̄.
        shape: E z^k of the standardised kernel for k = 0 … 8.
        exact: whether the first four are those of the law; else they are approximate.
    """

    relative_std: float
    shape: tuple[float, ...]
    exact: bool = True

    @classmethod
    def of_moments(cls, raw: Sequence[Fraction], exact: bool = True) -> Spread:
        """From E K^k for k = 0 … 8.

        >>> exponential = Spread.of_moments([Fraction(math.factorial(k)) for k in range(9)])
        >>> exponential.relative_std, exponential.skewness, exponential.excess_kurtosis
        (1.0, 2.0, 6.0)
        """
        mean = raw[1]
        central = [sum(math.comb(n, k) * raw[k] * (-mean) ** (n - k) for k in range(n + 1)) for n in range(_ORDER + 1)]
        variance = central[2]
        shape = [math.copysign(math.sqrt(c * c / variance**n), c) for n, c in enumerate(central)]
        return cls(math.sqrt(variance / mean**2), tuple(shape), exact)

    @classmethod
    def of_law(cls, law: KernelLaw) -> Spread:
        """Of a Haar-layer law.

        Of an observable whose higher traces are not known (sums of very many Paulis) the higher moments of v_O are
        continued as a gamma variable's; ``exact`` is False if those up to the fourth are among them.
        """
        return cls.of_moments(raw_moments(law, _ORDER), known_order(law.observable, 4) == 4)

    @property
    def skewness(self) -> float:
        """Of K."""
        return self.shape[3]

    @property
    def excess_kurtosis(self) -> float:
        """Of K, 0 for a normal variable."""
        return self.shape[4] - 3

    def kurtosis(self, statistic: Moment) -> float:
        """κ_ψ, of the influence values of an estimate's logarithm."""
        second, _, fourth = self._influence(statistic)
        return fourth / second**2

    def pivot(self, statistic: Moment, draws: int) -> Pivot:
        """What n draws give on average: an estimate of 1 and its interval, relative to the truth."""
        if draws < MINIMUM_DRAWS:
            raise ValueError(f"draws is {draws}; give at least {MINIMUM_DRAWS}")
        second, third, fourth = self._influence(statistic)
        if statistic == "relative_std":
            second = max(second, 0.5 / (draws - 1))
        return Pivot(
            estimate=1.0,
            se=math.sqrt(second / (draws - 1)),
            df=draws / max(fourth / second**2 - 1, draws / (draws - 1)),
            skewness=third / second**1.5,
            draws=draws,
            logarithmic=True,
        )

    def _influence(self, statistic: Moment) -> tuple[float, float, float]:
        """E ψ^k for k = 2, 3, 4."""
        r = self.relative_std
        influence = {"mean": [0.0, r], "variance": [-1.0, 0.0, 1.0], "relative_std": [-0.5, -r, 0.5]}[statistic]
        second, third, fourth = (self._average(polynomial.polypow(influence, k)) for k in (2, 3, 4))
        return second, third, fourth

    def _average(self, coefficients: np.ndarray) -> float:
        return float(np.dot(coefficients, self.shape[: len(coefficients)]))


def raw_moments(law: KernelLaw, order: int) -> list[Fraction]:
    """E K^k for k = 0 … order, continued as ``Spread.of_law`` says."""
    return [a * b for a, b in zip(_continued(law.observable, order), sum_moments(law, order), strict=True)]


def _continued(operator: OperatorMoments, order: int) -> list[Fraction]:
    """E v^k for k = 0 … order; of a gamma variable, E v^{k+1} = E v^k E v (1 + k r) with r = Var v / (E v)²."""
    moments = variance_moments(operator, known_order(operator, order))
    ratio = relative_variance(operator)
    while len(moments) <= order:
        moments.append(moments[-1] * moments[1] * (1 + (len(moments) - 1) * ratio))
    return moments
