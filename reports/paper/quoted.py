"""The numbers that the article names, read off the committed documents of the sweep and of the study.

A name is a path through what ``quoted`` returns; a number that the documents do not have stops the typesetting.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from qntk.validation.report.findings import law_name, law_rows
from qntk.validation.report.paper import paper_tables
from qntk.validation.report.reach import Reach, depth, reaches
from qntk.validation.report.regions import region, worst
from qntk.validation.report.statements import spread, statement_rows
from qntk.validation.report.words import in_words, several
from qntk.validation.sweep.config import HAAR_LAYERS

Document = dict[str, Any]

REPORTS = Path(__file__).parents[1]
DOCUMENTS = {
    "sweep": "default/verdicts.json",
    "scaling": "default/scaling.json",
    "calibration": "default/calibration.json",
    "study": "diagnostics/diagnostics.json",
}
VERDICTS = {"holds": "agree", "fails": "disagree", "mixed": "in part", "open": "inconclusive"}


def documents() -> dict[str, Document]:
    """The committed documents by name."""
    return {name: json.loads((REPORTS / path).read_text(encoding="utf-8")) for name, path in DOCUMENTS.items()}


def quoted(documents: dict[str, Document]) -> Document:
    """All that the article names, as text."""
    sweep, scaling, calibration, study = (documents[name] for name in DOCUMENTS)
    return {
        "release": _release(),
        "sweep": _sweep(sweep),
        "laws": _laws(sweep["verdicts"]),
        "haar": _haar(sweep["verdicts"]),
        "exponents": _exponents(scaling["exponents"]),
        "reach": _reach(reaches(sweep["verdicts"], sweep["symmetric"])),
        "calibration": _calibration(calibration),
        "study": _study(study),
        "tables": _tables(sweep, scaling, study),
    }


def _release() -> Document:
    citation = (REPORTS.parent / "CITATION.cff").read_text(encoding="utf-8")
    return {key: re.findall(rf'^{key}: "?([^"\n]+)"?$', citation, re.M)[0] for key in ("version", "date-released")}


def _sweep(document: Document) -> Document:
    rows = document["verdicts"]
    levels = [row["level"] for row in rows]
    margins = {row["statistic"]: row["margin"] for row in rows if row["quantity"] == "kernel"}
    ansaetze = [row["ensemble"] for row in rows if row["ensemble"] != HAAR_LAYERS]
    return {
        "kernels": f"{document['drawn']:,}",
        "cells": str(len({row["cell"] for row in rows})),
        "verdicts": f"{len(rows):,}",
        "intervals": f"{document['intervals']:,}",
        "confidence": f"{1 - document['family_error']:.0%}",
        "error": f"{document['family_error']:g}",
        "levels": f"{_power(min(levels))} to {_power(max(levels))}",
        "seed": str(document["seed"]),
        "fingerprint": document["fingerprint"][:16],
        "qubits": _span(row["qubits"] for row in rows),
        "parameters": _span(row["parameters"] for row in rows),
        "draws": _span(row["draws"] for row in rows),
        "observables": "; ".join(in_words(o) for o in dict.fromkeys(row["observable"] for row in rows)),
        "ansaetze": several(list(dict.fromkeys(ansaetze))),
        "margin": {s: f"{m:g}" if s == "distribution" else f"{m:.0%}" for s, m in margins.items()},
    }


def _haar(verdicts: list[Document]) -> Document:
    """Cells of Haar layers, in how many the exact law of everything holds, and how far its worst cell is."""
    haar = [row for row in verdicts if row["ensemble"] == HAAR_LAYERS]
    exact = [row for row in haar if row["regime"] == "exact"]
    missed = {row["cell"] for row in exact if row["verdict"] != "agree"}
    cells = {row["cell"] for row in exact}
    moments = [row for row in exact if row["quantity"] == "kernel" and row["statistic"] in ("mean", "relative_std")]
    return {
        "cells": str(len(cells)),
        "held": str(len(cells - missed)),
        "verdicts": str(len(exact)),
        "agree": str(sum(row["verdict"] == "agree" for row in exact)),
        "disagree": str(sum(row["verdict"] == "disagree" for row in exact)),
        "worst": f"{max(abs(row['estimate'] / row['prediction'] - 1) for row in moments):.1%}",
        "qubits": _span(row["qubits"] for row in haar),
        "parameters": _span(row["parameters"] for row in haar),
    }


def _laws(verdicts: list[Document]) -> Document:
    """By ``quantity statistic regime``, and the same with an observable, of Haar layers: where, counts, worst."""
    groups: dict[str, list[Document]] = {}
    for row in verdicts:
        if row["ensemble"] == HAAR_LAYERS:
            law = f"{row['quantity']} {row['statistic']} {row['regime']}"
            groups.setdefault(law, []).append(row)
            groups.setdefault(f"{law} {row['observable']}", []).append(row)
    return {name: _law(rows) for name, rows in groups.items()}


def _law(rows: list[Document]) -> Document:
    found, off = region(rows), worst(rows)
    said = {"where": found.text().replace(", fails", " and fails"), "cells": str(len(rows))} | {
        verdict: str(found.counts[verdict]) for verdict in ("agree", "inconclusive", "disagree")
    }
    if off:
        factor = off["estimate"] / off["prediction"]
        said |= {"factor": f"{factor:.3g}", "over": f"{max(factor, 1 / factor):.3g}"}
        said |= {"qubits": str(off["qubits"]), "parameters": str(off["parameters"])}
    return said


def _exponents(rows: list[Document]) -> Document:
    """By ``quantity variable observable at``, of Haar layers: the fitted exponent and those of the laws."""
    said: Document = {}
    for row in rows:
        if row["ensemble"] == HAAR_LAYERS:
            name = f"{row['quantity']} {row['variable']} {row['observable']} {row['fixed'] or 'all'}"
            half = (row["high"] - row["low"]) / 2
            laws = {law: _minus(f"{value:.3f}") for law, value in row["predicted"].items()}
            said.setdefault(name, {"fitted": _minus(f"{row['best']:.3f}"), "half": f"{half:.3f}"} | laws)
    return said


def _reach(reached: list[Reach]) -> Document:
    """By ansatz: from where on it agrees, where it does not, and why."""
    said: Document = {}
    for ensemble in dict.fromkeys(r.ensemble for r in reached):
        those = [r for r in reached if r.ensemble == ensemble]
        joined = [f"{depth(r)} at n = {r.qubits}" for r in those if r.parameters is not None]
        apart = [str(r.qubits) for r in those if r.parameters is None]
        said[ensemble] = {"from": several(joined), "not": several(apart), "why": those[0].why}
    return said


def _calibration(document: Document) -> Document:
    return {
        "trials": f"{document['trials']:,}",
        "draws": f"{document['draws']:,}",
        "level": f"{document['level']:.0%}",
        "coverage": " to ".join(f"{f([c['estimate'] for c in document['coverage'].values()]):.1%}" for f in (min, max)),
        "agree": f"{document['false_agree_rate']['estimate']:.1%}",
        "promised": f"{document['false_agree_rate']['promise']:.1%}",
        "kept": "kept" if document["false_agree_rate"]["kept"] else "not kept",
        "controls": str(len(document["controls"])),
        "caught": str(sum(control["caught"] for control in document["controls"])),
    }


def _study(document: Document) -> Document:
    rows = statement_rows(document["findings"])
    models = document["models"]
    deepest = [m for m in models if m["depth"] == max(o["depth"] for o in models if o["model"] == m["model"])]
    named = {
        row["statement"]: {
            "spread": _minus(spread(row)),
            "verdict": VERDICTS[row["outcome"]],
            "cases": str(row["counts"].total()),
        }
        for row in rows
    }
    return {
        "dataset": document["dataset"]["name"],
        "training": str(document["dataset"]["training"]),
        "test": str(document["dataset"]["test"]),
        "observable": document["observable"],
        "models": several(list(dict.fromkeys(model["model"] for model in models))),
        "qubits": _span(model["qubits"] for model in models),
        "parameters": _span(model["parameters"] for model in models),
        "seeds": _span(model["seeds"] for model in models),
        "steps": str(document["steps"]),
        "fraction": f"{document['fraction']:g}",
        "verdicts": str(len(document["findings"])),
        "statements": str(len(rows)),
        "confidence": f"{1 - document['family_error']:.0%}",
        "frozen error": _range(model["kernel_error_frozen"] for model in models),
        "deepest frozen error": _range(model["kernel_error_frozen"] for model in deepest),
        "deepest dressed error": _range(model["kernel_error_dressed"] for model in deepest),
        "said": named,
    } | {outcome: str(sum(row["outcome"] == outcome for row in rows)) for outcome in VERDICTS}


def _tables(sweep: Document, scaling: Document, study: Document) -> Document:
    """Columns and rows; the first and the third as ``qntk report --paper`` writes them."""
    made = paper_tables(sweep, scaling)
    verdicts, exponents = (
        table.replace({"observable": {o: in_words(o) for o in table["observable"]}})
        for table in (made[name][0] for name in ("verdicts", "exponents"))
    )
    chosen = exponents[(exponents["at"] == "all L and n") & (exponents["of"] != "K̄")].drop(columns="at")
    chosen = chosen.drop_duplicates(["of", "in", "observable"])
    claims = [name.replace(", ", ",\n") for name in verdicts.columns]
    laws = [
        [law_name(*row["claim"]), "; ".join(row["observables"]), row["where"], _counts(row["counts"])]
        for row in law_rows(sweep["verdicts"])
    ]
    reached = [
        [r.ensemble, str(r.qubits), depth(r) if r.parameters else "not reached", *_deepest(r), r.own_text or "–"]
        for r in reaches(sweep["verdicts"], sweep["symmetric"])
    ]
    statements = [
        [row["statement"], row["statistic"], _minus(spread(row)), VERDICTS[row["outcome"]], _counts(row["counts"])]
        for row in statement_rows(study["findings"])
    ]
    return {
        "verdicts": [claims, *verdicts.astype(str).to_numpy().tolist()],
        "exponents": [list(chosen.columns), *[[_minus(v) for v in row] for row in chosen.astype(str).to_numpy()]],
        "laws": [["law", "observable", "region", "a / i / d"], *laws],
        "reach": [["ansatz", "n", "agrees from", "mean", "variance", "own group"], *reached],
        "statements": [["statement", "statistic", "estimates", "verdict", "a / i / d"], *statements],
    }


def _deepest(reach: Reach) -> list[str]:
    return [f"{reach.deepest[s]['estimate'] / reach.deepest[s]['prediction']:.3f}" for s in ("mean", "variance")]


def _counts(counts: dict[str, int]) -> str:
    return " / ".join(str(counts[verdict]) for verdict in ("agree", "inconclusive", "disagree"))


def _power(value: float) -> str:
    """``9 × 10⁻⁶``"""
    digits, exponent = f"{value:.1e}".split("e")
    return f"{digits} × 10{str(int(exponent)).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def _minus(text: str) -> str:
    """A hyphen before a digit is a minus."""
    return re.sub(r"-(?=\d)", "−", text)


def _span(values: Iterable[int]) -> str:
    found = sorted(set(values))
    return f"{found[0]:,}" if len(found) == 1 else f"{found[0]:,} to {found[-1]:,}"


def _range(values: Iterable[float]) -> str:
    found = [value for value in values if value is not None]
    return f"{min(found):.2g} to {max(found):.2g}"
