"""``qntk.observable`` and ``qntk.exact_mean``: what is read, and what needs no draw."""

from __future__ import annotations

from typing import Any

from qntk import _checked
from qntk.inputs.operators import observable
from qntk.inputs.reader import read_circuit
from qntk.theory.circuits.pauli_paths import PathMean
from qntk.theory.circuits.pauli_paths import exact_mean as by_paths

__all__ = ["exact_mean", "observable"]


def exact_mean(circuit: Any, observable: Any, layout: str | None = None, **options: Any) -> PathMean:
    """E K of a circuit of Clifford gates and Pauli rotations with independent uniform angles, by Pauli paths.

    Args:
        circuit: a ``QuantumCircuit``, or the file of one; each parameter in one rotation.
        observable: in any spelling of ``qntk.observable`` that is a sum of Pauli strings.
        layout: of a transpiled circuit, for an operator whose width does not tell: ``apply`` or ``applied``.
        options: of ``qntk.theory.circuits.pauli_paths.exact_mean``, such as ``first`` (the input) or ``most_strings``.

    Raises ``ValueError`` for a gate that is neither, and where there are too many strings.

    >>> from qiskit.circuit.library import efficient_su2
    >>> exact_mean(efficient_su2(30, reps=1), "Z0").value
    0.5
    """
    _checked.options("qntk.exact_mean", options, ("first", "second", "generator", "most_strings"))
    from qntk.inputs.operators import observable as read

    chosen = _checked.circuit(circuit)
    found = read(chosen.observable(observable, layout), chosen.circuit.num_qubits)
    if not found.terms:
        raise ValueError(f"observable {found.spec!r} is no sum of Pauli strings; give one, such as Z0Z1")
    return by_paths(read_circuit(chosen.circuit), dict(found.terms), **options)
