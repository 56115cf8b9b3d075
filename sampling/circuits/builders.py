"""How the ansätze of the catalogue are built: circuits from qubits, layers and, for random gates, a generator.

Every rotation is Qiskit's exp(-iθP/2).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.circuit.library import PauliEvolutionGate, UnitaryGate
from qiskit.quantum_info import Pauli

from qntk.sampling.arithmetic.unitaries import haar_unitaries

Edges = Callable[[int], list[tuple[int, int]]]
Build = Callable[[int, int, np.random.Generator], QuantumCircuit]


def rotations_then(entangle: Callable[[QuantumCircuit], None]) -> Build:
    """RY then RZ on every qubit, then the entangler, in each layer."""

    def build(qubits: int, layers: int, rng: np.random.Generator) -> QuantumCircuit:
        circuit = QuantumCircuit(qubits)
        angles = iter(ParameterVector("θ", 2 * qubits * layers))
        for _ in range(layers):
            for qubit in range(qubits):
                circuit.ry(next(angles), qubit)
            for qubit in range(qubits):
                circuit.rz(next(angles), qubit)
            entangle(circuit)
        return circuit

    return build


def cx_chain(circuit: QuantumCircuit) -> None:
    """An open chain of CX."""
    for qubit in range(circuit.num_qubits - 1):
        circuit.cx(qubit, qubit + 1)


def cz_ring(circuit: QuantumCircuit) -> None:
    """A ring of CZ."""
    for edge in ring(circuit.num_qubits):
        circuit.cz(*edge)


def ring(qubits: int) -> list[tuple[int, int]]:
    """Edges of a ring; two qubits have one edge, since a literal ring would apply it twice."""
    return [(q, (q + 1) % qubits) for q in range(qubits if qubits > 2 else 1)]


def hva(qubits: int, layers: int, rng: np.random.Generator) -> QuantumCircuit:
    """RX on every qubit, RZZ on every edge of a ring."""
    circuit = QuantumCircuit(qubits)
    edges = ring(qubits)
    angles = iter(ParameterVector("θ", (qubits + len(edges)) * layers))
    for _ in range(layers):
        for qubit in range(qubits):
            circuit.rx(next(angles), qubit)
        for edge in edges:
            circuit.rzz(next(angles), *edge)
    return circuit


def bonds(qubits: int) -> list[tuple[int, int]]:
    """Neighbours on an open chain, those that begin on even qubits first: each half can act at once."""
    return [(q, q + 1) for start in (0, 1) for q in range(start, qubits - 1, 2)]


def pairs(qubits: int) -> list[tuple[int, int]]:
    """Every pair of qubits."""
    return [(a, b) for b in range(qubits) for a in range(b)]


def evolutions(one: str, two: str, edges: Edges, start: str = "") -> Build:
    """Rotations about each letter of ``one`` on every qubit, then about PP for each P of ``two`` on every edge."""

    def build(qubits: int, layers: int, rng: np.random.Generator) -> QuantumCircuit:
        circuit = QuantumCircuit(qubits)
        if start:
            circuit.prepare_state((start * qubits)[:qubits][::-1])
        angles = iter(ParameterVector("θ", count(one, two, edges)(qubits, layers)))
        for _ in range(layers):
            for letter in one:
                for qubit in range(qubits):
                    getattr(circuit, f"r{letter}")(next(angles), qubit)
            for edge in edges(qubits):
                for letter in two:
                    getattr(circuit, f"r{letter}{letter}")(next(angles), *edge)
        return circuit

    return build


def count(one: str, two: str, edges: Edges) -> Callable[[int, int], int]:
    """Number of parameters of ``evolutions``, from qubits and layers."""
    return lambda qubits, layers: (len(one) * qubits + len(two) * len(edges(qubits))) * layers


def qaoa(qubits: int, layers: int, rng: np.random.Generator) -> QuantumCircuit:
    """|+…+>, then RZZ on every pair and RX on every qubit."""
    circuit = QuantumCircuit(qubits)
    circuit.prepare_state("+" * qubits)
    angles = iter(ParameterVector("θ", count("x", "z", pairs)(qubits, layers)))
    for _ in range(layers):
        for edge in pairs(qubits):
            circuit.rzz(next(angles), *edge)
        for qubit in range(qubits):
            circuit.rx(next(angles), qubit)
    return circuit


def su2_equivariant(qubits: int, layers: int, rng: np.random.Generator) -> QuantumCircuit:
    """Singlets, then exchange gates on the bonds of an open chain."""
    circuit = QuantumCircuit(qubits)
    for qubit in range(0, qubits - 1, 2):
        circuit.prepare_state(np.array([0, 1, -1, 0]) / np.sqrt(2), [qubit, qubit + 1])
    angles = iter(ParameterVector("θ", (qubits - 1) * layers))
    for _ in range(layers):
        for edge in bonds(qubits):
            angle = next(angles)
            circuit.rxx(angle, *edge)
            circuit.ryy(angle, *edge)
            circuit.rzz(angle, *edge)
    return circuit


def brickwork(qubits: int, layers: int, rng: np.random.Generator) -> QuantumCircuit:
    """RY, RZ and CX on even bonds, the same with odd ones."""
    circuit = QuantumCircuit(qubits)
    angles = iter(ParameterVector("θ", 4 * qubits * layers))
    for half in range(2 * layers):
        for qubit in range(qubits):
            circuit.ry(next(angles), qubit)
        for qubit in range(qubits):
            circuit.rz(next(angles), qubit)
        for qubit in range(half % 2, qubits - 1, 2):
            circuit.cx(qubit, qubit + 1)
    return circuit


def random_pauli(qubits: int, layers: int, rng: np.random.Generator) -> QuantumCircuit:
    """Random Pauli rotations between fixed Haar unitaries."""
    circuit = QuantumCircuit(qubits)
    angles = ParameterVector("θ", layers)
    everywhere = range(qubits)
    circuit.append(UnitaryGate(_haar(qubits, rng), label="W"), everywhere)
    for angle in angles:
        letters = "I" * qubits
        while letters == "I" * qubits:
            letters = "".join(rng.choice(list("IXYZ"), qubits))
        circuit.append(PauliEvolutionGate(Pauli(letters), time=angle / 2), everywhere)
        circuit.append(UnitaryGate(_haar(qubits, rng), label="W"), everywhere)
    return circuit


def _haar(qubits: int, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(haar_unitaries(1, 2**qubits, rng)[0])
