"""The second moment of K in a ring of Haar-random two-qubit gates, exact, by the permutations of four copies.

Averaged over a two-qubit Haar gate, four copies of an operator are left in the span of the 24 permutations σ of the
copies, σ⊗σ on the two qubits: X ⊗ X' → Σ_{τ,π} Wg(τ⁻¹π; 4) Tr(π⁻¹X) Tr(π⁻¹X') τ⊗τ. So O^{⊗4}, pulled back through a
layer of n/2 gates, is an array of 24^{n/2} numbers, and the next layer, shifted by one qubit, is a ring contraction
with Tr(π⁻¹σ) = 2^{cycles} on every qubit. A gradient that is squared puts i[G, ·] on two of the copies of its qubit;
E K² = Σ_{k,l} E g_k² g_l² has one on copies 1 and 2, one on 3 and 4, and four arrays say which of them are placed
already: none, the first, the second, both. A pure product input gives every permutation 1.

Two copies, with identity and swap, are the same code: the mean of K (``circuits.brickwork`` finds it otherwise). On two
qubits all layers are one gate. Generators P of any letter are alike, since the gates turn them.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_MOST_QUBITS = 8
_PLACED = {4: ((), (0, 1), (2, 3), (0, 1, 2, 3)), 2: ((), (0, 1))}
"""Copies that carry a derivative, by the charge of an array."""
_JOINED = {4: {(0, 0): 0, (0, 1): 1, (0, 2): 2, (0, 3): 3, (1, 2): 3}, 2: {(0, 0): 0, (0, 1): 1}}
"""Charges that two places may have together, and their sum; the order does not matter."""


@dataclass(frozen=True, eq=False)
class BrickworkSquare:
    """Moments of K in units of the observable squared, for depths 2, 3, …, each of shape (depth - 1,).

    Attributes:
        means, squares: E K and E K².
    """

    means: Array
    squares: Array

    @property
    def relative_std(self) -> Array:
        """ΔK/K̄."""
        return np.sqrt(np.maximum(self.squares / self.means**2 - 1, 0.0))


def brickwork_square(qubits: int, depth: int, label: str) -> BrickworkSquare:
    """E K and E K² of brickworks of 2 to ``depth`` layers with the periodic boundary; rounding errors only.

    The last layer couples (0,1), (2,3), …; between layers stands exp(-iθP/2) on every qubit: L = n(d-1) parameters.

    Args:
        qubits: n, even, up to 8: arrays of 24^{n/2} numbers, and some 24^{n/2+2} operations a layer.
        depth: layers of gates, 2 at least.
        label: a Pauli string, leftmost letter on the highest qubit.

    Raises ``ValueError`` for sizes out of range and labels that do not fit.

    >>> found = brickwork_square(2, 3, "IZ")
    >>> round(float(found.means[0]), 6), round(float(found.relative_std[0]), 4)
    (0.213333, 0.9173)
    """
    if qubits % 2 or not 2 <= qubits <= _MOST_QUBITS or depth < 2:
        raise ValueError(
            f"{qubits} qubits and depth {depth}: give an even number of qubits from 2 to 8, depth 2 or more"
        )
    if len(label) != qubits or set(label) - set("IXYZ") or set(label) == {"I"}:
        raise ValueError(f"{label!r} is no Pauli string with a letter on {qubits} qubits")
    return BrickworkSquare(_moments(2, qubits, depth, label), _moments(4, qubits, depth, label))


def _moments(copies: int, qubits: int, depth: int, label: str) -> Array:
    group, weingarten, legs = _tables(copies)
    bricks = [_bricks(legs, _JOINED[copies])] * (qubits // 2)
    arrays, found = _start(group, weingarten, label, len(legs)), []
    for _ in range(depth - 1):
        arrays = _layer(arrays, bricks, _JOINED[copies], weingarten)
        found.append(_summed(arrays[-1]))
    return np.array(found)


def gradient_kurtosis(qubits: int, after: int, before: int, label: str) -> float:
    """E g⁴/(E g²)² of one gradient, with so many layers between it and the observable, and the input.

    ``qubits`` and ``label`` as for ``brickwork_square``; at least one layer on either side.
    """
    found = []
    for copies in (2, 4):
        group, weingarten, legs = _tables(copies)
        none: list[Array | None] = [None] * (len(legs) - 1)
        passing = [*_bricks(legs[:1], {(0, 0): 0}), *none]
        turned = [passing[0], *none[1:], np.einsum("as,bs->sab", legs[0], legs[-1])]
        arrays = _start(group, weingarten, label, len(legs))
        joined = {(0, 0): 0, (0, len(legs) - 1): len(legs) - 1}
        for layer in range(1, after + before):
            here = turned if layer == after else passing
            arrays = _layer(arrays, [here] + [passing] * (qubits // 2 - 1), joined, weingarten)
            if layer == after:
                arrays[0] = None  # only what carries the gradient goes on
        found.append(_summed(arrays[-1]))
    return found[1] / found[0] ** 2


def _summed(array: Array | None) -> float:
    """What a pure product input gives."""
    return 0.0 if array is None else float(array.sum())


def _tables(copies: int) -> tuple[list[tuple[int, ...]], Array, list[Array]]:
    """The permutations, Weingarten's matrix on two qubits, and the legs of every charge."""
    group = list(itertools.permutations(range(copies)))
    weingarten: Array = np.asarray(np.linalg.pinv(_gram(group, 4), hermitian=True), dtype=float)
    return group, weingarten, [_leg(group, placed) for placed in _PLACED[copies]]


def _start(group: list[tuple[int, ...]], weingarten: Array, label: str, charges: int) -> list[Array | None]:
    """The observable's copies averaged over the last layer."""
    letters = [_letters(group, letter) for letter in label[::-1]]
    whole = _outer([weingarten @ (letters[q] * letters[q + 1]) for q in range(0, len(label), 2)])
    return [whole, *[None] * (charges - 1)]


def _cycles(permutation: tuple[int, ...]) -> list[int]:
    """Lengths of the cycles."""
    left, lengths = set(range(len(permutation))), []
    while left:
        place = first = left.pop()
        length = 1
        while permutation[place] != first:
            place = permutation[place]
            left.remove(place)
            length += 1
        lengths.append(length)
    return lengths


def _gram(group: list[tuple[int, ...]], dimension: int) -> Array:
    """Tr(π⁻¹σ) on copies of that dimension."""
    inverse = [tuple(np.argsort(p).tolist()) for p in group]
    return np.array([[float(dimension) ** len(_cycles(tuple(p[i] for i in s))) for s in group] for p in inverse])


def _matrix(permutation: tuple[int, ...]) -> Array:
    """As an operator on copies of a qubit."""
    t = len(permutation)
    whole = np.eye(2**t).reshape((2,) * (2 * t))
    return whole.transpose([*permutation, *range(t, 2 * t)]).reshape(2**t, 2**t)


def _leg(group: list[tuple[int, ...]], placed: tuple[int, ...]) -> Array:
    """Tr(π⁻¹ X) on one qubit, shape (π, σ), of X = σ with i[Z/2, ·] on some of the copies."""
    t = len(group[0])
    operators = [_matrix(p).astype(complex) for p in group]
    turned = operators
    for copy in placed:
        sign = 1.0 - 2 * (np.arange(2**t) >> (t - 1 - copy) & 1)
        turned = [0.5j * (sign[:, None] * X - X * sign[None, :]) for X in turned]
    return np.array([[float(np.real(np.vdot(P, X))) for X in turned] for P in operators])


def _letters(group: list[tuple[int, ...]], letter: str) -> Array:
    """Tr(π⁻¹ P^{⊗t}) of a Pauli letter: a cycle has P to the power of its length."""
    if letter == "I":
        return np.array([2.0 ** len(_cycles(p)) for p in group])
    return np.array([float(np.prod([2.0 if length % 2 == 0 else 0.0 for length in _cycles(p)])) for p in group])


def _outer(parts: list[Array]) -> Array:
    found = parts[0]
    for part in parts[1:]:
        found = np.multiply.outer(found, part)
    return np.asarray(found)


def _joins(joined: dict[tuple[int, int], int]) -> list[tuple[int, int, int]]:
    return [(a, b, c) for (a, b), c in joined.items()] + [(b, a, c) for (a, b), c in joined.items() if a != b]


def _bricks(legs: list[Array], joined: dict[tuple[int, int], int]) -> list[Array | None]:
    """By charge: what σ of a gate gives the gates to its left and right, shape (σ, π left, π right)."""
    found = [np.zeros((len(legs[0]),) * 3) for _ in legs]
    for a, b, c in _joins(joined):
        found[c] += np.einsum("as,bs->sab", legs[a], legs[b])
    return list(found)


def _layer(
    arrays: list[Array | None], bricks: list[list[Array | None]], joined: dict[tuple[int, int], int], weingarten: Array
) -> list[Array | None]:
    """The next layer: a ring of bricks with any of them charged, then Weingarten's matrix on every gate."""
    size = len(weingarten)
    gates = next(a.ndim for a in arrays if a is not None)
    # [π₀, …, π_{j}, σ_{j+1}, …]: the first brick opens π₀ and π₁, the last closes on π₀.
    opened: list[Array | None] = [None] * len(arrays)
    for a, b, c in _joins(joined):
        array, brick = arrays[a], bricks[0][b]
        if array is None or brick is None:
            continue
        if gates == 1:
            term = np.einsum("s,spp->p", array, brick)
        else:
            flat = brick.reshape(size, -1).T @ array.reshape(size, -1)
            term = flat.reshape(size, size, -1)  # π₀, π₁, rest
        opened[c] = term if opened[c] is None else opened[c] + term
    for place in range(1, gates):
        further: list[Array | None] = [None] * len(arrays)
        last = place == gates - 1
        for a, b, c in _joins(joined):
            array, brick = opened[a], bricks[place][b]
            if array is None or brick is None:
                continue
            rest = () if last else (size ** (gates - place - 1),)
            held = array.reshape(size, -1, size, size, *rest)
            if last:  # π₀, earlier, π, σ and brick (σ, π, π₀)
                term = np.einsum("xeps,spx->xep", held, brick, optimize=True)
            else:  # π₀, earlier, π, σ, rest and brick (σ, π, π')
                term = np.einsum("xepsr,spq->xepqr", held, brick, optimize=True)
            further[c] = term if further[c] is None else further[c] + term
        opened = further
    result: list[Array | None] = []
    for array in opened:
        if array is not None:
            array = array.reshape((size,) * gates)
            for axis in range(gates):
                array = np.moveaxis(np.tensordot(weingarten, array, axes=(1, axis)), 0, axis)
        result.append(array)
    return result
