"""The second derivative of the output along a direction: ψ and its first two derivatives go through the circuit once.

Along θ + s·u + s²/2·w an angle is a + s·v + s²/2·b, and exp(-iaP/2) turns (ψ, ψ', ψ'') into itself times
(ψ, ψ' - ivPψ/2, ψ'' - ivPψ' - ibPψ/2 - v²ψ/4). At the end f'' = 2 Re<ψ''|O|ψ> + 2<ψ'|O|ψ'>. With u = ∇f this is μ.
"""

from __future__ import annotations

import numpy as np

from qntk.sampling.arithmetic.simd import WIDTH, fma, load, parity, store
from qntk.sampling.compiled import called, jit
from qntk.sampling.engine.adjoint import Array, CompiledObservable, tables
from qntk.sampling.engine.angles import read_angles, read_half_angles, row_at
from qntk.sampling.engine.gates import aligned, at, fixed, rotate
from qntk.sampling.engine.observables import observe
from qntk.sampling.engine.program import CX, REAL, Program


def second_derivative(
    program: Program, observable: CompiledObservable, columns: Array, first: Array, second: Array
) -> Array:
    """d²f/ds² at s = 0 along columns + s·first + s²/2·second, each of shape (draws, program.columns).

    Three states go forward: ψ and its first two derivatives by s. The program must not have merged diagonals.
    """
    values = np.empty(len(columns))
    called(_run_taylor, *tables(program, observable, columns), first, second, values)
    return values


@jit
def _accumulate(row, factor, source, target, dimension):  # type: ignore[no-untyped-def]
    """target ← target - i factor P source."""
    kind, x, z, sign = row[0], row[1], row[2], row[3]
    for i in range(dimension):
        j = i ^ x
        a, b = at(i), at(j)
        r, m = load(source, b), load(source, b + WIDTH)
        s = -factor if (parity(j & z) == 1) == (sign == 1) else factor
        if kind == REAL:
            store(target, a, fma(s, r, load(target, a)))
            store(target, a + WIDTH, fma(s, m, load(target, a + WIDTH)))
        else:
            store(target, a, fma(s, m, load(target, a)))
            store(target, a + WIDTH, fma(-s, r, load(target, a + WIDTH)))


@jit
def _run_taylor(  # type: ignore[no-untyped-def]
    rows, wires, matrices, members, signs, dimension, indptr, indices, jacobian, offsets, terms, coefficients,
    matrix, vector, thetas, first, second, values,
):  # fmt: skip
    angles, parameters, size = len(offsets), thetas.shape[1], at(dimension)
    zero, one, two, work = aligned(size), aligned(size), aligned(size), aligned(size)
    buffer, columns, result = aligned(2 * WIDTH * dimension), aligned(parameters * WIDTH), aligned(WIDTH)
    cos, sin, velocity, acceleration = (
        aligned(angles * WIDTH), aligned(angles * WIDTH), aligned(angles * WIDTH), aligned(angles * WIDTH),
    )  # fmt: skip
    for start in range(0, len(thetas), WIDTH):
        count = min(WIDTH, len(thetas) - start)
        read_angles(thetas, start, indptr, indices, jacobian, offsets, columns, cos, sin)
        read_half_angles(first, start, indptr, indices, jacobian, columns, velocity)
        read_half_angles(second, start, indptr, indices, jacobian, columns, acceleration)
        zero[:], one[:], two[:] = 0.0, 0.0, 0.0
        zero[:WIDTH] = 1.0
        for g in range(len(rows)):
            row = row_at(rows, g)
            if row[0] >= CX:
                fixed(row, wires, matrices, False, zero, dimension, buffer)
                fixed(row, wires, matrices, False, one, dimension, buffer)
                fixed(row, wires, matrices, False, two, dimension, buffer)
                continue
            here = row[4] * WIDTH
            v, w = load(velocity, here), load(acceleration, here)
            _accumulate(row, v + v, one, two, dimension)
            _accumulate(row, w, zero, two, dimension)
            for i in range(dimension):
                for a in (at(i), at(i) + WIDTH):
                    store(two, a, fma(-(v * v), load(zero, a), load(two, a)))
            _accumulate(row, v, zero, one, dimension)
            c, s = load(cos, here), load(sin, here)
            rotate(row, c, s, zero, dimension)
            rotate(row, c, s, one, dimension)
            rotate(row, c, s, two, dimension)
        total = observe(terms, coefficients, matrix, vector, one, work, dimension)
        observe(terms, coefficients, matrix, vector, zero, work, dimension)
        for i in range(dimension):
            for a in (at(i), at(i) + WIDTH):
                total = fma(load(two, a), load(work, a), total)
        store(result, 0, total + total)
        values[start : start + count] = result[:count]
