"""What a circuit keeps at all angles: a time reversal, conserved quantities.

Conserved quantities are the X that commute with U(θ) at all θ, the commutant. The *-algebra that the U(θ) generate is
⊕_i M(d_i) ⊗ 1(m_i) in a suitable basis, its commutant ⊕_i 1(d_i) ⊗ M(m_i), of dimension Σ m_i²; d_i m_i is the rank of
the minimal central projector of sector i. A generic Hermitian element of the algebra has d_i different eigenvalues of
multiplicity m_i in sector i, and a second one connects eigenspaces if and only if they are of the same sector. So one
diagonalisation and a count of connected components give all d_i and m_i, without a linear system for X.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import Pauli
from scipy.sparse.csgraph import connected_components

from qntk.inputs.observables import Observable
from qntk.inputs.reader import read_circuit
from qntk.sampling.circuits.random_angles import RandomCircuit
from qntk.theory import KernelLaw
from qntk.theory.haar.symmetric import Group, SymmetricKernelLaw
from qntk.validation.attribution.gate_list import GateList

SYMMETRY_QUBITS = 8
_SETTINGS, _WORDS, _TRIES = 4, 6, 3
_EQUAL, _ZERO = 1e-9, 1e-8
"""Eigenvalues closer than the first are one; blocks with a norm below the second are none."""

Matrix = NDArray[np.complex128]


@dataclass(frozen=True)
class Commutant:
    """The operators that commute with a set of unitaries.

    Attributes:
        sectors: ranks d_i m_i of the minimal central projectors, in falling order; they add up to D.
        multiplicities: m_i of each sector: how often its irreducible block occurs.
    """

    sectors: tuple[int, ...]
    multiplicities: tuple[int, ...]

    @property
    def dimension(self) -> int:
        """Σ m_i²; 1 if nothing is conserved."""
        return sum(m * m for m in self.multiplicities)

    @property
    def abelian(self) -> bool:
        """Whether all conserved quantities commute with each other."""
        return max(self.multiplicities) == 1


def untouched(circuit: QuantumCircuit) -> list[int]:
    """The qubits on which no gate acts."""
    acted = {qubit for operation in read_circuit(circuit).operations for qubit in operation.qubits}
    return sorted(set(range(circuit.num_qubits)) - acted)


def commutants(random: RandomCircuit, rng: np.random.Generator) -> tuple[Commutant, Commutant] | None:
    """What the circuit conserves alone and however often it is repeated.

    The first is the commutant of all U(θ)U(θ')†: gates without parameters at its beginning and end (state preparation,
    a last entangler) drop out of it. The second is that of the U(θ) themselves, which is no larger.

    From a few random settings of the angles, with probability one; None above 8 qubits, or if round-off leaves the
    blocks in doubt.
    """
    if random.circuit.num_qubits > SYMMETRY_QUBITS:
        return None
    names = [p.name for p in random.circuit.parameters]
    unitaries = list(GateList(random.circuit).unitaries(random.angles.draw(rng, names, 2 * _SETTINGS)))
    alone = commutant([u @ v.conj().T for u, v in zip(unitaries[::2], unitaries[1::2], strict=True)], rng)
    kept = commutant(unitaries[:_SETTINGS], rng)
    return None if alone is None or kept is None else (alone, kept)


def commutant(unitaries: list[Matrix], rng: np.random.Generator) -> Commutant | None:
    """The commutant of generic unitaries of shape (D, D), whatever their phases. None if round-off is in the way."""
    for _ in range(_TRIES):
        values, basis = np.linalg.eigh(_element(unitaries, rng))
        starts = np.flatnonzero(np.diff(values, prepend=-np.inf) > _EQUAL)
        sizes = np.diff(starts, append=len(values))
        second = basis.conj().T @ _element(unitaries, rng) @ basis
        weights = np.add.reduceat(np.add.reduceat(np.abs(second) ** 2, starts, axis=0), starts, axis=1)
        count, label = connected_components(weights > _ZERO**2, directed=False)
        found = [sizes[label == sector] for sector in range(count)]
        if all((m == m[0]).all() for m in found):
            sectors = sorted(((int(m.sum()), int(m[0])) for m in found), reverse=True)
            return Commutant(tuple(s for s, _ in sectors), tuple(m for _, m in sectors))
    return None


def _element(unitaries: list[Matrix], rng: np.random.Generator) -> Matrix:
    """A random Hermitian element of the algebra, of norm about 1: random words with complex weights."""
    total = np.zeros_like(unitaries[0])
    for _ in range(_WORDS):
        word = np.linalg.multi_dot([unitaries[i] for i in rng.integers(len(unitaries), size=3)])
        total += complex(*rng.standard_normal(2)) * word
    return np.asarray(total + total.conj().T) / _WORDS


def time_reversal(random: RandomCircuit, rng: np.random.Generator) -> tuple[str, Group] | None:
    """An antiunitary T = P ⊗ … ⊗ P · conj, P one of I, X, Y, Z, that commutes with the circuit up to a phase.

    Tried on two random settings of the parameters, up to 8 qubits; its letter and the group it confines the circuit
    to, or None.
    """
    circuit = random.circuit
    if circuit.num_qubits > SYMMETRY_QUBITS:
        return None
    unitaries = GateList(circuit).unitaries(random.angles.draw(rng, [p.name for p in circuit.parameters], 2))
    for letter in "IYXZ":
        pauli = Pauli(letter * circuit.num_qubits).to_matrix()
        if all(_same_up_to_phase(u, pauli @ u.conj() @ pauli.conj().T) for u in unitaries):
            square = (pauli @ pauli.conj())[0, 0].real
            return letter, "orthogonal" if square > 0 else "symplectic"
    return None


def parity(letter: str, label: str) -> int:
    """0 if T Q T⁻¹ = Q for the Pauli string Q, 1 if it is -Q, with T = P ⊗ … ⊗ P · conj for the letter P."""
    # conj flips Y, and P flips the letters that it anticommutes with.
    return sum((q == "Y") + (q != letter and letter != "I") for q in label if q != "I") % 2


def own_law(law: KernelLaw, observable: Observable, letter: str, group: Group) -> SymmetricKernelLaw | None:
    """The law of a circuit that keeps T = P…P·conj; None for an observable without parity, or where there is none."""
    if observable.rank:
        parities = {0} if letter in "IZ" else {0, 1}  # T takes the computational states to themselves, or moves them
    else:
        parities = {parity(letter, label) for label, _ in observable.terms}
    if len(parities) != 1:
        return None
    try:
        return SymmetricKernelLaw(
            law.parameters,
            law.observable,
            law.generator,
            group,
            "odd" if parities == {1} else "even",
            1 if letter in "IZ" else 0,
        )
    except ValueError:
        return None


def _same_up_to_phase(one: Matrix, two: Matrix) -> bool:
    overlap = np.trace(one.conj().T @ two) / len(one)
    return bool(abs(abs(overlap) - 1) < 1e-9)
