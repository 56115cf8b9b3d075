"""Aer's noise models as the Pauli channels of a circuit's gates, where they are such.

Read (``inputs.noise_models``) by the names of gates as the circuit has them. An error on some qubits of a gate's
own replaces the one on all qubits, as in Aer. What is no mixture of Pauli strings is refused, and so is readout error.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit

from qntk.inputs.circuits import split_preparation
from qntk.inputs.noise_models import GateError, gate_errors
from qntk.inputs.reader import read_circuit
from qntk.theory.circuits.noise import GateNoise

Array = NDArray[np.float64]
_MOST_TOGETHER = 4
_WAY_ON = "draw K under it (qntk.sample with gradients=aer_gradients(..., noise_model=...))"


def gate_noise(circuit: QuantumCircuit, model: Any) -> GateNoise:
    """The channels after each operation of ``read_circuit(circuit)``.

    Raises ``ValueError`` for errors that are no Pauli channels, readout error, noise on a gate that is read as several,
    and a model that has no noise on any gate of the circuit.
    """
    everywhere: dict[str, GateError] = {}
    local: dict[tuple[str, tuple[int, ...]], GateError] = {}
    for error in gate_errors(model):
        if error.readout:
            raise ValueError(f"the noise model has readout error, which Pauli paths do not have: {_WAY_ON}")
        for name in error.operations:
            if error.places is None:
                everywhere[name] = error
            local |= {(name, qubits): error for qubits in error.places or ()}
    named = set(everywhere) | {name for name, _ in local}
    if not named & set(circuit.count_ops()):
        raise ValueError(
            f"the noise model has noise on {', '.join(sorted(named)) or 'no gate'}, and the circuit has none of these"
        )
    prepared, rest = split_preparation(circuit)
    found: list[tuple[tuple[tuple[int, ...], Array], ...]] = [()] * len(read_circuit(prepared).operations)
    for instruction in rest.data:
        qubits = tuple(rest.find_bit(qubit).index for qubit in instruction.qubits)
        alone = QuantumCircuit(rest.num_qubits)
        alone.append(instruction.operation, qubits)
        name, count = instruction.operation.name, len(read_circuit(alone).operations)
        own = local.get((name, qubits), everywhere.get(name))
        if own is not None and count != 1:
            raise ValueError(f"gate {name!r} is read as {count} gates, so that its noise has no place: {_WAY_ON}")
        found += [() if own is None else ((qubits, _table(own, name, len(qubits))),)] * count
    if len(found) != len(read_circuit(circuit).operations):
        raise ValueError(f"gates of the circuit are read together, so that noise on one has no place: {_WAY_ON}")
    return GateNoise(tuple(found))


def _table(error: GateError, name: str, count: int) -> Array:
    """λ of each Pauli string on a gate's ``count`` qubits, shape (4^count,), of a mixture of Pauli strings."""
    if any(q >= count for _, steps in error.mixture for _, qubits, _ in steps for q in qubits):
        raise ValueError(f"the error on gate {name!r} is on more qubits than the gate: {_WAY_ON}")
    if count > _MOST_TOGETHER:
        raise ValueError(f"gate {name!r} with an error is on {count} qubits together: {_WAY_ON}")
    total = np.zeros(4**count)
    for probability, steps in error.mixture:
        x, z = np.zeros(count, dtype=int), np.zeros(count, dtype=int)
        for kind, qubits, parameters in steps:
            if kind == "pauli":
                letters = list(reversed(parameters[0]))
            elif kind in ("id", "x", "y", "z") and len(qubits) == 1:
                letters = [kind.upper().replace("ID", "I")]
            else:
                raise ValueError(f"the error on gate {name!r} is no Pauli channel, it has {kind!r}: {_WAY_ON}")
            for qubit, letter in zip(qubits, letters, strict=True):
                x[qubit] ^= letter in "XY"
                z[qubit] ^= letter in "ZY"
        for place, string in enumerate(itertools.product(range(4), repeat=count)):
            own = np.array(string[::-1])  # the first qubit counts least
            flips = int(((own % 2) * z + (own // 2) * x).sum())
            total[place] += probability * (-1) ** flips
    return total
