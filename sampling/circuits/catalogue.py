"""Catalogue of ansätze as Qiskit circuits, by the names that configurations use.

Every rotation is Qiskit's exp(-iθP/2) with its own parameter, unless ``generator="pauli"`` doubles each angle to give
exp(-iθP). ``layers`` counts repetitions of the block of rotations and entanglers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.circuit.library import efficient_su2, real_amplitudes

from qntk.sampling.circuits.builders import (
    bonds,
    brickwork,
    count,
    cx_chain,
    cz_ring,
    evolutions,
    hva,
    pairs,
    qaoa,
    random_pauli,
    ring,
    rotations_then,
    su2_equivariant,
)


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


_FREE_FERMIONS = "it is one of free fermions: its algebra is so(2n), and its kernels fall as powers of n"
_ENTRIES = (
    Ansatz(
        name="hea",
        build=rotations_then(cx_chain),
        parameters=lambda n, layers: 2 * n * layers,
        summary="hardware-efficient: RY and RZ on every qubit, then an open chain of CX",
    ),
    Ansatz(
        name="hea-cz-ring",
        build=rotations_then(cz_ring),
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
        build=hva,
        parameters=lambda n, layers: (n + len(ring(n))) * layers,
        summary="Hamiltonian-variational for the Ising ring: RX on qubits and RZZ on edges, an angle each",
        symmetry="it keeps the spin-flip parity of the Ising model",
    ),
    Ansatz(
        name="qaoa",
        build=qaoa,
        parameters=count("x", "z", pairs),
        summary="multi-angle QAOA of MaxCut on the complete graph, from |+…+>: RZZ on every pair, RX on every qubit",
        symmetry="it keeps the spin-flip parity",
    ),
    Ansatz(
        name="hva-xy",
        build=evolutions("z", "xy", bonds, "10"),
        parameters=count("z", "xy", bonds),
        summary="Hamiltonian-variational for the open XY chain in a field, from |1010…>: RZ on qubits, RXX and RYY on "
        "bonds",
        symmetry=_FREE_FERMIONS,
    ),
    Ansatz(
        name="hva-heisenberg",
        build=evolutions("", "xyz", bonds, "10"),
        parameters=count("", "xyz", bonds),
        summary="Hamiltonian-variational for the open Heisenberg chain, from |1010…>: RXX, RYY and RZZ on bonds, an "
        "angle each",
        symmetry="it keeps the parities X…X and Z…Z",
    ),
    Ansatz(
        name="matchgate",
        build=evolutions("z", "x", bonds),
        parameters=count("z", "x", bonds),
        summary="nearest-neighbour matchgates on an open chain: RZ on qubits, RXX on bonds",
        symmetry=_FREE_FERMIONS,
    ),
    Ansatz(
        name="ising-chain",
        build=evolutions("x", "z", bonds),
        parameters=count("x", "z", bonds),
        summary="Hamiltonian-variational for the open Ising chain: RX on qubits, RZZ on bonds, an angle each",
        symmetry=_FREE_FERMIONS,
    ),
    Ansatz(
        name="su2-equivariant",
        build=su2_equivariant,
        parameters=lambda n, layers: (n - 1) * layers,
        summary="exchange gates exp(-iθ(XX+YY+ZZ)/2) on the bonds of an open chain, from singlets on qubits 0 and 1, "
        "2 and 3, …",
        symmetry="it commutes with the rotation of all spins together, and keeps their total spin",
    ),
    Ansatz(
        name="brickwork",
        build=brickwork,
        parameters=lambda n, layers: 4 * n * layers,
        summary="RY and RZ on every qubit, CX on even bonds; RY and RZ again, CX on odd bonds",
    ),
    Ansatz(
        name="random-pauli",
        build=random_pauli,
        parameters=lambda n, layers: layers,
        summary="random Pauli rotations between fixed Haar unitaries, one parameter a layer",
        smallest=1,
    ),
)

CATALOGUE: dict[str, Ansatz] = {entry.name: entry for entry in _ENTRIES}
"""The ansätze by name."""
