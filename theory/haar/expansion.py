"""Densities from exact moments: a beta or gamma density times a polynomial.

With w the reference density and p_n its orthonormal polynomials, the density of a positive X is approximated by

    f(x) = w(x) Σ_{n<=N} c_n p_n(x),      c_n = E p_n(X),

which has the first N moments of X. The c_n come from exact moments, with as many digits as their cancellation asks for.
Both references obey (x σ(x) w p_n')' = -λ_n w p_n with σ = 1 - x, λ_n = n(n + α + β - 1) for the beta density on [0, 1]
and σ = 1, λ_n = n for the gamma density, hence ∫_0^x w p_n = -x σ w p_n' / λ_n: the CDF is as explicit as the density.
The truncation error of f in total variation is at most ½ (Σ_{n>N} c_n²)^{1/2}, by Cauchy-Schwarz.
"""

from __future__ import annotations

import decimal
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.linalg import eigh_tridiagonal

Float = NDArray[np.float64]
_STIRLING = 1e5
"""From here on Γ(α) is its Stirling series to 1/α, good to 1e-17."""


@dataclass(frozen=True)
class Reference:
    """A beta density on [0, 1], or a gamma density of unit scale where ``beta`` is None.

    Attributes:
        alpha: exponent at 0: w ~ x^(α-1).
        beta: exponent at 1.
    """

    alpha: Fraction
    beta: Fraction | None = None

    def recurrence(self, n: int) -> tuple[Fraction, Fraction]:
        """(a_n, b_n²) of x p_n = b_{n+1} p_{n+1} + a_n p_n + b_n p_{n-1}; fractions, each worked out once."""
        if n not in self._known:
            self._known[n] = self._recurrence(n)
        return self._known[n]

    @cached_property
    def _known(self) -> dict[int, tuple[Fraction, Fraction]]:
        return {}

    def _recurrence(self, n: int) -> tuple[Fraction, Fraction]:
        alpha = self.alpha
        if self.beta is None:
            return 2 * n + alpha, n * (n + alpha - 1)
        beta = self.beta
        s = alpha + beta - 2
        if n == 0:
            return alpha / (s + 2), Fraction(0)
        a = (2 * n * (n + s + 1) + alpha * s) / ((2 * n + s) * (2 * n + s + 2))
        if n == 1:  # (n + s) cancels against (2n + s - 1), which may both vanish
            return a, alpha * beta / ((s + 2) ** 2 * (s + 3))
        square = n * (n + alpha - 1) * (n + beta - 1) * (n + s)
        return a, square / ((2 * n + s) ** 2 * (2 * n + s + 1) * (2 * n + s - 1))

    def pdf(self, x: Float) -> Float:
        """The density w."""
        with np.errstate(divide="ignore"):
            alpha = float(self.alpha)
            if self.beta is None and alpha > _STIRLING:  # about x = α, where large terms would cancel
                u = (x - alpha) / alpha
                log = alpha * (np.log1p(u) - u) - np.log1p(u) - np.log(2 * np.pi * alpha) / 2 - 1 / (12 * alpha)
                return np.asarray(np.exp(log))
            if self.beta is None:
                return np.asarray(np.exp(special.xlogy(alpha - 1, x) - x - special.gammaln(alpha)))
            beta = float(self.beta)
            log = special.xlogy(alpha - 1, x) + special.xlog1py(beta - 1, -x) - special.betaln(alpha, beta)
            return np.asarray(np.exp(log))

    def cdf(self, x: Float) -> Float:
        """The distribution function of w."""
        if self.beta is None:
            return np.asarray(special.gammainc(float(self.alpha), x))
        return np.asarray(special.betainc(float(self.alpha), float(self.beta), x))

    def quadrature(self, nodes: int) -> tuple[Float, Float]:
        """Gauss nodes and weights: exact for polynomials of degree 2·nodes - 1 (Golub and Welsch)."""
        pairs = [self.recurrence(n) for n in range(nodes)]
        diagonal = np.array([float(a) for a, _ in pairs])
        off = np.sqrt([float(b) for _, b in pairs[1:]])
        points, vectors = eigh_tridiagonal(diagonal, off)
        return np.asarray(points, dtype=np.float64), np.asarray(vectors[0] ** 2, dtype=np.float64)


@dataclass(frozen=True)
class MomentDensity:
    """The density of X = scale · x with x given by a reference and the moments of X.

    Args:
        reference: beta or gamma density of x.
        scale: of X; the reference's support is [0, scale] or [0, ∞).
        moments: E X^n for n = 0 … N, exact; N >= 1.
    """

    reference: Reference
    scale: Fraction
    moments: Sequence[Fraction] = field(repr=False)
    coefficients: Float = field(init=False)

    def __post_init__(self) -> None:
        """c_n = E p_n from the monic polynomials, in decimals with more digits than they lose to cancellation."""
        order = len(self.moments) - 1
        with decimal.localcontext() as context:
            context.prec = 50 + 4 * order
            scale = _decimal(self.scale)
            moments = [_decimal(m) / scale**n for n, m in enumerate(self.moments)]
            previous: list[Decimal] = []
            monic = [Decimal(1)]
            squared_norm = Decimal(1)
            result = [1.0]
            for n in range(order):
                a, b = map(_decimal, self.reference.recurrence(n))
                following = [Decimal(0), *monic]
                for k, value in enumerate(monic):
                    following[k] -= a * value
                for k, value in enumerate(previous):
                    following[k] -= b * value
                previous, monic = monic, following
                squared_norm *= _decimal(self.reference.recurrence(n + 1)[1])
                mean = sum((c * m for c, m in zip(monic, moments, strict=False)), Decimal(0))
                result.append(float(mean / squared_norm.sqrt()))
        object.__setattr__(self, "coefficients", np.array(result))

    @property
    def last(self) -> Float:
        """The coefficients of the last quarter of the terms, and 0 for the others: what more moments might change."""
        order = len(self.coefficients) - 1
        kept = np.arange(order + 1) > order - max(1, order // 4)
        return np.where(kept, self.coefficients, 0.0)

    @cached_property
    def truncation(self) -> float:
        """What the last quarter of the terms changes of the distribution function at most: about what is left out."""
        return self.doubt([self.last])

    def doubt(self, series: Sequence[Float]) -> float:
        """What the sum of such series, whatever their signs, changes of the distribution function at most."""
        levels = np.linspace(0.0005, 0.9995, 500)
        reference = self.reference
        if reference.beta is None:
            x = np.asarray(special.gammaincinv(float(reference.alpha), levels), dtype=np.float64)
        else:
            x = np.asarray(special.betaincinv(float(reference.alpha), float(reference.beta), levels), dtype=np.float64)
        return float(sum(np.abs(self._integral(x, coefficients)).max() for coefficients in series))

    def ratio(self, x: Float) -> Float:
        """The polynomial f / w at the reference's x."""
        return self._series(x, self.coefficients, 0)

    def ratio_of(self, x: Float, coefficients: Float) -> Float:
        """The same with other coefficients."""
        return self._series(x, coefficients, 0)

    def pdf(self, values: Float) -> Float:
        """The density of X; 0 outside the support, and where the truncated series is negative."""
        x, inside = self._scaled(values)
        density = np.where(inside, self.reference.pdf(x) * self.ratio(x), 0.0) / float(self.scale)
        return np.maximum(density, 0.0)

    def cdf(self, values: Float) -> Float:
        """The distribution function of X, between 0 and 1."""
        x, inside = self._scaled(values)
        total = self.reference.cdf(x) + np.where(inside, self._integral(x, self.coefficients), 0.0)
        return np.clip(total, 0.0, 1.0)

    def _integral(self, x: Float, coefficients: Float) -> Float:
        """Σ_{n>0} c_n ∫_0^x w p_n, for x inside the support."""
        orders = np.arange(1, len(coefficients))
        sigma, rates = 1.0 - x, orders * (orders + float(self.reference.alpha + (self.reference.beta or 0)) - 1)
        if self.reference.beta is None:
            sigma, rates = np.ones_like(x), orders.astype(float)
        slope = self._series(x, coefficients * np.concatenate([[0.0], 1 / rates]), 1)
        return np.asarray(-x * sigma * self.reference.pdf(x) * slope)

    def _scaled(self, values: Float) -> tuple[Float, NDArray[np.bool_]]:
        """x clipped to the support, and which values lie inside it."""
        x = np.asarray(values, dtype=float) / float(self.scale)
        top = math.inf if self.reference.beta is None else 1.0
        return np.clip(x, 0.0, top), (x > 0) & (x < top)

    def _series(self, x: Float, coefficients: Float, derivative: int) -> Float:
        """Σ coefficient_n p_n(x), or the same with p_n'."""
        before, value = np.zeros_like(x), np.ones_like(x)
        slope_before, slope = np.zeros_like(x), np.zeros_like(x)
        total = coefficients[0] * (slope if derivative else value)
        a = float(self.reference.recurrence(0)[0])
        lower = 0.0
        for n in range(1, len(coefficients)):
            following, square = self.reference.recurrence(n)
            upper = math.sqrt(square)
            before, value, slope_before, slope = (
                value,
                ((x - a) * value - lower * before) / upper,
                slope,
                (value + (x - a) * slope - lower * slope_before) / upper,
            )
            total = total + coefficients[n] * (slope if derivative else value)
            a, lower = float(following), upper
        return np.asarray(total)


def _decimal(number: Fraction) -> Decimal:
    return Decimal(number.numerator) / Decimal(number.denominator)
