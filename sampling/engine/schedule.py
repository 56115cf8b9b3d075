"""Which gates of a large circuit are done together, so that their part of the state stays in cache.

One draw is worked on at a time. A group of gates acts on few qubits, the active ones; three of the others are its
lanes, whose eight values stand in one vector and need no gates. The state lies in memory with the lowest three qubits
as lanes, and a group that acts on one of those takes three others instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

WHOLE = 12
"""Qubits up to which a circuit is worked on as a whole, eight draws at a time."""
LANES = 3
"""Qubits whose values stand in one vector."""
_BLOCK = 11
"""Most active qubits: with the lanes, ψ and λ then take half a megabyte."""
_LOWEST, _NEXT = (1 << LANES) - 1, ((1 << LANES) - 1) << LANES
"""The lanes in memory, and the qubits that are active beside them: their amplitudes lie side by side."""


def block(qubits: int) -> int:
    """Active qubits of a group."""
    return min(_BLOCK, qubits - LANES)


def widest(qubits: int) -> int:
    """Qubits of a gate that always fits a group."""
    return block(qubits) - LANES


def state_bytes(qubits: int, whole: bool) -> int:
    """What a thread holds of states: up to five of eight draws if circuits are worked on as a whole, else ψ and λ."""
    return (5 * 8 if whole else 2) * 17 << qubits


@dataclass(frozen=True)
class Group:
    """Gates that act on few qubits.

    Attributes:
        active: mask of ``block(qubits)`` qubits: the lowest three are all among them, or none.
        lanes: mask of three others: the lowest three, if they are not active.
        members: places of the gates, in an order that gives the same circuit.
    """

    active: int
    lanes: int
    members: tuple[int, ...]


def groups_of(supports: Sequence[int], diagonal: Sequence[bool], qubits: int) -> list[Group]:
    """The gates of a circuit in groups.

    Args:
        supports: mask of the qubits of each gate, in time order.
        diagonal: whether it is diagonal, so that it commutes with every other such.
        qubits: n, more than ``WHOLE``.

    A gate, of ``widest(qubits)`` qubits at most, joins a group if it does not stand behind one that waits on one of
    its qubits. Of a group with and one without the lowest three qubits, the one with more gates comes first.
    """
    waiting = list(range(len(supports)))
    found: list[Group] = []
    while waiting:
        choices = [_group(waiting, supports, diagonal, qubits, low) for low in (False, True)]
        group, waiting = max(choices, key=lambda choice: len(choice[0].members))
        found.append(group)
    return found


def _group(
    waiting: Sequence[int], supports: Sequence[int], diagonal: Sequence[bool], qubits: int, low: bool
) -> tuple[Group, list[int]]:
    """The next group, with the lowest three qubits or without, and the gates that wait on."""
    active, forbidden = (_LOWEST, 0) if low else (_NEXT, _LOWEST)

    def fits(place: int) -> bool:
        nonlocal active
        if supports[place] & forbidden or (active | supports[place]).bit_count() > block(qubits):
            return False
        active |= supports[place]
        return True

    members, left = _taken(waiting, supports, diagonal, (1 << qubits) - 1, fits)
    lanes = _filled(0, active, LANES) if low else _LOWEST
    return Group(_filled(active, lanes, block(qubits)), lanes, tuple(members)), left


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


def _filled(mask: int, taken: int, count: int) -> int:
    """The mask with the lowest qubits that are not taken added, up to ``count``."""
    bit = 1
    while mask.bit_count() < count:
        if not bit & taken:
            mask |= bit
        bit <<= 1
    return mask
