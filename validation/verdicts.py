"""Three-way verdicts that are right whenever the intervals cover.

Each estimate gets one two-sided interval for its ratio to a prediction. The verdict is read off it:

* agree: the whole interval lies inside the margin, |ratio - 1| <= margin (an equivalence test, TOST);
* disagree: the whole interval lies outside the margin;
* inconclusive: it straddles an edge; more draws would settle it.

If an interval covers the truth, none of its verdicts is wrong, however many theories it is compared with. A family of
N intervals at level 1 - α/N each therefore makes any wrong verdict with probability at most α (Bonferroni), under any
dependence between them. Intervals: Student's t for a mean; t on the log scale, with the sample's own kurtosis, for a
variance. Both are asymptotic in n; their measured coverage is in docs/statistics.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from scipy.stats import t as student

from theory import KernelLaw, Prediction
from theory.invariants import Group
from theory.symmetric import SymmetricKernelLaw
from validation.estimates import Summary

Outcome = Literal["agree", "disagree", "inconclusive"]
Statistic = Literal["mean", "variance"]
STATISTICS: tuple[Statistic, ...] = ("mean", "variance")


@dataclass(frozen=True)
class Margins:
    """Relative differences that count as agreement."""

    mean: float = 0.05
    variance: float = 0.10

    def __post_init__(self) -> None:
        """A margin of 1 or more would call anything agreement."""
        for name in STATISTICS:
            value = getattr(self, name)
            if not 0.0 < value < 1.0:
                raise ValueError(f"margin for the {name} is {value}; give a number between 0 and 1")


@dataclass(frozen=True)
class Verdict:
    """One estimate against one prediction.

    Attributes:
        quantity: ``kernel``.
        statistic: ``mean`` or ``variance``.
        regime: of the prediction.
        prediction, estimate: in the units of the statistic.
        interval: for the true value, at the confidence ``1 - level``, in the same units.
        margin: relative difference that counts as agreement.
        level: this interval's share of the family's error budget.
        p_value: two-sided, of the hypothesis that the prediction is exactly right.
        p_agree: of the hypothesis that the truth lies outside the margin (two one-sided tests, the larger).
        p_disagree: of the hypothesis that the truth lies inside the margin.
        resolution: half width of the interval relative to the estimate: a discrepancy from the margin's edge that
            is smaller than this may stay inconclusive.
        draws: number of draws n.
        verdict: agree, disagree or inconclusive.
        group: on which group the prediction's layers are Haar-random.
    """

    quantity: str
    statistic: Statistic
    regime: str
    prediction: float
    estimate: float
    interval: tuple[float, float]
    margin: float
    level: float
    p_value: float
    p_agree: float
    p_disagree: float
    resolution: float
    draws: int
    verdict: Outcome
    group: Group = "unitary"


def judge(
    summary: Summary,
    statistic: Statistic,
    prediction: Prediction,
    margin: float,
    level: float,
    group: Group = "unitary",
) -> Verdict:
    """The verdict on one prediction.

    Args:
        summary: sample moments.
        statistic: which of them.
        prediction: what theory says of it.
        margin: relative difference that counts as agreement, 0 < margin < 1.
        level: probability that the interval misses, both sides together: α/N in a family of N intervals.
        group: of the prediction's Haar layers.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level is {level}; give a probability between 0 and 1")
    logarithmic = statistic == "variance"

    def scale(ratio: float) -> float:
        return math.log(ratio) if logarithmic else ratio

    def ratio(position: float) -> float:
        return math.exp(min(position, 700.0)) if logarithmic else position

    if logarithmic:
        estimate, se = summary.variance, summary.log_variance_se
    else:
        estimate, se = summary.mean, summary.mean_se / prediction.value
    df = summary.draws - 1
    position = scale(estimate / prediction.value)
    low, exact, high = scale(1 - margin), scale(1.0), scale(1 + margin)
    reach = float(student.isf(level / 2, df)) * se
    interval = (ratio(position - reach) * prediction.value, ratio(position + reach) * prediction.value)
    if low <= position - reach and position + reach <= high:
        verdict: Outcome = "agree"
    elif position + reach < low or position - reach > high:
        verdict = "disagree"
    else:
        verdict = "inconclusive"

    def tail(distance: float) -> float:
        return float(student.sf(distance / se, df))

    return Verdict(
        quantity="kernel",
        statistic=statistic,
        regime=prediction.regime,
        prediction=prediction.value,
        estimate=estimate,
        interval=interval,
        margin=margin,
        level=level,
        p_value=min(1.0, 2 * tail(abs(position - exact))),
        p_agree=max(tail(position - low), tail(high - position)),
        p_disagree=min(1.0, 2 * min(tail(position - high), tail(low - position))),
        resolution=(interval[1] - interval[0]) / (2 * estimate),
        draws=summary.draws,
        verdict=verdict,
        group=group,
    )


def judge_all(summary: Summary, law: KernelLaw, margins: Margins, level: float) -> list[Verdict]:
    """Mean and variance against every regime that predicts them: five verdicts from two intervals."""
    predictions: list[tuple[Statistic, Prediction]] = [
        ("mean", law.mean("asymptotic")),
        ("mean", law.mean("exact")),
        ("variance", law.variance("asymptotic")),
        ("variance", law.variance("independent")),
        ("variance", law.variance("exact")),
    ]
    return [judge(summary, s, p, getattr(margins, s), level) for s, p in predictions]


def judge_own(summary: Summary, law: SymmetricKernelLaw, margins: Margins, level: float) -> list[Verdict]:
    """Mean and variance against the law of the group that an ansatz is confined to; the same intervals once more."""
    predictions: list[tuple[Statistic, Prediction]] = [("mean", law.mean()), ("variance", law.variance())]
    return [judge(summary, s, p, getattr(margins, s), level, law.group) for s, p in predictions]
