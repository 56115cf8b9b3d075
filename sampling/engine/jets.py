"""Compiled kernels that carry a state and its first two derivatives by s through a program's rows.

Where a half angle is a + s·v + s²/2·w, exp(-i(a + sv + …)P) turns (ψ, ψ', ψ'') into its value at s = 0 times
(ψ, u, ψ'' + v(-iP)(ψ' + u) + w(-iP)ψ) with u = ψ' + v(-iP)ψ; (-iP)² = -1 gives the term in v².
"""

from __future__ import annotations

from qntk.sampling.arithmetic.simd import WIDTH, fma, load, parity, spread, store
from qntk.sampling.compiled import leaf
from qntk.sampling.engine.diagonals import merged_phases
from qntk.sampling.engine.gates import at, load_two, pair_at, store_two, turn
from qntk.sampling.engine.pairs import quad_at
from qntk.sampling.engine.program import DIAGONAL, REAL


@leaf
def _kick(real, s, r0, m0, r1, m1, x0, y0, x1, y1):  # type: ignore[no-untyped-def]
    """x + s(-iP)r on two amplitudes."""
    if real:
        return fma(s, r1, x0), fma(s, m1, y0), fma(-s, r0, x1), fma(-s, m0, y1)
    return fma(s, m1, x0), fma(-s, r1, y0), fma(s, m0, x1), fma(-s, r0, y1)


@leaf
def _jet(real, bends, c, s, v, w, a, b, zero, one, two):  # type: ignore[no-untyped-def]
    """Two amplitudes of ψ, ψ' and ψ'' through a rotation, in place."""
    r0, m0, r1, m1 = load_two(zero, a, b)
    o0, p0, o1, p1 = load_two(one, a, b)
    t0, q0, t1, q1 = load_two(two, a, b)
    u0, v0, u1, v1 = _kick(real, v, r0, m0, r1, m1, o0, p0, o1, p1)
    t0, q0, t1, q1 = _kick(real, v, o0 + u0, p0 + v0, o1 + u1, p1 + v1, t0, q0, t1, q1)
    if bends:
        t0, q0, t1, q1 = _kick(real, w, r0, m0, r1, m1, t0, q0, t1, q1)
    r0, m0, r1, m1 = turn(real, c, s, r0, m0, r1, m1)
    u0, v0, u1, v1 = turn(real, c, s, u0, v0, u1, v1)
    t0, q0, t1, q1 = turn(real, c, s, t0, q0, t1, q1)
    store_two(zero, a, b, r0, m0, r1, m1)
    store_two(one, a, b, u0, v0, u1, v1)
    store_two(two, a, b, t0, q0, t1, q1)


@leaf
def _diagonal_jet(c, s, v, w, a, zero, one, two):  # type: ignore[no-untyped-def]
    """One amplitude of ψ, ψ' and ψ'' times exp(i(φ + sv + s²/2·w)), in place; c + is = exp(iφ)."""
    r, m = load(zero, a), load(zero, a + WIDTH)
    o, p = load(one, a), load(one, a + WIDTH)
    t, q = load(two, a), load(two, a + WIDTH)
    x, y = fma(-v, m, o), fma(v, r, p)
    t, q = fma(-v, p + y, fma(-w, m, t)), fma(v, o + x, fma(w, r, q))
    store(zero, a, fma(c, r, -(s * m)))
    store(zero, a + WIDTH, fma(c, m, s * r))
    store(one, a, fma(c, x, -(s * y)))
    store(one, a + WIDTH, fma(c, y, s * x))
    store(two, a, fma(c, t, -(s * q)))
    store(two, a + WIDTH, fma(c, q, s * t))


@leaf
def rotate_jet(row, bends, cos, sin, velocity, acceleration, zero, one, two, dimension):  # type: ignore[no-untyped-def]
    """A rotation row."""
    kind, x, z, sign, here = row[0], row[1], row[2], row[3], row[4] * WIDTH
    c, s, v, w = load(cos, here), load(sin, here), load(velocity, here), load(acceleration, here)
    if kind == DIAGONAL:
        for i in range(dimension):
            if parity(i & z):
                _diagonal_jet(c, s, v, w, at(i), zero, one, two)
            else:
                _diagonal_jet(c, -s, -v, -w, at(i), zero, one, two)
        return
    for k in range(dimension // 2):
        i, j = pair_at(k, x)
        if (parity(j & z) == 1) == (sign == 1):
            _jet(kind == REAL, bends, c, -s, -v, -w, at(i), at(j), zero, one, two)
        else:
            _jet(kind == REAL, bends, c, s, v, w, at(i), at(j), zero, one, two)


@leaf
def pair_jet(  # type: ignore[no-untyped-def]
    row, bends, members, cos, sin, velocity, acceleration, zero, one, two, dimension
):  # fmt: skip
    """Two rotations, four amplitudes at a time."""
    low, high = min(row[1], row[2]), max(row[1], row[2])
    first_real, second_real = row[3] & 1, row[3] & 2
    f, g = members[row[4], 1] * WIDTH, members[row[4] + 1, 1] * WIDTH
    c1, s1, v1, w1 = load(cos, f), load(sin, f), load(velocity, f), load(acceleration, f)
    c2, s2, v2, w2 = load(cos, g), load(sin, g), load(velocity, g), load(acceleration, g)
    if first_real:
        s1, v1, w1 = -s1, -v1, -w1
    if second_real:
        s2, v2, w2 = -s2, -v2, -w2
    for k in range(dimension // 4):
        i = quad_at(k, low, high)
        a, b, c, d = at(i), at(i | row[1]), at(i | row[2]), at(i | row[1] | row[2])
        _jet(first_real, bends, c1, s1, v1, w1, a, b, zero, one, two)
        _jet(first_real, bends, c1, s1, v1, w1, c, d, zero, one, two)
        _jet(second_real, bends, c2, s2, v2, w2, a, c, zero, one, two)
        _jet(second_real, bends, c2, s2, v2, w2, b, d, zero, one, two)


@leaf
def merged_jet(  # type: ignore[no-untyped-def]
    row, members, signs, cos, sin, velocity, acceleration, zero, one, two, table, rates, dimension
):  # fmt: skip
    """A merged row; ``table`` and ``rates`` are work space of 2 D vectors each."""
    merged_phases(row, members, cos, sin, table, dimension)
    _merged_rates(row, members, velocity, acceleration, rates, dimension)
    for i in range(dimension):
        t = i * 2 * WIDTH
        c, s = load(table, t), load(table, t + WIDTH)
        if row[3] >= 0:
            sign = spread(signs[row[3] + i])
            c, s = sign * c, sign * s
        _diagonal_jet(c, s, load(rates, t), load(rates, t + WIDTH), at(i), zero, one, two)


@leaf
def _merged_rates(row, members, velocity, acceleration, rates, dimension):  # type: ignore[no-untyped-def]
    """First and second derivatives of a merged diagonal's phases, each a sum over the rotations of odd parity."""
    store(rates, 0, spread(0.0))
    store(rates, WIDTH, spread(0.0))
    g, end, size = row[1], row[1] + row[4], 1
    while size < dimension:
        v, w = spread(0.0), spread(0.0)
        while g < end and members[g, 0] == size:
            v, w = _twice_more(v, w, members[g, 1], velocity, acceleration)
            g += 1
        for i in range(size):
            here, there = i * 2 * WIDTH, (i + size) * 2 * WIDTH
            store(rates, there, load(rates, here) + v)
            store(rates, there + WIDTH, load(rates, here + WIDTH) + w)
        size *= 2
    for g in range(end, row[1] + row[2]):
        v, w = _twice_more(spread(0.0), spread(0.0), members[g, 1], velocity, acceleration)
        for i in range(dimension):
            if parity(i & members[g, 0]):
                here = i * 2 * WIDTH
                store(rates, here, load(rates, here) + v)
                store(rates, here + WIDTH, load(rates, here + WIDTH) + w)


@leaf
def _twice_more(v, w, angle, velocity, acceleration):  # type: ignore[no-untyped-def]
    """v and w and those of a whole angle."""
    two = spread(2.0)
    return fma(two, load(velocity, angle * WIDTH), v), fma(two, load(acceleration, angle * WIDTH), w)
