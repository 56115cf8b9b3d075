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
from functools import cached_property, lru_cache

import numpy as np

from qntk.theory import KernelLaw
from qntk.theory.circuits.free_fermions import FermionLaw
from qntk.theory.haar.shape import known_order, variance_moments, whole, whole_sum_moments
from qntk.theory.haar.state import relative_variance
from qntk.theory.operators import OperatorMoments
from qntk.validation.judge.estimates import MINIMUM_DRAWS, MOMENTS, Moment
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
    def of_moments(cls, raw: Sequence[Fraction | int], exact: bool = True) -> Spread:
        """From E K^k for k = 0 … 8, with K in any unit.

        >>> exponential = Spread.of_moments([math.factorial(k) for k in range(9)])
        >>> exponential.relative_std, exponential.skewness, exponential.excess_kurtosis
        (1.0, 2.0, 6.0)
        """
        mean = raw[1]
        shift = [(-mean) ** k for k in range(_ORDER + 1)]
        central = [sum(math.comb(n, k) * raw[k] * shift[n - k] for k in range(n + 1)) for n in range(_ORDER + 1)]
        variance = central[2]
        shape = [math.copysign(math.sqrt(c * c / variance**n), -1 if c < 0 else 1) for n, c in enumerate(central)]
        return cls(math.sqrt(variance / mean**2), tuple(shape), exact)

    @classmethod
    def of_law(cls, law: KernelLaw | FermionLaw) -> Spread:
        """Of a Haar-layer law, or one of free fermions.

        Of an observable whose higher traces are not known (sums of very many Paulis) the higher moments of v_O are
        continued as a gamma variable's; ``exact`` is False if those up to the fourth are among them.
        """
        if isinstance(law, FermionLaw):
            return cls.of_moments(law.moments(_ORDER))
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
        second, _, fourth = self._influences[statistic]
        return fourth / second**2

    def pivot(self, statistic: Moment, draws: int) -> Pivot:
        """What n draws give on average: an estimate of 1 and its interval, relative to the truth."""
        if draws < MINIMUM_DRAWS:
            raise ValueError(f"draws is {draws}; give at least {MINIMUM_DRAWS}")
        second, third, fourth = self._influences[statistic]
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

    @cached_property
    def _influences(self) -> dict[Moment, tuple[float, float, float]]:
        """E ψ^k for k = 2, 3, 4."""
        r = self.relative_std
        polynomials = {"mean": [0.0, r], "variance": [-1.0, 0.0, 1.0], "relative_std": [-0.5, -r, 0.5]}
        influences = {}
        for statistic in MOMENTS:
            powers = [np.array(polynomials[statistic])]
            for _ in range(3):
                powers.append(np.convolve(powers[-1], powers[0]))
            second, third, fourth = (float(np.dot(power, self.shape[: len(power)])) for power in powers[1:])
            influences[statistic] = second, third, fourth
        return influences


def raw_moments(law: KernelLaw, order: int) -> list[int]:
    """E (uK)^k for k = 0 … order with some u that makes them whole, continued as ``Spread.of_law`` says."""
    sums = whole_sum_moments(law, order)
    return [a * b for a, b in zip(_continued(law.observable, order), sums, strict=True)]


@lru_cache(maxsize=1024)
def _continued(operator: OperatorMoments, order: int) -> list[int]:
    """E (uv)^k for k = 0 … order; of a gamma variable, E v^{k+1} = E v^k E v (1 + k r) with r = Var v / (E v)²."""
    moments = variance_moments(operator, known_order(operator, order))
    ratio = relative_variance(operator)
    while len(moments) <= order:
        moments.append(moments[-1] * moments[1] * (1 + (len(moments) - 1) * ratio))
    return whole(moments)
