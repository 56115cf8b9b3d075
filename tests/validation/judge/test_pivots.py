"""Do the intervals keep their promise on each side, and do they say the same as the p-values?

Truths are textbook moments of gamma and lognormal variables, or those of the Haar-layer law for the sampler's draws.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit.quantum_info import SparsePauliOp
from scipy import stats

from qntk.sampling import HaarLayers
from qntk.theory import KernelLaw, OperatorMoments
from qntk.validation.judge.estimates import summarise
from qntk.validation.judge.pivots import Pivot

FALSE_FAIL = 1e-6
"""Of each assertion on a rate."""
STATISTICS = ("mean", "variance", "relative_std")
REPEATS = 3000


def gamma(shape):
    return lambda size, rng: rng.gamma(shape, size=size), shape, shape


def lognormal(sigma):
    mean = math.exp(sigma**2 / 2)
    return lambda size, rng: rng.lognormal(0.0, sigma, size), mean, mean**2 * math.expm1(sigma**2)


def projector(qubits, parameters):
    """Haar layers with a rank-1 projector: excess kurtosis 6.8 for 4 qubits and 8 parameters."""
    pauli = OperatorMoments.from_pauli(qubits)
    law = KernelLaw(parameters, OperatorMoments.from_projector(qubits), pauli)
    observable = np.diag(np.eye(2**qubits)[0])
    layers = HaarLayers(observable, SparsePauliOp("I" * (qubits - 1) + "Z"), parameters)

    def draw(size, rng):
        return layers.draw(math.prod(size), rng).kernel.reshape(size)

    return draw, law.mean().value, law.variance().value


def misses(source, n, level, seed):
    """How often the truth lies below and above, (statistic, side), in ``REPEATS`` samples of n draws."""
    draw, mean, variance = source
    truth = {"mean": mean, "variance": variance, "relative_std": math.sqrt(variance) / mean}
    seen = np.zeros((len(STATISTICS), 2), dtype=int)
    for sample in draw((REPEATS, n), np.random.default_rng(seed)):
        summary = summarise(sample)
        for s, statistic in enumerate(STATISTICS):
            low, high = summary.pivot(statistic).interval(level)
            seen[s] += truth[statistic] < low, truth[statistic] > high
    return seen


@pytest.mark.parametrize(
    ("source", "n", "promise"),
    [
        (gamma(3.0), 200, (0.025, 0.03, 0.035)),
        (gamma(0.5), 1000, (0.03, 0.025, 0.04)),
        (lognormal(0.5), 200, (0.025, 0.04, 0.05)),
        (projector(3, 8), 200, (0.025, 0.025, 0.04)),
        (projector(4, 8), 50, (0.025, 0.055, 0.10)),
    ],
    ids=["gamma 3", "gamma 0.5", "lognormal 0.5", "projector on 3 qubits", "projector on 4 qubits, few draws"],
)
def test_95_percent_intervals_keep_what_is_promised_for_each_side(source, n, promise):
    """3000 samples: neither side of the mean, the variance and ΔK/K̄ is missed more often than promised.

    Nominal is 2.5 % a side; few draws of heavy tails are promised less. A true rate that keeps the promise fails with
    probability at most 1e-6 a side; one that is three points above a promise up to 5.5 % is caught with probability
    0.96, four points above one of 10 % with 0.98.
    """
    seen = misses(source, n, 0.05, seed=2026)
    assert (seen <= stats.binom.isf(FALSE_FAIL, REPEATS, np.array(promise))[:, None]).all(), seen / REPEATS


def test_the_intervals_are_not_wide_for_nothing():
    """1000 draws of a mild law: each side of the mean misses in at least 2 % of 3000 samples, if the true rate is that.

    False-fail probability 1e-6 a side; an interval that missed 0.6 % a side would be caught with probability 0.97.
    """
    seen = misses(gamma(3.0), 1000, 0.05, seed=11)
    assert (seen[0] >= stats.binom.ppf(FALSE_FAIL, REPEATS, 0.02)).all(), seen / REPEATS


def test_negative_controls_fail_where_the_interval_keeps_its_promise():
    """Two intervals for the variance of gamma(1/2), excess kurtosis 12, from 200 draws, 3000 times.

    The chi-square interval of a normal law misses about 40 %, Student's t on the logarithm about 7 % above alone. Below
    10 % and 5 %: each check passes with probability at most 1e-6 where the true rate is no higher than that.
    """
    draw, _, variance = gamma(0.5)
    chi_square = too_high = 0
    for sample in draw((REPEATS, 200), np.random.default_rng(5)):
        summary = summarise(sample)
        low, high = (199 * summary.variance / stats.chi2.isf(p, 199) for p in (0.025, 0.975))
        chi_square += not low <= variance <= high
        too_high += math.log(variance / summary.variance) > stats.t.isf(0.025, 199) * summary.log_variance_se
    assert chi_square > stats.binom.isf(FALSE_FAIL, REPEATS, 0.10)
    assert too_high > stats.binom.isf(FALSE_FAIL, REPEATS, 0.05)


pivots = st.builds(
    Pivot,
    estimate=st.floats(1e-6, 1e6),
    se=st.floats(1e-6, 5),
    df=st.floats(1, 1e6),
    skewness=st.floats(-7, 7),
    draws=st.integers(50, 10**6),
    logarithmic=st.booleans(),
)
levels = st.floats(1e-6, 0.5)


@given(pivots, levels, st.sampled_from([-1e-3, 1e-3]))
def test_a_value_is_outside_the_interval_exactly_if_its_p_value_is_small(pivot, level, outward):
    low, high = pivot.interval(level)
    assert low < pivot.estimate < high
    for end, p in ((low, pivot.p_at_most), (high, pivot.p_at_least)):
        if not pivot.logarithmic:
            value = pivot.estimate + (1 + outward) * (end - pivot.estimate)
        elif abs(math.log(end / pivot.estimate)) < 590:
            value = pivot.estimate * (end / pivot.estimate) ** (1 + outward)
        else:
            continue
        assert (p(value) < level / 2) == (value < low or value > high) == (outward > 0)


@given(pivots, st.floats(-50, 50), st.floats(0, 10))
def test_p_values_add_to_one_and_are_monotone(pivot, distance, step):
    def value(x):
        return pivot.estimate * math.exp(x * pivot.se) if pivot.logarithmic else pivot.estimate + x * pivot.se

    near, far = value(distance), value(distance + step)
    assert pivot.p_at_most(near) + pivot.p_at_least(near) == pytest.approx(1)
    assert pivot.p_at_most(near) <= pivot.p_at_most(far) + 1e-12
    assert pivot.p_at_least(near) >= pivot.p_at_least(far) - 1e-12


@given(pivots, levels, levels)
def test_a_smaller_level_gives_a_wider_interval(pivot, one, other):
    inner, outer = pivot.interval(max(one, other)), pivot.interval(min(one, other))
    assert outer[0] <= inner[0]
    assert inner[1] <= outer[1]


def test_without_skewness_on_the_linear_scale_it_is_students_t():
    pivot = Pivot(estimate=3.0, se=0.5, df=7.3, skewness=0.0, draws=50, logarithmic=False)
    assert pivot.interval(0.01) == pytest.approx(stats.t.interval(0.99, 7.3, 3.0, 0.5))
    assert pivot.p_at_least(4.0) == pytest.approx(stats.t.sf(2, 7.3))


@pytest.mark.parametrize("statistic", STATISTICS)
def test_standard_errors_and_skewness_are_those_of_the_jackknife(statistic):
    """Leave-one-out estimates, n = 4000: the doubled extremes may add to them, by at most a tenth here; no chance."""
    draws = np.random.default_rng(3).gamma(4.0, size=4000)
    n, first, second = len(draws), draws.sum(), (draws**2).sum()
    mean = (first - draws) / (n - 1)
    variance = ((second - draws**2) / (n - 1) - mean**2) * (n - 1) / (n - 2)
    logs = {"mean": np.log(mean), "variance": np.log(variance), "relative_std": np.log(variance) / 2 - np.log(mean)}
    left_out = logs[statistic]
    pivot = summarise(draws).pivot(statistic)
    ratio = pivot.se / (math.sqrt(n - 1) * left_out.std())
    assert 1 <= ratio < 1.1
    assert pivot.skewness == pytest.approx(-stats.skew(left_out), rel=0.5)
    assert pivot.df < n - 1


def test_signed_draws_on_the_linear_scale_and_their_mirror_image():
    """Exponential minus 1, mean 0, 50 draws, 3000 times: each side keeps 3.5 % up to a false-fail probability of 1e-6.

    Student's t misses 5.5 % above, 1 % below.
    """
    seen = np.zeros(2, dtype=int)
    for sample in np.random.default_rng(8).exponential(size=(REPEATS, 50)) - 1:
        pivot = Pivot.of_influence(sample.mean(), sample, logarithmic=False)
        low, high = pivot.interval(0.05)
        seen += low > 0, high < 0
    assert (seen <= stats.binom.isf(FALSE_FAIL, REPEATS, 0.035)).all(), seen / REPEATS
    mirrored = Pivot.of_influence(-sample.mean(), -sample, logarithmic=False).interval(0.05)
    assert mirrored == pytest.approx((-high, -low))


def test_units_cancel():
    draws = np.random.default_rng(2).gamma(0.7, size=60)
    one, other = summarise(draws), summarise(1e-9 * draws)
    for statistic, unit in (("mean", 1e-9), ("variance", 1e-18), ("relative_std", 1.0)):
        low, high = one.pivot(statistic).interval(1e-3)
        assert other.pivot(statistic).interval(1e-3) == pytest.approx((unit * low, unit * high))


def test_two_valued_draws_leave_no_certainty():
    """Four of each value: the influence values of the variance all vanish."""
    for statistic in STATISTICS:
        low, high = summarise(np.array([1.0, 2.0] * 4)).pivot(statistic).interval(1e-4)
        assert 0 < low < summarise(np.array([1.0, 2.0] * 4)).pivot(statistic).estimate < high < math.inf


def test_a_truth_that_cannot_be_is_at_most_nothing():
    pivot = summarise(np.arange(1.0, 20.0)).pivot("mean")
    for value in (0.0, -1.0):
        assert pivot.p_at_most(value) == 0
        assert pivot.p_at_least(value) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((1.0, np.ones(1), True), "too few"),
        ((1.0, np.ones(5), True), "all influence values are equal"),
        ((1.0, np.array([1.0, np.nan]), True), "not finite"),
        ((math.inf, np.arange(3.0), False), "not finite"),
        ((-1.0, np.arange(3.0), True), "needs a positive number"),
    ],
)
def test_bad_input_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        Pivot.of_influence(*arguments)


def test_a_level_is_a_probability():
    for level in (0.0, 1.0, math.nan):
        with pytest.raises(ValueError, match="give a probability between 0 and 1"):
            summarise(np.arange(1.0, 20.0)).pivot("mean").interval(level)


def test_degrees_of_freedom_and_skewness_by_hand():
    """n / (κ - 1) with the smallest and the largest value counted twice; a kurtosis below 1 + n/(n - 1) is that."""
    psi = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 35.0])
    centred = psi - 7.0
    twice = np.r_[centred, centred.min(), centred.max()]
    second, third, fourth = (np.sum(twice**k) / 8 for k in (2, 3, 4))
    pivot = Pivot.of_influence(7.0, psi, logarithmic=False)
    assert pivot.df == pytest.approx(8 / (fourth / second**2 - 1))
    assert pivot.skewness == pytest.approx(third / second**1.5)
    assert pivot.se == pytest.approx((second / 7) ** 0.5)
    assert Pivot.of_influence(1.0, np.tile([0.0, 2.0], 40), logarithmic=False).df == pytest.approx(79)
