"""Compiled kernels of a flat program's rows, on states of eight draws.

An amplitude is two vectors side by side, the real and the imaginary parts of the eight draws; a state is a flat array
of amplitudes, ``at(i)`` telling where the i-th starts. Every kernel is a loop over amplitudes or pairs of amplitudes.

Numba's on-disk cache does not notice an edit in this file: clear ``__pycache__`` after one.
"""

from __future__ import annotations

import numpy as np

from qntk.sampling.arithmetic.simd import WIDTH, fma, load, parity, spread, store
from qntk.sampling.compiled import jit, leaf
from qntk.sampling.engine.program import CX, CYCLES, CZ, DIAGONAL, REAL


@leaf
def at(i):  # type: ignore[no-untyped-def]
    """Where amplitude i starts. A gap every 32 and every 1024 keeps far pairs out of each other's cache sets."""
    return (i + (i >> 5) + (i >> 10)) * (2 * WIDTH)


@jit
def aligned(size):  # type: ignore[no-untyped-def]
    """Zeros that start on a cache line."""
    memory = np.zeros(size + WIDTH)
    skip = (-(memory.ctypes.data >> 3)) & (WIDTH - 1)
    return memory[skip : skip + size]


@leaf
def pair_at(k, x):  # type: ignore[no-untyped-def]
    """The k-th index whose lowest bit of ``x`` is clear, and its partner under ``x``."""
    pivot = x & -x
    i = ((k & ~(pivot - 1)) << 1) | (k & (pivot - 1))
    return i, i ^ x


@leaf
def turn(real, c, s, r0, m0, r1, m1):  # type: ignore[no-untyped-def]
    """Two amplitudes under [[c, s], [-s, c]] if ``real``, else [[c, -is], [-is, c]]."""
    if real:
        return fma(s, r1, c * r0), fma(s, m1, c * m0), fma(-s, r0, c * r1), fma(-s, m0, c * m1)
    return fma(s, m1, c * r0), fma(-s, r1, c * m0), fma(s, m0, c * r1), fma(-s, r0, c * m1)


@leaf
def load_two(psi, a, b):  # type: ignore[no-untyped-def]
    """Two amplitudes: real and imaginary part of each."""
    return load(psi, a), load(psi, a + WIDTH), load(psi, b), load(psi, b + WIDTH)


@leaf
def store_two(psi, a, b, r0, m0, r1, m1):  # type: ignore[no-untyped-def]
    """Write two amplitudes."""
    store(psi, a, r0)
    store(psi, a + WIDTH, m0)
    store(psi, b, r1)
    store(psi, b + WIDTH, m1)


@leaf
def rotate(row, cos, sin, psi, dimension):  # type: ignore[no-untyped-def]
    """ψ ← (cos - i sin P) ψ for one rotation row."""
    kind, x, z, sign = row[0], row[1], row[2], row[3]
    if kind == DIAGONAL:
        for i in range(dimension):
            a = at(i)
            s = -sin if parity(i & z) else sin
            r, m = load(psi, a), load(psi, a + WIDTH)
            store(psi, a, fma(s, m, cos * r))
            store(psi, a + WIDTH, fma(-s, r, cos * m))
        return
    for k in range(dimension // 2):
        i, j = pair_at(k, x)
        a, b = at(i), at(j)
        s = -sin if (parity(j & z) == 1) == (sign == 1) else sin
        ri, mi, rj, mj = load_two(psi, a, b)
        ri, mi, rj, mj = turn(kind == REAL, cos, s, ri, mi, rj, mj)
        store_two(psi, a, b, ri, mi, rj, mj)


@leaf
def unrotate(row, cos, sin, psi, lam, dimension):  # type: ignore[no-untyped-def]
    """ψ, λ ← (cos + i sin P) ψ, λ; returns Im<λ|P|ψ>, the derivative of f by the rotation's angle."""
    kind, x, z, sign = row[0], row[1], row[2], row[3]
    plus, minus = spread(0.0), spread(0.0)
    if kind == DIAGONAL:
        for i in range(dimension):
            a = at(i)
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
        i, j = pair_at(k, x)
        a, b = at(i), at(j)
        ri, mi, rj, mj = load_two(psi, a, b)
        lri, lmi, lrj, lmj = load_two(lam, a, b)
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
        ri, mi, rj, mj = turn(kind == REAL, cos, s, ri, mi, rj, mj)
        lri, lmi, lrj, lmj = turn(kind == REAL, cos, s, lri, lmi, lrj, lmj)
        store_two(psi, a, b, ri, mi, rj, mj)
        store_two(lam, a, b, lri, lmi, lrj, lmj)
    return plus - minus


@leaf
def _turn_cycles(place, end, wires, undo, psi):  # type: ignore[no-untyped-def]
    """Every amplitude to the next place of its cycle, or back."""
    while place < end:
        first, last = place + 1, place + wires[place]
        place = last + 1
        if undo:
            a = at(wires[first])
            r, m = load(psi, a), load(psi, a + WIDTH)
            for k in range(first + 1, last + 1):
                b = at(wires[k])
                store(psi, a, load(psi, b))
                store(psi, a + WIDTH, load(psi, b + WIDTH))
                a = b
        else:
            a = at(wires[last])
            r, m = load(psi, a), load(psi, a + WIDTH)
            for k in range(last - 1, first - 1, -1):
                b = at(wires[k])
                store(psi, a, load(psi, b))
                store(psi, a + WIDTH, load(psi, b + WIDTH))
                a = b
        store(psi, a, r)
        store(psi, a + WIDTH, m)


@leaf
def _fixed_on_one(bit, offset, matrices, undo, psi, dimension):  # type: ignore[no-untyped-def]
    """A dense gate on one qubit, or its inverse."""
    a, b, c, d = matrices[offset], matrices[offset + 1], matrices[offset + 2], matrices[offset + 3]
    if undo:
        a, b, c, d = np.conj(a), np.conj(c), np.conj(b), np.conj(d)
    ar, ai, br, bi = spread(a.real), spread(a.imag), spread(b.real), spread(b.imag)
    cr, ci, dr, di = spread(c.real), spread(c.imag), spread(d.real), spread(d.imag)
    for k in range(dimension // 2):
        i, j = pair_at(k, bit)
        r0, m0, r1, m1 = load_two(psi, at(i), at(j))
        r, m = fma(ar, r0, -(ai * m0)), fma(ar, m0, ai * r0)
        x, y = fma(cr, r0, -(ci * m0)), fma(cr, m0, ci * r0)
        r, m = fma(br, r1, fma(-bi, m1, r)), fma(br, m1, fma(bi, r1, m))
        x, y = fma(dr, r1, fma(-di, m1, x)), fma(dr, m1, fma(di, r1, y))
        store_two(psi, at(i), at(j), r, m, x, y)


@leaf
def _place(base, k, wires, start, count):  # type: ignore[no-untyped-def]
    """Where the amplitude stands whose bits at a dense gate's wires are those of k."""
    for q in range(count):
        base |= ((k >> q) & 1) << wires[start + q]
    return at(base)


@leaf
def fixed(row, wires, matrices, undo, psi, dimension, buffer):  # type: ignore[no-untyped-def]
    """ψ ← Wψ, or W†ψ with ``undo``, for a row of CX, CZ, cycles or a dense gate."""
    if row[0] == CYCLES:
        _turn_cycles(row[1], row[1] + row[2], wires, undo, psi)
        return
    if row[0] == CX or row[0] == CZ:
        both = row[1] | row[2]
        for i in range(dimension):
            if i & both == both:
                a = at(i)
                r, m = load(psi, a), load(psi, a + WIDTH)
                if row[0] == CZ:
                    store(psi, a, -r)
                    store(psi, a + WIDTH, -m)
                else:
                    b = at(i ^ row[2])
                    store(psi, a, load(psi, b))
                    store(psi, a + WIDTH, load(psi, b + WIDTH))
                    store(psi, b, r)
                    store(psi, b + WIDTH, m)
        return
    count, start, offset = row[1], row[2], row[3]
    if count == 1:
        _fixed_on_one(1 << wires[start], offset, matrices, undo, psi, dimension)
        return
    size = 1 << count
    used = 0
    for q in range(count):
        used |= 1 << wires[start + q]
    for base in range(dimension):
        if base & used:
            continue
        for k in range(size):
            a = _place(base, k, wires, start, count)
            store(buffer, 2 * WIDTH * k, load(psi, a))
            store(buffer, 2 * WIDTH * k + WIDTH, load(psi, a + WIDTH))
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
            a = _place(base, k, wires, start, count)
            store(psi, a, r)
            store(psi, a + WIDTH, m)
