"""Scaling exponents with intervals, beside the exponents that each regime predicts over the same window.

An exponent is the slope of log y against log x by least squares with weights 1/se². A law that is not a power law
(finite D bends the lines) still has an effective exponent over a window: the slope of the same weighted fit to the
law's own values at the same points. Comparing like with like, an interval that misses a regime's effective exponent
speaks against that regime, not against straight lines. The goodness of fit says whether a power law holds at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2, norm


@dataclass(frozen=True)
class Exponent:
    """A fitted exponent.

    Attributes:
        best: slope of log y against log x.
        low, high: interval at confidence 1 - level.
        standard_error: of the slope.
        predicted: effective exponent of each regime over the same window, with the same weights.
        goodness_p: probability of a fit this poor if y were a power law of x (chi-square).
        window: smallest and largest x.
        points: number of points.
    """

    best: float
    low: float
    high: float
    standard_error: float
    predicted: Mapping[str, float]
    goodness_p: float
    window: tuple[float, float]
    points: int

    def covers(self, regime: str) -> bool:
        """Whether the interval holds the exponent that this regime predicts."""
        return self.low <= self.predicted[regime] <= self.high


def fit_exponent(
    x: Sequence[float],
    y: Sequence[float],
    log_se: Sequence[float],
    predicted: Mapping[str, Sequence[float]],
    level: float,
) -> Exponent:
    """Fit log y = a + b log x.

    Args:
        x, y: positive, at least three points with different x.
        log_se: standard error of each log y.
        predicted: values of y at the same x for each regime.
        level: probability that the interval misses the slope, both sides together.
    """
    if len(x) < 3:
        raise ValueError(f"{len(x)} points are too few for an exponent; give at least 3")
    log_x = np.log(np.asarray(x, dtype=float))
    weights = 1.0 / np.asarray(log_se, dtype=float) ** 2
    centred = log_x - np.average(log_x, weights=weights)
    precision = float(weights @ centred**2)

    def slope(values: Sequence[float]) -> float:
        return float(weights * centred @ np.log(np.asarray(values, dtype=float)) / precision)

    best, se = slope(y), precision**-0.5
    log_y = np.log(np.asarray(y, dtype=float))
    residuals = log_y - np.average(log_y, weights=weights) - best * centred
    reach = float(norm.isf(level / 2)) * se
    return Exponent(
        best=best,
        low=best - reach,
        high=best + reach,
        standard_error=se,
        predicted={regime: slope(values) for regime, values in predicted.items()},
        goodness_p=float(chi2.sf(weights @ residuals**2, len(log_x) - 2)),
        window=(float(min(x)), float(max(x))),
        points=len(log_x),
    )
