"""Moments of gradients in the adjoint picture: what the kernel matrix and the symmetric ensembles share.

In the final-time picture the generators H_ℓ = U_{>ℓ} G U_{>ℓ}† are independent Haar conjugates of G, independent of
Õ = U†OU, and for the input R_i

    ∂_ℓ f_i = Tr(H_ℓ B_i),      B_i = i (R_i Õ - Õ R_i).

R is the input's density matrix, or the part of it that f sees. Averaging over H_ℓ leaves traces of products of B,
which are polynomials of degree 2 or 4 in Õ; averaging those over U leaves traces of products of R. Both averages are
``qntk.theory.haar.invariants.average``. Cyclic words in the labels of R stand for those traces.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from qntk.theory.haar.invariants import Expression, Group, Monomial, Trace, Word, average
from qntk.theory.operators import OperatorMoments


@dataclass(frozen=True)
class Ensemble:
    """Which Haar measure, and how O behaves under its transposition.

    Attributes:
        observable, generator: centred traces of O and G.
        group: the group of the layers.
        sign: 0 for the unitary group; +1 for an O, R symmetric and -1 for antisymmetric. G is then in the group's
            algebra, that is antisymmetric.
    """

    observable: OperatorMoments
    generator: OperatorMoments
    group: Group = "unitary"
    sign: int = 0

    def second(self, labels: tuple[int, int]) -> Expression:
        """E g_i g_j of one parameter, for the inputs i and j."""
        i, j = labels
        return self._over_observable(self._over_generator((((i,),), ((j,),))))

    def same(self, labels: tuple[int, int, int, int]) -> Expression:
        """E g_i g_j g_k g_l of one parameter."""
        return self._over_observable(self._over_generator(tuple(((i,),) for i in labels)))

    def different(self, labels: tuple[int, int, int, int]) -> Expression:
        """E g_i g_j g'_k g'_l of two parameters, which share Õ alone."""
        i, j, k, l = labels
        one = self._over_generator((((i,),), ((j,),)))
        other = self._over_generator((((k,),), ((l,),)))
        return self._over_observable(multiply(one, other))

    def _over_generator(self, traces: tuple[Trace, ...]) -> Expression:
        """Average over H; Tr B = 0, and B is antisymmetric where H is."""
        G = self.generator
        powers = {1: Fraction(0), 2: G.a2, 3: G.a3, 4: G.a4}
        terms = average(traces, powers, G.dimension, self.group, -1 if self.sign else 0)
        return {m: value for m, value in terms.items() if all(len(word) > 1 for word in m)}

    def _over_observable(self, commutators: Expression) -> Expression:
        """Expand each B into i(RÕ - ÕR) and average over Õ."""
        O = self.observable
        powers = {1: Fraction(0), 2: O.a2, 3: O.a3, 4: O.a4}
        result: Expression = {}
        for monomial, value in commutators.items():
            count = sum(map(len, monomial))
            for first in itertools.product((True, False), repeat=count):  # is R before Õ?
                choices = iter(first)
                traces = tuple(_word_trace(word, [next(choices) for _ in word]) for word in monomial)
                sign = (-1) ** (count // 2 + count - sum(first))  # i^count, and a minus for each ÕR
                for words, moment in average(traces, powers, O.dimension, self.group, self.sign).items():
                    result[words] = result.get(words, Fraction(0)) + sign * value * moment
        return {words: value for words, value in result.items() if value}


def multiply(one: Expression, other: Expression) -> Expression:
    """The product of two averages."""
    result: Expression = {}
    for (m, x), (n, y) in itertools.product(one.items(), other.items()):
        key: Monomial = tuple(sorted(m + n))
        result[key] = result.get(key, Fraction(0)) + x * y
    return result


def combine(terms: Iterable[tuple[int | Fraction, Expression]]) -> Expression:
    """Σ factor · expression, exact, so that what cancels does so before any rounding."""
    result: Expression = {}
    for factor, expression in terms:
        for key, value in expression.items():
            result[key] = result.get(key, Fraction(0)) + factor * value
    return {key: value for key, value in result.items() if value}


def _word_trace(word: Word, first: list[bool]) -> Trace:
    """Tr of a product of RÕ (where ``first``) and ÕR as the constants that follow each Õ."""
    after: list[list[int]] = []
    before: list[int] = []
    for label, leading in zip(word, first, strict=True):
        if leading:
            (after[-1] if after else before).append(label)
        after.append([] if leading else [label])
    after[-1] += before
    return tuple(tuple(constants) for constants in after)
