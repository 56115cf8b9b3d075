"""The dynamical Lie algebra of Pauli rotations and Clifford gates: its dimension, exactly, and its name.

Nested commutators of Pauli strings are Pauli strings: the algebra is spanned by the orbits of the moves themselves
(``circuits.orbits``), those of all layers. Moves that hang together by anticommuting ones span an ideal; one that
commutes with all is a u(1). In the span V of moves that hang together let R be the strings that commute with all of V,
2p the dimension of V/R, and s and r the numbers of the ideal's strings and of their classes modulo R. Strings of R are
central, so that the ideal is s/r copies of an algebra of dimension r, and p and r tell which (G. Aguilar, S. Cichy, J.
Eisert and L. Bittel, arXiv:2408.00081):

    so(N)          r = N(N-1)/2 with N = 2p + 1 or 2p + 2,   free fermions with N Majorana operators
    so(2^p)        r = 2^{p-1} (2^p - 1),                    a quadratic form of Arf invariant 0
    sp(2^{p-1})    r = 2^{p-1} (2^p + 1),                    one of Arf invariant 1
    su(2^p)        r = 4^p - 1,                              no form, or one that is not 0 on R

Where two rows give one dimension, for p at most 3, the algebras are isomorphic.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from qntk.inputs.normal_form import NormalForm
from qntk.theory.circuits.binary import hyperbolic, independent
from qntk.theory.circuits.clifford_frame import RotationFrame
from qntk.theory.circuits.moves import Moves
from qntk.theory.circuits.orbits import keys, meets, search
from qntk.theory.circuits.pauli_words import Words, anticommute, pack
from qntk.theory.circuits.spaces import components, space_of
from qntk.theory.circuits.terms import as_moves

_POWER = 10
"""Exponents up to which a power of two is written out."""


@dataclass(frozen=True)
class Algebra:
    """A dynamical Lie algebra.

    Attributes:
        dimension: over the reals.
        ideals: name and dimension of each simple ideal, and how often it occurs, largest first.
        centre: dimension of the centre.
    """

    dimension: int
    ideals: tuple[tuple[str, int, int], ...]
    centre: int

    @property
    def name(self) -> str:
        """Such as ``so(8) ⊕ so(8)``; more than four of a kind are counted."""
        parts = []
        for name, _, count in (*self.ideals, ("u(1)", 1, self.centre)):
            parts += [name] * count if count <= 4 else [f"{count} {name}"]
        return " ⊕ ".join(parts)


def algebra_of(circuit: Moves | RotationFrame | NormalForm, most_strings: int = 2**17) -> Algebra:
    """The algebra of a circuit's moves, at every layer of its repetitions.

    Args:
        circuit: as for ``circuits.orbit_law.orbit_mean``; fixed rotations that are moves belong to it.
        most_strings: strings of an ideal to list; beyond, its dimension is worked out.

    Raises ``ValueError`` where an ideal can be neither listed nor worked out.

    >>> from qntk.theory.circuits.clifford_frame import Rotation
    >>> chain = [Rotation("X", (q,), q) for q in range(4)] + [Rotation("ZZ", (q, q + 1), 4 + q) for q in range(3)]
    >>> algebra = algebra_of(Moves.from_operations(4, chain))
    >>> algebra.name, algebra.dimension
    ('so(8)', 28)
    """
    moves = as_moves(circuit)
    central = moves.movers[~anticommute(moves.movers[:, None], moves.span[None]).any(axis=1)]
    centre = _listed(moves, central, most_strings) if len(central) else central
    found: Counter[tuple[str, int]] = Counter()
    listed = moves.movers[:0]
    for part in components(moves) if len(central) < len(moves.movers) else []:
        inside = _meeting(listed, part, moves.qubits)
        if not len(inside):
            orbit = search(moves, part[0], most_strings)
            if orbit is None:
                name, dimension, copies = _worked_out(moves, part)
                found[name, dimension] += copies
                continue
            listed = orbit.strings
            inside = _meeting(listed, part, moves.qubits)
        name, dimension, copies = _named(inside, part, moves.qubits)
        found[name, dimension] += copies
    ideals = tuple(sorted(((n, d, c) for (n, d), c in found.items()), key=lambda ideal: (-ideal[1], ideal[0])))
    return Algebra(sum(d * c for _, d, c in ideals) + len(centre), ideals, len(centre))


def _listed(moves: Moves, strings: Words, most: int) -> Words:
    """All strings of the orbits of some."""
    found = strings[:0]
    for string in strings:
        if not len(found) or not (found == string).all(axis=1).any():
            orbit = search(moves, string, most)
            if orbit is None:
                raise ValueError("the centre of the algebra is too large to list")
            found = np.concatenate([found, orbit.strings])
    return np.unique(found, axis=0)


def _meeting(strings: Words, part: Words, qubits: int) -> Words:
    """The strings that do not commute with all of a set of moves."""
    inside: Words = strings[meets(strings, part, qubits).any(axis=1)]
    return inside


def _named(strings: Words, part: Words, qubits: int) -> tuple[str, int, int]:
    """Name and dimension of a simple algebra, and its copies, from all strings of an ideal and moves that span it."""
    basis = independent(part)
    pairs = len(hyperbolic(basis)[0])
    patterns = meets(strings, basis, qubits)
    classes = len(np.unique(keys(pack(patterns, np.zeros_like(patterns)), max(64, len(basis)))))
    name = f"su({_size(qubits)})" if classes == 4**qubits - 1 else _name(pairs, classes)
    return name, classes, len(strings) // classes


def _name(pairs: int, classes: int) -> str:
    half = 1 << (pairs - 1)
    names = {4**pairs - 1: f"su({_size(pairs)})"}
    names |= {half * (2 * half + 1): f"sp({_size(pairs - 1)})", half * (2 * half - 1): f"so({_size(pairs)})"}
    names |= {N * (N - 1) // 2: f"so({N})" for N in (2 * pairs + 1, 2 * pairs + 2)}
    if pairs == 1:
        names[3] = "su(2)"
    return names[classes]


def _worked_out(moves: Moves, part: Words) -> tuple[str, int, int]:
    """The same where the ideal is too large to list and fills a quadric."""
    space = space_of(moves, part[0])
    pairs, radical = len(space.left), len(space.radical)
    half = 1 << (pairs - 1)
    if space.form is None:
        return f"su({_size(pairs)})", 4**pairs - 1, 1 << radical
    if space.form[2 * pairs :].any():
        return f"su({_size(pairs)})", 4**pairs - 1, 1 << (radical - 1)
    if int(space.form[:pairs] @ space.form[pairs : 2 * pairs]) % 2:
        return f"sp({_size(pairs - 1)})", half * (2 * half + 1), 1 << radical
    return f"so({_size(pairs)})", half * (2 * half - 1), 1 << radical


def _size(power: int) -> str:
    return str(1 << power) if power <= _POWER else f"2^{power}"
