"""The questions that a study is asked: the talk's findings, and the theory's predictions against training."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from qntk.validation.diagnosis.findings import Ask, Finding
from qntk.validation.diagnosis.random_training import RandomTraining
from qntk.validation.diagnosis.seed import ModelDiagnosis, SeedDiagnosis, Stage
from qntk.validation.diagnosis.study import Study

Pick = Callable[[SeedDiagnosis], float]
GOOD_R2 = 0.5
"""R² on test points from which on inference counts as high."""
CLOSE = 0.1
"""Mean |prediction - model| on test points up to which inference counts as right, in units of the label."""
_LEAST_STEPS = 3.0
"""Modes that are predicted to decay faster say nothing: time comes in steps."""
ABOVE_ONE, BELOW_ONE = (1.0, math.inf), (0.0, 1.0)
NEGATIVE = (-math.inf, 0.0)


def findings(study: Study) -> list[Finding]:
    """Every question that the study can be asked, judged."""
    asks = [a for a in _asks(study) if all(len(g) >= 2 for g in a.groups())]
    return [ask.judge(study.config.family_error / len(asks)) for ask in asks]


def _lambda_min(d: SeedDiagnosis) -> float:
    return float(d.spectrum[0])


def _lambda_max(d: SeedDiagnosis) -> float:
    return float(d.spectrum[-1])


def _kappa(d: SeedDiagnosis) -> float:
    return float(d.spectrum[-1] / d.spectrum[0]) if d.spectrum[0] > 0 else math.inf


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
    if study.random is not None:
        yield from _random(study.random, study.config.margin)


def _trends(name: str, shallow: ModelDiagnosis, deep: ModelDiagnosis) -> Iterator[Ask]:
    """From the shallowest to the deepest."""
    here = f"{name}, depth {shallow.network.depth} to {deep.network.depth}"

    def ratio(
        result: str, statement: str, symbol: str, pick: Pick, accepted: tuple[float, float], of: Stage = "start"
    ) -> Ask:
        return Ask(
            result, statement, here, f"{symbol}, deepest over shallowest", deep.values(pick, of), accepted,
            shallow.values(pick, of), logarithmic=True,
        )  # fmt: skip

    yield ratio("I", "λ_min grows with the number of parameters", "λ_min", _lambda_min, ABOVE_ONE)
    yield ratio("I", "κ, and with it the training time, falls with the number of parameters", "κ", _kappa, BELOW_ONE)
    yield ratio(
        "II", "predictions approach the trained model as depth grows", "mean |prediction - model|",
        lambda d: d.mean_abs_difference, BELOW_ONE, "predicted",
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
        yield Ask(
            "II", f"the critical rate of real training is 2/λ_max, to {margin:.0%}", here, "bisected over 2/λ_max",
            model.values(lambda d: math.sqrt(float(np.prod(d.run.critical))) / d.critical_rate, "start"), within,
            logarithmic=True,
        )  # fmt: skip
    yield Ask(
        "II", f"modes decay in -1/ln|1 - ηλ| steps, to {margin:.0%}", here,
        f"seen over predicted decay time, median over modes of at least {_LEAST_STEPS:g} steps",
        model.values(_time_ratio, "predicted"), within, logarithmic=True,
    )  # fmt: skip
    yield Ask(
        "II", f"the loss falls to a tenth when predicted, to {margin:.0%}", here, "loss over the prediction there",
        model.values(_loss_ratio, "predicted"), within, logarithmic=True,
    )  # fmt: skip
    if test.any():
        yield Ask(
            "III", f"inference from the kernel at initialisation is right, to {CLOSE:g} of a label", here,
            "mean |long-time prediction - trained model| on test points",
            model.values(lambda d: _inference_error(d, test)), (-math.inf, CLOSE),
        )  # fmt: skip


def _time_ratio(d: SeedDiagnosis) -> float:
    expected, seen, counts = d.mode_times
    chosen = counts & (expected >= _LEAST_STEPS) & np.isfinite(expected)
    return float(np.median(seen[chosen] / expected[chosen])) if chosen.any() else math.nan


def _loss_ratio(d: SeedDiagnosis) -> float:
    predicted = d.loss_of(d.predicted)
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
    told: list[tuple[str, str, str, Pick, Stage, tuple[float, float]]] = [
        ("I", "HEA and high-ω are expected to train faster than HVA and low-ω", "decay time", lambda d: d.decay_time,
         "start", BELOW_ONE),
        ("I", "HEA and high-ω allow a higher critical rate than HVA and low-ω", "1/λ_max", lambda d: 1 / _lambda_max(d),
         "start", ABOVE_ONE),
        ("II", "HEA and high-ω train to a lower loss than HVA and low-ω", "final loss", _final_loss, "trained",
         BELOW_ONE),
    ]  # fmt: skip
    for one, other in pairs:
        models = study.at(one, depth), study.at(other, depth)
        if models[0] is None or models[1] is None:
            continue
        for result, statement, symbol, pick, of, accepted in told:
            yield Ask(
                result, statement, f"{one} against {other}, depth {depth}", f"{symbol}, ratio",
                models[0].values(pick, of), accepted, models[1].values(pick, of), logarithmic=True,
            )  # fmt: skip


def _random(random: RandomTraining, margin: float) -> Iterator[Ask]:
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
