"""Averages of products of expectation values: over rotation angles and over Haar states, exactly.

A word (A₁, …, A_k) of Pauli strings stands for <A₁>…<A_k>; ``Words`` is a linear combination of words.

* Rotation. Pulled back through exp(-iαP/2), a string Q that anticommutes with P becomes cos α Q + sin α iPQ, and iPQ is
  again ± a string; a commuting Q stays. For a uniform α a word is thus replaced by words with the weights
  E cos^a α sin^b α = (a-1)!!(b-1)!!/(a+b)!!, and vanishes where a + b is odd. No angle is ever drawn.
* Derivative. The gradient of <Q> with respect to that angle is <i[P/2, Q]> = <iPQ>, or 0.
* Haar state. E Π<A_i> = Σ_{π in S_k} Tr_π(A) / (D(D+1)…(D+k-1)). Cycles of length 1 and 2 have real traces, and π and
  its inverse give conjugates, so that for k <= 4 the real part of each trace will do.

The product of all strings of a word stays the same, up to a sign, in a rotation and where two strings are
differentiated: a word whose product is not the identity has no Haar average, and may be left out from the start.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import combinations, permutations
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from qntk.theory.operators import OperatorMoments, PauliKey, _masks

Word = tuple[PauliKey, ...]
Words = dict[Word, Fraction]
Matrix = NDArray[np.complex128]
T = TypeVar("T")

IDENTITY: PauliKey = (0, 0)
_MOST_WORDS = 50_000
"""Words up to which a layer is worked out: some seconds a rotation."""
_COS_SIN = {
    (2, 0): Fraction(1, 2),
    (4, 0): Fraction(3, 8),
    (4, 2): Fraction(1, 8),
    (2, 2): Fraction(1, 2),
    (4, 4): Fraction(3, 8),
}
"""E cos^{m-r} sin^r by (m, r)."""


def pauli_keys(labels: Iterable[str]) -> list[PauliKey]:
    """Bit masks of generators; ``ValueError`` for none, for unequal lengths and for the identity."""
    labels = list(labels)
    if len({len(label) for label in labels}) != 1:
        raise ValueError("a layer needs at least one Pauli label, and labels of one length")
    keys = [_masks(label) for label in labels]
    if IDENTITY in keys:
        raise ValueError("the identity generates no rotation: its gradient vanishes")
    return keys


def multiply(one: PauliKey, two: PauliKey) -> tuple[int, PauliKey]:
    """(e, R) with P Q = i^e R; e is odd where P and Q anticommute.

    >>> multiply((1, 0), (0, 1))  # XZ = -iY
    (3, (1, 1))
    """
    (x1, z1), (x2, z2) = one, two
    x, z = x1 ^ x2, z1 ^ z2
    power = (x1 & z1).bit_count() + (x2 & z2).bit_count() - (x & z).bit_count() + 2 * (z1 & x2).bit_count()
    return power % 4, (x, z)


def add(words: Words, word: Word, coefficient: Fraction) -> None:
    """Add to a combination in place; the last two places of a word count as unordered, and so do those before."""
    key = (*sorted(word[:-2]), *sorted(word[-2:]))
    words[key] = words.get(key, Fraction(0)) + coefficient


def rotated(words: Words, pauli: PauliKey) -> Words:
    """Average of all words over a uniform angle of the rotation about ``pauli``; words of at most four strings.

    Raises ``ValueError`` past 50 000 words.
    """
    result: Words = {}
    for word, coefficient in words.items():
        turns = {i: turn for i, key in enumerate(word) if (turn := multiply(pauli, key))[0] % 2}
        if not turns:
            add(result, word, coefficient)
        elif len(turns) % 2 == 0:
            for r in range(0, len(turns) + 1, 2):
                weight = coefficient * _COS_SIN[len(turns), r]
                for chosen in combinations(turns, r):
                    sign, new = _turned(word, turns, chosen)
                    add(result, new, sign * weight)
        if len(result) > _MOST_WORDS:
            raise ValueError(
                f"the layer spreads over more than {_MOST_WORDS} products of Pauli strings; "
                "shorten it, or give dense matrices and angles"
            )
    return result


def differentiated(words: Words, pauli: PauliKey, places: Sequence[int]) -> Words:
    """Replace Q by iPQ at the given places; words where one of them commutes with P drop out."""
    result: Words = {}
    for word, coefficient in words.items():
        turns = {i: multiply(pauli, word[i]) for i in places}
        if all(power % 2 for power, _ in turns.values()):
            sign, new = _turned(word, turns, places)
            add(result, new, sign * coefficient)
    return result


def haar_words(words: Words, dimension: int) -> Fraction:
    """Average over Haar states.

    >>> haar_words({((1, 0), (1, 0)): Fraction(1)}, 2)  # E<X>² of a qubit
    Fraction(1, 3)
    """

    def trace(keys: Sequence[PauliKey]) -> int:
        power, key = 0, IDENTITY
        for factor in keys:
            step, key = multiply(key, factor)
            power += step
        return dimension * (1, 0, -1, 0)[power % 4] if key == IDENTITY else 0

    total = Fraction(0)
    for word, coefficient in words.items():
        total += coefficient * _haar_moment(word, dimension, trace)
    return total


def haar_matrices(matrices: Sequence[Matrix]) -> Fraction:
    """E Π<A_i> over Haar states for at most four Hermitian matrices of shape (D, D), in double precision."""

    def trace(factors: Sequence[Matrix]) -> Fraction:
        product = factors[0]
        for factor in factors[1:-1]:
            product = product @ factor
        value = np.trace(product) if len(factors) == 1 else np.sum(product * factors[-1].T)
        return Fraction(float(value.real))

    return _haar_moment(matrices, len(matrices[0]), trace)


def effective_generators(
    generators: Sequence[NDArray[Any]], angles: Sequence[float] | None
) -> tuple[list[Matrix], Matrix]:
    """Generators pulled back to the layer's beginning, centred, and the layer's unitary exp(-iθ_m G_m)…exp(-iθ_1 G_1).

    Without angles they are taken as 0: right for commuting generators and for those that are effective already.
    Raises ``ValueError`` for no generator, unequal shapes, a matrix that is not Hermitian or a multiple of the
    identity, and for angles that are not one for each generator.
    """
    if not len(generators) or len({np.shape(g) for g in generators}) != 1:
        raise ValueError("a layer needs at least one generator, and matrices of one shape")
    angles = [0.0] * len(generators) if angles is None else list(angles)
    if len(angles) != len(generators):
        raise ValueError(f"{len(generators)} generators and {len(angles)} angles: give one angle for each")
    unitary = np.eye(len(generators[0]), dtype=np.complex128)
    effective = []
    for generator, angle in zip(generators, angles, strict=True):
        OperatorMoments.from_matrix(generator, "generator")  # refuses what is not Hermitian
        matrix = np.asarray(generator, dtype=np.complex128)
        effective.append(centred(unitary.conj().T @ matrix @ unitary))
        values, vectors = np.linalg.eigh(matrix)
        unitary = (vectors * np.exp(-1j * angle * values)) @ vectors.conj().T @ unitary
    return effective, unitary


def centred(matrix: Matrix) -> Matrix:
    """A - Tr A / D."""
    return np.asarray(matrix - np.trace(matrix) / len(matrix) * np.eye(len(matrix)), dtype=np.complex128)


def _turned(word: Word, turns: dict[int, tuple[int, PauliKey]], chosen: Iterable[int]) -> tuple[int, Word]:
    """The word with iPQ for Q at the chosen places, and its sign: PQ = ±i R, so that iPQ = ∓R."""
    sign, new = 1, list(word)
    for i in chosen:
        power, new[i] = turns[i]
        sign *= power - 2  # i·i = -1 and i·i³ = 1
    return sign, tuple(new)


def _cycles(size: int) -> list[list[list[int]]]:
    """The cycles of every permutation of ``range(size)``."""
    result = []
    for permutation in permutations(range(size)):
        left, cycles = set(range(size)), []
        while left:
            cycle = [min(left)]
            while permutation[cycle[-1]] != cycle[0]:
                cycle.append(permutation[cycle[-1]])
            left -= set(cycle)
            cycles.append(cycle)
        result.append(cycles)
    return result


_CYCLES = {size: _cycles(size) for size in range(5)}


def _haar_moment(operators: Sequence[T], dimension: int, trace: Callable[[Sequence[T]], int | Fraction]) -> Fraction:
    """Σ_π Tr_π / (D)_k."""
    total = Fraction(0)
    for cycles in _CYCLES[len(operators)]:
        term: int | Fraction = 1
        for cycle in cycles:
            term *= trace([operators[i] for i in cycle])
            if not term:
                break
        total += term
    return total / math.prod(dimension + k for k in range(len(operators)))
