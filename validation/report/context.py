"""What the templates of a scaling report are filled with."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import Any

from markupsafe import Markup

from qntk.theory import REGIMES
from qntk.validation.report.findings import TOLD, found, law_rows
from qntk.validation.report.ledger import FILTERS, ledger_document
from qntk.validation.report.reach import reaches
from qntk.validation.report.render import embedded_figures
from qntk.validation.report.results import CellResult, SweepResults
from qntk.validation.report.tables import model_rows, trend_rows, verdicts_document
from qntk.validation.report.words import WORDS, in_words, several
from qntk.validation.scaling.models import PLATEAU, POWER
from qntk.validation.sweep.store import Store

MODEL_NAMES = {POWER: POWER, PLATEAU: "with plateau"} | {regime: WORDS.get(regime, regime) for regime in REGIMES}
"""What a report calls a model of ΔK/K̄."""
ASKED = (
    "How fast a quantum circuit learns is set by its tangent kernel K, the squared length of the gradient of its "
    "output, and published laws tell K's mean K̄ and its spread ΔK over random circuits from their size alone: L "
    "parameters on n qubits, of dimension D = 2ⁿ. Do circuits that are drawn at random obey them, and where do the "
    "laws end?"
)


def headings() -> list[str]:
    """What each claim on K is called, in the order of ``findings.TOLD``."""
    return [f"{WORDS.get(statistic, statistic)}, {WORDS.get(regime, regime)}" for statistic, regime in TOLD]


def report_context(
    results: SweepResults,
    store: Store,
    figures: dict[str, str],
    ledger: list[dict[str, Any]],
    reasons: list[dict[str, Any]],
    folder: Path,
) -> dict[str, Any]:
    """Everything but the calibration.

    Args:
        results: of the sweep.
        store: its draws, for provenance.
        figures: names and captions of those that were written.
        ledger: rows of ``qntk.validation.report.ledger``.
        reasons: documents of ``qntk.validation.report.reasons``.
        folder: where ``figures/`` is.
    """
    script = files("qntk.validation.report").joinpath("templates", "ledger.js").read_text(encoding="utf-8")
    rows, verdicts = ledger_document(ledger), verdicts_document(results)
    reached = reaches(verdicts["verdicts"], verdicts["symmetric"], verdicts["orbit"])
    return {
        "config": results.config,
        "asked": ASKED,
        "found": found(verdicts["verdicts"], reached),
        "tested_on": _tested_on(results),
        "counts": results.counts(),
        "promise": results.promise(),
        "laws": law_rows(verdicts["verdicts"]),
        "reached": reached,
        "headings": headings(),
        "tallies": tallies(results),
        "figures": embedded_figures(figures, folder / "figures"),
        "trends": trend_rows(results),
        "models": model_rows(results),
        "model_names": list(MODEL_NAMES.items()),
        "skipped": list(results.skipped),
        "reasons": reasons,
        "ledger": rows,
        "filters": {name: rows["words"][name] for name in FILTERS},
        "planned": results.planned,
        "drawn": results.drawn,
        "versions": store.versions(),
        "fingerprint": results.fingerprint,
        "configuration": store.configuration(),
        "script": Markup(script),
        "script_hash": "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    }


def tallies(results: SweepResults) -> list[dict[str, Any]]:
    """One row an ensemble and observable: counts of the verdicts on each claim."""
    groups: dict[tuple[str, str], list[CellResult]] = {}
    for result in results.cells:
        groups.setdefault((result.cell.ensemble, result.cell.observable), []).append(result)
    return [
        {
            "ensemble": ensemble,
            "observable": observable,
            "cells": len(group),
            "counts": [Counter(r.verdict(statistic, regime).verdict for r in group) for statistic, regime in TOLD],
        }
        for (ensemble, observable), group in groups.items()
    ]


def _tested_on(results: SweepResults) -> str:
    """What was tested, in a sentence."""
    cells = [r.cell for r in results.cells]

    def span(values: list[int]) -> str:
        low, high = min(values), max(values)
        return f"{low:,}" if low == high else f"{low:,} to {high:,}"

    names = several([WORDS.get(e, e) for e in dict.fromkeys(c.ensemble for c in cells)])
    return (
        f"{results.drawn:,} kernels from {names}, drawn in {len(cells)} cells of n = {span([c.qubits for c in cells])} "
        f"qubits and L = {span([c.parameters for c in cells])} parameters with observables "
        f"{several([in_words(o) for o in dict.fromkeys(c.observable for c in cells)])}."
    )
