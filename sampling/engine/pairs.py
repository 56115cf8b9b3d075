"""Compiled kernels of two neighbouring single-qubit rotations in one pass over the state.

Past the first cache a rotation costs what it moves; two on different qubits, worked on four amplitudes at a time, move
half as much.
"""

from __future__ import annotations

from qntk.sampling.arithmetic.simd import WIDTH, fma, load, spread, store
from qntk.sampling.compiled import leaf
from qntk.sampling.engine.gates import at, load_two, store_two, turn


@leaf
def quad_at(k, low, high):  # type: ignore[no-untyped-def]
    """The k-th index with two bits clear, ``low`` < ``high``."""
    i = ((k & ~(low - 1)) << 1) | (k & (low - 1))
    return ((i & ~(high - 1)) << 1) | (i & (high - 1))


@leaf
def _overlap(real, r0, m0, r1, m1, x0, y0, x1, y1):  # type: ignore[no-untyped-def]
    """Im<λ|P|ψ> on two amplitudes: ψ in r, m and λ in x, y."""
    if real:
        return fma(x1, r0, fma(y1, m0, -fma(x0, r1, y0 * m1)))
    return fma(x0, m1, fma(x1, m0, -fma(y0, r1, y1 * r0)))


@leaf
def _angle(real, member, cos, sin):  # type: ignore[no-untyped-def]
    """Cosine and sine of a member as ``turn`` takes them: RY has -sin in its first row."""
    c, s = load(cos, member * WIDTH), load(sin, member * WIDTH)
    return c, -s if real else s


@leaf
def rotate_pair(row, members, cos, sin, psi, dimension):  # type: ignore[no-untyped-def]
    """ψ ← second · first · ψ."""
    one, two, kinds, place = row[1], row[2], row[3], row[4]
    first_real, second_real = kinds & 1, kinds & 2
    c1, s1 = _angle(first_real, members[place, 1], cos, sin)
    c2, s2 = _angle(second_real, members[place + 1, 1], cos, sin)
    low, high = min(one, two), max(one, two)
    for k in range(dimension // 4):
        i = quad_at(k, low, high)
        a, b, c, d = at(i), at(i | one), at(i | two), at(i | one | two)
        ar, am, br, bm = load_two(psi, a, b)
        cr, cm, dr, dm = load_two(psi, c, d)
        ar, am, br, bm = turn(first_real, c1, s1, ar, am, br, bm)
        cr, cm, dr, dm = turn(first_real, c1, s1, cr, cm, dr, dm)
        ar, am, cr, cm = turn(second_real, c2, s2, ar, am, cr, cm)
        br, bm, dr, dm = turn(second_real, c2, s2, br, bm, dr, dm)
        store_two(psi, a, b, ar, am, br, bm)
        store_two(psi, c, d, cr, cm, dr, dm)


@leaf
def unrotate_pair(row, members, cos, sin, psi, lam, slopes, dimension):  # type: ignore[no-untyped-def]
    """Undo both on ψ and λ; ``slopes`` gets Im<λ|P|ψ> of each, where it stands in the circuit."""
    one, two, kinds, place = row[1], row[2], row[3], row[4]
    first_real, second_real = kinds & 1, kinds & 2
    c1, s1 = _angle(first_real, members[place, 1], cos, sin)
    c2, s2 = _angle(second_real, members[place + 1, 1], cos, sin)
    s1, s2 = -s1, -s2
    first, second = spread(0.0), spread(0.0)
    low, high = min(one, two), max(one, two)
    for k in range(dimension // 4):
        i = quad_at(k, low, high)
        a, b, c, d = at(i), at(i | one), at(i | two), at(i | one | two)
        ar, am, br, bm = load_two(psi, a, b)
        cr, cm, dr, dm = load_two(psi, c, d)
        ax, ay, bx, by = load_two(lam, a, b)
        cx, cy, dx, dy = load_two(lam, c, d)
        second = second + _overlap(second_real, ar, am, cr, cm, ax, ay, cx, cy)
        second = second + _overlap(second_real, br, bm, dr, dm, bx, by, dx, dy)
        ar, am, cr, cm = turn(second_real, c2, s2, ar, am, cr, cm)
        br, bm, dr, dm = turn(second_real, c2, s2, br, bm, dr, dm)
        ax, ay, cx, cy = turn(second_real, c2, s2, ax, ay, cx, cy)
        bx, by, dx, dy = turn(second_real, c2, s2, bx, by, dx, dy)
        first = first + _overlap(first_real, ar, am, br, bm, ax, ay, bx, by)
        first = first + _overlap(first_real, cr, cm, dr, dm, cx, cy, dx, dy)
        ar, am, br, bm = turn(first_real, c1, s1, ar, am, br, bm)
        cr, cm, dr, dm = turn(first_real, c1, s1, cr, cm, dr, dm)
        ax, ay, bx, by = turn(first_real, c1, s1, ax, ay, bx, by)
        cx, cy, dx, dy = turn(first_real, c1, s1, cx, cy, dx, dy)
        store_two(psi, a, b, ar, am, br, bm)
        store_two(psi, c, d, cr, cm, dr, dm)
        store_two(lam, a, b, ax, ay, bx, by)
        store_two(lam, c, d, cx, cy, dx, dy)
    store(slopes, members[place, 1] * WIDTH, first)
    store(slopes, members[place + 1, 1] * WIDTH, second)
