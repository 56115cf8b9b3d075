"""The second derivative of the output along a direction: ψ and its first two derivatives go through the circuit once.

Along θ + s·u + s²/2·w, f'' = 2 Re<ψ''|O|ψ> + 2<ψ'|O|ψ'>. With u = ∇f this is μ.
"""

from __future__ import annotations

import numpy as np

from qntk.sampling.arithmetic.simd import WIDTH, fma, load, store
from qntk.sampling.compiled import called, jit
from qntk.sampling.engine.adjoint import Array, CompiledObservable, tables
from qntk.sampling.engine.angles import read_angles, read_half_angles, row_at
from qntk.sampling.engine.gates import aligned, at, fixed
from qntk.sampling.engine.jets import merged_jet, pair_jet, rotate_jet
from qntk.sampling.engine.observables import observe
from qntk.sampling.engine.program import CX, MERGED, PAIR, Program


def second_derivative(
    program: Program, observable: CompiledObservable, columns: Array, first: Array, second: Array
) -> Array:
    """d²f/ds² at s = 0 along columns + s·first + s²/2·second, each of shape (draws, program.columns).

    The program must work on the state as a whole.
    """
    values = np.empty(len(columns))
    called(_run_taylor, *tables(program, observable, columns), *map(np.ascontiguousarray, (first, second)), values)
    return values


@jit
def _run_taylor(  # type: ignore[no-untyped-def]
    rows, wires, matrices, members, signs, dimension, indptr, indices, jacobian, offsets, terms, coefficients,
    matrix, vector, thetas, first, second, values,
):  # fmt: skip
    angles, size = len(offsets), at(dimension)
    zero, one, two, work = aligned(size), aligned(size), aligned(size), aligned(size)
    buffer, rates = aligned(2 * WIDTH * dimension), aligned(2 * WIDTH * dimension)
    columns, result = aligned(thetas.shape[1] * WIDTH), aligned(WIDTH)
    cos, sin, velocity, acceleration = (
        aligned(angles * WIDTH), aligned(angles * WIDTH), aligned(angles * WIDTH), aligned(angles * WIDTH),
    )  # fmt: skip
    bends = bool(second.any())
    for start in range(0, len(thetas), WIDTH):
        count = min(WIDTH, len(thetas) - start)
        read_angles(thetas, start, indptr, indices, jacobian, offsets, columns, cos, sin)
        read_half_angles(first, start, indptr, indices, jacobian, columns, velocity)
        read_half_angles(second, start, indptr, indices, jacobian, columns, acceleration)
        zero[:], one[:], two[:] = 0.0, 0.0, 0.0
        zero[:WIDTH] = 1.0
        for g in range(len(rows)):
            row = row_at(rows, g)
            if row[0] == PAIR:
                pair_jet(row, bends, members, cos, sin, velocity, acceleration, zero, one, two, dimension)
            elif row[0] == MERGED:
                merged_jet(
                    row, members, signs, cos, sin, velocity, acceleration, zero, one, two, buffer, rates, dimension
                )
            elif row[0] >= CX:
                fixed(row, wires, matrices, False, zero, dimension, buffer)
                fixed(row, wires, matrices, False, one, dimension, buffer)
                fixed(row, wires, matrices, False, two, dimension, buffer)
            else:
                rotate_jet(row, bends, cos, sin, velocity, acceleration, zero, one, two, dimension)
        total = observe(terms, coefficients, matrix, vector, one, work, dimension)
        observe(terms, coefficients, matrix, vector, zero, work, dimension)
        for i in range(dimension):
            for a in (at(i), at(i) + WIDTH):
                total = fma(load(two, a), load(work, a), total)
        store(result, 0, total + total)
        for b in range(count):
            values[start + b] = result[b]
