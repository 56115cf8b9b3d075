"""Networks of random Pauli rotations against dense matrices of Qiskit's Paulis, step by step."""

import numpy as np
import pytest
from qiskit.quantum_info import Pauli
from scipy.linalg import expm

from qntk.sampling.learning.pauli_networks import PauliNetworks


def matrix(flip, sign, qubits):
    bits = [[bool(word >> q & 1) for q in range(qubits)] for word in (int(sign), int(flip))]
    return Pauli((bits[0], bits[1])).to_matrix()


def output(networks, index, thetas, state, qubits):
    for theta, flip, sign in zip(thetas, networks.flips[index], networks.signs[index], strict=True):
        state = expm(-0.5j * theta * matrix(flip, sign, qubits)) @ state
    state = networks.last[index] @ state
    return (np.abs(state) ** 2) @ (1.0 - 2.0 * (np.arange(len(state)) & 1))


def test_outputs_kernels_and_steps_are_those_of_matrices():
    qubits, rate = 2, 0.3
    rng = np.random.default_rng(4)
    networks = PauliNetworks.draw(3, qubits, 5, rng)
    states = rng.normal(size=(3, 4, 2)) @ [1, 1j]
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    training, labels = np.array([True, False, True]), np.array([0.4, -0.2])
    outputs, kernels = networks.train(states, training, labels, rate, [0, 1, 2])
    assert outputs.shape == (3, 3, 3)
    for index in range(3):
        thetas = networks.thetas[index].copy()
        inputs = states @ networks.first[index].T
        for step in range(3):

            def f(angles, index=index, inputs=inputs):
                return np.array([output(networks, index, angles, state, qubits) for state in inputs])

            values = f(thetas)
            np.testing.assert_allclose(outputs[index, step], values, atol=1e-12)
            shifts = np.pi / 2 * np.eye(5)
            gradient = np.array([f(thetas + s) - f(thetas - s) for s in shifts]).T / 2
            if step == 0:
                np.testing.assert_allclose(kernels[index], gradient @ gradient.T, atol=1e-12)
            thetas -= rate * (values[training] - labels) @ gradient[training]


def test_what_is_not_looked_at_does_not_matter_and_counts_are_at_least_one():
    networks = PauliNetworks.draw(40, 2, 6, np.random.default_rng(1))
    states = np.eye(4, dtype=complex)[:2]
    training = np.array([True, False])
    every, _ = networks.train(states, training, np.array([0.5]), 0.2, [0, 1, 2, 3, 4])
    some, _ = networks.train(states, training, np.array([0.5]), 0.2, [2, 4])
    np.testing.assert_array_equal(every[:, [2, 4]], some)
    with pytest.raises(ValueError, match="at least 1"):
        PauliNetworks.draw(0, 2, 6, np.random.default_rng(1))
