"""Batched adjoint differentiation of a flat program: outputs and exact gradients for blocks of draws.

Layout: a state is two real arrays (real and imaginary part) of shape (D, LANES), the LANES draws of a block innermost
and contiguous, so that every gate is a loop over rows with the vector unit working across draws. One forward pass,
then one backward pass that reads each rotation's derivative Im<λ|P|ψ> off the pair (ψ, λ = adjoint state) while
it undoes the gate on both. Cost per draw: three state passes a gate, linear in gates and in D.

All compiled code sits in this file: the on-disk cache does not notice an edit in an imported helper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp

from sampling.operators import OperatorLike, dimension, hermitian, pauli_masks
from sampling.program import CX, CZ, DIAGONAL, REAL, Program

LANES = 16
"""Draws in a block: two cache lines of doubles, and two or four vector registers."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CompiledObservable:
    """An observable in the engine's form: Pauli terms, or a dense matrix when ``terms`` is empty.

    Attributes:
        terms: int64, shape (terms, 3): X mask, Z mask, number of Y modulo 4.
        coefficients: shape (terms,).
        matrix: complex128, shape (D, D); (0, 0) when there are terms.
    """

    terms: NDArray[np.int64]
    coefficients: Array
    matrix: NDArray[np.complex128]


def compile_observable(observable: OperatorLike, qubits: int) -> CompiledObservable:
    """The engine's form of an observable on ``qubits`` qubits; ``ValueError`` on another size or not Hermitian."""
    checked = hermitian(observable)
    if dimension(checked) != 2**qubits:
        raise ValueError(f"the observable acts on dimension {dimension(checked)}, the circuit on {2**qubits}")
    if isinstance(checked, SparsePauliOp):
        x, z, y = pauli_masks(checked)
        return CompiledObservable(
            np.stack([x, z, y % 4], axis=1), checked.coeffs.real.astype(float), np.empty((0, 0), complex)
        )
    return CompiledObservable(np.empty((0, 3), np.int64), np.empty(0), checked)


def value_and_gradient(program: Program, observable: CompiledObservable, thetas: Array) -> tuple[Array, Array]:
    """Outputs and gradients of a batch of parameter vectors.

    Args:
        program: from ``compile_circuit``.
        observable: from ``compile_observable``.
        thetas: shape (draws, L), in the order of ``circuit.parameters``.

    Returns:
        f, shape (draws,), and ∂f/∂θ, shape (draws, L).
    """
    draws = len(thetas)
    blocks = -(-draws // LANES)
    half = 0.5 * (program.jacobian @ thetas.T + program.offsets[:, None])
    padded = np.zeros((len(half), blocks * LANES))
    padded[:, :draws] = half
    angles = np.ascontiguousarray(padded.reshape(len(half), blocks, LANES).transpose(1, 0, 2))
    values, slopes = np.empty((blocks, LANES)), np.empty(angles.shape)
    _run(
        program.rows, program.wires, program.matrices, 1 << program.qubits,
        observable.terms, observable.coefficients, observable.matrix,
        np.cos(angles), np.sin(angles), values, slopes,
    )  # fmt: skip
    by_angle = slopes.transpose(1, 0, 2).reshape(len(half), -1)[:, :draws]
    return values.ravel()[:draws], np.ascontiguousarray((program.jacobian.T @ by_angle).T)


def _jit(function):  # type: ignore[no-untyped-def]
    return njit(nogil=True, cache=True, fastmath={"contract"}, boundscheck=False)(function)


@_jit
def _parity(bits):  # type: ignore[no-untyped-def]
    bits ^= bits >> 32
    bits ^= bits >> 16
    bits ^= bits >> 8
    bits ^= bits >> 4
    return (0x6996 >> (bits & 15)) & 1


@_jit
def _pair(k, x):  # type: ignore[no-untyped-def]
    """The k-th index whose lowest bit of ``x`` is clear, and its partner under ``x``."""
    pivot = x & -x
    i = ((k & ~(pivot - 1)) << 1) | (k & (pivot - 1))
    return i, i ^ x


@_jit
def _rotate(row, cos, sin, re, im):  # type: ignore[no-untyped-def]
    """ψ ← (cos - i sin P) ψ for one rotation row; ``sin`` negated undoes it."""
    kind, x, z, sign = row[0], row[1], row[2], row[3]
    if kind == DIAGONAL:
        for i in range(len(re)):
            r, m = re[i], im[i]
            p = 1.0 - 2.0 * _parity(i & z)
            for b in range(LANES):
                s = p * sin[b]
                u = r[b]
                r[b] = cos[b] * u + s * m[b]
                m[b] = cos[b] * m[b] - s * u
        return
    for k in range(len(re) // 2):
        i, j = _pair(k, x)
        p = sign * (1.0 - 2.0 * _parity(j & z))
        ri, mi, rj, mj = re[i], im[i], re[j], im[j]
        if kind == REAL:
            for b in range(LANES):
                s = p * sin[b]
                u, v = ri[b], mi[b]
                ri[b] = cos[b] * u + s * rj[b]
                mi[b] = cos[b] * v + s * mj[b]
                rj[b] = cos[b] * rj[b] - s * u
                mj[b] = cos[b] * mj[b] - s * v
        else:
            for b in range(LANES):
                s = p * sin[b]
                u, v = ri[b], mi[b]
                ri[b] = cos[b] * u + s * mj[b]
                mi[b] = cos[b] * v - s * rj[b]
                t = rj[b]
                rj[b] = cos[b] * t + s * v
                mj[b] = cos[b] * mj[b] - s * u


@_jit
def _slope(row, re, im, lre, lim, out):  # type: ignore[no-untyped-def]
    """out ← Im<λ|P|ψ>, the derivative of f by the rotation's angle."""
    kind, x, z, sign = row[0], row[1], row[2], row[3]
    out[:] = 0.0
    if kind == DIAGONAL:
        for i in range(len(re)):
            r, m, lr, lm = re[i], im[i], lre[i], lim[i]
            p = 1.0 - 2.0 * _parity(i & z)
            for b in range(LANES):
                out[b] += p * (lr[b] * m[b] - lm[b] * r[b])
        return
    for k in range(len(re) // 2):
        i, j = _pair(k, x)
        p = sign * (1.0 - 2.0 * _parity(j & z))
        ri, mi, rj, mj = re[i], im[i], re[j], im[j]
        lri, lmi, lrj, lmj = lre[i], lim[i], lre[j], lim[j]
        if kind == REAL:
            for b in range(LANES):
                out[b] += p * (lri[b] * rj[b] + lmi[b] * mj[b] - lrj[b] * ri[b] - lmj[b] * mi[b])
        else:
            for b in range(LANES):
                out[b] += p * (lri[b] * mj[b] - lmi[b] * rj[b] + lrj[b] * mi[b] - lmj[b] * ri[b])


@_jit
def _fixed(row, wires, matrices, undo, re, im, buffer):  # type: ignore[no-untyped-def]
    """ψ ← Wψ, or W†ψ with ``undo``, for a CX, CZ or dense row."""
    kind = row[0]
    if kind == CX or kind == CZ:
        for i in range(len(re)):
            if i & row[1] and i & row[2]:
                if kind == CZ:
                    re[i] *= -1.0
                    im[i] *= -1.0
                else:
                    j = i ^ row[2]
                    for b in range(LANES):
                        re[i, b], re[j, b] = re[j, b], re[i, b]
                        im[i, b], im[j, b] = im[j, b], im[i, b]
        return
    count, start, offset = row[1], row[2], row[3]
    size = 1 << count
    used = 0
    for q in range(count):
        used |= 1 << wires[start + q]
    for base in range(len(re)):
        if base & used:
            continue
        for k in range(size):
            index = base
            for q in range(count):
                index |= ((k >> q) & 1) << wires[start + q]
            buffer[0, k] = re[index]
            buffer[1, k] = im[index]
        for k in range(size):
            index = base
            for q in range(count):
                index |= ((k >> q) & 1) << wires[start + q]
            r, m = re[index], im[index]
            r[:] = 0.0
            m[:] = 0.0
            for column in range(size):
                if undo:
                    w = np.conj(matrices[offset + column * size + k])
                else:
                    w = matrices[offset + k * size + column]
                wr, wi = w.real, w.imag
                br, bm = buffer[0, column], buffer[1, column]
                for b in range(LANES):
                    r[b] += wr * br[b] - wi * bm[b]
                    m[b] += wr * bm[b] + wi * br[b]


@_jit
def _observe(terms, coefficients, matrix, re, im, lre, lim):  # type: ignore[no-untyped-def]
    """λ ← Oψ."""
    lre[:] = 0.0
    lim[:] = 0.0
    for t in range(len(terms)):
        x, z, y = terms[t, 0], terms[t, 1], terms[t, 2]
        for j in range(len(re)):
            w = coefficients[t] * (1.0 - 2.0 * _parity(j & z))
            if y >= 2:
                w = -w
            i = j ^ x
            for b in range(LANES):
                if y % 2:
                    lre[i, b] -= w * im[j, b]
                    lim[i, b] += w * re[j, b]
                else:
                    lre[i, b] += w * re[j, b]
                    lim[i, b] += w * im[j, b]
    for i in range(len(matrix)):
        for j in range(len(matrix)):
            wr, wi = matrix[i, j].real, matrix[i, j].imag
            if wr == 0.0 and wi == 0.0:
                continue
            for b in range(LANES):
                lre[i, b] += wr * re[j, b] - wi * im[j, b]
                lim[i, b] += wr * im[j, b] + wi * re[j, b]


@_jit
def _run(rows, wires, matrices, dimension, terms, coefficients, matrix, cos, sin, values, slopes):  # type: ignore[no-untyped-def]
    re, im = np.empty((dimension, LANES)), np.empty((dimension, LANES))
    lre, lim = np.empty((dimension, LANES)), np.empty((dimension, LANES))
    buffer = np.empty((2, dimension, LANES))
    for block in range(len(values)):
        re[:] = 0.0
        im[:] = 0.0
        re[0] = 1.0
        for g in range(len(rows)):
            row = rows[g]
            if row[0] >= CX:
                _fixed(row, wires, matrices, False, re, im, buffer)
            else:
                _rotate(row, cos[block, row[4]], sin[block, row[4]], re, im)
        _observe(terms, coefficients, matrix, re, im, lre, lim)
        values[block] = 0.0
        for i in range(dimension):
            for b in range(LANES):
                values[block, b] += re[i, b] * lre[i, b] + im[i, b] * lim[i, b]
        for g in range(len(rows) - 1, -1, -1):
            row = rows[g]
            if row[0] >= CX:
                _fixed(row, wires, matrices, True, re, im, buffer)
                _fixed(row, wires, matrices, True, lre, lim, buffer)
            else:
                _slope(row, re, im, lre, lim, slopes[block, row[4]])
                back = -sin[block, row[4]]
                _rotate(row, cos[block, row[4]], back, re, im)
                _rotate(row, cos[block, row[4]], back, lre, lim)
