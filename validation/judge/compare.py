"""Draws made elsewhere against the closed forms, as a document and as a table."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qntk.inputs.draws import QUANTITIES, load_draws
from qntk.inputs.observables import Observable
from qntk.inputs.operators import observable as read
from qntk.inputs.separated import Dialect
from qntk.theory import KernelLaw
from qntk.theory.circuits.free_fermions import FermionLaw
from qntk.validation import SCHEMA_VERSION
from qntk.validation.judge.claims import Margins, Quantity
from qntk.validation.judge.comparisons import compare, compare_fermions
from qntk.validation.judge.floor import needed_draws
from qntk.validation.judge.free_fermions import fermion_law
from qntk.validation.judge.independence import doubt
from qntk.validation.judge.law import kernel_law
from qntk.validation.judge.verdicts import Outcome, Verdict

FAMILY_ERROR = 0.01
_LEFT_OUT = ("variance", "relative_std", "distribution")
"""What the noise of shots changes, and is not judged of estimates."""


def compare_document(
    source: Path | NDArray[np.float64],
    qubits: int,
    parameters: int,
    observable: str | Observable,
    generator: str,
    quantity: Quantity = "kernel",
    column: str | None = None,
    margin: float | None = None,
    family_error: float = FAMILY_ERROR,
    estimated: bool = False,
    dialect: Dialect | None = None,
    ensemble: str = "haar-layers",
) -> dict[str, Any]:
    """Verdicts on draws, keyed as the command line promises.

    Args:
        source: independent draws: an array of shape (n,), or a file or folder, see ``qntk.inputs.draws``.
        qubits, parameters, observable, generator: the cell, named as on the command line.
        quantity: ``kernel`` or ``dqntk``.
        column: name of the column; by default the quantity, or the only column.
        margin: one for every statistic, in place of the defaults of ``Margins``.
        family_error: probability that any interval misses, and so that any verdict is wrong.
        estimated: whether the kernels are unbiased estimates, from shots, which may be negative; the mean alone is
            judged then, and ``left_out`` says what is not.
        dialect: of separated text.
        ensemble: ``haar-layers``, or one of ``judge.free_fermions.LAYERS``.

    Raises ``ValueError`` for draws that cannot be read or judged, or are of another cell, and for options out of range.
    """
    for name, value in (("margin", margin), ("family error", family_error)):
        if value is not None and not 0.0 < value < 1.0:
            raise ValueError(f"{name} is {value}; give a number between 0 and 1")
    if quantity not in QUANTITIES:
        raise ValueError(f"quantity {quantity!r} is unknown; choose {' or '.join(QUANTITIES)}")
    law: KernelLaw | FermionLaw
    if ensemble == "haar-layers":
        law = kernel_law(qubits, parameters, observable, generator)
    else:
        law = fermion_law(ensemble, qubits, parameters, read(observable, qubits), generator)
        if quantity != "kernel" or estimated:
            raise ValueError(f"in {ensemble} exact kernels alone are compared")
    cell: dict[str, str | int] = {
        "qubits": qubits,
        "parameters": parameters,
        "observable": observable if isinstance(observable, str) else observable.spec,
        "generator": generator,
    }
    draws = load_draws(source, quantity, column, cell, dialect) if isinstance(source, Path) else source
    margins = Margins() if margin is None else Margins.uniform(margin)
    try:
        if isinstance(law, KernelLaw):
            rows = compare(draws, law, quantity, margins, family_error, estimated)
        else:
            rows = compare_fermions(draws, law, margins, family_error)
        warnings = list(filter(None, [doubt(draws)]))
    except ValueError as error:
        name = f"draws {source}: " if isinstance(source, Path) else ""
        raise ValueError(f"{name}{error}") from error
    intervals = len({row.statistic for row in rows})
    return {
        "schema_version": SCHEMA_VERSION,
        "ensemble": ensemble,
        **cell,
        "quantity": quantity,
        "draws": len(draws),
        "family_error": family_error,
        "intervals": intervals,
        "promise": _promise(quantity, family_error, intervals, estimated) + _too_few(rows, law),
        "estimated": estimated,
        "left_out": list(_LEFT_OUT) if estimated else [],
        "warnings": warnings,
        "verdicts": [asdict(row) for row in rows],
        "supported": _supported(rows),
        "summary": _summary(rows),
    }


def _too_few(rows: list[Verdict], law: KernelLaw | FermionLaw) -> str:
    """The statistics for whose law the draws are too few, and how many each asks for."""
    asked = {row.statistic: needed_draws(law, row.quantity, row.statistic) for row in rows}
    short = {s: n for s, n in asked.items() if rows[0].draws < n}
    if not short:
        return ""
    names = _listed([f"{s.replace('_', ' ')} ({n:,})" for s, n in short.items()])
    return (
        f" With {rows[0].draws:,} draws, fewer than tails like the law's ask for, this leaves out {names}: what these "
        "intervals show is inconclusive, and they may miss more often."
    )


def _promise(quantity: str, family_error: float, intervals: int, estimated: bool) -> str:
    when = {
        "kernel": "the distribution's at every number of draws, the moments' for many draws",
        "dqntk": "for many draws, as μ² has a heavy tail",
    }
    if estimated:
        when["kernel"] = "for many draws, where the estimates are unbiased; the square of one estimated gradient is not"
    return (
        f"If the draws are independent, all {intervals} intervals cover the truth at once with probability "
        f"at least {1 - family_error:g}, {when[quantity]}; and where they cover, no verdict is wrong."
    )


def compare_text(document: dict[str, Any]) -> str:
    """The same for a person."""
    lines = [
        f"{document['draws']:,} draws of the {document['quantity']} against {_named(document)}, n = "
        f"{document['qubits']}, L = {document['parameters']}, observable {document['observable']}, "
        f"generator {document['generator']}",
        "",
        f"{'statistic':14}{'regime':12}{'prediction':>12}{'estimate':>12}{'interval':>26}{'margin':>10}"
        f"{'p':>9}  verdict",
    ]
    for row in document["verdicts"]:
        low, high = row["interval"]
        relative = row["margin_kind"] == "relative"
        margin = f"{100 * row['margin']:.3g} %" if relative else f"{row['margin']:.3g}"
        lines.append(
            f"{row['statistic'].replace('_', ' '):14}{row['regime']:12}{row['prediction']:12.5g}{row['estimate']:12.5g}"
            f"{f'[{low:.5g}, {high:.5g}]':>26}{margin:>10}{row['p_value']:9.2g}  {row['verdict']}"
        )
    if document["left_out"]:
        names = _listed([name.replace("_", " ") for name in document["left_out"]])
        lines += ["", f"Estimated from shots: their noise changes {names}, which are left out."]
    return "\n".join([*lines, "", document["summary"], document["promise"]])


def _named(document: dict[str, Any]) -> str:
    return "Haar layers" if document["ensemble"] == "haar-layers" else str(document["ensemble"])


def _summary(rows: list[Verdict]) -> str:
    """Which regimes no verdict contradicts, and what each verdict says, in one sentence."""
    words: dict[Outcome, str] = {"agree": "agrees in", "disagree": "is rejected in", "inconclusive": "is undecided in"}
    told = []
    for regime in dict.fromkeys(row.regime for row in sorted(rows, key=lambda row: row.regime != "exact")):
        parts = []
        for outcome, phrase in words.items():
            names = [r.statistic.replace("_", " ") for r in rows if (r.regime, r.verdict) == (regime, outcome)]
            if names:
                parts.append(f"{phrase} {_listed(names)}")
        told.append(f"{regime} {', '.join(parts)}")
    return f"Not contradicted: {_listed(_supported(rows)) or 'no regime'}; {'; '.join(told)}."


def _supported(rows: list[Verdict]) -> list[str]:
    """The regimes that no verdict contradicts, the exact one first."""
    regimes = dict.fromkeys(row.regime for row in sorted(rows, key=lambda row: row.regime != "exact"))
    return [regime for regime in regimes if all(r.verdict != "disagree" for r in rows if r.regime == regime)]


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
