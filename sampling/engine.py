"""Batched adjoint differentiation of a flat program: outputs and exact gradients for blocks of draws.

Layout: eight draws are worked on at once. An amplitude is two vectors, the real and the imaginary parts of the eight
draws, side by side; a state is a flat array of them. Every gate is a loop over amplitudes or pairs of amplitudes with
the vector unit working across draws. One forward pass, then one backward pass that reads each rotation's derivative
Im<λ|P|ψ> off the pair (ψ, adjoint state λ) in the same loop that undoes the gate on both. Cost: linear in gates and D.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp

from sampling.diagonals import merged, unmerged
from sampling.gates import aligned, at, fixed, jit, observe, rotate, unrotate
from sampling.operators import OperatorLike, dimension, hermitian, pauli_masks
from sampling.program import CX, MERGED, Program
from sampling.simd import WIDTH, fma, load, sine_cosine, spread, store

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


@jit
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


@jit
def _run(  # type: ignore[no-untyped-def]
    rows, wires, matrices, members, signs, dimension, indptr, indices, jacobian, offsets, terms, coefficients, matrix,
    thetas, values, kernels, gradients,
):  # fmt: skip
    angles, parameters = len(offsets), thetas.shape[1]
    psi, lam = aligned(at(dimension)), aligned(at(dimension))
    buffer = aligned(2 * WIDTH * dimension)
    cos, sin, slopes = aligned(angles * WIDTH), aligned(angles * WIDTH), aligned(angles * WIDTH)
    columns = aligned(parameters * WIDTH)
    result = aligned(WIDTH)
    for start in range(0, len(thetas), WIDTH):
        count = min(WIDTH, len(thetas) - start)
        _read_angles(thetas, start, indptr, indices, jacobian, offsets, columns, cos, sin)
        psi[:] = 0.0
        psi[:WIDTH] = 1.0
        for g in range(len(rows)):
            row = rows[g]
            if row[0] == MERGED:
                merged(row, members, signs, cos, sin, psi, buffer, dimension)
            elif row[0] >= CX:
                fixed(row, wires, matrices, False, psi, dimension, buffer)
            else:
                here = row[4] * WIDTH
                rotate(row, load(cos, here), load(sin, here), psi, dimension)
        store(result, 0, observe(terms, coefficients, matrix, psi, lam, dimension))
        values[start : start + count] = result[:count]
        for g in range(len(rows) - 1, -1, -1):
            row = rows[g]
            if row[0] == MERGED:
                unmerged(row, members, signs, cos, sin, psi, lam, buffer, slopes, dimension)
            elif row[0] >= CX:
                fixed(row, wires, matrices, True, psi, dimension, buffer)
                fixed(row, wires, matrices, True, lam, dimension, buffer)
            else:
                here = row[4] * WIDTH
                store(slopes, here, unrotate(row, load(cos, here), load(sin, here), psi, lam, dimension))
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
