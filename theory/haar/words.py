"""Words in an operator O and the final state R = ψψ†: their traces, and averages of those over a Haar state ψ.

With O shifted so that <O> = 0 in ψ, a cyclic word falls apart at its R into central moments m_a = <(O - <O>)^a>, and a
word without R is t_a = Tr (O - <O>)^a. Sums of products of them are kept as polynomials in symbols, in which averages
over random generators may leave further symbols. The average over ψ expands m_a and t_a in <O^b>, for which

    E ∏_i <O^{b_i}> = Σ_π ∏_cycles Tr O^{Σ b over the cycle} / (D(D+1)…(D+k-1)).
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Hashable, Iterable, Sequence
from fractions import Fraction
from typing import TypeVar

from qntk.theory.haar.invariants import Word

Symbol = tuple[str, tuple[int, ...]]
"""("m", (a,)), ("t", (a,)), or a weight ("w", cycle type) of an average over generators."""
Polynomial = dict[tuple[Symbol, ...], Fraction]
Key = TypeVar("Key", bound=Hashable)
O, R, B = range(3)
"""Letters: O - <O>, the state, and their commutator OR - RO."""


@functools.cache
def trace(word: Word) -> Polynomial:
    """The trace of a word; that of the empty one is t_0 = D.

    >>> trace((O, R, O, O, R, O))  # <O²>²
    {(('m', (2,)), ('m', (2,))): Fraction(1, 1)}
    """
    if B in word:
        place = word.index(B)
        before, after = word[:place], word[place + 1 :]
        return add([(1, trace((*before, O, R, *after))), (-1, trace((*before, R, O, *after)))])
    if R not in word:
        return monomial(("t", (len(word),)))
    start = word.index(R)
    orders = [0]
    for letter in word[start + 1 :] + word[:start]:
        if letter == R:
            orders.append(0)
        else:
            orders[-1] += 1
    return {} if 1 in orders else monomial(*(("m", (a,)) for a in orders if a))


def product(words: Iterable[Word]) -> Polynomial:
    """The product of the traces of the words."""
    result = monomial()
    for word in words:
        result = times(result, trace(word))
        if not result:
            break
    return result


def monomial(*symbols: Symbol) -> Polynomial:
    """A product of symbols; 1 for none."""
    return {tuple(sorted(symbols)): Fraction(1)}


def add(terms: Iterable[tuple[Fraction | int, dict[Key, Fraction]]]) -> dict[Key, Fraction]:
    """Σ factor · polynomial."""
    result: dict[Key, Fraction] = {}
    for factor, polynomial in terms:
        for key, value in polynomial.items():
            result[key] = result.get(key, Fraction(0)) + factor * value
    return {key: value for key, value in result.items() if value}


def times(one: Polynomial, two: Polynomial) -> Polynomial:
    """The product of two polynomials."""
    result: Polynomial = {}
    for (first, x), (second, y) in itertools.product(one.items(), two.items()):
        key = tuple(sorted(first + second))
        result[key] = result.get(key, Fraction(0)) + x * y
    return result


def over_state(polynomial: Polynomial, dimension: int, traces: Sequence[Fraction]) -> Fraction:
    """E over ψ of a polynomial in m_a and t_a, from Tr O^k, k = 0, 1, …, of the centred O.

    >>> over_state(monomial(("m", (2,))), 2, [Fraction(2), Fraction(0), Fraction(2)])  # E v_O of a Pauli string
    Fraction(2, 3)
    """
    expected: dict[tuple[int, ...], Fraction] = {}  # by the orders b of the <O^b>
    for symbols, value in polynomial.items():
        opened: dict[tuple[int, ...], Fraction] = {(): value}
        for kind, (a,) in symbols:
            following: dict[tuple[int, ...], Fraction] = {}
            for (orders, factor), j in itertools.product(opened.items(), range(a + 1)):
                kept = (a - j,) if kind == "m" and a > j else ()
                key = tuple(sorted((*orders, *kept, *(1,) * j)))
                term = math.comb(a, j) * (-1) ** j * factor * (1 if kind == "m" else traces[a - j])
                following[key] = following.get(key, Fraction(0)) + term
            opened = following
        expected = add([(1, expected), (1, opened)])
    return sum((value * _moment(orders, dimension, traces) for orders, value in expected.items()), Fraction(0))


def _moment(orders: Sequence[int], dimension: int, traces: Sequence[Fraction]) -> Fraction:
    """E ∏ <O^b> over Haar states."""

    def numerator(left: Sequence[int]) -> Fraction:  # by the cycle that holds the first factor
        if not left:
            return Fraction(1)
        total = Fraction(0)
        for size in range(len(left)):
            for others in itertools.combinations(range(1, len(left)), size):
                order = left[0] + sum(left[i] for i in others)
                if traces[order]:
                    rest = [b for i, b in enumerate(left) if i and i not in others]
                    total += math.factorial(size) * traces[order] * numerator(rest)
        return total

    return numerator(orders) / math.prod(dimension + i for i in range(len(orders)))
