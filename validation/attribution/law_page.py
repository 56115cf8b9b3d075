"""A circuit's own law as a document and in words."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from qiskit.circuit import QuantumCircuit

from qntk.inputs.observables import Observable
from qntk.validation import SCHEMA_VERSION
from qntk.validation.attribution.own_law import OwnLaw

FLUCTUATION_TOLERANCE = 0.05
"""Relative difference of two ΔK/K̄ that count as one."""


def law_document(law: OwnLaw, circuit: QuantumCircuit, observable: Observable, name: str | None) -> dict[str, Any]:
    """What ``qntk predict --circuit --json`` prints."""
    orbit, haar, algebra, everything = law.orbit, law.haar, law.algebra, 4**circuit.num_qubits - 1
    orbits = [asdict(o) | {"share_of_all": o.size / everything} for o in orbit.orbits] if orbit else []
    return {
        "schema_version": SCHEMA_VERSION,
        "circuit": name or circuit.name,
        "qubits": circuit.num_qubits,
        "parameters": law.parameters,
        "observable": observable.spec,
        "mean": {"orbit": orbit.value if orbit else None, "exact": law.exact},
        "variance": {"exact": law.variance},
        "orbits": orbits,
        "period": orbit.period if orbit else None,
        "reached": law.reached,
        "depth": law.depth,
        "tolerance": law.tolerance,
        "law": law.name,
        "algebra": algebra.name if algebra else None,
        "algebra_dimension": algebra.dimension if algebra else None,
        "haar": {"group": haar.group, "mean": haar.value, "limit": law.is_haar} if haar else None,
        "reasons": law.reasons,
    }


def own_part(document: dict[str, Any]) -> dict[str, Any]:
    """What ``own_law`` of ``qntk check --json`` has of it."""
    kept = {key: document[key] for key in ("reached", "depth", "tolerance", "haar", "orbits", "period", "reasons")}
    return (
        {"name": document["law"], "mean": document["mean"]["orbit"], "exact": document["mean"]["exact"]}
        | {"variance": document["variance"]["exact"]}
        | kept
    )


def law_text(document: dict[str, Any]) -> str:
    """The same for a person."""
    mean, haar, reasons = document["mean"], document["haar"], document["reasons"]
    lines = [
        f"{document['circuit']}: n = {document['qubits']}, L = {document['parameters']}, observable "
        f"{document['observable']}, rotations by uniform angles",
        "",
        f"{'mean K̄ at this depth':34}{_number(mean.get('noiseless', mean['exact']), reasons.get('exact'))}",
        f"{'variance of K at this depth':34}{_number(document['variance']['exact'], reasons.get('variance'))}",
        f"{'where it goes in depth (orbits)':34}{_number(mean['orbit'], reasons.get('orbit'))}",
    ]
    if noise := document.get("noise"):
        rate = "not known" if noise["decay"] is None else f"{noise['decay']:.6g}"
        lines.append(f"{'the same with ' + noise['spec']:34}{mean['exact']:.6g}; factor of each repetition: {rate}")
    if haar:
        lines.append(f"{'Haar layers, ' + haar['group'] + ' group':34}{_number(haar['mean'], None)}")
    if document["algebra"]:
        lines.append(
            f"{'dynamical Lie algebra':34}{document['algebra']}, of dimension {_size(document['algebra_dimension'])}"
        )
    if document.get("fall"):
        powers = " ".join(f"{name}^{power:g}" for name, power in document["fall"].items() if power)
        lines.append(f"{'K̄/L in depth goes as':34}{powers or 'a constant'} ({document['ansatz']})")
    lines.append("")
    for orbit in document["orbits"]:
        terms = f"{orbit['terms']} term{'s' if orbit['terms'] > 1 else ''}"
        period = f", a new class each of {orbit['period']} repetitions" if orbit["period"] > 1 else ""
        lines.append(
            f"orbit of {_size(orbit['size'])} Pauli strings, {orbit['share_of_all']:.3g} of all: {terms}{period}"
        )
    return "\n".join([*lines, *law_sentences(own_part(document))])


def law_sentences(found: dict[str, Any]) -> list[str]:
    """Whether a circuit has reached its own law, where it will, and whether that is Haar's: a line each.

    Of ``name``, ``mean``, ``reached``, ``depth``, ``tolerance``, ``haar`` and ``reasons``, as in ``qntk check --json``.
    """
    haar, depth, within = found["haar"], found["depth"], f"{100 * found['tolerance']:g} %"
    if found["mean"] is None:
        return [f"Its own law is not known: {found['reasons']['orbit']}."]
    if found["mean"] == 0:
        return ["In the deep limit its kernel is 0."]
    whose = f"that of {found['name']} Haar layers"
    if found["name"] == "orbit":
        whose = "its own, by the orbits of its Pauli strings"
    lines = [f"In the deep limit its mean is {whose}: {found['mean']:.6g} for its parameters."]
    if found["reached"] is not None:
        lines.append(f"It {'is' if found['reached'] else 'is not'} there at this depth (within {within}).")
    if found.get("variance") is not None and found["exact"]:
        lines.append(_fluctuation(math.sqrt(found["variance"]) / found["exact"], found.get("group_relative_std")))
    if depth is not None:
        lines.append(
            f"{'As it is' if depth == 1 else f'From {depth} repetitions on'}, its mean is within {within} of that law."
        )
    elif "depth" in found["reasons"]:
        lines.append(f"At which depth it is there is not known: {found['reasons']['depth']}.")
    if haar and haar["limit"] is False:
        lines.append(
            f"It will never be Haar, at any depth: its orbits are smaller than those of the {haar['group']} group."
        )
    return lines


def _fluctuation(own: float, group: float | None) -> str:
    """The circuit's own spread at this depth, and whether it is its group's."""
    line = f"Its own ΔK/K̄ at this depth is {own:.2%}, exactly"
    if group is None:
        return f"{line}."
    if abs(own - group) <= FLUCTUATION_TOLERANCE * group:
        return f"{line}, as Haar layers with as many parameters have ({group:.2%})."
    return f"{line}; Haar layers with as many parameters have {group:.2%}: the difference is not chance."


def _number(value: float | None, reason: str | None) -> str:
    return f"{value:.6g}" if value is not None else f"not known: {reason}"


def _size(value: int) -> str:
    return f"{value:,}" if value < 10**9 else f"about 10^{math.log10(value):.1f}"
