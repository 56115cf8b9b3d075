"""Compiled kernels of two neighbouring single-qubit rotations in one pass over the state.

Past the first cache a rotation costs what it moves; two on different qubits, worked on four amplitudes at a time, move
half as much.
"""

from __future__ import annotations

from sampling.gates import at, jit
from sampling.simd import WIDTH, fma, load, spread, store


@jit
def _quad(k, low, high):  # type: ignore[no-untyped-def]
    """The k-th index with two bits clear, ``low`` < ``high``."""
    i = ((k & ~(low - 1)) << 1) | (k & (low - 1))
    return ((i & ~(high - 1)) << 1) | (i & (high - 1))


@jit
def _turn(real, c, s, r0, m0, r1, m1):  # type: ignore[no-untyped-def]
    """One rotation of two amplitudes: by RY's real matrix or RX's imaginary one."""
    if real:
        return fma(-s, r1, c * r0), fma(-s, m1, c * m0), fma(s, r0, c * r1), fma(s, m0, c * m1)
    return fma(s, m1, c * r0), fma(-s, r1, c * m0), fma(s, m0, c * r1), fma(-s, r0, c * m1)


@jit
def _overlap(real, r0, m0, r1, m1, x0, y0, x1, y1):  # type: ignore[no-untyped-def]
    """Im<λ|P|ψ> on two amplitudes: ψ in r, m and λ in x, y."""
    if real:
        return fma(x1, r0, fma(y1, m0, -fma(x0, r1, y0 * m1)))
    return fma(x0, m1, fma(x1, m0, -fma(y0, r1, y1 * r0)))


@jit
def _load_four(psi, a, b, c, d):  # type: ignore[no-untyped-def]
    return (
        load(psi, a), load(psi, a + WIDTH), load(psi, b), load(psi, b + WIDTH),
        load(psi, c), load(psi, c + WIDTH), load(psi, d), load(psi, d + WIDTH),
    )  # fmt: skip


@jit
def _store_four(psi, a, b, c, d, ar, am, br, bm, cr, cm, dr, dm):  # type: ignore[no-untyped-def]
    store(psi, a, ar)
    store(psi, a + WIDTH, am)
    store(psi, b, br)
    store(psi, b + WIDTH, bm)
    store(psi, c, cr)
    store(psi, c + WIDTH, cm)
    store(psi, d, dr)
    store(psi, d + WIDTH, dm)


@jit
def rotate_pair(row, members, cos, sin, psi, dimension):  # type: ignore[no-untyped-def]
    """ψ ← second · first · ψ."""
    one, two, kinds, place = row[1], row[2], row[3], row[4]
    first_real, second_real = kinds & 1, kinds & 2
    c1, s1 = load(cos, members[place, 1] * WIDTH), load(sin, members[place, 1] * WIDTH)
    c2, s2 = load(cos, members[place + 1, 1] * WIDTH), load(sin, members[place + 1, 1] * WIDTH)
    low, high = min(one, two), max(one, two)
    for k in range(dimension // 4):
        i = _quad(k, low, high)
        a, b, c, d = at(i), at(i | one), at(i | two), at(i | one | two)
        ar, am, br, bm, cr, cm, dr, dm = _load_four(psi, a, b, c, d)
        ar, am, br, bm = _turn(first_real, c1, s1, ar, am, br, bm)
        cr, cm, dr, dm = _turn(first_real, c1, s1, cr, cm, dr, dm)
        ar, am, cr, cm = _turn(second_real, c2, s2, ar, am, cr, cm)
        br, bm, dr, dm = _turn(second_real, c2, s2, br, bm, dr, dm)
        _store_four(psi, a, b, c, d, ar, am, br, bm, cr, cm, dr, dm)


@jit
def unrotate_pair(row, members, cos, sin, psi, lam, slopes, dimension):  # type: ignore[no-untyped-def]
    """Undo both on ψ and λ; ``slopes`` gets Im<λ|P|ψ> of each, where it stands in the circuit."""
    one, two, kinds, place = row[1], row[2], row[3], row[4]
    first_real, second_real = kinds & 1, kinds & 2
    c1, s1 = load(cos, members[place, 1] * WIDTH), -load(sin, members[place, 1] * WIDTH)
    c2, s2 = load(cos, members[place + 1, 1] * WIDTH), -load(sin, members[place + 1, 1] * WIDTH)
    first, second = spread(0.0), spread(0.0)
    low, high = min(one, two), max(one, two)
    for k in range(dimension // 4):
        i = _quad(k, low, high)
        a, b, c, d = at(i), at(i | one), at(i | two), at(i | one | two)
        ar, am, br, bm, cr, cm, dr, dm = _load_four(psi, a, b, c, d)
        ax, ay, bx, by, cx, cy, dx, dy = _load_four(lam, a, b, c, d)
        second = second + _overlap(second_real, ar, am, cr, cm, ax, ay, cx, cy)
        second = second + _overlap(second_real, br, bm, dr, dm, bx, by, dx, dy)
        ar, am, cr, cm = _turn(second_real, c2, s2, ar, am, cr, cm)
        br, bm, dr, dm = _turn(second_real, c2, s2, br, bm, dr, dm)
        ax, ay, cx, cy = _turn(second_real, c2, s2, ax, ay, cx, cy)
        bx, by, dx, dy = _turn(second_real, c2, s2, bx, by, dx, dy)
        first = first + _overlap(first_real, ar, am, br, bm, ax, ay, bx, by)
        first = first + _overlap(first_real, cr, cm, dr, dm, cx, cy, dx, dy)
        ar, am, br, bm = _turn(first_real, c1, s1, ar, am, br, bm)
        cr, cm, dr, dm = _turn(first_real, c1, s1, cr, cm, dr, dm)
        ax, ay, bx, by = _turn(first_real, c1, s1, ax, ay, bx, by)
        cx, cy, dx, dy = _turn(first_real, c1, s1, cx, cy, dx, dy)
        _store_four(psi, a, b, c, d, ar, am, br, bm, cr, cm, dr, dm)
        _store_four(lam, a, b, c, d, ax, ay, bx, by, cx, cy, dx, dy)
    store(slopes, members[place, 1] * WIDTH, first)
    store(slopes, members[place + 1, 1] * WIDTH, second)
