"""Noise and shots in Haar layers against density matrices and simulated readings."""

import numpy as np
import pytest

from qntk.theory import KernelLaw, OperatorMoments
from qntk.theory.haar.hardware import depolarised, shot_share

Z0 = np.diag([1.0, -1, 1, -1])
X1 = np.kron([[0, 1], [1, 0]], np.eye(2))


def haar(draws, rng):
    q, r = np.linalg.qr(rng.normal(size=(draws, 4, 4)) + 1j * rng.normal(size=(draws, 4, 4)))
    diagonal = np.einsum("dii->di", r)
    return q * (diagonal / abs(diagonal))[:, None]


def turn(angle):
    return np.cos(angle / 2) * np.eye(4) - 1j * np.sin(angle / 2) * X1


def outputs(layers, shift, at, survival=1.0):
    """f of density matrices through W_L R … W_0, a channel after every W; ``shift`` of the angle of one rotation."""
    rho = np.zeros((len(layers[0]), 4, 4), dtype=complex)
    rho[:, 0, 0] = 1
    for place, W in enumerate(layers):
        rho = W @ rho @ W.conj().transpose(0, 2, 1)
        rho = survival * rho + (1 - survival) * np.eye(4) / 4
        if place < len(layers) - 1:
            R = turn(0.3 + (shift if place == at else 0.0))
            rho = R @ rho @ R.conj().T
    return np.einsum("dij,ji->d", rho, Z0).real


def law(parameters):
    pauli = OperatorMoments.from_pauli(2)
    return KernelLaw(parameters, pauli, pauli.scaled(0.5))


def test_global_depolarising():
    """20 000 circuits, 5 standard errors (6e-7) of about 0.7 %; one channel more or less, 19 %, is rejected."""
    rng = np.random.default_rng(2)
    layers = [haar(20_000, rng) for _ in range(3)]

    def kernels(q):
        shifted = [[outputs(layers, s * np.pi / 2, at, q) for s in (1, -1)] for at in range(2)]
        return sum((plus - minus) ** 2 / 4 for plus, minus in shifted)

    noisy = kernels(0.9)
    np.testing.assert_allclose(noisy, 0.9**6 * kernels(1.0), atol=1e-12)
    error = noisy.std() / len(noisy) ** 0.5
    assert abs(noisy.mean() - float(depolarised(law(2), 0.9, 3).mean())) < 5 * error
    assert abs(noisy.mean() - float(depolarised(law(2), 0.9, 2).mean())) > 5 * error
    squares = (noisy - noisy.mean()) ** 2
    assert abs(squares.mean() - float(depolarised(law(2), 0.9, 3).variance())) < 5 * squares.std() / len(noisy) ** 0.5


def test_shots_add_their_share():
    """40 000 circuits read 5 times at each value; 5 standard errors (6e-7), the control leaves the shots out."""
    rng = np.random.default_rng(3)
    layers, shots = [haar(40_000, rng) for _ in range(3)], 5

    def read(f):
        return 2 * rng.binomial(shots, np.clip((1 + f) / 2, 0, 1)) / shots - 1

    estimated = sum(
        (read(outputs(layers, np.pi / 2, at)) - read(outputs(layers, -np.pi / 2, at))) ** 2 / 4 for at in range(2)
    )
    error = estimated.std() / len(estimated) ** 0.5
    exact = float(law(2).mean())
    assert abs(estimated.mean() - exact / (1 - shot_share(law(2), shots))) < 5 * error
    assert abs(estimated.mean() - exact / (1 - shot_share(law(2), 2 * shots))) > 5 * error


def test_refusals():
    with pytest.raises(ValueError, match="survival"):
        depolarised(law(2), 0.0, 3)
    with pytest.raises(ValueError, match="channels"):
        depolarised(law(2), 0.9, -1)
    with pytest.raises(ValueError, match="shots"):
        shot_share(law(2), 0)
