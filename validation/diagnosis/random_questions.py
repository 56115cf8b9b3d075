"""The questions that random circuits are asked, within the frozen regime and beyond it."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from qntk.validation.diagnosis import settling
from qntk.validation.diagnosis.findings import Ask
from qntk.validation.diagnosis.random_training import RandomTraining
from qntk.validation.diagnosis.settling import MULTIPLE, Settling
from qntk.validation.diagnosis.transition import BEYOND, EDGE, INSIDE, LONG, Depth, Transition, late_speed

NEAR, FIRST_ORDER = 0.05, 4
"""What a law beyond the frozen kernel may miss by, from this L/(2D-2) on; at smaller ones, twice as much."""
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
    for depth in transition.depths:
        near = NEAR if depth.ratio >= FIRST_ORDER else 2 * NEAR
        within = (1 - near, 1 + near)
        here = f"Haar layers, n = {depth.qubits}, L/(2D-2) = {depth.ratio}, to {near:.0%}"
        for corrected, law in ((False, "the flow of infinite depth"), (True, "its first correction")):
            seen, foreseen = depth.outputs[EDGE][:, -1] - EDGE, depth.law(EDGE, corrected).residual[-1]
            yield Ask(
                "beyond", f"{law} says the mean residual at ηSt = {LONG:g}, y = {EDGE:g}", here,
                "mean residual over the law's", seen / foreseen.mean(), within,
            )  # fmt: skip
            if depth in transition.judged:
                yield from _every_target(depth, corrected, law, near, here)
        if depth not in transition.judged:
            continue
        yield Ask(
            "beyond", f"trained kernels follow the law given the final state, y = {INSIDE:g}", here,
            "K/(2Lκ v(f))", depth.given_output(INSIDE), within,
        )  # fmt: skip
        for output in PASSED:
            ratios = depth.kernel_at(output)
            if len(ratios):
                yield Ask(
                    "beyond", f"K/(S v(f)) is exp(-c k₁) at f = {output:g}", here, "K/(S v exp(-c k₁))",
                    ratios, within,
                )  # fmt: skip
    yield from _settling(transition.settling)


def _settling(depths: list[Settling]) -> Iterator[Ask]:
    """What becomes of the kernel above the edge of stability, and how fast."""
    for depth in depths:
        near = NEAR if depth.ratio >= FIRST_ORDER else 2 * NEAR
        here = f"Haar layers, n = {settling.QUBITS}, L/(2D-2) = {depth.ratio}, to {near:.0%}"
        yield Ask(
            "beyond", f"K settles at 2/η where training does, η = {MULTIPLE:g} · 2/(S v(y))",
            here, "ηK/2 at the end, of runs that settle", depth.at_the_end, (1 - near, 1 + near),
        )  # fmt: skip
    if len(depths) > 1:
        yield Ask(
            "beyond", "above the edge of stability the kernel gives way more slowly in deeper circuits",
            f"Haar layers, n = {settling.QUBITS}, L/(2D-2) = {depths[-1].ratio} against {depths[0].ratio}",
            "steps until it settles, ratio", depths[-1].steps, (1.0, math.inf), depths[0].steps, logarithmic=True,
        )  # fmt: skip


def _every_target(depth: Depth, corrected: bool, law: str, near: float, here: str) -> Iterator[Ask]:
    """The kernel inside the spectrum, and how fast it ends inside, at the edge and beyond."""
    within = (1 - near, 1 + near)
    foreseen = depth.law(INSIDE, corrected).kernel[-1].mean()
    yield Ask(
        "beyond", f"{law} says the mean kernel at ηSt = {LONG:g}, y = {INSIDE:g}", here,
        "mean kernel over the law's", depth.kernels[INSIDE][:, -1] / foreseen, within,
    )  # fmt: skip
    for target, told in (
        (INSIDE, "the rate of the residual"),
        (EDGE, "the power of 1/t by which the residual falls"),
        (BEYOND, "the rate at which the kernel dies"),
    ):
        run = depth.law(target, corrected)
        expected = late_speed(depth, target, run.output.T, run.kernel.T).mean()
        seen = late_speed(depth, target, depth.outputs[target], depth.kernels[target])
        yield Ask(
            "beyond", f"{law} says {told} from ηSt = {LONG / 2:g} to {LONG:g}, y = {target:g}", here,
            "mean over the law's", seen / expected, within,
        )  # fmt: skip
