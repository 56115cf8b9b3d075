"""Step-down levels: cases by hand, bounds, and the promise on a family where a wrong verdict is easiest.

Simulated families hold N = 20 independent normal estimates of unit standard error. An interval is cut by an edge a
distance u above its truth and another v below; a verdict on it is wrong if an edge lies between truth and interval.
Each rate is over 50 000 families. A true rate of α = 0.05 fails with probability at most 1e-6, by the binomial law; a
true rate of 0.06 is seen with probability above 1 - 1e-6.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm

from qntk.validation.judge.step_down import step_down_level

FALSE_FAIL = 1e-6
ERROR, COUNT, FAMILIES = 0.05, 20, 50_000
BOUND = binom.isf(FALSE_FAIL, FAMILIES, ERROR)
FAR = math.inf

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=30)
errors = st.floats(1e-9, 0.5)


@pytest.mark.parametrize(
    ("settling", "level"),
    [
        ([], 0.06),
        ([0.9], 0.06),
        ([1e-9], 0.06),
        ([0.5, 0.021, 0.7], 0.02),  # 0.021 is above 0.06/3
        ([0.5, 0.02, 0.7], 0.02),  # an interval that ends on an edge has not settled
        ([0.5, 0.019, 0.7], 0.03),
        ([0.029, 0.019, 0.7], 0.06),
        ([0.7, 0.029, 0.019], 0.06),
        ([0.029, 0.029, 0.029], 0.02),  # nobody opens the door
        ([0.019, 0.03, 0.7], 0.03),
        ([0.0, 0.0, 0.0], 0.06),
    ],
)
def test_by_hand_at_six_per_cent(settling, level):
    assert step_down_level(settling, 0.06) == pytest.approx(level)


@given(p_values, errors)
def test_between_bonferroni_and_the_whole_budget(settling, error):
    assert error / len(settling) <= step_down_level(settling, error) <= error


@given(p_values, errors, st.data())
def test_settling_sooner_never_lowers_the_level_and_order_is_no_matter(settling, error, data):
    level = step_down_level(settling, error)
    assert step_down_level(data.draw(st.permutations(settling)), error) == level
    index = data.draw(st.integers(0, len(settling) - 1))
    sooner = [p * data.draw(st.floats(0, 1)) if i == index else p for i, p in enumerate(settling)]
    assert step_down_level(sooner, error) >= level


@given(p_values, errors)
def test_the_level_is_the_least_at_which_nothing_more_settles(settling, error):
    """Found among the N candidates α/(N - r): the first that as few intervals settle at as it has paid for."""
    N = len(settling)
    expected = next(error / (N - r) for r in range(N) if sum(p < error / (N - r) for p in settling) <= r or r == N - 1)
    assert step_down_level(settling, error) == expected


def bonferroni(settling, error):
    return error / len(settling)


def each_at_the_whole_budget(settling, error):
    return error


def from_the_least_settled(settling, error):
    """A wrong step-down: it takes the intervals from the other end and pays out the shares of those not settled."""
    count = 0
    for p in sorted(settling, reverse=True)[:-1]:
        if p < error / (len(settling) - count):
            break
        count += 1
    return error / (len(settling) - count)


def wrong_families(rule, above, below, seed=1):
    """Families in which any verdict is wrong; ``above`` and ``below`` are u and v of each interval."""
    u, v = (np.broadcast_to(np.asarray(x, dtype=float), COUNT) for x in (above, below))
    x = np.random.default_rng(seed).standard_normal((FAMILIES, COUNT))
    settling = np.maximum(2 * norm.sf(np.abs(x - u)), 2 * norm.sf(np.abs(x + v)))
    levels = np.array([rule(row, ERROR) for row in settling.tolist()])
    reach = norm.isf(levels / 2)[:, None]
    return int(((x - reach > u) | (x + reach < -v)).any(axis=1).sum())


def halves(one, other):
    return np.repeat([one, other], COUNT // 2)


TRUTHS = {
    "all on one edge": (0, FAR),
    "all on two edges": (0, 0),
    "half on an edge, half far": (halves(0, 40), FAR),
    "half on two edges, half far": (halves(0, 40), halves(0, 40)),
    "one on two edges, the rest far": (np.r_[0, np.full(19, 40)], np.r_[0, np.full(19, 40)]),
    "all at 0.5": (0.5, FAR),
    "all at 1": (1, FAR),
    "all at 2": (2, FAR),
    "all at 3": (3, FAR),
    "half on two edges, half at 3": (halves(0, 3), halves(0, 3)),
    "from 0 to 8": (np.linspace(0, 8, COUNT), np.linspace(0, 8, COUNT)),
    **{f"two edges, {w} to each side": (w, w) for w in (0.1, 0.5, 1, 2, 3, 4)},
    **{f"two edges {w} apart, the truth on one": (0, w) for w in (0.5, 2, 4, 6)},
}


@pytest.mark.parametrize("truth", TRUTHS)
def test_any_wrong_verdict_is_as_rare_as_promised(truth):
    assert wrong_families(step_down_level, *TRUTHS[truth]) <= BOUND


@pytest.mark.parametrize("rule", [each_at_the_whole_budget, from_the_least_settled])
@pytest.mark.parametrize("truth", ["all on one edge", "all on two edges", "all at 0.5"])
def test_negative_controls_break_the_promise(rule, truth):
    """The true rates are 0.1 and more: 20 intervals at 0.05 each, which the second rule comes to if nothing settles."""
    assert wrong_families(rule, *TRUTHS[truth]) > BOUND


def test_a_wrong_rule_that_happens_to_do_no_harm_passes():
    """Half of the intervals settled for sure: from the other end the level is α/10, as it should be."""
    assert wrong_families(from_the_least_settled, *TRUTHS["half on two edges, half far"]) <= BOUND


def test_the_rate_comes_near_the_promise_and_step_down_is_worth_having():
    """Of 40 independent one-sided errors at 0.05/40 one is made in 4.9 % of the families; with half of the intervals
    settled, step-down makes as many, Bonferroni 2.5 %. False-fail probability 1e-6 each, from 50 000 families."""
    truth = TRUTHS["all on two edges"]
    assert wrong_families(step_down_level, *truth) >= binom.ppf(FALSE_FAIL, FAMILIES, -math.expm1(-0.05) * 0.99)
    truth = TRUTHS["half on two edges, half far"]
    assert wrong_families(step_down_level, *truth) >= binom.ppf(FALSE_FAIL, FAMILIES, -math.expm1(-0.05) * 0.99)
    assert wrong_families(bonferroni, *truth) <= binom.isf(FALSE_FAIL, FAMILIES, 0.025)


def log_ratio(u, a, alpha):
    """Log of 2 Q(z(a)) Q(u - z(α)) over Q(u + z(a)), with z(a) the two-sided normal quantile."""
    za, zalpha = norm.isf(a / 2), norm.isf(alpha / 2)
    return np.log(a) + norm.logsf(u - zalpha) - norm.logsf(u + za)


def test_the_lemma_on_a_grid():
    u = np.linspace(0, 30, 601)[:, None, None]
    alpha = np.array([1e-6, 1e-3, 0.01, 0.05, 0.2, 0.5, 0.9])[:, None]
    ratio = log_ratio(u, alpha * np.geomspace(1e-12, 1, 40), alpha)
    assert ratio.min() >= -1e-12
    assert (np.diff(ratio, axis=0) >= -1e-9).all(), "least at u = 0"
    assert ratio.min() < math.log(2), "negative control: without the factor 2 it does not hold"


@given(st.floats(0, 30), st.floats(0, 30), st.floats(-30, 0), st.floats(1e-9, 0.999))
def test_the_lemma_and_the_bound_on_a_wrong_verdict(u, v, exponent, alpha):
    """f(a) <= a h, h the probability that an interval is not rightly settled at α, to rounding."""
    a = alpha * math.exp(exponent)
    assert log_ratio(u, a, alpha) >= -1e-9
    za, zalpha = norm.isf(a / 2), norm.isf(alpha / 2)
    missed = norm.sf(u - zalpha) + norm.sf(v - zalpha)
    assert norm.sf(u + za) + norm.sf(v + za) <= a * min(1.0, missed) * (1 + 1e-9)
