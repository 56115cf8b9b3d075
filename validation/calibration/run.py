"""Does the validator keep its own promises? The whole decision pipeline, again and again, where the truth is known.

A trial draws fresh kernels of Haar layers, whose law is exact, and takes them through the same steps as a report:
moments, intervals, verdicts. Counted over the trials: intervals that miss the truth, verdicts that are wrong, p-values
that are not uniform, and planted faults (``qntk.validation.calibration.controls``) that go unnoticed.

Error rates are measured at a level of 5 %, large enough to be seen, and verdicts once more at a report's own level.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, binomtest, kstest
from tqdm.auto import tqdm

from qntk.inputs.machine import cores, refuse_beyond_memory
from qntk.validation.calibration.controls import CONTROLS, MARGINS, REPORT_LEVEL, SETTINGS, Setting
from qntk.validation.calibration.promises import Calibration, Caught, Rate, Uniformity
from qntk.validation.calibration.trials import EDGES, LEVEL, Seen, ensemble_of, on_edge, run_trial
from qntk.validation.judge.claims import CLAIM
from qntk.validation.judge.estimates import MOMENTS
from qntk.validation.judge.step_down import step_down_level
from qntk.validation.judge.verdicts import Question

DRAWS = 10_000
"""Kernels per trial."""
CAUGHT = 0.95
"""Share of the trials in which a control must be noticed."""
FAMILY = 2
"""Trials of each setting in one family of verdicts: eight, so that the default run has a thousand families."""
TESTED = (*MOMENTS, "distribution")
STATEMENTS = (
    len(MOMENTS) * (2 + len(EDGES) * (len(SETTINGS) + 2) + 1 + len(SETTINGS) + 1) + 1 + len(TESTED) + 1 + len(CONTROLS)
)
"""Intervals and tests of one calibration. For each moment: wrong verdicts at two levels, edges by setting, in a report
and stopping early, coverage, families; then the exponent, uniformity, independence, and controls."""

_BYTES_A_TRIAL = 10_000
"""What is kept of one until all are counted, roughly."""

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
        draws: kernels per trial, at least 400.
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
    refuse_beyond_memory(_BYTES_A_TRIAL * trials * len(SETTINGS), f"a calibration of {trials:,} trials", "give fewer")
    tasks = [(setting, seed, draws, trial) for trial in range(trials) for setting in SETTINGS]
    with ThreadPoolExecutor(workers or cores()) as pool:
        try:
            seen = list(
                tqdm(
                    pool.map(lambda task: run_trial(*task), tasks),
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
        setting: {key: np.array([row.events[key] for row in rows]) for key in rows[0].events}
        for setting, rows in _by_setting(seen)
    }
    return _tally(events, _family_errors(seen), seed, trials, draws, family_error)


def threshold(trials: int, promise: float, level: float) -> tuple[int, float]:
    """Errors from which a promised rate is broken, and the probability of so many at twice that rate.

    Args:
        trials: their number.
        promise: the rate.
        level: probability of at most so much that errors at the promised rate count as broken.

    >>> broken, seen = threshold(1000, 0.05, 1e-4)
    >>> broken, round(seen, 4)
    (78, 0.9928)
    """
    broken = int(binom.isf(level, trials, promise)) + 1
    return broken, float(binom.sf(broken - 1, trials, 2 * promise))


def _by_setting(seen: list[Seen]) -> list[tuple[Setting, list[Seen]]]:
    return [(setting, seen[i :: len(SETTINGS)]) for i, setting in enumerate(SETTINGS)]


def _family_errors(seen: list[Seen]) -> dict[str, NDArray[np.float64]]:
    """For each moment and family whether any of its verdicts, read at the step-down level, is wrong.

    A family has ``FAMILY`` trials of every setting, or all if there are fewer. In turn a trial is held against the true
    law, which settles early and raises the level, and against a theory with the truth on either edge of its margin.
    """
    rows = [(setting, row.summary) for setting, group in _by_setting(seen) for row in group]
    trials = len(seen) // len(SETTINGS)
    wrong: dict[str, list[float]] = {moment: [] for moment in MOMENTS}
    for first in range(0, max(trials - FAMILY + 1, 1), FAMILY):
        members = [r for i, r in enumerate(rows) if first <= i % trials < first + FAMILY]
        for moment in MOMENTS:
            asked = [_asked(i, setting, moment) for i, (setting, _) in enumerate(members)]
            pivots = [summary.pivot(moment) for _, summary in members]
            level = step_down_level([q.settling(p) for (q, _), p in zip(asked, pivots, strict=True)], LEVEL)
            outcomes = [q.answer(p, level, 1).verdict for (q, _), p in zip(asked, pivots, strict=True)]
            wrong[moment].append(any(out == bad for out, (_, bad) in zip(outcomes, asked, strict=True)))
    return {moment: np.array(values, dtype=float) for moment, values in wrong.items()}


def _asked(index: int, setting: Setting, moment: str) -> tuple[Question, str]:
    """A question and the verdict that would be wrong."""
    law = ensemble_of(setting)[1]
    if index % 2:
        return on_edge(law, moment, "upper" if index % 4 == 1 else "lower"), "agree"
    return Question(CLAIM["kernel", moment], getattr(law, moment)(), getattr(MARGINS, moment)), "disagree"  # type: ignore[index]


def _tally(
    events: dict[Setting, Events],
    families: dict[str, NDArray[np.float64]],
    seed: int,
    trials: int,
    draws: int,
    family_error: float,
) -> Calibration:
    level = family_error / STATEMENTS

    def interval(hits: NDArray[np.float64]) -> tuple[float, float]:
        low, high = binomtest(int(hits.sum()), len(hits)).proportion_ci(1 - level, method="exact")
        return float(low), float(high)

    def rate(where: str, hits: NDArray[np.float64], promise: float, at_least: bool = False) -> Rate:
        errors, allowed = (len(hits) - hits.sum(), 1 - promise) if at_least else (hits.sum(), promise)
        broken, seen = threshold(len(hits), allowed, level)
        return Rate(float(hits.mean()), interval(hits), promise, len(hits), where, broken, seen, bool(errors < broken))

    def pooled(event: str) -> NDArray[np.float64]:
        return np.concatenate([events[setting][event] for setting in SETTINGS if event in events[setting]])

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

    edges = [(s, edge, f"{s} agrees at the {edge} edge") for s in MOMENTS for edge in EDGES]
    return Calibration(
        seed=seed,
        trials=trials,
        draws=draws,
        family_error=family_error,
        statements=STATEMENTS,
        disagree=(
            tuple(rate(s, pooled(f"{s} disagrees"), LEVEL) for s in MOMENTS),
            tuple(rate(s, pooled(f"{s} disagrees in a report"), REPORT_LEVEL) for s in MOMENTS),
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
        early=tuple(
            rate(f"{s}, {edge} edge", pooled(f"{s} stops early at the {edge} edge"), LEVEL / 2)
            for s in MOMENTS
            for edge in EDGES
        ),
        families=tuple(rate(s, families[s], LEVEL) for s in MOMENTS),
        coverage={s: coverage(s) for s in MOMENTS}
        | {"exponent": (rate("exponent of ΔK/K̄ in L", pooled("exponent covered"), 1 - LEVEL, at_least=True),)},
        p_values={s: uniformity(s) for s in TESTED},
        independence=rate("draws called dependent", pooled("dependent"), LEVEL),
        controls=tuple(caught(c.name, c.setting, c.what) for c in CONTROLS),
    )
