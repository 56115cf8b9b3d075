"""Catalogue of ansätze as Qiskit circuits, by the names that configurations use.

Every rotation is Qiskit's exp(-iθP/2) with its own parameter, unless ``generator="pauli"`` doubles each angle to give
exp(-iθP). ``layers`` counts repetitions of the block of rotations and entanglers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.circuit.library import PauliEvolutionGate, UnitaryGate, efficient_su2, real_amplitudes
from qiskit.quantum_info import Pauli
from scipy.stats import unitary_group


@dataclass(frozen=True)
class Ansatz:
    """An entry of the catalogue.

    Attributes:
        name: what configurations call it.
        build: circuit from qubits, layers and a generator of randomness for the fixed gates (unused by most).
        parameters: number of parameters L from qubits and layers.
        summary: the layer in words.
        symmetry: what keeps it from the unitary group, empty if nothing does.
        smallest: fewest qubits.
    """

    name: str
    build: Callable[[int, int, np.random.Generator], QuantumCircuit]
    parameters: Callable[[int, int], int]
    summary: str
    symmetry: str = ""
    smallest: int = 2


def ansatz(
    name: str,
    qubits: int,
    layers: int,
    generator: str = "half-pauli",
    rng: np.random.Generator | None = None,
) -> QuantumCircuit:
    """A circuit of the catalogue.

    Args:
        name: key of ``CATALOGUE``.
        qubits: at least 2 (1 for ``random-pauli``).
        layers: at least 1.
        generator: ``half-pauli`` for exp(-iθP/2), ``pauli`` for exp(-iθP).
        rng: draws the fixed unitaries of ``random-pauli``; required there.

    Raises ``ValueError`` for an unknown name or generator, or sizes out of range.
    """
    if name not in CATALOGUE:
        raise ValueError(f"ansatz {name!r} is unknown; choose from {', '.join(CATALOGUE)}")
    smallest = CATALOGUE[name].smallest
    if qubits < smallest or layers < 1:
        raise ValueError(f"{name} needs qubits >= {smallest} and layers >= 1; got qubits {qubits}, layers {layers}")
    if name == "random-pauli" and rng is None:
        raise ValueError("random-pauli has random fixed gates: give rng")
    circuit = CATALOGUE[name].build(qubits, layers, rng or np.random.default_rng(0))
    if generator == "pauli":
        return circuit.assign_parameters([2 * angle for angle in ParameterVector("θ", circuit.num_parameters)])
    if generator != "half-pauli":
        raise ValueError(f"generator {generator!r} is unknown; choose half-pauli or pauli")
    return circuit


def _rotations_then(entangle: Callable[[QuantumCircuit], None]) -> Callable[..., QuantumCircuit]:
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


def _cx_chain(circuit: QuantumCircuit) -> None:
    for qubit in range(circuit.num_qubits - 1):
        circuit.cx(qubit, qubit + 1)


def _cz_ring(circuit: QuantumCircuit) -> None:
    for edge in _ring(circuit.num_qubits):
        circuit.cz(*edge)


def _ring(qubits: int) -> list[tuple[int, int]]:
    """Edges of a ring; two qubits have one edge, since a literal ring would apply it twice."""
    return [(q, (q + 1) % qubits) for q in range(qubits if qubits > 2 else 1)]


def _hva(qubits: int, layers: int, rng: np.random.Generator) -> QuantumCircuit:
    circuit = QuantumCircuit(qubits)
    edges = _ring(qubits)
    angles = iter(ParameterVector("θ", (qubits + len(edges)) * layers))
    for _ in range(layers):
        for qubit in range(qubits):
            circuit.rx(next(angles), qubit)
        for edge in edges:
            circuit.rzz(next(angles), *edge)
    return circuit


def _random_pauli(qubits: int, layers: int, rng: np.random.Generator) -> QuantumCircuit:
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
    return np.asarray(unitary_group.rvs(2**qubits, random_state=rng))


_ENTRIES = (
    Ansatz(
        name="hea",
        build=_rotations_then(_cx_chain),
        parameters=lambda n, layers: 2 * n * layers,
        summary="hardware-efficient: RY and RZ on every qubit, then an open chain of CX",
    ),
    Ansatz(
        name="hea-cz-ring",
        build=_rotations_then(_cz_ring),
        parameters=lambda n, layers: 2 * n * layers,
        summary="RY and RZ on every qubit, then a ring of CZ (one CZ on two qubits)",
        symmetry="from 3 qubits on it commutes with time reversal: its group is orthogonal for an even number of "
        "qubits and symplectic for an odd one, never the unitary group",
    ),
    Ansatz(
        name="real-amplitudes",
        build=lambda n, layers, rng: real_amplitudes(n, reps=layers),
        parameters=lambda n, layers: n * (layers + 1),
        summary="Qiskit's RealAmplitudes: RY, then a chain of CX, and RY once more at the end",
        symmetry="its amplitudes are real: its group is orthogonal",
    ),
    Ansatz(
        name="efficient-su2",
        build=lambda n, layers, rng: efficient_su2(n, reps=layers),
        parameters=lambda n, layers: 2 * n * (layers + 1),
        summary="Qiskit's EfficientSU2: RY and RZ, then a chain of CX, and RY and RZ once more at the end",
    ),
    Ansatz(
        name="hva",
        build=_hva,
        parameters=lambda n, layers: (n + len(_ring(n))) * layers,
        summary="Hamiltonian-variational for the Ising ring: RX on qubits and RZZ on edges, an angle each",
        symmetry="it keeps the spin-flip parity of the Ising model",
    ),
    Ansatz(
        name="random-pauli",
        build=_random_pauli,
        parameters=lambda n, layers: layers,
        summary="random Pauli rotations between fixed Haar unitaries, one parameter a layer",
        smallest=1,
    ),
)

CATALOGUE: dict[str, Ansatz] = {entry.name: entry for entry in _ENTRIES}
"""The ansätze by name."""
