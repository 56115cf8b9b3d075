"""Exponents: intervals that cover, and a fit that knows when there is no power law."""

import numpy as np
import pytest
from scipy.stats import binom

from validation.scaling import fit_exponent

X = [4, 8, 16, 32, 64, 128]


def fit(exponent, error, rng, level=0.05, bend=0.0):
    log_x = np.log(X)
    y = np.exp(exponent * log_x + bend * log_x**2 + rng.normal(size=len(X)) * error)
    return fit_exponent(X, y, error * np.ones(len(X)), {"asymptotic": [x**-0.5 for x in X]}, level)


def test_intervals_cover_at_their_level():
    """2 000 fits at 95 %: false-fail probability 1e-6; a true coverage of 91 % is caught with probability 0.99."""
    rng = np.random.default_rng(1)
    misses = sum(not fit(-0.5, 0.05, rng).covers("asymptotic") for _ in range(2000))
    assert binom.isf(1 - 1e-6 / 2, 2000, 0.05) <= misses <= binom.isf(1e-6 / 2, 2000, 0.05)


def test_negative_control_another_exponent_is_not_covered():
    assert not fit(-0.4, 0.01, np.random.default_rng(1), level=1e-5).covers("asymptotic")


def test_goodness_of_fit_is_uniform_for_a_power_law_and_tiny_for_a_bend():
    """Mean of 2 000 uniform p-values: 4.9 standard errors, false-fail probability 1e-6."""
    rng = np.random.default_rng(2)
    values = [fit(-0.5, 0.05, rng).goodness_p for _ in range(2000)]
    assert abs(np.mean(values) - 0.5) < 4.9 * (1 / 12 / 2000) ** 0.5
    assert fit(-0.5, 0.01, rng, bend=0.1).goodness_p < 1e-6


def test_effective_exponent_uses_the_same_points_and_weights():
    curve = [x**-0.5 + 0.1 for x in X]
    exponent = fit_exponent(X, curve, [0.01] * 3 + [0.1] * 3, {"exact": curve}, 0.01)
    assert exponent.best == pytest.approx(exponent.predicted["exact"], rel=1e-12)


def test_two_points_are_refused():
    with pytest.raises(ValueError, match="at least 3"):
        fit_exponent([1, 2], [1, 2], [0.1, 0.1], {}, 0.05)
