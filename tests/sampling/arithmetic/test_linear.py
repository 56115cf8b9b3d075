"""Sums, eigenvalues and unitaries in a fixed order, against NumPy's, which are not."""

import numpy as np
import pytest
from scipy import stats

from qntk.sampling.arithmetic.eigenvalues import eigenvalues
from qntk.sampling.arithmetic.sums import inner_products, squared_norms
from qntk.sampling.arithmetic.unitaries import haar_unitaries


def hermitian(dimension, real, rng):
    matrix = rng.normal(size=(dimension, dimension)) + (0 if real else 1j) * rng.normal(size=(dimension, dimension))
    return matrix + matrix.conj().T


@pytest.mark.parametrize("length", [1, 7, 8, 9, 100])
def test_inner_products(length):
    one, other = np.random.default_rng(length).normal(size=(2, 3, 4, length))
    np.testing.assert_allclose(inner_products(one, other[:, :2]), one @ other[:, :2].swapaxes(1, 2), atol=1e-13)
    np.testing.assert_allclose(squared_norms(one[0]), (one[0] ** 2).sum(axis=1), rtol=1e-14)


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("dimension", [1, 2, 3, 16, 64, 100])
def test_eigenvalues_of_full_matrices(dimension, real):
    matrix = hermitian(dimension, real, np.random.default_rng(dimension))
    wanted = np.linalg.eigvalsh(matrix)
    np.testing.assert_allclose(eigenvalues(matrix), wanted, atol=1e-13 * np.abs(wanted).max() + 1e-300)


@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_eigenvalues_that_repeat_or_vanish(scale):
    basis = np.linalg.qr(hermitian(12, False, np.random.default_rng(5)))[0]
    spectrum = scale * np.array([-1.0] * 5 + [0.0] * 4 + [2.0] * 3)
    np.testing.assert_allclose(eigenvalues(basis * spectrum @ basis.conj().T), spectrum, atol=1e-14 * scale)


def test_a_diagonal_matrix_has_its_diagonal_to_the_bit():
    diagonal = np.random.default_rng(1).normal(size=9)
    np.testing.assert_array_equal(eigenvalues(np.diag(diagonal).astype(complex)), np.sort(diagonal))


def test_unitaries_are_haar_distributed():
    """|entry|² is Beta(1, D - 1) and E|tr U|^2k = k! up to k = D (Diaconis and Shahshahani); 20 000 unitaries.

    Levels 1e-6 each; the trace's fourth moment is seen to 8 %. Without unit phases on the diagonal it would be off.
    """
    unitaries = haar_unitaries(20_000, 4, np.random.default_rng(2))
    np.testing.assert_allclose(
        unitaries @ unitaries.conj().swapaxes(1, 2), np.broadcast_to(np.eye(4), (20_000, 4, 4)), atol=1e-14
    )
    for entry in ((0, 0), (3, 2)):
        assert stats.kstest(np.abs(unitaries[:, *entry]) ** 2, "beta", args=(1, 3)).pvalue > 1e-6
    trace = np.trace(unitaries, axis1=1, axis2=2)
    for power, moment in ((1, 1.0), (2, 2.0)):
        values = np.abs(trace) ** (2 * power)
        assert abs(values.mean() - moment) < 5 * values.std() / np.sqrt(len(values))
    assert stats.kstest(np.angle(trace), "uniform", args=(-np.pi, 2 * np.pi)).pvalue > 1e-6
    fixed = np.abs(np.trace(np.linalg.qr(unitaries)[0], axis1=1, axis2=2)) ** 2  # LAPACK's phases
    assert abs(fixed.mean() - 1) > 5 * fixed.std() / np.sqrt(len(fixed)), "negative control"
