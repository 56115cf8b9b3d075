"""A sweep's draws turned into verdicts and exponents at one family-wise error rate.

Every claim on a cell is one interval, every fitted exponent another; each has an equal share of the error budget. The
intervals of one statistic on different cells are independent, so that step-down may read them at a larger level
(``judge.step_down``). Sup distances, whose bounds are not those of a normal variable, and cells that may stop
early keep their share. An ansatz's own deep limit is a family apart (``deep_limits``).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

from tqdm.auto import tqdm

from qntk.inputs.machine import cores
from qntk.theory import KernelLaw
from qntk.validation.judge.claims import Claim, Evidence, weigh
from qntk.validation.judge.estimates import MOMENTS, Summary, summarise
from qntk.validation.judge.quantile_bands import order_statistics
from qntk.validation.judge.step_down import step_down_level
from qntk.validation.judge.verdicts import Question, Verdict, own_questions, questions
from qntk.validation.report.deep_limits import orbit_levels, orbit_question
from qntk.validation.scaling.families import FamilyResult, cell_point, fit_families
from qntk.validation.scaling.points import SYMBOLS, Point
from qntk.validation.scaling.statements import statement
from qntk.validation.sweep.cells import Cell, scaling_families
from qntk.validation.sweep.config import SweepConfig
from qntk.validation.sweep.looks import looks_document
from qntk.validation.sweep.store import Store

_THIN = (
    " Of {} intervals the draws are too few for tails like the law's: whatever these show, their verdicts are "
    "inconclusive, and they may miss more often."
)
_ORBITS = (
    " Verdicts on the deep limit of an ansatz (regime orbit) are not among them: their {} intervals share another "
    "error of the same size."
)
_UNFINISHED = " The sweep is not finished: this holds if where it stands owes nothing to an earlier report of it."


@dataclass(frozen=True)
class CellResult:
    """A cell with its sample moments, its law and its verdicts.

    Attributes:
        cell, summary, law: the cell, moments of its draws, and the Haar-layer law.
        verdicts: on the law, in the order of the claims.
        own: on the law of the group that the ansatz is confined to; empty if that is the unitary one.
        order: order statistics of K, shape (k,), for a plot of quantiles.
        orbit: on the mean in the deep limit of the ansatz; None where that is not known.
    """

    cell: Cell
    summary: Summary
    law: KernelLaw
    verdicts: tuple[Verdict, ...]
    own: tuple[Verdict, ...]
    order: tuple[float, ...]
    orbit: Verdict | None = None

    def verdict(self, statistic: str, regime: str, quantity: str = "kernel") -> Verdict:
        """The verdict on one statistic in one regime."""
        wanted = (quantity, statistic, regime)
        return next(v for v in self.verdicts if (v.quantity, v.statistic, v.regime) == wanted)

    def joined(self) -> bool:
        """Whether all moments of K agree with the exact law."""
        return all(self.verdict(s, "exact").verdict == "agree" for s in MOMENTS)


@dataclass(frozen=True)
class SweepResults:
    """All that a report tells.

    Attributes:
        config: the sweep's configuration.
        cells: results of the cells with enough draws.
        families: fitted exponents.
        skipped: cells without a result, and why.
        intervals: number N of intervals that share the error budget.
        planned: draws planned in all; ``drawn``: draws seen.
        thin: number of those intervals whose draws are too few for a verdict.
        looks: number of different plans that reports were made of, this one among them.
    """

    config: SweepConfig
    cells: tuple[CellResult, ...]
    families: tuple[FamilyResult, ...]
    skipped: tuple[tuple[Cell, str], ...]
    intervals: int
    planned: int
    drawn: int
    thin: int = 0
    looks: int = 1

    @cached_property
    def levels(self) -> tuple[float, float]:
        """The smallest and the largest level of an interval."""
        found = [v.level for r in self.cells for v in r.verdicts]
        found += [v.level for family in self.families for by in family.verdicts.values() for v in by.values()]
        return min(found), max(found)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that decides the draws: the fingerprints of the cells and their numbers of draws."""
        defining = sorted(f"{r.cell.fingerprint} {r.summary.draws}" for r in self.cells)
        return hashlib.sha256("\n".join(defining).encode()).hexdigest()

    def counts(self) -> Counter[str]:
        """How many verdicts on the cells came out which way."""
        return Counter(v.verdict for r in self.cells for v in r.verdicts)

    @cached_property
    def statements(self) -> list[dict[str, str]]:
        """What the exponents of K̄, ΔK/K̄ and Δμ say, one sentence each; at the level of a report's interval."""
        share = self.config.family_error / self.intervals
        told = []
        for family in self.families:
            first = family.cells[0]
            place = ", ".join(filter(None, [first.ensemble, first.observable, family.fixed]))
            for quantity in family.fit.fits:
                if quantity != "std" and not family.thin(quantity):
                    text = statement(family.fit.fits[quantity], family.points, place, share)
                    told.append(
                        {
                            "ensemble": first.ensemble,
                            "quantity": SYMBOLS[quantity],
                            "in": " and ".join(family.variables),
                            "text": text,
                        }
                    )
        return told

    @property
    def orbits(self) -> int:
        """How many intervals are held against the deep limit of an ansatz."""
        return sum(r.orbit is not None for r in self.cells)

    def promise(self) -> str:
        """The error rate in one sentence."""
        error = self.config.family_error
        low, high = self.levels
        if self.looks > 1:
            return (
                f"No error rate is promised: this is look {self.looks} at a directory that cells or draws were added "
                "to after a report, and how many may owe something to what that report showed. Its "
                f"{self.intervals} intervals are read as those of a first look, at a level from {low:.2g} to "
                f"{high:.2g}; the promise of {1 - error:.4g} needs another directory, another seed, and a number of "
                "draws fixed beforehand."
            )
        return (
            f"With probability at least {1 - error:.4g} not one verdict of this report is wrong: its {self.intervals} "
            f"intervals share an error of {error:.4g} (Bonferroni between statistics, Holm's step-down between "
            f"independent cells of one statistic), so that each is read at a level from {low:.2g} to {high:.2g}; all "
            "but those of the distribution are asymptotic in the number of draws."
            + (_ORBITS.format(self.orbits) if self.orbits else "")
            + (_THIN.format(self.thin) if self.thin else "")
            + (_UNFINISHED if self.drawn < self.planned else "")
        )


@dataclass(frozen=True)
class _Weighed:
    """A cell's evidence, before any level is known."""

    cell: Cell
    summary: Summary
    law: KernelLaw
    evidence: dict[Claim, Evidence]
    asked: list[Question]
    own: list[Question]
    orbit: Question | None
    share: float
    order: tuple[float, ...]
    point: Point | None


def evaluate(store: Store, workers: int | None = None) -> SweepResults:
    """Verdicts and exponents of the draws made so far, with a progress bar on standard error."""
    found: list[_Weighed] = []
    skipped: list[tuple[Cell, str]] = []
    fitted = {cell.name for _, family in scaling_families(store.cells) for cell in family}
    looks = len(looks_document(store.directory, store.cells)["looks"])
    planned = drawn = 0
    with ThreadPoolExecutor(workers or cores()) as pool:
        rows = pool.map(lambda cell: _weigh(store, cell, cell.name in fitted), store.cells)
        for cell, (result, seen, wanted) in tqdm(
            zip(store.cells, rows, strict=True), total=len(store.cells), desc="weighing draws", unit="cell", delay=1
        ):
            planned, drawn = planned + wanted, drawn + seen
            if isinstance(result, str):
                skipped.append((cell, result))
            else:
                found.append(result)
    levels, deep = _cell_levels(found, store.share), _deep(found, store)
    families = tuple(fit_families({row.cell: row.point for row in found if row.point}, store.config, store.share))
    thin = sum(not evidence.enough for row in found for evidence in row.evidence.values())
    thin += sum(family.thin(quantity) for family in families for quantity, _ in family.verdicts)
    return SweepResults(
        config=store.config,
        cells=tuple(_judged(row, levels, deep.get(row.cell)) for row in found),
        families=families,
        skipped=tuple(skipped),
        intervals=round(store.config.family_error / store.share),
        planned=planned,
        drawn=drawn,
        thin=thin,
        looks=looks,
    )


def _weigh(store: Store, cell: Cell, fitted: bool) -> tuple[_Weighed | str, int, int]:
    """The evidence of a cell or why there is none, its number of draws, and the number planned."""
    look = store.reached(cell)
    wanted = sum(cell.chunks[: look.chunks])
    columns = store.columns(cell, look.chunks)
    seen = len(columns["kernel"])
    if cell.looks > 1 and seen < wanted:
        return "it may stop early, and has not come to its next look", seen, wanted
    law, own, margins = cell.law(), cell.symmetric_law(), store.config.margin.margins()
    try:
        summary = summarise(columns["kernel"])
        evidence = weigh(columns, law, cell.overlap, summary)
    except ValueError as error:
        return str(error), seen, wanted
    weighed = _Weighed(
        cell=cell,
        summary=summary,
        law=law,
        evidence=evidence,
        asked=questions(law, evidence, margins, cell.overlap),
        own=own_questions(own, margins) if own else [],
        orbit=orbit_question(cell, margins.mean),
        share=store.share * look.share,
        order=order_statistics(columns["kernel"]),
        point=cell_point(cell, law, columns, summary) if fitted else None,
    )
    return weighed, seen, wanted


def _cell_levels(found: list[_Weighed], share: float) -> dict[Claim, float]:
    """The level of each claim's intervals, by step-down where they are independent and normal."""
    settling: dict[Claim, list[float]] = {}
    for row in found:
        for claim, evidence in row.evidence.items():
            asked = [q for q in (*row.asked, *row.own) if q.claim == claim]
            if claim.statistic != "distribution" and row.cell.looks == 1:
                settling.setdefault(claim, []).append(max(q.settling(evidence) for q in asked))
    return {claim: step_down_level(values, share * len(values)) for claim, values in settling.items()}


def _deep(found: list[_Weighed], store: Store) -> dict[Cell, Verdict]:
    """The verdicts on deep limits."""
    rows = [(row, row.orbit) for row in found if row.orbit]
    asked = [(q, row.evidence, 1.0 if row.cell.looks == 1 else row.share / store.share) for row, q in rows]
    levels = orbit_levels(asked, store.config.family_error)
    return {
        row.cell: question.answer(row.evidence[question.claim], level, row.summary.draws)
        for (row, question), level in zip(rows, levels, strict=True)
    }


def _judged(row: _Weighed, levels: dict[Claim, float], deep: Verdict | None) -> CellResult:
    def answer(question: Question) -> Verdict:
        level = levels.get(question.claim, row.share) if row.cell.looks == 1 else row.share
        return question.answer(row.evidence[question.claim], level, row.summary.draws)

    verdicts, own = tuple(map(answer, row.asked)), tuple(map(answer, row.own))
    return CellResult(row.cell, row.summary, row.law, verdicts, own, row.order, deep)
