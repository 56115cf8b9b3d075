"""Intervals and p-values from influence values, for draws that are skewed and heavy-tailed.

An influence value ψ_i says how far draw i moves an estimate; the estimate scatters about the truth as their mean does.
Student's t with the ψ's own standard deviation assumes that the ψ are normal. Those of a kernel's variance are far from
it: a sample with few large draws has a small estimate and a small standard error at once, so that the truth lies above
the interval too often. Three corrections, each in closed form:

* the next draw is beyond all n so far, to a given side, with probability 1/(n + 1), whatever the continuous law: the
  smallest and the largest ψ count twice in every moment below (after the pseudo-observation of Chen, Variyath and
  Abraham, J. Comput. Graph. Statist. 17, 426, 2008);
* the variance of the ψ is itself an estimate, with (κ_ψ - 1)/n for its relative variance: Satterthwaite's degrees of
  freedom are 2n/(κ_ψ - 1), at most n - 1. The sample's kurtosis κ_ψ is below that of the law in most samples of heavy
  tails. Half as many, n/(κ_ψ - 1), keep the coverage in simulation; the factor is empirical;
* Student's quantile is bent by a monotone cubic until the skewness of the ψ is allowed for to order n^{-1/2} (Hall,
  J. R. Statist. Soc. B 54, 221, 1992; Johnson, J. Am. Statist. Assoc. 73, 536, 1978).

What they keep and where they fail is measured by ``benchmarks/interval_coverage.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr, stdtrit

_BLOCK = 1 << 21
_FARTHEST = 600.0
"""Largest distance from the estimate on the logarithmic scale, so that an interval's ends stay finite and positive."""


@dataclass(frozen=True)
class Blocks:
    """Influence values made as they are needed, so that many draws need no second column of their size.

    Attributes:
        draws: shape (n,).
        of: the influence of some of them.
    """

    draws: NDArray[np.float64]
    of: Callable[[NDArray[np.float64]], NDArray[np.float64]] = lambda values: values

    def __len__(self) -> int:
        """Number of draws n."""
        return len(self.draws)

    def __iter__(self) -> Iterator[NDArray[np.float64]]:
        """Block by block, in order."""
        return (self.of(block) for block in blocks_of(self.draws))


def blocks_of(draws: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """Views of a column, shape (n,), few of them in memory's terms."""
    return (draws[start : start + _BLOCK] for start in range(0, len(draws), _BLOCK))


@dataclass(frozen=True)
class Pivot:
    """One estimate with what turns a probability into an interval, and a value into a p-value.

    With x = (truth - estimate) / se, of the logarithms if ``logarithmic``, and T Student's variable,

        x = ((1 + A w)³ - 1) / (3 A),   w = T + skewness / (6 √n),

    where A is skewness / (3 √n), on the logarithm less se / 2 as far as that leaves it positive.

    Attributes:
        estimate: in the units of the statistic; positive if ``logarithmic``.
        se: standard error of the estimate, of its logarithm if ``logarithmic``; positive.
        df: degrees of freedom of T.
        skewness: of the influence values.
        draws: number of draws n.
        logarithmic: whether the truth is positive and the interval is built on its logarithm.
        needed: draws below which the interval may miss more often than its level says (``judge.floor``).
    """

    estimate: float
    se: float
    df: float
    skewness: float
    draws: int
    logarithmic: bool
    needed: int = 0

    @classmethod
    def of_influence(
        cls, estimate: float, influence: NDArray[np.float64] | Blocks, logarithmic: bool, least_se: float = 0.0
    ) -> Pivot:
        """From the influence values of a statistic.

        Args:
            estimate: of the statistic.
            influence: ψ of each draw, shape (n,): x - mean for a mean; divided by the estimate if ``logarithmic``, as
                in x/mean - 1. Only their differences matter.
            logarithmic: build the interval on the logarithm; the estimate must be positive.
            least_se: lower bound of the standard error, on the scale of the interval.

        Raises ``ValueError`` for fewer than 2 influence values, values that are not finite, a logarithm of an estimate
        that is not positive, or values that are all equal while ``least_se`` is 0.
        """
        blocks = influence if isinstance(influence, Blocks) else Blocks(np.asarray(influence, dtype=float).ravel())
        n = len(blocks)
        if n < 2:
            raise ValueError(f"{n} influence values are too few; give at least 2")
        total, low, high = 0.0, math.inf, -math.inf
        for values in blocks:
            total, low, high = total + float(values.sum()), min(low, values.min()), max(high, values.max())
        mean = total / n
        if not (math.isfinite(estimate) and math.isfinite(low) and math.isfinite(high)):
            raise ValueError("the estimate or an influence value is not finite; give finite numbers")
        if logarithmic and estimate <= 0:
            raise ValueError(f"estimate is {estimate}; a logarithm needs a positive number")
        ends = np.array([low - mean, high - mean])
        scale = max(float(np.abs(ends).max()), least_se * math.sqrt(n))
        if scale == 0:
            raise ValueError("all influence values are equal; give values that differ, or a least_se")
        sums = np.array([float(((ends / scale) ** k).sum()) for k in (2, 3, 4)])
        for values in blocks:
            # Sums, not BLAS products, whose last digit depends on the number of threads.
            centred = (values - mean) / scale
            squares = centred * centred
            sums += [squares.sum(), np.multiply(squares, centred, out=centred).sum(), (squares * squares).sum()]
        second = max(float(sums[0]) / n, (least_se / scale) ** 2 * (n - 1))
        third, fourth = float(sums[1]) / n, float(sums[2]) / n
        return cls(
            estimate=estimate,
            se=scale * math.sqrt(second / (n - 1)),
            df=n / max(fourth / second**2 - 1, n / (n - 1)),
            skewness=third / second**1.5,
            draws=n,
            logarithmic=logarithmic,
        )

    def interval(self, level: float) -> tuple[float, float]:
        """For the true value; misses with probability ``level``, half of it on each side, asymptotically in n.

        It holds the estimate at every level below 0.8. On the logarithmic scale it ends within a factor e^600.
        """
        if not 0.0 < level < 1.0:
            raise ValueError(f"level is {level}; give a probability between 0 and 1")
        reach = -float(stdtrit(self.df, level / 2))
        return self._value(self._shift - reach), self._value(self._shift + reach)

    @property
    def enough(self) -> bool:
        """Whether a verdict may be read off the interval."""
        return self.draws >= self.needed

    def p_at_least(self, value: float) -> float:
        """One-sided p-value of "truth >= value": small if the draws put the truth below."""
        return float(stdtr(self.df, self._shift - self._position(value)))

    def p_at_most(self, value: float) -> float:
        """One-sided p-value of "truth <= value": small if the draws put the truth above."""
        return float(stdtr(self.df, self._position(value) - self._shift))

    def p_equal(self, value: float) -> float:
        """Two-sided p-value of a truth of exactly ``value``."""
        return min(1.0, 2 * min(self.p_at_least(value), self.p_at_most(value)))

    def detectable(self, margin: float, level: float, power: float, relative: bool = True) -> float:
        """Smallest excess of the truth over a prediction that gets ``disagree`` with this probability.

        In units of the margin. ``relative`` needs a pivot that is logarithmic; see ``qntk.validation.judge.design``.
        """
        if not self.enough:
            return math.inf
        scatter = float(ndtri(power)) * self.se
        low, high = self.interval(level)
        if not relative:
            return margin + scatter + max(self.estimate - low, high - self.estimate)
        steps = math.log(self.estimate / low) + scatter
        return (1 + margin) * math.exp(min(steps, _FARTHEST)) - 1

    @property
    def _shift(self) -> float:
        """Median of w."""
        return self.skewness / (6 * math.sqrt(self.draws))

    @property
    def _bend(self) -> float:
        """A: of the skewness, less what the logarithm bends by itself, unless a long tail would become a short one."""
        bend = self.skewness / (3 * math.sqrt(self.draws))
        return bend - min(self.se / 2, max(bend, 0.0)) if self.logarithmic else bend

    def _value(self, w: float) -> float:
        """The true value at which w is taken."""
        A = self._bend
        distance = self.se * w * (1 + A * w + (A * w) ** 2 / 3)
        if not self.logarithmic:
            return self.estimate + distance
        return self.estimate * math.exp(min(max(distance, -_FARTHEST), _FARTHEST))

    def _position(self, value: float) -> float:
        """w if the truth is ``value``; the inverse of ``_value``."""
        if self.logarithmic:
            if value <= 0:
                return -math.inf
            x = (math.log(value) - math.log(self.estimate)) / self.se
        else:
            x = (value - self.estimate) / self.se
        A = self._bend
        if A == 0 or math.isinf(x):
            return x
        if 3 * A * x > -0.5:
            return math.expm1(math.log1p(3 * A * x) / 3) / A
        return (math.cbrt(1 + 3 * A * x) - 1) / A
