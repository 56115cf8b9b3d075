"""The kernel matrix of several inputs: the twirl on copies with different inputs, and sampled circuits."""

import numpy as np
import pytest
from qiskit.quantum_info import random_hermitian, random_statevector
from scipy.stats import unitary_group

from qntk.theory import KernelLaw, OperatorMoments
from qntk.theory.haar.kernel_matrix import KernelMatrixLaw

FALSE_FAIL_SIGMAS = 4.9
"""Two-sided false-fail probability 1e-6 an assertion."""


def gram(states):
    return np.conj(states) @ np.transpose(states)


def matrix_law(observable, generator, parameters, states):
    law = KernelLaw(parameters, OperatorMoments.from_matrix(observable), OperatorMoments.from_matrix(generator))
    return KernelMatrixLaw(law, gram(states))


@pytest.mark.parametrize("dimension", [2, 3, 4])
@pytest.mark.parametrize("labels", [(0, 1, 0, 1), (0, 1, 0, 2), (0, 1, 2, 2), (0, 0, 1, 1), (0, 1, 2, 0)])
def test_covariance_against_the_twirl_on_four_copies(dimension, labels, copies):
    """Random O, G and inputs; E K_01 K_02 depends on the phase of the triple overlap, which the fidelities lose."""
    observable, generator = (random_hermitian(dimension, seed=s).data for s in (1, 2))
    states = [random_statevector(dimension, seed=s).data for s in (3, 4, 5)]
    four, two = copies(dimension, 4), copies(dimension, 2)
    inputs = [states[i] for i in labels]
    same = four.moment(observable, generator, [(0, 1, 2, 3)], inputs)
    different = four.moment(observable, generator, [(0, 1), (2, 3)], inputs)
    swapped = four.moment(observable, generator, [(2, 3), (0, 1)], inputs)
    means = [two.moment(observable, generator, [(0, 1)], pair) for pair in (inputs[:2], inputs[2:])]
    for parameters in (1, 3):
        law = matrix_law(observable, generator, parameters, states)
        pairs = parameters * (parameters - 1) / 2
        expected = parameters * same + pairs * (different + swapped) - parameters**2 * means[0] * means[1]
        assert law.covariance()[labels] == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert law.mean()[labels[:2]] == pytest.approx(parameters * means[0], rel=1e-9)
    if dimension > 2 and labels == (0, 1, 0, 2):
        flat = KernelMatrixLaw(law.law, np.abs(law.gram)).covariance()
        assert flat[labels] != pytest.approx(law.covariance()[labels], rel=1e-3)


@pytest.mark.parametrize("qubits", [1, 3, 20, 50])
@pytest.mark.parametrize("parameters", [1, 10**7])
def test_one_input_is_the_kernel_law_at_any_size(qubits, parameters):
    law = KernelLaw(parameters, OperatorMoments.from_projector(qubits), OperatorMoments.from_pauli(qubits))
    single = KernelMatrixLaw(law, np.ones((1, 1)))
    assert single.mean()[0, 0] == pytest.approx(law.mean().value, rel=1e-14)
    assert single.covariance()[0, 0, 0, 0] == pytest.approx(law.variance().value, rel=1e-13)


def test_orthogonal_inputs_anticorrelate_on_the_mean():
    """F = 0 gives E K_12 = -E K/(D-1), not 0: the trace over a basis of K_1j vanishes, as Tr ρ is conserved."""
    law = KernelLaw(4, OperatorMoments.from_pauli(2), OperatorMoments.from_pauli(2))
    np.testing.assert_allclose(KernelMatrixLaw(law, np.eye(4)).mean().sum(axis=0), 0, atol=1e-12)


def sampled_kernels(observable, generator, parameters, states, draws, rng):
    """K of dense Haar-layer circuits, shape (draws, M, M)."""
    D = len(observable)
    layers = [unitary_group.rvs(D, size=draws, random_state=rng) for _ in range(parameters + 1)]
    kernel = np.zeros((draws, len(states), len(states)))
    forward, vectors = [], np.einsum("nij,mj->nmi", layers[0], states)
    for layer in layers[1:]:  # the gates exp(-iθG) are absorbed in the layers
        forward.append(vectors)
        vectors = vectors @ layer.transpose(0, 2, 1)
    adjoint = vectors @ observable.T
    for vectors, layer in zip(reversed(forward), reversed(layers), strict=False):
        adjoint = adjoint @ layer.conj()
        gradient = 2 * np.einsum("nmi,nmi->nm", adjoint.conj(), vectors @ generator.T).imag
        kernel += gradient[:, :, None] * gradient[:, None, :]
    return kernel


def test_spectrum_and_covariance_against_circuits():
    """10 000 circuits, D = 8, 48 parameters: an error of 5 % in an eigenvalue's spread or of a tenth in its shift
    would show. Perturbation theory itself is good to its next order, allowed for as 3 % of the spread."""
    D, draws, parameters = 8, 10_000, 48
    rng = np.random.default_rng(99)
    observable, generator = np.diag([1.0, -1.0] * 4), np.diag([0.5] * 4 + [-0.5] * 4)
    base = random_statevector(D, seed=1).data
    states = np.array([base + 0.35 * k * random_statevector(D, seed=10 + k).data for k in range(3)])
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    kernel = sampled_kernels(observable, generator, parameters, states, draws, rng)
    law = matrix_law(observable, generator, parameters, states)
    covariance = law.covariance()
    centred = kernel - law.mean()
    for i, j, k, l in [(0, 1, 0, 1), (0, 1, 0, 2), (0, 0, 1, 2), (2, 2, 2, 2)]:
        product = centred[:, i, j] * centred[:, k, l]
        error = product.std() / draws**0.5
        assert abs(product.mean() - covariance[i, j, k, l]) < FALSE_FAIL_SIGMAS * error
        assert abs(product.mean() - 4 * covariance[i, j, k, l]) > FALSE_FAIL_SIGMAS * error
    spectrum = law.spectrum()
    values = np.linalg.eigvalsh(kernel)
    np.testing.assert_allclose(values.std(axis=0), spectrum.std, rtol=0.06)
    errors = FALSE_FAIL_SIGMAS * values.std(axis=0) / draws**0.5 + 0.03 * spectrum.std
    assert (np.abs(values.mean(axis=0) - spectrum.values - spectrum.shift) < errors).all()
    assert (np.abs(spectrum.shift) > errors).any(), "negative control: without the shift the means would not fit"
    assert (np.abs(values.mean(axis=0) - spectrum.values) > errors).any()


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.ones((2, 3)), "square"),
        (np.array([[1, 2], [2, 1]]), "no states"),
        (np.array([[1, 0.5], [0.1, 1]]), "Hermitian"),
        (np.eye(5), "dimension 4"),
    ],
)
def test_what_is_no_gram_matrix_is_refused(matrix, message):
    pauli = OperatorMoments.from_pauli(2)
    with pytest.raises(ValueError, match=message):
        KernelMatrixLaw(KernelLaw(2, pauli, pauli), matrix)
