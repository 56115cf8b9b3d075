"""Densities from exact moments: a beta or gamma density times a polynomial.

With w the reference density and p_n its orthonormal polynomials, the density of a positive X is approximated by

    f(x) = w(x) Σ_{n<=N} c_n p_n(x),      c_n = E p_n(X),

which has the first N moments of X. The c_n come from exact moments in rational arithmetic, so that nothing cancels.
Both references obey (x σ(x) w p_n')' = -λ_n w p_n with σ = 1 - x, λ_n = n(n + α + β - 1) for the beta density on [0, 1]
and σ = 1, λ_n = n for the gamma density, hence ∫_0^x w p_n = -x σ w p_n' / λ_n: the CDF is as explicit as the density.
The truncation error of f in total variation is at most ½ (Σ_{n>N} c_n²)^{1/2}, by Cauchy-Schwarz.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.linalg import eigh_tridiagonal

Float = NDArray[np.float64]


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
        """(a_n, b_n²) of x p_n = b_{n+1} p_{n+1} + a_n p_n + b_n p_{n-1}."""
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
        """c_n = E p_n from the monic polynomials."""
        moments = [m / self.scale**n for n, m in enumerate(self.moments)]
        previous: list[Fraction] = []
        monic = [Fraction(1)]
        squared_norm = Fraction(1)
        result = [1.0]
        for n in range(len(moments) - 1):
            a, b = self.reference.recurrence(n)
            following = [Fraction(0), *monic]
            for k, value in enumerate(monic):
                following[k] -= a * value
            for k, value in enumerate(previous):
                following[k] -= b * value
            previous, monic = monic, following
            squared_norm *= self.reference.recurrence(n + 1)[1]
            mean = sum((c * m for c, m in zip(monic, moments, strict=False)), Fraction(0))
            size = mean * mean / squared_norm
            result.append(math.copysign(math.sqrt(size), mean))
        object.__setattr__(self, "coefficients", np.array(result))

    @property
    def truncation(self) -> float:
        """Size of what is left out, judged by the last four coefficients: about the largest error of the CDF."""
        return float(np.sqrt(np.sum(self.coefficients[1:][-4:] ** 2)) / 2)

    def ratio(self, x: Float) -> Float:
        """The polynomial f / w at the reference's x."""
        return self._series(x, np.ones_like(self.coefficients), 0)

    def pdf(self, values: Float) -> Float:
        """The density of X; 0 outside the support, and where the truncated series is negative."""
        x, inside = self._scaled(values)
        density = np.where(inside, self.reference.pdf(x) * self.ratio(x), 0.0) / float(self.scale)
        return np.maximum(density, 0.0)

    def cdf(self, values: Float) -> Float:
        """The distribution function of X, between 0 and 1."""
        x, inside = self._scaled(values)
        orders = np.arange(1, len(self.coefficients))
        sigma, rates = 1.0 - x, orders * (orders + float(self.reference.alpha + (self.reference.beta or 0)) - 1)
        if self.reference.beta is None:
            sigma, rates = np.ones_like(x), orders.astype(float)
        slope = self._series(x, np.concatenate([[0.0], 1 / rates]), 1)
        total = self.reference.cdf(x) - np.where(inside, x * sigma * self.reference.pdf(x) * slope, 0.0)
        return np.clip(total, 0.0, 1.0)

    def _scaled(self, values: Float) -> tuple[Float, NDArray[np.bool_]]:
        """x clipped to the support, and which values lie inside it."""
        x = np.asarray(values, dtype=float) / float(self.scale)
        top = math.inf if self.reference.beta is None else 1.0
        return np.clip(x, 0.0, top), (x > 0) & (x < top)

    def _series(self, x: Float, weights: Float, derivative: int) -> Float:
        """Σ c_n weight_n p_n(x), or the same with p_n'."""
        before, value = np.zeros_like(x), np.ones_like(x)
        slope_before, slope = np.zeros_like(x), np.zeros_like(x)
        total = self.coefficients[0] * weights[0] * (slope if derivative else value)
        a = float(self.reference.recurrence(0)[0])
        lower = 0.0
        for n in range(1, len(self.coefficients)):
            following, square = self.reference.recurrence(n)
            upper = math.sqrt(square)
            before, value, slope_before, slope = (
                value,
                ((x - a) * value - lower * before) / upper,
                slope,
                (value + (x - a) * slope - lower * slope_before) / upper,
            )
            total = total + self.coefficients[n] * weights[n] * (slope if derivative else value)
            a, lower = float(following), upper
        return np.asarray(total)
