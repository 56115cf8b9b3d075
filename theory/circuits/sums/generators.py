"""A circuit as Hermitian generators, one a parameter, however many rotations the parameter turns.

Fixed gates are carried to the end: U = F ∏ exp(-iθ_k H_k), with H_k = ½ Σ_j s_j V_j†P_jV_j over the rotations that θ_k
turns, V_j the fixed gates before them and s_j the slopes. Several rotations are one factor if they commute, with one
another and with all that lies between them.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qntk.inputs.normal_form import Fixed, NormalForm

Matrix = NDArray[np.complex128]
MOST_QUBITS = 6
"""Larger circuits are refused: an operator has 4^n entries."""
_PAULI = {
    "I": np.eye(2, dtype=complex),
    "X": np.array([[0, 1], [1, 0]], dtype=complex),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1.0 + 0j, -1.0]),
}


@dataclass(frozen=True, eq=False)
class Generators:
    """A circuit's generators in time order.

    Attributes:
        qubits: number of qubits n; D = 2^n.
        matrices: H_k in the frame of the fixed gates, shape (L, D, D).
        parameters: which parameter each belongs to, a permutation of 0 … L - 1.
        fixed: F, shape (D, D).
    """

    qubits: int
    matrices: Matrix
    parameters: tuple[int, ...]
    fixed: Matrix

    @classmethod
    def from_form(cls, form: NormalForm) -> Generators:
        """The generators of a circuit in its normal form.

        Raises ``ValueError`` for too many qubits, an angle of several parameters or not linear in one, and a parameter
        whose rotations do not commute.
        """
        if form.qubits > MOST_QUBITS:
            raise ValueError(
                f"one parameter turns several rotations on {form.qubits} qubits: such laws are worked out "
                f"up to {MOST_QUBITS}; give each rotation its own parameter, or draw K (qntk.sample)"
            )
        D = 1 << form.qubits
        before = np.eye(D, dtype=complex)
        found: dict[int, Matrix] = {}
        for operation in form.operations:
            if isinstance(operation, Fixed):
                before = embedded(operation.matrix, operation.qubits, form.qubits) @ before
                continue
            P = string(operation.pauli, operation.qubits, form.qubits)
            angle = operation.angle
            if not angle.linear or len(angle.slopes) > 1:
                raise ValueError(
                    f"angle {angle.source} is not linear in one parameter: the law of its circuit is not known, draw K "
                    "(qntk.sample)"
                )
            if angle.offset:
                before = _turned(P, angle.offset) @ before
            if angle.slopes:
                ((parameter, slope),) = angle.slopes
                _join(found, parameter, 0.5 * slope * before.conj().T @ P @ before)
        if len(found) < len(form.parameters):
            raise ValueError("a parameter turns nothing; leave it out")
        matrices = np.stack(list(found.values())) if found else np.zeros((0, D, D), dtype=complex)
        return cls(form.qubits, matrices, tuple(found), before)

    @functools.cached_property
    def moves(self) -> Matrix:
        """Independent ones that span F^{-j} H_k F^j for all j, what a deep circuit's layers turn about."""
        kept: list[Matrix] = []
        rows = np.zeros((0, self.fixed.size))
        queue = list(self.matrices)
        while queue:
            H = queue.pop(0)
            rows, new = extended(rows, as_real(H[None]))
            if new:
                kept.append(H)
                queue.append(self.fixed.conj().T @ H @ self.fixed)
        return np.stack(kept) if kept else self.matrices


def _join(found: dict[int, Matrix], parameter: int, H: Matrix) -> None:
    if parameter not in found:
        found[parameter] = H
        return
    order = list(found)
    for other in order[order.index(parameter) :]:
        if not np.allclose(H @ found[other], found[other] @ H, atol=1e-9):
            raise ValueError(
                "one parameter turns several rotations that do not commute, or are apart: give each its own, or draw K "
                "(qntk.sample)"
            )
    found[parameter] = found[parameter] + H


def string(letters: str, places: tuple[int, ...], qubits: int) -> Matrix:
    """A Pauli string on some qubits as a matrix, shape (D, D), qubit 0 the least significant."""
    by_place = dict(zip(places, letters, strict=True))
    return functools.reduce(np.kron, [_PAULI[by_place.get(q, "I")] for q in reversed(range(qubits))])


def embedded(matrix: Matrix, places: tuple[int, ...], qubits: int) -> Matrix:
    """A gate on some qubits, the first the least significant, on all of them."""
    k = len(places)
    tensor = matrix.reshape((2,) * (2 * k))
    whole = np.eye(1 << qubits, dtype=complex).reshape((2,) * qubits + (1 << qubits,))
    axes = [qubits - 1 - q for q in reversed(places)]
    moved = np.tensordot(tensor, whole, axes=(list(range(k, 2 * k)), axes))
    result: Matrix = np.moveaxis(moved, list(range(k)), axes).reshape(1 << qubits, 1 << qubits)
    return result


def _turned(P: Matrix, angle: float) -> Matrix:
    result: Matrix = np.cos(angle / 2) * np.eye(len(P)) - 1j * np.sin(angle / 2) * P
    return result


def as_real(operators: Matrix) -> NDArray[np.float64]:
    """Hermitian operators as real vectors, shape (N, D²), whose inner product is Tr AB."""
    upper = np.triu_indices(operators.shape[-1], 1)
    diagonal = np.diagonal(operators, axis1=1, axis2=2).real
    rest = np.sqrt(2) * (operators[:, *upper] + operators[:, upper[1], upper[0]].conj()) / 2
    return np.concatenate([diagonal, rest.real, rest.imag], axis=1)


def as_operators(rows: NDArray[np.float64], D: int) -> Matrix:
    """The operators that real vectors mean, shape (N, D, D)."""
    upper = np.triu_indices(D, 1)
    real, imaginary = np.split(rows[:, D:] / np.sqrt(2), 2, axis=1)
    found = np.zeros((len(rows), D, D), dtype=complex)
    found[:, *upper] = real + 1j * imaginary
    found += found.conj().transpose(0, 2, 1)
    found[:, np.arange(D), np.arange(D)] = rows[:, :D]
    return found


def extended(rows: NDArray[np.float64], vectors: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """Orthonormal rows and what further vectors add to their span, and how many they are."""
    scale = np.linalg.norm(vectors, axis=1)
    unit = vectors[scale > 1e-9] / scale[scale > 1e-9, None]
    rest = unit - (unit @ rows.T) @ rows
    rest -= (rest @ rows.T) @ rows
    _, sizes, new = np.linalg.svd(rest, full_matrices=False) if len(rest) else (None, np.zeros(0), rest)
    fresh = new[sizes > 1e-6]
    return np.concatenate([rows, fresh]), len(fresh)


def closed(start: Matrix, moves: Matrix, fixed: Matrix | None, most: int) -> NDArray[np.float64]:
    """Orthonormal basis, shape (m, D²), of the smallest space of Hermitian operators A with i[H, A] for each move H.

    It holds ``start``, and ``fixed``, where given, maps it to itself as well. Raises ``ValueError`` for more than
    ``most`` dimensions.
    """
    D = start.shape[-1]
    rows, _ = extended(np.zeros((0, D * D)), as_real(start))
    done = 0
    while done < len(rows):
        A = as_operators(rows[done : done + 32], D)
        done += len(A)
        images = [1j * (H @ A - A @ H) for H in moves]
        if fixed is not None:
            images.append(fixed.conj().T @ A @ fixed)
        for image in images:
            rows, _ = extended(rows, as_real(image))
        if len(rows) > most:
            raise ValueError(
                f"the operators that the circuit's generators make of it span more than {most} dimensions: draw K "
                "(qntk.sample)"
            )
    return rows
