"""Skewness and excess kurtosis of the kernel in the Haar-layer ensemble, exact.

K = v_O Σ s_ℓ with s = 4 v_G x² and all factors independent (``theory.kernel``), so the moments of K follow from those
of v up to the fourth and from E x^{2k} = Π_{j<k} (1/2 + j)/(D - 1 + j).

Moments of v. For a Haar state the weights on an eigenbasis are Dirichlet(1, …, 1), hence, for the centred operator with
power traces p_k and (D)_m = D(D+1)…(D+m-1),

    Σ_ab s^a t^b (D)_{a+b}/(a! b!) E[<A>^a <A²>^b] = Π_i 1/(1 - sλ_i - tλ_i²)
                                                   = exp Σ_{i+j>0} (i+j-1)!/(i! j!) p_{i+2j} s^i t^j,

and E v^m expands <A²> - <A>² to the power m. Reference: docs/theory.md.
"""

from __future__ import annotations

import math
from fractions import Fraction

from theory.kernel import KernelLaw
from theory.operators import OperatorMoments
from theory.prediction import Prediction

Series = dict[tuple[int, int], Fraction]
_ASSUMPTIONS = ("Haar layers (6- and 8-design)", "finite D and L", "correlations between parameters kept")


def skewness(law: KernelLaw) -> Prediction | None:
    """E (K - E K)³ / (Var K)^{3/2}; None where the operators' higher traces are not known."""
    central = _central_moments(law)
    if central is None:
        return None
    value = math.copysign(math.sqrt(float(central[3] ** 2 / central[2] ** 3)), central[3])
    return Prediction("kernel skewness", value, "exact", _ASSUMPTIONS, "docs/theory.md")


def excess_kurtosis(law: KernelLaw) -> Prediction | None:
    """E (K - E K)⁴ / (Var K)² - 3; None where the operators' higher traces are not known.

    >>> pauli = OperatorMoments.from_pauli(1)
    >>> round(excess_kurtosis(KernelLaw(1, pauli, pauli)).value, 6)
    0.470722
    """
    central = _central_moments(law)
    if central is None:
        return None
    value = float(central[4] / central[2] ** 2 - 3)
    return Prediction("kernel excess kurtosis", value, "exact", _ASSUMPTIONS, "docs/theory.md")


def variance_moments(operator: OperatorMoments) -> list[Fraction]:
    """E v^m for m = 0 … 4; ``ValueError`` if the higher traces are not known.

    >>> variance_moments(OperatorMoments.from_pauli(1))[2]
    Fraction(8, 15)
    """
    if operator.higher is None:
        raise ValueError(f"the higher traces of {operator.label} are not known")
    a5, a6, a8 = operator.higher
    traces = {2: operator.a2, 3: operator.a3, 4: operator.a4, 5: a5, 6: a6, 8: a8}
    exponent: Series = {
        (i, j): Fraction(math.factorial(i + j - 1), math.factorial(i) * math.factorial(j)) * traces[i + 2 * j]
        for j in range(5)
        for i in range(9)
        if i + 2 * j in traces
    }
    series: Series = {(0, 0): Fraction(1)}
    power: Series = {(0, 0): Fraction(1)}
    for order in range(1, 5):  # each factor weighs at least 2, and 8 is the most that is needed
        power = _product(power, exponent)
        for key, value in power.items():
            series[key] = series.get(key, Fraction(0)) + value / math.factorial(order)
    moments = [Fraction(1)]
    for m in range(1, 5):
        total = Fraction(0)
        for j in range(m + 1):
            a, b = 2 * j, m - j
            rising = math.prod(operator.dimension + k for k in range(a + b))
            joint = series.get((a, b), Fraction(0)) * math.factorial(a) * math.factorial(b) / rising
            total += math.comb(m, j) * (-1) ** j * joint
        moments.append(total)
    return moments


def _product(one: Series, two: Series) -> Series:
    """Product, without what weighs more than 8; a weight of 7 beside nothing but a1 = 0 never enters."""
    result: Series = {}
    for (i, j), x in one.items():
        for (k, m), y in two.items():
            if i + k + 2 * (j + m) <= 8:
                result[i + k, j + m] = result.get((i + k, j + m), Fraction(0)) + x * y
    return result


def _central_moments(law: KernelLaw) -> dict[int, Fraction] | None:
    """Second to fourth central moments of K."""
    if law.observable.higher is None or law.generator.higher is None:
        return None
    D, L = law.observable.dimension, law.parameters
    v_observable, v_generator = variance_moments(law.observable), variance_moments(law.generator)
    coordinate = [
        math.prod((Fraction(2 * j + 1, 2) / (D - 1 + j) for j in range(k)), start=Fraction(1)) for k in range(5)
    ]
    term = [4**k * v_generator[k] * coordinate[k] for k in range(5)]
    cumulants = _cumulants(term)
    total = _raw({k: L * c for k, c in cumulants.items()})
    raw = [v_observable[k] * total[k] for k in range(5)]
    mean = raw[1]
    return {
        n: sum((math.comb(n, k) * raw[k] * (-mean) ** (n - k) for k in range(n + 1)), Fraction(0)) for n in (2, 3, 4)
    }


def _cumulants(raw: list[Fraction]) -> dict[int, Fraction]:
    """Cumulants 1 to 4 from raw moments."""
    result: dict[int, Fraction] = {}
    for n in range(1, 5):
        result[n] = raw[n] - sum((math.comb(n - 1, k - 1) * result[k] * raw[n - k] for k in range(1, n)), Fraction(0))
    return result


def _raw(cumulants: dict[int, Fraction]) -> list[Fraction]:
    """Raw moments 0 to 4 from cumulants."""
    raw = [Fraction(1)]
    for n in range(1, 5):
        raw.append(sum((math.comb(n - 1, k - 1) * cumulants[k] * raw[n - k] for k in range(1, n + 1)), Fraction(0)))
    return raw
