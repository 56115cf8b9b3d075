"""Free fermions among what draws are held against: ensembles of Haar-random SO(2n) layers, by name.

``ising-layers`` are the layers of an open chain of RX and RZZ from |0…0>, where Z0 is a Majorana operator;
``matchgate-layers`` those of RZ with RXX and RYY from a basis state, where Z of any qubit is a product of two. An
ansatz of the catalogue that is one of free fermions goes to one of them in depth, as others go to Haar layers.
"""

from __future__ import annotations

import math
from typing import Any

from qntk.inputs.observables import Observable
from qntk.theory.circuits.free_fermions import FermionLaw, FreeFermionLaw, QuadraticFermionLaw, majorana_degree
from qntk.validation import SCHEMA_VERSION
from qntk.validation.judge.predict import QUANTILES, rotation
from qntk.validation.judge.spread import Spread

LAYERS = {"ising-layers": "X", "matchgate-layers": "Z"}
"""Ensembles, and the letter of their Jordan-Wigner strings."""
DEEP = {"ising-chain": "ising-layers", "matchgate": "matchgate-layers", "hva-xy": "matchgate-layers"}
"""Ansätze of the catalogue, and what they are in depth."""


def fermion_law(ensemble: str, qubits: int, parameters: int, observable: Observable, generator: str) -> FermionLaw:
    """The law of K for an observable in one of ``LAYERS``.

    Raises ``ValueError`` for observables whose distribution is not known there.
    """
    string = LAYERS[ensemble]
    terms = [(label, c) for label, c in observable.terms if set(label) != {"I"} and c]
    if not terms:
        raise ValueError(f"observable {observable.spec!r} is no sum of Pauli strings, which {ensemble} need")
    degrees = {majorana_degree(label, string) for label, _ in terms}
    scale = 2.0 if generator == "pauli" else 1.0
    if ensemble == "ising-layers" and degrees == {1}:
        return FreeFermionLaw(qubits, parameters, scale * math.sqrt(sum(c * c for _, c in terms)))
    if ensemble == "matchgate-layers" and degrees == {2} and len(terms) == 1:
        return QuadraticFermionLaw(qubits, parameters, scale * abs(terms[0][1]))
    known = "a sum of Majorana operators, as Z0 or X0Z1" if string == "X" else "one product of two, as Z0 or X0X1"
    raise ValueError(
        f"in {ensemble} the law of an observable that is {known}, is known, and {observable.spec!r} is not: its mean "
        "in depth is in qntk predict --circuit"
    )


def deep_fermion_law(
    ansatz: str, qubits: int, parameters: int, observable: Observable, generator: str
) -> FermionLaw | None:
    """What an ansatz of the catalogue goes to in depth, if it is one of free fermions and the law is known."""
    if ansatz not in DEEP:
        return None
    try:
        return fermion_law(DEEP[ansatz], qubits, parameters, observable, generator)
    except ValueError:
        return None


def fermion_document(law: FermionLaw, ensemble: str, observable: str, generator: str) -> dict[str, Any]:
    """Keyed like ``judge.predict.predict_document``, all of it exact."""
    spread = Spread.of_law(law)
    try:
        found = law.quantiles(QUANTILES)
        quantiles, remarks = {f"{p:g}": float(k) for p, k in zip(QUANTILES, found, strict=True)}, []
    except ValueError as error:
        quantiles, remarks = None, [str(error)]
    return {
        "schema_version": SCHEMA_VERSION,
        "ensemble": ensemble,
        "qubits": law.modes,
        "parameters": law.parameters,
        "observable": observable,
        "generator": generator,
        "mean": {"exact": law.mean().value},
        "variance": {"exact": law.variance().value},
        "relative_std": {"exact": law.relative_std().value},
        "plateau": law.plateau().value,
        "skewness": {"exact": spread.skewness},
        "kurtosis": {"exact": spread.excess_kurtosis},
        "quantiles": quantiles,
        "remarks": remarks,
        "references": {"exact": law.mean().reference},
    }


def fermion_text(document: dict[str, Any]) -> str:
    """The same for a person."""
    lines = [
        f"{document['ensemble']} (Haar SO({2 * document['qubits']})), n = {document['qubits']}, "
        f"L = {document['parameters']}, observable {document['observable']}, generator {document['generator']}, "
        f"{rotation(document['generator'])}",
        "",
    ]
    names = {"mean": "mean K̄", "variance": "variance", "relative_std": "ΔK/K̄", "skewness": "skewness"}
    names |= {"kurtosis": "excess kurtosis"}
    lines += [f"{label:24}{document[key]['exact']:14.6g}" for key, label in names.items()]
    lines.append(f"{'ΔK/K̄ at L → ∞':24}{document['plateau']:14.6g}")
    lines += [f"Note: {remark}." for remark in document["remarks"]]
    if document["quantiles"]:
        told = [f"{100 * float(level):g} %: {value:.4g}" for level, value in document["quantiles"].items()]
        lines += ["", "quantiles of K, one instance:", "  ".join(told)]
    return "\n".join(lines)
