"""E μ² of the dQNTK in the Haar-layer ensemble, exact at every D and L, for any observable and any generator.

Derivation. In the final-time picture the H_ℓ are independent Haar conjugates of G, and R = ψψ† is the final state. With
ℓ not earlier than k,

    g_ℓ = Tr(H_ℓ B),    B = i(OR - RO),        h_kℓ = -Tr(R [H_k, [H_ℓ, O]]).

1. Given ψ. μ = Σ_k h_kk g_k² + 2 Σ_{k<ℓ} h_kℓ g_k g_ℓ, and E μ² is a sum over the coincidences of two pairs: a
   polynomial in L whose coefficients are averages over at most two H. A parameter that no other index meets stands in
   μ twice, once beside B: as E H Tr(H B) = α B with α = a₂(G)/(D²-1) (Tr B = 0), it only puts αB in the place of H. The
   averages left hold four or six equal H (``invariants``), and are words in O and R. Since R has rank one, these fall
   apart into central moments m_a = <(O - <O>)^a> and traces t_a = Tr (O - <O>)^a (``words``).
2. All indices equal. Here H would stand eight times, so the other operator is taken as the random one: with R the state
   at this parameter and M a Haar conjugate of O, f' = Tr(M i(RG - GR)) and f'' = -Tr(M [G, [G, R]]), six M in all.
3. ψ is averaged last, by E ∏<O^{a_i}> = Σ_π ∏ Tr O^{…}/(D(D+1)…), exact fractions all along.

So E μ² needs a₂, a₃, a₄, a₆ of O and a₂ … a₆, a₈ of G. Steps 1 and 2 do not depend on the operators: they are worked
out once, with weights, m_a and t_a as symbols.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

from qntk.theory.haar.invariants import Trace, Word, loops, type_weights
from qntk.theory.haar.kernel import KernelLaw
from qntk.theory.haar.words import B, O, Polynomial, R, Symbol, add, monomial, over_state, product, times, trace
from qntk.theory.operators import OperatorMoments
from qntk.theory.prediction import Prediction

Terms = list[tuple[int, Word]]
"""A combination of words in the letters."""
_H = 3
"""The later of two random generators, a letter beside O, R and B; B stands for B/i, four times: i⁴ = 1."""
_ALPHA: Symbol = ("w", (2,))
_COMMUTATORS = ((-1, ((), (O, R))), (1, ((O,), (R,))), (1, ((R,), (O,))), (-1, ((R, O), ())))
"""h_kℓ as a combination of Tr(H_k c H_ℓ c')."""


@functools.lru_cache(maxsize=256)
def second_moment_series(observable: OperatorMoments, generator: OperatorMoments) -> tuple[Fraction, ...] | None:
    """(c_0, …, c_4) of E μ² = Σ_k c_k L(L-1)…(L-k+1), exact; None where ``second_moment`` has no law.

    c_0 = 0, and c_4 = 4 α⁴ E c₃² rules at L ≫ D, with c₃ the third central moment of O in ψ.

    >>> pauli = OperatorMoments.from_pauli(2)
    >>> [round(float(c), 4) for c in second_moment_series(pauli, pauli)]
    [0.0, 0.5944, 0.7469, 0.1189, 0.0062]
    """
    if observable.higher is None or generator.higher is None or generator.higher[2] is None:
        return None
    D, one, two = observable.dimension, _traces(observable), _traces(generator)
    equal = over_state(_weighed(_one_parameter(), D, one), D, two)
    return (Fraction(0), equal, *(over_state(_weighed(terms, D, two), D, one) for terms in _given_state()))


def second_moment(law: KernelLaw) -> Prediction | None:
    """E μ², exact; None where the higher traces of O or G are not known (``OperatorMoments.higher``).

    In the units of O to the sixth and of G to the eighth: G = P/2 makes it 256 times smaller than G = P.

    >>> pauli, ising = OperatorMoments.from_pauli(4), OperatorMoments.from_pauli_sum({"ZZ": -1, "XI": -1, "IX": -1})
    >>> round(float(second_moment(KernelLaw(4, pauli, pauli))) * 16**3 / 4**2, 4)
    54.9091
    >>> round(second_moment(KernelLaw(4, ising, OperatorMoments.from_pauli(2))).value, 4)
    451.2453
    """
    series = second_moment_series(law.observable, law.generator)
    if series is None:
        return None
    assumptions = ("Haar layers (6-design and more for coinciding parameters)", "finite D and L", "any O, any G")
    value = float(at_depth(series, law.parameters))
    return Prediction("dQNTK second moment", value, "exact", assumptions, "docs/theory.md")


def at_depth(series: Sequence[Fraction], parameters: int) -> Fraction:
    """Σ c_k L(L-1)…(L-k+1) of ``second_moment_series``."""
    falling = (math.prod(range(parameters - k + 1, parameters + 1)) for k in range(len(series)))
    return sum((c * number for c, number in zip(series, falling, strict=True)), Fraction(0))


@functools.cache
def _given_state() -> tuple[Polynomial, Polynomial, Polynomial]:
    """c_2, c_3 and c_4 given the final state, as polynomials in weights of G, m_a and t_a."""
    g: Trace = ((B,),)
    earlier = _beside(later=True)  # h_kℓ = Tr(H_k C) where αB stands for H_ℓ
    later = _beside(later=False)
    same = add((s, _average((c, g, g))) for s, c in _COMMUTATORS)  # E h_kk g_k²
    apart = times(monomial(_ALPHA, _ALPHA), add((s, trace((B, *c))) for s, c in earlier))  # E h_kℓ g_k g_ℓ
    chain = add(
        (s * r, _average((c, g, g, g, (word,))))
        for (s, c), (r, word) in itertools.product(_COMMUTATORS, earlier + later)
    )  # E h_kk g_k² h_kℓ g_k g_ℓ, for ℓ later and earlier, without the α
    forks = add(
        (factor * s * r, _average((g, g, (one,), (two,))))
        for factor, first, second in ((1, earlier, earlier), (1, later, later), (1, earlier, later))
        for (s, one), (r, two) in itertools.product(first, second)
    )  # two pairs that share their earlier, their later, or one's later and the other's earlier parameter
    squares = add((s * r, _both(c, d)) for (s, c), (r, d) in itertools.product(_COMMUTATORS, repeat=2))  # E (h g g)²
    second = add([(1, times(same, same)), (2, times(monomial(_ALPHA), chain)), (2, squares)])
    third = add([(2, times(same, apart)), (Fraction(4, 3), times(monomial(_ALPHA, _ALPHA), forks))])
    return second, third, times(apart, apart)


@functools.cache
def _one_parameter() -> Polynomial:
    """c_1 = E f''² f'⁴: weights of O, and m_a of G (the letter O stands for it)."""
    g: Trace = ((B,),)
    twice: Terms = [(-1, (O, O, R)), (2, (O, R, O)), (-1, (R, O, O))]
    return add((s * r, _average((g, g, g, g, (a,), (b,)))) for (s, a), (r, b) in itertools.product(twice, twice))


def _beside(later: bool) -> Terms:
    """C in h_kℓ = Tr(H C), with B in the place of the later generator, or of the earlier one."""
    return [(sign, (*c, B, *d) if later else (*d, B, *c)) for sign, (c, d) in _COMMUTATORS]


def _average(traces: tuple[Trace, ...]) -> Polynomial:
    """E over one H of a product of traces."""
    return add(
        (count, times(monomial(("w", cycle_type)), product(words)))
        for cycle_type, monomials in loops(traces).items()
        for words, count in monomials.items()
    )


def _both(one: Trace, two: Trace) -> Polynomial:
    """E of Tr(H_k c H_ℓ c') Tr(H_k d H_ℓ d') g_k² g_ℓ², over H_k and then over H_ℓ."""
    g: Trace = ((B,),)
    inner = tuple(((*after, _H, *closing),) for after, closing in (one, two))
    result: Polynomial = {}
    for cycle_type, monomials in loops((*inner, g, g)).items():
        for words, count in monomials.items():
            outer = tuple(_cut(word) for word in words if _H in word)
            rest = product([word for word in words if _H not in word])
            if rest:
                scale = times(monomial(("w", cycle_type)), rest)
                result = add([(1, result), (count, times(scale, _average((*outer, g, g))))])
    return result


def _cut(word: Word) -> Trace:
    """The constants that follow each H of a cyclic word."""
    start = word.index(_H)
    pieces: list[Word] = []
    for letter in word[start:] + word[:start]:
        if letter == _H:
            pieces.append(())
        else:
            pieces[-1] += (letter,)
    return tuple(pieces)


def _traces(operator: OperatorMoments) -> tuple[Fraction, ...]:
    """Tr A^k of the centred operator for k = 0 … 8; a₇ never enters, for it would stand beside a₁ = 0."""
    a5, a6, a8 = operator.higher or (Fraction(0),) * 3
    zero = Fraction(0)
    return Fraction(operator.dimension), zero, operator.a2, operator.a3, operator.a4, a5, a6, zero, a8 or zero


def _weighed(polynomial: Polynomial, dimension: int, traces: Sequence[Fraction]) -> Polynomial:
    """Numbers for the weights of the operator with these traces, and for t_0."""
    numbers: dict[Symbol, Fraction] = {("t", (0,)): Fraction(dimension)}
    for order in (2, 4, 6):
        weights = type_weights(tuple(traces[1 : order + 1]), dimension)
        numbers |= {("w", cycle_type): weight for cycle_type, weight in weights.items()}
    result: Polynomial = {}
    for symbols, value in polynomial.items():
        key = tuple(symbol for symbol in symbols if symbol not in numbers)
        value *= math.prod((numbers[symbol] for symbol in symbols if symbol in numbers), start=Fraction(1))
        result[key] = result.get(key, Fraction(0)) + value
    return result
