"""Does a design keep what it promises, and is its promise needed?"""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import binom

from qntk.inputs.observables import parse_observable
from qntk.sampling import HaarLayers, sample
from qntk.theory import KernelLaw, OperatorMoments, Prediction
from qntk.theory.haar.shape import excess_kurtosis
from qntk.validation.judge.claims import Margins
from qntk.validation.judge.design import (
    _ends,
    agree_probability,
    detectable_discrepancy,
    draws_needed,
    planned_draws,
    resolution,
)
from qntk.validation.judge.estimates import MOMENTS, summarise
from qntk.validation.judge.law import kernel_law
from qntk.validation.judge.spread import Spread
from qntk.validation.judge.verdicts import judge
from qntk.validation.sweep.cells import count_intervals, expand
from qntk.validation.sweep.config import SweepConfig, load_config

FALSE_FAIL = 1e-6
"""Of each assertion on a rate below."""
LEVEL = 1e-3
MARGIN = {"mean": 0.05, "variance": 0.10, "relative_std": 0.10}
REPEATS = 300
SLACK = 0.04
"""How far the power may fall short of its promise: the design is asymptotic in n."""

probabilities = st.floats(1e-6, 0.3)
spreads = st.floats(0.3, 50).map(lambda shape: gamma_spread(shape))


def gamma_spread(shape):
    """Of a gamma law with mean 1."""
    raw = [Fraction(1)]
    for k in range(8):
        raw.append(raw[-1] * (1 + Fraction(k) / Fraction(shape)))
    return Spread.of_moments(raw)


def gamma(shape, statistic):
    """Kernels of a gamma law with mean 1: their spread, the true value of a statistic, and draws."""
    truth = {"mean": 1.0, "variance": 1 / shape, "relative_std": shape**-0.5}[statistic]
    return gamma_spread(shape), truth, lambda n, rng: rng.gamma(shape, 1 / shape, n)


def rate(outcome, draw, statistic, prediction, draws, rng, level=LEVEL):
    claim = Prediction("K", prediction, "exact", (), "")
    verdicts = [judge(summarise(draw(draws, rng)), statistic, claim, MARGIN[statistic], level) for _ in range(REPEATS)]
    return sum(v.verdict == outcome for v in verdicts)


@pytest.mark.parametrize("statistic", MOMENTS)
@pytest.mark.parametrize("shape", [1, 4, 12])
def test_the_draws_needed_reach_their_power_and_half_of_them_do_not(statistic, shape):
    """300 samples of n draws: 'agree' in 0.90 of them, less a slack of 0.04 (a rate of 0.86 fails with probability
    1e-6). Negative control: n/2 draws stay below that, with probability 1 - 1e-6 for a rate of at most 0.5."""
    spread, truth, draw = gamma(shape, statistic)
    n = draws_needed(spread, statistic, MARGIN[statistic], LEVEL)
    rng = np.random.default_rng(shape)
    least = binom.ppf(FALSE_FAIL, REPEATS, 0.9 - SLACK)
    assert rate("agree", draw, statistic, truth, n, rng) >= least
    assert agree_probability(spread, statistic, MARGIN[statistic], LEVEL, n // 2) < 0.3
    assert rate("agree", draw, statistic, truth, n // 2, rng) < binom.ppf(1 - FALSE_FAIL, REPEATS, 0.5) < least


@pytest.mark.parametrize("statistic", MOMENTS)
@pytest.mark.parametrize("side", [1, -1])
def test_a_detectable_discrepancy_is_detected_and_one_inside_the_margin_is_not(statistic, side):
    """300 samples of 4000 draws of a gamma law: 'disagree' in 0.90, less a slack of 0.04, on either side.

    Fails with probability 1e-6 for a rate of 0.86. Negative control: a truth half way from the margin's edge to it,
    on the harder side, is seen less often; a rate of at most 0.5 fails with probability 1e-6.
    """
    spread, truth, draw = gamma(4, statistic)
    margin, rng = MARGIN[statistic], np.random.default_rng(side + 5)
    delta = detectable_discrepancy(spread, statistic, margin, LEVEL, 4000)
    least = binom.ppf(FALSE_FAIL, REPEATS, 0.9 - SLACK)
    assert rate("disagree", draw, statistic, truth / (1 + side * delta), 4000, rng) >= least
    half = margin + (delta - margin) / 2
    assert rate("disagree", draw, statistic, truth / (1 + half), 4000, rng) < binom.ppf(1 - FALSE_FAIL, REPEATS, 0.5)


@pytest.mark.parametrize("statistic", MOMENTS)
def test_haar_layers_agree_with_the_planned_power(statistic):
    """80 samples of frames with the law's own moments at level 0.01: false-fail probability 1e-6 for a rate of 0.86."""
    pauli = parse_observable("Z0", 2).operator()
    cell = kernel_law(2, 4, "Z0", "pauli")
    n = draws_needed(Spread.of_law(cell), statistic, MARGIN[statistic], 0.01)
    kernels = sample(HaarLayers(pauli, pauli, 4), 80 * n, seed=3).kernel.reshape(80, n)
    prediction = getattr(cell, statistic)()
    agreed = sum(
        judge(summarise(k), statistic, prediction, MARGIN[statistic], 0.01).verdict == "agree" for k in kernels
    )
    assert agreed >= binom.ppf(FALSE_FAIL, 80, 0.9 - SLACK)


@given(spreads, st.sampled_from(MOMENTS), st.floats(0.01, 0.5), probabilities, st.floats(0.05, 0.99))
def test_the_number_of_draws_is_the_smallest(spread, statistic, margin, level, power):
    n = draws_needed(spread, statistic, margin, level, power)
    assert agree_probability(spread, statistic, margin, level, n) >= power
    assert n == 8 or agree_probability(spread, statistic, margin, level, n - 1) < power


@example(gamma_spread(0.3125), "relative_std", 0.0, 0.25, 1000)
@given(spreads, st.sampled_from(MOMENTS), st.floats(0, 0.5), probabilities, st.integers(1000, 10**7))
def test_more_draws_see_more(spread, statistic, margin, level, draws):
    few, many = (detectable_discrepancy(spread, statistic, margin, level, n) for n in (draws, 4 * draws))
    if many == math.inf:  # no verdict from so few draws
        assert draws_needed(spread, statistic, 0.5, level, 0.05) > 4 * draws
    else:
        assert margin < many < few
    assert resolution(spread, statistic, level, 4 * draws) < resolution(spread, statistic, level, draws)


@pytest.mark.parametrize("statistic", MOMENTS)
def test_the_resolution_is_that_of_a_large_sample(statistic):
    """A million draws of a gamma law show its moments to a few percent, and the interval's width with them."""
    spread, _, draw = gamma(2, statistic)
    pivot = summarise(draw(1_000_000, np.random.default_rng(4))).pivot(statistic)
    low, high = (end / pivot.estimate for end in pivot.interval(1e-3))
    assert resolution(spread, statistic, 1e-3, 1_000_000) == pytest.approx((high - low) / 2, rel=0.03)
    planned = spread.pivot(statistic, 1_000_000)
    assert (planned.se, planned.skewness) == pytest.approx((pivot.se, pivot.skewness), rel=0.05)


@given(spreads, st.sampled_from(MOMENTS), st.floats(0, 0.2), st.floats(0.02, 0.5), probabilities)
def test_the_draws_for_a_discrepancy_are_the_fewest_that_see_it(spread, statistic, margin, beyond, level):
    n = draws_needed(spread, statistic, margin, level, discrepancy=margin + beyond)
    assert detectable_discrepancy(spread, statistic, margin, level, n) <= margin + beyond
    assert n == 8 or detectable_discrepancy(spread, statistic, margin, level, n - 1) > margin + beyond


def test_an_unknown_kurtosis_is_approximated_and_said():
    """From eight qubits on higher traces may be missing; where they are known the approximation is close."""
    law = kernel_law(10, 32, "tfim:J=1,h=1", "half-pauli")
    O = law.observable
    blind = KernelLaw(32, OperatorMoments(O.dimension, O.a2, O.a3, O.a4), law.generator)
    known, guessed = Spread.of_law(law), Spread.of_law(blind)
    assert (known.exact, guessed.exact) == (True, False)
    assert known.excess_kurtosis == pytest.approx(excess_kurtosis(law).value, rel=1e-12)
    assert guessed.excess_kurtosis == pytest.approx(known.excess_kurtosis, abs=0.05)


def test_planned_draws_are_rounded_up_and_capped():
    law = kernel_law(3, 8, "Z0", "half-pauli")
    exact = max(draws_needed(Spread.of_law(law), s, MARGIN[s], 1e-4) for s in MOMENTS)
    assert planned_draws(law, Margins(), 1e-4, 0.9, 10**8) == math.ceil(exact / 1000) * 1000
    assert planned_draws(law, Margins(), 1e-4, 0.9, 77) == 77


def test_a_power_sets_the_draws_with_the_level_of_the_whole_report():
    config, _ = load_config(None)
    grids = [grid.model_dump(exclude={"draws", "most_draws"}) | {"power": 0.9} for grid in config.grid[:2]]
    planned = expand(SweepConfig.model_validate({"seed": 1, "grid": grids}))
    level = 0.01 / count_intervals(planned)
    for cell in planned:
        spread = Spread.of_law(cell.law())
        assert cell.draws % 1000 == 0
        assert min(agree_probability(spread, s, MARGIN[s], level, cell.draws) for s in MOMENTS) >= 0.9
        assert min(agree_probability(spread, s, MARGIN[s], level, cell.draws - 1000) for s in MOMENTS) < 0.9


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s: draws_needed(s, "mean", 0.0, 0.01), "margin is 0"),
        (lambda s: draws_needed(s, "mean", 1.0, 0.01), "margin is 1.0"),
        (lambda s: draws_needed(s, "mean", 0.1, 0.0), "level is 0.0"),
        (lambda s: draws_needed(s, "mean", 0.1, 0.01, discrepancy=0.1), "within the margin"),
        (lambda s: draws_needed(s, "mean", 0.1, 0.01, 1.0), "power is 1.0"),
        (lambda s: resolution(s, "mean", 0.01, 7), "draws is 7"),
    ],
)
def test_bad_designs_are_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call(gamma_spread(1))


def test_degrees_of_freedom_are_those_of_a_normal_law_at_most():
    """The mean of a uniform variable, whose kurtosis is 1.8: n - 1, as Student's t has them."""
    uniform = Spread.of_moments([Fraction(2**k, k + 1) for k in range(9)])
    assert uniform.kurtosis("mean") == pytest.approx(1.8)
    assert uniform.pivot("mean", 10).df == pytest.approx(9)


def test_the_ends_of_an_interval_scatter_as_its_quantile_says():
    """More than the estimate by t²/4ν in the variance, ν degrees of freedom, less or more by t γ/√n; by scipy's t."""
    spread = gamma_spread(4)
    pivot = spread.pivot("mean", 400)
    far = stats.t.isf(0.01, pivot.df)
    for side, (_, error) in zip((-1, 1), _ends(spread, "mean", 0.02, 400), strict=True):
        wanted = 1 + side * far * pivot.skewness / 20 + far**2 / (4 * pivot.df)
        assert (error / pivot.se) ** 2 == pytest.approx(wanted)
