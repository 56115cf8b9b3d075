"""For test suites: draws of a kernel against a prediction, at a stated false-fail probability.

A failure is one line, and below it the numbers behind that line and a picture of them:

    mean of K disagrees: estimate 0.994702, prediction 1.2, 37.3 standard errors off; margin 0.05, n = 10000
      estimate    0.994702, interval 0.970595 to 1.01971
      prediction  1.2 (exact), margin 1.14 to 1.26
      distance    37.3 standard errors from the prediction, 27.1 from the margin
      draws       about 398 would have settled it; these 10000 see a relative discrepancy of 0.083 with probability 0.9
      error       a truth within the margin fails with probability 1e-06 at most
      0.959 --(---x----)----------------------[===========|==========]-- 1.272
      x estimate in its interval ( ), | prediction in its margin [ ]
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qntk.inputs.draws import column_of
from qntk.theory import KernelLaw, Prediction
from qntk.theory.haar.distribution import KernelDistribution
from qntk.validation.judge.claims import CLAIM, Evidence
from qntk.validation.judge.estimates import MINIMUM_DRAWS, Moment, summarise
from qntk.validation.judge.independence import doubt
from qntk.validation.judge.pivots import Pivot
from qntk.validation.judge.sup_distance import sup_distance
from qntk.validation.judge.verdicts import POWER, Question, Verdict

Tested = Moment | Literal["distribution"]
_WIDTH = 60
"""Characters of the axis."""
_MOST = 2**60


def assert_agrees(
    kernels: NDArray[np.float64],
    prediction: Prediction | KernelLaw | float,
    statistic: Tested = "mean",
    margin: float = 0.0,
    false_fail: float = 1e-6,
    sees: float | None = None,
    power: float = POWER,
) -> Verdict:
    """The draws do not speak against a prediction, and could have.

    Fails for a true value within the margin with probability at most ``false_fail`` (asymptotic in n; at every n for
    ``distribution``), and for one that is ``sees`` away with probability at least ``power``.

    Args:
        kernels: independent draws of K, shape (n,), n >= 8, real numbers; warns of copies, whatever their order.
        prediction: of the statistic, in its own units; or a law, whose exact prediction it then is.
        statistic: ``mean``, ``variance`` or ``relative_std``; ``distribution`` is the sup distance to a law.
        margin: difference that is allowed, 0 <= margin < 1: relative, absolute for ``distribution``.
        false_fail: level of the interval.
        sees: the discrepancy, in units of the margin, that the test is for; None does not ask.
        power: with which a discrepancy counts as seen.

    Returns the verdict, ``agree`` or ``inconclusive``; raises ``AssertionError`` on ``disagree``, ``TypeError``
    for what is not real numbers, and ``ValueError`` for another shape, arguments out of range, or draws too few to see
    a discrepancy of ``sees``.
    """
    __tracebackhide__ = True
    for name, value in (("false_fail", false_fail), ("power", power)):
        if not 0 < value < 1:
            raise ValueError(f"{name} is {value}; give a probability between 0 and 1")
    if not 0 <= margin < 1:
        raise ValueError(f"margin is {margin}; give a difference from 0 up to 1")
    kernels = column_of(kernels, "kernels")
    evidence, claimed = _weigh(kernels, prediction, statistic)
    question = Question(CLAIM["kernel", statistic], claimed, margin)
    verdict = question.answer(evidence, false_fail, evidence.draws)
    smallest = evidence.detectable(margin, false_fail, power, isinstance(evidence, Pivot))
    if sees is not None and smallest > sees:
        raise ValueError(_too_few(question, evidence, smallest, sees, false_fail, power))
    if verdict.verdict == "disagree":
        raise AssertionError(_failure(question, verdict, evidence, smallest, power))
    if told := doubt(kernels, order=False):
        warnings.warn(told, stacklevel=2)
    return verdict


def settling_draws(question: Question, evidence: Evidence, level: float) -> int:
    """About how many draws settle a question, if the estimate is right: the fewest, at least 8, that leave no doubt.

    The evidence is scaled to n draws: the standard error as 1/√n, the degrees of freedom as n, the skewness as it is.
    Counts above 2^60 are given as that.
    """
    return _fewest(lambda n: question.answer(_scaled(evidence, n), level, n).verdict != "inconclusive")


def axis(question: Question, verdict: Verdict) -> str:
    """One line of ASCII: x estimate in its interval ( ), | prediction in its margin [ ], and the axis' two ends."""
    low, high = (edge if math.isfinite(edge) else question.prediction.value for edge in question.edges)
    marks = (low, high, *verdict.interval, verdict.estimate)
    first, last = min(marks), max(marks)
    pad = 0.04 * (last - first or 1.0)
    first, last = first - pad, last + pad
    cells = ["-"] * _WIDTH

    def place(value: float) -> int:
        return min(_WIDTH - 1, int((value - first) / (last - first) * _WIDTH))

    cells[place(low) : place(high)] = "=" * (place(high) - place(low))
    for value, mark in zip(marks[:4], "[]()", strict=True):
        cells[place(value)] = mark
    cells[place(question.prediction.value)] = "|"
    cells[place(verdict.estimate)] = "x"
    return f"{first:.4g} {''.join(cells)} {last:.4g}"


def _weigh(
    kernels: NDArray[np.float64], prediction: Prediction | KernelLaw | float, statistic: Tested
) -> tuple[Evidence, Prediction]:
    """What the draws say of the statistic, and what is held against it."""
    claim = CLAIM.get(("kernel", statistic))
    if claim is None:
        raise ValueError(f"statistic {statistic!r} is unknown; choose mean, variance, relative_std or distribution")
    summary = summarise(kernels)  # refuses what is no column of kernels
    if statistic == "distribution":
        if not isinstance(prediction, KernelLaw):
            raise ValueError("the statistic 'distribution' is held against a law; give a KernelLaw")
        law = KernelDistribution(prediction)
        return sup_distance(kernels, law.cdf, law.truncation), claim.predict(prediction, None)["exact"]
    if isinstance(prediction, KernelLaw):
        prediction = claim.predict(prediction, None)["exact"]
    elif not isinstance(prediction, Prediction):
        prediction = Prediction("K", float(prediction), "exact", (), "as given")
    if not 0 < prediction.value < math.inf:
        raise ValueError(f"prediction is {prediction.value}; a {_name(statistic)} of K is positive and finite")
    return summary.pivot(statistic), prediction


def _failure(question: Question, verdict: Verdict, evidence: Evidence, smallest: float, power: float) -> str:
    """All that is known, a summary in the first line."""
    (low, high), (below, above) = question.edges, verdict.interval
    value, n = verdict.prediction, verdict.draws
    edge = high if verdict.estimate > high else low
    logarithmic = isinstance(evidence, Pivot)
    # Of a distribution function at a point it is 1/(2√n) at most.
    se = evidence.se if isinstance(evidence, Pivot) else 1 / (2 * math.sqrt(n))
    off, beyond = (_distance(verdict.estimate, to, logarithmic) / se for to in (value, edge))
    name, about = _name(verdict.statistic), "" if logarithmic else "at least "
    settled = settling_draws(question, evidence, verdict.level)
    within = f"{low:.6g} to {high:.6g}" if math.isfinite(low) else f"up to {high:.6g}"
    return "\n".join(
        [
            f"{name} of K disagrees: estimate {verdict.estimate:.6g}, prediction {value:.6g}, "
            f"{about}{off:.3g} standard errors off; margin {verdict.margin:g}, n = {n}",
            f"  estimate    {verdict.estimate:.6g}, interval {below:.6g} to {above:.6g}",
            f"  prediction  {value:.6g} ({verdict.regime}), margin {within}",
            f"  distance    {about}{off:.3g} standard errors from the prediction, {beyond:.3g} from the margin",
            f"  draws       about {settled} would have settled it; these {n} see "
            f"{_article(verdict)} discrepancy of {smallest:.3g} with probability {power:g}",
            f"  error       a truth within the margin fails with probability {verdict.level:g} at most",
            f"  {axis(question, verdict)}",
            "  x estimate in its interval ( ), | prediction in its margin [ ]",
        ]
    )


def _too_few(question: Question, evidence: Evidence, smallest: float, sees: float, level: float, power: float) -> str:
    """What these draws see, and about how many see enough."""
    margin, relative = question.margin, isinstance(evidence, Pivot)
    if sees <= margin:
        return f"sees is {sees:g}; a discrepancy within the margin of {margin:g} is none"
    wanted = _fewest(lambda n: _scaled(evidence, n).detectable(margin, level, power, relative) <= sees)
    return (
        f"{evidence.draws} draws see a discrepancy of {smallest:.3g} of the {_name(question.claim.statistic)} with "
        f"probability {power:g}, not one of {sees:g}; draw about {wanted}"
    )


def _scaled(evidence: Evidence, draws: int) -> Evidence:
    """The same estimate from another number of draws."""
    if isinstance(evidence, Pivot):
        factor = draws / evidence.draws
        return replace(evidence, se=evidence.se / math.sqrt(factor), df=evidence.df * factor, draws=draws)
    return replace(evidence, draws=draws)


def _fewest(enough: Callable[[int], bool]) -> int:
    low, high = MINIMUM_DRAWS - 1, MINIMUM_DRAWS
    while not enough(high) and high < _MOST:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _distance(one: float, other: float, logarithmic: bool) -> float:
    return abs(math.log(one / other)) if logarithmic else abs(one - other)


def _name(statistic: str) -> str:
    return statistic.replace("_", " ")


def _article(verdict: Verdict) -> str:
    return "a relative" if verdict.margin_kind == "relative" else "an absolute"
