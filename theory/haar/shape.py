"""Skewness and excess kurtosis of the kernel in the Haar-layer ensemble, exact.

K = v_O Σ s_ℓ with s = 4 v_G x² and all factors independent (``haar.kernel``), so the moments of K follow from those
of v up to the fourth and from E x^{2k} = Π_{j<k} (1/2 + j)/(D - 1 + j).

Moments of v. For a Haar state the weights on an eigenbasis are Dirichlet(1, …, 1), hence, for the centred operator with
power traces p_k and (D)_m = D(D+1)…(D+m-1),

    Σ_ab s^a t^b (D)_{a+b}/(a! b!) E[<A>^a <A²>^b] = Π_i 1/(1 - sλ_i - tλ_i²)
                                                   = exp Σ_{i+j>0} (i+j-1)!/(i! j!) p_{i+2j} s^i t^j,

and E v^m expands <A²> - <A>² to the power m. Reference: docs/theory.md.
"""

from __future__ import annotations

import decimal
import functools
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from operator import mul
from typing import Any, TypeVar

from qntk.theory.haar.kernel import KernelLaw
from qntk.theory.operators import OperatorMoments, central_trace
from qntk.theory.prediction import Prediction

_ASSUMPTIONS = ("Haar layers (6- and 8-design)", "finite D and L", "correlations between parameters kept")
_Number = TypeVar("_Number", Fraction, Decimal)
_FACTORS = 1024
"""Largest D at which the series is built factor by factor."""
_LARGE = 12
"""Moments beyond: there v is sharp, and what each further one adds is smaller by its relative spread."""


def skewness(law: KernelLaw) -> Prediction | None:
    """E (K - E K)³ / (Var K)^{3/2}; None where the operators' higher traces are not known."""
    central = _central_moments(law)
    if 3 not in central:
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
    if 4 not in central:
        return None
    value = float(central[4] / central[2] ** 2 - 3)
    return Prediction("kernel excess kurtosis", value, "exact", _ASSUMPTIONS, "docs/theory.md")


def known_order(operator: OperatorMoments, most: int) -> int:
    """Up to which m E v^m is worked out: ``most`` where the spectrum is known, else as the traces allow."""
    if operator.spectrum is not None:
        return most if len(operator.spectrum) == 2 or operator.dimension <= _FACTORS else min(most, _LARGE)
    if operator.higher is None:
        return min(most, 2)
    return min(most, 3 if operator.higher[2] is None else 4)


def variance_moments(operator: OperatorMoments, order: int = 4) -> list[Fraction]:
    """E v^m for m = 0 … order, exact; ``ValueError`` if the traces that it needs are not known.

    Up to m = 4 the traces kept in ``OperatorMoments`` do; beyond, the spectrum is needed.

    >>> variance_moments(OperatorMoments.from_pauli(1))[2]
    Fraction(8, 15)
    """
    if order > known_order(operator, order):
        raise ValueError(f"the higher traces of {operator.label} are not known")
    return list(_variance_moments(operator, order))


@functools.lru_cache(maxsize=1024)  # thousands of laws differ in L alone
def _variance_moments(operator: OperatorMoments, order: int) -> tuple[Fraction, ...]:
    if operator.spectrum is not None and len(operator.spectrum) == 2:  # v = Δ² p(1-p), p ~ Beta
        (low, one), (high, two) = operator.spectrum
        moments = [Fraction(1)]
        for m in range(order):
            step = Fraction((one + m) * (two + m), (operator.dimension + 2 * m) * (operator.dimension + 2 * m + 1))
            moments.append(moments[-1] * step * (high - low) ** 2)
        return tuple(moments)
    if operator.spectrum is not None and operator.dimension <= _FACTORS:
        return _of_spectrum(operator.spectrum, order)
    if operator.spectrum is not None:
        traces = [central_trace(operator.spectrum, k) for k in range(2 * order + 1)]
    else:
        a5, a6, a8 = operator.higher or (Fraction(0),) * 3
        traces = [Fraction(operator.dimension), Fraction(0), operator.a2, operator.a3, operator.a4]
        traces += [a5, a6, operator.a7 or Fraction(0), a8 or Fraction(0)]  # a₇ would enter beside a₁ = 0
    series = _series(traces, order, Fraction(1))
    return tuple(_assembled(m, operator.dimension, series) for m in range(order + 1))


def moments_in_decimals(traces: Sequence[Fraction], order: int) -> list[Fraction]:
    """E v^m for m = 0 … order from a_k = Tr (A - Tr A/D)^k for k = 0 … 2 order, to fifty digits: many times faster."""
    with decimal.localcontext() as context:
        context.prec = _digits(int(traces[0]), order)
        return _in_decimals([_decimal(trace) for trace in traces], order)


def moments_of_levels(spectrum: Sequence[tuple[Fraction, int]], order: int) -> list[Fraction]:
    """The same from distinct eigenvalues with their multiplicities."""
    with decimal.localcontext() as context:
        context.prec = _digits(sum(m for _, m in spectrum), order)
        weighed = [(_decimal(value), Decimal(m)) for value, m in spectrum]
        centre = sum((m * value for value, m in weighed), Decimal(0)) / sum((m for _, m in weighed), Decimal(0))
        powers, traces = [m for _, m in weighed], []
        for _ in range(2 * order + 1):
            traces.append(sum(powers, Decimal(0)))
            powers = [power * (value - centre) for power, (value, _) in zip(powers, weighed, strict=True)]
        return _in_decimals(traces, order)


def _digits(dimension: int, order: int) -> int:
    """Fifty, and what may cancel."""
    return 50 + order * (4 + 2 * len(str(dimension)))


def _decimal(number: Fraction) -> Decimal:
    return Decimal(number.numerator) / Decimal(number.denominator)


def _in_decimals(traces: Sequence[Decimal], order: int) -> list[Fraction]:
    series = _series(traces, order, Decimal(1))
    return [_assembled(m, int(traces[0]), series) for m in range(order + 1)]


def _series(traces: Sequence[_Number], order: int, one: _Number) -> dict[tuple[int, int], _Number]:
    """exp Σ (i+j-1)!/(i! j!) a_{i+2j} s^i t^j for i + 2j <= 2 order, by F' = E' F along s, or along t where i = 0."""
    top, nothing = 2 * order, one - one
    weights = {
        (k, m): traces[k + 2 * m] * math.comb(k + m, k) / (k + m)
        for k in range(top + 1)
        for m in range((top - k) // 2 + 1)
        if k + 2 * m > 1
    }
    series = {(0, 0): one}
    for i in range(top + 1):
        for j in range((top - i) // 2 + 1):
            if i + j:
                total = nothing
                for k, m in itertools.product(range(i + 1), range(j + 1)):
                    if k + 2 * m > 1 and (factor := k if i else m):
                        total += factor * weights[k, m] * series[i - k, j - m]
                series[i, j] = total / (i or j)
    return series


def _of_spectrum(spectrum: tuple[tuple[Fraction, int], ...], order: int) -> tuple[Fraction, ...]:
    """The series factor by factor, in integers: no trace is formed, and no fraction but at the end."""
    dimension = sum(m for _, m in spectrum)
    scale = math.lcm(*(value.denominator for value, _ in spectrum))
    centre = round(sum((m * value for value, m in spectrum), Fraction(0)) / dimension * scale)
    top = 2 * order
    rows = [[0] * (top - 2 * j + 1) for j in range(order + 1)]  # rows[j][i] is the coefficient of s^i t^j
    rows[0][0] = 1
    for value, m in spectrum:
        level = int(value * scale) - centre
        square = level * level
        for _ in range(m):
            below = [0] * (top + 3)
            for row in rows:
                row[0] += square * below[0]
                for i in range(1, len(row)):
                    row[i] += level * row[i - 1] + square * below[i]
                below = row
    series = {(i, j): value for j, row in enumerate(rows) for i, value in enumerate(row)}
    return tuple(_assembled(m, dimension, series) / scale ** (2 * m) for m in range(order + 1))


def _assembled(m: int, dimension: int, series: Mapping[tuple[int, int], Any]) -> Fraction:
    """E (<A²> - <A>²)^m from the series, over the common denominator (D)_{2m}."""
    total: Any = 0
    missing = 1  # (D+m+j)…(D+2m-1)
    for j in range(m, -1, -1):
        weight = math.comb(m, j) * (-1) ** j * math.factorial(2 * j) * math.factorial(m - j) * missing
        total += weight * series[2 * j, m - j]
        missing *= dimension + m + j - 1
    return Fraction(total) / math.prod(range(dimension, dimension + 2 * m))


def sum_moments(law: KernelLaw, order: int = 4) -> list[Fraction]:
    """E S^m for m = 0 … order, where K = v_O S and S = Σ 4 v_G x² over the parameters; exact."""
    recurrence = _recurrence(law.generator, order)
    raw = _numerators(law.parameters, recurrence)
    return [Fraction(value, below) for value, below in zip(raw, recurrence.denominators, strict=True)]


def whole_sum_moments(law: KernelLaw, order: int) -> list[int]:
    """The same in a unit in which they are whole numbers: E (uS)^m. For small orders; u^m is large."""
    recurrence = _recurrence(law.generator, order)
    raw = _numerators(law.parameters, recurrence)
    return [value * (recurrence.unit**m // recurrence.denominators[m]) for m, value in enumerate(raw)]


@dataclass(frozen=True)
class _Recurrence:
    """E S^n from those of lower order, in whole numbers: fractions would cost more than all else.

    Attributes:
        unit: u such that u^k makes the k-th cumulant of a term whole.
        denominators: q_n, of E S^n at every L.
        weights: of L q_{n-k} E S^{n-k} in q_n E S^n, for n = 1, 2, … and k = 1 … n.
    """

    unit: int
    denominators: list[int]
    weights: list[list[int]]


def _numerators(parameters: int, recurrence: _Recurrence) -> list[int]:
    """q_n E S^n."""
    raw = [1]
    for weights in recurrence.weights:
        raw.append(parameters * sum(map(mul, weights, reversed(raw))))
    return raw


@functools.lru_cache(maxsize=256)
def _recurrence(generator: OperatorMoments, order: int) -> _Recurrence:
    """From the cumulants κ_k of 4 v_G x²: E S^n = L Σ_k C(n-1, k-1) κ_k E S^{n-k}."""
    D = generator.dimension
    v = variance_moments(generator, order)
    term = [Fraction(1)]
    coordinate = Fraction(1)
    for k in range(1, order + 1):
        coordinate *= Fraction(2 * k - 1, 2) / (D - 2 + k)
        term.append(4**k * v[k] * coordinate)
    cumulants = [Fraction(0)]
    for n in range(1, order + 1):
        lower = sum((math.comb(n - 1, k - 1) * cumulants[k] * term[n - k] for k in range(1, n)), Fraction(0))
        cumulants.append(term[n] - lower)
    denominators, weights = [1], []
    for n in range(1, order + 1):
        parts = [math.comb(n - 1, k - 1) * cumulants[k] / denominators[n - k] for k in range(1, n + 1)]
        denominators.append(math.lcm(*(part.denominator for part in parts)))
        weights.append([int(part * denominators[n]) for part in parts])
    return _Recurrence(math.lcm(*(c.denominator for c in cumulants)), denominators, weights)


def whole(moments: Sequence[Fraction]) -> list[int]:
    """Moments in a unit in which they are whole numbers.

    >>> whole([Fraction(1), Fraction(1, 2), Fraction(1, 3)])
    [1, 3, 12]
    """
    unit = math.lcm(*(moment.denominator for moment in moments))
    return [int(moment * unit**k) for k, moment in enumerate(moments)]


def _central_moments(law: KernelLaw) -> dict[int, Fraction]:
    """Second to fourth central moments of K, as far as they are known."""
    order = min(known_order(law.observable, 4), known_order(law.generator, 4))
    raw = [v * s for v, s in zip(variance_moments(law.observable, order), sum_moments(law, order), strict=True)]
    mean = raw[1]
    return {
        n: sum((math.comb(n, k) * raw[k] * (-mean) ** (n - k) for k in range(n + 1)), Fraction(0))
        for n in range(2, order + 1)
    }
