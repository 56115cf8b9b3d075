"""Promised error rates beside measured ones: what ``qntk calibrate`` hands back, as a document and as a table.

A promise counts as broken from a number of errors that a validator which just keeps it reaches with probability at
most ``family_error`` over the number of all tests of the calibration (binomial, Bonferroni), so one that keeps every
promise is called broken with at most ``family_error``. Beside each stands the probability that errors at twice the
promised rate are seen: above 0.99 for every promise at ``LEVEL`` in the default run. The intervals, which share the
same error, are exact (Clopper-Pearson).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from qntk.validation import SCHEMA_VERSION
from qntk.validation.calibration.controls import MARGINS, REPORT_LEVEL, SETTINGS
from qntk.validation.calibration.trials import LEVEL


@dataclass(frozen=True)
class Rate:
    """A measured rate beside what is promised of it.

    Attributes:
        estimate: share of the trials.
        interval: for the true rate, Clopper-Pearson.
        promise: the bound on the rate; from below for a coverage, from above for an error.
        trials: number of trials.
        where: ensemble and quantity.
        broken_from: errors from which the promise is broken.
        sees_twice: probability of so many if errors are twice as frequent as promised.
        kept: whether there are fewer.
    """

    estimate: float
    interval: tuple[float, float]
    promise: float
    trials: int
    where: str
    broken_from: int
    sees_twice: float
    kept: bool


@dataclass(frozen=True)
class Uniformity:
    """Kolmogorov-Smirnov test of a statistic's p-values under the true law.

    Attributes:
        distance: largest distance from the uniform distribution function.
        p_value: of uniformity.
        false_alarm_rate: probability that uniform p-values are called otherwise.
        trials: number of p-values.
        where: the statistic.
        kept: whether they pass for uniform.
    """

    distance: float
    p_value: float
    false_alarm_rate: float
    trials: int
    where: str
    kept: bool


@dataclass(frozen=True)
class Caught:
    """How often a control was noticed, with a Clopper-Pearson interval; caught if in at least 95 % of the trials."""

    name: str
    caught: bool
    rate: float
    interval: tuple[float, float]
    trials: int
    where: str
    what: str


@dataclass(frozen=True)
class Calibration:
    """A validator's measured error rates.

    Attributes:
        seed, trials, draws: root seed; trials per setting; kernels per trial.
        family_error: probability that a validator which keeps all promises is called broken.
        statements: number of intervals and tests that share it.
        disagree: verdicts against the true law, by statistic; at ``LEVEL``, then at a report's level.
        agree: with the truth on an edge of the margin, by setting, statistic and edge at ``LEVEL``; then pooled over
            the settings at a report's level.
        early: as ``agree``, of columns that may stop early; pooled over the settings.
        families: any wrong verdict in a family of eight that is read at the step-down level, by statistic.
        coverage: by statistic: pooled, then by setting; of the exponent on the mild setting alone.
        p_values: by statistic, pooled.
        independence: false alarms of the independence check.
        controls: planted faults.
    """

    seed: int
    trials: int
    draws: int
    family_error: float
    statements: int
    disagree: tuple[tuple[Rate, ...], tuple[Rate, ...]]
    agree: tuple[tuple[Rate, ...], tuple[Rate, ...]]
    early: tuple[Rate, ...]
    families: tuple[Rate, ...]
    coverage: dict[str, tuple[Rate, ...]]
    p_values: dict[str, Uniformity]
    independence: Rate
    controls: tuple[Caught, ...]

    @property
    def rates(self) -> list[Rate]:
        """Every rate with a promise."""
        groups = (*self.disagree, *self.agree, self.early, self.families, *self.coverage.values(), (self.independence,))
        return [rate for group in groups for rate in group]

    @property
    def kept(self) -> bool:
        """Whether no promise is seen broken."""
        return all(rate.kept for rate in self.rates) and all(test.kept for test in self.p_values.values())

    @property
    def caught(self) -> bool:
        """Whether every control is caught."""
        return all(control.caught for control in self.controls)

    def document(self) -> dict[str, Any]:
        """For JSON; the two false rates are those of the worst statistic, setting and edge."""
        return {
            "schema_version": SCHEMA_VERSION,
            "seed": self.seed,
            "trials": self.trials,
            "draws": self.draws,
            "level": LEVEL,
            "family_error": self.family_error,
            "statements": self.statements,
            "margins": asdict(MARGINS),
            "settings": [asdict(setting) for setting in SETTINGS],
            "false_disagree_rate": asdict(worst(self.disagree[0])),
            "false_agree_rate": asdict(worst(self.agree[0])),
            "false_agree_rates": [asdict(rate) for rate in self.agree[0]],
            "report": {
                "level": REPORT_LEVEL,
                "false_disagree_rate": asdict(worst(self.disagree[1])),
                "false_agree_rate": asdict(worst(self.agree[1])),
            },
            "stopping_early": asdict(worst(self.early)),
            "families": [asdict(rate) for rate in self.families],
            "coverage": {s: asdict(r[0]) | {"settings": [asdict(x) for x in r[1:]]} for s, r in self.coverage.items()},
            "p_values": {statistic: asdict(test) for statistic, test in self.p_values.items()},
            "independence": asdict(self.independence),
            "controls": [asdict(control) for control in self.controls],
            "table": calibration_text(self),
            "kept": self.kept,
            "caught": self.caught,
        }


def worst(rates: tuple[Rate, ...]) -> Rate:
    """The largest rate."""
    return max(rates, key=lambda rate: rate.estimate)


def calibration_text(result: Calibration) -> str:
    """The same for a person."""
    confidence = 1 - result.family_error
    lines = [
        f"{result.trials} trials of {result.draws} kernels on each of {len(SETTINGS)} settings, seed {result.seed}; "
        f"margins {MARGINS.mean:.0%} and {MARGINS.variance:.0%}; level {LEVEL:.0%}, in a report {REPORT_LEVEL:.1e}.",
        f"All {result.statements} intervals and tests hold at once with confidence {confidence:.6g}.",
        "",
        f"{'':58}{'rate %':>8}{'interval %':>19}{'promise %':>12}{'trials':>8}{'twice seen':>12}",
    ]

    def row(label: str, estimate: float, interval: tuple[float, float], promise: str, trials: int, note: str) -> str:
        low, high = interval
        return (
            f"{label:58}{100 * estimate:8.2f}{f'{100 * low:.2f} to {100 * high:.2f}':>19}{promise:>12}{trials:8}{note}"
        )

    def add(title: str, rates: Iterable[Rate], sense: str) -> None:
        lines.append(title)
        for r in rates:
            note = f"{r.sees_twice:12.4f}" + ("" if r.kept else "  BROKEN")
            lines.append(row(f"  {r.where}", r.estimate, r.interval, f"{sense} {100 * r.promise:.3g}", r.trials, note))

    add("disagrees with the true law", result.disagree[0], "≤")
    add("  in a report", result.disagree[1], "≤")
    add("agrees with the truth on an edge, worst of all", [worst(result.agree[0])], "≤")
    add("  in a report, worst of all", [worst(result.agree[1])], "≤")
    add("agrees with the truth on an edge, stopping early, worst of all", [worst(result.early)], "≤")
    add("any wrong verdict in a family read by step-down", result.families, "≤")
    for statistic, rates in result.coverage.items():
        add(f"interval of the {statistic} covers", rates, "≥")
    add("independence check, false alarms", [result.independence], "≤")
    lines.append("p-values under the true law, Kolmogorov-Smirnov")
    for test in result.p_values.values():
        note = "uniform" if test.kept else "NOT UNIFORM"
        lines.append(
            f"  {test.where}: distance {test.distance:.4f}, p = {test.p_value:.3g}, {test.trials} values, "
            f"false-alarm rate {test.false_alarm_rate:.2g}: {note}"
        )
    lines.append("planted faults, noticed at a report's level")
    for c in result.controls:
        note = "  caught" if c.caught else "  MISSED"
        lines.append(row(f"  {c.name} ({c.where})", c.rate, c.interval, "≥ 95", c.trials, note))
    promises = "every promise is kept" if result.kept else "a promise is BROKEN"
    controls = "every control is caught" if result.caught else "a control is MISSED"
    return "\n".join([*lines, "", f"{promises}; {controls}."])
