"""The Haar group that a circuit of Pauli rotations and Clifford gates is nearest to, and its mean of K.

An antiunitary T = S·conj, S a Pauli string, takes a Pauli string P to (-1)^q(P) P, with q(P) the number of Y in P, plus
1 if P anticommutes with S, modulo 2: a quadratic form. A rotation about Q commutes with T if q(Q) = 1, and for the
rotations of a layer that is linear in S. T² = ±1 as the number of Y in S is even or odd: layers that commute with T are
orthogonal or symplectic, all others are taken as unitary. Haar layers of such a group take a string to all of the same
q but the identity, of the unitary group to all: the group's mean is the orbit law of these classes. A circuit is Haar
in the mean if and only if the orbits of its observable are that large, and if not it never will be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qntk.inputs.normal_form import NormalForm
from qntk.theory.circuits.binary import combine, solve
from qntk.theory.circuits.clifford_frame import RotationFrame
from qntk.theory.circuits.finder import OrbitSize
from qntk.theory.circuits.moves import FREE, Moves
from qntk.theory.circuits.path_families import input_state
from qntk.theory.circuits.pauli_words import Words, anticommute, pack, pack_label, unpack
from qntk.theory.circuits.quadrics import Quadric
from qntk.theory.circuits.spaces import Space
from qntk.theory.circuits.terms import as_moves
from qntk.theory.haar.invariants import Group


@dataclass(frozen=True)
class HaarLimit:
    """Haar layers in place of a circuit's gates.

    Attributes:
        group: that its layers are in: ``unitary``, ``orthogonal`` or ``symplectic``.
        value: E K with as many generators of the same size, in units of the observable squared.
        classes: strings in each class of the group that the observable has terms in, largest first.
    """

    group: Group
    value: float
    classes: tuple[int, ...]

    def filled_by(self, orbits: tuple[OrbitSize, ...]) -> bool:
        """Whether orbits are these classes, so that a deep circuit has the mean of Haar layers."""
        return tuple(orbit.size for orbit in orbits) == self.classes and all(o.period == 1 for o in orbits)


def haar_limit(
    circuit: Moves | RotationFrame | NormalForm, observable: Mapping[str, float], first: Any = 0
) -> HaarLimit | None:
    """Haar layers of the smallest classical group that holds the circuit's moves.

    Args:
        circuit, observable: as for ``circuits.orbit_law.orbit_mean``.
        first: input state, a stabiliser state.

    None for orthogonal layers on two qubits: SO(4) is not simple and has no single law.

    >>> from qntk.theory.circuits.clifford_frame import Gate, Rotation
    >>> layer = [Rotation("Y", (q,), q) for q in range(3)] + [Gate("cx", (0, 1)), Gate("cx", (1, 2))]
    >>> limit = haar_limit(Moves.from_operations(3, layer), {"IIZ": 1.0})
    >>> limit.group, limit.classes, round(limit.value, 4)
    ('orthogonal', (35,), 0.3429)
    """
    moves = as_moves(circuit)
    n, state = moves.qubits, input_state(first, moves.qubits)
    reversal = _reversal(moves)
    group: Group = "unitary"
    if reversal is not None:
        group = "symplectic" if _odd_ys(reversal[None], n)[0] else "orthogonal"
    if group == "orthogonal" and n <= 2:
        return None
    space = _whole(n, reversal)
    slopes = np.where(moves.parameters == FREE, 0, moves.slopes).astype(float) ** 2
    unique, which = np.unique(moves.strings, axis=0, return_inverse=True)
    classes: dict[int, tuple[Quadric, float]] = {}
    value = 0.0
    for label, coefficient in observable.items():
        string = pack_label(label)
        if coefficient == 0 or not string.any():
            continue
        kind = 0 if reversal is None else int(_parity(string[None], reversal, n)[0])
        if kind not in classes:
            quadric = Quadric(space, string)
            shares = np.array([quadric.share(q) for q in unique])[which.ravel()]
            unit = (1.0, np.zeros_like(string), 0)
            classes[kind] = quadric, quadric.mean((unit,), (state,)) * float(shares @ slopes)
        value += coefficient**2 * classes[kind][1]
    return HaarLimit(group, value, tuple(sorted((q.size for q, _ in classes.values()), reverse=True)))


def _reversal(moves: Moves) -> Words | None:
    """S of a time reversal that commutes with the moves of every layer, shape (2W,), or None.

    If q is 1 on strings that span all moves and on what the Clifford gates make of them, those gates keep it.
    """
    strings = np.concatenate([moves.movers, moves.span, moves.pull(moves.span)]) if len(moves.span) else moves.movers
    if not len(strings):
        return None
    n = moves.qubits
    bits = unpack(strings, n)
    rows = np.concatenate([bits[:, n:], bits[:, :n]], axis=1)
    found = solve(rows, ~_odd_ys(strings, n))
    if found is None:
        return None
    reversal: Words = combine(found[0][None], _unit_strings(n))[0]
    return reversal


def _whole(qubits: int, reversal: Words | None) -> Space:
    """All strings, with the form of a time reversal."""
    units = _unit_strings(qubits)
    form = None if reversal is None else _parity(units, reversal, qubits).astype(np.int64)
    return Space(units[:qubits], units[qubits:], units[:0], 0, form)


def _unit_strings(qubits: int) -> Words:
    """X on each qubit, then Z on each, shape (2n, 2W)."""
    eye, none = np.eye(qubits, dtype=bool), np.zeros((qubits, qubits), dtype=bool)
    return pack(np.concatenate([eye, none]), np.concatenate([none, eye]))


def _parity(strings: Words, reversal: Words, qubits: int) -> NDArray[np.bool_]:
    """q of strings of shape (N, 2W): whether T takes them to their negative."""
    odd: NDArray[np.bool_] = _odd_ys(strings, qubits) ^ anticommute(strings, reversal)
    return odd


def _odd_ys(strings: Words, qubits: int) -> NDArray[np.bool_]:
    bits = unpack(strings, qubits)
    odd: NDArray[np.bool_] = (bits[:, :qubits] & bits[:, qubits:]).sum(axis=1) % 2 == 1
    return odd
