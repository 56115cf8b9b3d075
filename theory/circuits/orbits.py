"""Where a Pauli string can go: its orbit under the rotations of a layer and the Clifford gate that ends it.

One layer back in time takes a string to C†PC, then through rotations that each leave it or take it to iQP. With uniform
angles this is a Markov chain with a doubly stochastic matrix. A string so comes back to where it was, the strings that
it reaches are its orbit, and a deep circuit makes it uniform on the orbit, or on a part of it: rotations keep the
number of layers passed, so the orbit falls into d classes that C permutes in a circle. From a string at level 0 the
class after N layers is the one of level N modulo d. Within a class a rotation may always leave the string as it is, so
nothing else recurs. d is the greatest common divisor of what the levels disagree by along closed walks.

The search goes outwards in shells. A neighbour of a shell lies in the shell before it, in it, or in the next one, so
only these are compared. One that grows beyond a bound is given
up, and ``quadrics`` has it in closed form where it fills a quadric.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qntk.theory.circuits.binary import apply
from qntk.theory.circuits.moves import Moves
from qntk.theory.circuits.pauli_words import Words, unpack

_BLOCK = 1 << 22
"""Pairs of strings that are compared at a time."""


@dataclass(frozen=True, eq=False)
class Orbit:
    """The strings that one string reaches, one by one.

    Attributes:
        qubits: number of qubits n.
        strings: packed, in the order of ``keys``, shape (N, 2W).
        levels: layers passed since the string that was asked for, modulo ``period``, shape (N,).
        period: number of classes d.
    """

    qubits: int
    strings: Words
    levels: NDArray[np.int64]
    period: int

    @cached_property
    def keys(self) -> NDArray[Any]:
        """Keys of the strings."""
        return keys(self.strings, self.qubits)

    @property
    def size(self) -> int:
        """Strings in one class."""
        return len(self.strings) // self.period

    def at(self, level: int) -> Words:
        """The class of a level."""
        strings: Words = self.strings[self.levels == level % self.period]
        return strings

    def level_of(self, string: Words) -> int | None:
        """The level of a string, None if it is not in the orbit."""
        place = find(self.keys, keys(string[None], self.qubits))[0]
        return None if place < 0 else int(self.levels[place])

    def shares(self, movers: Words, level: int) -> NDArray[np.float64]:
        """Share of the class of a level that anticommutes with each of the strings given, shape (m,)."""
        strings, total = self.at(level), np.zeros(len(movers))
        for block in blocks(strings, len(movers)):
            total += meets(block, movers, self.qubits).sum(axis=0)
        return total / len(strings)


def search(moves: Moves, string: Words, most: int) -> Orbit | None:
    """The orbit of a string (2W words), None if it holds more than ``most`` strings."""
    qubits, period = moves.qubits, 0 if not moves.still else 1
    shells = [(string[None], np.zeros(1, dtype=np.int64))]
    before = (string[None][:0], np.zeros(0, dtype=np.int64))
    found = 1
    while len(shells[-1][0]):
        around = _neighbours(moves, *shells[-1], most)
        if around is None:
            return None
        words, levels = around
        known_words = np.concatenate([before[0], shells[-1][0]])
        known_levels = np.concatenate([before[1], shells[-1][1]])
        order = np.argsort(keys(known_words, qubits))
        place = find(keys(known_words, qubits)[order], keys(words, qubits))
        met = place >= 0
        gaps = levels[met] - known_levels[order][place[met]]
        fresh, first, inverse = np.unique(keys(words[~met], qubits), return_index=True, return_inverse=True)
        outer = (words[~met][first], levels[~met][first])
        gaps = np.concatenate([gaps, levels[~met] - outer[1][inverse]])
        period = math.gcd(period, *np.unique(np.abs(gaps)).tolist())
        found += len(fresh)
        if found > most:
            return None
        before = shells[-1]
        shells.append(outer)
    strings = np.concatenate([words for words, _ in shells])
    levels = np.concatenate([levels for _, levels in shells])
    order = np.argsort(keys(strings, qubits))
    return Orbit(qubits, strings[order], levels[order] % period, period)


def _neighbours(
    moves: Moves, strings: Words, levels: NDArray[np.int64], most: int
) -> tuple[Words, NDArray[np.int64]] | None:
    """All strings one move away, with their levels; C counts one, and one back against it. None where too many."""
    words, heights, held, offset = [strings[:0]], [levels[:0]], 0, 0
    for block in blocks(strings, len(moves.movers)):
        which, move = np.nonzero(meets(block, moves.movers, moves.qubits))
        fresh = _distinct(block[which] ^ moves.movers[move], levels[offset + which], moves.qubits)
        offset += len(block)
        words.append(fresh[0])
        heights.append(fresh[1])
        held += len(fresh[0])
        if held > 4 * most:
            together = _distinct(np.concatenate(words), np.concatenate(heights), moves.qubits)
            words, heights, held = [together[0]], [together[1]], len(together[0])
            if len(np.unique(keys(together[0], moves.qubits))) > 3 * most:  # two shells are known, all else is new
                return None
    if not moves.still:
        words += [apply(moves.pull_matrix, strings, moves.qubits), apply(moves.push_matrix, strings, moves.qubits)]
        heights += [levels + 1, levels - 1]
    return np.concatenate(words), np.concatenate(heights)


def _distinct(strings: Words, levels: NDArray[np.int64], qubits: int) -> tuple[Words, NDArray[np.int64]]:
    """Strings and their levels, each pair once."""
    chosen = [np.zeros(0, dtype=np.int64)]
    for level in np.unique(levels):
        same = np.flatnonzero(levels == level)
        chosen.append(same[np.unique(keys(strings[same], qubits), return_index=True)[1]])
    kept = np.concatenate(chosen)
    return strings[kept], levels[kept]


def meets(strings: Words, movers: Words, qubits: int) -> NDArray[np.bool_]:
    """Where each string anticommutes with each mover, shape (N, m)."""
    bits = unpack(movers, qubits).astype(np.float32)
    swapped = np.concatenate([bits[:, qubits:], bits[:, :qubits]], axis=1)
    crossed = (unpack(strings, qubits).astype(np.float32) @ swapped.T).astype(np.int32)
    odd: NDArray[np.bool_] = (crossed & 1).astype(np.bool_)
    return odd


def blocks(strings: Words, width: int) -> list[Words]:
    """Strings in pieces whose comparison with ``width`` others fits in memory."""
    step = max(1, _BLOCK // max(width, 1))
    return [strings[begin : begin + step] for begin in range(0, len(strings), step)]


def keys(strings: Words, qubits: int) -> NDArray[Any]:
    """One sortable value a string, shape (N,)."""
    if qubits <= 32:
        packed: NDArray[Any] = strings[:, 0] | strings[:, 1] << np.uint64(32)
        return packed
    rows = np.ascontiguousarray(strings)
    return rows.view(np.dtype((np.void, rows.shape[1] * rows.itemsize))).ravel()


def find(ordered: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.int64]:
    """The place of each wanted key among ordered ones, -1 where it is not there."""
    if not len(ordered):
        return np.full(len(wanted), -1)
    place = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    return np.where(ordered[place] == wanted, place, -1)
