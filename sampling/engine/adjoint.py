"""Batched adjoint differentiation of a flat program: outputs and exact gradients for blocks of draws.

Layout: eight draws are worked on at once. An amplitude is two vectors, the real and the imaginary parts of the eight
draws, side by side; a state is a flat array of them. Every gate is a loop over amplitudes or pairs of amplitudes with
the vector unit working across draws. One forward pass, then one backward pass that reads each rotation's derivative
Im<λ|P|ψ> off the pair (ψ, adjoint state λ) in the same loop that undoes the gate on both. Cost: linear in gates and D.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp, Statevector

from qntk.inputs.operators import observable as read_observable
from qntk.sampling.arithmetic.simd import WIDTH, load, store
from qntk.sampling.compiled import called, jit
from qntk.sampling.engine.angles import read_angles, row_at, write_gradients
from qntk.sampling.engine.blocks import run_one_by_one
from qntk.sampling.engine.diagonals import merged, unmerged
from qntk.sampling.engine.gates import aligned, at, fixed, rotate, unrotate
from qntk.sampling.engine.observables import observe
from qntk.sampling.engine.pairs import rotate_pair, unrotate_pair
from qntk.sampling.engine.program import CX, MERGED, PAIR, Program
from qntk.sampling.operators import hermitian, pauli_masks

Array = NDArray[np.float64]
_LARGEST_ANGLE = 1e6
"""Where the kernel's own sine and cosine begin to lose digits."""


@dataclass(frozen=True)
class CompiledObservable:
    """An observable in the engine's form: Pauli terms, or a dense matrix when ``terms`` is empty.

    Attributes:
        terms: int64, shape (terms, 3): X mask, Z mask, number of Y modulo 4.
        coefficients: shape (terms,).
        matrix: complex128, shape (D, D); (0, 0) unless the observable is dense.
        vector: complex128, shape (D,); (0,) unless the observable is the projector on this state.
    """

    terms: NDArray[np.int64]
    coefficients: Array
    matrix: NDArray[np.complex128]
    vector: NDArray[np.complex128]


def compile_observable(observable: Any, qubits: int) -> CompiledObservable:
    """The engine's form of an observable on ``qubits`` qubits, in any spelling of ``qntk.observable``.

    A ``Statevector`` stands for the projector on it, and no matrix is made of it.

    Raises ``ValueError`` on another size, or if it is not Hermitian or not normalised.
    """
    if isinstance(observable, Statevector):
        checked: SparsePauliOp | Array | None = None
        if observable.dim != 2**qubits:
            raise ValueError(f"the observable acts on dimension {observable.dim}, the circuit on {2**qubits}")
    else:
        checked = hermitian(read_observable(observable, qubits).operator())
    terms, coefficients = np.empty((0, 3), np.int64), np.empty(0)
    matrix, vector = np.empty((0, 0), complex), np.empty(0, complex)
    if checked is None:
        vector = np.ascontiguousarray(observable.data, dtype=complex)
        if not np.isclose(np.linalg.norm(vector), 1.0, rtol=0, atol=1e-10):
            raise ValueError("the state of a projector must have norm 1")
    elif isinstance(checked, SparsePauliOp):
        x, z, y = pauli_masks(checked)
        terms, coefficients = np.stack([x, z, y % 4], axis=1), checked.coeffs.real.astype(float)
    else:
        matrix = checked
    return CompiledObservable(terms, coefficients, matrix, vector)


def adjoint(
    program: Program, observable: CompiledObservable, columns: Array, keep: bool = True
) -> tuple[Array, Array, Array]:
    """Outputs, squared gradient norms, and gradients of a batch.

    Args:
        program: from ``compile_circuit``.
        observable: from ``compile_observable``.
        columns: shape (draws, program.columns): parameters in ``circuit.parameters`` order, then nonlinear angles.
        keep: whether to return gradients; without, no (draws, columns) array is made.

    Returns:
        f, shape (draws,); Σ (∂f/∂column)², shape (draws,); ∂f/∂column, shape (draws, columns) or (0, columns).
    """
    draws = len(columns)
    values, norms = np.empty(draws), np.empty(draws)
    gradients = np.empty((draws if keep else 0, program.columns))
    if len(program.groups):
        called(run_one_by_one, *tables(program, observable, columns), program.groups, values, norms, gradients)
    else:
        called(_run, *tables(program, observable, columns), values, norms, gradients)
    return values, norms, gradients


def tables(program: Program, observable: CompiledObservable, columns: Array) -> tuple[Any, ...]:
    """The compiled kernels' common arguments, checked."""
    largest = max(columns.max(initial=0.0), -columns.min(initial=0.0))
    if not np.isfinite(largest):
        raise ValueError("some angles are not finite")
    if program.reach(np.full(program.columns, largest)) > _LARGEST_ANGLE:  # column by column, which takes longer
        reach = program.reach(np.abs(columns).max(axis=0))
        if reach > _LARGEST_ANGLE:
            raise ValueError(f"a gate's angle may reach {reach:.3g}; keep angles below {_LARGEST_ANGLE:.0e}")
    return (
        program.rows, program.wires, program.matrices, program.members, program.signs, 1 << program.qubits,
        program.jacobian.indptr, program.jacobian.indices, program.jacobian.data, program.offsets,
        observable.terms, observable.coefficients, observable.matrix, observable.vector, np.ascontiguousarray(columns),
    )  # fmt: skip


@jit
def _run(  # type: ignore[no-untyped-def]
    rows, wires, matrices, members, signs, dimension, indptr, indices, jacobian, offsets, terms, coefficients,
    matrix, vector, thetas, values, kernels, gradients,
):  # fmt: skip
    angles, parameters = len(offsets), thetas.shape[1]
    psi, lam = aligned(at(dimension)), aligned(at(dimension))
    buffer = aligned(3 * WIDTH * dimension)
    cos, sin, slopes = aligned(angles * WIDTH), aligned(angles * WIDTH), aligned(angles * WIDTH)
    columns = aligned(parameters * WIDTH)
    result = aligned(WIDTH)
    for start in range(0, len(thetas), WIDTH):
        count = min(WIDTH, len(thetas) - start)
        read_angles(thetas, start, indptr, indices, jacobian, offsets, columns, cos, sin)
        psi[:] = 0.0
        psi[:WIDTH] = 1.0
        for g in range(len(rows)):
            row = row_at(rows, g)
            if row[0] == PAIR:
                rotate_pair(row, members, cos, sin, psi, dimension)
            elif row[0] == MERGED:
                merged(row, members, signs, cos, sin, psi, buffer, dimension)
            elif row[0] >= CX:
                fixed(row, wires, matrices, False, psi, dimension, buffer)
            else:
                here = row[4] * WIDTH
                rotate(row, load(cos, here), load(sin, here), psi, dimension)
        store(result, 0, observe(terms, coefficients, matrix, vector, psi, lam, dimension))
        for b in range(count):
            values[start + b] = result[b]
        for g in range(len(rows) - 1, -1, -1):
            row = row_at(rows, g)
            if row[0] == PAIR:
                unrotate_pair(row, members, cos, sin, psi, lam, slopes, dimension)
            elif row[0] == MERGED:
                unmerged(row, members, signs, cos, sin, psi, lam, buffer, slopes, dimension)
            elif row[0] >= CX:
                fixed(row, wires, matrices, True, psi, dimension, buffer)
                fixed(row, wires, matrices, True, lam, dimension, buffer)
            else:
                here = row[4] * WIDTH
                store(slopes, here, unrotate(row, load(cos, here), load(sin, here), psi, lam, dimension))
        write_gradients(slopes, start, count, indptr, indices, jacobian, columns, result, kernels, gradients)
