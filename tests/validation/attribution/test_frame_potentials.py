"""Frame potentials against Haar-random vectors and groups whose values are known, and the gate list against Qiskit."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import UnitaryGate
from qiskit.quantum_info import Operator
from scipy.stats import t as student
from scipy.stats import unitary_group

from qntk.sampling import ansatz
from qntk.sampling.circuits.random_angles import RandomCircuit
from qntk.validation.attribution.frame_potentials import (
    circuit_potentials,
    haar_states,
    haar_unitaries,
    pair_moments,
    potentials,
)
from qntk.validation.attribution.gate_list import GateList

ALL_RIGHT = 1e-6 / 4


def every_kind_of_gate():
    circuit, a = QuantumCircuit(3), ParameterVector("a", 5)
    circuit.append(UnitaryGate(unitary_group.rvs(4, random_state=3)), [2, 0])
    circuit.rx(a[3], 1)
    circuit.u(a[0], a[1], 0.3, 2)
    circuit.cx(2, 0)
    circuit.ryy(a[2], 0, 2)
    circuit.cz(1, 2)
    circuit.rzx(a[2] * a[4] - 0.2, 2, 1)
    circuit.h(0)
    circuit.rz(2 * a[3] + 0.1, 0)
    return circuit


@pytest.mark.parametrize("circuit", [every_kind_of_gate(), ansatz("hea", 2, 3), ansatz("efficient-su2", 4, 1)])
def test_unitaries_and_outputs_are_those_of_qiskit(circuit):
    gates = GateList(circuit)
    thetas = np.random.default_rng(1).uniform(0, 2 * np.pi, (5, circuit.num_parameters))
    for theta, unitary, state in zip(thetas, gates.unitaries(thetas), gates.outputs(thetas), strict=True):
        expected = Operator(circuit.assign_parameters(theta)).data
        phase = np.trace(expected.conj().T @ unitary) / len(unitary)
        assert abs(phase) == pytest.approx(1, abs=1e-12)
        np.testing.assert_allclose(unitary, phase * expected, atol=1e-12)
        np.testing.assert_allclose(state, unitary[:, 0], atol=1e-12)


def test_the_order_of_parameters_is_that_of_the_circuit():
    assert GateList(every_kind_of_gate()).order.tolist() == [3, 0, 1, 2, 4]
    circuit = QuantumCircuit(1)
    for name in "cab":
        circuit.rx(Parameter(name), 0)
    assert GateList(circuit).order.tolist() == [2, 0, 1]


def test_haar_values_by_integration():
    """For states |<0|ψ>|² is Beta(1, D-1); for D = 2 unitaries Tr U is real up to a phase, 2 cos with density sin²."""
    for D in (2, 5):
        x = (np.arange(200_000) + 0.5) / 200_000
        for t in range(1, 5):
            assert np.mean((1 - x ** (1 / (D - 1))) ** t) == pytest.approx(haar_states(D, t), rel=1e-4)
    angle = (np.arange(1000) + 0.5) * np.pi / 1000
    for t in range(1, 5):
        expected = np.sum(np.sin(angle) ** 2 * (2 * np.cos(angle)) ** (2 * t)) / np.sum(np.sin(angle) ** 2)
        assert haar_unitaries(2, t) == pytest.approx(expected)
    assert [haar_unitaries(8, t) for t in range(1, 5)] == [1, 2, 6, 24]


def gaussian_states(size, rng):
    vectors = rng.standard_normal((size, 8)) + 1j * rng.standard_normal((size, 8))
    return vectors / np.linalg.norm(vectors, axis=1)[:, None]


def haar_group(size, rng):
    return unitary_group.rvs(4, size=size, random_state=rng).reshape(size, 16)


def misses(draw, haar, moments=pair_moments, batches=64, size=64):
    """Whether F_1 … F_4 of Haar's own vectors leave out 1; each of the four does with probability 2.5e-7."""
    seeds = np.random.SeedSequence(5).spawn(batches)
    means = np.array([moments(draw(size, np.random.default_rng(s)), 4) for s in seeds]) / haar
    error = means.std(axis=0, ddof=1) / np.sqrt(batches)
    return np.abs(means.mean(axis=0) - 1) > student.isf(ALL_RIGHT / 2, batches - 1) * error


@pytest.mark.parametrize(
    ("draw", "haar"),
    [
        (gaussian_states, [haar_states(8, t) for t in range(1, 5)]),
        (haar_group, [haar_unitaries(4, t) for t in range(1, 5)]),
    ],
)
def test_haar_is_hit_and_the_diagonal_would_be_seen(draw, haar):
    """64 batches of 64, 1e-6 of false failure for the four together, as far as Student's t holds.

    With the diagonal, as if a member were independent of itself, F_t gains |<ψ|ψ>|^{2t}/64: 12 % of F_1 for states.
    """

    def biased(vectors, orders):
        m, norm = len(vectors), np.linalg.norm(vectors, axis=1).mean()
        diagonal = norm ** (4.0 * np.arange(1, orders + 1))
        return (pair_moments(vectors, orders) * (m - 1) + diagonal) / m

    assert not misses(draw, haar).any()
    assert misses(draw, haar, biased).all()


def test_pairs_are_all_pairs():
    vectors = gaussian_states(5, np.random.default_rng(2))
    pairs = [abs(np.vdot(vectors[i], vectors[j])) ** 2 for i in range(5) for j in range(5) if i != j]
    for t, value in enumerate(pair_moments(vectors, 3), start=1):
        assert value == pytest.approx(np.mean(np.power(pairs, t)))


def test_intervals_cover():
    """400 intervals of F_4 at 5 % each, on skewed batch means: more than 46 misses have probability 1e-6 at 5 %.

    It would see a coverage below 83 % with probability 0.998.
    """
    haar = [haar_states(8, t) for t in range(1, 5)]
    missed = 0
    for seed in range(400):
        low, high = potentials(gaussian_states, haar, 32, np.random.SeedSequence(seed), 0.05)["F4"]["interval"]
        missed += not low < 1 < high
    assert missed <= 46


def test_a_circuit_of_one_rotation_is_the_circle():
    """RX(θ) alone: |<ψ|ψ'>|² = cos²(δ/2) and |Tr U†V| = 2|cos(δ/2)|, δ uniform; F_1 … F_4 miss with 1e-6 each time."""
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("a"), 0)
    moments = [np.mean(np.cos(np.linspace(0, np.pi, 4096, endpoint=False)) ** (2 * t)) for t in range(1, 5)]
    for kind, factor, haar in (("states", 1, haar_states), ("unitaries", 4, haar_unitaries)):
        found = circuit_potentials(RandomCircuit(circuit), kind, 3, ALL_RIGHT)
        for t, moment in enumerate(moments, start=1):
            low, high = found[f"F{t}"]["interval"]
            assert low < factor**t * moment / haar(2, t) < high < 1.02 * low


def test_large_circuits_have_none():
    assert circuit_potentials(RandomCircuit(ansatz("hea", 7, 1)), "unitaries", 0, 0.01) is None
    assert circuit_potentials(RandomCircuit(ansatz("hea", 13, 1)), "states", 0, 0.01) is None
