"""The mean kernel of time-reversal-symmetric Haar layers against Haar orthogonal and symplectic matrices."""

import numpy as np
import pytest
from scipy.stats import ortho_group

from theory import KernelLaw, OperatorMoments
from theory.time_reversal import mean_ratio

DRAWS = 20_000
SIGMAS = 4.9
"""Two-sided false-fail probability 1e-6 a test; with 20 000 draws it sees a wrong mean of about 4 %."""


def symplectic(dimension, draws, rng):
    """Haar on Sp(D/2): the unitary polar factor of a complex Gaussian matrix with quaternionic structure."""
    half = dimension // 2
    a, b = (rng.normal(size=(draws, half, half, 2)) @ [1, 1j] for _ in range(2))
    matrices = np.block([[a, b], [-b.conj(), a.conj()]])
    left, _, right = np.linalg.svd(matrices)
    return left @ right


def squared_gradients(layers, observable, generator, state):
    first, second = layers
    vectors = first @ state
    rotated = second.conj().transpose(0, 2, 1) @ observable @ second
    commutators = 1j * (generator @ rotated - rotated @ generator)
    return np.einsum("ni,nij,nj->n", vectors.conj(), commutators, vectors).real ** 2


def agrees(values, mean):
    return abs(values.mean() - mean) < SIGMAS * values.std() / len(values) ** 0.5


@pytest.mark.parametrize("qubits", [3, 4])
def test_mean_ratio_against_the_group(qubits):
    rng = np.random.default_rng(2026)
    dimension, half = 2**qubits, 2 ** (qubits - 1)
    swap = np.kron(np.array([[0, -1j], [1j, 0]]), np.eye(half))
    if qubits == 3:  # T = swap·conj: Z⊗1 and X⊗1 are odd, |0> is orthogonal to its partner
        layers = [symplectic(dimension, DRAWS, rng) for _ in range(2)]
        observable, generator = (np.kron(p, np.eye(half)) for p in (np.diag([1, -1]), np.array([[0, 1], [1, 0]])))
        state = np.eye(dimension)[0]
    else:  # T = conj: odd operators are imaginary, (e0 + i e1)/√2 is orthogonal to its conjugate
        layers = [ortho_group.rvs(dimension, size=DRAWS, random_state=rng) for _ in range(2)]
        observable, generator = swap, np.kron(np.eye(half), np.array([[0, -1j], [1j, 0]]))
        state = (np.eye(dimension)[0] + 1j * np.eye(dimension)[1]) / 2**0.5
    values = squared_gradients(layers, observable, generator, state)
    pauli = OperatorMoments.from_pauli(qubits)
    unitary = KernelLaw(1, pauli, pauli).mean().value
    assert agrees(values, unitary * float(mean_ratio(qubits)))
    assert not agrees(values, unitary), "negative control: the unitary law must fail here"


def test_one_qubit_symplectic_is_the_unitary_group_and_two_qubits_are_refused():
    assert mean_ratio(1) == 1
    with pytest.raises(ValueError, match="SO\\(4\\)"):
        mean_ratio(2)
