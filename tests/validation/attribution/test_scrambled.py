"""Kernels between Haar-random ends against dense unitaries from scipy, and against the law of one parameter."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import UnitaryGate
from qiskit.quantum_info import Operator, SparsePauliOp
from scipy.stats import unitary_group

from qntk.sampling import CircuitModel, ansatz
from qntk.sampling.circuits.random_angles import RandomCircuit
from qntk.validation.attribution.gate_list import GateList
from qntk.validation.attribution.scrambled import random_frames, scrambled_kernels
from qntk.validation.judge.estimates import summarise
from qntk.validation.judge.law import kernel_law
from qntk.validation.judge.verdicts import Margins, judge_all

SIGMAS = 4.9
"""Standard errors beyond which a normal estimate lies with probability 1e-6."""


def between(start, circuit, end):
    """The circuit between two dense unitaries."""
    whole = QuantumCircuit(circuit.num_qubits)
    whole.append(UnitaryGate(start), range(circuit.num_qubits))
    whole.compose(circuit, inplace=True)
    whole.append(UnitaryGate(end), range(circuit.num_qubits))
    return whole


def layered(qubits=2):
    """Shared and nonlinear angles, and a number of fixed gates."""
    circuit, a = QuantumCircuit(qubits), ParameterVector("a", 4)
    circuit.rx(a[0], 0)
    circuit.ryy(a[1] * a[2], 0, 1)
    circuit.cx(1, 0)
    circuit.rz(a[0] - 0.3, 1)
    circuit.u(a[3], 0.2, a[2], 0)
    circuit.cz(0, 1)
    circuit.ry(a[1], 1)
    return circuit


def test_slopes_of_a_frame_are_the_gradient_between_explicit_unitaries():
    circuit, observable = layered(), SparsePauliOp.from_list([("ZX", 0.7), ("IZ", -0.4)])
    rng = np.random.default_rng(1)
    start, end = unitary_group.rvs(4, size=2, random_state=rng)
    thetas = rng.uniform(0, 2 * np.pi, (6, 4))
    whole = between(start, circuit, end)
    expected = CircuitModel(whole, observable).value_and_gradient(thetas)[1]
    for theta, gradient in zip(thetas, expected, strict=True):
        unitary = end @ Operator(circuit.assign_parameters(theta)).data
        phi = start[:, 0]
        pulled = unitary.conj().T @ observable.to_matrix() @ unitary @ phi
        rest = pulled - phi * np.vdot(phi, pulled)
        size = np.linalg.norm(rest)
        frame = np.stack([phi, rest / size], axis=1)[:, :, None]
        slopes = GateList(circuit).slopes(theta[None], frame)[0]
        np.testing.assert_allclose(size * slopes, gradient, atol=1e-11)


def test_frames_are_orthonormal_and_uniform():
    """|φ_0|² and |ξ_3|² have mean 1/D to 4.9 standard errors over 20 000 draws: 1e-6 each, 2.5 % seen."""
    frames = random_frames(4, 20_000, np.random.default_rng(2))
    gram = np.einsum("dkb,dlb->bkl", frames.conj(), frames)
    np.testing.assert_allclose(gram, np.broadcast_to(np.eye(2), gram.shape), atol=1e-12)
    for values in (np.abs(frames[0, 0]) ** 2, np.abs(frames[3, 1]) ** 2):
        assert abs(values.mean() - 0.25) < SIGMAS * values.std() / len(values) ** 0.5


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("fresh", [False, True])
def test_scrambled_kernels_are_those_of_explicit_haar_unitaries(times, fresh):
    """Mean and mean square of 8 000 draws against 1 500 circuits with scipy's unitaries: 1e-6 each, 25 % seen."""
    circuit, observable = layered(), SparsePauliOp("IZ")
    fast = scrambled_kernels(RandomCircuit(circuit), observable, 8_000, 3, times, fresh)
    rng, slow = np.random.default_rng(4), []
    for _ in range(1_500):
        whole = between(unitary_group.rvs(4, random_state=rng), circuit, np.eye(4))
        for turn in range(1, times):
            step = unitary_group.rvs(4, random_state=rng) if fresh else np.eye(4)
            again = circuit.assign_parameters(ParameterVector(f"b{turn}", 4))
            whole = whole.compose(between(step, again, np.eye(4)))
        whole.append(UnitaryGate(unitary_group.rvs(4, random_state=rng)), range(2))
        theta = rng.uniform(0, 2 * np.pi, (1, whole.num_parameters))
        slow.append(CircuitModel(whole, observable, workers=1).kernel(theta)[0])
    for power in (1, 2):
        one, two = fast**power, np.array(slow) ** power
        error = np.hypot(one.std() / len(one) ** 0.5, two.std() / len(two) ** 0.5)
        assert abs(one.mean() - two.mean()) < SIGMAS * error


def test_one_rotation_between_haar_ends_follows_the_law():
    """Exact for any gate; verdicts at 1e-6. The law of twice as many parameters must be refuted."""
    circuit = ansatz("hea", 2, 1).assign_parameters([0.3, 0.4, ParameterVector("a", 1)[0], 0.1])
    summary = summarise(scrambled_kernels(RandomCircuit(circuit), SparsePauliOp("IZ"), 40_000, 5))
    for parameters, expected in ((1, "agree"), (2, "disagree")):
        verdicts = judge_all(summary, kernel_law(2, parameters, "Z0", "half-pauli"), Margins(), 1e-6)
        assert {v.verdict for v in verdicts if v.regime == "exact"} == {expected}


def test_inputs_are_no_part_of_a_scrambled_kernel():
    # One of four equal means: 1/4, with a standard error of 0.006; sixteen of them fit in.
    circuit = ansatz("hea", 2, 1)
    some = scrambled_kernels(RandomCircuit(circuit, tuple(circuit.parameters[:3])), SparsePauliOp("IZ"), 4_000, 6)
    assert 0.15 < some.mean() / scrambled_kernels(RandomCircuit(circuit), SparsePauliOp("IZ"), 4_000, 6).mean() < 0.35
