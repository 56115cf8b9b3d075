"""The commutant against null spaces of the linear system that defines it, and against known symmetries."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import Operator, Pauli
from scipy.linalg import null_space

from qntk.sampling import ansatz
from qntk.sampling.circuits.random_angles import RandomCircuit
from qntk.validation.attribution.symmetries import Commutant, commutants, parity, time_reversal


def number_conserving(qubits, layers, prepare=False):
    """RZ on every qubit, XX + YY on neighbours, after X on every other qubit if asked for."""
    circuit = QuantumCircuit(qubits)
    angles = iter(ParameterVector("a", layers * (2 * qubits - 1)))
    for qubit in range(0, qubits if prepare else 0, 2):
        circuit.x(qubit)
    for _ in range(layers):
        for qubit in range(qubits):
            circuit.rz(next(angles), qubit)
        for qubit in range(qubits - 1):
            angle = next(angles)
            circuit.rxx(angle, qubit, qubit + 1)
            circuit.ryy(angle, qubit, qubit + 1)
    return circuit


def idle(qubits):
    circuit = QuantumCircuit(qubits)
    for angle in ParameterVector("a", 2):
        circuit.rx(angle, 0)
    return circuit


def exchange(qubits, layers):
    """Heisenberg bonds: SU(2) is kept, with multiplicities that are no abelian commutant's."""
    circuit = QuantumCircuit(qubits)
    for angle in ParameterVector("a", layers):
        for first in range(qubits - 1):
            for gate in (circuit.rxx, circuit.ryy, circuit.rzz):
                gate((1 + first) * angle, first, first + 1)
    return circuit


def linear_system(circuit, count=4):
    """Dimension of {X: [X, U(θ_i)] = 0}, as a null space of (1 ⊗ U - Uᵀ ⊗ 1) vec X."""
    rng = np.random.default_rng(11)
    one, rows = np.eye(2**circuit.num_qubits), []
    for _ in range(count):
        unitary = Operator(circuit.assign_parameters(rng.uniform(0, 2 * np.pi, circuit.num_parameters))).data
        rows.append(np.kron(one, unitary) - np.kron(unitary.T, one))
    return null_space(np.concatenate(rows), rcond=1e-10).shape[1]


@pytest.mark.parametrize(
    "circuit",
    [
        ansatz("hea", 3, 2),
        ansatz("hea", 2, 1),
        ansatz("hva", 3, 2),
        ansatz("real-amplitudes", 3, 2),
        idle(3),
        number_conserving(3, 2),
        number_conserving(3, 2, prepare=True),
        exchange(3, 3),
        exchange(4, 3),
    ],
)
def test_dimension_is_that_of_the_linear_system(circuit):
    assert commutants(RandomCircuit(circuit), np.random.default_rng(2))[1].dimension == linear_system(circuit)


@pytest.mark.parametrize("qubits", [3, 4, 6])
def test_particle_number_has_a_sector_for_each_number(qubits):
    alone, kept = commutants(RandomCircuit(number_conserving(qubits, 2)), np.random.default_rng(1))
    assert alone == kept
    assert (kept.dimension, kept.abelian) == (qubits + 1, True)
    binomial = np.abs(np.rint(np.poly(-np.ones(qubits)))).astype(int)
    assert sorted(kept.sectors) == sorted(binomial.tolist())


def test_known_sectors():
    rng = np.random.default_rng(3)
    assert commutants(RandomCircuit(ansatz("hva", 4, 2)), rng)[1] == Commutant((8, 8), (1, 1))
    assert commutants(RandomCircuit(ansatz("hea", 4, 1)), rng)[0].dimension == 1
    found = commutants(RandomCircuit(idle(4)), rng)[1]  # {1, X} on one qubit, everything on the other three
    assert (found.dimension, found.abelian, found.sectors) == (128, False, (8, 8))
    assert commutants(RandomCircuit(exchange(3, 3)), rng)[1] == Commutant((4, 4), (4, 2))  # spins 3/2, 1/2, 1/2


def test_state_preparation_hides_a_number_that_each_turn_conserves():
    alone, kept = commutants(RandomCircuit(number_conserving(4, 2, prepare=True)), np.random.default_rng(4))
    assert alone.dimension == 5
    assert kept.dimension < 5


def test_nothing_is_said_of_large_circuits():
    assert commutants(RandomCircuit(ansatz("hea", 9, 1)), np.random.default_rng(0)) is None
    assert time_reversal(RandomCircuit(ansatz("hea", 9, 1)), np.random.default_rng(0)) is None


@pytest.mark.parametrize("letter", "IXYZ")
def test_parity_is_the_sign_under_the_antiunitary(letter):
    P = Pauli(letter * 2).to_matrix()
    for label in ("XI", "IY", "ZI", "XX", "YZ", "XY", "ZZ"):
        Q = Pauli(label).to_matrix()
        np.testing.assert_allclose(P @ Q.conj() @ P.conj().T, (-1) ** parity(letter, label) * Q, atol=1e-14)


@pytest.mark.parametrize(
    ("name", "qubits", "expected"),
    [
        ("hea", 3, None),
        ("hea-cz-ring", 2, None),
        ("hea-cz-ring", 3, ("Y", "symplectic")),
        ("hea-cz-ring", 4, ("Y", "orthogonal")),
        ("real-amplitudes", 3, ("I", "orthogonal")),
    ],
)
def test_time_reversal_is_found(name, qubits, expected):
    assert time_reversal(RandomCircuit(ansatz(name, qubits, 2)), np.random.default_rng(1)) == expected
