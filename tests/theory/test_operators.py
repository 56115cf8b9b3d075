"""Centred power traces: every constructor against dense matrices, and what they must refuse."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit.quantum_info import SparsePauliOp, random_hermitian, random_unitary

from qntk.theory import OperatorMoments
from qntk.theory.operators import _dense, _masks, _square
from qntk.validation.kit.strategies import observables

PAULI_SUMS = st.integers(1, 4).flatmap(lambda n: observables(n, projectors=False)).map(lambda o: dict(o.terms))


def dense_traces(matrix):
    centred = matrix - np.trace(matrix) / len(matrix) * np.eye(len(matrix))
    return [np.trace(np.linalg.matrix_power(centred, k)).real for k in (2, 3, 4)]


def traces(moments):
    return [float(moments.a2), float(moments.a3), float(moments.a4)]


@given(PAULI_SUMS, st.floats(-3, 3))
def test_pauli_sum_against_dense_matrix_whatever_the_constant(terms, constant):
    qubits = len(next(iter(terms)))
    matrix = SparsePauliOp(list(terms), list(terms.values())).to_matrix()
    moments = OperatorMoments.from_pauli_sum(terms | {"I" * qubits: constant})
    np.testing.assert_allclose(traces(moments), dense_traces(matrix), rtol=1e-12, atol=1e-10)


@given(st.integers(0, 2**32), st.sampled_from([2, 3, 4, 8]))
def test_matrix_and_its_rotated_self_have_the_dense_traces(seed, dimension):
    matrix = random_hermitian(dimension, seed=seed).data
    unitary = random_unitary(dimension, seed=seed + 1).data
    for version in (matrix, unitary @ matrix @ unitary.conj().T):
        hermitian = (version + version.conj().T) / 2
        np.testing.assert_allclose(
            traces(OperatorMoments.from_matrix(hermitian)), dense_traces(matrix), rtol=1e-9, atol=1e-9
        )


@pytest.mark.parametrize("label", ["Z", "XY", "IYZ", "XXIZ"])
def test_pauli_string_is_the_one_term_sum_and_the_spectrum(label):
    qubits = len(label)
    expected = OperatorMoments.from_pauli(qubits)
    half = 2 ** (qubits - 1)
    for other in (
        OperatorMoments.from_pauli_sum({label: 1}),
        OperatorMoments.from_eigenvalues([1, -1], [half, half]),
    ):
        assert (other.a2, other.a3, other.a4) == (expected.a2, expected.a3, expected.a4)


@pytest.mark.parametrize(("qubits", "rank"), [(1, 1), (2, 1), (2, 3), (3, 2)])
def test_projector_against_dense_matrix(qubits, rank):
    matrix = np.diag(np.arange(2**qubits) < rank).astype(complex)
    np.testing.assert_allclose(traces(OperatorMoments.from_projector(qubits, rank)), dense_traces(matrix), atol=1e-14)


def test_scaling_is_exact():
    scaled = OperatorMoments.from_projector(2).scaled(Fraction(1, 3))
    assert scaled.a3 == OperatorMoments.from_projector(2).a3 / 27


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: OperatorMoments.from_matrix(np.eye(4)), "identity"),
        (lambda: OperatorMoments.from_pauli_sum({"II": 2.0}), "identity"),
        (lambda: OperatorMoments.from_eigenvalues([1, 1]), "identity"),
        (lambda: OperatorMoments.from_matrix(np.array([[0, 1], [0, 0]])), "not Hermitian"),
        (lambda: OperatorMoments.from_matrix(np.array([[np.nan, 0], [0, 1]])), "not finite"),
        (lambda: OperatorMoments.from_matrix(np.ones((2, 3))), "square"),
        (lambda: OperatorMoments.from_eigenvalues([1]), "D >= 2"),
        (lambda: OperatorMoments.from_eigenvalues([1, 0], [1, -1]), "multiplicities"),
        (lambda: OperatorMoments.from_pauli_sum({"IZ": 1, "Z": 1}), "one length"),
        (lambda: OperatorMoments.from_pauli_sum({"AZ": 1}), "I, X, Y, Z"),
        (lambda: OperatorMoments.from_projector(2, 4), "1 to 3"),
        (lambda: OperatorMoments.from_pauli(0), "at least 1"),
    ],
)
def test_bad_operators_are_refused_with_a_reason(build, words):
    with pytest.raises(ValueError, match=words):
        build()


def test_long_sums_that_overlap_have_their_powers_from_eigenvalues():
    """300 strings on 5 of 9 qubits: a5, a6 and a8 are those of the dense matrix there, times 2⁴."""
    rng = np.random.default_rng(1)
    labels = {"".join(rng.choice(list("IXYZ"), 5)) for _ in range(600)} - {"IIIII"}
    terms = {label: float(rng.normal()) for label in sorted(labels)[:300]}
    dense = OperatorMoments.from_matrix(SparsePauliOp.from_list(list(terms.items())).to_matrix())
    wide = OperatorMoments.from_pauli_sum({f"II{p}II": c for p, c in terms.items()})
    assert wide.higher is not None
    for one, two in zip(wide.higher, dense.higher, strict=True):
        assert float(one) == pytest.approx(16 * float(two), rel=1e-9)


def test_the_square_of_a_sum_of_all_strings_of_two_qubits():
    """Signs of products, those with a Y among them."""
    labels = ["".join(pair) for pair in product("IXYZ", repeat=2)][1:]
    terms = dict(zip(labels, np.random.default_rng(3).integers(-9, 10, 15).tolist(), strict=True))
    matrix = SparsePauliOp(list(terms), list(terms.values())).to_matrix()
    square = _square({_masks(label): Fraction(c) for label, c in terms.items()})
    np.testing.assert_allclose(_dense(square, 4), matrix @ matrix, atol=1e-12)
