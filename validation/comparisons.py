"""Verdicts on draws made elsewhere: moments and the whole distribution of K, mean and second moment of the dQNTK.

Every verdict is read off one interval as in ``validation.verdicts``: agree inside the margin, disagree outside,
inconclusive across an edge. Kernels get three intervals (mean, variance, sup distance to the exact law), dQNTKs two
(mean, second moment); each has an equal share of the error budget.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from theory import KernelLaw, dqntk
from theory.distribution import KernelDistribution
from theory.dqntk_second_moment import second_moment
from validation.estimates import MINIMUM_DRAWS, summarise
from validation.sup_distance import sup_distance
from validation.verdicts import Margins, Outcome, judge, judge_all

Float = NDArray[np.float64]
Measure = Literal["mean", "variance", "distribution", "second_moment"]
MARGINS: dict[Measure, float] = {"mean": 0.05, "variance": 0.10, "distribution": 0.05, "second_moment": 0.10}
"""What counts as agreement: a relative difference; for ``distribution`` a sup distance, a difference of probabilities;
for the mean of the dQNTK, which a Pauli makes 0, a fraction of the root of E μ²."""
INTERVALS = {"kernel": 3, "dqntk": 2}


@dataclass(frozen=True)
class Comparison:
    """One estimate against one prediction.

    Attributes:
        quantity: ``kernel`` or ``dqntk``.
        statistic: ``mean``, ``variance``, ``distribution`` (sup distance to the law; predicted 0) or ``second_moment``.
        regime: of the prediction; ``leading`` is the large-D form of the dQNTK's second moment.
        prediction, estimate: in the units of the statistic.
        interval: for the true value, in the same units; misses with probability ``level``.
        margin: difference that counts as agreement.
        margin_kind: ``relative`` to the prediction, or ``absolute``, in the units of the statistic.
        level: this interval's share of the family's error budget.
        p_value: two-sided, of the hypothesis that the prediction is exactly right.
        p_agree: of the hypothesis that the truth lies outside the margin.
        p_disagree: of the hypothesis that the truth lies inside the margin.
        draws: number of draws n.
        verdict: agree, disagree or inconclusive.
    """

    quantity: str
    statistic: Measure
    regime: str
    prediction: float
    estimate: float
    interval: tuple[float, float]
    margin: float
    margin_kind: Literal["relative", "absolute"]
    level: float
    p_value: float
    p_agree: float
    p_disagree: float
    draws: int
    verdict: Outcome


def compare_kernel(draws: Float, law: KernelLaw, margins: dict[Measure, float], level: float) -> list[Comparison]:
    """Kernels against every regime's mean and variance and the exact distribution; ``ValueError`` as ``summarise``."""
    summary = summarise(draws)
    verdicts = judge_all(summary, law, Margins(margins["mean"], margins["variance"]), level)
    # Correlations do not enter a mean: held against it too, a wrong mean counts against the independent regime.
    verdicts.insert(1, judge(summary, "mean", law.mean("independent"), margins["mean"], level))
    rows = []
    for verdict in verdicts:
        kept = {key: value for key, value in asdict(verdict).items() if key not in ("resolution", "group")}
        rows.append(Comparison(margin_kind="relative", **kept))
    return [*rows, _distribution(draws, KernelDistribution(law), margins["distribution"], level)]


def compare_dqntk(draws: Float, law: KernelLaw, margins: dict[Measure, float], level: float) -> list[Comparison]:
    """dQNTKs μ of either sign against their mean and second moment, where known.

    Raises ``ValueError`` for fewer than 8 draws, values that are not finite, or a constant column.
    """
    n = len(draws)
    if n < MINIMUM_DRAWS:
        raise ValueError(f"{n} draws are too few for a verdict; give at least {MINIMUM_DRAWS}")
    if not np.isfinite(draws).all():
        raise ValueError("some draws are not finite; a dQNTK is a finite number")
    if np.ptp(draws) == 0:
        raise ValueError("all draws are equal; a constant column has no fluctuation to test")
    forms = {
        "asymptotic": dqntk.second_moment_asymptotic(law),
        "leading": dqntk.second_moment_leading(law),
        "exact": second_moment(law),
    }
    known = {regime: form.value for regime, form in forms.items() if form is not None}
    rows = []
    mean = dqntk.mean(law)
    if mean is not None and known:
        size = math.sqrt(known.get("exact", known["asymptotic"]))
        rows.append(_by_student(draws, "mean", mean.regime, mean.value, margins["mean"] * size, level))
    margin = margins["second_moment"]
    return rows + [_by_student(draws, "second_moment", r, value, margin, level) for r, value in known.items()]


def _distribution(draws: Float, law: KernelDistribution, margin: float, level: float) -> Comparison:
    distance = sup_distance(draws, law.cdf, law.truncation)
    low, high = interval = distance.interval(level)
    return Comparison(
        quantity="kernel",
        statistic="distribution",
        regime="exact",
        prediction=0.0,
        estimate=distance.low,
        interval=interval,
        margin=margin,
        margin_kind="absolute",
        level=level,
        p_value=distance.p_equal(),
        p_agree=distance.p_beyond(margin),
        p_disagree=distance.p_within(margin),
        draws=distance.draws,
        verdict=_outcome(low, high, -math.inf, margin),
    )


def _by_student(draws: Float, statistic: Measure, regime: str, value: float, margin: float, level: float) -> Comparison:
    """Student's t: for a mean as it is, for a mean square on its logarithm, as for a variance."""
    n, logarithmic = len(draws), statistic == "second_moment"
    if logarithmic:
        squares = draws**2
        estimate = float(squares.mean())
        # Squares that are all equal leave no certainty either: the floor is that of a sample variance's logarithm.
        se = math.sqrt(max(float(squares.var(ddof=1)) / estimate**2 / n, 2 / (n * (n - 1))))
        offset, below, above = math.log(estimate / value), math.log1p(-margin), math.log1p(margin)
    else:
        estimate, se = float(draws.mean()), float(draws.std(ddof=1)) / math.sqrt(n)
        offset, below, above = estimate - value, -margin, margin
    reach = float(student.isf(level / 2, n - 1)) * se
    low, high = offset - reach, offset + reach
    ends = (low + value, high + value)
    if logarithmic:
        ends = (math.exp(low) * value, math.exp(min(high, 700.0)) * value)

    def tail(distance: float) -> float:
        return float(student.sf(distance / se, n - 1))

    return Comparison(
        quantity="dqntk",
        statistic=statistic,
        regime=regime,
        prediction=value,
        estimate=estimate,
        interval=ends,
        margin=margin,
        margin_kind="relative" if logarithmic else "absolute",
        level=level,
        p_value=min(1.0, 2 * tail(abs(offset))),
        p_agree=max(tail(offset - below), tail(above - offset)),
        p_disagree=min(1.0, 2 * min(tail(offset - above), tail(below - offset))),
        draws=n,
        verdict=_outcome(low, high, below, above),
    )


def _outcome(low: float, high: float, below: float, above: float) -> Outcome:
    """What an interval says of a margin."""
    if below <= low and high <= above:
        return "agree"
    return "disagree" if high < below or low > above else "inconclusive"
