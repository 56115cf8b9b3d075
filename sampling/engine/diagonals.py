"""Compiled kernels of merged diagonals: many RZ, RZZ and CZ gates in one pass over the state.

A run of diagonal gates is one diagonal, known up to a global phase by the phases that its rotations give to the basis
states of odd parity. Single-qubit rotations build it by doubling, one complex product an entry whatever their number.
"""

from __future__ import annotations

from qntk.sampling.arithmetic.simd import WIDTH, fma, load, parity, spread, store
from qntk.sampling.compiled import jit
from qntk.sampling.engine.gates import at


@jit
def merged_phases(row, members, cos, sin, table, dimension):  # type: ignore[no-untyped-def]
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


@jit
def _times_phase(c, s, cos, sin):  # type: ignore[no-untyped-def]
    """(c + is)(cos + i sin)²."""
    c, s = fma(c, cos, -(s * sin)), fma(s, cos, c * sin)
    return fma(c, cos, -(s * sin)), fma(s, cos, c * sin)


@jit
def merged(row, members, signs, cos, sin, psi, table, dimension):  # type: ignore[no-untyped-def]
    """ψ ← diagonal · ψ for a merged row."""
    merged_phases(row, members, cos, sin, table, dimension)
    for i in range(dimension):
        a, t = at(i), i * 2 * WIDTH
        c, s = load(table, t), load(table, t + WIDTH)
        r, m = load(psi, a), load(psi, a + WIDTH)
        if row[3] >= 0:
            sign = spread(signs[row[3] + i])
            r, m = sign * r, sign * m
        store(psi, a, fma(c, r, -(s * m)))
        store(psi, a + WIDTH, fma(c, m, s * r))


@jit
def unmerged(row, members, signs, cos, sin, psi, lam, table, slopes, dimension):  # type: ignore[no-untyped-def]
    """Undo a merged row on ψ and λ; ``slopes`` gets Im<λ|P|ψ> of each member.

    With w_i = Im(λ_i* ψ_i), which a diagonal does not change, each slope is a signed sum of w. Those of single qubits
    come from one halving tree.
    """
    merged_phases(row, members, cos, sin, table, dimension)
    for i in range(dimension):
        a, t = at(i), i * 2 * WIDTH
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
    _slopes(row, members, table, slopes, dimension)


@jit
def _slopes(row, members, table, slopes, dimension):  # type: ignore[no-untyped-def]
    """The slope of each member of a merged row from w, which is the table's first half and is lost."""
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


@jit
def phases_of_one(row, members, signs, cos, sin, table, start, dimension):  # type: ignore[no-untyped-def]
    """The same diagonal, signs included, for one draw: complex numbers in ``table`` from ``start`` on."""
    table[start] = 1.0
    size = 1
    while size < dimension:
        phase = 1.0 + 0.0j
        for g in range(row[1], row[1] + row[2]):
            if members[g, 0] == size:
                phase *= _twice(members[g, 1], cos, sin)
        for i in range(size):
            table[start + size + i] = table[start + i] * phase
        size *= 2
    for g in range(row[1], row[1] + row[2]):
        z = members[g, 0]
        if z & (z - 1):
            phase = _twice(members[g, 1], cos, sin)
            for i in range(dimension):
                if parity(i & z):
                    table[start + i] *= phase
    for i in range(dimension if row[3] >= 0 else 0):
        table[start + i] *= signs[row[3] + i]


@jit
def _twice(angle, cos, sin):  # type: ignore[no-untyped-def]
    """exp(ia) of a rotation's whole angle."""
    half = complex(cos[angle * WIDTH], sin[angle * WIDTH])
    return half * half


@jit
def merged_one(table, start, psi, dimension):  # type: ignore[no-untyped-def]
    """ψ ← diagonal · ψ, of a table that all lanes share."""
    for i in range(dimension):
        a = at(i)
        c, s = spread(table[start + i].real), spread(table[start + i].imag)
        r, m = load(psi, a), load(psi, a + WIDTH)
        store(psi, a, fma(c, r, -(s * m)))
        store(psi, a + WIDTH, fma(c, m, s * r))


@jit
def unmerged_one(row, members, table, start, psi, lam, work, slopes, dimension):  # type: ignore[no-untyped-def]
    """Undo it on ψ and λ; ``slopes`` gets Im<λ|P|ψ> of each member."""
    for i in range(dimension):
        a = at(i)
        c, s = spread(table[start + i].real), spread(table[start + i].imag)
        r, m, lr, lm = load(psi, a), load(psi, a + WIDTH), load(lam, a), load(lam, a + WIDTH)
        store(work, i * WIDTH, fma(lr, m, -(lm * r)))
        store(psi, a, fma(c, r, s * m))
        store(psi, a + WIDTH, fma(c, m, -(s * r)))
        store(lam, a, fma(c, lr, s * lm))
        store(lam, a + WIDTH, fma(c, lm, -(s * lr)))
    _slopes(row, members, work, slopes, dimension)
