"""The closed forms for one cell, as a document and as a table."""

from __future__ import annotations

from typing import Any

from theory import REGIMES
from validation.law import kernel_law

SCHEMA_VERSION = 1


def predict_document(qubits: int, parameters: int, observable: str, generator: str) -> dict[str, Any]:
    """All predictions for one cell, keyed as the command line promises; raises ``ValueError`` on bad input."""
    law = kernel_law(qubits, parameters, observable, generator)
    return {
        "schema_version": SCHEMA_VERSION,
        "qubits": qubits,
        "dimension": 1 << qubits,
        "parameters": parameters,
        "observable": observable,
        "generator": generator,
        "mean": {"asymptotic": law.mean("asymptotic").value, "exact": law.mean("exact").value},
        "variance": {regime: law.variance(regime).value for regime in REGIMES},
        "relative_std": {regime: law.relative_std(regime).value for regime in REGIMES},
        "plateau": law.plateau().value,
        "references": {regime: law.variance(regime).reference for regime in REGIMES},
    }


def predict_text(document: dict[str, Any]) -> str:
    """The same for a person."""
    convention = "exp(-iθP/2)" if document["generator"] == "half-pauli" else "exp(-iθP)"
    lines = [
        f"Haar layers, n = {document['qubits']} (D = {document['dimension']}), L = {document['parameters']}, "
        f"observable {document['observable']}, generator {document['generator']}, {convention}",
        "",
        f"{'':24}{'asymptotic':>14}{'independent':>14}{'exact':>14}",
    ]
    for key, label in (("mean", "mean K̄"), ("variance", "variance"), ("relative_std", "ΔK/K̄")):
        values = document[key]
        cells = "".join(f"{values[r]:14.6g}" if r in values else f"{'':14}" for r in REGIMES)
        lines.append(f"{label:24}{cells}")
    lines += [f"{'ΔK/K̄ at L → ∞':24}{0:14.6g}{0:14.6g}{document['plateau']:14.6g}", ""]
    lines += [f"{regime}: {reference}" for regime, reference in document["references"].items()]
    return "\n".join(lines)
