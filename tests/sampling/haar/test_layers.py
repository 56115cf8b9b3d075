"""Frames against literal circuits of dense Haar unitaries, and what both must be blind to.

Each statistical test states its false-fail probability and what it can see; draws are fixed before sampling.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import SparsePauliOp, random_hermitian, random_unitary
from scipy.stats import kstwo, norm

from qntk.sampling import HaarLayers, draw_dense, sample

FALSE_FAIL = 1e-6
"""Of each assertion below; the file makes 36 of them."""
DRAWS = 6_000

PROJECTOR = np.diag([1.0] + [0.0] * 3)
CASES = {
    "two qubits, Pauli, L=3": (SparsePauliOp("IZ"), SparsePauliOp("ZI", 0.5), 3),
    "two qubits, projector, L=4": (PROJECTOR, SparsePauliOp("XY"), 4),
    "two qubits, random, L=2": (random_hermitian(4, seed=1).data, random_hermitian(4, seed=2).data, 2),
    "three qubits, Ising, L=10": (
        SparsePauliOp(["IZZ", "ZZI", "IIX", "IXI", "XII"], -np.ones(5)),
        SparsePauliOp("IIZ", 0.5),
        10,
    ),
}


def same_mean(a, b):
    """Two-sample z test; with 6 000 draws each it sees a tenth of a standard deviation."""
    z = (a.mean() - b.mean()) / np.hypot(a.std() / len(a) ** 0.5, b.std() / len(b) ** 0.5)
    return abs(z) < norm.isf(FALSE_FAIL / 2)


def same_variance(a, b):
    """z test on log variances with their own kurtosis; it sees a factor of about 1.5 on these kernels."""
    errors = [np.sqrt((((x - x.mean()) ** 4).mean() / x.var() ** 2 - 1) / len(x)) for x in (a, b)]
    return abs(np.log(a.var() / b.var())) < norm.isf(FALSE_FAIL / 2) * np.hypot(*errors)


def same_distribution(a, b):
    """Two-sample Kolmogorov-Smirnov; it sees a distance of 0.05 between distribution functions."""
    grid = np.sort(np.concatenate([a, b]))
    distance = np.abs(
        np.searchsorted(np.sort(a), grid, "right") / len(a) - np.searchsorted(np.sort(b), grid, "right") / len(b)
    ).max()
    return distance < kstwo.isf(FALSE_FAIL, len(a) * len(b) // (len(a) + len(b)))


CHECKS = [same_mean, same_variance, same_distribution]


@pytest.fixture(scope="module", params=CASES)
def pair(request):
    observable, generator, parameters = CASES[request.param]
    frames = sample(HaarLayers(observable, generator, parameters), DRAWS, seed=11)
    dense = draw_dense(observable, generator, parameters, DRAWS, np.random.default_rng(12))
    return frames, dense


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("quantity", ["kernel", "output"])
def test_frames_and_dense_circuits_are_one_ensemble(pair, check, quantity):
    frames, dense = pair
    assert check(getattr(frames, quantity), getattr(dense, quantity))


@pytest.mark.parametrize("check", CHECKS)
def test_negative_control_the_generator_convention(pair, check):
    """P taken for P/2 makes K four times larger: every check must see it."""
    frames, dense = pair
    assert not check(4 * frames.kernel, dense.kernel)


def test_negative_control_a_shared_frame():
    """All parameters on one frame keep the mean and spoil the spread: the variance check must see it."""
    layers = HaarLayers(SparsePauliOp("IZ"), SparsePauliOp("ZI"), 8)
    right = sample(layers, DRAWS, seed=1).kernel
    wrong = 8 * sample(HaarLayers(SparsePauliOp("IZ"), SparsePauliOp("ZI"), 1), DRAWS, seed=2).kernel
    assert same_mean(right, wrong)
    assert not same_variance(right, wrong)


def kernels(observable, generator, parameters=3):
    return sample(HaarLayers(observable, generator, parameters), 20, seed=5).kernel


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.floats(-5, 5), st.floats(-3, 3).filter(lambda c: abs(c) > 0.01))
def test_kernels_are_blind_to_constants_and_quadratic_in_scale(seed, constant, scale):
    observable, generator = (random_hermitian(4, seed=seed + i).data for i in range(2))
    reference = kernels(observable, generator)
    assert (reference >= 0).all()
    np.testing.assert_allclose(kernels(observable + constant * np.eye(4), generator), reference, rtol=1e-9)
    np.testing.assert_allclose(kernels(observable, generator + constant * np.eye(4)), reference, rtol=1e-8)
    # A negative factor reverses the spectrum, which is another draw of the same law.
    np.testing.assert_allclose(kernels(abs(scale) * observable, generator), scale**2 * reference, rtol=1e-9)


@settings(max_examples=30)
@given(st.integers(0, 10**6))
def test_kernels_do_not_depend_on_the_basis(seed):
    observable, generator = (random_hermitian(4, seed=seed + i).data for i in range(2))
    basis = random_unitary(4, seed=seed + 2).data

    def rotated(matrix):
        result = basis @ matrix @ basis.conj().T
        return (result + result.conj().T) / 2

    np.testing.assert_allclose(
        kernels(rotated(observable), rotated(generator)), kernels(observable, generator), rtol=1e-9
    )


@pytest.mark.parametrize(
    ("observable", "generator", "parameters", "words"),
    [
        (SparsePauliOp("Z"), SparsePauliOp("ZZ"), 2, "dimension 2"),
        (np.array([[0, 1], [0, 0]]), SparsePauliOp("Z"), 2, "not Hermitian"),
        (SparsePauliOp("Z", 1j), SparsePauliOp("Z"), 2, "not Hermitian"),
        (np.eye(3), SparsePauliOp("Z"), 2, "power of two"),
        (np.ones((2, 3)), SparsePauliOp("Z"), 2, "square"),
        (np.diag([np.inf, 0]), SparsePauliOp("Z"), 2, "not finite"),
        (SparsePauliOp("Z"), SparsePauliOp("Z"), 0, "at least 1"),
    ],
)
def test_bad_ensembles_are_refused(observable, generator, parameters, words):
    with pytest.raises(ValueError, match=words):
        HaarLayers(observable, generator, parameters)
