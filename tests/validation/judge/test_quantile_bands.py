"""The band about ordered draws: it holds them all as often as it says, and a wrong tail leaves it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom, expon

from qntk.validation.judge.quantile_bands import band, order_statistics, ranks

FALSE_FAIL = 1e-6
COLUMNS = 20_000
SIMULATED = 4000
"""Columns from which the band takes its pointwise level."""


def leaves(ordered, limits):
    """Columns, shape (columns, k), of which any entry is outside."""
    return ((ordered < limits[0]) | (ordered > limits[1])).any(axis=1)


def sorted_uniforms(columns, draws, seed):
    return np.sort(np.random.default_rng(seed).random((columns, draws)), axis=1)[:, ranks(draws) - 1]


@pytest.mark.parametrize("error", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("draws", [8, 61, 500])
def test_the_band_holds_all_order_statistics_at_once(draws, error):
    """20 000 columns of sorted uniforms: as many leave as promised, up to two errors at 1e-6 each, on either side.

    The level was set by 4000 simulated columns, so that the true rate is off by their binomial scatter; the count by
    that of the 20 000. At an error of 0.05 a true rate of 0.08 is seen with probability 0.999.
    """
    count = int(leaves(sorted_uniforms(COLUMNS, draws, seed=draws), band(draws, error)).sum())
    rates = binom.ppf(FALSE_FAIL, SIMULATED, error) / SIMULATED, binom.isf(FALSE_FAIL, SIMULATED, error) / SIMULATED
    assert binom.ppf(FALSE_FAIL, COLUMNS, rates[0]) <= count <= binom.isf(FALSE_FAIL, COLUMNS, rates[1])


def test_negative_control_a_pointwise_band_does_not_hold_them_all():
    """Each order statistic alone at 95 %: some of the 60 leaves in about half of the columns."""
    k = ranks(500)
    law = beta(k, 501 - k)
    count = int(leaves(sorted_uniforms(COLUMNS, 500, seed=1), (law.ppf(0.025), law.isf(0.025))).sum())
    assert count > binom.isf(FALSE_FAIL, COLUMNS, 0.2)


def test_the_band_is_as_tight_in_the_tails_as_in_the_middle():
    """Every order statistic leaves alone with one and the same probability, half of it on each side: no chance."""
    k = ranks(500)
    low, high = band(500, 0.05)
    law = beta(k, 501 - k)
    assert np.ptp(law.cdf(low)) < 1e-9
    np.testing.assert_allclose(law.sf(high), law.cdf(low), rtol=1e-6)
    assert 0.05 / len(k) / 2 < law.cdf(low)[0] < 0.05 / 2, "between Bonferroni and one test"


def heavier(values, factor):
    """Exponential draws whose part beyond the 90 % quantile is stretched."""
    start = expon.isf(0.1)
    return np.where(values > start, start + factor * (values - start), values)


def test_negative_control_a_tail_that_is_a_tenth_too_heavy_leaves_the_band():
    """10 columns of 200 000 draws, whose 99 % quantile in the tail is then 10 standard errors off; the band holds 4.

    The right law leaves a band at 1e-3 in at most 3 columns, a stretched one in all: each with false-fail probability
    below 1e-6, the scatter of the band's own level included.
    """
    rng = np.random.default_rng(3)
    k = ranks(200_000) - 1
    columns = np.sort(rng.exponential(size=(10, 200_000)), axis=1)
    limits = band(200_000, 1e-3)
    assert leaves(expon.cdf(columns[:, k]), limits).sum() <= 3
    assert leaves(expon.cdf(heavier(columns, 1.1)[:, k]), limits).all()
    assert leaves(expon.cdf(heavier(columns, 0.9)[:, k]), limits).all()


@given(st.integers(1, 10**7))
def test_ranks_run_from_one_extreme_to_the_other(draws):
    k = ranks(draws)
    assert (k[0], k[-1]) == (1, draws)
    assert (np.diff(k) > 0).all()
    assert len(k) <= 60
    if draws > 1000:
        assert np.diff(k)[0] < np.diff(k)[len(k) // 2] > np.diff(k)[-1], "denser near the extremes"


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300))
def test_order_statistics_are_the_sorted_draws_at_those_ranks(values):
    found = order_statistics(np.array(values))
    assert list(found) == list(np.sort(values)[ranks(len(values)) - 1])
    assert (found[0], found[-1]) == (min(values), max(values))


def test_order_statistics_of_many_draws_leave_the_column_as_it_is():
    values = np.random.default_rng(4).gamma(2, size=12_345)
    before = values.copy()
    assert order_statistics(values) == tuple(np.sort(values)[ranks(12_345) - 1])
    np.testing.assert_array_equal(values, before)


def test_the_band_is_the_same_every_time():
    one = [x.copy() for x in band(300, 0.02)]
    band.cache_clear()
    np.testing.assert_array_equal(one, band(300, 0.02))
    low, high = one
    assert ((low > 0) & (low < ranks(300) / 301) & (high > ranks(300) / 301) & (high < 1)).all()
