"""Layers of Clifford gates and Pauli rotations, and the same for ``two_copies``."""

import numpy as np
import two_copies
from qiskit.circuit.library import CXGate, CZGate, HGate, SGate, SwapGate
from qiskit.quantum_info import Operator

from qntk.theory.circuits.clifford_frame import Gate, Rotation
from qntk.theory.circuits.moves import FixedRotation

LIBRARY = {"h": HGate(), "s": SGate(), "cx": CXGate(), "cz": CZGate(), "swap": SwapGate()}


def dense(operations, qubits):
    """The same layer for ``two_copies``; Clifford matrices are Qiskit's."""
    gates = []
    for operation in operations:
        if isinstance(operation, Gate):
            whole = Operator(np.eye(2**qubits)).compose(LIBRARY[operation.name], list(operation.qubits))
            gates.append(two_copies.Gate(whole.data))
            continue
        label = two_copies.embed(operation.pauli, operation.qubits, qubits)
        if isinstance(operation, Rotation):
            gates.append(two_copies.Gate(label=label))
        else:
            gates.append(two_copies.Gate(two_copies.turn(label, operation.angle)))
    return gates


def rotations(*turns):
    return [Rotation(pauli, places, index) for index, (pauli, places) in enumerate(turns)]


def chain(qubits, one, two, closed=False):
    """One-qubit rotations on all qubits, then two-qubit ones on the edges."""
    edges = [(q, q + 1) for q in range(qubits - 1)] + ([(qubits - 1, 0)] if closed else [])
    return rotations(*[(p, (q,)) for p in one for q in range(qubits)], *[(p, e) for p in two for e in edges])


def basis_state(qubits, number):
    vector = np.zeros(2**qubits)
    vector[number] = 1
    return np.outer(vector, vector)


def hea(qubits, entangler, closed):
    edges = [(q, (q + 1) % qubits) for q in range(qubits if closed else qubits - 1)]
    return [
        *rotations(*[("Y", (q,)) for q in range(qubits)], *[("Z", (q,)) for q in range(qubits)]),
        *[Gate(entangler, edge) for edge in edges],
    ]


FAMILIES = {
    "ising ring": lambda n: chain(n, "X", ["ZZ"], True),
    "ising chain": lambda n: chain(n, "X", ["ZZ"]),
    "ising chain, both fields": lambda n: chain(n, "XZ", ["ZZ"]),
    "xy chain with field": lambda n: chain(n, "Z", ["XX", "YY"]),
    "xy chain": lambda n: chain(n, "", ["XX", "YY"]),
    "ry and zz chain": lambda n: chain(n, "Y", ["ZZ"]),
    "heisenberg chain": lambda n: chain(n, "", ["XX", "YY", "ZZ"]),
    "hea": lambda n: hea(n, "cx", False),
    "cz ring": lambda n: hea(n, "cz", True),
    "real amplitudes": lambda n: [
        *chain(n, "Y", []),
        *[Gate("cx", (q, q + 1)) for q in range(n - 1)],
    ],
    "matchgates": lambda n: chain(n, "Z", ["XX"]),
    "qaoa complete graph": lambda n: rotations(
        *[("ZZ", (a, b)) for a in range(n) for b in range(a)], *[("X", (q,)) for q in range(n)]
    ),
    "re-uploading": lambda n: [
        *chain(n, "X", ["ZZ"]),
        *[FixedRotation("Z", (q,), 0.3 + 0.4 * q) for q in range(n)],
    ],
    "clifford circle": lambda n: [*chain(n, "X", []), *[Gate("swap", (q, q + 1)) for q in range(n - 1)]],
}
