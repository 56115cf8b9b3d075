"""Which gates of a large circuit are done together, so that their part of the state stays in cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

BLOCK = 11
"""Qubits of a group: ψ and λ of eight draws then take half a megabyte."""
WHOLE = 12
"""Qubits up to which a circuit is worked on as a whole."""
_LOW = 3
"""Lowest qubits, which are in every group: their amplitudes lie side by side in memory."""
WIDEST = BLOCK - _LOW
"""Qubits of a gate that always fits a group."""


@dataclass(frozen=True)
class Group:
    """Gates that act on few qubits.

    Attributes:
        active: mask of exactly ``BLOCK`` qubits.
        members: places of the gates, in an order that gives the same circuit.
    """

    active: int
    members: tuple[int, ...]


def groups_of(supports: Sequence[int], diagonal: Sequence[bool], qubits: int) -> list[Group]:
    """The gates of a circuit in groups.

    Args:
        supports: mask of the qubits of each gate, in time order.
        diagonal: whether it is diagonal, so that it commutes with every other such.
        qubits: n, more than ``BLOCK``.

    A gate, of ``WIDEST`` qubits at most, joins a group if it does not stand behind one that waits on one of its qubits.
    """
    low = (1 << _LOW) - 1
    waiting = list(range(len(supports)))
    found: list[Group] = []
    while waiting:
        active = low

        def fits(place: int) -> bool:
            nonlocal active
            if (active | supports[place]).bit_count() > BLOCK:
                return False
            active |= supports[place]
            return True

        members, waiting = _taken(waiting, supports, diagonal, (1 << qubits) - 1, fits)
        found.append(Group(_filled(active, qubits), tuple(members)))
    return found


def side_by_side(
    members: Sequence[int], supports: Sequence[int], diagonal: Sequence[bool], turns: Sequence[bool]
) -> list[int]:
    """The same gates with diagonal ones, and then turns, side by side as far as they may change places.

    ``members`` are places in time order; ``turns`` says which gates are worked on in pairs.
    """
    found: list[int] = []
    waiting = list(members)
    every = 0
    for place in waiting:
        every |= supports[place]
    while waiting:
        before = len(found)
        for wanted in (diagonal, turns):
            taken, waiting = _taken(waiting, supports, diagonal, every, wanted.__getitem__)
            found += taken
        if len(found) == before:
            found.append(waiting.pop(0))
    return found


def _taken(
    waiting: Sequence[int],
    supports: Sequence[int],
    diagonal: Sequence[bool],
    every: int,
    wanted: Callable[[int], bool],
) -> tuple[list[int], list[int]]:
    """Gates that are wanted and stand behind none that waits on one of their qubits, and those that wait, in order.

    ``every`` is the mask of all qubits: once gates wait on each of them, nothing further can be taken.
    """
    taken: list[int] = []
    left: list[int] = []
    behind, behind_diagonals = 0, 0
    for seen, place in enumerate(waiting):
        if behind == every:
            left += waiting[seen:]
            break
        mask = supports[place]
        free = not mask & (behind if diagonal[place] else behind | behind_diagonals)
        if free and wanted(place):
            taken.append(place)
            continue
        left.append(place)
        if diagonal[place]:
            behind_diagonals |= mask
        else:
            behind |= mask
    return taken, left


def _filled(active: int, qubits: int) -> int:
    """The mask with the lowest free qubits added, up to ``BLOCK``."""
    for qubit in range(qubits):
        if active.bit_count() == BLOCK:
            break
        active |= 1 << qubit
    return active
