"""Batched adjoint differentiation of a flat program: outputs and exact gradients for blocks of draws.

Layout: eight draws are worked on at once. An amplitude is two vectors, the real and the imaginary parts of the eight
draws, side by side; a state is a flat array of them. Every gate is a loop over amplitudes or pairs of amplitudes with
the vector unit working across draws. One forward pass, then one backward pass that reads each rotation's derivative
Im<λ|P|ψ> off the pair (ψ, adjoint state λ) in the same loop that undoes the gate on both. Cost: linear in gates and D.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp

from sampling.operators import OperatorLike, dimension, hermitian, pauli_masks
from sampling.program import CX, CZ, DIAGONAL, MERGED, REAL, Program
from sampling.simd import WIDTH, fma, load, parity, sine_cosine, spread, store

Array = NDArray[np.float64]
_LARGEST_ANGLE = 1e6
"""Where the kernel's own sine and cosine begin to lose digits."""


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
    values, _, gradients = _evaluate(program, observable, thetas, True)
    return values, gradients


def value_and_kernel(program: Program, observable: CompiledObservable, thetas: Array) -> tuple[Array, Array]:
    """Outputs f and kernels K = Σ (∂f/∂θ)², both of shape (draws,), without storing gradients."""
    values, kernels, _ = _evaluate(program, observable, thetas, False)
    return values, kernels


def _evaluate(
    program: Program, observable: CompiledObservable, thetas: Array, keep: bool
) -> tuple[Array, Array, Array]:
    thetas = np.ascontiguousarray(thetas, dtype=float)
    if thetas.ndim != 2 or thetas.shape[1] != program.parameters:
        raise ValueError(f"thetas has shape {thetas.shape}; give (draws, {program.parameters})")
    if not np.isfinite(thetas).all():
        raise ValueError("some thetas are not finite")
    reach = abs(program.jacobian) @ np.abs(thetas).max(axis=0, initial=0.0) + np.abs(program.offsets)
    if reach.max(initial=0.0) > _LARGEST_ANGLE:
        raise ValueError(f"a gate's angle may reach {reach.max():.3g}; keep angles below {_LARGEST_ANGLE:.0e}")
    draws = len(thetas)
    values, kernels = np.empty(draws), np.empty(draws)
    gradients = np.empty((draws if keep else 0, program.parameters))
    _run(
        program.rows, program.wires, program.matrices, program.members, program.signs, 1 << program.qubits,
        program.jacobian.indptr, program.jacobian.indices, program.jacobian.data, program.offsets,
        observable.terms, observable.coefficients, observable.matrix,
        thetas, values, kernels, gradients,
    )  # fmt: skip
    return values, kernels, gradients


def _jit(function):  # type: ignore[no-untyped-def]
    return njit(nogil=True, cache=True, boundscheck=False)(function)


@_jit
def _at(i):  # type: ignore[no-untyped-def]
    """Where amplitude i starts. A gap every 32 and every 1024 keeps far pairs out of each other's cache sets."""
    return (i + (i >> 5) + (i >> 10)) * (2 * WIDTH)


@_jit
def _aligned(size):  # type: ignore[no-untyped-def]
    """Zeros that start on a cache line."""
    memory = np.zeros(size + WIDTH)
    skip = (-(memory.ctypes.data >> 3)) & (WIDTH - 1)
    return memory[skip : skip + size]


@_jit
def _pair(k, x):  # type: ignore[no-untyped-def]
    """The k-th index whose lowest bit of ``x`` is clear, and its partner under ``x``."""
    pivot = x & -x
    i = ((k & ~(pivot - 1)) << 1) | (k & (pivot - 1))
    return i, i ^ x


@_jit
def _rotate(row, cos, sin, psi, dimension):  # type: ignore[no-untyped-def]
    """ψ ← (cos - i sin P) ψ for one rotation row."""
    kind, x, z, sign = row[0], row[1], row[2], row[3]
    if kind == DIAGONAL:
        for i in range(dimension):
            a = _at(i)
            s = -sin if parity(i & z) else sin
            r, m = load(psi, a), load(psi, a + WIDTH)
            store(psi, a, fma(s, m, cos * r))
            store(psi, a + WIDTH, fma(-s, r, cos * m))
        return
    for k in range(dimension // 2):
        i, j = _pair(k, x)
        a, b = _at(i), _at(j)
        s = -sin if (parity(j & z) == 1) == (sign == 1) else sin
        ri, mi, rj, mj = load(psi, a), load(psi, a + WIDTH), load(psi, b), load(psi, b + WIDTH)
        if kind == REAL:
            store(psi, a, fma(s, rj, cos * ri))
            store(psi, a + WIDTH, fma(s, mj, cos * mi))
            store(psi, b, fma(-s, ri, cos * rj))
            store(psi, b + WIDTH, fma(-s, mi, cos * mj))
        else:
            store(psi, a, fma(s, mj, cos * ri))
            store(psi, a + WIDTH, fma(-s, rj, cos * mi))
            store(psi, b, fma(s, mi, cos * rj))
            store(psi, b + WIDTH, fma(-s, ri, cos * mj))


@_jit
def _unrotate(row, cos, sin, psi, lam, dimension):  # type: ignore[no-untyped-def]
    """ψ, λ ← (cos + i sin P) ψ, λ; returns Im<λ|P|ψ>, the derivative of f by the rotation's angle."""
    kind, x, z, sign = row[0], row[1], row[2], row[3]
    plus, minus = spread(0.0), spread(0.0)
    if kind == DIAGONAL:
        for i in range(dimension):
            a = _at(i)
            r, m, lr, lm = load(psi, a), load(psi, a + WIDTH), load(lam, a), load(lam, a + WIDTH)
            if parity(i & z):
                s = sin
                minus = fma(lr, m, fma(-lm, r, minus))
            else:
                s = -sin
                plus = fma(lr, m, fma(-lm, r, plus))
            store(psi, a, fma(s, m, cos * r))
            store(psi, a + WIDTH, fma(-s, r, cos * m))
            store(lam, a, fma(s, lm, cos * lr))
            store(lam, a + WIDTH, fma(-s, lr, cos * lm))
        return plus - minus
    for k in range(dimension // 2):
        i, j = _pair(k, x)
        a, b = _at(i), _at(j)
        ri, mi, rj, mj = load(psi, a), load(psi, a + WIDTH), load(psi, b), load(psi, b + WIDTH)
        lri, lmi, lrj, lmj = load(lam, a), load(lam, a + WIDTH), load(lam, b), load(lam, b + WIDTH)
        if kind == REAL:
            term = fma(lri, rj, fma(lmi, mj, -fma(lrj, ri, lmj * mi)))
        else:
            term = fma(lri, mj, fma(lrj, mi, -fma(lmi, rj, lmj * ri)))
        if (parity(j & z) == 1) == (sign == 1):
            s = sin
            minus = minus + term
        else:
            s = -sin
            plus = plus + term
        if kind == REAL:
            store(psi, a, fma(s, rj, cos * ri))
            store(psi, a + WIDTH, fma(s, mj, cos * mi))
            store(psi, b, fma(-s, ri, cos * rj))
            store(psi, b + WIDTH, fma(-s, mi, cos * mj))
            store(lam, a, fma(s, lrj, cos * lri))
            store(lam, a + WIDTH, fma(s, lmj, cos * lmi))
            store(lam, b, fma(-s, lri, cos * lrj))
            store(lam, b + WIDTH, fma(-s, lmi, cos * lmj))
        else:
            store(psi, a, fma(s, mj, cos * ri))
            store(psi, a + WIDTH, fma(-s, rj, cos * mi))
            store(psi, b, fma(s, mi, cos * rj))
            store(psi, b + WIDTH, fma(-s, ri, cos * mj))
            store(lam, a, fma(s, lmj, cos * lri))
            store(lam, a + WIDTH, fma(-s, lrj, cos * lmi))
            store(lam, b, fma(s, lmi, cos * lrj))
            store(lam, b + WIDTH, fma(-s, lri, cos * lmj))
    return plus - minus


@_jit
def _merged_phases(row, members, cos, sin, table, dimension):  # type: ignore[no-untyped-def]
    """The diagonal of a merged row, up to a global phase: exp(i Σ a) over the rotations whose parity is odd."""
    store(table, 0, spread(1.0))
    store(table, WIDTH, spread(0.0))
    size = 1
    while size < dimension:
        c, s = spread(1.0), spread(0.0)
        for g in range(row[1], row[1] + row[2]):
            if members[g, 0] == size:
                c, s = _times_phase(c, s, load(cos, members[g, 1] * WIDTH), load(sin, members[g, 1] * WIDTH))
        for i in range(size):
            r, m = load(table, i * 2 * WIDTH), load(table, i * 2 * WIDTH + WIDTH)
            a = (i + size) * 2 * WIDTH
            store(table, a, fma(c, r, -(s * m)))
            store(table, a + WIDTH, fma(c, m, s * r))
        size *= 2
    for g in range(row[1], row[1] + row[2]):
        z = members[g, 0]
        if z & (z - 1):
            one, zero = spread(1.0), spread(0.0)
            c, s = _times_phase(one, zero, load(cos, members[g, 1] * WIDTH), load(sin, members[g, 1] * WIDTH))
            for i in range(dimension):
                if parity(i & z):
                    a = i * 2 * WIDTH
                    r, m = load(table, a), load(table, a + WIDTH)
                    store(table, a, fma(c, r, -(s * m)))
                    store(table, a + WIDTH, fma(c, m, s * r))


@_jit
def _times_phase(c, s, cos, sin):  # type: ignore[no-untyped-def]
    """(c + is)(cos + i sin)²."""
    c, s = fma(c, cos, -(s * sin)), fma(s, cos, c * sin)
    return fma(c, cos, -(s * sin)), fma(s, cos, c * sin)


@_jit
def _merged(row, members, signs, cos, sin, psi, table, dimension):  # type: ignore[no-untyped-def]
    """ψ ← diagonal · ψ for a merged row."""
    _merged_phases(row, members, cos, sin, table, dimension)
    for i in range(dimension):
        a, t = _at(i), i * 2 * WIDTH
        c, s = load(table, t), load(table, t + WIDTH)
        r, m = load(psi, a), load(psi, a + WIDTH)
        if row[3] >= 0:
            sign = spread(signs[row[3] + i])
            r, m = sign * r, sign * m
        store(psi, a, fma(c, r, -(s * m)))
        store(psi, a + WIDTH, fma(c, m, s * r))


@_jit
def _unmerged(row, members, signs, cos, sin, psi, lam, table, slopes, dimension):  # type: ignore[no-untyped-def]
    """Undo a merged row on ψ and λ; ``slopes`` gets Im<λ|P|ψ> of each member.

    With w_i = Im(λ_i* ψ_i), which a diagonal does not change, each slope is a signed sum of w. Those of single qubits
    come from one halving tree.
    """
    _merged_phases(row, members, cos, sin, table, dimension)
    for i in range(dimension):
        a, t = _at(i), i * 2 * WIDTH
        c, s = load(table, t), load(table, t + WIDTH)
        if row[3] >= 0:
            sign = spread(signs[row[3] + i])
            c, s = sign * c, sign * s
        r, m, lr, lm = load(psi, a), load(psi, a + WIDTH), load(lam, a), load(lam, a + WIDTH)
        store(table, i * WIDTH, fma(lr, m, -(lm * r)))
        store(psi, a, fma(c, r, s * m))
        store(psi, a + WIDTH, fma(c, m, -(s * r)))
        store(lam, a, fma(c, lr, s * lm))
        store(lam, a + WIDTH, fma(c, lm, -(s * lr)))
    for g in range(row[1], row[1] + row[2]):
        z = members[g, 0]
        if z & (z - 1):
            even, odd = spread(0.0), spread(0.0)
            for i in range(dimension):
                if parity(i & z):
                    odd = odd + load(table, i * WIDTH)
                else:
                    even = even + load(table, i * WIDTH)
            store(slopes, members[g, 1] * WIDTH, even - odd)
    half = dimension // 2
    while half:
        difference = spread(0.0)
        for i in range(half):
            low, high = load(table, i * WIDTH), load(table, (i + half) * WIDTH)
            difference = difference + (low - high)
            store(table, i * WIDTH, low + high)
        for g in range(row[1], row[1] + row[2]):
            if members[g, 0] == half:
                store(slopes, members[g, 1] * WIDTH, difference)
        half //= 2


@_jit
def _fixed(row, wires, matrices, undo, psi, dimension, buffer):  # type: ignore[no-untyped-def]
    """ψ ← Wψ, or W†ψ with ``undo``, for a CX, CZ or dense row."""
    if row[0] == CX or row[0] == CZ:
        both = row[1] | row[2]
        for i in range(dimension):
            if i & both == both:
                a = _at(i)
                r, m = load(psi, a), load(psi, a + WIDTH)
                if row[0] == CZ:
                    store(psi, a, -r)
                    store(psi, a + WIDTH, -m)
                else:
                    b = _at(i ^ row[2])
                    store(psi, a, load(psi, b))
                    store(psi, a + WIDTH, load(psi, b + WIDTH))
                    store(psi, b, r)
                    store(psi, b + WIDTH, m)
        return
    count, start, offset = row[1], row[2], row[3]
    size = 1 << count
    used = 0
    for q in range(count):
        used |= 1 << wires[start + q]
    places = np.empty(size, np.int64)
    for base in range(dimension):
        if base & used:
            continue
        for k in range(size):
            index = base
            for q in range(count):
                index |= ((k >> q) & 1) << wires[start + q]
            places[k] = _at(index)
            store(buffer, 2 * WIDTH * k, load(psi, places[k]))
            store(buffer, 2 * WIDTH * k + WIDTH, load(psi, places[k] + WIDTH))
        for k in range(size):
            r, m = spread(0.0), spread(0.0)
            for column in range(size):
                if undo:
                    w = np.conj(matrices[offset + column * size + k])
                else:
                    w = matrices[offset + k * size + column]
                wr, wi = spread(w.real), spread(w.imag)
                br, bm = load(buffer, 2 * WIDTH * column), load(buffer, 2 * WIDTH * column + WIDTH)
                r = fma(wr, br, fma(-wi, bm, r))
                m = fma(wr, bm, fma(wi, br, m))
            store(psi, places[k], r)
            store(psi, places[k] + WIDTH, m)


@_jit
def _observe(terms, coefficients, matrix, psi, lam, dimension):  # type: ignore[no-untyped-def]
    """λ ← Oψ; returns <ψ|O|ψ>."""
    total = spread(0.0)
    for i in range(dimension):
        a = _at(i)
        r, m = spread(0.0), spread(0.0)
        for t in range(len(terms)):
            j = i ^ terms[t, 0]
            b = _at(j)
            w = -coefficients[t] if parity(j & terms[t, 1]) else coefficients[t]
            if terms[t, 2] >= 2:
                w = -w
            v = spread(w)
            if terms[t, 2] % 2:
                r = fma(-v, load(psi, b + WIDTH), r)
                m = fma(v, load(psi, b), m)
            else:
                r = fma(v, load(psi, b), r)
                m = fma(v, load(psi, b + WIDTH), m)
        for j in range(len(matrix)):
            w = matrix[i, j]
            if w != 0.0:
                b = _at(j)
                wr, wi = spread(w.real), spread(w.imag)
                br, bm = load(psi, b), load(psi, b + WIDTH)
                r = fma(wr, br, fma(-wi, bm, r))
                m = fma(wr, bm, fma(wi, br, m))
        store(lam, a, r)
        store(lam, a + WIDTH, m)
        total = fma(load(psi, a), r, fma(load(psi, a + WIDTH), m, total))
    return total


@_jit
def _read_angles(thetas, start, indptr, indices, slopes, offsets, columns, cos, sin):  # type: ignore[no-untyped-def]
    """Half angles of eight draws, as cosines and sines; draws past the end repeat the last one."""
    last = len(thetas) - 1
    for p in range(thetas.shape[1]):
        for b in range(WIDTH):
            columns[p * WIDTH + b] = thetas[min(start + b, last), p]
    for a in range(len(offsets)):
        angle = spread(0.5 * offsets[a])
        for e in range(indptr[a], indptr[a + 1]):
            angle = fma(spread(0.5 * slopes[e]), load(columns, indices[e] * WIDTH), angle)
        s, c = sine_cosine(angle)
        store(cos, a * WIDTH, c)
        store(sin, a * WIDTH, s)


@_jit
def _run(  # type: ignore[no-untyped-def]
    rows, wires, matrices, members, signs, dimension, indptr, indices, jacobian, offsets, terms, coefficients, matrix,
    thetas, values, kernels, gradients,
):  # fmt: skip
    angles, parameters = len(offsets), thetas.shape[1]
    psi, lam = _aligned(_at(dimension)), _aligned(_at(dimension))
    buffer = _aligned(2 * WIDTH * dimension)
    cos, sin, slopes = _aligned(angles * WIDTH), _aligned(angles * WIDTH), _aligned(angles * WIDTH)
    columns = _aligned(parameters * WIDTH)
    result = _aligned(WIDTH)
    for start in range(0, len(thetas), WIDTH):
        count = min(WIDTH, len(thetas) - start)
        _read_angles(thetas, start, indptr, indices, jacobian, offsets, columns, cos, sin)
        psi[:] = 0.0
        psi[:WIDTH] = 1.0
        for g in range(len(rows)):
            row = rows[g]
            if row[0] == MERGED:
                _merged(row, members, signs, cos, sin, psi, buffer, dimension)
            elif row[0] >= CX:
                _fixed(row, wires, matrices, False, psi, dimension, buffer)
            else:
                at = row[4] * WIDTH
                _rotate(row, load(cos, at), load(sin, at), psi, dimension)
        store(result, 0, _observe(terms, coefficients, matrix, psi, lam, dimension))
        values[start : start + count] = result[:count]
        for g in range(len(rows) - 1, -1, -1):
            row = rows[g]
            if row[0] == MERGED:
                _unmerged(row, members, signs, cos, sin, psi, lam, buffer, slopes, dimension)
            elif row[0] >= CX:
                _fixed(row, wires, matrices, True, psi, dimension, buffer)
                _fixed(row, wires, matrices, True, lam, dimension, buffer)
            else:
                at = row[4] * WIDTH
                store(slopes, at, _unrotate(row, load(cos, at), load(sin, at), psi, lam, dimension))
        columns[:] = 0.0
        for a in range(angles):
            for e in range(indptr[a], indptr[a + 1]):
                here = indices[e] * WIDTH
                store(columns, here, fma(spread(jacobian[e]), load(slopes, a * WIDTH), load(columns, here)))
        total = spread(0.0)
        for p in range(parameters):
            g_p = load(columns, p * WIDTH)
            total = fma(g_p, g_p, total)
        store(result, 0, total)
        kernels[start : start + count] = result[:count]
        for b in range(min(count, len(gradients) - start)):
            for p in range(parameters):
                gradients[start + b, p] = columns[p * WIDTH + b]
