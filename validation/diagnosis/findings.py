"""What a study says of the talk's findings and of the theory's predictions, each with an interval and a verdict.

A question is a statistic over independent seeds (or circuits): a mean, or a ratio of geometric means, with Student's t
interval, Welch's for two groups; or a share, with Clopper and Pearson's. Each of the N questions of a study gets an
interval that misses with probability family_error/N, so that all cover at once with probability 1 - family_error
(Bonferroni). The verdict is read off it:

* a direction: agree if the interval lies above the edge, disagree if it lies below, otherwise inconclusive;
* a value: agree if the interval lies within the margin, disagree if outside, otherwise inconclusive.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from qntk.validation.judge.verdicts import Outcome

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Finding:
    """One statement, judged.

    Attributes:
        result: the talk's result that it belongs to, ``I``, ``II`` or ``III``, or ``random`` or ``beyond``.
        statement: what is claimed.
        subject: of which model or ensemble.
        statistic: what was estimated.
        estimate, interval: of it; the interval misses with probability ``level``.
        accepted: interval that the truth must lie in for the statement to hold; a direction has an infinite end.
        samples: seeds or circuits behind it, of the smaller group.
        verdict: agree, disagree or inconclusive.
    """

    result: str
    statement: str
    subject: str
    statistic: str
    estimate: float
    interval: tuple[float, float]
    accepted: tuple[float, float]
    level: float
    samples: int
    verdict: Outcome


@dataclass(frozen=True, eq=False)
class Ask:
    """A question before it is judged; values that are not finite are left out.

    ``logarithmic`` values are positive, and their geometric mean counts; with ``against``, its ratio to theirs, or, if
    not logarithmic, the difference. Values of a ``share`` are 0 and 1, and its interval is Clopper and Pearson's.
    """

    result: str
    statement: str
    subject: str
    statistic: str
    values: Array
    accepted: tuple[float, float]
    against: Array | None = None
    logarithmic: bool = False
    share: bool = False

    def groups(self) -> list[Array]:
        """The finite values, as logarithms if these count."""
        made = []
        for values in (self.values, self.against):
            if values is None:
                continue
            with np.errstate(divide="ignore", invalid="ignore"):
                scaled = np.log(values) if self.logarithmic else np.asarray(values, dtype=float)
            made.append(scaled[np.isfinite(scaled)])
        return made

    def judge(self, level: float) -> Finding:
        """The verdict of an interval that misses with probability ``level``."""
        groups = self.groups()
        if self.share:
            hits, count = int(groups[0].sum()), len(groups[0])
            interval = stats.binomtest(hits, count).proportion_ci(1 - level)
            ends = np.array([hits / count, interval.low, interval.high])
        else:
            estimate, se, df = _t(groups)
            reach = float(stats.t.isf(level / 2, df)) * se
            ends = np.array([estimate, estimate - reach, estimate + reach])
        if self.logarithmic:
            ends = np.exp(np.clip(ends, -600, 600))
        middle, low, high = map(float, ends)
        verdict: Outcome = "inconclusive"
        if self.accepted[0] <= low and high <= self.accepted[1]:
            verdict = "agree"
        elif high < self.accepted[0] or low > self.accepted[1]:
            verdict = "disagree"
        return Finding(
            self.result, self.statement, self.subject, self.statistic, middle, (low, high), self.accepted, level,
            min(map(len, groups)), verdict,
        )  # fmt: skip


def interval95(values: Array, logarithmic: bool = False) -> tuple[float, float, float]:
    """Mean, or geometric mean, and its Student t interval at 95 %; NaN ends for fewer than two values.

    An end beyond the range of floating point is infinite.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.log(values) if logarithmic else np.asarray(values, dtype=float)
    scaled = scaled[np.isfinite(scaled)]
    if not len(scaled):
        return float("nan"), float("nan"), float("nan")
    reach = float("nan")
    if len(scaled) > 1:
        reach = float(stats.t.isf(0.025, len(scaled) - 1) * stats.sem(scaled))
    ends = scaled.mean() + np.array([0, -reach, reach])
    with np.errstate(over="ignore"):
        middle, low, high = np.exp(ends) if logarithmic else ends
    return float(middle), float(low), float(high)


def _t(groups: list[Array]) -> tuple[float, float, float]:
    """Mean or difference of means, standard error, and degrees of freedom (Welch)."""
    means = [float(g.mean()) for g in groups]
    parts = [float(g.var(ddof=1)) / len(g) for g in groups]
    total = sum(parts)
    df = float(min(map(len, groups)) - 1)
    if total > 0 and len(groups) == 2:
        df = total**2 / sum(p**2 / (len(g) - 1) for p, g in zip(parts, groups, strict=True))
    return means[0] - (means[1] if len(groups) == 2 else 0.0), math.sqrt(total), df
