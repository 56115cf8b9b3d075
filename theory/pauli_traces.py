"""Traces of the powers of a sum of Pauli strings up to the eighth, exact, also where A⁴ has too many terms to list.

The cumulants κ_k of the normalised trace, log Tr e^{sA}/D = Σ κ_k s^k/k!, add over parts on disjoint qubits. Hence κ_k
is a sum over the connected sets of at most k strings (strings that share a qubit being neighbours), and with the
strings in some order

    κ_k(A) = Σ_i [κ_k(A_i + c_i P_i) - κ_k(A_i)],

A_i the part of A on the strings after P_i that at most k - 1 steps over such strings reach. On a chain A_i has a few
dozen strings whatever its length, and the same ones, up to a shift, nearly everywhere. Within a part, the powers are
listed.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Item = tuple[int, int, int]
"""X mask, Z mask and coefficient of a string."""
_WORK = 30_000_000
"""Products of strings up to which traces are worked out: some seconds."""
_PAIRS = 4_000_000
"""Products held at a time."""


@dataclass(frozen=True)
class _Sum:
    """Σ coefficient · string: bit masks, X before Z, of shape (terms, words), distinct; integers of any size."""

    keys: Keys
    coefficients: NDArray[np.object_]

    def __mul__(self, other: _Sum) -> _Sum:
        """The product of two powers of one operator, in which all that is not Hermitian cancels."""
        half = self.keys.shape[1] // 2
        parts = []
        step = max(1, _PAIRS // max(1, len(other.keys)))
        for first in range(0, len(self.keys), step):
            one, two = self.keys[first : first + step, None], other.keys[None]
            keys = one ^ two
            own, theirs, joint = (_count(k[..., :half] & k[..., half:]) for k in (one, two, keys))
            power = (own + theirs - joint + 2 * _count(one[..., half:] & two[..., :half])) % 4
            real = power % 2 == 0
            factors = np.multiply.outer(self.coefficients[first : first + step], other.coefficients)[real]
            parts.append(_collect(keys[real], np.where(power[real] == 0, factors, -factors)))
        return _collect(np.concatenate([p.keys for p in parts]), np.concatenate([p.coefficients for p in parts]))

    def __matmul__(self, other: _Sum) -> int:
        """Tr (A B) / D."""
        keys = np.concatenate([self.keys, other.keys])
        coefficients = np.concatenate([self.coefficients, other.coefficients])
        order = np.lexsort(keys.T)
        keys, coefficients = keys[order], coefficients[order]
        equal = (keys[1:] == keys[:-1]).all(axis=1)
        return int(np.sum((coefficients[1:] * coefficients[:-1])[equal], initial=0))


def normalised_traces(terms: Mapping[tuple[int, int], Fraction]) -> list[Fraction]:
    """Tr A^k / D for k = 0, 1, … of Σ c P over distinct strings (x mask, z mask), the identity not among them.

    Up to k = 8; up to 6, or else 4, where more would take more than some seconds: for hundreds of strings without a
    neighbourhood of their own, or some hundred in a plane.

    >>> [int(m) for m in normalised_traces({(1, 0): Fraction(1), (0, 1): Fraction(2)})]  # X + 2Z squares to 5
    [1, 0, 5, 0, 25, 0, 125, 0, 625]
    """
    scale = math.lcm(*(c.denominator for c in terms.values()))
    items = sorted(((x, z, int(c * scale)) for (x, z), c in terms.items() if c), key=lambda item: item[0] | item[1])
    moments: Sequence[Fraction | int] = [1] + [0] * 8
    if not items:
        return [Fraction(m) for m in moments]
    for order in (8, 6, 4):
        whole = _work(len(items), order)
        if parts := _parts(items, order, min(whole, _WORK)):
            moments = _from_cumulants(_local_cumulants(parts, order))
            break
        if whole <= _WORK or order == 4:
            moments = _moments(_pack(items), order)
            break
    return [Fraction(m, scale**k) for k, m in enumerate(moments)]


def _work(terms: int, order: int) -> int:
    """Products of strings that listing the powers takes, about."""
    pairs = terms * (terms + 1) // 2
    return {4: terms * terms, 6: pairs * terms, 8: pairs * pairs}[order]


def _local_cumulants(parts: Sequence[Sequence[Item]], order: int) -> list[Fraction]:
    """Σ_i [κ(A_i + c_i P_i) - κ(A_i)], every part worked out once, whichever qubits it is on."""
    known: dict[tuple[Item, ...], list[Fraction]] = {}
    total = [Fraction(0)] * (order + 1)
    for part in parts:
        for sign, kept in ((1, part), (-1, part[1:])):
            if kept:
                key = _shifted(kept)
                if key not in known:
                    known[key] = _cumulants(_moments(_pack(key), order))
                total = [t + sign * k for t, k in zip(total, known[key], strict=True)]
    return total


def _parts(items: Sequence[Item], order: int, most: int) -> list[list[Item]] | None:
    """P_i and then A_i, for every i; None if listing their powers takes more than ``most`` products."""
    supports = [x | z for x, z, _ in items]
    parts: list[list[Item]] = []
    seen: set[tuple[Item, ...]] = set()
    work = 0
    for i in range(len(items)):
        reached, edge = {i}, supports[i]
        for _ in range(order - 1):
            new = {j for j in range(i + 1, len(items)) if j not in reached and supports[j] & edge}
            reached |= new
            edge = functools.reduce(operator.or_, (supports[j] for j in new), 0)
        parts.append([items[j] for j in sorted(reached)])
        key = _shifted(parts[-1])
        if key not in seen:
            seen.add(key)
            work += 2 * _work(len(key), order)
            if work > most:
                return None
    return parts


def _shifted(items: Sequence[Item]) -> tuple[Item, ...]:
    """The strings moved down to the first qubit."""
    union = functools.reduce(operator.or_, (x | z for x, z, _ in items))
    low = (union & -union).bit_length() - 1
    return tuple((x >> low, z >> low, c) for x, z, c in items)


def _pack(items: Sequence[Item]) -> _Sum:
    words = max(1, -(-max((x | z).bit_length() for x, z, _ in items) // 64))
    keys = [[mask >> (64 * w) & (2**64 - 1) for mask in (x, z) for w in range(words)] for x, z, _ in items]
    coefficients = np.empty(len(items), dtype=object)
    coefficients[:] = [c for _, _, c in items]
    return _Sum(np.array(keys, dtype=np.uint64), coefficients)


def _moments(one: _Sum, order: int) -> list[int]:
    """Tr A^k / D for k = 0 … order."""
    two = one * one
    moments = [1, 0, one @ one, one @ two, two @ two]
    if order > 4:
        three = one * two
        moments += [two @ three, three @ three]
    if order > 6:
        four = two * two
        moments += [three @ four, four @ four]
    return moments[: order + 1]


def _cumulants(moments: list[int]) -> list[Fraction]:
    """κ_n = m_n - Σ binom(n-1, k-1) κ_k m_{n-k}."""
    kappa = [Fraction(0)]
    for n in range(1, len(moments)):
        lower = sum((math.comb(n - 1, k - 1) * kappa[k] * moments[n - k] for k in range(1, n)), Fraction(0))
        kappa.append(moments[n] - lower)
    return kappa


def _from_cumulants(kappa: list[Fraction]) -> list[Fraction]:
    moments = [Fraction(1)]
    for n in range(1, len(kappa)):
        total = (math.comb(n - 1, k - 1) * kappa[k] * moments[n - k] for k in range(1, n + 1))
        moments.append(sum(total, Fraction(0)))
    return moments


def _count(bits: Keys) -> NDArray[np.int64]:
    return np.asarray(np.bitwise_count(bits).sum(axis=-1, dtype=np.int64))


def _collect(keys: Keys, coefficients: NDArray[np.object_]) -> _Sum:
    """Equal strings added up."""
    if not len(keys):
        return _Sum(keys, coefficients)
    order = np.lexsort(keys.T)
    keys, coefficients = keys[order], coefficients[order]
    first = np.flatnonzero(np.concatenate([[True], (keys[1:] != keys[:-1]).any(axis=1)]))
    sums = np.add.reduceat(coefficients, first)
    kept = np.flatnonzero(sums != 0)
    return _Sum(keys[first[kept]], sums[kept])
