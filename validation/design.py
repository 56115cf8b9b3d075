"""Design before drawing: what n draws can see, and how many draws a verdict needs.

The estimate of a statistic, on the scale on which it is judged (the mean relative to the prediction, the logarithm of
the variance), scatters about the truth as a normal variable with the standard error se that the law's own moments
give; its interval reaches t·se to either side, with Student's t at level/2 and n - 1 degrees of freedom. This is
asymptotic in n, as the intervals are. It leaves out that se is itself estimated and, for skewed K, moves with the
estimate: a promised 0.9 came out between 0.87 and 0.92 in simulation, lowest for the variance of heavy tails.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

from theory import KernelLaw, Prediction
from theory.haar_state import relative_variance
from theory.shape import excess_kurtosis, sum_moments
from validation.estimates import MINIMUM_DRAWS, Summary, summarise
from validation.verdicts import STATISTICS, Margins, Statistic, Verdict, judge

POWER = 0.9
"""Probability of seeing what is said to be seen, where nothing else is asked for."""
_ROUND = 1000


@dataclass(frozen=True)
class Spread:
    """What decides how far the estimates of a kernel's mean and variance scatter.

    Attributes:
        relative_std: ΔK/K̄.
        excess_kurtosis: of K, 0 for a normal variable.
        exact: whether both are those of the law; else the kurtosis is an estimate or an assumption.
    """

    relative_std: float
    excess_kurtosis: float
    exact: bool = True

    @classmethod
    def of_law(cls, law: KernelLaw) -> Spread:
        """Of a Haar-layer law.

        The observable's higher traces may not be known (sums of very many Paulis). Its v_O then counts as a gamma
        variable of the right mean and variance, and ``exact`` is False.
        """
        kurtosis = excess_kurtosis(law)
        value = _gamma_kurtosis(law) if kurtosis is None else kurtosis.value
        return cls(law.relative_std().value, value, kurtosis is not None)

    @classmethod
    def of_sample(cls, summary: Summary) -> Spread:
        """As estimated from draws."""
        n = summary.draws
        return cls(summary.relative_std, n * summary.log_variance_se**2 + (n - 3) / (n - 1) - 3, exact=False)

    def standard_error(self, statistic: Statistic, draws: int) -> float:
        """Of the mean relative to itself, or of the logarithm of the variance."""
        if draws < MINIMUM_DRAWS:
            raise ValueError(f"draws is {draws}; give at least {MINIMUM_DRAWS}")
        if statistic == "mean":
            return self.relative_std / math.sqrt(draws)
        return math.sqrt((self.excess_kurtosis + 3 - (draws - 3) / (draws - 1)) / draws)


def resolution(spread: Spread, statistic: Statistic, level: float, draws: int) -> float:
    """Half width of the interval relative to the value, as in ``Verdict.resolution``.

    Args:
        spread: of the kernel.
        statistic: ``mean`` or ``variance``.
        level: probability that the interval misses, both sides together.
        draws: n.
    """
    reach = _reach(level, draws) * spread.standard_error(statistic, draws)
    return reach if statistic == "mean" else math.sinh(reach)


def agree_probability(spread: Spread, statistic: Statistic, margin: float, level: float, draws: int) -> float:
    """Probability of the verdict ``agree`` for a prediction that is exactly right; both edges count.

    ``margin`` is a relative difference, 0 <= margin < 1; the other arguments are those of ``resolution``.
    """
    low, high = _edges(statistic, margin)
    se, reach = spread.standard_error(statistic, draws), _reach(level, draws)
    return max(0.0, float(ndtr(high / se - reach) - ndtr(low / se + reach)))


def detectable_discrepancy(
    spread: Spread, statistic: Statistic, margin: float, level: float, draws: int, power: float = POWER
) -> float:
    """Smallest δ such that any truth that differs by δ or more gets ``disagree`` with probability >= ``power``.

    δ is relative to the prediction and holds on both sides: a truth of 1 + δ times the prediction, the harder of the
    two, solves

        (1 + δ)(1 - q) = 1 + margin  (mean),      (1 + δ) e^{-q} = 1 + margin  (variance),      q = (t + z_power) se,

    where the spread of the truth relative to itself is taken to be ``spread``. To first order δ is margin + q. With
    margin 0 it is the smallest difference from zero that is significant at ``level``. Infinite if q >= 1 for a mean.
    """
    _check_margin(margin)
    q = (_reach(level, draws) + float(ndtri(_probability("power", power)))) * spread.standard_error(statistic, draws)
    if statistic == "variance":
        return (1 + margin) * math.exp(min(q, 700.0)) - 1
    return (1 + margin) / (1 - q) - 1 if q < 1 else math.inf


def draws_needed(spread: Spread, statistic: Statistic, margin: float, level: float, power: float = POWER) -> int:
    """Smallest n >= 8 for which a prediction that is exactly right gets ``agree`` with probability >= ``power``.

    Raises ``ValueError`` for a margin of 0, which nothing can be shown to lie in.
    """
    _check_margin(margin)
    _probability("power", power)
    if margin == 0:
        raise ValueError("margin is 0; no number of draws shows agreement to within nothing")
    low, high = MINIMUM_DRAWS - 1, MINIMUM_DRAWS
    while agree_probability(spread, statistic, margin, level, high) < power:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if agree_probability(spread, statistic, margin, level, middle) < power:
            low = middle
        else:
            high = middle
    return high


def planned_draws(law: KernelLaw, margins: Margins, level: float, power: float, most: int) -> int:
    """Draws for which mean and variance each reach ``agree`` with probability >= ``power``, if ``law`` holds.

    Both together do with probability >= 2 power - 1. Rounded up to a multiple of 1000, so that the last digits of a
    computation never move it, and at most ``most``.
    """
    spread = Spread.of_law(law)
    needed = max(draws_needed(spread, s, getattr(margins, s), level, power) for s in STATISTICS)
    return min(-(-needed // _ROUND) * _ROUND, most)


def assert_agrees(
    kernels: NDArray[np.float64],
    prediction: Prediction | float,
    statistic: Statistic = "mean",
    margin: float = 0.0,
    false_fail: float = 1e-6,
    sees: float | None = None,
    power: float = POWER,
) -> Verdict:
    """For tests: the draws do not speak against a prediction, and could have.

    Fails for a true value within the margin with probability at most ``false_fail`` (asymptotic in n), and for one
    that is ``detectable_discrepancy`` away with probability at least ``power``.

    Args:
        kernels: independent draws, shape (n,).
        prediction: of the statistic, in its own units.
        statistic: ``mean`` or ``variance``.
        margin: relative difference that is allowed, 0 <= margin < 1.
        false_fail: level of the interval.
        sees: the relative discrepancy that the test is for; None does not ask.
        power: with which a discrepancy counts as seen.

    Raises ``AssertionError`` with one line on the verdict ``disagree``, and ``ValueError`` if the draws are too few to
    see a discrepancy of ``sees``.
    """
    summary = summarise(kernels)
    claim = prediction if isinstance(prediction, Prediction) else Prediction("K", prediction, "exact", (), "as given")
    smallest = detectable_discrepancy(Spread.of_sample(summary), statistic, margin, false_fail, summary.draws, power)
    if sees is not None and smallest > sees:
        raise ValueError(
            f"{summary.draws} draws see a discrepancy of {smallest:.3g} of the {statistic} with probability {power:g}, "
            f"not one of {sees:g}; draw more"
        )
    verdict = judge(summary, statistic, claim, margin, false_fail)
    if verdict.verdict == "disagree":
        raise AssertionError(
            f"{statistic} of K: estimate {verdict.estimate:.6g}, prediction {claim.value:.6g}, margin {margin:g}: "
            f"disagree; false-fail probability {false_fail:g}, n = {summary.draws}, which sees a relative discrepancy "
            f"of {smallest:.3g} with probability {power:g}"
        )
    return verdict


def _gamma_kurtosis(law: KernelLaw) -> float:
    """Excess kurtosis of K = v_O S, S exact and v_O gamma: E v^k = (E v)^k Π_{j<k} (1 + j r), r = Var v / (E v)²."""
    ratio = relative_variance(law.observable)
    raw, weight = [], Fraction(1)
    for k, moment in enumerate(sum_moments(law)):
        raw.append(weight * moment)
        weight *= 1 + k * ratio
    mean = raw[1]
    second, fourth = (sum(math.comb(n, k) * raw[k] * (-mean) ** (n - k) for k in range(n + 1)) for n in (2, 4))
    return float(fourth / second**2 - 3)


def _edges(statistic: Statistic, margin: float) -> tuple[float, float]:
    """Of the margin, on the scale on which the statistic is judged."""
    _check_margin(margin)
    return (math.log1p(-margin), math.log1p(margin)) if statistic == "variance" else (-margin, margin)


def _reach(level: float, draws: int) -> float:
    """Student's t, in standard errors."""
    return -float(stdtrit(draws - 1, _probability("level", level) / 2))


def _check_margin(margin: float) -> None:
    if not 0 <= margin < 1:
        raise ValueError(f"margin is {margin}; give a relative difference from 0 up to 1")


def _probability(name: str, value: float) -> float:
    if not 0 < value < 1:
        raise ValueError(f"{name} is {value}; give a probability between 0 and 1")
    return value
