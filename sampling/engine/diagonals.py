"""Compiled kernels of merged diagonals: many RZ, RZZ and CZ gates in one pass over the state.

A run of diagonal gates is one diagonal, known up to a global phase by the phases that its rotations give to the basis
states of odd parity. Single-qubit rotations build it by doubling, one complex product an entry whatever their number.
"""

from __future__ import annotations

from qntk.sampling.arithmetic.simd import WIDTH, fma, load, parity, spread, store
from qntk.sampling.compiled import leaf
from qntk.sampling.engine.gates import at, load_two, store_two


@leaf
def merged_phases(row, members, cos, sin, table, dimension):  # type: ignore[no-untyped-def]
    """The diagonal of a merged row, up to a global phase: exp(i Σ a) over the rotations whose parity is odd."""
    half = dimension // 2
    c, s = _lower_half(row, members, cos, sin, table, half)
    for i in range(half):
        _store_product(c, s, table, i, i + half)
    for g in range(row[1] + row[4], row[1] + row[2]):
        one, zero = spread(1.0), spread(0.0)
        c, s = _times_phase(one, zero, load(cos, members[g, 1] * WIDTH), load(sin, members[g, 1] * WIDTH))
        for i in range(dimension):
            if parity(i & members[g, 0]):
                _store_product(c, s, table, i, i)


@leaf
def _lower_half(row, members, cos, sin, table, half):  # type: ignore[no-untyped-def]
    """The phases of single-qubit rotations where the highest bit is clear; returns the factor where it is set."""
    store(table, 0, spread(1.0))
    store(table, WIDTH, spread(0.0))
    g, end, bit = row[1], row[1] + row[4], 1
    while True:
        c, s = spread(1.0), spread(0.0)
        while g < end and members[g, 0] == bit:
            c, s = _times_phase(c, s, load(cos, members[g, 1] * WIDTH), load(sin, members[g, 1] * WIDTH))
            g += 1
        if bit == half:
            return c, s
        for i in range(bit):
            _store_product(c, s, table, i, i + bit)
        bit *= 2


@leaf
def _product(c, s, r, m):  # type: ignore[no-untyped-def]
    """(c + is)(r + im)."""
    return fma(c, r, -(s * m)), fma(c, m, s * r)


@leaf
def _store_product(c, s, table, i, j):  # type: ignore[no-untyped-def]
    """The j-th entry becomes the i-th times c + is."""
    r, m = _product(c, s, load(table, i * 2 * WIDTH), load(table, i * 2 * WIDTH + WIDTH))
    store(table, j * 2 * WIDTH, r)
    store(table, j * 2 * WIDTH + WIDTH, m)


@leaf
def _times_phase(c, s, cos, sin):  # type: ignore[no-untyped-def]
    """(c + is)(cos + i sin)²."""
    c, s = fma(c, cos, -(s * sin)), fma(s, cos, c * sin)
    return fma(c, cos, -(s * sin)), fma(s, cos, c * sin)


@leaf
def _phases(row, members, cos, sin, table, dimension):  # type: ignore[no-untyped-def]
    """The diagonal: whether the table has all of it, as for members of two qubits and more, and c + is, the factor from
    its lower to its upper half where it has the lower one alone.
    """
    if row[4] < row[2]:
        merged_phases(row, members, cos, sin, table, dimension)
        return True, spread(1.0), spread(0.0)
    c, s = _lower_half(row, members, cos, sin, table, dimension // 2)
    return False, c, s


@leaf
def _two_phases(wide, c, s, table, i, half):  # type: ignore[no-untyped-def]
    """Entries i and i + half of the diagonal, of what ``_phases`` gave."""
    a, b = i * 2 * WIDTH, (i + half) * 2 * WIDTH
    r, m = load(table, a), load(table, a + WIDTH)
    if wide:
        x, y = load(table, b), load(table, b + WIDTH)
    else:
        x, y = _product(c, s, r, m)
    return r, m, x, y


@leaf
def _times(sign, r, m):  # type: ignore[no-untyped-def]
    """sign · (r + im)."""
    return spread(sign) * r, spread(sign) * m


@leaf
def merged(row, members, signs, cos, sin, psi, table, dimension):  # type: ignore[no-untyped-def]
    """ψ ← diagonal · ψ for a merged row; ``table`` is work space of 2 D vectors."""
    half = dimension // 2
    wide, c, s = _phases(row, members, cos, sin, table, dimension)
    for i in range(half):
        a, b = at(i), at(i + half)
        ac, ai, bc, bi = _two_phases(wide, c, s, table, i, half)
        ar, am, br, bm = load_two(psi, a, b)
        if row[3] >= 0:
            ar, am = _times(signs[row[3] + i], ar, am)
            br, bm = _times(signs[row[3] + i + half], br, bm)
        ar, am = _product(ac, ai, ar, am)
        br, bm = _product(bc, bi, br, bm)
        store_two(psi, a, b, ar, am, br, bm)


@leaf
def unmerged(row, members, signs, cos, sin, psi, lam, table, slopes, dimension):  # type: ignore[no-untyped-def]
    """Undo a merged row on ψ and λ; ``slopes`` gets Im<λ|P|ψ> of each member; ``table``: 3 D vectors of work space.

    With w_i = Im(λ_i* ψ_i), which a diagonal does not change, each slope is a signed sum of w. Those of single qubits
    come from one halving tree, whose first step is taken here.
    """
    half = dimension // 2
    wide, c, s = _phases(row, members, cos, sin, table, dimension)
    place = (2 * dimension if wide else dimension) * WIDTH
    difference = spread(0.0)
    for i in range(half):
        a, b = at(i), at(i + half)
        ac, ai, bc, bi = _two_phases(wide, c, s, table, i, half)
        if row[3] >= 0:
            ac, ai = _times(signs[row[3] + i], ac, ai)
            bc, bi = _times(signs[row[3] + i + half], bc, bi)
        ar, am, br, bm = load_two(psi, a, b)
        ax, ay, bx, by = load_two(lam, a, b)
        low, high = fma(ax, am, -(ay * ar)), fma(bx, bm, -(by * br))
        ar, am = _product_back(ac, ai, ar, am)
        br, bm = _product_back(bc, bi, br, bm)
        ax, ay = _product_back(ac, ai, ax, ay)
        bx, by = _product_back(bc, bi, bx, by)
        store_two(psi, a, b, ar, am, br, bm)
        store_two(lam, a, b, ax, ay, bx, by)
        if wide:
            store(table, place + i * WIDTH, low)
            store(table, place + (i + half) * WIDTH, high)
        else:
            difference = difference + (low - high)
            store(table, place + i * WIDTH, low + high)
    if wide:
        _slopes(row, members, table, place, slopes, dimension)
    else:
        g = _give(row, members, row[1] + row[4], half, difference, slopes)
        _halve(row, members, g, table, place, slopes, half // 2)


@leaf
def _product_back(c, s, r, m):  # type: ignore[no-untyped-def]
    """(c - is)(r + im)."""
    return fma(c, r, s * m), fma(c, m, -(s * r))


@leaf
def _slopes(row, members, table, place, slopes, dimension):  # type: ignore[no-untyped-def]
    """The slope of each member of a merged row from w, which is at ``place`` in the table and is lost."""
    for g in range(row[1] + row[4], row[1] + row[2]):
        even, odd = spread(0.0), spread(0.0)
        for i in range(dimension):
            if parity(i & members[g, 0]):
                odd = odd + load(table, place + i * WIDTH)
            else:
                even = even + load(table, place + i * WIDTH)
        store(slopes, members[g, 1] * WIDTH, even - odd)
    _halve(row, members, row[1] + row[4], table, place, slopes, dimension // 2)


@leaf
def _halve(row, members, g, table, place, slopes, half):  # type: ignore[no-untyped-def]
    """The slopes of the single-qubit members before the g-th, from ``half`` down."""
    while half:
        difference = spread(0.0)
        for i in range(half):
            low, high = load(table, place + i * WIDTH), load(table, place + (i + half) * WIDTH)
            difference = difference + (low - high)
            store(table, place + i * WIDTH, low + high)
        g = _give(row, members, g, half, difference, slopes)
        half //= 2


@leaf
def _give(row, members, g, bit, slope, slopes):  # type: ignore[no-untyped-def]
    """A slope to the single-qubit members on one bit, the last of those before the g-th; returns the first of them."""
    while g > row[1] and members[g - 1, 0] == bit:
        g -= 1
        store(slopes, members[g, 1] * WIDTH, slope)
    return g


@leaf
def phases_of_one(row, members, signs, cos, sin, table, start, dimension):  # type: ignore[no-untyped-def]
    """The same diagonal, signs included, for one draw: complex numbers in ``table`` from ``start`` on."""
    table[start] = 1.0
    g, end, size = row[1], row[1] + row[4], 1
    while size < dimension:
        phase = 1.0 + 0.0j
        while g < end and members[g, 0] == size:
            phase *= _twice(members[g, 1], cos, sin)
            g += 1
        for i in range(size):
            table[start + size + i] = table[start + i] * phase
        size *= 2
    for g in range(end, row[1] + row[2]):
        phase = _twice(members[g, 1], cos, sin)
        for i in range(dimension):
            if parity(i & members[g, 0]):
                table[start + i] *= phase
    for i in range(dimension if row[3] >= 0 else 0):
        table[start + i] *= signs[row[3] + i]


@leaf
def _twice(angle, cos, sin):  # type: ignore[no-untyped-def]
    """exp(ia) of a rotation's whole angle."""
    half = complex(cos[angle * WIDTH], sin[angle * WIDTH])
    return half * half


@leaf
def merged_one(table, start, psi, dimension):  # type: ignore[no-untyped-def]
    """ψ ← diagonal · ψ, of a table that all lanes share."""
    for i in range(dimension):
        a = at(i)
        c, s = spread(table[start + i].real), spread(table[start + i].imag)
        r, m = load(psi, a), load(psi, a + WIDTH)
        store(psi, a, fma(c, r, -(s * m)))
        store(psi, a + WIDTH, fma(c, m, s * r))


@leaf
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
    _slopes(row, members, work, 0, slopes, dimension)
