"""A sweep's draws turned into verdicts and exponents at one family-wise error rate."""

from __future__ import annotations

from dataclasses import dataclass

from tqdm import tqdm

from theory import REGIMES, KernelLaw, Regime
from validation.cells import SCALING, Cell, count_intervals, scaling_families
from validation.config import SweepConfig
from validation.estimates import Summary, summarise
from validation.scaling import Exponent, fit_exponent
from validation.store import Store
from validation.verdicts import STATISTICS, Margins, Verdict, judge_all, judge_own


@dataclass(frozen=True)
class CellResult:
    """A cell with its sample moments, its law and its verdicts."""

    cell: Cell
    summary: Summary
    law: KernelLaw
    verdicts: tuple[Verdict, ...]
    own: tuple[Verdict, ...] = ()
    """On the law of the group that the ansatz is confined to, mean and variance; empty if that is the unitary one."""

    def verdict(self, statistic: str, regime: str) -> Verdict:
        """The verdict on one statistic in one regime."""
        return next(v for v in self.verdicts if (v.statistic, v.regime) == (statistic, regime))

    def joined(self) -> bool:
        """Whether mean and variance both agree with the exact law."""
        return all(self.verdict(s, "exact").verdict == "agree" for s in STATISTICS)


@dataclass(frozen=True)
class ExponentResult:
    """An exponent and what it is an exponent of.

    Attributes:
        quantity, variable: such as ΔK/K̄ and L.
        ensemble, observable: of the cells.
        fixed: what is held, such as ``"n = 4"`` or ``"L = 32"``.
        exponent: the fit.
    """

    quantity: str
    variable: str
    ensemble: str
    observable: str
    fixed: str
    exponent: Exponent


@dataclass(frozen=True)
class SweepResults:
    """All that a report tells.

    Attributes:
        config: the sweep's configuration.
        cells: results of the cells with enough draws.
        exponents: fitted exponents.
        skipped: cells without a result, and why.
        intervals: number N of intervals that share the error budget.
        planned: draws planned in all; ``drawn``: draws seen.
    """

    config: SweepConfig
    cells: tuple[CellResult, ...]
    exponents: tuple[ExponentResult, ...]
    skipped: tuple[tuple[Cell, str], ...]
    intervals: int
    planned: int
    drawn: int

    def promise(self) -> str:
        """The error rate in one sentence."""
        return (
            f"With probability at least {1 - self.config.family_error:.4g}, all {self.intervals} intervals of this "
            f"report cover the true values at once, and then no verdict is wrong: each has level "
            f"{self.config.family_error:.4g}/{self.intervals} "
            "(Bonferroni; the intervals are asymptotic in the number of draws)."
        )


def evaluate(store: Store) -> SweepResults:
    """Verdicts and exponents of the draws made so far, with a progress bar on standard error."""
    usable: list[tuple[Cell, Summary, KernelLaw]] = []
    skipped: list[tuple[Cell, str]] = []
    drawn = 0
    for cell in tqdm(store.cells, desc="reading draws", unit="cell"):
        kernels = store.kernels(cell)
        drawn += len(kernels)
        try:
            usable.append((cell, summarise(kernels), cell.law()))
        except ValueError as error:
            skipped.append((cell, str(error)))
    cells = [cell for cell, _, _ in usable]
    rows = dict(zip((cell.name for cell in cells), usable, strict=True))
    groups = [(kind, [rows[cell.name] for cell in family]) for kind, family in scaling_families(cells)]
    intervals = count_intervals(cells)
    level = store.config.family_error / max(intervals, 1)
    margins = store.config.margin.margins()
    return SweepResults(
        config=store.config,
        cells=tuple(_judged(*row, margins, level) for row in usable),
        exponents=tuple(_fit(*group, level) for group in groups),
        skipped=tuple(skipped),
        intervals=intervals,
        planned=sum(cell.draws for cell in store.cells),
        drawn=drawn,
    )


def _judged(cell: Cell, summary: Summary, law: KernelLaw, margins: Margins, level: float) -> CellResult:
    own = cell.symmetric_law()
    verdicts = tuple(judge_all(summary, law, margins, level))
    return CellResult(cell, summary, law, verdicts, tuple(judge_own(summary, own, margins, level)) if own else ())


Row = tuple[Cell, Summary, KernelLaw]


def _fit(kind: str, family: list[Row], level: float) -> ExponentResult:
    quantity, variable = SCALING[kind]
    first = family[0][0]
    if quantity == "K̄":
        y, se = [s.mean for _, s, _ in family], [s.log_mean_se for _, s, _ in family]
    else:
        y, se = [s.relative_std for _, s, _ in family], [s.log_relative_std_se for _, s, _ in family]
    exponent = fit_exponent(
        [cell.size(variable) for cell, _, _ in family],
        y,
        se,
        {regime: [_predict(law, quantity, regime) for _, _, law in family] for regime in REGIMES},
        level,
    )
    fixed = f"n = {first.qubits}" if variable == "L" else f"L = {first.parameters}"
    return ExponentResult(quantity, variable, first.ensemble, first.observable, fixed, exponent)


def _predict(law: KernelLaw, quantity: str, regime: Regime) -> float:
    return (law.mean(regime) if quantity == "K̄" else law.relative_std(regime)).value
