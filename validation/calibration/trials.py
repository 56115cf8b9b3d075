"""One trial of a calibration: fresh kernels whose law is known, taken through every step of the decision pipeline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp

from qntk.inputs.observables import parse_observable
from qntk.sampling import HaarLayers, chunk_generator
from qntk.theory import KernelLaw
from qntk.theory.haar.distribution import KernelDistribution
from qntk.validation.calibration.controls import CONTROLS, MARGINS, MILD, REPORT_LEVEL, SETTINGS, Setting, Trial
from qntk.validation.judge.claims import CLAIM
from qntk.validation.judge.estimates import MOMENTS, Moment, Summary, summarise
from qntk.validation.judge.independence import check_independence
from qntk.validation.judge.law import kernel_law
from qntk.validation.judge.sequential import plan_looks
from qntk.validation.judge.sup_distance import sup_distance
from qntk.validation.judge.verdicts import Question, judge
from qntk.validation.scaling.exponents import fit_jointly
from qntk.validation.scaling.points import point

LEVEL = 0.05
"""Level at which error rates are measured."""
EDGES = {"lower": -1, "upper": 1}
DEPTHS = (4, 8, 16, 32)
"""Of the exponent that each trial on the mild setting fits."""
_LOOKS = plan_looks([1] * 4, 3)
_STREAM, _FIT_STREAM = 0xCA11B, 0xCA11C
"""Words that set these streams apart from those of a sweep."""
_GRID = 4001


@dataclass(frozen=True)
class Seen:
    """What happened: 1 or 0 for each event, p-values, and the moments that families of verdicts are made of."""

    events: dict[str, float]
    summary: Summary


def run_trial(setting: Setting, seed: int, draws: int, trial: int) -> Seen:
    """A trial's random numbers depend on the seed, the setting and the trial's index alone."""
    ensemble, law = ensemble_of(setting)
    rng = chunk_generator(seed, (_STREAM, SETTINGS.index(setting)), trial)
    kernels = ensemble.draw(draws, rng).kernel
    summary = summarise(kernels)
    parts = [summarise(kernels[: draws * look.chunks // _LOOKS[-1].chunks]) for look in _LOOKS]
    seen: dict[str, float] = {"dependent": check_independence(kernels).p_value < LEVEL}
    for moment in MOMENTS:
        verdict = judge(summary, moment, getattr(law, moment)(), getattr(MARGINS, moment), LEVEL)
        seen[f"{moment} covered"] = verdict.interval[0] <= verdict.prediction <= verdict.interval[1]
        seen[f"{moment} p"] = verdict.p_value
        seen[f"{moment} disagrees"] = verdict.verdict == "disagree"
        reported = judge(summary, moment, getattr(law, moment)(), getattr(MARGINS, moment), REPORT_LEVEL)
        seen[f"{moment} disagrees in a report"] = reported.verdict == "disagree"
        for edge in EDGES:
            question = on_edge(law, moment, edge)
            for level, suffix in ((LEVEL, ""), (REPORT_LEVEL, " in a report")):
                outcome = question.answer(summary.pivot(moment), level, draws).verdict
                seen[f"{moment} agrees at the {edge} edge{suffix}"] = outcome == "agree"
            seen[f"{moment} stops early at the {edge} edge"] = _stops_wrongly(parts, question, moment)
    values, probabilities = _distribution(setting)
    distance = sup_distance(kernels, lambda x: np.interp(x, values, probabilities))
    seen["distribution p"] = distance.p_equal()
    if setting == MILD:
        seen["exponent covered"] = _exponent_covered(chunk_generator(seed, (_FIT_STREAM,), trial), draws // len(DEPTHS))
    given = Trial(kernels, summary, law, rng)
    noticed = {control.name: control.noticed(given) for control in CONTROLS if control.setting == setting}
    return Seen(seen | noticed, summary)


def on_edge(law: KernelLaw, moment: str, edge: str) -> Question:
    """A wrong theory from which the truth differs by exactly the margin."""
    truth, margin = getattr(law, moment)(), getattr(MARGINS, moment)
    planted = replace(truth, value=truth.value / (1 + EDGES[edge] * margin))
    return Question(CLAIM["kernel", moment], planted, margin)  # type: ignore[index]


@lru_cache(maxsize=16)
def ensemble_of(setting: Setting) -> tuple[HaarLayers, KernelLaw]:
    """The sampler of a setting, and its law."""
    n, L = setting.qubits, setting.parameters
    observable = parse_observable(setting.observable, n).operator()
    pauli = SparsePauliOp("I" * (n - 1) + "Z")
    return HaarLayers(observable, pauli, L), kernel_law(n, L, setting.observable, "pauli")


@lru_cache(maxsize=len(SETTINGS))
def _distribution(setting: Setting) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The law's distribution function on a grid, so fine that straight lines between are good to 1e-5."""
    law = ensemble_of(setting)[1]
    distribution = KernelDistribution(law)
    ends = distribution.quantiles([1e-6, 1 - 1e-7])
    values = np.concatenate([[0.0], np.geomspace(ends[0], ends[1], _GRID), [2 * ends[1]]])
    return values, np.concatenate([[0.0], distribution.cdf(values[1:-1]), [1.0]])


def _stops_wrongly(parts: list[Summary], question: Question, moment: Moment) -> bool:
    """Whether a column that may stop early is called in agreement with a theory that the margin does not hold."""
    for look, part in zip(_LOOKS, parts, strict=True):
        verdict = question.answer(part.pivot(moment), LEVEL * look.share, part.draws).verdict
        if verdict != "inconclusive":
            return verdict == "agree"
    return False


def _exponent_covered(rng: np.random.Generator, draws: int) -> bool:
    """Whether the interval of the exponent of ΔK/K̄ in L holds the effective exponent of the exact law."""
    points = []
    for L in DEPTHS:
        ensemble, law = ensemble_of(replace(MILD, parameters=L))
        truth = {"exact": {"mean": law.mean().value, "relative_std": law.relative_std().value}}
        points.append(point(L, ensemble.dimension, ensemble.draw(draws, rng).kernel, None, truth))
    return fit_jointly(points, ("L",), LEVEL, rng, resamples=2).fits["relative_std"].exponents["L"].covers("exact")
