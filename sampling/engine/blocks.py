"""A circuit on more qubits than fit a core's cache, in groups of gates that act on few of them.

A gate that is applied to the whole state moves all of it through memory. A group of gates on k qubits is applied to
2^k amplitudes at a time, which stay in cache for all of its gates: a layer of a usual ansatz is two groups, not one
pass for every gate. Gates change places only where they act on different qubits or are both diagonal.
"""

from __future__ import annotations

import numpy as np

from qntk.sampling.arithmetic.simd import WIDTH, load, store
from qntk.sampling.compiled import jit
from qntk.sampling.engine.diagonals import merged, unmerged
from qntk.sampling.engine.gates import aligned, at, fixed, rotate, unrotate
from qntk.sampling.engine.pairs import rotate_pair, unrotate_pair
from qntk.sampling.engine.program import CX, MERGED, PAIR


@jit
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


@jit
def _copy(source, target, index, place):  # type: ignore[no-untyped-def]
    """One amplitude."""
    a, b = at(index), at(place)
    store(target, b, load(source, a))
    store(target, b + WIDTH, load(source, a + WIDTH))


@jit
def forward(groups, rows, wires, matrices, members, signs, cos, sin, psi, dimension, block):  # type: ignore[no-untyped-def]
    """ψ ← Uψ, group by group."""
    size = 1 << block
    part, buffer = aligned(at(size)), aligned(2 * WIDTH * size)
    places = np.empty(size, np.int64)
    for g in range(len(groups)):
        active = groups[g, 2]
        idle = (dimension - 1) ^ active
        for i in range(size):
            places[i] = _spread_bits(i, active)
        for outer in range(dimension >> block):
            base = _spread_bits(outer, idle)
            for i in range(size):
                _copy(psi, part, base | places[i], i)
            for r in range(groups[g, 0], groups[g, 1]):
                row = rows[r, 0], rows[r, 1], rows[r, 2], rows[r, 3], rows[r, 4]
                if row[0] == PAIR:
                    rotate_pair(row, members, cos, sin, part, size)
                elif row[0] == MERGED:
                    merged(row, members, signs, cos, sin, part, buffer, size)
                elif row[0] >= CX:
                    fixed(row, wires, matrices, False, part, size, buffer)
                else:
                    here = row[4] * WIDTH
                    rotate(row, load(cos, here), load(sin, here), part, size)
            for i in range(size):
                _copy(part, psi, i, base | places[i])


@jit
def backward(  # type: ignore[no-untyped-def]
    groups, rows, wires, matrices, members, signs, cos, sin, psi, lam, slopes, dimension, block
):  # fmt: skip
    """ψ, λ ← U†ψ, U†λ; ``slopes`` gets the derivative by every angle, summed over the blocks in their order."""
    size = 1 << block
    part, other, buffer = aligned(at(size)), aligned(at(size)), aligned(2 * WIDTH * size)
    found = aligned(len(slopes))
    places = np.empty(size, np.int64)
    slopes[:] = 0.0
    for g in range(len(groups) - 1, -1, -1):
        active = groups[g, 2]
        idle = (dimension - 1) ^ active
        for i in range(size):
            places[i] = _spread_bits(i, active)
        for outer in range(dimension >> block):
            base = _spread_bits(outer, idle)
            for i in range(size):
                _copy(psi, part, base | places[i], i)
                _copy(lam, other, base | places[i], i)
            for r in range(groups[g, 1] - 1, groups[g, 0] - 1, -1):
                row = rows[r, 0], rows[r, 1], rows[r, 2], rows[r, 3], rows[r, 4]
                first, count = 0, 0
                if row[0] == PAIR:
                    unrotate_pair(row, members, cos, sin, part, other, found, size)
                    first, count = row[4], 2
                elif row[0] == MERGED:
                    unmerged(row, members, signs, cos, sin, part, other, buffer, found, size)
                    first, count = row[1], row[2]
                elif row[0] >= CX:
                    fixed(row, wires, matrices, True, part, size, buffer)
                    fixed(row, wires, matrices, True, other, size, buffer)
                else:
                    here = row[4] * WIDTH
                    slope = unrotate(row, load(cos, here), load(sin, here), part, other, size)
                    store(slopes, here, load(slopes, here) + slope)
                for m in range(first, first + count):
                    here = members[m, 1] * WIDTH
                    store(slopes, here, load(slopes, here) + load(found, here))
            for i in range(size):
                _copy(part, psi, i, base | places[i])
                _copy(other, lam, i, base | places[i])
