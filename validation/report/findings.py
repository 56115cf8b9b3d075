"""What a sweep shows, in sentences and rows that are read off its verdicts and never written by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from qntk.theory import Regime
from qntk.validation.judge.claims import Statistic
from qntk.validation.report.reach import Reach, depth
from qntk.validation.report.regions import Region, region, worst
from qntk.validation.report.words import QUANTITIES, WORDS, in_words, several
from qntk.validation.sweep.config import HAAR_LAYERS

Row = dict[str, Any]

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


def law_rows(verdicts: Sequence[Row]) -> list[dict[str, Any]]:
    """Of Haar layers, a row a law and place: ``claim``, ``law``, ``observables``, ``where``, ``counts``, ``worst``.

    Observables for which a law holds at the same place share a row.
    """
    haar = [row for row in verdicts if row["ensemble"] == HAAR_LAYERS]
    order: dict[tuple[str, ...], int] = {("kernel", *told): at for at, told in enumerate(TOLD)}
    laws = dict.fromkeys((r["quantity"], r["statistic"], r["regime"]) for r in haar)
    made = []
    for law in sorted(laws, key=lambda k: order.get(k, len(order))):
        if law[0] == "kernel" and law not in order:
            continue  # the independent mean is the exact one, and ΔK/K̄ follows from it and the variance
        rows = [r for r in haar if (r["quantity"], r["statistic"], r["regime"]) == law]
        by_text: dict[str, list[str]] = {}
        for observable in dict.fromkeys(r["observable"] for r in rows):
            text = region([r for r in rows if r["observable"] == observable]).text()
            by_text.setdefault(text, []).append(observable)
        for text, observables in by_text.items():
            those = [r for r in rows if r["observable"] in observables]
            made.append(
                {"claim": law, "law": law_name(*law), "observables": [in_words(o) for o in observables], "where": text}
                | {"counts": region(those).counts, "worst": worst(those)}
            )
    return made


def law_name(quantity: str, statistic: str, regime: str) -> str:
    """``published mean of K``."""
    told = WORDS.get(statistic, statistic)
    of = "" if statistic == "relative_std" else f" of {QUANTITIES[quantity]}"  # type: ignore[index]
    return f"{WORDS.get(regime, regime)} {told}{of}"


def found(verdicts: Sequence[Row], reached: Sequence[Reach]) -> list[tuple[str, str]]:
    """Heading and sentence of each finding: the exact laws, the published ones, each ansatz."""
    lines = []
    haar = [row for row in verdicts if row["ensemble"] == HAAR_LAYERS]
    if haar:
        lines.append(("The exact laws", _exact([row for row in haar if row["regime"] == "exact"])))
        published = list(_published([r for r in haar if r["quantity"] == "kernel" and r["regime"] == "asymptotic"]))
        lines.append(("The published laws", " ".join(published)))
    for ensemble, observable in dict.fromkeys((r.ensemble, r.observable) for r in reached):
        those = [r for r in reached if (r.ensemble, r.observable) == (ensemble, observable)]
        lines.append((f"{ensemble}, {in_words(observable)}", _ansatz(those)))
    return lines


def _exact(rows: Sequence[Row]) -> str:
    cells: dict[str, list[str]] = {row["cell"]: [] for row in rows}
    for row in rows:
        cells[row["cell"]].append(row["verdict"])
    wrong = sum("disagree" in those for those in cells.values())
    held = sum(set(those) == {"agree"} for those in cells.values())
    if held == len(cells):
        return f"hold in every one of the {held} cells of Haar layers."
    rest = f"they hold in {held}, and {len(cells) - held - wrong} need more draws."
    return f"fail in {wrong or 'none'} of the {len(cells)} cells of Haar layers; {rest}"


def _published(rows: Sequence[Row]) -> Iterator[str]:
    """One sentence a statistic; observables whose regions are the same are told together."""
    first = "are limits: the"
    for statistic in dict.fromkeys(row["statistic"] for row in rows if row["statistic"] != "variance"):
        those = [row for row in rows if row["statistic"] == statistic]
        whole = region(those)
        name = {"mean": "mean K̄", "relative_std": "spread ΔK/K̄"}.get(statistic, statistic)
        if whole.holds is not None or len(whole.counts) == 1:
            told = whole.text()
        else:
            by_text: dict[str, list[str]] = {}
            for observable in dict.fromkeys(row["observable"] for row in those):
                mine = region([row for row in those if row["observable"] == observable])
                by_text.setdefault(_plainly(mine), []).append(in_words(observable))
            told = "; ".join(f"{several(names)}: {text}" for text, names in by_text.items())
            told = f"depends on the observable. {told}"
        yield f"{first} {name} {told}."
        first = "The"


def _plainly(found: Region) -> str:
    """A region in a sentence: few agreements without a region are where two curves cross."""
    few, most = found.counts["agree"] <= found.counts.total() / 4, found.counts["disagree"] > found.counts.total() / 2
    if found.holds is None and few and most and found.counts["agree"]:
        return f"holds nowhere ({found.counts['agree']} of {found.counts.total()} cells agree, in no one region)"
    return found.text()


def _ansatz(those: Sequence[Reach]) -> str:
    joined = [f"n = {r.qubits} from {depth(r)} on" for r in those if r.parameters is not None]
    apart = [r for r in those if r.parameters is None and r.apart]
    undecided = [r for r in those if r.parameters is None and not r.apart]
    parts = []
    if joined:
        parts.append(f"reaches the exact law of Haar layers at {several(joined)}.")
    if apart:
        by_end: dict[str, list[str]] = {}
        for r in apart:
            by_end.setdefault(_end(r), []).append(str(r.qubits))
        ends = several([f"n = {several(qubits)} by {end}" for end, qubits in by_end.items()])
        parts.append(f"{'It does not' if joined else 'does not reach the exact law of Haar layers'} at {ends}.")
        if apart[0].why:
            parts.append(f"Why: {apart[0].why}.")
        limits = [f"n = {r.qubits} from {_limit(r)} on" for r in apart if r.limit]
        if limits:
            parts.append(f"Its mean reaches the deep limit of its own, of orbits, at {several(limits)}.")
        off = [str(r.qubits) for r in apart if r.orbit and r.orbit["verdict"] == "disagree"]
        if off:
            where = "it" if limits else "the deep limit of its orbits"
            parts.append(f"Its mean has not come to {where} at n = {several(off)}.")
    if undecided:
        parts.append(
            f"{'Undecided' if joined or apart else 'undecided'} at {several([f'n = {r.qubits}' for r in undecided])}."
        )
    return " ".join(parts)


def _limit(reach: Reach) -> str:
    parameters, layers = reach.limit or (0, None)
    return f"{layers} layers" if layers else f"L = {parameters}"


def _end(reach: Reach) -> str:
    row = reach.deepest["mean"]
    return f"{row['layers']} layers" if row["layers"] else f"L = {row['parameters']}"
