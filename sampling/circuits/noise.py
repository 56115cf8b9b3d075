"""What an Aer noise model says that an estimator would drop in silence.

Gates that Aer's method does not run are taken apart, and the noise on their names is gone: that is refused. An
estimator that takes expectation values from the state never reads a qubit: its readout error is put into the
observable, as the mean of what would have been read. The mean of the sign read on a qubit is a·Z + b, so that a Pauli
string becomes the product of a·P + b over its qubits; the rotation into a basis of X or Y is taken as without noise.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qntk.inputs.messages import warn

_MOST_LETTERS = 12


def check_gates(circuit: QuantumCircuit, backend: Any) -> None:
    """``ValueError`` for a gate of the circuit with noise of its own that the backend would take apart."""
    noisy = _noisy(backend).intersection(circuit.count_ops())
    lost = noisy - set(backend.target.operation_names) if noisy else noisy  # Aer makes its target anew each time
    if lost:
        method = backend.options.method
        raise ValueError(
            f"Aer's method {method!r} takes gate {min(lost)!r} apart, and the noise on it would be dropped; put the "
            "noise on the gates that it runs, or give shots="
        )


def warn_of_no_noise(circuit: QuantumCircuit, backend: Any) -> None:
    """Say so where no gate of the circuit, as it runs, has any of the noise."""
    noisy, runs = _noisy(backend), circuit.count_ops()
    if noisy and not noisy.intersection(runs):
        named = ", ".join(sorted(noisy))
        warn(
            f"the noise model has noise on {named}, and the circuit as it runs none of these: {', '.join(sorted(runs))}"
        )


def _noisy(backend: Any) -> set[str]:
    noise = getattr(getattr(backend, "options", None), "noise_model", None)
    return set() if noise is None else set(noise.noise_instructions) - {"measure", "reset"}


def read_through(observable: SparsePauliOp, estimator: Any, backend: Any) -> SparsePauliOp:
    """The observable as it is read, if ``estimator`` is Aer's with readout error and would not read; else itself.

    Raises ``ValueError`` for errors of several qubits together, and strings on more than 12 qubits.
    """
    noise = getattr(getattr(backend, "options", None), "noise_model", None)
    if noise is None or not type(estimator).__module__.startswith("qiskit_aer."):
        return observable
    return with_readout(observable, noise)


def with_readout(observable: SparsePauliOp, noise: Any) -> SparsePauliOp:
    """The mean of an observable that is read through the readout errors of an Aer noise model, as an observable."""
    everywhere: tuple[float, float] = (1.0, 0.0)
    at: dict[int, tuple[float, float]] = {}
    for error in noise.to_dict()["errors"]:
        if error["type"] != "roerror":
            continue
        table = np.asarray(error["probabilities"], dtype=float)
        if table.shape != (2, 2):
            raise ValueError("the readout error of several qubits together is only honoured with shots; give shots=")
        zero, one = (float(row[0] - row[1]) for row in table)
        found = (zero - one) / 2, (zero + one) / 2
        if "gate_qubits" in error:
            at.update({qubit: found for qubits in error["gate_qubits"] for qubit in qubits})
        else:
            everywhere = found
    if not at and everywhere == (1.0, 0.0):
        return observable
    terms: list[tuple[str, float]] = []
    for label, coefficient in observable.label_iter():
        places = [place for place, letter in enumerate(label) if letter != "I"]
        if len(places) > _MOST_LETTERS:
            raise ValueError(
                f"readout error without shots takes strings on at most {_MOST_LETTERS} qubits; give shots="
            )
        means = [at.get(len(label) - 1 - place, everywhere) for place in places]
        for kept in itertools.product((True, False), repeat=len(places)):
            letters, weight = list(label), float(np.real(coefficient))
            for place, keep, (slope, offset) in zip(places, kept, means, strict=True):
                weight *= slope if keep else offset
                letters[place] = letters[place] if keep else "I"
            if weight:
                terms.append(("".join(letters), weight))
    return SparsePauliOp.from_list(terms, num_qubits=observable.num_qubits).simplify(atol=0.0)
