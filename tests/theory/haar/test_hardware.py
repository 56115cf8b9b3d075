"""Noise and shots in Haar layers against density matrices and simulated readings."""

import numpy as np
import pytest

from qntk.theory import KernelLaw, OperatorMoments
from qntk.theory.haar.hardware import depolarised, shot_share, shot_variance

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


@pytest.mark.parametrize(("parameters", "shots"), [(1, 2), (2, 3), (3, 12)])
def test_the_variance_that_shots_add(parameters, shots):
    """60 000 circuits, 5 standard errors (6e-7) of 1 to 2 %; one shot more is out by 6 and more."""
    rng = np.random.default_rng(parameters)
    layers = [haar(60_000, rng) for _ in range(parameters + 1)]

    def read(f):
        return 2 * rng.binomial(shots, np.clip((1 + f) / 2, 0, 1)) / shots - 1

    values = [[read(outputs(layers, s * np.pi / 2, at)) for s in (1, -1)] for at in range(parameters)]
    estimated = sum((plus - minus) ** 2 / 4 for plus, minus in values)
    squares = (estimated - estimated.mean()) ** 2
    error = squares.std() / len(squares) ** 0.5
    assert abs(squares.mean() - shot_variance(law(parameters), shots)) < 5 * error
    assert abs(squares.mean() - shot_variance(law(parameters), shots + max(1, shots // 4))) > 5 * error


def test_the_variance_of_estimates_ends_at_that_of_kernels():
    """Very many shots leave Var K; scales of O and G are those of K squared; large D stays exact."""
    whole = law(5)
    assert shot_variance(whole, 10**9) == pytest.approx(float(whole.variance()), rel=1e-7)
    assert shot_variance(whole, 20) > 1.2 * float(whole.variance())
    pauli = OperatorMoments.from_pauli(2)
    scaled = KernelLaw(5, pauli.scaled(3), pauli)
    assert shot_variance(scaled, 7) == pytest.approx(36**2 * shot_variance(whole, 7))
    large = OperatorMoments.from_pauli(30)
    many = KernelLaw(100, large, large.scaled(0.5))
    assert shot_variance(many, 2**40) > float(many.variance())
    with pytest.raises(ValueError, match="two levels"):
        shot_variance(KernelLaw(5, OperatorMoments.from_projector(2), pauli), 7)


def test_refusals():
    with pytest.raises(ValueError, match="survival"):
        depolarised(law(2), 0.0, 3)
    with pytest.raises(ValueError, match="channels"):
        depolarised(law(2), 0.9, -1)
    with pytest.raises(ValueError, match="shots"):
        shot_share(law(2), 0)
    with pytest.raises(ValueError, match="shots"):
        shot_variance(law(2), 0)
