"""The Haar-layer law for operators named as on the command line; needs no circuits, so that predictions start fast."""

from __future__ import annotations

from theory import KernelLaw, OperatorMoments
from validation.observables import parse_observable


def kernel_law(qubits: int, parameters: int, observable: str, generator: str) -> KernelLaw:
    """The Haar-layer law for an observable and a generator named as on the command line."""
    moments = OperatorMoments.from_pauli(qubits)
    if generator == "half-pauli":
        moments = moments.scaled(0.5)
    elif generator != "pauli":
        raise ValueError(f"generator {generator!r} is unknown; choose half-pauli or pauli")
    return KernelLaw(parameters, parse_observable(observable, qubits).moments(), moments)
