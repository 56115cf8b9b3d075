"""The span of moves that hang together, and whether strings fill quadrics there.

Modulo signs, Pauli strings are vectors over two elements with the symplectic form ω, 1 where two anticommute, and a
rotation about Q that is taken is the transvection x → x + ω(x, Q)Q. Moves hang together if a walk through anticommuting
ones joins any two. What group they generate on their span V (R. Brown and S. Humphries, Proc. London Math. Soc. 52,
517 (1986); W. Janssen, Math. Ann. 266, 115 (1983)) shows in how the orbit of a move grows. With V's m dimensions
outside its radical:

* at most (m+2)(m+1)/2 strings: the permutations of at most m + 2 letters (free fermions);
* else, with a quadratic form q of polar form ω that is 1 on all moves: all isometries of q;
* else the whole symplectic group.

In the last two ``quadrics`` has the orbits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qntk.theory.circuits.binary import Table, combine, hyperbolic, independent, krylov, solve_all
from qntk.theory.circuits.moves import Moves
from qntk.theory.circuits.orbits import find, keys, meets
from qntk.theory.circuits.pauli_words import Words, anticommute, pack

Bits = NDArray[np.int64]
_MOST_LAYERS = 4096
"""Layers after which the frame's moves should have come back, or hang together."""
_LAYERS = 16
"""Layers whose moves are tried to tell free fermions from larger groups."""


@dataclass(frozen=True, eq=False)
class Space:
    """The span V of moves that hang together, in a basis of hyperbolic pairs and a radical.

    Attributes:
        left, right: strings e_k, f_k with ω(e_k, f_k) = 1 and all else 0, shape (p, 2W).
        radical: strings that commute with all of V, shape (c, 2W).
        inner: how many of the radical, from its first on, come of moves that hang together; the rest are central moves.
        form: q of left, right and radical in a row, shape (2p + c,); None for the symplectic group.
    """

    left: Words
    right: Words
    radical: Words
    inner: int
    form: Bits | None

    @property
    def basis(self) -> Words:
        """Left, right and radical in a row."""
        return np.concatenate([self.left, self.right, self.radical])

    @property
    def turning(self) -> Words:
        """The part of the basis of which a string of the orbit must not commute with all."""
        return self.basis[: 2 * len(self.left) + self.inner]

    def holds(self, strings: Words) -> Table:
        """Which strings of shape (N, 2W) lie in V."""
        return self._coordinates(strings)[1]

    def values(self, strings: Words) -> Bits:
        """q of strings in V, shape (N,)."""
        assert self.form is not None
        pairs = len(self.left)
        t = self._coordinates(strings)[0].astype(np.int64)
        value: Bits = (t @ self.form + (t[:, :pairs] * t[:, pairs : 2 * pairs]).sum(axis=1)) % 2
        return value

    def _coordinates(self, strings: Words) -> tuple[Table, Table]:
        """Coordinates in the basis, shape (N, 2p + c), and whether they give the string."""
        first, second = (anticommute(strings[:, None], part[None]) for part in (self.right, self.left))
        rest = strings ^ combine(np.concatenate([first, second], axis=1), self.basis[: 2 * len(self.left)])
        rows = np.unpackbits(self.radical.view(np.uint8), axis=1).astype(bool).T
        third, fits = solve_all(rows, np.unpackbits(rest.view(np.uint8), axis=1).astype(bool).T)
        return np.concatenate([first, second, third.T], axis=1), fits


def space_of(moves: Moves, string: Words) -> Space:
    """The space of the moves that meet a string, where its orbit fills a quadric.

    Raises ``ValueError`` where it does not: free fermions, and moves that fall apart into several commuting sets.
    """
    parts = [part for part in components(moves) if anticommute(part, string).any()]
    if len(parts) > 1:
        raise ValueError(
            "the orbit of a Pauli string is too large to list, and its moves fall into commuting sets: "
            "allow more strings, or take fewer qubits"
        )
    if not parts:
        raise ValueError("the orbit of a Pauli string is too large to list; allow more strings")
    # A central move takes a string it meets to another one too: with q = 1 it joins the radical.
    central = krylov(_split(moves)[1], moves.pull_matrix, moves.qubits)
    central = central[anticommute(central, string)]
    inner = independent(parts[0])
    basis = independent(np.concatenate([inner, central]))
    left, right, radical, coordinates = hyperbolic(basis)
    if _symmetric(np.concatenate([basis, string[None]]), len(left), _some_layers(moves, parts[0]), moves.qubits):
        raise ValueError(
            "the orbit of a Pauli string is too large to list: it is a product of many Majorana operators of free "
            "fermions; allow more strings, or take fewer qubits"
        )
    space = Space(left, right, radical, len(inner) - 2 * len(left), _quadratic(coordinates, basis))
    return replace(space, form=_form(moves, np.concatenate([parts[0], central]), space))


def _split(moves: Moves) -> tuple[Words, Words]:
    """One layer's moves that some move of some layer does not commute with, and those that all commute with."""
    met = anticommute(moves.movers[:, None], moves.span[None]).any(axis=1)
    return moves.movers[met], moves.movers[~met]


def components(moves: Moves) -> list[Words]:
    """Moves of all layers that are not central, enough to span and to join: an array for each set that hangs together.

    Raises ``ValueError`` where this cannot be decided because the Clifford gates never come back.
    """
    first = _split(moves)[0]
    frame, span = first, krylov(first, moves.pull_matrix, moves.qubits)
    labels, bridges = _connected(anticommute(span[:, None], span[None])), []
    for _ in range(_MOST_LAYERS):
        joined = anticommute(frame[:, None], span[None])
        for row, string in zip(joined, frame, strict=True):
            met = np.unique(labels[row])
            if len(met) > 1:
                labels[np.isin(labels, met)] = met[0]
                bridges.append(string)
        if moves.still or len(np.unique(labels)) <= 1:
            break
        frame = moves.pull(frame)
        if np.array_equal(np.unique(frame, axis=0), first):
            break
    else:
        raise ValueError(f"the Clifford gates of the layer have not come back after {_MOST_LAYERS} layers")
    sets = []
    for label in np.unique(labels):
        chosen = span[labels == label]
        sets.append(np.stack([*chosen, *(b for b in bridges if anticommute(chosen, b).any())]))
    return sets


def _some_layers(moves: Moves, part: Words) -> Words:
    """The moves of a part, and those of the next layers that meet it."""
    found, frame = [part], moves.movers
    for _ in range(1 if moves.still else _LAYERS):
        found.append(frame[anticommute(frame[:, None], part[None]).any(axis=1)])
        frame = moves.pull(frame)
    return np.unique(np.concatenate(found), axis=0)


def _symmetric(probes: Words, pairs: int, movers: Words, qubits: int) -> bool:
    """Whether the orbit of a move, without the radical, is no larger than that of free fermions."""
    most = (2 * pairs + 2) * (2 * pairs + 1) // 2
    # Without the radical a string is what it does to the basis: one bit for each of its strings.
    patterns = meets(movers, probes, qubits)
    shifts = pack(patterns, np.zeros_like(patterns))
    met = np.flatnonzero(patterns.any(axis=1))
    if not len(met):
        return True
    start = int(met[0])
    frontier, strings, before, count = shifts[start : start + 1], movers[start : start + 1], shifts[:0], 1
    while len(frontier) and count <= most:
        which, move = np.nonzero(meets(strings, movers, qubits))
        news = frontier[which] ^ shifts[move]
        fresh, first = np.unique(keys(news, 64), return_index=True)
        known = np.sort(keys(np.concatenate([before, frontier]), 64))
        chosen = first[find(known, fresh) < 0]
        before, frontier = frontier, news[chosen]
        strings = (strings[which] ^ movers[move])[chosen]
        count += len(frontier)
    return count <= most


def _form(moves: Moves, strings: Words, space: Space) -> Bits | None:
    """q of the space's basis, if the form that is 1 on the moves it was made of is 1 on those of all layers."""
    meeting = anticommute(moves.movers[:, None], space.basis[None]).any(axis=1)
    strings = np.concatenate([strings, moves.movers[meeting]])
    if not moves.still:
        # q = 1 on the basis and on what C makes of it means that q∘C = q, and then q = 1 in one layer is enough.
        strings = np.concatenate([strings, moves.pull(strings)])
    if not space.holds(strings).all():
        raise ValueError("the layer's Clifford gates exchange commuting sets of moves: allow more strings")
    return space.form if (space.values(strings) == 1).all() else None


def _quadratic(coordinates: Table, basis: Words) -> Bits:
    """q of sums of basis strings, with q = 1 on each: Σ t_i + Σ_{i<j} t_i t_j ω_ij modulo 2."""
    t = coordinates.astype(np.int64)
    crossed = np.triu(anticommute(basis[:, None], basis[None]), 1).astype(np.int64)
    form: Bits = (t.sum(axis=1) + ((t @ crossed) * t).sum(axis=1)) % 2
    return form


def _connected(links: Table) -> NDArray[np.int64]:
    labels = np.full(len(links), -1)
    for start in range(len(links)):
        if labels[start] >= 0:
            continue
        labels[start], frontier = start, np.array([start])
        while len(frontier):
            frontier = np.flatnonzero(links[frontier].any(axis=0) & (labels < 0))
            labels[frontier] = start
    return labels
