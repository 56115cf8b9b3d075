"""Estimates with standard errors that do not assume a normal K."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qntk.validation.judge.pivots import Blocks, Pivot, blocks_of

MINIMUM_DRAWS = 8
Moment = Literal["mean", "variance", "relative_std"]
MOMENTS: tuple[Moment, ...] = ("mean", "variance", "relative_std")


@dataclass(frozen=True)
class Summary:
    """Sample moments of independent draws, with what is needed for intervals.

    Attributes:
        draws: number of draws n.
        mean: sample mean.
        variance: unbiased sample variance.
        mean_se: standard error of the mean, s/√n.
        log_variance_se: standard error of log(variance), sqrt((kurtosis - (n-3)/(n-1))/n) with the sample kurtosis.
        log_relative_std_se: standard error of log(ΔK/K̄), by the delta method with the covariance of mean and variance.
        pivots: intervals and p-values of the three statistics, on the log scale; their standard errors, wider for
            heavy tails, are not those above (see ``qntk.validation.judge.pivots``).
    """

    draws: int
    mean: float
    variance: float
    mean_se: float
    log_variance_se: float
    log_relative_std_se: float
    pivots: Mapping[Moment, Pivot] = field(repr=False)

    def pivot(self, statistic: Moment) -> Pivot:
        """Intervals and p-values for the true mean, variance or ΔK/K̄."""
        return self.pivots[statistic]

    @property
    def relative_std(self) -> float:
        """ΔK/K̄."""
        return math.sqrt(self.variance) / self.mean

    @property
    def log_mean_se(self) -> float:
        """Standard error of log(mean)."""
        return self.mean_se / self.mean


def summarise(draws: NDArray[np.float64]) -> Summary:
    """Moments of a column of kernels, shape (n,).

    Raises ``ValueError`` for fewer than 8 draws, values that are not finite or are negative, or a constant column.
    """
    values = np.asarray(draws, dtype=float).ravel()
    n = len(values)
    if n < MINIMUM_DRAWS:
        raise ValueError(f"{n} draws are too few for a verdict; give at least {MINIMUM_DRAWS}")
    low, high = float(values.min()), float(values.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError("some draws are not finite; a kernel is a finite number")
    if low < 0:
        raise ValueError(
            "some draws are negative; a kernel is a sum of squares, and --estimated tests estimates from shots"
        )
    if low == high:
        raise ValueError("all draws are equal; a constant column has no fluctuation to test")
    mean = float(values.mean())

    def powers(block: NDArray[np.float64]) -> tuple[float, float, float]:
        centred = block - mean
        squares = centred * centred  # a power would be taken by its logarithm
        return float(squares.sum()), float((squares * centred).sum()), float((squares * squares).sum())

    m2, m3, m4 = (math.fsum(sums) / n for sums in zip(*map(powers, blocks_of(values)), strict=True))
    variance = m2 * n / (n - 1)
    # A sample kurtosis is at least 1, so this is at least 2 / (n (n - 1)): never zero, whatever the draws.
    log_variance_var = (m4 / m2**2 - (n - 3) / (n - 1)) / n
    relative_var = m2 / mean**2 / n
    cross = m3 / (m2 * mean) / n

    def of_mean(block: NDArray[np.float64]) -> NDArray[np.float64]:
        return (block - mean) / mean

    def of_variance(block: NDArray[np.float64]) -> NDArray[np.float64]:
        return (block - mean) ** 2 / m2 - 1

    def of_ratio(block: NDArray[np.float64]) -> NDArray[np.float64]:
        return of_variance(block) / 2 - of_mean(block)

    # The standard errors of two equal halves: 2 / (n (n - 1)) for the logarithm of the variance, a quarter for ΔK/K̄.
    least = math.sqrt(2 / (n * (n - 1)))
    pivots: dict[Moment, Pivot] = {
        "mean": Pivot.of_influence(mean, Blocks(values, of_mean), True),
        "variance": Pivot.of_influence(variance, Blocks(values, of_variance), True, least),
        "relative_std": Pivot.of_influence(math.sqrt(variance) / mean, Blocks(values, of_ratio), True, least / 2),
    }
    return Summary(
        draws=n,
        mean=mean,
        variance=variance,
        mean_se=math.sqrt(variance / n),
        log_variance_se=math.sqrt(log_variance_var),
        log_relative_std_se=math.sqrt(max(log_variance_var / 4 + relative_var - cross, 0.5 / (n * (n - 1)))),
        pivots=pivots,
    )
