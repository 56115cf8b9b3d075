"""Verdicts on planted values: what must be found, what must not, and how often intervals miss."""

import math

import numpy as np
import pytest
from scipy import stats

from qntk.validation.diagnosis.findings import Ask, interval95
from qntk.validation.diagnosis.questions import ABOVE_ONE
from qntk.validation.diagnosis.seed import fall_times

RNG = np.random.default_rng


def ask(values, accepted, against=None, logarithmic=False):
    return Ask("I", "s", "m", "x", np.asarray(values, float), accepted, against, logarithmic)


def test_intervals_against_scipy():
    rng = RNG(0)
    a, b = rng.lognormal(1.0, 0.3, 9), rng.lognormal(0.2, 0.7, 6)
    found = ask(a, ABOVE_ONE, b, logarithmic=True).judge(0.02)
    expected = stats.ttest_ind(np.log(a), np.log(b), equal_var=False).confidence_interval(0.98)
    assert np.log(found.interval) == pytest.approx([expected.low, expected.high], rel=1e-12)
    one = ask(a, (0.0, 1.0)).judge(0.1)
    assert one.interval == pytest.approx(stats.ttest_1samp(a, 0).confidence_interval(0.9), rel=1e-12)
    middle, low, high = interval95(a, logarithmic=True)
    assert middle == pytest.approx(stats.gmean(a))
    assert low < middle < high


def test_shares_against_their_definition():
    """The interval's ends are where a tail of the binomial is level/2; a share of one has no upper end below 1."""
    found = Ask("I", "s", "m", "x", np.repeat([1.0, 0.0], [27, 5]), (0.5, 1.0), share=True).judge(1e-3)
    low, high = found.interval
    assert found.estimate == 27 / 32
    assert stats.binom.sf(26, 32, low) == pytest.approx(5e-4)
    assert stats.binom.cdf(27, 32, high) == pytest.approx(5e-4)
    assert found.verdict == "agree"
    none = Ask("I", "s", "m", "x", np.zeros(32), (0.5, 1.0), share=True).judge(1e-3)
    assert (none.verdict, none.interval[0]) == ("disagree", 0)


def test_planted_directions_and_values():
    rng = RNG(1)
    up = rng.lognormal(2.0, 0.1, 8)
    assert ask(up, ABOVE_ONE, np.ones(8) * rng.lognormal(0, 0.1, 8), True).judge(1e-3).verdict == "agree"
    assert ask(1 / up, ABOVE_ONE, rng.lognormal(0, 0.1, 8), True).judge(1e-3).verdict == "disagree"
    assert ask(rng.lognormal(0, 2, 4), ABOVE_ONE, rng.lognormal(0, 2, 4), True).judge(1e-3).verdict == "inconclusive"
    assert ask(1 + 0.01 * rng.normal(size=8), (0.9, 1.1)).judge(1e-3).verdict == "agree"
    assert ask(1.5 + 0.01 * rng.normal(size=8), (0.9, 1.1)).judge(1e-3).verdict == "disagree"
    found = ask([1.0, 2.0, math.inf, math.nan], (0, 5)).judge(0.05)
    assert found.samples == 2


def test_error_rate_of_verdicts():
    """2 000 studies in which the truth sits on the edge: wrong verdicts at most half of level 0.1 on either side.

    100 expected of 2 000 on each side; 155 is 5.6 standard errors above (false fail below 1e-6). Twice the level fails.
    """
    rng = RNG(2)
    wrong = [ask(rng.normal(1.0, 0.3, 8), (1.0, math.inf)).judge(0.1).verdict for _ in range(2000)]
    assert wrong.count("agree") < 155
    assert wrong.count("disagree") < 155
    doubled = [ask(rng.normal(1.0, 0.3, 8), (1.0, math.inf)).judge(0.2).verdict for _ in range(2000)]
    assert doubled.count("agree") > 155


def test_fall_times():
    t = np.arange(60)[:, None]
    rates = np.array([0.1, 0.02, 0.001])
    assert fall_times((1 - rates) ** t)[:2] == pytest.approx(-1 / np.log(1 - rates[:2]), rel=1e-9)
    assert fall_times((1 - rates) ** t)[2] == math.inf
    assert fall_times(np.array([[1.0, 1.0], [-0.1, 0.0]]))[0] == pytest.approx(1 / np.log(10), rel=1e-9)
