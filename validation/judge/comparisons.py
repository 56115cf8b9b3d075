"""Verdicts on draws made elsewhere: every claim on K, or on the dQNTK, that a law has a prediction for.

Each claim is one interval, with an equal share of the error budget (Bonferroni: the intervals share their draws).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qntk.theory import KernelLaw, Prediction
from qntk.theory.circuits.free_fermions import FermionLaw
from qntk.theory.haar.inversion import ACCURACY
from qntk.validation.judge.claims import CLAIM, ESTIMATED_MEAN, Margins, Quantity, by_student, claims_on, weigh
from qntk.validation.judge.estimates import MOMENTS, summarise
from qntk.validation.judge.floor import needed_draws
from qntk.validation.judge.sup_distance import sup_distance
from qntk.validation.judge.verdicts import Question, Verdict, own_questions, questions


def compare(
    draws: NDArray[np.float64],
    law: KernelLaw,
    quantity: Quantity,
    margins: Margins,
    family_error: float,
    estimated: bool = False,
) -> list[Verdict]:
    """The verdicts on a column of independent draws, shape (n,).

    Args:
        draws: kernels K or dQNTKs μ.
        law: what they are held against.
        quantity: ``kernel`` or ``dqntk``.
        margins: differences that count as agreement.
        family_error: probability that any verdict is wrong.
        estimated: whether the kernels are unbiased estimates of K, from shots: the mean alone is judged, by Student's
            t, its margin in units of the exact mean; they may be negative.

    Raises ``ValueError`` for fewer than 8 draws, values that are not finite, negative kernels, a constant column, or a
    law that has no prediction of this quantity.
    """
    if estimated:
        if quantity != "kernel":
            raise ValueError("estimated draws are of the kernel; leave --estimated out for the dqntk")
        asked = questions(law, [ESTIMATED_MEAN], margins)
        found = replace(by_student(draws, ESTIMATED_MEAN), needed=needed_draws(law, "kernel", "mean"))
        return [q.answer(found, family_error, len(draws)) for q in asked]
    claims = claims_on(law, (quantity,))
    if not claims:
        raise ValueError(f"no law is known for the {quantity} of this observable and generator")
    evidence = weigh({quantity: draws}, law)
    level = family_error / len(claims)
    return [q.answer(evidence[q.claim], level, len(draws)) for q in questions(law, claims, margins)]


def compare_fermions(
    draws: NDArray[np.float64], law: FermionLaw, margins: Margins, family_error: float
) -> list[Verdict]:
    """The verdicts on kernels K, shape (n,), against a law of free fermions: three moments and the distribution.

    Raises ``ValueError`` as ``compare``, and for a law without a distribution.
    """
    summary = summarise(draws)
    asked = own_questions(law, margins)
    level = family_error / (len(asked) + 1)
    found = []
    for name, question in zip(MOMENTS, asked, strict=True):
        evidence = replace(summary.pivot(name), needed=needed_draws(law, "kernel", name))
        found.append(question.answer(evidence, level, len(draws)))
    none = Prediction("distance to the law", 0.0, "exact", (law.group,), "docs/theory.md")
    whole = Question(CLAIM["kernel", "distribution"], none, margins.distribution, law.group)
    return [*found, whole.answer(sup_distance(draws, law.cdf, ACCURACY), level, len(draws))]
