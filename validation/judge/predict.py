"""The closed forms for one cell, as a document and as a table."""

from __future__ import annotations

from typing import Any

from qntk.inputs.observables import Observable
from qntk.theory import REGIMES, KernelLaw, Prediction
from qntk.theory.haar import dqntk
from qntk.theory.haar.distribution import KernelDistribution
from qntk.theory.haar.dqntk_second_moment import second_moment
from qntk.theory.haar.shape import excess_kurtosis, skewness
from qntk.validation import SCHEMA_VERSION
from qntk.validation.judge.law import kernel_law


def predict_document(qubits: int, parameters: int, observable: str | Observable, generator: str) -> dict[str, Any]:
    """All predictions for one cell, keyed as the command line promises; raises ``ValueError`` on bad input."""
    law = kernel_law(qubits, parameters, observable, generator)
    distribution = KernelDistribution(law)
    return {
        "schema_version": SCHEMA_VERSION,
        "qubits": qubits,
        "dimension": 1 << qubits,
        "parameters": parameters,
        "observable": observable if isinstance(observable, str) else observable.spec,
        "generator": generator,
        "mean": {"asymptotic": law.mean("asymptotic").value, "exact": law.mean("exact").value},
        "variance": {regime: law.variance(regime).value for regime in REGIMES},
        "relative_std": {regime: law.relative_std(regime).value for regime in REGIMES},
        "plateau": law.plateau().value,
        "skewness": {"exact": _value(skewness(law))},
        "kurtosis": {"exact": _value(excess_kurtosis(law))},
        "dqntk_mean": {"exact": _value(dqntk.mean(law))},
        "dqntk_second_moment": {
            "asymptotic": _value(dqntk.second_moment_asymptotic(law)),
            "leading": _value(dqntk.second_moment_leading(law)),
            "exact": _value(second_moment(law)),
        },
        "quantiles": {f"{p:g}": float(k) for p, k in zip(QUANTILES, distribution.quantiles(QUANTILES), strict=True)},
        "distribution_error": distribution.truncation,
        "remarks": _remarks(law),
        "references": {regime: law.variance(regime).reference for regime in REGIMES},
    }


QUANTILES = (0.001, 0.025, 0.25, 0.5, 0.75, 0.975, 0.999)


def _remarks(law: KernelLaw) -> list[str]:
    """What is not known, why, and from what on it is."""
    higher = law.observable.higher
    if higher is not None and higher[2] is not None:
        return []
    what = "the kurtosis is" if higher is not None else "skewness, kurtosis and the second moment of the dQNTK are"
    return [
        f"{what} not known: {law.observable.label} has too many strings that overlap to list its powers in some "
        "seconds; known on up to 11 qubits, for up to 391 strings (kurtosis: 104), and for any number that are local"
    ]


def _value(prediction: Prediction | None) -> float | None:
    return None if prediction is None else prediction.value


def rotation(generator: str) -> str:
    """A rotation by θ in the convention of a generator, ``half-pauli`` or ``pauli``."""
    return "exp(-iθP/2)" if generator == "half-pauli" else "exp(-iθP)"


def predict_text(document: dict[str, Any]) -> str:
    """The same for a person."""
    lines = [
        f"Haar layers, n = {document['qubits']} (D = {document['dimension']}), L = {document['parameters']}, "
        f"observable {document['observable']}, generator {document['generator']}, {rotation(document['generator'])}",
        "",
        f"{'':24}{'asymptotic':>14}{'independent':>14}{'exact':>14}",
    ]
    for key, label in (("mean", "mean K̄"), ("variance", "variance"), ("relative_std", "ΔK/K̄")):
        values = document[key]
        cells = "".join(f"{values[r]:14.6g}" if r in values else f"{'':14}" for r in REGIMES)
        lines.append(f"{label:24}{cells}")
    lines.append(f"{'ΔK/K̄ at L → ∞':24}{0:14.6g}{0:14.6g}{document['plateau']:14.6g}")
    labels = {"skewness": "skewness", "kurtosis": "excess kurtosis", "dqntk_mean": "mean dQNTK μ"}
    for key, label in labels.items():
        value = document[key]["exact"]
        lines.append(f"{label:24}{'':28}" + (f"{value:14.6g}" if value is not None else f"{'unknown':>14}"))
    quoted = document["dqntk_second_moment"]
    for key, label in (("asymptotic", "E μ², quoted"), ("leading", "E μ², large D"), ("exact", "E μ²")):
        if quoted[key] is not None:
            lines.append(f"{label:24}{quoted[key]:{42 if key == 'exact' else 14}.6g}")
        elif key == "exact":
            lines.append(f"{label:24}{'unknown':>42}")
    lines += [f"Note: {remark}." for remark in document["remarks"]]
    lines += ["", "quantiles of K, one instance:"]
    lines.append("  ".join(f"{100 * float(level):g} %: {value:.4g}" for level, value in document["quantiles"].items()))
    lines.append("")
    lines += [f"{regime}: {reference}" for regime, reference in document["references"].items()]
    return "\n".join(lines)
