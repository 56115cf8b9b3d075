"""Which gates of a large circuit are done together, so that their part of the state stays in cache."""

from __future__ import annotations

from collections.abc import Sequence
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
    low, every = (1 << _LOW) - 1, (1 << qubits) - 1
    waiting = list(range(len(supports)))
    found: list[Group] = []
    while waiting:
        active, members, left = low, [], []
        behind, behind_diagonals = 0, 0
        for seen, place in enumerate(waiting):
            if behind == every:  # nothing further can join
                left += waiting[seen:]
                break
            mask = supports[place]
            free = not mask & (behind if diagonal[place] else behind | behind_diagonals)
            if free and (active | mask).bit_count() <= BLOCK:
                active |= mask
                members.append(place)
                continue
            left.append(place)
            if diagonal[place]:
                behind_diagonals |= mask
            else:
                behind |= mask
        found.append(Group(_filled(active, qubits), tuple(members)))
        waiting = left
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
            behind, behind_diagonals, left = 0, 0, []
            for seen, place in enumerate(waiting):
                if behind == every:
                    left += waiting[seen:]
                    break
                mask = supports[place]
                free = not mask & (behind if diagonal[place] else behind | behind_diagonals)
                if free and wanted[place]:
                    found.append(place)
                    continue
                left.append(place)
                if diagonal[place]:
                    behind_diagonals |= mask
                else:
                    behind |= mask
            waiting = left
        if len(found) == before:
            found.append(waiting.pop(0))
    return found


def _filled(active: int, qubits: int) -> int:
    """The mask with the lowest free qubits added, up to ``BLOCK``."""
    for qubit in range(qubits):
        if active.bit_count() == BLOCK:
            break
        active |= 1 << qubit
    return active
