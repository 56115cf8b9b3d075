"""What a sweep shows, in sentences that are counted off the verdicts and never written by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from qntk.sampling import CATALOGUE
from qntk.theory import Regime
from qntk.validation.judge.claims import Quantity, Statistic
from qntk.validation.judge.estimates import MOMENTS
from qntk.validation.judge.verdicts import Outcome, Verdict
from qntk.validation.report.results import CellResult, SweepResults
from qntk.validation.sweep.config import HAAR_LAYERS

TOLD: tuple[tuple[Statistic, Regime], ...] = (
    ("mean", "exact"),
    ("mean", "asymptotic"),
    ("variance", "exact"),
    ("variance", "independent"),
    ("variance", "asymptotic"),
    ("relative_std", "exact"),
    ("relative_std", "asymptotic"),
    ("distribution", "exact"),
)
"""Statistic and regime of each claim on K, in the order in which a report tells them."""
WORDS: dict[str, str] = {
    "relative_std": "ΔK/K̄",
    "second_moment": "second moment",
    "asymptotic": "published",
    HAAR_LAYERS: "Haar layers",
}
"""What a report calls a statistic, regime or ensemble that is not called by its own name."""
QUANTITIES: dict[Quantity, str] = {"kernel": "K", "cross_kernel": "K between two inputs", "dqntk": "dQNTK μ"}
"""What a report calls a quantity."""

_ORDER: tuple[Outcome, ...] = ("agree", "inconclusive", "disagree")


def findings(results: SweepResults) -> list[str]:
    """One sentence a finding, the Haar layers first, then each ansatz and size."""
    lines: list[str] = []
    haar = [r for r in results.cells if r.cell.ensemble == HAAR_LAYERS]
    if haar:
        for statistic, regime in TOLD:
            name = "published (asymptotic)" if regime == "asymptotic" else regime
            told = tally(r.verdict(statistic, regime) for r in haar)
            lines.append(f"Haar layers, {name} {WORDS.get(statistic, statistic)}: {told}.")
        lines += _others([v for r in haar for v in r.verdicts if v.quantity != "kernel"])
        for observable in dict.fromkeys(r.cell.observable for r in haar):
            cells = [r for r in haar if r.cell.observable == observable]
            lines.append(_fluctuation(observable, cells))
    for ensemble in dict.fromkeys(r.cell.ensemble for r in results.cells if r.cell.ensemble != HAAR_LAYERS):
        cells = [r for r in results.cells if r.cell.ensemble == ensemble]
        for observable in dict.fromkeys(r.cell.observable for r in cells):
            lines += _depths(ensemble, [r for r in cells if r.cell.observable == observable])
    return lines


def tally(verdicts: Iterable[Verdict]) -> str:
    """Counts, such as ``88 agree, 2 inconclusive of 90``."""
    counts = Counter(v.verdict for v in verdicts)
    return ", ".join(f"{counts[v]} {v}" for v in _ORDER if counts[v]) + f" of {counts.total()}"


def _others(verdicts: list[Verdict]) -> Iterable[str]:
    """The claims on the dQNTK and on K between two inputs."""
    for quantity, statistic, regime in dict.fromkeys((v.quantity, v.statistic, v.regime) for v in verdicts):
        those = [v for v in verdicts if (v.quantity, v.statistic, v.regime) == (quantity, statistic, regime)]
        name = "published (asymptotic)" if regime == "asymptotic" else regime
        yield f"Haar layers, {QUANTITIES[quantity]}, {name} {WORDS.get(statistic, statistic)}: {tally(those)}."


def joining_depth(cells: list[CellResult]) -> CellResult | None:
    """The shallowest cell from which on all deeper ones agree with the exact law in every moment."""
    joined: CellResult | None = None
    for result in sorted(cells, key=lambda r: r.cell.parameters, reverse=True):
        if not result.joined():
            break
        joined = result
    return joined


def _fluctuation(observable: str, cells: list[CellResult]) -> str:
    failing = [r for r in cells if r.verdict("variance", "asymptotic").verdict == "disagree"]
    here = f"Published variance with observable {observable}"
    if not failing:
        return f"{here}: no cell disagrees."
    worst = max(failing, key=lambda r: _ratio(r, "variance", "asymptotic"))
    return (
        f"{here}: {len(failing)} of {len(cells)} cells disagree; "
        f"at n = {worst.cell.qubits}, L = {worst.cell.parameters} the variance is "
        f"{_ratio(worst, 'variance', 'asymptotic'):.3g} times the published one and "
        f"{_ratio(worst, 'variance', 'exact'):.3g} times the exact one."
    )


def _depths(ensemble: str, cells: list[CellResult]) -> Iterable[str]:
    """Where an ansatz joins the exact law, and how far off its deepest circuits are where it does not."""
    joined: list[str] = []
    open_: list[str] = []
    apart: list[str] = []
    for line in _by_qubits(cells):
        qubits = line[0].cell.qubits
        depth = joining_depth(line)
        if depth is not None:
            joined.append(f"{depth.cell.layers} layers (L = {depth.cell.parameters}) at n = {qubits}")
            continue
        deepest = max(line, key=lambda r: r.cell.parameters)
        verdicts = {deepest.verdict(s, "exact").verdict for s in MOMENTS}
        text = (
            f"n = {qubits} (at {deepest.cell.layers} layers mean {_ratio(deepest, 'mean', 'exact'):.3f}, "
            f"variance {_ratio(deepest, 'variance', 'exact'):.3f} of the law)"
        )
        (apart if "disagree" in verdicts else open_).append(text)
    here = f"{ensemble}, {cells[0].cell.observable}"
    if joined:
        yield f"{here}: agrees with the exact law in mean, variance and ΔK/K̄ from {', '.join(joined)} on."
    if open_:
        yield f"{here}: not settled at {', '.join(open_)}."
    if apart:
        symmetry = CATALOGUE[ensemble].symmetry if ensemble in CATALOGUE else ""
        why = f" Why: {symmetry}." if symmetry else " No symmetry is known to keep deeper circuits apart."
        yield f"{here}: disagrees at its deepest at {', '.join(apart)}.{why}"
    ends = [max(line, key=lambda r: r.cell.parameters) for line in _by_qubits(cells)]
    if own := [_own(r) for r in ends if r.own]:
        yield f"{here}, its deepest circuits against the law of their own group: {', '.join(own)}."


def _by_qubits(cells: list[CellResult]) -> list[list[CellResult]]:
    return [[r for r in cells if r.cell.qubits == n] for n in dict.fromkeys(r.cell.qubits for r in cells)]


def _own(result: CellResult) -> str:
    told = [f"{WORDS.get(v.statistic, v.statistic)} {v.verdict} ({v.ratio:.3f})" for v in result.own]
    return f"n = {result.cell.qubits} ({result.own[0].group}, {result.cell.layers} layers) {', '.join(told)}"


def _ratio(result: CellResult, statistic: str, regime: str) -> float:
    return result.verdict(statistic, regime).ratio
