"""The distance of draws from a distribution function: is it Kolmogorov's, and does its interval keep its promise?"""

import math

import numpy as np
import pytest
from scipy.stats import binom, kstest

from qntk.validation.judge.sup_distance import sup_distance

FALSE_FAIL = 1e-6
"""Of each coverage assertion."""


@pytest.mark.parametrize("draws", [40, 1000])
def test_the_band_of_the_distribution_keeps_its_promise(draws):
    """2000 trials at 10 % from U^(1/1.1), at a true distance of 0.035 from U. A kept promise fails with 1e-6."""
    rng = np.random.default_rng(5)
    peak = 1.1 ** (-1 / 0.1)  # of u - u^1.1
    truth = peak - peak**1.1
    misses = 0
    for _ in range(2000):
        low, high = sup_distance(rng.uniform(size=draws) ** (1 / 1.1), np.asarray).interval(0.1)
        misses += not low <= truth <= high
    assert misses <= binom.isf(FALSE_FAIL, 2000, 0.1)


def test_the_band_misses_a_coin_as_often_as_the_coin_says():
    """Coins against a uniform F: the true distance is 1/2, and the band misses when a count of heads leaves it: 1.4 %.

    That rate fails with probability 1e-6 on either side; a band a fifth too narrow is caught.
    """
    rng = np.random.default_rng(6)
    coins = (rng.uniform(size=(2000, 400)) < 0.5).astype(float)
    misses = sum(not low <= 0.5 <= high for low, high in (sup_distance(c, np.asarray).interval(0.1) for c in coins))
    reach = math.sqrt(math.log(20) / 800)
    rate = 2 * binom.sf(math.floor(400 * (0.5 + reach)), 400, 0.5)
    assert binom.ppf(FALSE_FAIL, 2000, rate) <= misses <= binom.isf(FALSE_FAIL, 2000, rate)


@pytest.mark.parametrize("draws", [8, 300, 100_000])
def test_the_distance_is_kolmogorovs(draws):
    values = np.random.default_rng(draws).normal(size=draws)
    values[: draws // 4] = values[0]  # ties
    reference = kstest(values, "norm")
    seen = sup_distance(values, lambda x: 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2))))
    assert seen.low - 1e-12 <= reference.statistic <= seen.high + 1e-12 <= seen.low + 2e-5
    values = np.random.default_rng(draws).uniform(size=draws)
    assert sup_distance(values, np.asarray).p_equal() == pytest.approx(kstest(values, "uniform").pvalue, abs=1e-2)
