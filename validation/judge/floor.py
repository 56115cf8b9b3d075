"""How many draws a verdict needs: the tails of the law, seen by too few draws, make every interval miss too often.

An interval takes the kurtosis κ_ψ of its influence values from the draws (``judge.pivots``). Where these are few for
the law's tails, most samples lack the large draws that make its κ_ψ, and no sample shows that they do. So the law
itself says how many are enough: n >= 4 (κ_ψ - 1), which is four degrees of freedom, and n >= 20 for the normal
approximation. Below, a verdict is *inconclusive* whatever the interval shows. Measured in docs/statistics.md.

For the moments of K the law gives κ_ψ. For the dQNTK, which goes as K^{3/2}, it is taken as 2 E K⁶/(E K³)² for μ and as
4 E K¹²/(E K⁶)² for μ², about the most that samples show of the exact factors, from 0.5 to 1.7 and from 0.3 to 4.3. For
the kernel between two inputs it is that of K.

The floor is that of the law that is held against the draws. Draws with heavier tails than it may still miss more often.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

from qntk.theory import KernelLaw
from qntk.theory.circuits.free_fermions import FermionLaw
from qntk.validation.judge.spread import Spread, raw_moments

FREEDOM = 4.0
"""Degrees of freedom, n / (κ_ψ - 1) with the law's κ_ψ, that a verdict needs."""
LEAST = 20
_FACTOR: Mapping[str, tuple[int, float]] = {"mean": (3, 2.0), "second_moment": (6, 4.0)}


@lru_cache(maxsize=1024)
def needed_draws(law: KernelLaw | FermionLaw, quantity: str, statistic: str, freedom: float = FREEDOM) -> int:
    """The smallest number of draws that gets a verdict.

    Args:
        law: that the draws are held against.
        quantity, statistic: of the claim.
        freedom: degrees of freedom asked for.

    >>> from qntk.theory import OperatorMoments
    >>> pauli, projector = OperatorMoments.from_pauli(8), OperatorMoments.from_projector(8)
    >>> [needed_draws(KernelLaw(4, O, pauli), "kernel", "variance") for O in (pauli, projector)]
    [514, 10552]
    """
    if statistic == "distribution":
        return 0
    if quantity == "dqntk" and isinstance(law, KernelLaw):
        power, factor = _FACTOR[statistic]
        raw = raw_moments(law, 2 * power)
        kurtosis = factor * (raw[2 * power] / raw[power] ** 2)
    else:
        kurtosis = Spread.of_law(law).kurtosis("mean" if quantity == "cross_kernel" else statistic)  # type: ignore[arg-type]
    return floor_of(kurtosis, freedom)


def floor_of(kurtosis: float, freedom: float = FREEDOM) -> int:
    """The smallest number of draws for influence values of this kurtosis κ_ψ."""
    return max(LEAST, math.ceil(freedom * (kurtosis - 1)))
