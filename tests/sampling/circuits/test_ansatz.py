"""The catalogue: sizes, conventions and symmetries."""

import numpy as np
import pytest
from qiskit.quantum_info import Operator, SparsePauliOp, Statevector

from qntk.sampling import CATALOGUE, CircuitEnsemble, ansatz
from qntk.sampling.circuits.builders import su2_equivariant


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize(("qubits", "layers"), [(2, 1), (3, 4), (5, 2)])
def test_sizes_are_as_stated(name, qubits, layers):
    circuit = ansatz(name, qubits, layers, rng=np.random.default_rng(1))
    assert circuit.num_qubits == qubits
    assert circuit.num_parameters == CATALOGUE[name].parameters(qubits, layers)


@pytest.mark.parametrize("name", CATALOGUE)
def test_pauli_convention_quadruples_the_kernel_at_half_the_angle(name, qntk_seed, qntk_rng):
    observable = SparsePauliOp("IIZ")
    half, full = (
        CircuitEnsemble(ansatz(name, 3, 2, generator, np.random.default_rng(qntk_seed)), observable)
        for generator in ("half-pauli", "pauli")
    )
    thetas = qntk_rng.uniform(0, 6, (4, half.parameters))
    np.testing.assert_allclose(half.model.kernel(thetas) * 4, full.model.kernel(thetas / 2), atol=1e-12)


def commutes_with_time_reversal(name, qubits):
    """Whether U equals T U T⁻¹ up to a phase, T = ⊗(iσ_y)·conj, at random angles."""
    circuit = ansatz(name, qubits, 3)
    theta = np.random.default_rng(3).uniform(0, 6, circuit.num_parameters)
    unitary = Operator(circuit.assign_parameters(theta)).data
    flip = np.array([[0, 1], [-1, 0]])
    reversal = np.eye(1)
    for _ in range(qubits):
        reversal = np.kron(reversal, flip)
    overlap = np.trace(unitary.conj().T @ reversal @ unitary.conj() @ reversal.T) / 2**qubits
    return abs(abs(overlap) - 1) < 1e-12


@pytest.mark.parametrize("qubits", [3, 4, 5])
def test_the_closed_ring_of_cz_keeps_time_reversal_and_the_chain_of_cx_does_not(qubits):
    assert commutes_with_time_reversal("hea-cz-ring", qubits)
    assert not commutes_with_time_reversal("hea", qubits)


def test_on_two_qubits_the_ring_is_one_cz_and_breaks_it():
    assert not commutes_with_time_reversal("hea-cz-ring", 2)


def test_real_amplitudes_are_real(qntk_rng):
    circuit = ansatz("real-amplitudes", 3, 2)
    theta = qntk_rng.uniform(0, 6, circuit.num_parameters)
    assert np.abs(Operator(circuit.assign_parameters(theta)).data.imag).max() < 1e-14


def test_random_pauli_depends_on_its_generator_alone():
    one, same, other = (ansatz("random-pauli", 2, 3, rng=np.random.default_rng(s)) for s in (1, 1, 2))
    theta = [0.1, 0.2, 0.3]
    unitaries = [Operator(c.assign_parameters(theta).decompose("PauliEvolution")).data for c in (one, same, other)]
    assert np.array_equal(unitaries[0], unitaries[1])
    assert not np.allclose(unitaries[0], unitaries[2])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("heaa", 2, 1), "unknown; choose from hea"),
        (("hea", 1, 1), "qubits >= 2"),
        (("hea", 2, 0), "layers >= 1"),
        (("hea", 2, 1, "full"), "half-pauli or pauli"),
        (("random-pauli", 2, 1), "give rng"),
    ],
)
def test_bad_requests_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        ansatz(*arguments)


def test_singlets_are_of_neighbours():
    """Of spin 0 each: XX, YY and ZZ of qubits 0, 1 and of 2, 3 are -1 before the first gate, the fifth qubit is 0."""
    circuit = su2_equivariant(5, 1, np.random.default_rng(1))
    start = Statevector(circuit.assign_parameters(np.zeros(circuit.num_parameters)))
    for label in ("IIIXX", "IIIYY", "IIIZZ", "IXXII", "IYYII", "IZZII"):
        assert start.expectation_value(SparsePauliOp(label)) == pytest.approx(-1)
    assert start.expectation_value(SparsePauliOp("ZIIII")) == pytest.approx(1)
