"""The questions that a study is asked: the talk's findings, and the theory's predictions against training."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from qntk.validation.diagnosis.findings import Ask, Finding
from qntk.validation.diagnosis.random_questions import about_random, beyond
from qntk.validation.diagnosis.seed import Law, ModelDiagnosis, SeedDiagnosis, Start
from qntk.validation.diagnosis.stability import SETTLED
from qntk.validation.diagnosis.study import Study

Pick = Callable[[SeedDiagnosis], float]
FEWEST = 8
"""Runs that settle, below which it is not asked where they do."""
GOOD_R2 = 0.5
"""R² on test points from which on inference counts as high."""
CLOSE = 0.1
"""Mean |prediction - model| on test points up to which inference counts as right, in units of the label."""
_LEAST_STEPS = 3.0
"""Modes that are predicted to decay faster say nothing: time comes in steps."""
ABOVE_ONE, BELOW_ONE = (1.0, math.inf), (0.0, 1.0)
NEGATIVE = (-math.inf, 0.0)
_CRITICAL: dict[str, Pick] = {
    "": lambda d: d.critical_rate,
    " of the kernel dressed with the labels": lambda d: d.dressed_critical_rate,
}
"""Critical rates that are foreseen, by what is said of λ_max."""


def findings(study: Study) -> list[Finding]:
    """Every question that the study can be asked, judged."""
    asks = [a for a in _asks(study) if all(len(g) >= 2 for g in a.groups())]
    return [ask.judge(study.config.family_error / len(asks)) for ask in asks]


def _lambda_min(start: Start) -> float:
    return float(start.spectrum[0])


def _kappa(start: Start) -> float:
    return start.condition_number


def _final_loss(d: SeedDiagnosis) -> float:
    return float(d.loss_of(d.run.outputs[-1]))


def _test_r2(d: SeedDiagnosis) -> float:
    return d.r2(d.run.outputs[-1], training=False)


def _asks(study: Study) -> Iterator[Ask]:
    names = list(dict.fromkeys(m.network.name for m in study.models))
    depths = sorted({m.network.depth for m in study.models})
    for name in names:
        shallow, deep = study.at(name, depths[0]), study.at(name, depths[-1])
        if shallow is not None and deep is not None:
            if len(depths) > 1:
                yield from _trends(name, shallow, deep)
            yield from _predictions(study, deep)
    yield from _orders(study, depths[-1])
    for run in study.sharpness:
        here = f"{run.network.name}, depth {run.network.depth}, η = {run.multiple:g} · 2/λ_max(0)"
        if run.settled.sum() >= FEWEST:
            yield Ask(
                "II", f"λ_max settles at 2/η, to {study.config.margin:.0%}", here,
                "ηλ_max/2 at the end, of runs that settle", run.at_the_end,
                (1 - study.config.margin, 1 + study.config.margin), logarithmic=True,
            )  # fmt: skip
        if run.multiple > 1:
            yield Ask(
                "II", "training settles above 2/λ_max(0), for most seeds", here,
                f"share of seeds that lose {1 - SETTLED:.0%} of the loss", run.settled.astype(float), (0.5, 1.0),
                share=True,
            )  # fmt: skip
    if study.random is not None:
        yield from about_random(study.random, study.config.margin)
        if study.random.transition is not None:
            yield from beyond(study.random.transition)


def _trends(name: str, shallow: ModelDiagnosis, deep: ModelDiagnosis) -> Iterator[Ask]:
    """From the shallowest to the deepest."""
    here = f"{name}, depth {shallow.network.depth} to {deep.network.depth}"

    told: list[tuple[str, str, Callable[[Start], float], tuple[float, float]]] = [
        ("λ_min grows with the number of parameters", "λ_min", _lambda_min, ABOVE_ONE),
        ("κ, and with it the training time, falls with the number of parameters", "κ", _kappa, BELOW_ONE),
    ]
    for statement, symbol, pick, accepted in told:
        yield Ask(
            "I", statement, here, f"{symbol}, deepest over shallowest", deep.at_start(pick), accepted,
            shallow.at_start(pick), logarithmic=True,
        )  # fmt: skip
    values = (m.values(lambda d: d.difference("frozen"), "predicted") for m in (deep, shallow))
    yield Ask(
        "II", "predictions approach the trained model as depth grows", here,
        "mean |prediction - model|, deepest over shallowest", next(values), BELOW_ONE, next(values), logarithmic=True,
    )  # fmt: skip
    if name.startswith("high-"):
        yield Ask(
            "III", "high-ω: R² on test points falls with depth", here, "R² deepest minus shallowest",
            deep.values(_test_r2), NEGATIVE, shallow.values(_test_r2),
        )  # fmt: skip
        yield Ask(
            "III", "high-ω: R² on test points ends near 0", f"{name}, depth {deep.network.depth}", "R², trained",
            deep.values(_test_r2), (-0.25, 0.25),
        )  # fmt: skip
    if name.startswith("low-"):
        yield Ask(
            "III", f"low-ω: R² on test points stays above {GOOD_R2:g}", f"{name}, depth {deep.network.depth}",
            "R², trained", deep.values(_test_r2), (GOOD_R2, math.inf),
        )  # fmt: skip


def _predictions(study: Study, model: ModelDiagnosis) -> Iterator[Ask]:
    """The theory's numbers against training, for one model and depth."""
    here = f"{model.network.name}, depth {model.network.depth}"
    margin = study.config.margin
    within = (1 - margin, 1 + margin)
    test = ~study.data.training
    if study.config.bisect_steps:
        for told, rate in _CRITICAL.items():
            yield Ask(
                "II", f"the critical rate of real training is 2/λ_max{told}, to {margin:.0%}", here,
                f"bisected over 2/λ_max{told}",
                model.values(partial(_critical_ratio, rate=rate), "start"), within,
                logarithmic=True,
            )  # fmt: skip
    yield Ask(
        "II", f"modes decay in -1/ln|1 - ηλ| steps, each to {margin:.0%}", here,
        f"seen over predicted decay time, off 1 by a factor of, median over modes of at least {_LEAST_STEPS:g} steps",
        model.values(_time_off, "predicted"), (1.0, 1 + margin), logarithmic=True,
    )  # fmt: skip
    laws: tuple[Law, Law] = ("frozen", "dressed")
    for law in laws:
        yield Ask(
            "II", f"the loss falls to a tenth when the {law} kernel says, to {margin:.0%}", here,
            "loss over the prediction there", model.values(partial(_loss_ratio, law=law), "predicted"), within,
            logarithmic=True,
        )  # fmt: skip
    yield Ask(
        "II", "the dressed kernel is nearer to the kernel that training ends with than the frozen one", here,
        "‖K(end) - predicted‖, dressed over frozen",
        model.values(lambda d: d.kernel_error("dressed") / d.kernel_error("frozen"), "predicted"), BELOW_ONE,
        logarithmic=True,
    )  # fmt: skip
    for points, name, result in ((~test, "training", "II"), (test, "test", "III")):
        if points.any():
            yield Ask(
                result, f"the dressed kernel predicts outputs of {name} points better than the frozen one", here,
                "mean |prediction - model|, dressed over frozen",
                model.values(partial(_gain, points=points), "predicted"),
                BELOW_ONE, logarithmic=True,
            )  # fmt: skip
    if test.any():
        yield Ask(
            "III", f"inference from the kernel at initialisation is right, to {CLOSE:g} of a label", here,
            "mean |long-time prediction - trained model| on test points",
            model.values(lambda d: _inference_error(d, test)), (-math.inf, CLOSE),
        )  # fmt: skip


def _time_off(d: SeedDiagnosis) -> float:
    """Factor, at least 1, that a mode's decay time is off: signs that cancel over modes and seeds are no agreement.

    Modes that should have ended within the run and did not count as ending with it.
    """
    expected, seen, counts = d.mode_times
    steps = len(d.run.outputs) - 1
    chosen = counts & (expected >= _LEAST_STEPS) & (expected <= steps)
    ratios = np.minimum(seen[chosen], steps) / expected[chosen]
    return float(np.exp(np.median(np.abs(np.log(ratios))))) if chosen.any() else math.nan


def _critical_ratio(d: SeedDiagnosis, rate: Pick) -> float:
    return math.sqrt(float(np.prod(d.run.critical))) / rate(d)


def _gain(d: SeedDiagnosis, points: NDArray[np.bool_]) -> float:
    return d.difference("dressed", points) / d.difference("frozen", points)


def _loss_ratio(d: SeedDiagnosis, law: Law) -> float:
    if law == "dressed" and d.dressed is None:
        return math.nan
    predicted = d.loss_of(d.predicted if law == "frozen" or d.dressed is None else d.dressed.outputs)
    reached = predicted <= predicted[0] / 10
    if not reached.any():
        return math.nan
    step = int(reached.argmax())
    return float(d.loss_of(d.run.outputs[step]) / predicted[step])


def _inference_error(d: SeedDiagnosis, test: NDArray[np.bool_]) -> float:
    return math.nan if d.inference is None else float(np.abs(d.inference - d.run.outputs[-1])[test].mean())


def _orders(study: Study, depth: int) -> Iterator[Ask]:
    """HEA against HVA, high-ω against low-ω, at the deepest."""
    pairs = [
        ("low-hea", "low-hva"),
        ("high-hea", "high-hva"),
        ("high-hva", "low-hva"),
        ("high-hea", "low-hea"),
    ]
    told: list[tuple[str, str, Callable[[Start], float], tuple[float, float]]] = [
        ("HEA and high-ω are expected to train faster than HVA and low-ω", "decay time", lambda d: d.decay_time,
         BELOW_ONE),
        ("HEA and high-ω allow a higher critical rate than HVA and low-ω", "1/λ_max",
         lambda d: 1 / float(d.spectrum[-1]), ABOVE_ONE),
    ]  # fmt: skip
    for one, other in pairs:
        models = study.at(one, depth), study.at(other, depth)
        if models[0] is None or models[1] is None:
            continue
        here = f"{one} against {other}, depth {depth}"
        for statement, symbol, pick, accepted in told:
            yield Ask(
                "I", statement, here, f"{symbol}, ratio", models[0].at_start(pick), accepted, models[1].at_start(pick),
                logarithmic=True,
            )  # fmt: skip
        yield Ask(
            "II", "HEA and high-ω train to a lower loss than HVA and low-ω", here, "final loss, ratio",
            models[0].values(_final_loss), BELOW_ONE, models[1].values(_final_loss), logarithmic=True,
        )  # fmt: skip
