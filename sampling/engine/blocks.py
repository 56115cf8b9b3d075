"""A circuit on more qubits than fit a core's cache, draw by draw, in groups of gates that act on few qubits.

A gate that is applied to the whole state moves all of it through memory. A group of gates is applied to 2^14 amplitudes
at a time, those of 11 active qubits and 3 lanes, which stay in cache for all of its gates: a layer of a usual ansatz is
two groups, not one pass for every gate. What the gates' kernels take for eight draws are here the eight values of the
lanes, at the same angles. Parts of the state that are still zero are left out.
"""

from __future__ import annotations

import numpy as np

from qntk.sampling.arithmetic.simd import WIDTH, lane_sum, load, spread, store, transposed
from qntk.sampling.compiled import jit, leaf
from qntk.sampling.engine.angles import read_angles, row_at, write_gradients
from qntk.sampling.engine.diagonals import merged_one, phases_of_one, unmerged_one
from qntk.sampling.engine.gates import aligned, at, fixed, rotate, unrotate
from qntk.sampling.engine.observables import observe_one
from qntk.sampling.engine.pairs import rotate_pair, unrotate_pair
from qntk.sampling.engine.program import CX, MERGED, PAIR


@leaf
def _spread_bits(index, mask):  # type: ignore[no-untyped-def]
    """The bits of an index, put where the mask has ones, lowest first."""
    found, bit = 0, 0
    while mask:
        lowest = mask & -mask
        if (index >> bit) & 1:
            found |= lowest
        mask ^= lowest
        bit += 1
    return found


@leaf
def _places(active, lanes, places):  # type: ignore[no-untyped-def]
    """Where a group's amplitudes stand in the state, counted from the part's first; see ``_move``."""
    low = active & (WIDTH - 1)
    for i in range(len(places)):
        if low:
            places[i] = at(_spread_bits(i // WIDTH, active // WIDTH) | _spread_bits(i % WIDTH, lanes // WIDTH))
        else:
            places[i] = at(_spread_bits(i, active // WIDTH))


@leaf
def _move(source, sources, base, target, targets, start, active):  # type: ignore[no-untyped-def]
    """Vectors to other places, eight at a time; what was lane becomes place where the lowest qubits are active."""
    for i in range(0, len(sources), WIDTH):
        for half in (0, WIDTH):
            a = load(source, base + half + sources[i])
            b = load(source, base + half + sources[i + 1])
            c = load(source, base + half + sources[i + 2])
            d = load(source, base + half + sources[i + 3])
            e = load(source, base + half + sources[i + 4])
            f = load(source, base + half + sources[i + 5])
            g = load(source, base + half + sources[i + 6])
            h = load(source, base + half + sources[i + 7])
            if active & 1:
                a, b, c, d, e, f, g, h = transposed(a, b, c, d, e, f, g, h)
            store(target, start + half + targets[i], a)
            store(target, start + half + targets[i + 1], b)
            store(target, start + half + targets[i + 2], c)
            store(target, start + half + targets[i + 3], d)
            store(target, start + half + targets[i + 4], e)
            store(target, start + half + targets[i + 5], f)
            store(target, start + half + targets[i + 6], g)
            store(target, start + half + targets[i + 7], h)


@leaf
def _tables(group, rows, members, signs, cos, sin, tables, size):  # type: ignore[no-untyped-def]
    """The diagonals of a group's merged rows, one behind the other."""
    start = 0
    for r in range(group[0], group[1]):
        row = row_at(rows, r)
        if row[0] == MERGED:
            phases_of_one(row, members, signs, cos, sin, tables, start, size)
            start += size
    return start


@leaf
def _forward(  # type: ignore[no-untyped-def]
    groups, rows, wires, matrices, members, signs, cos, sin, psi, part, buffer, tables, places, here, dimension
):  # fmt: skip
    """ψ ← Uψ from |0…0>, group by group."""
    size, touched = len(places), 0
    for g in range(len(groups)):
        active, lanes = groups[g, 2], groups[g, 3]
        _places(active, lanes, places)
        _tables(groups[g], rows, members, signs, cos, sin, tables, size)
        idle = (dimension - 1) ^ active ^ lanes
        for outer in range(dimension // (size * WIDTH)):
            base = _spread_bits(outer, idle)
            if base & ~touched:
                continue
            first = at(base // WIDTH)
            _move(psi, places, first, part, here, 0, active)
            start = 0
            for r in range(groups[g, 0], groups[g, 1]):
                row = row_at(rows, r)
                if row[0] == PAIR:
                    rotate_pair(row, members, cos, sin, part, size)
                elif row[0] == MERGED:
                    merged_one(tables, start, part, size)
                    start += size
                elif row[0] >= CX:
                    fixed(row, wires, matrices, False, part, size, buffer)
                else:
                    rotate(row, load(cos, row[4] * WIDTH), load(sin, row[4] * WIDTH), part, size)
            _move(part, here, 0, psi, places, first, active)
        touched |= active


@leaf
def _backward(  # type: ignore[no-untyped-def]
    groups, rows, wires, matrices, members, signs, cos, sin, psi, lam, part, other, buffer, tables, places, here,
    found, slopes, dimension,
):  # fmt: skip
    """ψ, λ ← U†ψ, U†λ where ψ is not zero; ``slopes`` gets the derivative by every angle, lane by lane."""
    size = len(places)
    slopes[:] = 0.0
    for g in range(len(groups) - 1, -1, -1):
        active, lanes, touched = groups[g, 2], groups[g, 3], 0
        for before in range(g):
            touched |= groups[before, 2]
        _places(active, lanes, places)
        end = _tables(groups[g], rows, members, signs, cos, sin, tables, size)
        idle = (dimension - 1) ^ active ^ lanes
        for outer in range(dimension // (size * WIDTH)):
            base = _spread_bits(outer, idle)
            if base & ~touched:
                continue
            first = at(base // WIDTH)
            _move(psi, places, first, part, here, 0, active)
            _move(lam, places, first, other, here, 0, active)
            start = end
            for r in range(groups[g, 1] - 1, groups[g, 0] - 1, -1):
                row = row_at(rows, r)
                joined, count = 0, 0
                if row[0] == PAIR:
                    unrotate_pair(row, members, cos, sin, part, other, found, size)
                    joined, count = row[4], 2
                elif row[0] == MERGED:
                    start -= size
                    unmerged_one(row, members, tables, start, part, other, buffer, found, size)
                    joined, count = row[1], row[2]
                elif row[0] >= CX:
                    fixed(row, wires, matrices, True, part, size, buffer)
                    fixed(row, wires, matrices, True, other, size, buffer)
                else:
                    angle = row[4] * WIDTH
                    slope = unrotate(row, load(cos, angle), load(sin, angle), part, other, size)
                    store(slopes, angle, load(slopes, angle) + slope)
                for m in range(joined, joined + count):
                    angle = members[m, 1] * WIDTH
                    store(slopes, angle, load(slopes, angle) + load(found, angle))
            _move(part, here, 0, psi, places, first, active)
            _move(other, here, 0, lam, places, first, active)


@jit
def run_one_by_one(  # type: ignore[no-untyped-def]
    rows, wires, matrices, members, signs, dimension, indptr, indices, jacobian, offsets, terms, coefficients,
    matrix, vector, thetas, groups, values, kernels, gradients,
):  # fmt: skip
    """Outputs, squared norms and gradients, as ``adjoint`` gives them."""
    angles, size = len(offsets), 1
    for bit in range(63):
        size <<= (groups[0, 2] >> bit) & 1
    psi, lam = aligned(at(dimension // WIDTH)), aligned(at(dimension // WIDTH))
    part, other, buffer = aligned(at(size)), aligned(at(size)), aligned(2 * WIDTH * size)
    most = 0
    for g in range(len(groups)):
        count = 0
        for r in range(groups[g, 0], groups[g, 1]):
            count += rows[r, 0] == MERGED
        most = max(most, count)
    tables = np.empty(most * size, np.complex128)
    places, here = np.empty(size, np.int64), np.empty(size, np.int64)
    for i in range(size):
        here[i] = at(i)
    eight_cos, eight_sin, eight_slopes = aligned(angles * WIDTH), aligned(angles * WIDTH), aligned(angles * WIDTH)
    cos, sin, slopes, found = (
        aligned(angles * WIDTH), aligned(angles * WIDTH), aligned(angles * WIDTH), aligned(angles * WIDTH),
    )  # fmt: skip
    columns, result = aligned(thetas.shape[1] * WIDTH), aligned(WIDTH)
    for start in range(0, len(thetas), WIDTH):
        count = min(WIDTH, len(thetas) - start)
        read_angles(thetas, start, indptr, indices, jacobian, offsets, columns, eight_cos, eight_sin)
        for b in range(count):
            for a in range(angles):
                store(cos, a * WIDTH, spread(eight_cos[a * WIDTH + b]))
                store(sin, a * WIDTH, spread(eight_sin[a * WIDTH + b]))
            psi[:] = 0.0
            psi[0] = 1.0
            _forward(
                groups, rows, wires, matrices, members, signs, cos, sin, psi, part, buffer, tables, places, here,
                dimension,
            )  # fmt: skip
            values[start + b] = observe_one(terms, coefficients, matrix, vector, psi, lam, dimension)
            _backward(
                groups, rows, wires, matrices, members, signs, cos, sin, psi, lam, part, other, buffer, tables, places,
                here, found, slopes, dimension,
            )  # fmt: skip
            for a in range(angles):
                eight_slopes[a * WIDTH + b] = lane_sum(load(slopes, a * WIDTH))
        write_gradients(eight_slopes, start, count, indptr, indices, jacobian, columns, result, kernels, gradients)
