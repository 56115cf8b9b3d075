"""Does the validator keep its own promises? The whole decision pipeline, again and again, where the truth is known.

A trial draws fresh kernels of Haar layers, whose law is exact, and takes them through the same steps as a report:
moments, intervals, verdicts. Counted over the trials: intervals that miss the truth, verdicts that are wrong, p-values
that are not uniform, and planted faults (``validation.controls``) that go unnoticed.

Error rates are measured at a level of 5 %, large enough to be seen, and verdicts once more at a report's own level.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp
from scipy.stats import binomtest, kstest
from tqdm import tqdm

from sampling import HaarLayers, chunk_generator
from theory import KernelLaw
from validation.controls import CONTROLS, MARGINS, REPORT_LEVEL, SETTINGS, Setting, Trial
from validation.estimates import summarise
from validation.independence import check_independence
from validation.law import kernel_law
from validation.observables import parse_observable
from validation.promises import LEVEL, Calibration, Caught, Rate, Uniformity
from validation.verdicts import STATISTICS, judge, judge_all

DRAWS = 10_000
"""Kernels per trial."""
CAUGHT = 0.95
"""Share of the trials in which a control must be noticed."""
EDGES = {"lower": -1, "upper": 1}
STATEMENTS = len(STATISTICS) * (2 + len(EDGES) * (len(SETTINGS) + 1) + 1 + len(SETTINGS) + 1) + 1 + len(CONTROLS)
"""Intervals and tests of one calibration: wrong verdicts, edges, coverage, uniformity; independence; controls."""
_STREAM = 0xCA11B
"""Word that sets these streams apart from those of a sweep."""

Events = dict[str, NDArray[np.float64]]


def calibrate(
    trials: int,
    seed: int,
    draws: int = DRAWS,
    family_error: float = 0.01,
    workers: int | None = None,
    quiet: bool = False,
) -> Calibration:
    """Measure the validator's error rates and hold them against its promises.

    Args:
        trials: on every setting, at least 1.
        seed: root seed. A trial's random numbers depend on it, the setting and the trial's index alone.
        draws: kernels per trial, at least 120.
        family_error: probability that a validator which keeps every promise is called broken.
        workers: threads (default: all cores); the result does not depend on them.
        quiet: no progress bar.
    """
    if trials < 1:
        raise ValueError(f"trials is {trials}; give at least 1")
    if workers is not None and workers < 1:
        raise ValueError(f"workers is {workers}; give at least 1")
    if not 0.0 < family_error < 1.0:
        raise ValueError(f"family_error is {family_error}; give a probability between 0 and 1")
    tasks = [(setting, seed, draws, trial) for trial in range(trials) for setting in SETTINGS]
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        try:
            seen = list(
                tqdm(
                    pool.map(lambda task: _trial(*task), tasks),
                    total=len(tasks),
                    disable=quiet,
                    desc=f"{trials} trials on {len(SETTINGS)} settings",
                    unit="trial",
                )
            )
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    events = {
        setting: {key: np.array([row[key] for row in seen[i :: len(SETTINGS)]]) for key in seen[i]}
        for i, setting in enumerate(SETTINGS)
    }
    return _tally(events, seed, trials, draws, family_error)


@lru_cache(maxsize=len(SETTINGS))
def _ensemble(setting: Setting) -> tuple[HaarLayers, KernelLaw]:
    n, L = setting.qubits, setting.parameters
    observable = parse_observable(setting.observable, n).operator()
    pauli = SparsePauliOp("I" * (n - 1) + "Z")
    return HaarLayers(observable, pauli, L), kernel_law(n, L, setting.observable, "pauli")


def _trial(setting: Setting, seed: int, draws: int, trial: int) -> dict[str, float]:
    """What happened in one trial: 1 or 0 for each event, and the p-values."""
    ensemble, law = _ensemble(setting)
    rng = chunk_generator(seed, (_STREAM, SETTINGS.index(setting)), trial)
    kernels = ensemble.draw(draws, rng).kernel
    summary = summarise(kernels)
    seen: dict[str, float] = {"dependent": check_independence(kernels).p_value < LEVEL}
    for verdict in judge_all(summary, law, MARGINS, LEVEL):
        if verdict.regime == "exact":
            name = verdict.statistic
            seen[f"{name} covered"] = verdict.interval[0] <= verdict.prediction <= verdict.interval[1]
            seen[f"{name} p"] = verdict.p_value
            seen[f"{name} disagrees"] = verdict.verdict == "disagree"
    for verdict in judge_all(summary, law, MARGINS, REPORT_LEVEL):
        if verdict.regime == "exact":
            seen[f"{verdict.statistic} disagrees in a report"] = verdict.verdict == "disagree"
    for statistic in STATISTICS:
        truth, margin = getattr(law, statistic)(), getattr(MARGINS, statistic)
        for edge, sign in EDGES.items():
            planted = replace(truth, value=truth.value / (1 + sign * margin))
            for level, suffix in ((LEVEL, ""), (REPORT_LEVEL, " in a report")):
                outcome = judge(summary, statistic, planted, margin, level).verdict
                seen[f"{statistic} agrees at the {edge} edge{suffix}"] = outcome == "agree"
    given = Trial(kernels, summary, law, rng)
    return seen | {control.name: control.noticed(given) for control in CONTROLS if control.setting == setting}


def _tally(events: dict[Setting, Events], seed: int, trials: int, draws: int, family_error: float) -> Calibration:
    level = family_error / STATEMENTS

    def interval(hits: NDArray[np.float64]) -> tuple[float, float]:
        low, high = binomtest(int(hits.sum()), len(hits)).proportion_ci(1 - level, method="exact")
        return float(low), float(high)

    def rate(where: str, hits: NDArray[np.float64], promise: float, at_least: bool = False) -> Rate:
        low, high = interval(hits)
        kept = high >= promise if at_least else low <= promise
        return Rate(float(hits.mean()), (low, high), promise, len(hits), where, bool(kept))

    def pooled(event: str) -> NDArray[np.float64]:
        return np.concatenate([events[setting][event] for setting in SETTINGS])

    def coverage(s: str) -> tuple[Rate, ...]:
        parts = [
            (s, pooled(f"{s} covered")),
            *((f"{setting} {s}", events[setting][f"{s} covered"]) for setting in SETTINGS),
        ]
        return tuple(rate(where, hits, 1 - LEVEL, at_least=True) for where, hits in parts)

    def uniformity(s: str) -> Uniformity:
        values = pooled(f"{s} p")
        test = kstest(values, "uniform")
        return Uniformity(float(test.statistic), float(test.pvalue), level, len(values), s, bool(test.pvalue >= level))

    def caught(name: str, setting: Setting, what: str) -> Caught:
        hits = events[setting][name]
        share = float(hits.mean())
        return Caught(name, share >= CAUGHT, share, interval(hits), len(hits), str(setting), what)

    edges = [(s, edge, f"{s} agrees at the {edge} edge") for s in STATISTICS for edge in EDGES]
    return Calibration(
        seed=seed,
        trials=trials,
        draws=draws,
        family_error=family_error,
        statements=STATEMENTS,
        disagree=(
            tuple(rate(s, pooled(f"{s} disagrees"), LEVEL) for s in STATISTICS),
            tuple(rate(s, pooled(f"{s} disagrees in a report"), REPORT_LEVEL) for s in STATISTICS),
        ),
        agree=(
            tuple(
                rate(f"{setting} {s}, {edge} edge", events[setting][event], LEVEL / 2)
                for setting in SETTINGS
                for s, edge, event in edges
            ),
            tuple(
                rate(f"{s}, {edge} edge", pooled(f"{event} in a report"), REPORT_LEVEL / 2) for s, edge, event in edges
            ),
        ),
        coverage={s: coverage(s) for s in STATISTICS},
        p_values={s: uniformity(s) for s in STATISTICS},
        independence=rate("draws called dependent", pooled("dependent"), LEVEL),
        controls=tuple(caught(c.name, c.setting, c.what) for c in CONTROLS),
    )
