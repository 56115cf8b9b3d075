"""Do verdicts keep their promise, and do they see what they must?

Draws come from the product law through Beta variables: here the truth must be known exactly, and the sampler is not
what is tested.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from qntk.theory import KernelLaw, OperatorMoments, Prediction
from qntk.validation.judge.estimates import summarise
from qntk.validation.judge.verdicts import Margins, judge, judge_all

FALSE_FAIL = 1e-6
"""Of each coverage assertion below."""


def product_law(qubits, parameters, draws, rng, projector=False):
    """Kernels of Haar layers for a Pauli generator and a Pauli or rank-1 projector observable."""
    D = 2**qubits
    p = rng.beta(1, D - 1, draws) if projector else rng.beta(D / 2, D / 2, draws)
    spread = p * (1 - p) if projector else 4 * p * (1 - p)
    total = np.zeros(draws)
    for _ in range(parameters):
        q = rng.beta(D / 2, D / 2, draws)
        total += 4 * q * (1 - q) * rng.beta(0.5, D - 1.5, draws)
    return 4 * spread * total


def law(qubits, parameters, projector=False):
    pauli = OperatorMoments.from_pauli(qubits)
    return KernelLaw(parameters, OperatorMoments.from_projector(qubits) if projector else pauli, pauli)


@pytest.mark.parametrize("statistic", ["mean", "variance"])
@pytest.mark.parametrize(
    ("qubits", "projector", "promise"), [(2, False, 0.06), (4, False, 0.06), (3, True, 0.06), (6, True, 0.08)]
)
def test_intervals_cover(statistic, qubits, projector, promise):
    """95 % intervals from 4 000 draws at L = 4, 1 500 times: the rate of misses stays below the promise.

    The promise for the heaviest tail (6 qubits, projector, excess kurtosis about 20) is 8 %, elsewhere 6 %. A true
    rate that keeps it fails with probability at most 1e-6; a rate five points above it is caught with probability 0.95.
    """
    rng = np.random.default_rng(2026)
    truth = law(qubits, 4, projector)
    prediction = truth.mean() if statistic == "mean" else truth.variance()
    misses = 0
    for _ in range(1500):
        verdict = judge(summarise(product_law(qubits, 4, 4000, rng, projector)), statistic, prediction, 0.1, 0.05)
        misses += not verdict.interval[0] <= prediction.value <= verdict.interval[1]
    assert misses <= binom.isf(FALSE_FAIL, 1500, promise)


def test_family_wise_error_stays_below_its_budget():
    """300 families of 10 intervals at 5 %, each compared with a theory a hair inside and one a hair outside the margin.

    False-fail probability 1e-6 for a true rate of 5 %; a rate of 15 % is caught with probability 0.9.
    """
    rng = np.random.default_rng(7)
    truth = law(3, 4)
    wrong = 0
    for _ in range(300):
        outcome = False
        for _ in range(10):
            summary = summarise(product_law(3, 4, 2000, rng))
            for factor, right in ((1.0499, "agree"), (1.0501, "disagree")):
                prediction = Prediction("K", truth.mean().value / factor, "exact", (), "")
                verdict = judge(summary, "mean", prediction, 0.05, 0.05 / 10).verdict
                outcome |= verdict not in (right, "inconclusive")
        wrong += outcome
    assert wrong <= binom.isf(FALSE_FAIL, 300, 0.05)


def verdicts(kernels, prediction_law, level=1e-4):
    return {(v.statistic, v.regime): v.verdict for v in judge_all(summarise(kernels), prediction_law, Margins(), level)}


@pytest.fixture(scope="module")
def kernels():
    return product_law(3, 32, 60_000, np.random.default_rng(1))


def test_the_truth_agrees(kernels):
    """Mean within 5 %, variance within 10 %: with 60 000 draws agreement is missed with probability below 1e-6."""
    seen = verdicts(kernels, law(3, 32))
    assert seen["mean", "exact"] == seen["variance", "exact"] == "agree"


@pytest.mark.parametrize(
    ("name", "theory", "statistic"),
    [
        (
            "generator P taken for P/2",
            lambda l: KernelLaw(l.parameters, l.observable, l.generator.scaled(0.5)),
            "mean",
        ),
        (
            "generator P/2 taken for P",
            lambda l: KernelLaw(l.parameters, l.observable, l.generator.scaled(2)),
            "mean",
        ),
        (
            "wrong observable",
            lambda l: KernelLaw(l.parameters, OperatorMoments.from_projector(3), l.generator),
            "mean",
        ),
        ("one parameter in ten lost", lambda l: KernelLaw(36, l.observable, l.generator), "mean"),
        (
            "wrong convention",
            lambda l: KernelLaw(l.parameters, l.observable, l.generator.scaled(0.5)),
            "variance",
        ),
    ],
)
def test_negative_control_planted_wrong_theories_disagree(kernels, name, theory, statistic):
    assert verdicts(kernels, theory(law(3, 32)))[statistic, "exact"] == "disagree", name


def test_negative_control_the_independent_regime_used_as_exact_disagrees(kernels):
    assert verdicts(kernels, law(3, 32))["variance", "independent"] == "disagree"


def test_few_draws_are_inconclusive(kernels):
    assert set(verdicts(kernels[:8], law(3, 32)).values()) == {"inconclusive"}


@given(st.integers(0, 1000), st.floats(0.2, 5), st.floats(0.01, 0.5), st.floats(1e-6, 0.2))
def test_the_verdict_is_what_the_interval_says(kernels, start, factor, margin, level):
    prediction = Prediction("K", kernels.mean() * factor, "exact", (), "")
    for statistic in ("mean", "variance"):
        v = judge(summarise(kernels[start : start + 200]), statistic, prediction, margin, level)
        low, high = (x / v.prediction for x in v.interval)
        inside = 1 - margin <= low and high <= 1 + margin
        outside = high < 1 - margin or low > 1 + margin
        assert v.verdict == ("agree" if inside else "disagree" if outside else "inconclusive")
        assert (v.verdict == "agree") == (v.p_agree <= level / 2)
        assert (v.verdict == "disagree") == (v.p_disagree < level)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.ones(7), "too few"),
        (np.ones(10), "equal"),
        (np.r_[np.ones(9), np.nan], "not finite"),
        (np.r_[np.ones(9), -1.0], "negative"),
    ],
)
def test_draws_that_cannot_be_judged_are_refused(values, words):
    with pytest.raises(ValueError, match=words):
        summarise(values)


def test_bad_margins_and_levels_are_refused(kernels):
    with pytest.raises(ValueError, match="margin for the mean"):
        Margins(mean=1.5)
    with pytest.raises(ValueError, match="level is 0"):
        judge(summarise(kernels), "mean", law(3, 32).mean(), 0.05, 0.0)


def test_two_valued_draws_have_an_interval_of_positive_width():
    """Eight draws, four of each value: the least kurtosis there is, and still no certainty."""
    prediction = Prediction("K", 2 / 7, "exact", (), "")
    verdict = judge(summarise(np.array([1.0, 2.0] * 4)), "variance", prediction, 0.1, 1e-4)
    assert verdict.interval[0] < verdict.estimate < verdict.interval[1]
    assert verdict.verdict == "inconclusive"
