"""The mean kernel of a long brickwork by domain walls: polynomial in the number of qubits.

Averaged over a two-qubit Haar gate, two copies of an operator are left in the span of the identity I and the swap S of
the copies, on both qubits alike. So a local O⊗O, pulled back, is a mixture of intervals of S among I (A. Nahum, S.
Vijay and J. Haah, Phys. Rev. X 8, 021014 (2018)): a wall at the middle of a gate goes to either side of it with weight
2/5, walls at the ends of an open chain stay, and two that meet are gone. A pure product input gives every interval 1.

Let V_t(l, r) be the value of S on the qubits l … r-1 pulled back through layers t … 1. Where q lies inside, the two
derivatives there take S_q to (2g)² 2/3 (S_q - I_q/2), and with the weights c_t(l, r) of the intervals

    E (∂_{t,q} f)² = (2g)² 2/3 Σ c_t(l, r) [V_t(l, r) - ½ V_t(l, q; q+1, r)].

Walls go independently until they meet, so that the value of two intervals is the Pfaffian

    V(l, q; q+1, r) = V(l, q) V(q+1, r) - V(l, q+1) V(q, r) + V(l, r) V(q, q+1).

V is 2^{-(r-l)}, the part of the identity, and a rest V' ≥ 0, which obeys the same recursion and is all that a gradient
sees: the 2^{-(r-l)} are cancelled by hand, not by rounding.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_HOP = 0.4
MOST_ENTRIES = 10**8
"""Of V' at all layers, 8 bytes each."""


def local_gradients(qubits: int, depth: int, occupied: list[int], open_ends: bool) -> Array:
    """E (∂_{t,q} f)² of one Pauli string for g = 1/2, shape (depth - 1, n), as ``brickwork.brickwork_mean`` has it.

    Args:
        qubits, depth: n and d.
        occupied: qubits of the string, which one gate of the last layer holds.
        open_ends: whether the chain is open; else what depends on the string must not go around it.

    Raises ``ValueError`` for a string that no gate of the last layer holds, and where it would take too much memory.
    """
    first = (depth + 1) % 2
    left = min(occupied) - (min(occupied) - first) % 2
    left, right = (left, left + 2) if not open_ends else (max(left, 0), min(left + 2, qubits))
    if not left <= min(occupied) <= max(occupied) < right:
        raise ValueError(
            "a term of the observable is not within one gate of the last layer, and more than 24 qubits take such "
            f"alone: its qubits are {min(occupied)} to {max(occupied)}, a gate's {left} and {right - 1}"
        )
    begin, end = left - depth - 1, right + depth + 1
    if open_ends:
        begin, end = max(begin, 0), min(end, qubits)
    elif end - begin > qubits:
        raise ValueError(
            "what the observable depends on goes around the chain: take the open boundary, or fewer layers"
        )
    places = np.arange(begin, end + 1)
    size = len(places)
    if depth * size**2 > MOST_ENTRIES:
        raise ValueError(
            f"depth {depth} on a window of {size} qubits is more than {MOST_ENTRIES:,} numbers: take fewer layers"
        )
    identity = 0.5 ** np.clip(places[None, :] - places[:, None], 0, None).astype(float)
    rest = [np.triu(1 - identity, 1)]
    for layer in range(1, depth):
        middles = _middles(places, layer, qubits, open_ends)
        rest.append(np.triu(_hopped(_hopped(rest[-1], middles).T, middles).T, 1))
    weights = np.zeros((size, size))
    weights[left - begin, right - begin] = 4 / 15 if right - left == 2 else 2 / 3
    gradients = np.zeros((depth - 1, qubits))
    for layer in range(depth - 1, 0, -1):
        found = 2 / 3 * _inside(weights, rest[layer], identity)
        gradients[layer - 1, places[:-1] % qubits] = found
        middles = _middles(places, layer, qubits, open_ends)
        weights = np.triu(_spread(_spread(weights, middles).T, middles).T, 1)
    return gradients


def _middles(places: NDArray[np.int64], layer: int, qubits: int, open_ends: bool) -> NDArray[np.int64]:
    """Which places of walls are at the middle of a gate; a window's own ends are never reached."""
    middle = (places - (layer + 1) % 2) % 2 == 1
    if open_ends:
        middle &= (places > 0) & (places < qubits)
    middle[0] = middle[-1] = False
    return np.flatnonzero(middle)


def _hopped(values: Array, at: NDArray[np.int64]) -> Array:
    """Values by the place of a wall, pulled back through a layer with gates about these places."""
    found = values.copy()
    found[at] = _HOP * (values[at - 1] + values[at + 1])
    return found


def _spread(weights: Array, at: NDArray[np.int64]) -> Array:
    """Weights by the place of a wall, the transpose of ``_hopped``."""
    found = weights.copy()
    found[at] = 0
    found[at - 1] += _HOP * weights[at]
    found[at + 1] += _HOP * weights[at]
    return found


def _inside(weights: Array, rest: Array, identity: Array) -> Array:
    """Σ c(l, r) [V(l, r) - ½ V(l, q; q+1, r)] over the intervals that hold q, for every q, without the identity."""
    found = np.zeros(len(weights) - 1)
    rows, columns = np.flatnonzero(weights.any(axis=1)), np.flatnonzero(weights.any(axis=0))
    if not len(rows):
        return found
    whole = weights * rest
    both = weights * (rest + identity)
    for q in range(rows[0], columns[-1]):
        held = slice(rows[0], q + 1), slice(q + 1, columns[-1] + 1)
        c = weights[held]
        ahead, behind = rest[held[0], q], rest[held[0], q + 1]  # V' of (l, q) and (l, q+1)
        after, before = rest[q + 1, held[1]], rest[q, held[1]]  # of (q+1, r) and (q, r)
        h_ahead, h_behind = identity[held[0], q], identity[held[0], q + 1]
        h_after, h_before = identity[q + 1, held[1]], identity[q, held[1]]
        crossed = h_ahead @ c @ after + ahead @ c @ (h_after + after) - h_behind @ c @ before
        crossed -= behind @ c @ (h_before + before)
        found[q] = 0.75 * whole[held].sum() - 0.5 * rest[q, q + 1] * both[held].sum() - 0.5 * crossed
    return found
