"""Observables and generators on the sampling side: Qiskit's Pauli sums, or dense Hermitian matrices."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import Operator, SparsePauliOp

from qntk.inputs.hermitian import TOLERANCE, hermitian_matrix
from qntk.inputs.observables import Observable
from qntk.sampling.arithmetic.eigenvalues import eigenvalues

OperatorLike: TypeAlias = Observable | SparsePauliOp | Operator | NDArray[Any]


def hermitian(operator: OperatorLike) -> SparsePauliOp | NDArray[np.complex128]:
    """The operator as a Pauli sum with real coefficients or a dense Hermitian matrix of shape (D, D), D = 2^n.

    Raises ``ValueError`` if it is not Hermitian (to 1e-10 of its largest entry), not finite, or not on qubits.
    """
    if isinstance(operator, str):
        raise ValueError(f"{operator!r} does not say on how many qubits; give qntk.observable({operator!r}, qubits)")
    if isinstance(operator, Observable):
        operator = operator.operator()
    if isinstance(operator, SparsePauliOp):
        coefficients = np.asarray(operator.coeffs, dtype=complex)
        if not np.isfinite(coefficients).all():
            raise ValueError("the observable has coefficients that are not finite")
        if np.abs(coefficients.imag).max() > TOLERANCE * np.abs(coefficients).max():
            raise ValueError("the observable is not Hermitian: its Pauli coefficients must be real")
        return SparsePauliOp(operator.paulis, coefficients.real).simplify(atol=0.0)
    matrix = hermitian_matrix(operator.data if isinstance(operator, Operator) else operator)
    dimension = matrix.shape[0]
    if dimension < 2 or dimension & (dimension - 1):
        raise ValueError(f"dimension {dimension} is not a power of two; an observable acts on qubits")
    return matrix


def dimension(operator: SparsePauliOp | NDArray[np.complex128]) -> int:
    """Hilbert-space dimension D of an operator that ``hermitian`` returned."""
    return 1 << int(operator.num_qubits) if isinstance(operator, SparsePauliOp) else len(operator)


def spectrum(operator: OperatorLike) -> NDArray[np.float64]:
    """The D eigenvalues, sorted. A single Pauli string needs no diagonalisation; anything else costs O(D³).

    Of an ``Observable`` they are kept: a sweep asks for the same ones in thousands of cells.
    """
    return _kept_spectrum(operator).copy() if isinstance(operator, Observable) else _spectrum(operator)


@lru_cache(maxsize=256)
def _kept_spectrum(observable: Observable) -> NDArray[np.float64]:
    return _spectrum(observable)


def _spectrum(operator: OperatorLike) -> NDArray[np.float64]:
    checked = hermitian(operator)
    if isinstance(checked, SparsePauliOp):
        if len(checked) == 1 and (checked.paulis.x.any() or checked.paulis.z.any()):
            half = 2 ** (checked.num_qubits - 1)
            coefficient = abs(float(checked.coeffs[0].real))
            return np.repeat([-coefficient, coefficient], half)
        checked = checked.to_matrix()
    return eigenvalues(checked)


def pauli_masks(pauli_sum: SparsePauliOp) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """X masks, Z masks and numbers of Y of each term; bit q is qubit q (little-endian, as in Qiskit)."""
    weights = 1 << np.arange(pauli_sum.num_qubits, dtype=np.int64)
    x = pauli_sum.paulis.x.astype(np.int64)
    z = pauli_sum.paulis.z.astype(np.int64)
    return x @ weights, z @ weights, (x * z).sum(axis=1)
