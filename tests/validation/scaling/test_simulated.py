"""Coverage of the exponents' intervals, and their covariance between quantities, on simulated kernels.

Simulated kernels have known power laws, with L = 4…64 and n = 2 000 draws a cell:

* gamma: K ~ Gamma(L/4), so that K̄ = L/4 and ΔK/K̄ = 2/√L, and μ = √K ε with normal ε, so that Δμ = √L/2;
* uniform: the same K̄, ΔK/K̄ = 1/√L, μ as above. There K̄ and ΔK/K̄ are correlated; for gamma they are not.
"""

import functools

import numpy as np
import pytest
from scipy.stats import binom

from qntk.validation.scaling.exponents import fit, fit_jointly, point

SIZES = (4, 8, 16, 32, 64)
TRUTH = {"mean": 1.0, "std": 0.5, "relative_std": -0.5, "dqntk": 0.5}
QUANTITIES = list(TRUTH)
DRAWS, REPEATS = 2000, 800
RNG = np.random.default_rng


def gamma(L, rng):
    return rng.gamma(L / 4, size=DRAWS)


def uniform(L, rng):
    return L / 4 * (1 + np.sqrt(3 / L) * rng.uniform(-1, 1, DRAWS))


def simulated(law, rng):
    kernels = [law(L, rng) for L in SIZES]
    return [point(L, 8, k, np.sqrt(k) * rng.normal(size=DRAWS), {}) for L, k in zip(SIZES, kernels, strict=True)]


@functools.cache
def repeated(law):
    """Joint fits at level 0.05 to repeated simulations, without a bootstrap to speak of."""
    rng = RNG(7)
    return [fit_jointly(simulated(law, rng), ("L",), 0.05, rng, resamples=2) for _ in range(REPEATS)]


def missed(intervals, truth):
    return sum(not low <= truth <= high for low, high in intervals)


@pytest.mark.parametrize("law", [gamma, uniform])
@pytest.mark.parametrize("quantity", QUANTITIES)
def test_intervals_cover_at_their_level(law, quantity):
    """800 fits at 95 %. The band allows a true miss rate of 4 to 6.5 %, the intervals being asymptotic in n (measured
    here: 4 to 6.5 %). False-fail probability below 1e-6; a standard error 25 % too small (14 % missed) is seen with
    probability 0.99.
    """
    intervals = [joint.fits[quantity].exponents["L"].interval for joint in repeated(law)]
    assert binom.isf(1 - 5e-7, REPEATS, 0.04) <= missed(intervals, TRUTH[quantity]) <= binom.isf(5e-7, REPEATS, 0.065)


def test_negative_control_standard_errors_half_as_long_do_not_cover():
    halves = []
    for joint in repeated(gamma):
        exponent = joint.fits["relative_std"].exponents["L"]
        halves.append((exponent.best - 0.98 * exponent.standard_error, exponent.best + 0.98 * exponent.standard_error))
    assert missed(halves, -0.5) > binom.isf(5e-7, REPEATS, 0.065)


def test_bootstrap_intervals_cover_and_agree_with_the_normal_ones():
    """250 fits at 95 %, 400 resamples of 200 batches; band for true rates up to 8 % (measured over 850: 5 to 7 %).

    False-fail probability below 1e-6 for the four together; intervals half as long (33 % missed) are seen.
    """
    rng = RNG(5)
    fits = [fit_jointly(simulated(gamma, rng), ("L",), 0.05, rng, resamples=400) for _ in range(250)]
    for quantity in QUANTITIES:
        exponents = [joint.fits[quantity].exponents["L"] for joint in fits]
        misses = missed([e.bootstrap for e in exponents], TRUTH[quantity])
        assert binom.isf(1 - 1e-7, 250, 0.04) <= misses <= binom.isf(1e-7, 250, 0.08)
        assert binom.isf(1e-7, 250, 0.08) < 0.2 * 250
        lengths = [np.subtract(*e.bootstrap[::-1]) / np.subtract(*e.interval[::-1]) for e in exponents]
        # Student's, of cells whose outermost draws count twice: up to a tenth longer at 2 000 draws.
        assert 0.88 < np.mean(lengths) < 1.03


@pytest.mark.parametrize("law", [gamma, uniform])
def test_covariance_between_exponents_equals_the_scatter_of_simulations(law):
    """All 10 pairs of quantities, 800 fits. Tolerance 5.5 standard errors of a sample covariance, + 5 % of the scale
    for the bias at n = 2 000; false-fail probability below 1e-6. Sees correlations that are off by 0.3.
    """
    scatter, claimed = _scatter(law), np.mean([joint.covariance for joint in repeated(law)], axis=0)
    scale = np.sqrt(np.outer(np.diag(claimed), np.diag(claimed)))
    error = np.sqrt((scale**2 + claimed**2) / REPEATS)
    assert (np.abs(scatter - claimed) < 5.5 * error + 0.05 * scale).all()


def test_negative_control_a_fit_that_ignores_covariances_is_seen_to_miss():
    """Gamma: K̄ and ΔK taken as independent claim 1.8 times the true variance for ΔK/K̄ (5 standard errors beyond the
    tolerance). Uniform: K̄ and ΔK/K̄ taken as independent miss a correlation of -0.48 (9 beyond).
    """
    scatter = _scatter(gamma)
    claimed = np.mean([joint.covariance for joint in repeated(gamma)], axis=0)
    naive = claimed[0, 0] + claimed[1, 1]
    tolerance = 5.5 * np.sqrt(2 / REPEATS) + 0.05
    assert abs(claimed[2, 2] / scatter[2, 2] - 1) < tolerance
    assert naive / scatter[2, 2] > 1 + tolerance
    scatter = _scatter(uniform)
    assert scatter[0, 2] / np.sqrt(scatter[0, 0] * scatter[2, 2]) < -5.5 / np.sqrt(REPEATS) - 0.05


def test_the_exponent_of_the_ratio_uses_the_covariance_of_both():
    """With the weights of ΔK/K̄ at all quantities, β(ΔK/K̄) = β(ΔK) - β(K̄) and its variance is that of the difference."""
    joint = fit_jointly(simulated(gamma, RNG(8)), ("L",), 0.05, RNG(9))
    ratio = joint.fits["relative_std"].exponents["L"]
    difference, error = joint.combination({"std": 1, "mean": -1}, "L")
    own = np.sqrt(joint.fits["relative_std"].covariance[1, 1])
    assert joint.combination({"relative_std": 1}, "L") == pytest.approx((ratio.best, own), rel=1e-9)
    # Other weights: a little less precise, and equal within 4.9 standard errors of the difference.
    assert own <= error < 1.2 * own
    assert own <= ratio.standard_error < 1.1 * own  # the interval's, to which the outermost draws are added again
    off, spread = joint.combination({"std": 1, "mean": -1, "relative_std": -1}, "L")
    assert off == pytest.approx(difference - ratio.best, abs=1e-12)
    assert abs(off) < 4.9 * spread


def test_goodness_of_fit_is_uniform_for_a_power_law():
    """Mean of 800 uniform p-values: 4.9 standard errors and 0.02 for finite n, false-fail probability 1e-6."""
    values = [joint.fits["mean"].p for joint in repeated(gamma)]
    assert abs(np.mean(values) - 0.5) < 4.9 * (1 / 12 / REPEATS) ** 0.5 + 0.02


def test_negative_control_a_planted_wrong_exponent_is_rejected():
    """ΔK/K̄ falls as L^-0.5; a law L^-0.42 lies 9.3 standard errors off, and the interval reaches to 4.4 of them."""
    rng = RNG(10)
    predicted = {L: {"exact": {"relative_std": 2 * L**-0.5}, "asymptotic": {"relative_std": L**-0.42}} for L in SIZES}
    points = [point(L, 8, gamma(L, rng), None, predicted[L]) for L in SIZES]
    exponent = fit(points, "relative_std", ("L",), 1e-5, rng).exponents["L"]
    assert exponent.covers("exact")
    assert not exponent.covers("asymptotic")


def test_the_same_generator_gives_the_same_bootstrap_for_one_quantity_as_for_all():
    points = simulated(gamma, RNG(13))
    joint = fit_jointly(points, ("L",), 0.05, RNG(14))
    assert fit(points, "std", ("L",), 0.05, RNG(14)).exponents == joint.fits["std"].exponents


def _scatter(law):
    """Sample covariance of the exponents over repeated simulations."""
    return np.cov(np.transpose([[f.exponents["L"].best for f in joint.fits.values()] for joint in repeated(law)]))
