"""The laws for operators named as on the command line; needs no circuits, so that predictions start fast."""

from __future__ import annotations

from functools import lru_cache

from qntk.inputs.observables import Observable
from qntk.inputs.operators import observable as read_observable
from qntk.theory import KernelLaw, OperatorMoments
from qntk.theory.haar.symmetric import Group, SymmetricKernelLaw


def kernel_law(qubits: int, parameters: int, observable: str | Observable, generator: str) -> KernelLaw:
    """The Haar-layer law for an observable, named as on the command line or parsed, and a generator named so."""
    moments = _moments(_parsed(observable, qubits))
    return KernelLaw(parameters, moments, _generator(qubits, generator))


def symmetric_law(
    ensemble: str, qubits: int, parameters: int, observable: str | Observable, generator: str
) -> SymmetricKernelLaw | None:
    """The law of the group that a deep ansatz of the catalogue is confined to; None if that is the unitary one.

    Also None for an observable that is neither even nor odd under the ansatz's time reversal.
    """
    parsed = _parsed(observable, qubits)
    group: Group
    if ensemble == "real-amplitudes":  # T conjugates: Y is odd, a diagonal projector even
        odd = [label.count("Y") % 2 for label, _ in parsed.terms]
        group, overlap = "orthogonal", 1
    elif ensemble == "hea-cz-ring" and qubits > 2 and parsed.terms:  # T flips every Pauli
        odd = [(len(label) - label.count("I")) % 2 for label, _ in parsed.terms]
        group, overlap = "symplectic" if qubits % 2 else "orthogonal", 0
    else:
        return None
    if any(odd) and (overlap == 1 or not all(odd)):
        return None
    return SymmetricKernelLaw(
        parameters,
        _moments(parsed),
        _generator(qubits, generator),
        group,
        "odd" if any(odd) else "even",
        overlap,
    )


def _parsed(observable: str | Observable, qubits: int) -> Observable:
    return read_observable(observable, qubits)


@lru_cache(maxsize=1024)  # thousands of cells differ in L alone
def _moments(observable: Observable) -> OperatorMoments:
    return OperatorMoments.of(observable)


@lru_cache(maxsize=256)
def _generator(qubits: int, generator: str) -> OperatorMoments:
    pauli = OperatorMoments.from_pauli(qubits)
    if generator not in ("half-pauli", "pauli"):
        raise ValueError(f"generator {generator!r} is unknown; choose half-pauli or pauli")
    return pauli.scaled(0.5) if generator == "half-pauli" else pauli
