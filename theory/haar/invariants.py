"""Haar averages of products of traces, by pairing invariant polynomials: no table of Weingarten functions.

Let X be a D × D operator that enters a polynomial q through X̃ = U X U†, U Haar-random on a classical group. E q is an
invariant polynomial of X, hence a combination of products of power traces p_λ(X) = ∏ Tr X^{λ_i}:

    E q = Σ_λν p_λ(X) (F⁻¹)_λν p_ν(∂) q,        F_λν = p_ν(∂) p_λ,

because p_ν(∂) is invariant and so blind to the average. Both pairings are sums over contractions of the k factors ∂
with the k factors X: Tr(A∂) Tr(BX) → Tr(AB) for the unitary group. For the orthogonal group X may be restricted to the
symmetric (sign +1) or the antisymmetric operators (sign -1), and Tr(A∂) Tr(BX) → Tr(AB) ± Tr(ABᵀ). The symplectic
group is the orthogonal one with D → -D and every trace negated, its transposition being the one that keeps its form.

For the unitary group the contractions with one p_λ are the permutations of cycle type λ, so that E X̃^{⊗k} is
Σ_σ w(type of σ) P_σ: one weight a type, and one walk around the loops of q for each σ.

A monomial is a product of traces of words in constants, ``((0, 1), (2,))`` standing for Tr(R₀R₁) Tr R₂. Where a
transposition enters, every constant must be symmetric or antisymmetric as X is: R₀ᵀ = ±R₀.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Literal

Word = tuple[int, ...]
Monomial = tuple[Word, ...]
Trace = tuple[Word, ...]
"""Tr(X C₀ X C₁ …): the constants after each X, each a word, perhaps empty."""
Expression = dict[Monomial, Fraction]
Group = Literal["unitary", "orthogonal", "symplectic"]
CycleType = tuple[int, ...]


def average(
    traces: tuple[Trace, ...], powers: Mapping[int, Fraction], dimension: int, group: Group = "unitary", sign: int = 0
) -> Expression:
    """E over U of a product of traces that hold X̃ = U X U† k times altogether: k <= 6 for the unitary group, else 4.

    Args:
        traces: the product, one entry a trace.
        powers: Tr X^j for j = 1 … k.
        dimension: D.
        group: which group U is Haar-random on.
        sign: +1 or -1 for an X (and constants) symmetric or antisymmetric under the group's transposition; 0, and only
            0, for the unitary group.

    Returns the average as a combination of monomials in the constants.

    >>> average((((0,),), ((1,),)), {1: Fraction(0), 2: Fraction(4)}, 4)
    {((0,), (1,)): Fraction(-1, 15), ((0, 1),): Fraction(4, 15)}
    """
    if (group == "unitary") != (sign == 0):
        raise ValueError("sign is 0 for the unitary group, and +1 or -1 for the others")
    order = sum(map(len, traces))
    if group == "unitary":
        by_type = type_weights(tuple(powers[j] for j in range(1, order + 1)), dimension)
        total: Expression = {}
        for cycle_type, monomials in loops(traces).items():
            pairing = {(m.count(()), tuple(word for word in m if word)): count for m, count in monomials.items()}
            for monomial, value in _evaluate(pairing, dimension).items():
                total[monomial] = total.get(monomial, Fraction(0)) + by_type[cycle_type] * value
        return {monomial: value for monomial, value in total.items() if value}
    flip = -1 if group == "symplectic" else 1
    size = flip * dimension
    partitions = [p for p in _partitions(order) if sign != -1 or all(part % 2 == 0 for part in p)]
    shapes = [tuple(((),) * part for part in p) for p in partitions]
    values = tuple(math.prod((flip * powers[part] for part in p), start=Fraction(1)) for p in partitions)
    weights = _weights(tuple(shapes), values, size, sign)
    result: Expression = {}
    for weight, shape in zip(weights, shapes, strict=True):
        for monomial, value in _evaluate(_pairing(shape, traces, sign), size).items():
            factor = flip ** (len(monomial) + len(traces))
            result[monomial] = result.get(monomial, Fraction(0)) + factor * weight * value
    return {monomial: value for monomial, value in result.items() if value}


@functools.cache
def loops(traces: tuple[Trace, ...]) -> dict[CycleType, Counter[Monomial]]:
    """The product of traces with P_σ in the place of X^{⊗k}, summed over the σ of each cycle type, for any dimension.

    An empty word is a loop without constants: a factor D.
    """
    following, _, constants = _edges(traces)
    result: dict[CycleType, Counter[Monomial]] = {}
    for cycle_type, permutations in _classes(len(constants)).items():
        monomials = result[cycle_type] = Counter()
        for permutation in permutations:
            walk = [permutation[following[edge]] for edge in range(len(constants))]
            words = [sum((constants[edge] for edge in cycle), ()) for cycle in _cycles(walk)]
            monomials[tuple(sorted(_canonical(word, 0)[0] if word else word for word in words))] += 1
    return result


@functools.lru_cache(maxsize=1024)
def type_weights(powers: tuple[Fraction, ...], dimension: int) -> dict[CycleType, Fraction]:
    """w of E X̃^{⊗k} = Σ_σ w(type of σ) P_σ over the unitary group, from Tr X^j for j = 1 … k.

    The traces with every P_τ fix it. For D < k the P_σ are dependent, and any solution serves.
    """
    table = _loop_counts(len(powers))
    gram = [[Fraction(sum(n * dimension**c for c, n in counts.items())) for counts in row] for row in table.values()]
    right = [math.prod((powers[j - 1] for j in cycle_type), start=Fraction(1)) for cycle_type in table]
    return dict(zip(table, _solve(gram, right), strict=True))


@functools.cache
def _loop_counts(order: int) -> dict[CycleType, list[Counter[int]]]:
    """By the type of τ, and for each type of σ: how many σ give Tr P_σ P_τ how many loops."""
    classes = _classes(order)
    return {
        cycle_type: [Counter(len(_cycles([s[i] for i in one])) for s in members) for members in classes.values()]
        for cycle_type, (one, *_) in classes.items()
    }


@functools.cache
def _classes(order: int) -> dict[CycleType, list[tuple[int, ...]]]:
    """The permutations of ``range(order)`` by cycle type."""
    result: dict[CycleType, list[tuple[int, ...]]] = {}
    for permutation in itertools.permutations(range(order)):
        cycle_type = tuple(sorted(map(len, _cycles(permutation)), reverse=True))
        result.setdefault(cycle_type, []).append(permutation)
    return result


def _cycles(permutation: Sequence[int]) -> list[list[int]]:
    """The cycles i, permutation[i], … of a permutation."""
    result, seen = [], [False] * len(permutation)
    for start in range(len(permutation)):
        cycle = []
        while not seen[start]:
            seen[start] = True
            cycle.append(start)
            start = permutation[start]
        if cycle:
            result.append(cycle)
    return result


@functools.lru_cache(maxsize=1024)
def _weights(
    shapes: tuple[tuple[Trace, ...], ...], values: tuple[Fraction, ...], size: int, sign: int
) -> list[Fraction]:
    """F⁻¹ p(X), the weight of each invariant; the many words of one average share it."""
    gram = [[_evaluate(_pairing(row, column, sign), size).get((), Fraction(0)) for column in shapes] for row in shapes]
    return _solve(gram, list(values))


@functools.cache
def _pairing(shape: tuple[Trace, ...], traces: tuple[Trace, ...], sign: int) -> dict[tuple[int, Monomial], int]:
    """p(∂) q as {(number of empty loops, monomial): integer}; ``shape`` is p, with empty constants."""
    order = sum(map(len, traces))
    forward, backward, constants = _edges(traces)
    ahead, behind, _ = _edges(shape)
    result: dict[tuple[int, Monomial], int] = {}
    for partner in itertools.permutations(range(order)):
        home = {j: i for i, j in enumerate(partner)}
        for twists in itertools.product((False, True) if sign else (False,), repeat=order):
            loops: list[Word] = []
            phase = sign ** sum(twists) if sign else 1
            seen: set[int] = set()
            for start in range(order):
                if start in seen:
                    continue
                # A walk over the constants of q: along constant ``edge``, forward if ``down``, then across and back.
                word: list[int] = []
                edge, down, reversals = start, True, 0
                while edge not in seen:
                    seen.add(edge)
                    word += constants[edge] if down else constants[edge][::-1]
                    reversals += 0 if down else len(constants[edge])
                    slot, at_row = (forward[edge], True) if down else (edge, False)
                    other, other_row = partner[slot], at_row if twists[slot] else not at_row
                    other, other_row = (behind[other], False) if other_row else (ahead[other], True)
                    slot = home[other]
                    at_row = other_row if twists[slot] else not other_row
                    edge, down = (backward[slot], False) if at_row else (slot, True)
                phase *= sign**reversals if sign else 1
                loops.append(tuple(word))
            empty = sum(not w for w in loops)
            canonical = [_canonical(w, sign) for w in loops if w]
            for _, word_sign in canonical:
                phase *= word_sign
            key = (empty, tuple(sorted(w for w, _ in canonical)))
            result[key] = result.get(key, 0) + phase
    return result


def _edges(traces: tuple[Trace, ...]) -> tuple[dict[int, int], dict[int, int], list[Word]]:
    """The slot of X after each one along its trace, the slot before, and the constant that follows each."""
    forward: dict[int, int] = {}
    first = 0
    for trace in traces:
        for offset in range(len(trace)):
            forward[first + offset] = first + (offset + 1) % len(trace)
        first += len(trace)
    return forward, {b: a for a, b in forward.items()}, [word for trace in traces for word in trace]


def _canonical(word: Word, sign: int) -> tuple[Word, int]:
    """The first of all rotations of a cyclic word, and of its reverse where transposition allows it, with its sign."""
    best = min(word[i:] + word[:i] for i in range(len(word)))
    if sign:
        back = word[::-1]
        reverse = min(back[i:] + back[:i] for i in range(len(back)))
        if reverse < best:
            return reverse, sign ** len(word)
    return best, 1


def _evaluate(pairing: Mapping[tuple[int, Monomial], int], size: int) -> Expression:
    result: Expression = {}
    for (empty, monomial), count in pairing.items():
        result[monomial] = result.get(monomial, Fraction(0)) + count * Fraction(size) ** empty
    return result


def _partitions(total: int, largest: int | None = None) -> list[tuple[int, ...]]:
    if total == 0:
        return [()]
    top = min(total, largest or total)
    return [(part, *rest) for part in range(top, 0, -1) for rest in _partitions(total - part, part)]


def _solve(matrix: list[list[Fraction]], right: list[Fraction]) -> list[Fraction]:
    """A solution of a consistent system, exact; in low dimension the invariants are dependent and it is not unique."""
    size = len(right)
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    pivots: list[int] = []
    for column in range(size):
        rank = len(pivots)
        pivot = next((r for r in range(rank, size) if rows[r][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        scale = rows[rank][column]
        rows[rank] = [x / scale for x in rows[rank]]
        for r in range(size):
            if r != rank and rows[r][column]:
                factor = rows[r][column]
                rows[r] = [x - factor * y for x, y in zip(rows[r], rows[rank], strict=True)]
        pivots.append(column)
    solution = [Fraction(0)] * size
    for r, column in enumerate(pivots):
        solution[column] = rows[r][size]
    return solution
