"""The questions that random circuits are asked, within the frozen regime and beyond it."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from qntk.validation.diagnosis.findings import Ask
from qntk.validation.diagnosis.random_training import RandomTraining
from qntk.validation.diagnosis.transition import EDGE, INSIDE, Transition

NEAR = 0.05
"""What a law beyond the frozen kernel may miss by."""
PASSED = (0.6, 0.8, 0.9)
"""Outputs at which the kernel is looked at on the way to the edge."""


def about_random(random: RandomTraining, margin: float) -> Iterator[Ask]:
    """One datum in random circuits; every value is one circuit or one set of angles."""
    within, squares = (1 - margin, 1 + margin), ((1 - margin) ** 2, (1 + margin) ** 2)
    x = random.rate * random.law.mean().value
    t = max(1, round(1 / x))
    for name, run in random.runs.items():
        seen = run.ratios[:, t]
        yield Ask(
            "random", f"the mean residual falls as (1 - ηK̄)^t, to {margin:.0%}", f"{name}, t = {t}",
            "mean ε(t)/ε(0) over the prediction", seen / (1 - x) ** t, within,
        )  # fmt: skip
        spread = (t * random.rate * (1 - x) ** (t - 1)) ** 2 * random.law.variance().value
        yield Ask(
            "random", f"its spread is tη(1 - ηK̄)^(t-1) ΔK, to {margin:.0%}", f"{name}, t = {t}",
            "variance of ε(t)/ε(0) over the prediction", (seen - seen.mean()) ** 2 / spread, squares,
        )  # fmt: skip
        moved, foreseen = seen - run.frozen[:, t], run.corrected[:, t] - run.frozen[:, t]
        yield Ask(
            "random", f"the dQNTK gives the departure from frozen decay, to {margin:.0%}", f"{name}, t = {t}",
            "slope of the departure on its prediction", 1 + (moved - foreseen) * foreseen / (foreseen**2).mean(),
            within,
        )  # fmt: skip
    for kind, (seen, predicted) in random.floors.items():
        yield Ask(
            "random", f"the noise floor of the loss is as predicted, to {margin:.0%}", kind,
            "mean loss over the prediction", 1 + (seen - predicted) / predicted.mean(), within,
        )  # fmt: skip
    inside, outside = int(np.argmin(np.abs(random.targets))), random.targets >= 1
    if outside.any() and not outside[inside]:
        yield Ask(
            "random", "the kernel moves more for targets at or beyond the spectrum's edge", "random Paulis",
            "relative change of K, beyond the edge minus at the smallest target",
            random.drift[outside].mean(axis=0) - random.drift[inside], (0.0, math.inf),
        )  # fmt: skip


def beyond(transition: Transition) -> Iterator[Ask]:
    """The laws beyond the frozen kernel, depth by depth; every value is one circuit."""
    within = (1 - NEAR, 1 + NEAR)
    for depth in transition.depths:
        here = f"Haar layers, L/(2D-2) = {depth.ratio}"
        for corrected, law in ((False, "the flow of infinite depth"), (True, "its first correction")):
            for target, quantity, seen, foreseen in (
                (EDGE, "residual", depth.outputs[EDGE][:, -1] - EDGE, depth.law(EDGE, corrected).residual[-1]),
                (INSIDE, "kernel", depth.kernels[INSIDE][:, -1], depth.law(INSIDE, corrected).kernel[-1]),
            ):
                yield Ask(
                    "beyond", f"{law} says the mean {quantity} at ηSt = 20, y = {target:g}, to {NEAR:.0%}", here,
                    f"mean {quantity} over the law's", seen / foreseen.mean(), within,
                )  # fmt: skip
        yield Ask(
            "beyond", f"trained kernels follow the law given the final state, y = {INSIDE:g}, to {NEAR:.0%}", here,
            "K/(2Lκ v(f))", depth.given_output(INSIDE), within,
        )  # fmt: skip
        for output in PASSED:
            ratios = depth.kernel_at(output)
            if len(ratios):
                yield Ask(
                    "beyond", f"K/(S v(f)) is exp(-c k₁) at f = {output:g}, to {NEAR:.0%}", here, "K/(S v exp(-c k₁))",
                    ratios, within,
                )  # fmt: skip
