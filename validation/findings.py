"""What a sweep shows, in sentences that are counted off the verdicts and never written by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sampling import CATALOGUE
from validation.config import HAAR_LAYERS
from validation.results import CellResult, SweepResults

_ORDER = ("agree", "inconclusive", "disagree")


def findings(results: SweepResults) -> list[str]:
    """One sentence a finding, the Haar layers first, then each ansatz and size."""
    lines: list[str] = []
    haar = [r for r in results.cells if r.cell.ensemble == HAAR_LAYERS]
    if haar:
        for statistic, regimes in (("mean", ("exact", "asymptotic")), ("variance", ("exact", "independent", "asymptotic"))):
            for regime in regimes:
                name = "published (asymptotic)" if regime == "asymptotic" else regime
                lines.append(f"Haar layers, {name} {statistic}: {tally(haar, statistic, regime)}.")
        for observable in dict.fromkeys(r.cell.observable for r in haar):
            cells = [r for r in haar if r.cell.observable == observable]
            lines.append(_fluctuation(observable, cells))
    for ensemble in dict.fromkeys(r.cell.ensemble for r in results.cells if r.cell.ensemble != HAAR_LAYERS):
        cells = [r for r in results.cells if r.cell.ensemble == ensemble]
        for observable in dict.fromkeys(r.cell.observable for r in cells):
            lines += _depths(ensemble, [r for r in cells if r.cell.observable == observable])
    return lines


def tally(cells: Iterable[CellResult], statistic: str, regime: str) -> str:
    """Counts of the verdicts on one statistic in one regime, such as ``88 agree, 2 inconclusive of 90``."""
    counts = Counter(r.verdict(statistic, regime).verdict for r in cells)
    return ", ".join(f"{counts[v]} {v}" for v in _ORDER if counts[v]) + f" of {counts.total()}"


def joining_depth(cells: list[CellResult]) -> CellResult | None:
    """The shallowest cell from which on all deeper ones agree with the exact law in mean and variance."""
    joined: CellResult | None = None
    for result in sorted(cells, key=lambda r: r.cell.parameters, reverse=True):
        if not result.joined():
            break
        joined = result
    return joined


def _fluctuation(observable: str, cells: list[CellResult]) -> str:
    failing = [r for r in cells if r.verdict("variance", "asymptotic").verdict == "disagree"]
    if not failing:
        return f"Published fluctuation with observable {observable}: no cell disagrees."
    worst = max(failing, key=lambda r: _ratio(r, "asymptotic"))
    return (
        f"Published fluctuation with observable {observable}: {len(failing)} of {len(cells)} cells disagree; at "
        f"n = {worst.cell.qubits}, L = {worst.cell.parameters} the variance is {_ratio(worst, 'asymptotic'):.3g} times the "
        f"published one and {_ratio(worst, 'exact'):.3g} times the exact one."
    )


def _depths(ensemble: str, cells: list[CellResult]) -> Iterable[str]:
    symmetry = CATALOGUE[ensemble].symmetry
    for qubits in dict.fromkeys(r.cell.qubits for r in cells):
        line = [r for r in cells if r.cell.qubits == qubits]
        depth = joining_depth(line)
        deepest = max(line, key=lambda r: r.cell.parameters)
        here = f"{ensemble}, n = {qubits}, {deepest.cell.observable}"
        if depth is not None:
            yield f"{here}: agrees with the exact law in mean and variance from {depth.cell.layers} layers on (L = {depth.cell.parameters})."
            continue
        verdicts = {s: deepest.verdict(s, "exact").verdict for s in ("mean", "variance")}
        reason = f"; {symmetry}" if symmetry and "disagree" in verdicts.values() else ""
        yield (
            f"{here}: has not joined by {deepest.cell.layers} layers (mean {_ratio(deepest, 'exact', 'mean'):.3f} of the "
            f"exact law: {verdicts['mean']}; variance {_ratio(deepest, 'exact'):.3f}: {verdicts['variance']}){reason}."
        )


def _ratio(result: CellResult, regime: str, statistic: str = "variance") -> float:
    verdict = result.verdict(statistic, regime)
    return verdict.estimate / verdict.prediction
