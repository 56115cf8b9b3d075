"""How the variance of an operator in a Haar-random state is distributed.

The quantity is v_A(φ) = <φ|A²|φ> - <φ|A|φ>². Every kernel of the Haar-layer ensemble is a sum of products of such
factors, so these two moments carry all the dependence on observable and generator.

Derivation. E[φφ† ⊗ k] is the projector on the symmetric subspace over its dimension, hence
E ∏ <A_i> = Σ_{π in S_k} Tr_π(A) / (D(D+1)…(D+k-1)). For a centred A (v_A does not see the trace):

* k = 2: E<A>² = a₂/(D(D+1)), so E v = a₂/D - a₂/(D(D+1)) = a₂/(D+1).
* k = 3, 4: E<A²>² = (a₂² + a₄)/(D(D+1)), E<A²><A>² = (a₂² + 2 a₄)/(D(D+1)(D+2)),
  E<A>⁴ = (3 a₂² + 6 a₄)/(D(D+1)(D+2)(D+3)). Adding them up with weights 1, -2, 1 gives E v²; subtracting (E v)²
  by hand leaves a form in which nothing cancels.
"""

from __future__ import annotations

from fractions import Fraction

from qntk.theory.operators import OperatorMoments


def variance_mean(operator: OperatorMoments) -> Fraction:
    """E v_A = a₂/(D+1), exact.

    >>> variance_mean(OperatorMoments.from_pauli(1))
    Fraction(2, 3)
    """
    return operator.a2 / (operator.dimension + 1)


def variance_variance(operator: OperatorMoments) -> Fraction:
    """Var v_A = [a₄ - (D²-3) a₂² / (D(D+1)²)] / ((D+2)(D+3)), exact.

    >>> variance_variance(OperatorMoments.from_pauli(1))
    Fraction(4, 45)
    """
    D = operator.dimension
    return (operator.a4 - (D * D - 3) * operator.a2**2 / (D * (D + 1) ** 2)) / ((D + 2) * (D + 3))


def variance_second_moment(operator: OperatorMoments) -> Fraction:
    """E v_A² = Var v_A + (E v_A)², exact."""
    return variance_variance(operator) + variance_mean(operator) ** 2


def relative_variance(operator: OperatorMoments) -> Fraction:
    """Var v_A / (E v_A)², exact: the square of the plateau of ΔK/K̄ for the observable A."""
    return variance_variance(operator) / variance_mean(operator) ** 2
