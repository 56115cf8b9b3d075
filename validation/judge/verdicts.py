"""Three-way verdicts that are right whenever the intervals cover.

Each estimate gets one two-sided interval for the true value. The verdict on a prediction is read off it:

* agree: the whole interval lies inside the margin about the prediction (an equivalence test, TOST);
* disagree: the whole interval lies outside the margin;
* inconclusive: it straddles an edge; more draws would settle it.

With fewer draws than the law's tails ask for (``qntk.validation.judge.floor``) every verdict is inconclusive, its
p-values are 1, and the interval is only what the draws show.

If an interval covers the truth, none of its verdicts is wrong, however many theories it is compared with. A family of
N intervals at level α/N each therefore makes any wrong verdict with probability at most α (Bonferroni), under any
dependence between them; ``qntk.validation.judge.step_down`` does better for independent ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from qntk.theory import KernelLaw, Prediction
from qntk.theory.circuits.free_fermions import FermionLaw
from qntk.theory.haar.symmetric import SymmetricKernelLaw
from qntk.validation.judge.claims import CLAIM, Claim, Evidence, Margins, Quantity, Statistic
from qntk.validation.judge.estimates import MOMENTS, Moment, Summary
from qntk.validation.judge.floor import needed_draws
from qntk.validation.judge.pivots import Pivot

Outcome = Literal["agree", "disagree", "inconclusive"]
POWER = 0.9
"""Probability of seeing what is said to be seen, where nothing else is asked for."""


@dataclass(frozen=True)
class Verdict:
    """One estimate against one prediction.

    Attributes:
        quantity: ``kernel``, ``cross_kernel`` or ``dqntk``.
        statistic: such as ``mean``; ``distribution`` is the sup distance to the law, predicted 0.
        regime: of the prediction; ``leading`` is the large-D form of the dQNTK's second moment.
        prediction, estimate: in the units of the statistic.
        interval: for the true value, in the same units; misses with probability ``level``.
        margin: difference that counts as agreement.
        margin_kind: ``relative`` to the prediction, or ``absolute``, in the units of the statistic.
        level: this interval's share of the family's error budget.
        p_value: two-sided, of the hypothesis that the prediction is exactly right.
        p_agree: of the hypothesis that the truth lies outside the margin (two one-sided tests, the larger).
        p_disagree: of the hypothesis that the truth lies inside the margin.
        resolution: half width of the interval relative to the estimate: a discrepancy from the margin's edge that
            is smaller than this may stay inconclusive. None for an estimate of 0.
        detectable: smallest difference between truth and prediction, in units of the margin (relative or absolute),
            that gets ``disagree`` with probability 0.9, as far as these draws tell; infinite if there is none.
        draws: number of draws n.
        verdict: agree, disagree or inconclusive.
        group: on which group the prediction's layers are Haar-random; ``free fermions`` for SO(2n).
    """

    quantity: Quantity
    statistic: Statistic
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
    resolution: float | None
    detectable: float | None
    draws: int
    verdict: Outcome
    group: str = "unitary"

    @property
    def ratio(self) -> float:
        """Estimate over prediction; not a number for a prediction of 0."""
        return self.estimate / self.prediction if self.prediction else math.nan


@dataclass(frozen=True)
class Question:
    """A prediction and the margin about it: what one interval is held against.

    Attributes:
        claim: what it is a prediction of.
        prediction: of the statistic, in its own units.
        margin: relative, or absolute in units of the statistic where the claim has a unit.
        group: of the prediction's Haar layers.
    """

    claim: Claim
    prediction: Prediction
    margin: float
    group: str = "unitary"

    @property
    def edges(self) -> tuple[float, float]:
        """The ends of the margin; a distance has no lower one."""
        value = self.prediction.value
        if self.claim.unit is None:
            return value * (1 - self.margin), value * (1 + self.margin)
        return (-math.inf if self.claim.statistic == "distribution" else value - self.margin), value + self.margin

    def settling(self, evidence: Evidence) -> float:
        """The smallest level at which the interval holds no edge; 1 if there are too few draws for a verdict."""
        if not evidence.enough:
            return 1.0
        return max(evidence.p_equal(edge) for edge in self.edges if math.isfinite(edge))

    def answer(self, evidence: Evidence, level: float, draws: int) -> Verdict:
        """The verdict that the evidence gives.

        Args:
            evidence: on the statistic.
            level: probability that the interval misses, both sides together.
            draws: number of draws behind it.
        """
        if not 0.0 < level < 1.0:
            raise ValueError(f"level is {level}; give a probability between 0 and 1")
        low, high = self.edges
        interval = evidence.interval(level)
        relative = self.claim.unit is None
        seen = evidence.detectable(self.margin, level, POWER, relative)
        one_sided = math.isinf(low)
        above = evidence.p_at_most(high)
        unsure = 0.0 if evidence.enough else 1.0
        outcome: Outcome = "inconclusive"
        if not evidence.enough:
            pass
        elif low <= interval[0] and interval[1] <= high:
            outcome = "agree"
        elif interval[1] < low or interval[0] > high:
            outcome = "disagree"
        return Verdict(
            quantity=self.claim.quantity,
            statistic=self.claim.statistic,
            regime=self.prediction.regime,
            prediction=self.prediction.value,
            estimate=evidence.estimate,
            interval=interval,
            margin=self.margin,
            margin_kind="relative" if relative else "absolute",
            level=level,
            p_value=evidence.p_equal(self.prediction.value) if evidence.enough else 1.0,
            p_agree=max(0.0 if one_sided else evidence.p_at_most(low), evidence.p_at_least(high), unsure),
            p_disagree=max(above if one_sided else min(1.0, 2 * min(above, evidence.p_at_least(low))), unsure),
            resolution=(interval[1] - interval[0]) / (2 * abs(evidence.estimate)) if evidence.estimate else None,
            detectable=seen if math.isfinite(seen) else None,
            draws=draws,
            verdict=outcome,
            group=self.group,
        )


def questions(
    law: KernelLaw, claims: Iterable[Claim], margins: Margins, overlap: float | None = None
) -> list[Question]:
    """Every prediction of a law that these claims are about."""
    return [
        Question(
            claim,
            prediction,
            getattr(margins, claim.statistic) * (claim.unit(law) if claim.unit else 1.0),
        )
        for claim in claims
        for prediction in claim.predict(law, overlap).values()
    ]


def own_questions(law: SymmetricKernelLaw | FermionLaw, margins: Margins) -> list[Question]:
    """The moments of K in the law of the group that an ansatz is confined to; held against the same intervals."""
    return [Question(CLAIM["kernel", s], getattr(law, s)(), getattr(margins, s), law.group) for s in MOMENTS]


def judge(summary: Summary, statistic: Moment, prediction: Prediction, margin: float, level: float) -> Verdict:
    """The verdict on one prediction of a moment of K.

    Args:
        summary: sample moments.
        statistic: which of them.
        prediction: what theory says of it.
        margin: relative difference that counts as agreement, 0 <= margin < 1.
        level: probability that the interval misses, both sides together: α/N in a family of N intervals.
    """
    question = Question(CLAIM["kernel", statistic], prediction, margin)
    return question.answer(summary.pivot(statistic), level, summary.draws)


def judge_all(summary: Summary, law: KernelLaw, margins: Margins, level: float) -> list[Verdict]:
    """The moments of K against every regime: nine verdicts from three intervals."""
    asked = questions(law, [CLAIM["kernel", s] for s in MOMENTS], margins)
    needed = {s: needed_draws(law, "kernel", s) for s in MOMENTS}
    return _answers(asked, summary, level, needed)


def judge_own(
    summary: Summary, law: SymmetricKernelLaw, unitary: KernelLaw, margins: Margins, level: float
) -> list[Verdict]:
    """The moments of K against the law of the group that an ansatz is confined to; the same intervals once more.

    ``unitary`` is the law of Haar layers, which says how many draws a verdict needs.
    """
    needed = {s: needed_draws(unitary, "kernel", s) for s in MOMENTS}
    return _answers(own_questions(law, margins), summary, level, needed)


def _answers(asked: list[Question], summary: Summary, level: float, needed: Mapping[Moment, int]) -> list[Verdict]:
    pivots: dict[str, Pivot] = {s: replace(summary.pivot(s), needed=needed[s]) for s in MOMENTS}
    return [q.answer(pivots[q.claim.statistic], level, summary.draws) for q in asked]
